# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The disks of this node in one reading, and which OSDs are on them.

An OSD is known by its own UUID: in the tags of its logical volumes (ceph-volume, devices/lvm/prepare.py), or in the label
of BlueStore where it is straight on a device. The number and the kernel's names are not asked.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_bluestore as bluestore
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_disks as hardware
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_sysfs as sysfs
from ansible_collections.baremetal.proxmox.plugins.module_utils._hardware_devices import Devices
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

# prepare.py and PVE/API2/Ceph/OSD.pm name volumes so; only that of a block volume is the OSD's own UUID
VOLUME = re.compile(r"osd-(block|db|wal)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
GROUP = re.compile(r"ceph-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclasses.dataclass(frozen=True)
class Label:
    """What a disk says of an OSD; what it does not say is None. C(role): block, db or wal.

    C(blank): a volume that is named as an OSD's and has neither tags nor anything in it. ceph-volume leaves it so when it
    has made the volume only, and when it has zapped an OSD without C(--destroy).
    """

    uuid: str | None
    number: int | None
    fsid: str | None
    role: str | None
    blank: bool = False

    @property
    def name(self) -> str:
        return f"osd.{self.number}" if self.number is not None else f"an OSD ({self.uuid or 'unknown'})"


@dataclasses.dataclass(frozen=True)
class Disk:
    """C(path): its kernel name of today. C(told): the entry of M(node_facts) for it."""

    path: str
    told: Mapping[str, Any]
    labels: tuple[Label, ...]

    @property
    def contents(self) -> list[dict[str, Any]]:
        return list(self.told["contents"])

    @property
    def empty(self) -> bool | None:
        return self.told["empty"]

    @property
    def name(self) -> str:
        return self.told["stable_id"] or self.path

    @property
    def size(self) -> int:
        return int(self.told["size"])

    @property
    def groups(self) -> list[str | None]:
        """Volume groups; None for a physical volume that is in none."""
        return [one.get("volume_group") for one in self.contents if one["what"] == "lvm"]

    @property
    def volumes(self) -> list[str]:
        return [name for one in self.contents if one["what"] == "lvm" for name in one["logical_volumes"]]

    def words(self) -> str:
        """What is on it, in words."""
        found = [
            one["text"] if one["device"] == self.path else f"{one['device']}: {one['text']}" for one in self.contents
        ]
        return "; ".join([*found, *([self.told["reason"]] if self.told["reason"] else [])]) or "nothing"


class Disks:
    """All disks, by their kernel names."""

    def __init__(self, machine: Machine, devices: Devices | None = None) -> None:
        self.machine = machine
        self.devices = devices or Devices(machine)
        self.all: dict[str, Disk] = {}
        self.read()

    def read(self) -> None:
        self.all = {
            one["device"]: Disk(one["device"], one, labels(one, self._inside))
            for one in hardware.disks(self.machine, self.devices, smart_too=False)
        }

    def _inside(self, group: str, volume: str) -> bytes | None:
        """The beginning of a volume; None if it is not active, or cannot be read."""
        try:
            return self.devices.read(f"/dev/{group}/{volume}", 0, bluestore.BLOCK)
        except OSError:
            return None

    def real(self, path: str) -> str:
        """The kernel's name of today."""
        return sysfs.real(self.machine, path)

    def find(self, path: str) -> Disk | None:
        """The whole disk that a path names, whatever it is called today."""
        return self.all.get(self.real(path))

    def exists(self, path: str) -> bool:
        return self.machine.path(path).exists()

    def holding(self, uuid: str) -> list[Disk]:
        """Every disk with a part of an OSD."""
        return [disk for disk in self.all.values() if any(one.uuid == uuid for one in disk.labels)] if uuid else []

    def copies(self, disk: Disk, uuid: str) -> list[str]:
        """Other disks that say they hold the data of the same OSD; then nobody knows which is right."""
        others = [one for one in self.holding(uuid) if one.path != disk.path]
        return [one.name for one in others if any(x.uuid == uuid and x.role in ("block", None) for x in one.labels)]

    def unreadable(self) -> list[Disk]:
        return [disk for disk in self.all.values() if disk.empty is None]


def labels(told: Mapping[str, Any], inside: Callable[[str, str], bytes | None]) -> tuple[Label, ...]:
    """Of an entry of M(node_facts). A volume without all its tags is known by its name, and by the label in it.

    C(inside(group, volume)): see C(Disks).
    """
    found = []
    named = []
    for one in told["contents"]:
        if one["what"] in ("ceph_osd", "ceph_remains"):
            found.append(_label(one))
        elif one["what"] == "lvm" and GROUP.fullmatch(group := one.get("volume_group") or ""):
            matches = [match for match in map(VOLUME.fullmatch, one["logical_volumes"]) if match]
            named += [(group, match) for match in matches if match[1] == "block"]
    known = {one.uuid for one in found}
    partial = [_untagged(match[2], inside(group, match[0])) for group, match in named if match[2] not in known]
    # ceph-volume first tags a volume with its type alone
    return tuple([one for one in found if one.uuid or one.fsid or not partial] + partial)


def _untagged(uuid: str, block: bytes | None) -> Label:
    told = bluestore.parse(block) if block else None
    if told:
        return _label({**told, "role": "block"})
    return Label(uuid, None, None, "block", blank=block is not None and not any(block))


def _label(one: Mapping[str, Any]) -> Label:
    number = str(one.get("osd_id") or "")
    uuid, fsid = one.get("osd_fsid"), one.get("cluster_fsid")
    return Label(
        uuid.lower() if uuid else None,
        int(number) if number.isdigit() else None,
        fsid.lower() if fsid else None,
        one.get("role"),
    )
