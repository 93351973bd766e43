# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A disk is empty only if everything says so. Signatures are made by the real tools, and found by the real wipefs."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_bluestore as bluestore
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_contents as contents
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_disks as disks
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_lvm as lvm
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import CliError, NotInstalled

from . import hardware_world as world
from .hardware_world import MIB, Tree

BUS = "pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0"
OSD, CLUSTER = "11111111-2222-4333-8444-555555555555", "99999999-8888-4777-8666-555555555555"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "root")


def look(tree: Tree, name: str = "sda") -> dict[str, Any]:
    return next(disk for disk in disks.disks(tree.machine, tree.devices) if disk["name"] == name)


def whats(disk: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["device"], entry["what"]) for entry in disk["contents"]]


def test_a_new_disk(tree: Tree) -> None:
    tree.disk("sda", "8:0", BUS)
    disk = look(tree)
    assert (disk["contents"], disk["empty"], disk["reason"], disk["blank"], disk["boot"]) == (
        [],
        True,
        None,
        True,
        False,
    )


def test_remains_without_a_signature_are_no_contents_but_are_told(tree: Tree) -> None:
    tree.disk("sda", "8:0", BUS, content=b"\0" * 5000 + b"remains")
    disk = look(tree)
    assert (disk["empty"], disk["blank"]) == (True, False)


def test_a_filesystem(tree: Tree, tmp_path: Path) -> None:
    tree.disk("sda", "8:0", BUS, content=world.made("mke2fs", "-q", "-t", "ext4", "-L", "data", path=tmp_path / "fs"))
    disk = look(tree)
    assert whats(disk) == [("/dev/sda", "filesystem")]
    assert disk["contents"][0]["text"] == "filesystem ext4 (data)"
    assert disk["empty"] is False


def test_swap_in_use(tree: Tree, tmp_path: Path) -> None:
    tree.disk("sda", "8:0", BUS, content=world.made("mkswap", path=tmp_path / "swap"))
    assert whats(look(tree)) == [("/dev/sda", "swap")]
    tree.write("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n/dev/sda\tpartition\t1\t0\t-2")
    assert whats(look(tree)) == [("/dev/sda", "swap"), ("/dev/sda", "swap_active")]


@pytest.mark.parametrize(("content", "what"), [(world.luks(), "luks"), (world.md(), "raid")])
def test_encrypted_or_in_a_raid(tree: Tree, content: bytes, what: str) -> None:
    tree.disk("sda", "8:0", BUS, content=content)
    disk = look(tree)
    assert whats(disk) == [("/dev/sda", what)]
    assert disk["empty"] is False


def test_a_member_of_a_pool(tree: Tree) -> None:
    tree.disk("sda", "8:0", BUS)
    tree.tools.answers["wipefs --no-act --json /dev/sda"] = (
        '{"signatures": [{"device": "sda", "offset": "0x3f000", "type": "zfs_member", "uuid": "123", "label": "tank"},'
        ' {"device": "sda", "offset": "0x3e000", "type": "zfs_member", "uuid": "123", "label": "tank"}]}'
    )
    tree.devices.busy.add("/dev/sda")
    disk = look(tree)
    assert whats(disk) == [("/dev/sda", "zfs"), ("/dev/sda", "busy")]
    assert disk["contents"][0]["pool"] == "tank"


def test_a_partition_table_and_nothing_in_it(tree: Tree) -> None:
    tree.disk("sda", "8:0", BUS, content=world.gpt(64 * MIB, []))
    disk = look(tree)
    assert set(whats(disk)) == {("/dev/sda", "partition_table")}
    assert disk["empty"] is False


def test_only_the_second_copy_of_a_partition_table(tree: Tree) -> None:
    content = world.gpt(64 * MIB, [])
    tree.disk("sda", "8:0", BUS, content=b"\0" * MIB + content[MIB:])
    assert look(tree)["empty"] is False


def test_a_system_disk(tree: Tree, tmp_path: Path) -> None:
    """As Proxmox's installer makes it: BIOS boot, EFI, and LVM with root and swap."""
    size = 64 * MIB
    base = tree.disk("nvme0n1", "259:0", "pci0000:00/0000:01:00.0/nvme/nvme0", size=size)
    tree.image("nvme0n1", world.gpt(size, [world.EFI, world.LINUX]), size)
    tree.partition(base, 1, "259:1", world.made("mke2fs", "-q", path=tmp_path / "esp"))
    part = tree.partition(base, 2, "259:2", world.stored("lvm"))
    tree.holder(part, "dm-0", "253:0", "pve-root", "LVM")
    tree.holder(part, "dm-1", "253:1", "pve-swap", "LVM")
    tree.write("/dev/dm-1")
    tree.write("/proc/swaps", "Filename\n/dev/dm-1 partition 1 0 -2")
    tree.write(
        "/proc/self/mountinfo",
        "22 1 253:0 / / rw,relatime shared:1 - ext4 /dev/mapper/pve-root rw\n"
        "23 22 259:1 / /boot/efi rw - vfat /dev/nvme0n1p1 rw",
    )
    disk = look(tree, "nvme0n1")
    found = whats(disk)
    assert ("/dev/nvme0n1", "partition_table") in found
    assert [entry["what"] for entry in disk["contents"] if entry["device"] == "/dev/nvme0n1p1"] == [
        "partition",
        "filesystem",
        "mounted",
    ]
    assert ("/dev/nvme0n1p2", "lvm") in found
    assert ("/dev/dm-0", "mounted") in found
    assert ("/dev/dm-1", "swap_active") in found
    held = [entry["text"] for entry in disk["contents"] if entry["what"] == "held"]
    assert held == ["held by the logical volume pve-root", "held by the logical volume pve-swap"]
    assert disk["boot"] is True
    assert disk["empty"] is False


def test_the_disk_that_proxmox_boot_tool_keeps(tree: Tree) -> None:
    tree.disk("sda", "8:0", BUS)
    tree.write("/etc/kernel/proxmox-boot-uuids", "6A2B-11FF")
    assert look(tree)["boot"] is False
    tree.tools.answers["wipefs --no-act --json /dev/sda"] = '{"signatures": [{"type": "vfat", "uuid": "6A2B-11FF"}]}'
    assert look(tree)["boot"] is True


def test_a_root_pool(tree: Tree) -> None:
    tree.disk("sda", "8:0", BUS)
    tree.tools.answers["wipefs --no-act --json /dev/sda"] = '{"signatures": [{"type": "zfs_member", "label": "rpool"}]}'
    tree.write("/proc/self/mountinfo", "22 1 0:25 / / rw - zfs rpool/ROOT/pve-1 rw")
    assert look(tree)["boot"] is True


def test_btrfs_is_found_by_its_source(tree: Tree) -> None:
    tree.disk("sda", "8:0", BUS)
    tree.write("/proc/self/mountinfo", "22 1 0:25 /@ /srv/a\\040b rw - btrfs /dev/sda rw")
    disk = look(tree)
    assert disk["contents"] == [
        {"device": "/dev/sda", "what": "mounted", "text": "mounted on /srv/a b", "places": ["/srv/a b"]}
    ]


def test_physical_volume_with_an_osd(tree: Tree) -> None:
    """Written by lvm2 2.03.31, with the tags of ceph-volume."""
    tree.disk("sda", "8:0", BUS, content=world.stored("lvm"))
    disk = look(tree)
    volume, osd = disk["contents"]
    assert (volume["what"], volume["volume_group"]) == ("lvm", "ceph-8c1")
    assert volume["logical_volumes"] == ["osd-block-77", "vm-100-disk-0"]
    assert (osd["what"], osd["osd_id"], osd["osd_fsid"], osd["cluster_fsid"], osd["role"]) == (
        "ceph_osd",
        "3",
        OSD,
        CLUSTER,
        "block",
    )


def test_a_raw_osd(tree: Tree) -> None:
    """Written by ceph-osd 18.2.7 --mkfs."""
    tree.disk("sda", "8:0", BUS, content=world.stored("bluestore"))
    (osd,) = look(tree)["contents"]
    assert osd["text"] == f"Ceph osd.7 of the cluster {CLUSTER}"
    assert (osd["osd_fsid"], osd["role"]) == (OSD, "block")


def test_a_raw_osd_whose_label_was_overwritten(tree: Tree) -> None:
    label = world.stored("bluestore")
    tree.disk("sda", "8:0", BUS, size=(1 << 30) + MIB)
    with (tree.root / "dev/sda").open("r+b") as file:
        file.seek(1 << 30)
        file.write(label)
    disk = look(tree)
    assert [entry["what"] for entry in disk["contents"]] == ["ceph_remains"]
    assert disk["empty"] is False


def test_the_key_of_an_osd_is_never_shown() -> None:
    def text(value: str) -> bytes:
        return len(value).to_bytes(4, "little") + value.encode()

    meta = {"ceph_fsid": CLUSTER, "osd_key": "AQBSECRET==", "whoami": "5"}
    body = uuid.UUID(OSD).bytes + bytes(16) + text("main") + (3).to_bytes(4, "little")
    body += b"".join(text(key) + text(value) for key, value in meta.items())
    block = bluestore.MAGIC + OSD.encode() + b"\n" + b"\2\1" + len(body).to_bytes(4, "little") + body
    found = bluestore.parse(block.ljust(4096, b"\0"))
    assert found == {"osd_fsid": OSD, "osd_id": "5", "cluster_fsid": CLUSTER, "role": "block"}
    # a label that is cut off tells what it can
    cut = bluestore.parse(block[:80])
    assert cut == {"osd_fsid": OSD, "osd_id": None, "cluster_fsid": None, "role": None}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("mpath", "held by the multipath device x"),
        ("CRYPT", "held by the decrypted device x"),
        ("other", "held by the device x"),
    ],
)
def test_held_by_something(tree: Tree, kind: str, text: str) -> None:
    tree.holder(tree.disk("sda", "8:0", BUS), "dm-3", "253:3", "x", kind)
    disk = look(tree)
    assert [entry["text"] for entry in disk["contents"]] == [text]
    assert disk["empty"] is False


def test_open_by_somebody(tree: Tree) -> None:
    tree.disk("sda", "8:0", BUS)
    tree.devices.busy.add("/dev/sda")
    disk = look(tree)
    assert (whats(disk), disk["empty"]) == ([("/dev/sda", "busy")], False)


def test_a_disk_that_cannot_be_read_is_not_empty(tree: Tree) -> None:
    tree.disk("sda", "8:0", BUS)
    tree.devices.broken.add("/dev/sda")
    disk = look(tree)
    assert disk["empty"] is None
    assert disk["reason"].startswith("/dev/sda cannot be read: Input/output error")
    assert disk["blank"] is None


@pytest.mark.parametrize(
    "failure",
    [
        NotInstalled("wipefs is not installed on this machine."),
        CliError(["wipefs"], 1, "", "wipefs: error: probing failed"),
    ],
)
def test_without_a_look_at_the_signatures_nothing_is_known(tree: Tree, failure: Exception) -> None:
    tree.disk("sda", "8:0", BUS)
    tree.tools.answers["wipefs --no-act --json /dev/sda"] = failure
    disk = look(tree)
    assert disk["empty"] is None
    assert disk["reason"] == str(failure)


def test_without_a_medium(tree: Tree) -> None:
    tree.disk("sda", "8:0", BUS, size=0, removable=1)
    disk = look(tree)
    assert (disk["empty"], disk["reason"], disk["removable"]) == (None, "/dev/sda: no medium", True)


def test_a_partition_without_a_device_still_counts(tree: Tree) -> None:
    base = tree.disk("sda", "8:0", BUS)
    tree.write(f"{base}/sda1/partition", 1)
    tree.write(f"{base}/sda1/size", 2048)
    disk = look(tree)
    assert (whats(disk), disk["empty"]) == ([("/dev/sda1", "partition")], False)


def test_lvm_labels_that_make_no_sense() -> None:
    image = world.stored("lvm")
    broken = image[:4096].replace(b" LVM2 x[5A%r0N*>", b"x" * 16).ljust(len(image), b"\0")
    assert lvm.read(lambda offset, size: broken[offset : offset + size]) == lvm.Volumes(None, {})
    assert lvm.read(lambda offset, size: bytes(size)) is None


def test_only_reading_commands(tree: Tree) -> None:
    tree.partition(tree.disk("sda", "8:0", BUS), 1, "8:1")
    look(tree)
    assert {command.rpartition(" ")[0] for command in tree.tools.asked} == {
        "wipefs --no-act --json",
        "blkid --probe --output export",
    }
    assert "--no-act" in contents.WIPEFS.words
