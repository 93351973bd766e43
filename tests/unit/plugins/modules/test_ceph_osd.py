# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making OSDs: the exact calls, what is found again, and what a kill leaves."""

from __future__ import annotations

import fcntl
import os
import uuid
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _osd_alone
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.osd_world import (
    FSID,
    Killed,
    OsdWorld,
    label,
    tags,
    volumes,
)

POST = "POST /nodes/pve1/ceph/osd"
GROUP = "ceph-0a0a0a0a-1b1b-4c2c-8d3d-4e4e4e4e4e4e"
A, B, C = (f"/dev/disk/by-id/ata-SD{letter}" for letter in "ABC")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: Any) -> OsdWorld:
    return OsdWorld(tmp_path / "root", monkeypatch)


def test_two_disks_are_made_once_and_left_alone(world: OsdWorld) -> None:
    world.disk("sda"), world.disk("sdb")
    config = [{"device": A}, {"device": B, "device_class": "nvme", "encrypted": True}]
    predicted = world.run(*config, check=True)
    assert world.writes == []
    made = world.run(*config)
    assert world.writes == [f"{POST} dev={A}", f"{POST} crush-device-class=nvme dev={B} encrypted=1"]
    assert (made["changed"], made["changes"], made["diff"]) == (True, predicted["changes"], predicted["diff"])
    assert [(one["id"], one["device"], one["up"], one["in"]) for one in made["osds"]] == [
        (0, A, True, True),
        (1, B, True, True),
    ]
    again = world.run(*config)
    assert (again["changed"], again["changes"], world.writes) == (False, [], [])
    assert not world.tree.machine.path("/var/lib/baremetal-proxmox").exists()


def test_the_diff_says_what_a_disk_becomes(world: OsdWorld) -> None:
    world.disk("sda")
    diff = world.run({"device": A}, check=True)["diff"]
    assert diff == {
        "before": {"/dev/sda": {"contents": "nothing"}},
        "after": {"/dev/sda": {"contents": "Ceph OSD", "device": A}},
    }


def test_a_disk_is_known_under_another_kernel_name(world: OsdWorld) -> None:
    world.disk("sda"), world.disk("sdb")
    world.run({"device": A})
    content = world.bytes("sda")
    world.put("sda", b""), world.put("sdb", content)
    for link, target in (("ata-SDA", "sdb"), ("ata-SDB", "sda")):
        path = world.tree.root / "dev/disk/by-id" / link
        path.unlink()
        path.symlink_to(f"../../{target}")
    result = world.run({"device": A})
    assert (result["changed"], world.writes, result["osds"][0]["path"]) == (False, [], "/dev/sdb")


def test_check_mode_without_a_ceph_plans_and_refuses(world: OsdWorld) -> None:
    world.disk("sda"), world.disk("sdb", label(str(uuid.uuid4()), number=3, fsid=FSID))
    world.installed = False
    planned = world.run({"device": A}, check=True)
    assert planned["changes"] == [{"action": "create", "device": A}]
    assert planned["warnings"] == [
        "Ceph is not running here yet: planned against a new Ceph, to which no disk belongs."
    ]
    refused = world.run({"device": B, "wipe": True}, check=True, allow_wipe=True)
    assert "osd.3 of the cluster 99999999" in refused["msg"]
    assert refused["failed"]
    assert "expected it installed" in world.run({"device": A})["msg"]
    assert world.writes == []


def test_several_osds_on_a_device(world: OsdWorld) -> None:
    world.disk("sda")
    world.run({"device": A, "osds_per_device": 2}, check=True)
    result = world.run({"device": A, "osds_per_device": 2})
    assert world.writes == [f"{POST} dev={A} osds-per-device=2"]
    # the fake makes one
    assert "expected 2 OSD(s) after the creation" in result["msg"]
    assert result["changed"] is True


def test_the_rest_of_several_osds_on_a_device(world: OsdWorld) -> None:
    first = world.osd(0)
    world.disk("sda", volumes(GROUP, {f"osd-block-{first}": tags(first, 0)}))
    result = world.run({"device": A, "osds_per_device": 2}, check=True)
    assert result["changes"] == [{"action": "complete", "device": A, "osds_per_device": 2}]
    world.run({"device": A, "osds_per_device": 2})
    assert world.writes == ["ceph-volume lvm batch --osds-per-device 2 --yes --no-auto -- /dev/sda"]


def test_db_and_wal(world: OsdWorld) -> None:
    world.disk("sda"), world.disk("sdb"), world.disk("sdc", size=4 << 30)
    config = {"device": A, "db_device": C, "db_size": 2, "wal_device": B}
    world.run(config)
    assert world.writes == [f"{POST} db_dev={C} db_dev_size=2.0 dev={A} wal_dev={B}"]
    assert world.run(config)["changed"] is False
    gathered = world.run(state="gathered")["gathered"]
    assert gathered == [{"device": A, "db_device": C, "wal_device": B, "device_class": "ssd"}]
    warned = world.run({"device": A, "db_device": B})["warnings"]
    assert [text for text in warned if "expected the DB of osd.0" in text]


def test_dbs_share_a_disk_while_there_is_room(world: OsdWorld) -> None:
    other = world.osd(0)
    world.disk("sda"), world.disk("sdb", size=64 << 20)
    world.disk("sdc", volumes(GROUP, {f"osd-db-{uuid.uuid4()}": tags(other, 0, "db")}))
    world.lvm["pvs"] = [{"pv_name": "/dev/sdc", "vg_name": GROUP, "vg_free": str(3 << 30)}]
    config = [{"device": one, "db_device": C, "db_size": size} for one, size in ((A, 1), (B, 2))]
    assert len(world.run(*config, check=True)["changes"]) == 2
    config[1]["db_size"] = 3
    assert "expected room for DBs and WALs of 4 GiB together, found 3.0 GiB" in world.run(*config)["msg"]
    assert world.writes == []


def test_a_volume_that_no_osd_has_goes(world: OsdWorld) -> None:
    other = world.osd(0)
    used, spare = f"osd-db-{uuid.uuid4()}", f"osd-db-{uuid.uuid4()}"
    world.disk("sda"), world.disk("sdc", volumes(GROUP, {used: tags(other, 0, "db"), spare: []}))
    world.lvm["pvs"] = [{"pv_name": "/dev/sdc", "vg_name": GROUP, "vg_free": str(3 << 30)}]
    world.lvm["lvs"] = [
        {"vg_name": GROUP, "lv_name": used, "lv_device_open": "1", "lv_tags": "ceph.type=db"},
        {"vg_name": GROUP, "lv_name": spare, "lv_device_open": "0", "lv_tags": ""},
    ]
    actions = world.run({"device": A, "db_device": C}, check=True)["changes"]
    assert [one["action"] for one in actions] == ["forget", "create"]
    assert actions[0]["volume"] == f"{GROUP}/{spare}"


def test_what_is_down_is_started_and_waited_for(world: OsdWorld) -> None:
    world.disk("sda")
    world.run({"device": A})
    world.osds[0]["up"], world.units[0] = False, "failed"
    assert world.run({"device": A}, check=True)["diff"] == {
        "before": {"osd.0": {"up": False}},
        "after": {"osd.0": {"up": True}},
    }
    assert world.run({"device": A})["changed"] is True
    assert world.writes == ["POST /nodes/pve1/ceph/start service=osd.0"]
    world.osds[0]["up"], world.units[0], world.comes_up = False, "failed", False
    result = world.run({"device": A})
    assert "osd.0 is down and in" in result["msg"]
    assert "journalctl -u ceph-osd@0" in result["msg"]


def test_an_osd_of_a_reinstalled_node_is_activated(world: OsdWorld) -> None:
    osd = world.osd(4, up=False)
    world.disk("sda", volumes(GROUP, {f"osd-block-{osd}": tags(osd, 4)}))
    world.run({"device": A})
    assert world.writes == [f"ceph-volume lvm activate 4 {osd}"]


def test_an_osd_that_is_out_stays_out(world: OsdWorld) -> None:
    world.disk("sda")
    world.run({"device": A})
    world.osds[0]["in"] = False
    result = world.run({"device": A})
    assert (result["changed"], world.writes) == (False, [])
    assert "osd.0 is out" in result["warnings"][0]


def test_class_and_place(world: OsdWorld) -> None:
    world.disk("sda"), world.disk("sdb")
    config = [{"device": A}, {"device": B}]
    world.run(*config)
    config = [{**one, "device_class": "hdd", "crush_location": {"rack": "r1"}} for one in config]
    predicted = world.run(*config, check=True)
    assert predicted["diff"]["before"]["osd.0"]["device_class"] == "ssd"
    assert predicted["diff"]["after"]["osd.1"]["device_class"] == "hdd"
    world.run(*config)
    assert world.writes == [
        "osd crush rm-device-class ids=['osd.0']",
        "osd crush set-device-class class=hdd ids=['osd.0']",
        "osd crush move args=['root=default', 'rack=r1'] name=pve1",
        "osd crush rm-device-class ids=['osd.1']",
        "osd crush set-device-class class=hdd ids=['osd.1']",
    ]
    assert world.run(*config)["changed"] is False
    moved = [config[0], {**config[1], "crush_location": {"host": "pve1-fast"}}]
    world.run(*moved)
    assert world.writes == [
        "config set name=crush_location value=root=default host=pve1-fast who=osd.1",
        "osd crush move args=['root=default', 'host=pve1-fast'] name=osd.1",
    ]
    assert world.run(*moved)["changed"] is False


def test_a_new_osd_gets_its_place(world: OsdWorld) -> None:
    world.disk("sda")
    result = world.run({"device": A, "crush_location": {"rack": "r1"}})
    assert world.writes == [f"{POST} dev={A}", "osd crush move args=['root=default', 'rack=r1'] name=pve1"]
    assert result["changes"] == [{"action": "create", "device": A, "crush_location": {"rack": "r1"}}]


@pytest.mark.parametrize("others", [{}, {"db_device": B, "wal_device": C}])
def test_killed_anywhere_the_next_run_completes(world: OsdWorld, others: dict[str, str]) -> None:
    """No number is lost, none is doubled; whatever is on the disks, one more run is enough."""
    names = ("sda", "sdb", "sdc", "sdd")
    for name in names:
        world.disk(name)
    config = [{"device": A, **others}, {"device": "/dev/disk/by-id/ata-SDD"}]
    for at in range(1, 40):
        for name in names:
            world.put(name, b"")
        world.osds, world.units, world.steps, world.kill_at = {}, {}, 0, at
        try:
            world.run(*config)
        except Killed:
            pass
        else:
            assert at > 10
            return
        world.kill_at = None
        result = world.run(*config)
        assert not result["failed"], (at, result)
        assert sorted(world.osds) == [0, 1], at
        assert all(row["up"] and row["in"] for row in world.osds.values()), at
        assert world.run(*config)["changed"] is False, at
    raise AssertionError("it was always killed")


def test_killed_twice(world: OsdWorld) -> None:
    """Also while it clears up after the first time."""
    world.disk("sda")
    for first in range(1, 8):
        for second in range(1, 12):
            world.put("sda", b"")
            world.osds, world.units = {}, {}
            for at in (first, second, None):
                world.steps, world.kill_at = 0, at
                try:
                    world.run({"device": A})
                except Killed:
                    continue
            assert sorted(world.osds) == [0], (first, second)
            assert world.run({"device": A})["changed"] is False, (first, second)


def test_a_number_without_a_disk_is_purged_if_it_is_ours(world: OsdWorld) -> None:
    for number, host in ((0, "pve1"), (1, "pve2"), (2, "pve3")):
        world.osd(number, host=host, up=False, new=True)
    world.disk("sda")
    text = 'from=\'client.? {}:0/1\' entity=\'client.bootstrap-osd\' cmd=[{{"prefix": "osd new", "uuid": "{}"}}]: done'
    world.audit = [
        {"message": text.format("10.99.0.11", world.osds[0]["uuid"])},
        {"message": text.format("10.99.0.110", world.osds[1]["uuid"])},
    ]
    result = world.run({"device": A})
    assert result["changes"] == [{"action": "purge", "osd": 0}, {"action": "create", "device": A}]
    assert world.writes == ["osd purge-new id=0 yes_i_really_mean_it=True", f"{POST} dev={A}"]
    assert sorted(world.osds) == [0, 1, 2]


def test_an_osd_that_is_being_made_elsewhere_on_this_node_is_waited_for(world: OsdWorld) -> None:
    world.disk("sda")
    world.tasks = [[{"type": "cephcreateosd", "id": "sda", "upid": "x"}], [{"type": "cephcreateosd", "id": "sda"}]]
    result = world.run({"device": A})
    assert (
        "waited 0 s for the end of what makes or removes OSDs on this node; last seen: task cephcreateosd sda"
        in (result["msg"])
    )
    world.tree.write("/proc/77/cmdline", b"/usr/bin/python3\0/usr/sbin/ceph-volume\0lvm\0create\0")
    assert "process 77" in world.run({"device": A})["msg"]
    assert world.writes == []


def test_a_new_osd_whose_daemon_starts_is_not_made_again(world: OsdWorld) -> None:
    osd = world.osd(0, up=False, new=True)
    world.units[0] = "activating"
    world.disk("sda", label(osd, number=0, fsid=FSID))
    assert world.run({"device": A}, check=True)["changed"] is False
    result = world.run({"device": A})
    assert "waited 0 s for the OSDs 0 to be up and in; last seen: osd.0 is down" in result["msg"]
    world.osds[0].update({"up": True, "in": True, "new": False, "placed": True})
    assert world.run({"device": A})["changed"] is False
    assert world.writes == []


@pytest.mark.parametrize("known", [tags, lambda osd, number: ["ceph.type=block"], lambda osd, number: []])
def test_volumes_that_were_made_by_half(world: OsdWorld, known: Any) -> None:
    """ceph-volume tags a volume with its type first, then with everything; its name has the OSD's UUID from the start."""
    osd = world.osd(0, up=False, new=True)
    content = volumes(GROUP, {f"osd-block-{osd}": known(osd, 0)})
    world.disk("sda", content)
    world.lvm["pvs"] = [{"pv_name": "/dev/sda", "vg_name": GROUP, "vg_free": "0"}]
    world.run({"device": A})
    stop, purge = "systemctl stop ceph-osd@0.service", "osd purge-new id=0 yes_i_really_mean_it=True"
    tagged = known is tags
    middle = (
        f"ceph-volume lvm zap --destroy --osd-fsid {osd}" if tagged else "PUT /nodes/pve1/disks/wipedisk disk=/dev/sda"
    )
    assert world.writes == [stop, middle, purge, f"{POST} dev={A}"]


def test_a_group_without_volumes_is_ours_by_our_mark_only(world: OsdWorld) -> None:
    world.disk("sda", volumes(GROUP))
    world.lvm["pvs"] = [{"pv_name": "/dev/sda", "vg_name": GROUP, "vg_free": "0"}]
    assert "expected an empty disk, found LVM physical volume" in world.run({"device": A})["msg"]
    world.tree.write("/var/lib/baremetal-proxmox/ceph-osd.json", f'{{"{A}": {64 << 20}}}')
    world.run({"device": A})
    assert world.writes == ["PUT /nodes/pve1/disks/wipedisk disk=/dev/sda", f"{POST} dev={A}"]


def test_a_lock_that_another_has_is_waited_for(world: OsdWorld) -> None:
    world.disk("sda")
    world.result = "can't lock file '/run/lock/pve-diskmanage.lck' - got timeout"
    result = world.run({"device": A})
    assert "waited 0 s for the lock on the disks of this node" in result["msg"]
    world.result = "command 'ceph-volume' failed: exit code 1"
    result = world.run({"device": A})
    assert result["msg"].startswith(f"config[0] ({A}): task UPID")
    assert result["log_tail"] == ["said so"]


def test_two_runs_on_a_node_do_not_meet(world: OsdWorld) -> None:
    """ansible was killed, and its module lives on."""
    world.disk("sda")
    lock = world.tree.machine.path("/run/lock/baremetal-proxmox-ceph-osd.lock")
    lock.parent.mkdir(parents=True)
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "waited 0 s for the end of another run of ceph_osd on this node" in world.run({"device": A})["msg"]
        assert world.run({"device": A}, check=True)["changed"] is True
    assert world.writes == []
    assert world.run({"device": A})["changed"] is True


def test_a_run_whose_ansible_is_gone_ends_at_the_next_step(world: OsdWorld, monkeypatch: Any) -> None:
    reading, writing = os.pipe()
    assert not _osd_alone.abandoned(writing)
    os.close(reading)
    assert _osd_alone.abandoned(writing)
    os.close(writing)
    world.disk("sda"), world.disk("sdb")
    answers = [False, True]
    monkeypatch.setattr(_osd_alone, "abandoned", lambda: answers.pop(0))
    result = world.run({"device": A}, {"device": B})
    assert "the run that this belongs to has ended" in result["msg"]
    assert world.writes == [f"{POST} dev={A}"]


def test_monitors_that_do_not_answer_for_a_moment(world: OsdWorld) -> None:
    """What the failed task has left by half is cleared away, and it is made anew."""
    world.disk("sda")
    world.fail_once = "got timeout"
    result = world.run({"device": A})
    assert (result["changed"], sorted(world.osds)) == (True, [0])
    assert [line for line in world.writes if line.startswith("POST")] == [f"{POST} dev={A}"] * 2
    assert "osd purge-new id=0 yes_i_really_mean_it=True" in world.writes
