# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks are sacred: what is refused, with which words, and what both words wipe. No test here may change a byte unsaid."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils import hardware_world as hardware
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.osd_world import (
    FSID,
    OTHER,
    OsdWorld,
    label,
    tags,
    volumes,
)

POST = "POST /nodes/pve1/ceph/osd"
WIPE = "PUT /nodes/pve1/disks/wipedisk disk=/dev/sda"
GROUP = "ceph-0a0a0a0a-1b1b-4c2c-8d3d-4e4e4e4e4e4e"
A, B = "/dev/disk/by-id/ata-SDA", "/dev/disk/by-id/ata-SDB"
UUID = "abababab-1212-4545-8989-cdcdcdcdcdcd"
DISK = 64 << 20


@pytest.fixture
def world(tmp_path: Path, monkeypatch: Any) -> OsdWorld:
    return OsdWorld(tmp_path / "root", monkeypatch)


def ext4(tmp_path: Path) -> bytes:
    return hardware.made("mke2fs", "-q", "-t", "ext4", "-L", "data", path=tmp_path / "fs")


def lvm(world: OsdWorld, group: str, logical: dict[str, list[str]], devices: tuple[str, ...] = ("/dev/sda",)) -> None:
    """A volume group as LVM tells of it, too."""
    world.disk("sda", volumes(group, logical))
    world.lvm["pvs"] = [{"pv_name": device, "vg_name": group, "vg_free": "0"} for device in devices]
    world.lvm["lvs"] = [
        {"vg_name": group, "lv_name": name, "lv_device_open": "0", "lv_tags": ",".join(told)}
        for name, told in logical.items()
    ]


def base(world: OsdWorld) -> str:
    return f"/sys/devices/{'pci0000:00/0000:00:17.0/ata0/host0/target0:0:0/0:0:0:0'}/block/sda"


def swap(world: OsdWorld, tmp_path: Path) -> None:
    world.disk("sda", hardware.made("mkswap", path=tmp_path / "swap"))


def filesystem(world: OsdWorld, tmp_path: Path) -> None:
    world.disk("sda", ext4(tmp_path))


def partitions(world: OsdWorld, tmp_path: Path) -> None:
    world.disk("sda", hardware.gpt(DISK, [hardware.LINUX]))
    world.tree.partition(base(world), 1, "8:1", ext4(tmp_path))


def physical_volume(world: OsdWorld, _path: Path) -> None:
    world.disk("sda", volumes(None))


def group(world: OsdWorld, _path: Path) -> None:
    lvm(world, "data", {"home": []})


def held_group(world: OsdWorld, _path: Path) -> None:
    lvm(world, "data", {"home": []})
    world.tree.holder(base(world), "dm-0", "253:0", "data-home", "LVM")


def raid(world: OsdWorld, _path: Path) -> None:
    world.disk("sda", hardware.md())


def luks(world: OsdWorld, _path: Path) -> None:
    world.disk("sda", hardware.luks())


def stale(world: OsdWorld, _path: Path) -> None:
    world.disk("sda", label(UUID, number=7, fsid=FSID))


def stale_volume(world: OsdWorld, _path: Path) -> None:
    lvm(world, GROUP, {f"osd-block-{UUID}": tags(UUID, 7)})


def zapped_volume(world: OsdWorld, _path: Path) -> None:
    """What is left when Proxmox destroys an OSD without cleanup."""
    lvm(world, GROUP, {f"osd-block-{UUID}": []})
    world.tree.write(f"/dev/{GROUP}/osd-block-{UUID}", bytes(4096))


WIPEABLE = [
    (filesystem, "filesystem ext4 (data)"),
    (partitions, "/dev/sda1: filesystem ext4 (data)"),
    (swap, "found swap"),
    (physical_volume, "LVM physical volume, in no volume group"),
    (group, "LVM physical volume, volume group data"),
    (held_group, "held by the logical volume data-home"),
    (raid, "member of a RAID (linux_raid_member)"),
    (luks, "encrypted (crypto_LUKS)"),
    (stale, f"Ceph osd.7 of the cluster {FSID}"),
    (zapped_volume, f"LVM physical volume, volume group {GROUP}"),
    (stale_volume, f"on the logical volume {GROUP}/osd-block-{UUID}"),
]


@pytest.mark.parametrize(("prepare", "found"), WIPEABLE, ids=[one[0].__name__ for one in WIPEABLE])
def test_both_words_and_no_less(world: OsdWorld, tmp_path: Path, prepare: Callable[..., None], found: str) -> None:
    prepare(world, tmp_path)
    before = hashlib.sha256(world.bytes("sda")).hexdigest()
    for entry, run, said in (
        ({}, {}, "Set wipe: true on this entry and allow_wipe: true"),
        ({}, {"allow_wipe": True}, "Set wipe: true on this entry and allow_wipe: true"),
        ({"wipe": True}, {}, "the run has to say allow_wipe: true"),
    ):
        result = world.run({"device": A, **entry}, **run)
        assert result["failed"]
        assert result["problems"] == [problem for problem in result["problems"] if A in problem]
        assert found in result["msg"]
        assert said in result["msg"]
        assert world.writes == []
        assert hashlib.sha256(world.bytes("sda")).hexdigest() == before
    planned = world.run({"device": A, "wipe": True}, allow_wipe=True, check=True)
    assert [one["action"] for one in planned["changes"]] == ["wipe", "create"]
    assert found.removeprefix("found ") in planned["diff"]["before"]["/dev/sda"]["contents"]
    assert hashlib.sha256(world.bytes("sda")).hexdigest() == before
    if prepare is not partitions:  # the fake leaves the partition there
        world.run({"device": A, "wipe": True}, allow_wipe=True)
        torn = ["vgchange --activate n data"] if prepare is held_group else []
        assert world.writes == [*torn, WIPE, f"{POST} dev={A}"]


def mounted(world: OsdWorld, tmp_path: Path) -> None:
    filesystem(world, tmp_path)
    world.tree.write("/proc/self/mountinfo", "26 1 8:0 / /srv rw - ext4 /dev/sda rw")


def mounted_partition(world: OsdWorld, tmp_path: Path) -> None:
    partitions(world, tmp_path)
    world.tree.write("/proc/self/mountinfo", "26 1 8:1 / /srv rw - ext4 /dev/sda1 rw")


def root(world: OsdWorld, tmp_path: Path) -> None:
    partitions(world, tmp_path)
    world.tree.write("/proc/self/mountinfo", "26 1 8:1 / /boot/efi rw - vfat /dev/sda1 rw")


def active_swap(world: OsdWorld, tmp_path: Path) -> None:
    swap(world, tmp_path)
    world.tree.write("/proc/swaps", "Filename Type Size Used Priority\n/dev/sda partition 1 0 -2")


def in_raid(world: OsdWorld, tmp_path: Path) -> None:
    raid(world, tmp_path)
    world.tree.holder(base(world), "md127", "9:127", "", "")


def opened_luks(world: OsdWorld, tmp_path: Path) -> None:
    luks(world, tmp_path)
    world.tree.holder(base(world), "dm-1", "253:1", "secret", "CRYPT-LUKS2")


def imported_zfs(world: OsdWorld, tmp_path: Path) -> None:
    filesystem(world, tmp_path)
    world.tree.devices.busy.add("/dev/sda")


def other_cluster(world: OsdWorld, _path: Path) -> None:
    world.disk("sda", label(UUID, number=0, fsid=OTHER))


def other_cluster_volume(world: OsdWorld, _path: Path) -> None:
    lvm(world, GROUP, {f"osd-block-{UUID}": tags(UUID, 0, fsid=OTHER)})


def unknown_cluster(world: OsdWorld, _path: Path) -> None:
    world.disk("sda", label(UUID))


def unknown_volume(world: OsdWorld, _path: Path) -> None:
    lvm(world, GROUP, {f"osd-block-{UUID}": []})


def untagged_volume_of_another_cluster(world: OsdWorld, _path: Path) -> None:
    unknown_volume(world, _path)
    world.tree.write(f"/dev/{GROUP}/osd-block-{UUID}", label(UUID, number=5, fsid=OTHER))


def untagged_volume_with_something(world: OsdWorld, _path: Path) -> None:
    unknown_volume(world, _path)
    world.tree.write(f"/dev/{GROUP}/osd-block-{UUID}", hardware.luks())


def copied_label(world: OsdWorld, _path: Path) -> None:
    """The beginning is gone; a copy of the label is not."""
    world.disk("sda", size=2 << 30)
    with (world.tree.root / "dev/sda").open("r+b") as file:
        file.seek(1 << 30)
        file.write(label(UUID, number=0, fsid=OTHER))


def same_uuid_of_another_cluster(world: OsdWorld, _path: Path) -> None:
    osd = world.osd(3)
    world.disk("sda", label(osd, number=3, fsid=OTHER))


def open_volume(world: OsdWorld, tmp_path: Path) -> None:
    held_group(world, tmp_path)
    world.lvm["lvs"][0]["lv_device_open"] = "1"


def wide_group(world: OsdWorld, _path: Path) -> None:
    lvm(world, "data", {"home": []}, ("/dev/sda", "/dev/sdz1"))


def unheard_group(world: OsdWorld, tmp_path: Path) -> None:
    held_group(world, tmp_path)
    world.lvm["pvs"] = []


def storage(world: OsdWorld, tmp_path: Path) -> None:
    group(world, tmp_path)
    world.tree.write("/etc/pve/storage.cfg", "lvmthin: fast\n\tvgname data\n\tthinpool p\n")


def unreadable(world: OsdWorld, _path: Path) -> None:
    world.disk("sda")
    world.tree.devices.broken.add("/dev/sda")


def read_only(world: OsdWorld, tmp_path: Path) -> None:
    filesystem(world, tmp_path)
    world.tree.write(f"{base(world)}/ro", 1)


NEVER = [
    (mounted, "mounted on /srv"),
    (mounted_partition, "mounted on /srv"),
    (root, "the machine boots from it"),
    (active_swap, "in use as swap"),
    (in_raid, "held by the device"),
    (opened_luks, "held by the decrypted device secret"),
    (imported_zfs, "/dev/sda is in use (opened exclusively"),
    (other_cluster, f"osd.0 of the cluster {OTHER} is on it"),
    (other_cluster_volume, f"osd.0 of the cluster {OTHER} is on it"),
    (unknown_cluster, f"an OSD ({UUID}) of an unknown cluster is on it"),
    (unknown_volume, f"an OSD ({UUID}) of an unknown cluster is on it"),
    (untagged_volume_of_another_cluster, f"osd.5 of the cluster {OTHER} is on it"),
    (untagged_volume_with_something, f"an OSD ({UUID}) of an unknown cluster is on it"),
    (copied_label, f"osd.0 of the cluster {OTHER} is on it"),
    (same_uuid_of_another_cluster, f"osd.3 of the cluster {OTHER} is on it"),
    (open_volume, "the volume group data has volumes that are open: home"),
    (wide_group, "the volume group data is on other devices, too: /dev/sdz1"),
    (unheard_group, "LVM does not say what uses the volume group data"),
    (storage, "the volume group data is a storage of Proxmox"),
    (unreadable, "it could not be looked at: /dev/sda cannot be read"),
    (read_only, "it is read-only"),
]


@pytest.mark.parametrize(("prepare", "why"), NEVER, ids=[one[0].__name__ for one in NEVER])
def test_never(world: OsdWorld, tmp_path: Path, prepare: Callable[..., None], why: str) -> None:
    """Not with both words, not in check mode, and not by our own mark."""
    prepare(world, tmp_path)
    size = world.tree.machine.path("/dev/sda").stat().st_size
    world.tree.write("/var/lib/baremetal-proxmox/ceph-osd.json", f'{{"{A}": {size}}}')
    # a label without its cluster is the only thing here that a creation of ours could have left
    ours = prepare in (unknown_cluster, unknown_volume, untagged_volume_with_something)
    if ours:
        world.tree.write("/var/lib/baremetal-proxmox/ceph-osd.json", "{}")
    before = hashlib.sha256(world.bytes("sda")).hexdigest()
    for check in (True, False):
        result = world.run({"device": A, "wipe": True}, allow_wipe=True, check=check)
        assert result["failed"]
        assert "It is not wiped, with whatever word:" in result["msg"]
        assert why in result["msg"]
        assert world.writes == []
    assert hashlib.sha256(world.bytes("sda")).hexdigest() == before


def test_everything_that_is_wrong_is_told_at_once(world: OsdWorld, tmp_path: Path) -> None:
    filesystem(world, tmp_path)
    world.disk("sdb", label(UUID, number=0, fsid=OTHER)), world.disk("sdc")
    world.tree.partition(world.tree.disk("sdd", "8:48", "pci0/ata9"), 1, "8:49")
    world.tree.link("/dev/disk/by-id/again", "/dev/sdc")
    config = [
        {"device": A},
        {"device": B},
        {"device": "/dev/disk/by-id/ata-SDC", "db_device": A},
        {"device": "/dev/disk/by-id/again"},
        {"device": "/dev/disk/by-id/none"},
        {"device": "/dev/sdd1"},
    ]
    problems = world.run(*config)["problems"]
    assert len(problems) == 7
    for index, text in (
        (0, "found filesystem ext4"),
        (1, f"of the cluster {OTHER}"),
        (2, "db_device: expected a disk without an OSD's data, found /dev/sda"),
        (3, "expected each disk once, found /dev/sdc"),
        (4, "found no /dev/disk/by-id/none"),
        (5, "expected a whole disk, found /dev/sdd1"),
    ):
        assert [problem for problem in problems if problem.startswith(f"config[{index}]") and text in problem], text
    assert world.writes == []


def test_what_is_wrong_without_looking(world: OsdWorld) -> None:
    world.disk("sda")
    problems = world.run(
        {"device": A, "db_size": 5, "osds_per_device": 0},
        {"device": B, "db_device": A, "wal_device": A, "wal_size": 0.1, "osds_per_device": 2},
    )["problems"]
    assert [text.partition(": ")[2].partition(":")[0] for text in problems] == [
        "db_size",
        "osds_per_device",
        "wal_size",
        "osds_per_device",
        "wal_device",
    ]


@pytest.mark.parametrize("prepare", [filesystem, other_cluster, stale, unknown_volume, group])
def test_a_db_device_is_never_wiped(world: OsdWorld, tmp_path: Path, prepare: Callable[..., None]) -> None:
    prepare(world, tmp_path)
    world.disk("sdb")
    result = world.run({"device": B, "db_device": A, "wipe": True}, allow_wipe=True)
    assert "db_device: expected an empty disk, or one with DBs and WALs of this Ceph alone" in result["msg"]
    assert world.writes == []


def test_an_osd_of_this_cluster_is_never_wiped(world: OsdWorld) -> None:
    """wipe: true left in an inventory does nothing to what it once allowed."""
    osd = world.osd(3)
    world.disk("sda", label(osd, number=3, fsid=FSID))
    result = world.run({"device": A, "wipe": True}, allow_wipe=True)
    assert (result["changed"], world.writes) == (False, [])
    world.osds[3]["up"], world.units[3] = False, "failed"
    assert [one["action"] for one in world.run({"device": A, "wipe": True}, allow_wipe=True)["changes"]] == ["start"]


def test_the_db_of_a_running_osd_is_no_place_for_data(world: OsdWorld) -> None:
    osd = world.osd(3)
    world.disk("sda", label(osd, number=3, fsid=FSID, role="bluefs db"))
    result = world.run({"device": A, "wipe": True}, allow_wipe=True)
    assert "found the DB or WAL of osd.3" in result["msg"]
    assert world.writes == []


def test_what_came_between_the_plan_and_the_wipe(world: OsdWorld, tmp_path: Path, monkeypatch: Any) -> None:
    """Somebody makes a file system on the second disk while the first is wiped."""
    filesystem(world, tmp_path)
    world.disk("sdb", hardware.luks())
    send = world._zero

    def zero(device: str) -> None:
        send(device)
        world.put("sdb", ext4(tmp_path / "other") if (tmp_path / "other").mkdir() is None else b"")

    monkeypatch.setattr(world, "_zero", zero)
    result = world.run({"device": A, "wipe": True}, {"device": B, "wipe": True}, allow_wipe=True)
    assert "expected encrypted (crypto_LUKS), as when it was planned, found filesystem ext4" in result["msg"]
    assert world.writes == [WIPE]
    assert result["changed"] is True


def test_a_half_made_osd_beside_something_else_is_left(world: OsdWorld) -> None:
    osd = world.osd(0, up=False, new=True)
    lvm(world, GROUP, {f"osd-block-{osd}": [], "vm-100-disk-0": []})
    result = world.run({"device": A, "wipe": True}, allow_wipe=True)
    assert "where there is more than it" in result["msg"]
    assert world.writes == []


def test_a_new_osd_that_is_on_another_nodes_disk_is_not_ours(world: OsdWorld) -> None:
    """Its number is not purged: it may be in the making there."""
    world.osd(0, host="pve2", up=False, new=True)
    world.disk("sda")
    world.run({"device": A})
    assert world.writes == [f"{POST} dev={A}"]


def test_a_disk_with_an_old_mark_and_an_osd_that_was_once_whole(world: OsdWorld) -> None:
    """The mark vouches for what is incomplete only: this one had data."""
    world.disk("sda", label(str(uuid.uuid4()), number=3, fsid=FSID))
    world.tree.write("/var/lib/baremetal-proxmox/ceph-osd.json", f'{{"{A}": {DISK}}}')
    assert "Set wipe: true" in world.run({"device": A})["msg"]
    assert world.writes == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_copy_of_an_osd(world: OsdWorld, state: str) -> None:
    """Nobody knows which of the two is right."""
    osd = world.osd(3)
    for name in ("sda", "sdb"):
        world.disk(name, label(osd, number=3, fsid=FSID))
    result = world.run({"device": A}, {"device": B, "wipe": True}, allow_wipe=True, state=state, cleanup=True)
    assert len(result["problems"]) == 2
    assert f"config[1] ({B}): expected osd.3 on one disk, found it on {A} and {B}" in result["problems"][1]
    assert world.writes == []
