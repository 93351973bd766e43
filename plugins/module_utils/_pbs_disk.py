# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Disks of a backup server as places for datastores: src/api2/node/disks/{directory,zfs}.rs.

The server makes the file system and what mounts it below /mnt/datastore. It refuses a disk that is in use; here a disk has
to be empty by every way of looking at it, before anything is written to any of them. Nothing is ever wiped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._api import Api
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import TaskError, Timeout
from ansible_collections.baremetal.proxmox.plugins.module_utils._items import refuse
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_disks import Disk, Disks

PLACE = "/mnt/datastore"
WORKERS = frozenset({"dircreate", "zfscreate"})
# zfs.rs, create_zpool: how many disks each takes at least; raid10 takes pairs
RAID = {"single": 1, "mirror": 2, "raid10": 4, "raidz": 3, "raidz2": 4, "raidz3": 5}
_API = "/nodes/{node}/disks"


@dataclass(frozen=True)
class Wish:
    name: str
    devices: tuple[str, ...]
    filesystem: str
    raidlevel: str | None

    @property
    def path(self) -> str:
        return f"{PLACE}/{self.name}"

    @property
    def where(self) -> str:
        return f"disk of the datastore '{self.name}'"

    def shown(self) -> dict[str, Any]:
        raid = {"raidlevel": self.raidlevel} if self.filesystem == "zfs" else {}
        return {
            "name": self.name,
            "path": self.path,
            "devices": list(self.devices),
            "filesystem": self.filesystem,
        } | raid


def wishes(config: Sequence[Mapping[str, Any]]) -> list[Wish]:
    found = []
    for one in config:
        filesystem = one.get("filesystem") or "ext4"
        raid = one.get("raidlevel") or ("single" if filesystem == "zfs" else None)
        found.append(Wish(one["name"], tuple(one["devices"]), filesystem, raid))
    return found


def objections(wanted: Sequence[Wish]) -> list[str]:
    """What is wrong with the list itself."""
    problems = []
    names = [one.name for one in wanted]
    devices = [device for one in wanted for device in one.devices]
    problems += [
        f"disk of the datastore '{name}': it is listed twice" for name in dict.fromkeys(names) if names.count(name) > 1
    ]
    problems += [f"{device}: it is listed twice" for device in dict.fromkeys(devices) if devices.count(device) > 1]
    for one in wanted:
        if one.filesystem != "zfs":
            if one.raidlevel:
                problems.append(f"{one.where}: raidlevel: expected it with zfs only, found {one.raidlevel}")
            if len(one.devices) != 1:
                problems.append(f"{one.where}: devices: expected one for {one.filesystem}, found {len(one.devices)}")
            continue
        count, least = len(one.devices), RAID[str(one.raidlevel)]
        odd = one.raidlevel == "raid10" and count % 2
        if count < least or odd or (one.raidlevel == "single" and count > 1):
            expected = "one" if one.raidlevel == "single" else f"at least {least}" + (" in pairs" if least == 4 else "")
            problems.append(f"{one.where}: devices: expected {expected} for {one.raidlevel}, found {count}")
    return problems


class Converger:
    """C(api) is None where there is no backup server yet."""

    def __init__(self, api: Api | None, disks: Disks) -> None:
        self.api = api
        self.disks = disks

    def plan(self, wanted: Sequence[Wish]) -> list[Wish]:
        """Those that are not there. Raises InputError with everything that stands against it."""
        problems = objections(wanted)
        refuse(problems)
        there = self._there(wanted)
        missing = []
        for one in wanted:
            if one.name in there:
                problems += self._other(one)
            else:
                missing.append(one)
                problems += [text for device in one.devices for text in self._taken(one, device)]
        refuse(problems)
        return missing

    def make(self, missing: Sequence[Wish]) -> None:
        for number, one in enumerate(missing):
            try:
                self._make(one)
            except (TaskError, Timeout) as error:
                error.message = f"{one.where}: {error.message}"
                error.hint = f"See what is on {', '.join(one.devices)}; nothing here wipes it."
                error.fields["changed"] = True
                raise
            except Exception as error:
                if number and hasattr(error, "fields"):
                    error.fields["changed"] = True
                raise

    def _make(self, one: Wish) -> None:
        if self.api is None:
            raise TypeError("there is no backup server to make it")
        names = [self.disks.real(device).rpartition("/")[2] for device in one.devices]
        if one.filesystem == "zfs":
            self.api.post(f"{_API}/zfs", name=one.name, devices=",".join(names), raidlevel=one.raidlevel)
        else:
            self.api.post(f"{_API}/directory", name=one.name, disk=names[0], filesystem=one.filesystem)

    def _there(self, wanted: Sequence[Wish]) -> set[str]:
        """Names that the server has; what a run before has begun is awaited."""
        if self.api is None:
            return set()
        self.api.finish(WORKERS)
        found = {row["name"] for row in self.api.get(f"{_API}/directory")}
        if any(one.filesystem == "zfs" for one in wanted):
            found |= {row["name"] for row in self.api.get(f"{_API}/zfs")}
        return found

    def _other(self, one: Wish) -> list[str]:
        """What is mounted has to be on the disks that are named."""
        disks = {device: self.disks.find(device) for device in one.devices}
        on = [disk.name for disk in self.disks.all.values() if _holds(disk, one)]
        if not on:
            return [f"{one.where}: expected it to be mounted on {one.path}, found it not mounted. See its mount unit"]
        strange = [device for device, disk in disks.items() if disk is None or not _holds(disk, one)]
        if strange:
            return [f"{one.where}: devices: expected {', '.join(on)}, on which it is, found {', '.join(strange)}"]
        return []

    def _taken(self, one: Wish, device: str) -> list[str]:
        disk = self.disks.find(device)
        if disk is None:
            known = ", ".join(sorted(other.name for other in self.disks.all.values() if other.empty)) or "none"
            return [f"{one.where}: devices: expected a disk of this machine (empty are {known}), found {device}"]
        if not disk.empty:
            return [f"{one.where}: devices: expected {device} to be empty, found {disk.words()}. Nothing here wipes it"]
        return []


def _holds(disk: Disk, one: Wish) -> bool:
    if one.filesystem == "zfs":
        return any(entry["what"] == "zfs" and entry.get("pool") == one.name for entry in disk.contents)
    return any(entry["what"] == "mounted" and one.path in entry["places"] for entry in disk.contents)
