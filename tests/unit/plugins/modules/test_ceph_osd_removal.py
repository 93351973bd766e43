# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OSDs that go, and those whose disk died."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.osd_world import (
    FSID,
    OTHER,
    Killed,
    OsdWorld,
    label,
    tags,
    volumes,
)

GROUP = "ceph-0a0a0a0a-1b1b-4c2c-8d3d-4e4e4e4e4e4e"
OSD = "/nodes/pve1/ceph/osd"
A, B = "/dev/disk/by-id/ata-SDA", "/dev/disk/by-id/ata-SDB"
POOL = {"pool_name": "vm", "crush_rule": 0, "size": 3}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: Any) -> OsdWorld:
    """osd.0 and osd.1 here, osd.2 and osd.3 elsewhere."""
    made = OsdWorld(tmp_path / "root", monkeypatch)
    for number, name in ((0, "sda"), (1, "sdb")):
        made.disk(name, label(made.osd(number), number=number, fsid=FSID))
    made.osd(2, host="pve2"), made.osd(3, host="pve3")
    made.pools = [POOL]
    return made


def absent(world: OsdWorld, *devices: str, **more: Any) -> dict[str, Any]:
    return world.run(*({"device": device} for device in devices), state="absent", **more)


def test_an_osd_is_emptied_stopped_and_destroyed(world: OsdWorld) -> None:
    predicted = absent(world, A, check=True)
    assert world.writes == []
    result = absent(world, A)
    assert world.writes == [f"POST {OSD}/0/out", "POST /nodes/pve1/ceph/stop service=osd.0", f"DELETE {OSD}/0"]
    assert (result["changes"], result["diff"]) == (predicted["changes"], predicted["diff"])
    assert result["diff"] == {"before": {"osd.0": {"up": True, "in": True, "device": A}}, "after": {}}
    assert world.bytes("sda").startswith(b"bluestore")
    again = absent(world, A)
    assert (again["changed"], world.writes) == (False, [])
    assert "its OSD is gone, and the disk still holds" in again["warnings"][0]


def test_its_disk_is_emptied_when_told(world: OsdWorld) -> None:
    absent(world, A, cleanup=True)
    assert world.writes[-1] == f"DELETE {OSD}/0 cleanup=1"
    assert world.bytes("sda").count(0) == 64 << 20
    assert absent(world, A, cleanup=True)["changed"] is False


def test_it_waits_until_it_is_safe(world: OsdWorld) -> None:
    world.unsafe[0] = "OSD(s) 0 have 12 pgs currently mapped to them."
    result = absent(world, A)
    assert "waited 0 s for osd.0 to be safe to destroy; last seen: OSD(s) 0 have 12 pgs" in result["msg"]
    assert "Nothing is destroyed" in result["msg"]
    assert world.writes == [f"POST {OSD}/0/out"]
    assert 0 in world.osds
    absent(world, A, force=[0])
    assert world.writes == ["POST /nodes/pve1/ceph/stop service=osd.0", f"DELETE {OSD}/0"]


def test_several_are_emptied_together(world: OsdWorld) -> None:
    world.pools = [{**POOL, "size": 2}]
    absent(world, A, B)
    assert world.writes[:2] == [f"POST {OSD}/0/out", f"POST {OSD}/1/out"]
    assert world.ceph is not None
    assert "osd safe-to-destroy ids=0,1" in world.ceph.calls
    assert sorted(world.osds) == [2, 3]


def test_safety_that_cannot_be_reached_is_refused_before(world: OsdWorld) -> None:
    result = absent(world, A, B)
    assert (
        "the pool vm needs 3 of type host with OSDs that are in, and without osd.0, osd.1 there are 2" in result["msg"]
    )
    assert world.writes == []
    absent(world, A, B, force=[0, 1])
    assert sorted(world.osds) == [2, 3]


def test_data_that_has_no_room_is_refused_before(world: OsdWorld, monkeypatch: Any) -> None:
    full = {"osd df": lambda _given: {"nodes": [{"id": one, "kb": 1000, "kb_used": 700} for one in world.osds]}}
    answers = world.answers
    monkeypatch.setattr(world, "answers", lambda: answers() | full)
    assert "the data would fill 93 % of the OSDs that are left" in absent(world, A)["msg"]
    assert world.writes == []


@pytest.mark.parametrize("cleanup", [False, True])
def test_killed_anywhere_the_next_run_goes_on(world: OsdWorld, cleanup: bool) -> None:
    row, content = dict(world.osds[0]), world.bytes("sda")
    for at in range(1, 20):
        world.osds[0], world.units[0] = dict(row), "active"
        world.put("sda", content)
        world.steps, world.kill_at = 0, at
        try:
            absent(world, A, cleanup=cleanup)
        except Killed:
            world.kill_at = None
            assert not absent(world, A, cleanup=cleanup)["failed"], at
        else:
            assert at > 6
            return
        assert sorted(world.osds) == [1, 2, 3], at
        assert absent(world, A, cleanup=cleanup)["changed"] is False, at
        assert (world.bytes("sda").count(0) == 64 << 20) == cleanup, at
    raise AssertionError("it was always killed")


def test_what_proxmox_does_not_find_is_purged(world: OsdWorld) -> None:
    """A kill has left it in the map without a place in the CRUSH tree."""
    world.osds[0].update({"placed": False, "up": False, "in": False})
    world.units[0] = "inactive"
    absent(world, A, cleanup=True)
    assert world.writes == [
        "osd purge-actual id=0 yes_i_really_mean_it=True",
        "systemctl disable ceph-osd@0.service",
        "PUT /nodes/pve1/disks/wipedisk disk=/dev/sda",
    ]


def test_volumes_of_what_proxmox_does_not_find(world: OsdWorld) -> None:
    osd = world.osd(4, up=False, placed=False, **{"in": False})
    world.disk("sdc", volumes(GROUP, {f"osd-block-{osd}": tags(osd, 4)}))
    absent(world, "/dev/disk/by-id/ata-SDC", cleanup=True)
    zap = f"ceph-volume lvm zap --destroy --osd-fsid {osd}"
    assert world.writes == [
        "osd purge-actual id=4 yes_i_really_mean_it=True",
        "systemctl disable ceph-osd@4.service",
        zap,
    ]


def test_an_osd_under_another_crush_host(world: OsdWorld) -> None:
    """Proxmox goes by CRUSH; the setting that kept it there does not wait for the next OSD of its number."""
    world.osds[0]["crush_host"] = "pve1-fast"
    absent(world, A)
    assert world.writes == [
        f"POST {OSD}/0/out",
        "POST /nodes/pve1/ceph/stop service=osd.0",
        "osd purge-actual id=0 yes_i_really_mean_it=True",
        "systemctl disable ceph-osd@0.service",
        "config rm name=crush_location who=osd.0",
    ]


def test_disks_without_an_osd_stay_as_they_are(world: OsdWorld) -> None:
    world.disk("sdc"), world.disk("sdd", label(str(uuid.uuid4()), number=0, fsid=OTHER))
    assert absent(world, "/dev/disk/by-id/ata-SDC", cleanup=True)["changed"] is False
    result = absent(world, "/dev/disk/by-id/ata-SDD", cleanup=True)
    assert f"expected an OSD of this cluster or none, found osd.0 of {OTHER}" in result["msg"]
    assert "nothing is removed for it" in absent(world, "/dev/disk/by-id/gone")["warnings"][0]
    assert world.writes == []


@pytest.mark.parametrize("fsid", [OTHER, FSID])
def test_another_osd_of_its_number_would_be_wiped_with_it(world: OsdWorld, fsid: str) -> None:
    """Proxmox zaps by number, also the disk of another cluster."""
    other = str(uuid.uuid4())
    world.disk("sdc", volumes(GROUP, {f"osd-block-{other}": tags(other, 0, fsid=fsid)}))
    result = absent(world, A)
    assert f"found that /dev/disk/by-id/ata-SDC has osd.0 of {fsid}" in result["msg"]
    die(world)
    for call in ({"osds": [0], "state": "absent"}, {"config": [{"device": A, "replaces": [0]}]}):
        config = call.pop("config", [])
        assert "Proxmox goes by the number" in world.run(*config, **call)["msg"]
    assert world.writes == []


def test_an_osd_that_was_never_whole_goes_at_once(world: OsdWorld) -> None:
    osd = world.osd(4, up=False, new=True)
    world.disk("sdc", label(osd, number=4, fsid=FSID))
    absent(world, "/dev/disk/by-id/ata-SDC")
    assert world.writes == [
        "systemctl stop ceph-osd@4.service",
        "PUT /nodes/pve1/disks/wipedisk disk=/dev/sdc",
        "osd purge-new id=4 yes_i_really_mean_it=True",
    ]


# -- dead disks


def die(world: OsdWorld, number: int = 0, name: str = "sda") -> None:
    """The disk is another one, new and empty, and the daemon is down."""
    world.put(name, b"")
    world.osds[number]["up"], world.units[number] = False, "failed"


def test_a_dead_disk_is_replaced_in_one_run(world: OsdWorld) -> None:
    die(world)
    warned = world.run({"device": B})["warnings"]
    assert warned == [
        "osd.0 of this node is down, and its disk is not here. Where a new disk takes its place, say 'replaces: [0]' on that"
        " entry; else remove it with state: absent and osds: [0]."
    ]
    old = world.osds[0]["uuid"]
    config = [{"device": A, "replaces": [0]}, {"device": B}]
    predicted = world.run(*config, check=True)
    assert predicted["changes"] == [{"action": "destroy", "osd": 0}, {"action": "create", "device": A}]
    assert predicted["diff"]["before"]["osd.0"] == {"up": False, "in": True, "device": "gone"}
    world.run(*config)
    assert world.writes == [f"POST {OSD}/0/out", f"DELETE {OSD}/0", f"POST {OSD} dev={A}"]
    assert world.osds[0]["up"]
    assert world.osds[0]["uuid"] != old
    # the word stays in the inventory, and the new OSD has the old number
    again = world.run(*config)
    assert (again["changed"], world.writes) == (False, [])


def test_without_the_word_the_dead_one_stays(world: OsdWorld) -> None:
    die(world)
    world.run({"device": A})
    assert world.writes == [f"POST {OSD} dev={A}"]
    assert sorted(world.osds) == [0, 1, 2, 3, 4]


def test_replacing_is_refused_for_what_is_not_dead(world: OsdWorld) -> None:
    world.disk("sdc")
    new = "/dev/disk/by-id/ata-SDC"
    assert "expected a dead OSD, found one that runs" in world.run({"device": new, "replaces": [0]})["msg"]
    world.osds[0]["up"], world.units[0] = False, "inactive"
    assert f"expected its disk to be gone, found it in {A}" in world.run({"device": new, "replaces": [0]})["msg"]
    world.osds[2]["up"] = False
    assert "expected an OSD of pve1, found one of pve2" in world.run({"device": new, "replaces": [2]})["msg"]
    assert world.writes == []
    # a number that nobody has is no reason to stop: the run before may have removed it
    assert [one["action"] for one in world.run({"device": new, "replaces": [9]}, check=True)["changes"]] == ["create"]


def test_the_last_copy_is_not_given_up(world: OsdWorld) -> None:
    die(world)
    world.states = [{"state_name": "active+clean", "count": 6}, {"state_name": "down", "count": 2}]
    result = world.run({"device": A, "replaces": [0]})
    assert "all placement groups to be active; last seen: 2 down" in result["msg"]
    assert "last copy" in result["msg"]
    assert world.writes == [f"POST {OSD}/0/out"]
    world.run({"device": A, "replaces": [0]}, force=[0])
    assert world.writes == [f"DELETE {OSD}/0", f"POST {OSD} dev={A}"]


def test_degraded_data_is_no_reason_to_wait(world: OsdWorld) -> None:
    """With as many hosts as copies, the data cannot be whole before the new disk is there."""
    die(world)
    world.states = [{"state_name": "active+undersized+degraded", "count": 8}]
    assert world.run({"device": A, "replaces": [0]})["changed"] is True


def test_killed_while_replacing(world: OsdWorld) -> None:
    row = dict(world.osds[0])
    for at in range(1, 20):
        world.osds[0] = dict(row)
        die(world)
        world.steps, world.kill_at = 0, at
        try:
            world.run({"device": A, "replaces": [0]})
        except Killed:
            world.kill_at = None
            assert not world.run({"device": A, "replaces": [0]})["failed"], at
        else:
            assert at > 8
            return
        assert sorted(world.osds) == [0, 1, 2, 3], at
        assert world.run({"device": A, "replaces": [0]})["changed"] is False, at
    raise AssertionError("it was always killed")


def test_a_dead_osd_without_a_successor(world: OsdWorld) -> None:
    die(world)
    world.unsafe[0] = "not yet"
    assert "osd.0 to be safe to destroy; last seen: not yet" in absent(world, osds=[0])["msg"]
    world.unsafe.clear()
    absent(world, osds=[0])
    assert world.writes == [f"DELETE {OSD}/0"]
    assert absent(world, osds=[0])["changed"] is False


def test_a_number_removes_only_what_is_dead(world: OsdWorld) -> None:
    """Numbers are given anew; one that is left in an inventory must not hit the next OSD."""
    result = absent(world, osds=[1, 2])
    assert f"osds: osd.1: expected a dead OSD whose disk is gone, found its disk {B}" in result["msg"]
    assert "osds: osd.2: expected an OSD of pve1, found one of pve2" in result["msg"]
    assert world.writes == []
