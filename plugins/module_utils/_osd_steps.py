# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Steps of a plan: what is to be done, and how it is shown. They know neither Proxmox nor Ceph."""

from __future__ import annotations

import dataclasses
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_cluster import Osd
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_disks import Disk, Disks
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_wish import Wish


@dataclasses.dataclass(frozen=True)
class Step:
    """C(where) names the entry or the OSD in errors."""

    where: str

    @property
    def action(self) -> str:
        return type(self).__name__.lower()

    def about(self) -> dict[str, Any]:
        return {}

    def summary(self) -> dict[str, Any]:
        told = {name: value for name, value in self.about().items() if value not in (None, [], {})}
        return {"action": self.action, **told}


@dataclasses.dataclass(frozen=True)
class Purge(Step):
    """A number that was allocated here, for an OSD that never was up and has no disk."""

    osd: Osd

    def about(self) -> dict[str, Any]:
        return {"osd": self.osd.number}


@dataclasses.dataclass(frozen=True)
class Clean(Step):
    """What a killed creation left: an OSD that never was up (None if its number is gone already), and its disks.

    C(zap): ceph-volume takes its volumes away. C(disks): those that are wiped as a whole, each with what was on it.
    """

    osd: Osd | None
    zap: bool
    disks: tuple[Disk, ...]

    def about(self) -> dict[str, Any]:
        return {
            "osd": self.osd.number if self.osd else None,
            "device": ", ".join(disk.name for disk in self.disks) or None,
            "contents": "; ".join(disk.words() for disk in self.disks) or None,
        }


@dataclasses.dataclass(frozen=True)
class Forget(Step):
    """A volume for a DB or WAL that was never given to an OSD."""

    volume: str

    def about(self) -> dict[str, Any]:
        return {"volume": self.volume}


@dataclasses.dataclass(frozen=True)
class Wipe(Step):
    """What both words allow."""

    disk: Disk

    def about(self) -> dict[str, Any]:
        return {"device": self.disk.name, "contents": self.disk.words()}


@dataclasses.dataclass(frozen=True)
class Create(Step):
    wish: Wish
    disk: Disk

    def about(self) -> dict[str, Any]:
        others = {f"{kind}_device": device for kind, device, _size in self.wish.others()}
        wish = self.wish
        return {
            "device": wish.device,
            **others,
            "device_class": wish.device_class,
            "encrypted": wish.encrypted or None,
            "osds_per_device": wish.osds_per_device if wish.count > 1 else None,
            "crush_location": wish.crush_location,
        }


@dataclasses.dataclass(frozen=True)
class Complete(Create):
    """More OSDs on a device of which a killed run has made some."""


@dataclasses.dataclass(frozen=True)
class Start(Step):
    """C(disk): where the OSD is; C(activate): its unit has never been made on this machine."""

    osd: Osd
    activate: bool

    def about(self) -> dict[str, Any]:
        return {"osd": self.osd.number}


@dataclasses.dataclass(frozen=True)
class Tell(Step):
    """One command of Ceph's, such as a new device class: C(shown) is what changes, (before, after)."""

    osd: Osd
    prefix: str
    arguments: tuple[tuple[str, Any], ...]
    shown: tuple[str, Any, Any]

    def about(self) -> dict[str, Any]:
        return {"osd": self.osd.number, "command": self.prefix, "set": {self.shown[0]: self.shown[2]}}


@dataclasses.dataclass(frozen=True)
class Destroy(Step):
    """An OSD goes. C(dead): its disk is gone already. C(known): Proxmox's API finds it on this node.

    C(replaced): a new OSD takes its place in the same run, so that its data need not be elsewhere first.
    """

    osd: Osd
    known: bool
    dead: bool = False
    replaced: bool = False
    cleanup: bool = False
    forced: bool = False
    disks: tuple[Disk, ...] = ()

    def about(self) -> dict[str, Any]:
        return {
            "osd": self.osd.number,
            "device": ", ".join(disk.name for disk in self.disks) or None,
            "cleanup": self.cleanup or None,
            "forced": self.forced or None,
        }


def namesakes(where: str, osd: Osd, others: list[str]) -> list[str]:
    """What stands against destroying an OSD through Proxmox while another of its number is on a disk."""
    return [
        f"{where}: expected no other OSD of its number on this node, found that {other}. Proxmox goes by the number and"
        f" would wipe that, too. Take the disk out first."
        for other in others
    ]


def copied(where: str, osds: list[Osd], disk: Disk, disks: Disks) -> list[str]:
    """What stands against doing anything with an OSD that is on two disks."""
    return [
        f"{where}: expected {osd.name} on one disk, found it on {' and '.join(sorted([disk.name, *others]))}: one is a copy"
        f" of the other OSD. Take the copy out."
        for osd in osds
        if (others := disks.copies(disk, osd.uuid))
    ]
