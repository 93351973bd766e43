# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""Ceph, which is on where C(pve_ceph_mons) names its monitors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, listed, nearest
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Inventory
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import Place

MONS = "pve_ceph_mons"
OSDS = "pve_ceph_osds"
# Kernel names such as /dev/sdb go to another disk when one more is put in
STABLE = re.compile(r"/dev/disk/by-(?:id|path)/[^/\s]+")
_DEVICES = ("device", "db_device", "wal_device")


def mons(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        named = [name for name in host.get(MONS, ()) if name is not None]
        place = host.place(MONS)
        if not named:
            continue
        if len(named) < 3 or len(named) % 2 == 0:
            yield place.finding("an odd number of monitors, 3 or more", f"{len(named)} ({listed(named)})")
        for index, name in enumerate(host.get(MONS)):
            if name is None:
                continue
            if name not in inventory.hosts:
                near = nearest(name, list(inventory.hosts))
                expected = f"a host of {inventory.pattern}" + (f" (nearest: {near})" if near else "")
                yield place.item(index).wrong(expected, name)
            elif name in named[:index]:
                yield place.item(index).finding("each monitor once", f"'{name}' a second time")


def osds(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        data: dict[str, str] = {}
        for place, osd in host.items(OSDS):
            for key in _DEVICES:
                device = osd.get(key)
                if device is not None and not STABLE.fullmatch(device):
                    yield place.inside(key).wrong("a stable name, /dev/disk/by-id/… or /dev/disk/by-path/…", device)
            yield from _sizes(place, osd)
            device = osd["device"]
            if device in data:
                yield place.inside("device").finding("each disk once", f"'{device}', which {data[device]} has already")
            data.setdefault(device, place.path)
        for place, osd in host.items(OSDS):
            for key in _DEVICES[1:]:
                if osd.get(key) in data:
                    found = f"'{osd[key]}', which is the data disk of {data[osd[key]]}"
                    yield place.inside(key).finding("a disk that no OSD has for its data", found)


def _sizes(place: Place, osd: Mapping[str, Any]) -> Iterator[Finding]:
    """PVE/API2/Ceph/OSD.pm: a size is that of a device which is named."""
    for size, device in (("db_size", "db_device"), ("wal_size", "wal_device")):
        if osd.get(size) is None:
            continue
        if osd[size] < 1:
            yield place.inside(size).wrong("a number of GiB, 1 or more", osd[size])
        if not osd.get(device):
            yield place.inside(size).finding(f"it with {device} only", f"no {device}")


def both(inventory: Inventory) -> Iterator[Finding]:
    """Disks without monitors are a mistake, monitors without disks perhaps a beginning."""
    if any(MONS in host.broken or OSDS in host.broken for host in inventory):
        return
    for host in inventory:
        if host.get(OSDS) and not host.get(MONS):
            expected = f"the monitors of Ceph, because {OSDS} is set"
            yield host.place(MONS).finding(expected, "nothing")
    first = next(iter(inventory), None)
    if first and first.get(MONS) and not any(host.get(OSDS) for host in inventory):
        yield first.place(OSDS).finding(f"disks for Ceph, because {MONS} is set", "none on any host", warning=True)


RULES = (mons, osds, both)
