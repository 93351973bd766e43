# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What is on a disk. A disk is empty only if every way of looking at it says so; what cannot be looked at is not known.

After PVE/Diskmanage.pm (get_disks), and stricter: all signatures and not the first one, labels of Ceph and LVM read from the
disk itself, and an exclusive open, which fails for whatever the kernel or a process has taken.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_bluestore as bluestore
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_firmware as firmware
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_lvm as lvm
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_sysfs as sysfs
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import CliError, NotInstalled, Timeout
from ansible_collections.baremetal.proxmox.plugins.module_utils._hardware_devices import Devices
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

# With --no-act it only reads. It shows every signature, where blkid --probe ends at the first contradiction
WIPEFS = _cli.Command(("wipefs", "--no-act", "--json"), ("device",))
# 2: nothing was found
BLKID = _cli.Command(("blkid", "--probe", "--output", "export"), ("device",), ok=(0, 2, 8))
# libblkid says "no signature" also of what it cannot read, so these are read before: all that it looks at lies there
ZONE = 2 << 20
TABLES = {"gpt", "dos", "PMBR", "atari", "bsd", "mac", "minix", "sgi", "solaris_x86", "sun", "ultrix", "unixware"}
KINDS = {
    "LVM2_member": "lvm",
    "LVM1_member": "lvm",
    "zfs_member": "zfs",
    "ceph_bluestore": "ceph_osd",
    "crypto_LUKS": "luks",
    "BitLocker": "luks",
    "swap": "swap",
    "swsuspend": "swap",
}
# UEFI's and Linux's types of partitions
PARTITION_TYPES = {
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI system",
    "21686148-6449-6e6f-744e-656564454649": "BIOS boot",
    "0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux",
    "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": "Linux swap",
    "e6d6d379-f507-44c2-a23c-238f2a3df928": "Linux LVM",
    "a19d880f-05fc-4d3b-a006-743f0f84911e": "Linux RAID",
    "6a898cc3-1dd2-11b2-99a6-080020736631": "ZFS",
    "6a945a3b-1dd2-11b2-99a6-080020736631": "ZFS reserved",
    "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "Windows data",
    "4fbd7e29-9d25-41b8-afd0-062c0ceff05d": "Ceph OSD",
    "cafecafe-9b03-4f30-b4c6-b4b80ceff106": "Ceph block",
    "30cd0809-c2b2-499c-8879-2d6b78529876": "Ceph DB",
    "5ce17fce-4087-4169-b7ff-056cc58473f9": "Ceph WAL",
    "45b0969e-9b03-4f30-b4c6-b4b80ceff106": "Ceph journal",
}
BOOT_PLACES = {"/", "/boot", "/boot/efi", "/efi"}
HOLDERS = (("LVM-", "logical volume"), ("CRYPT-", "decrypted device"), ("mpath-", "multipath device"))

Entry = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class World:
    """What the machine has in use: mount points by major:minor, by ZFS pool, and swap by major:minor."""

    machine: Machine
    devices: Devices
    nodes: dict[str, str]
    mounts: dict[str, list[str]]
    pools: dict[str, list[str]]
    swaps: set[str]
    boot_uuids: set[str]

    @staticmethod
    def read(machine: Machine, devices: Devices, nodes: dict[str, str]) -> World:
        numbers = {path: number for number, path in nodes.items()}
        mounts: dict[str, list[str]] = {}
        pools: dict[str, list[str]] = {}
        for line in (sysfs.text(machine, "/proc/self/mountinfo") or "").splitlines():
            head, _dash, tail = line.partition(" - ")
            fields, (kind, source) = head.split(" "), tail.split(" ")[:2]
            place = _unescape(fields[4])
            if kind == "zfs":
                pools.setdefault(source.partition("/")[0], []).append(place)
            else:
                # btrfs gives a number of its own
                number = fields[2] if fields[2] in nodes else numbers.get(sysfs.real(machine, source), fields[2])
                mounts.setdefault(number, []).append(place)
        lines = (sysfs.text(machine, "/proc/swaps") or "").splitlines()[1:]
        paths = [sysfs.real(machine, _unescape(line.split()[0])) for line in lines]
        swaps = {numbers[path] for path in paths if path in numbers}
        uuids = {uuid.lower() for uuid in firmware.proxmox_boot_uuids(machine)}
        return World(machine, devices, nodes, mounts, pools, swaps, uuids)


def _unescape(path: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)


def of_disk(world: World, path: str, number: str, base: str, size: int) -> dict[str, Any]:
    """C(contents), C(empty) (None if unknown, then C(reason) says why), C(blank), and whether the machine boots from it."""
    look = _Look(world)
    if not size:
        look.doubt(f"{path}: no medium")
        return look.result(None)
    blank = look.zones(path, size)
    look.device(path, number, base, size)
    for name in sysfs.names(world.machine, base):
        if sysfs.number(world.machine, f"{base}/{name}/partition") is not None:
            look.partition(f"{base}/{name}")
    if not look.taken:
        look.claim(path)
    return look.result(blank)


class _Look:
    """One look at one disk: what was found, and what could not be looked at."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.entries: list[Entry] = []
        self.doubts: list[str] = []
        self.places: list[str] = []
        self.boot = False

    @property
    def taken(self) -> bool:
        return any(entry["what"] in ("mounted", "held", "swap_active") for entry in self.entries)

    def result(self, blank: bool | None) -> dict[str, Any]:
        return {
            "contents": self.entries,
            "empty": False if self.entries else None if self.doubts else True,
            "reason": "; ".join(self.doubts) or None,
            "blank": blank,
            "boot": self.boot or bool(BOOT_PLACES & set(self.places)),
        }

    def add(self, device: str, what: str, text: str, **details: Any) -> None:
        self.entries.append({"device": device, "what": what, "text": text, **details})

    def doubt(self, reason: str) -> None:
        if reason not in self.doubts:
            self.doubts.append(reason)

    def reader(self, path: str) -> lvm.Reader:
        return lambda offset, size: self.world.devices.read(path, offset, size)

    def zones(self, path: str, size: int) -> bool | None:
        """Reads both ends; whether there is nothing but zeros, None if they cannot be read."""
        length = min(ZONE, size)
        try:
            return all(self.reader(path)(offset, length).count(0) == length for offset in (0, size - length))
        except OSError as error:
            self.doubt(f"{path} cannot be read: {error.strerror}")
            return None

    def device(self, path: str, number: str, base: str, size: int) -> None:
        """A disk or a partition: its signatures, and what stands on it."""
        for signature in self.signatures(path):
            self.signature(path, signature)
        if not any(entry["what"] == "ceph_osd" for entry in self.entries):
            self.bluestore(path, size)
        self.uses(path, number, base)

    def partition(self, base: str) -> None:
        machine = self.world.machine
        number = sysfs.text(machine, f"{base}/dev") or ""
        path = self.world.nodes.get(number)
        size = (sysfs.number(machine, f"{base}/size") or 0) * 512
        told = dict(line.partition("=")[::2] for line in self._export(path).splitlines()) if path else {}
        kind = told.get("PART_ENTRY_TYPE", "").lower()
        known = PARTITION_TYPES.get(kind, kind or None)
        self.add(
            path or f"/dev/{os.path.basename(base)}",
            "partition",
            f"partition{f' ({known})' if known else ''}, {size >> 20} MiB",
            number=sysfs.number(machine, f"{base}/partition"),
            size=size,
            type=known,
            label=told.get("PART_ENTRY_NAME"),
        )
        if path and size > 1024:  # the shell of logical partitions has two sectors
            self.device(path, number, base, size)

    def _export(self, path: str) -> str:
        return sysfs.output(self.world.machine, BLKID, device=path) or ""

    def signatures(self, path: str) -> list[dict[str, Any]]:
        try:
            told = json.loads(self.world.machine.cli.run(WIPEFS, device=path).stdout or "{}")
        except (CliError, NotInstalled, Timeout) as error:
            self.doubt(str(error))
            return []
        # the same more than once: copies of a superblock
        return list({(one["type"], one.get("uuid")): one for one in told.get("signatures", [])}.values())

    def signature(self, path: str, one: dict[str, Any]) -> None:
        kind, label, uuid = one["type"], one.get("label"), one.get("uuid")
        what = (
            "partition_table"
            if kind in TABLES
            else "raid"
            if kind.endswith("_raid_member")
            else KINDS.get(kind, "filesystem")
        )
        details = {"type": kind, "label": label, "uuid": uuid}
        if what == "ceph_osd":
            self.bluestore(path, 0)
        elif what == "lvm":
            self.lvm(path, details)
        elif what == "zfs":
            self.places += self.world.pools.get(label or "", [])
            self.add(path, what, f"ZFS, pool {label or 'unknown'}", pool=label, **details)
        elif what == "filesystem":
            self.boot = self.boot or (uuid or "").lower() in self.world.boot_uuids
            self.add(path, what, f"filesystem {kind}{f' ({label})' if label else ''}", **details)
        else:
            words = {
                "partition_table": f"partition table {kind}",
                "raid": f"member of a RAID ({kind})",
                "luks": f"encrypted ({kind})",
            }
            self.add(path, what, words.get(what, what), **details)

    def lvm(self, path: str, details: dict[str, Any]) -> None:
        try:
            found = lvm.read(self.reader(path))
        except OSError as error:
            self.doubt(f"{path} cannot be read: {error.strerror}")
            found = None
        group = found.group if found else None
        volumes = found.volumes if found else {}
        words = f"volume group {group}" if group else "in no volume group" if found else "volume group unknown"
        self.add(
            path, "lvm", f"LVM physical volume, {words}", volume_group=group, logical_volumes=sorted(volumes), **details
        )
        for name, tags in sorted(volumes.items()):
            if osd := bluestore.from_tags(tags):
                self.osd(path, osd, f" on the logical volume {group}/{name}")

    def bluestore(self, path: str, size: int) -> None:
        """The label of an OSD, also a copy of it where the first was overwritten (up to C(size))."""
        for position in (0, *bluestore.COPIES):
            if position and position + bluestore.BLOCK > size:
                return
            try:
                label = bluestore.parse(self.reader(path)(position, bluestore.BLOCK))
            except OSError as error:
                self.doubt(f"{path} cannot be read: {error.strerror}")
                return
            if label and position:
                text = f"remains of a Ceph OSD: a copy of its label at {position >> 30} GiB"
                self.add(path, "ceph_remains", text, **label)
            elif label:
                self.osd(path, label, "")
            if label:
                return

    def osd(self, path: str, osd: dict[str, Any], where: str) -> None:
        name = f"osd.{osd['osd_id']}" if osd["osd_id"] else osd["osd_fsid"] or "unknown"
        role = f" ({osd['role']})" if osd["role"] not in (None, "block") else ""
        self.add(path, "ceph_osd", f"Ceph {name}{role} of the cluster {osd['cluster_fsid'] or 'unknown'}{where}", **osd)

    def uses(self, path: str, number: str, base: str) -> None:
        places = self.world.mounts.get(number, [])
        if places:
            self.places += places
            self.add(path, "mounted", f"mounted on {', '.join(places)}", places=places)
        if number in self.world.swaps:
            self.add(path, "swap_active", "in use as swap")
        for name in sysfs.names(self.world.machine, f"{base}/holders"):
            self.holder(path, name, f"{base}/holders/{name}")

    def holder(self, path: str, name: str, base: str) -> None:
        machine = self.world.machine
        label = sysfs.text(machine, f"{base}/dm/name")
        uuid = sysfs.text(machine, f"{base}/dm/uuid") or ""
        kind = next((word for start, word in HOLDERS if uuid.startswith(start)), "device")
        shown = f"{kind} {label or name}"
        self.add(path, "held", f"held by the {shown}", holder=label or name, kind=kind)
        self.uses(f"/dev/{name}", sysfs.text(machine, f"{base}/dev") or "", sysfs.real(machine, base))

    def claim(self, path: str) -> None:
        try:
            if self.world.devices.claimed(path):
                self.add(path, "busy", "opened exclusively by the kernel or a process")
        except OSError as error:
            self.doubt(f"{path} cannot be opened: {error.strerror}")
