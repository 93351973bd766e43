# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What an inventory asks of C(ceph_osd): the argument spec, and what can be said against it without looking at a disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

GIB = 1 << 30
# as in PVE/API2/Ceph/OSD.pm
SMALLEST = {"db": 1.0, "wal": 0.5}

_INT_LIST = {"type": "list", "elements": "int", "default": []}
CONFIG = {
    "device": {"type": "path", "required": True},
    "db_device": {"type": "path"},
    "db_size": {"type": "float"},
    "wal_device": {"type": "path"},
    "wal_size": {"type": "float"},
    "device_class": {"type": "str"},
    "encrypted": {"type": "bool", "default": False},
    "osds_per_device": {"type": "int"},
    "crush_location": {"type": "dict"},
    "wipe": {"type": "bool", "default": False},
    "replaces": _INT_LIST,
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "config": {"type": "list", "elements": "dict", "options": CONFIG, "default": []},
    "state": {"type": "str", "choices": ["present", "absent", "gathered"], "default": "present"},
    "allow_wipe": {"type": "bool", "default": False},
    "osds": _INT_LIST,
    "cleanup": {"type": "bool", "default": False},
    "force": _INT_LIST,
    "timeout": {"type": "int", "default": 300},
    "drain_timeout": {"type": "int", "default": 3600},
}


@dataclasses.dataclass(frozen=True)
class Wish:
    """One entry of config. Sizes in GiB, as Proxmox takes them."""

    index: int
    device: str
    db_device: str | None = None
    db_size: float | None = None
    wal_device: str | None = None
    wal_size: float | None = None
    device_class: str | None = None
    encrypted: bool = False
    osds_per_device: int | None = None
    crush_location: Mapping[str, str] | None = None
    wipe: bool = False
    replaces: tuple[int, ...] = ()

    @property
    def where(self) -> str:
        return f"config[{self.index}] ({self.device})"

    @property
    def count(self) -> int:
        return self.osds_per_device or 1

    def others(self) -> list[tuple[str, str, float | None]]:
        """(db | wal, device, GiB) of the devices besides its own."""
        pairs = (("db", self.db_device, self.db_size), ("wal", self.wal_device, self.wal_size))
        return [(kind, device, size) for kind, device, size in pairs if device]

    def form(self) -> dict[str, Any]:
        """Parameters of POST /nodes/{node}/ceph/osd."""
        return {
            "dev": self.device,
            "db_dev": self.db_device,
            "db_dev_size": self.db_size,
            "wal_dev": self.wal_device,
            "wal_dev_size": self.wal_size,
            "encrypted": self.encrypted or None,
            "crush-device-class": self.device_class,
            "osds-per-device": self.osds_per_device if self.count > 1 else None,
        }


def wishes(config: Sequence[Mapping[str, Any]]) -> list[Wish]:
    found = []
    for index, item in enumerate(config):
        given = {name: value for name, value in item.items() if value is not None}
        given["replaces"] = tuple(given.get("replaces", ()))
        if "crush_location" in given:
            given["crush_location"] = {str(kind): str(name) for kind, name in given["crush_location"].items()}
        found.append(Wish(index, **given))
    return found


def problems(wishes: Sequence[Wish]) -> Iterator[str]:
    """What is wrong with each entry by itself."""
    for wish in wishes:
        for kind in ("db", "wal"):
            size, device = getattr(wish, f"{kind}_size"), getattr(wish, f"{kind}_device")
            if size is not None and not device:
                yield f"{wish.where}: {kind}_size: expected it with {kind}_device only, found no {kind}_device."
            if size is not None and size < SMALLEST[kind]:
                yield f"{wish.where}: {kind}_size: expected {SMALLEST[kind]:g} GiB or more, found {size:g}."
        if wish.osds_per_device is not None and wish.osds_per_device < 1:
            yield f"{wish.where}: osds_per_device: expected 1 or more, found {wish.osds_per_device}."
        if wish.count > 1 and wish.others():
            names = " and ".join(f"{kind}_device" for kind, _device, _size in wish.others())
            yield f"{wish.where}: osds_per_device: expected it without {names}, which Proxmox refuses together with it."
        if wish.db_device and wish.db_device == wish.wal_device:
            text = "a WAL is in the DB anyway; leave it out"
            yield f"{wish.where}: wal_device: expected another device than db_device: {text}."
