# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import CephError
from ansible_collections.baremetal.proxmox.plugins.modules import ceph_info
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.ceph_world import FSID, World, quorum
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import run_module

POOL = {"pool": 1, "pool_name": ".mgr", "type": 1, "size": 3, "min_size": 2, "pg_num": 1, "pg_autoscale_mode": "on"}
EC = {**POOL, "pool": 2, "pool_name": "ec", "type": 3, "application_metadata": {"rbd": {}}}
MDS = {"gid_1": {"name": "pve1", "state": "up:active"}}
ANSWERS = {
    "quorum_status": quorum("pve1", "pve2", out="pve3"),
    "health detail=detail": {
        "status": "HEALTH_WARN",
        "checks": {"MON_DOWN": {"severity": "HEALTH_WARN", "summary": {"message": "1/3 mons down"}, "muted": False}},
    },
    "mgr dump": {"active_name": "pve2", "available": True, "standbys": [{"name": "pve1"}]},
    "mgr metadata": [{"name": "pve1", "hostname": "pve1"}, {"name": "pve2", "hostname": "pve2"}],
    "fs dump": {
        "standbys": [{"name": "pve2", "state": "up:standby"}],
        "filesystems": [
            {"mdsmap": {"fs_name": "cephfs", "metadata_pool": 1, "data_pools": [2, 9], "max_mds": 1, "info": MDS}}
        ],
    },
    "mds metadata": [{"name": "pve1", "hostname": "pve1"}],
    "osd dump": {
        "flags": "noout,sortbitwise,recovery_deletes,purged_snapdirs,pglog_hardlimit",
        "pools": [POOL, EC],
        "osds": [
            {"osd": 0, "uuid": "u0", "up": 1, "in": 1, "state": ["exists", "up"], "public_addr": "10.98.0.11:6801/123"},
            {"osd": 1, "uuid": "u1", "up": 0, "in": 0, "state": ["destroyed", "exists"], "public_addr": ":/0"},
        ],
    },
    "osd tree": {
        "nodes": [
            {"id": -1, "name": "default", "type": "root", "children": [-3]},
            {"id": -3, "name": "pve1", "type": "host", "children": [0, 1]},
            {"id": 0, "name": "osd.0", "device_class": "ssd", "crush_weight": 0.01},
            {"id": 1, "name": "osd.1", "device_class": "hdd", "crush_weight": 0.01},
        ],
        "stray": [],
    },
    "osd metadata": [{"id": 0, "hostname": "pve1", "devices": "sda,sdb", "device_ids": "sda=X_1,sdb=X_2"}],
    "versions": {"overall": {"ceph version 19.2.3": 7}},
    "status": {"pgmap": {"pgs_by_state": [{"state_name": "active+clean", "count": 33}]}},
}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: Any) -> World:
    world = World(tmp_path, monkeypatch)
    world.cli.answers = {"dpkg-query": "ceph-mon\t19.2.3-pve2\tinstalled\n"}
    return world


def read(world: World) -> dict[str, Any]:
    world.monkeypatch.setattr(ceph_info._node, "Machine", lambda: world.machine)
    result = run_module(world.monkeypatch, lambda _connect: ceph_info.run(lambda _module: world.connect()), {})
    assert result["changed"] is False and world.quiet()
    return dict(result["ceph"])


def test_a_bare_machine(world: World) -> None:
    found = read(world)
    assert found["half_made"] == {"mon": [], "mgr": [], "mds": []}
    assert not (found["installed"] or found["initialised"] or found["answers"] or found["version"] or found["mons"])


def test_a_ceph_at_work(world: World) -> None:
    world.initialise("pve1", "pve2", "pve3", sections="[mds.pve1]\n\thost = pve1\n")
    for kind in ("mon", "mgr", "mds"):
        world.daemon(kind)
    world.ceph.answers = dict(ANSWERS)
    found = read(world)
    assert sorted(world.ceph.calls) == sorted(ANSWERS)
    assert (found["version"], found["release"], found["fsid"], found["answers"]) == ("19.2.3", "squid", FSID, True)
    assert found["health"]["status"] == "HEALTH_WARN" and found["health"]["checks"][0]["check"] == "MON_DOWN"
    assert found["mons"] == [
        {"name": "pve1", "address": "10.98.0.11", "in_quorum": True},
        {"name": "pve2", "address": "10.98.0.12", "in_quorum": True},
        {"name": "pve3", "address": "10.98.0.13", "in_quorum": False},
    ]
    assert found["mgrs"] == [
        {"name": "pve1", "state": "standby", "host": "pve1"},
        {"name": "pve2", "state": "active", "host": "pve2"},
    ]
    assert found["mds"] == [
        {"name": "pve1", "state": "up:active", "host": "pve1"},
        {"name": "pve2", "state": "up:standby", "host": None},
    ]
    assert found["filesystems"] == [
        {"name": "cephfs", "metadata_pool": ".mgr", "data_pools": ["ec", None], "max_mds": 1, "active": ["pve1"]}
    ]
    assert found["osds"] == [
        {
            "id": 0, "uuid": "u0", "host": "pve1", "bucket": "pve1", "up": True, "in": True, "destroyed": False,
            "device_class": "ssd", "weight": 0.01, "devices": ["sda", "sdb"],
            "device_ids": {"sda": "X_1", "sdb": "X_2"}, "address": "10.98.0.11",
        },
        {
            "id": 1, "uuid": "u1", "host": "pve1", "bucket": "pve1", "up": False, "in": False, "destroyed": True,
            "device_class": "hdd", "weight": 0.01, "devices": [], "device_ids": {}, "address": None,
        },
    ]  # fmt: skip
    assert [(one["name"], one["type"], one["applications"]) for one in found["pools"]] == [
        (".mgr", "replicated", []),
        ("ec", "erasure", ["rbd"]),
    ]
    assert (found["flags"], found["pgs"]) == (["noout"], {"active+clean": 33})
    assert found["half_made"] == {"mon": [], "mgr": [], "mds": []}


def test_a_ceph_that_does_not_answer(world: World) -> None:
    world.initialise("pve1", "pve2")
    world.daemon("mon", state="failed")
    world.daemon("mgr", state="inactive", enabled=False, heart=False)
    world.daemon("mds")
    world.ceph.answers = {"quorum_status": CephError("quorum_status", 110, "")}
    found = read(world)
    assert found["answers"] is False and "Do the monitors have quorum" in found["error"]
    assert [(one["name"], one["in_quorum"]) for one in found["mons"]] == [("pve1", False), ("pve2", False)]
    assert found["half_made"] == {
        "mon": [{"name": "pve1", "lacks": ["running unit"]}],
        "mgr": [{"name": "pve1", "lacks": ["key", "enabled unit", "running unit"]}],
        "mds": [{"name": "pve1", "lacks": ["section in ceph.conf"]}],
    }


def test_what_ceph_does_not_see(world: World) -> None:
    world.initialise("pve1", "pve2", "pve3")
    world.daemon("mon")
    world.daemon("mgr")
    world.ceph.answers = {**ANSWERS, "mgr dump": {"active_name": "pve2", "available": True, "standbys": []}}
    assert read(world)["half_made"]["mgr"] == [{"name": "pve1", "lacks": ["seen by Ceph"]}]


def test_a_refusal_is_an_error(world: World) -> None:
    world.initialise("pve1")
    world.ceph.answers = {"quorum_status": CephError("quorum_status", 13, "no")}
    world.monkeypatch.setattr(ceph_info._node, "Machine", lambda: world.machine)
    result = run_module(world.monkeypatch, lambda _connect: ceph_info.run(lambda _module: world.ceph), {})
    assert result["failed"] and world.ceph.closed
