# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import CephError
from ansible_collections.baremetal.proxmox.plugins.modules import ceph_mds, ceph_mgr
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.ceph_world import World
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_ceph import Then

MODULES = {"mgr": ceph_mgr, "mds": ceph_mds}
TITLES = {"mgr": "manager", "mds": "mds"}
DUMPS = {"mgr": "mgr dump", "mds": "fs dump"}
MISSING = CephError("auth get", 2, "failed to find it in keyring")
KEY = ({"entity": "x", "key": "AQ==", "caps": {}},)
CAPS = {
    "mgr": "mon,allow profile mgr,osd,allow *,mds,allow *",
    "mds": "mon,allow profile mds,osd,allow rwx,mds,allow *",
}
SECTION = "[mds]\n\tkeyring = /var/lib/ceph/mds/ceph-$id/keyring\n[mds.pve1]\n\thost = pve1\n"
kinds = pytest.mark.parametrize("kind", ["mgr", "mds"])


@pytest.fixture
def world(tmp_path: Path, monkeypatch: Any) -> World:
    return World(tmp_path, monkeypatch)


def dump(kind: str, *names: str, ranks: int = 0) -> dict[str, Any]:
    """The first are active, with C(ranks) of a file system; the others stand by."""
    if kind == "mgr":
        return {
            "active_name": names[0] if names else "",
            "available": bool(names),
            "standbys": [{"name": name} for name in names[1:]],
        }
    info = {f"gid_{name}": {"name": name, "state": "up:active"} for name in names[:ranks]}
    return {
        "standbys": [{"name": name, "state": "up:standby"} for name in names[ranks:]],
        "filesystems": [{"mdsmap": {"fs_name": "cephfs", "max_mds": ranks, "info": info}}] if ranks else [],
    }


def begin(world: World, kind: str, *names: str, key: Any = KEY, ranks: int = 0, section: bool = False) -> None:
    world.initialise("pve1", sections=SECTION if section else "")
    world.ceph.answers |= {
        DUMPS[kind]: dump(kind, *names, ranks=ranks),
        f"auth get entity={kind}.pve1": key,
        f"{kind} metadata": [{"name": name, "hostname": f"{name}.example.org"} for name in names],
    }


def whole(world: World, kind: str, *names: str, **options: Any) -> None:
    begin(world, kind, *names, section=kind == "mds", **options)
    world.daemon(kind)


def asked(world: World) -> list[str]:
    """Commands that write."""
    return [call for call in world.ceph.calls if call.startswith("auth ") and not call.startswith("auth get entity")]


@kinds
def test_a_new_one(world: World, kind: str) -> None:
    begin(world, kind, key=MISSING)
    world.api.on[f"POST ceph/{kind}/pve1"] = lambda: whole(world, kind, "pve1")
    checked = world.run(MODULES[kind], check=True)
    assert (checked["actions"], world.quiet(), asked(world)) == (["create"], True, [])
    result = world.run(MODULES[kind])
    state = "active" if kind == "mgr" else "up:standby"
    assert result[TITLES[kind]] == {"name": "pve1", "state": state, "running": True, "enabled": True}
    assert (world.api.calls, world.cli.done, asked(world)) == ([("POST", f"ceph/{kind}/pve1", {})], [], [])
    assert world.run(MODULES[kind])["changed"] is False


def test_on_a_node_with_nothing_else_of_ceph(world: World) -> None:
    begin(world, "mds", key=MISSING)
    link = world.root / "etc/ceph/ceph.conf"
    link.unlink(missing_ok=True)
    world.api.on["POST ceph/mds/pve1"] = lambda: whole(world, "mds", "pve1")
    world.run(ceph_mds, check=True)
    assert not link.is_symlink()
    assert world.run(ceph_mds)["actions"] == ["create"]
    assert str(link.readlink()) == "/etc/pve/ceph.conf"


@kinds
@pytest.mark.parametrize("entity", [False, True])
def test_a_directory_is_all_there_is(world: World, kind: str, entity: bool) -> None:
    begin(world, kind, "pve2", key=KEY if entity else Then(MISSING, KEY))
    world.daemon(kind, state="inactive", enabled=False, heart=False)
    world.ceph.answers["auth get-or-create *"] = None
    world.on_start[f"ceph-{kind}@pve1"] = lambda: world.ceph.answers.update({DUMPS[kind]: dump(kind, "pve2", "pve1")})
    result = world.run(MODULES[kind])
    conf = ["conf"] if kind == "mds" else []
    assert (result["actions"], world.api.calls) == (["key", *conf, "enable", "start"], [])
    assert asked(world) == ([] if entity else [f"auth get-or-create caps={CAPS[kind]} entity={kind}.pve1"])
    keyring = world.root / f"var/lib/ceph/{kind}/ceph-pve1/keyring"
    assert keyring.read_text() == f"[{kind}.pve1]\n\tkey = AQ==\n" and keyring.stat().st_mode & 0o777 == 0o600
    own = f"chown -R ceph:ceph /var/lib/ceph/{kind}/ceph-pve1"
    unit = f"ceph-{kind}@pve1.service"
    assert world.cli.done == [own, f"systemctl enable {unit}", own, f"systemctl start {unit}"]
    assert "AQ==" not in str(result)


def test_a_section_is_all_there_is(world: World) -> None:
    begin(world, "mds", key=MISSING, section=True)
    world.ceph.answers |= {"auth get entity=mds.pve1": Then(MISSING, KEY), "auth get-or-create *": None}
    world.on_start["ceph-mds@pve1"] = lambda: world.ceph.answers.update({"fs dump": dump("mds", "pve1")})
    assert world.run(ceph_mds)["actions"] == ["key", "enable", "start"]
    assert (world.root / "var/lib/ceph/mds/ceph-pve1/keyring").exists()


def test_the_section_as_proxmox_writes_it(world: World) -> None:
    begin(world, "mds", "pve1")
    world.daemon("mds")
    assert world.run(ceph_mds)["actions"] == ["conf"]
    assert world.conf()["mds.pve1"] == {"host": "pve1"}
    assert world.conf()["mds"] == {"keyring": "/var/lib/ceph/mds/ceph-$id/keyring"}


@kinds
def test_one_that_was_killed(world: World, kind: str) -> None:
    whole(world, kind, "pve2")
    world.units[f"ceph-{kind}@pve1"] = "failed"
    world.on_start[f"ceph-{kind}@pve1"] = lambda: world.ceph.answers.update({DUMPS[kind]: dump(kind, "pve2", "pve1")})
    assert world.run(MODULES[kind])["actions"] == ["start"]


@kinds
def test_a_key_that_is_not_the_one_of_ceph(world: World, kind: str) -> None:
    whole(world, kind, "pve1", key=[{"key": "Ag=="}])
    result = world.run(MODULES[kind])
    assert result["actions"] == ["key"]
    assert world.cli.done[-1] == f"systemctl restart ceph-{kind}@pve1.service"
    assert "Ag==" in (world.root / f"var/lib/ceph/{kind}/ceph-pve1/keyring").read_text()


@kinds
def test_one_that_is_not_seen(world: World, kind: str) -> None:
    whole(world, kind, "pve2")
    result = world.run(MODULES[kind], {"timeout": 10})
    assert f"ceph-{kind}@pve1 is active" in result["msg"]
    assert "waited 10 s" in result["msg"] and world.now == 10


@kinds
def test_a_name_that_is_taken_elsewhere(world: World, kind: str) -> None:
    begin(world, kind, "pve1")
    world.ceph.answers[f"{kind} metadata"] = [{"name": "pve1", "hostname": "pve7"}]
    assert "found it running on pve7" in world.run(MODULES[kind])["msg"]
    assert world.run(MODULES[kind], {"state": "absent"})["changed"] is False
    assert world.quiet() and asked(world) == []


@kinds
def test_without_a_monitor(world: World, kind: str) -> None:
    world.initialise()
    result = world.run(MODULES[kind], check=True)
    assert (result["changed"], len(result["warnings"])) == (True, 1)
    assert "expected Ceph to have a monitor" in world.run(MODULES[kind])["msg"]
    assert world.run(MODULES[kind], {"state": "absent"})["changed"] is False


def test_a_metadata_server_with_a_number(world: World) -> None:
    begin(world, "mds")
    world.ceph.answers["auth get entity=mds.1a"] = MISSING
    assert "no digit in front" in world.run(ceph_mds, {"name": "1a"})["msg"]


# Removal


def removes(world: World, kind: str, *left: str, ranks: int = 0) -> None:
    def gone() -> None:
        shutil.rmtree(world.root / f"var/lib/ceph/{kind}/ceph-pve1", ignore_errors=True)
        begin(world, kind, *left, key=MISSING, ranks=ranks)
        world.units[f"ceph-{kind}@pve1"] = "inactive"
        world.systemctl("disable", f"ceph-{kind}@pve1")

    world.api.on[f"DELETE ceph/{kind}/pve1"] = gone


@kinds
def test_removal(world: World, kind: str) -> None:
    whole(world, kind, "pve1", "pve2", ranks=1)
    removes(world, kind, "pve2", ranks=1)
    checked = world.run(MODULES[kind], {"state": "absent"}, check=True)
    assert (checked["actions"], world.quiet()) == (["destroy"], True)
    result = world.run(MODULES[kind], {"state": "absent"})
    assert (result["changed"], result[TITLES[kind]]) == (True, None)
    assert world.api.calls == [("DELETE", f"ceph/{kind}/pve1", {})]
    assert world.run(MODULES[kind], {"state": "absent"})["changed"] is False


@kinds
def test_removal_of_the_last(world: World, kind: str) -> None:
    whole(world, kind, "pve1", ranks=1)
    removes(world, kind, ranks=0)
    result = world.run(MODULES[kind], {"state": "absent"})
    assert "expected 1 other to go on without it, found 0 (none). Make another one first" in result["msg"]
    assert world.quiet()
    assert world.run(MODULES[kind], {"state": "absent", "allow_last": True})["changed"] is True


def test_a_metadata_server_that_nobody_needs(world: World) -> None:
    whole(world, "mds", "pve1")
    removes(world, "mds")
    assert world.run(ceph_mds, {"state": "absent"})["changed"] is True


@kinds
def test_a_removal_that_was_cut_off(world: World, kind: str) -> None:
    whole(world, kind, "pve2")
    shutil.rmtree(world.root / f"var/lib/ceph/{kind}/ceph-pve1")
    world.ceph.answers |= {f"auth del entity={kind}.pve1": None, f"auth get entity={kind}.pve1": Then(KEY, MISSING)}
    result = world.run(MODULES[kind], {"state": "absent"})
    unit = f"ceph-{kind}@pve1.service"
    assert (result["actions"], world.cli.done) == (["forget"], [f"systemctl disable {unit}", f"systemctl stop {unit}"])
    assert asked(world) == [f"auth del entity={kind}.pve1"]
    assert "mds.pve1" not in world.conf()
