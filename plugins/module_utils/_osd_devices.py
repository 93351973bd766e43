# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The devices that entries name: each there, each used once, DB and WAL devices with room for what is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_cluster import Osd
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_disks import Disk, Disks
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_halves import could_be_half
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_judge import Judge
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_steps import Create, Forget
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_wish import GIB, Wish


def missing(where: str, device: str, disks: Disks) -> str | None:
    """What is wrong with a path that is to be a whole disk."""
    if not disks.exists(device):
        return f"{where}: expected a disk, found no {device} on this machine."
    if disks.find(device) is None:
        real = disks.real(device)
        return f"{where}: expected a whole disk, found {real}, which is none (a partition, a volume, or no local disk)."
    return None


def resolve(wishes: Sequence[Wish], disks: Disks, problems: list[str]) -> dict[int, Disk]:
    """The data disk of each entry; those that are missing or named twice are problems."""
    found: dict[int, Disk] = {}
    taken: dict[str, str] = {}
    for wish in wishes:
        problem = missing(wish.where, wish.device, disks)
        disk = disks.find(wish.device)
        if problem or disk is None:
            problems.append(problem or "")
        elif disk.path in taken:
            problems.append(f"{wish.where}: expected each disk once, found {disk.path}, which {taken[disk.path]} has.")
        else:
            taken[disk.path] = wish.where
            found[wish.index] = disk
    for wish in wishes:
        for kind, device, _size in wish.others():
            disk = disks.find(device)
            if disk and disk.path in taken:
                text = f"expected a disk without an OSD's data, found {disk.path}, the data disk of {taken[disk.path]}"
                problems.append(f"{wish.where}: {kind}_device: {text}.")
    return found


def others(
    wish: Wish, disks: Disks, judge: Judge, halves: Sequence[Osd], marked: Callable[[Disk], bool]
) -> Iterator[str]:
    """What is wrong with the DB and WAL devices of an OSD that is to be made."""
    seen: dict[str, str] = {}
    for kind, device, _size in wish.others():
        where = f"{wish.where}: {kind}_device"
        disk = disks.find(device)
        if problem := missing(where, device, disks):
            yield problem
        elif disk is not None:
            if disk.path in seen:
                yield f"{where}: expected another disk than {seen[disk.path]}, found the same, {disk.path}."
            seen[disk.path] = f"{kind}_device"
            if not usable(disk, judge, halves, marked):
                yield (
                    f"{where}: expected an empty disk, or one with DBs and WALs of this Ceph alone, found {disk.words()}."
                    f" It is never wiped by way of another disk's entry."
                )


def usable(disk: Disk, judge: Judge, halves: Sequence[Osd], marked: Callable[[Disk], bool]) -> bool:
    """Whether a DB or WAL can be made on it, perhaps after what a killed creation left there was taken away."""
    if disk.empty or judge.shared(disk):
        return True
    half = bool(disk.labels) and all(judge.osd(label) in halves for label in disk.labels)
    return (half and not judge.in_use(disk)) or (disk.empty is False and marked(disk) and could_be_half(disk, judge))


def space(creating: Sequence[Create], disks: Disks, judge: Judge) -> Iterator[str]:
    """Sizes that are asked for, device by device, against what is free there."""
    asked: dict[str, float] = {}
    for step in creating:
        for _kind, device, size in step.wish.others():
            disk = disks.find(device)
            if disk and size:
                asked[disk.path] = asked.get(disk.path, 0.0) + size
    for path, gib in asked.items():
        disk = disks.all[path]
        group = judge.groups.get(disk.groups[0]) if disk.groups else None
        free = group.free if group else disk.size if disk.empty else None
        if free is not None and gib * GIB > free:
            yield (
                f"{disk.name}: expected room for DBs and WALs of {gib:g} GiB together, found"
                f" {free / GIB:.1f} GiB {'free in ' + group.name if group else 'in all'}."
            )


def leftovers(creating: Sequence[Create], disks: Disks, judge: Judge) -> list[Forget]:
    """Volumes that a killed run made for a DB or WAL and never used, on the devices that are used now."""
    found: dict[str, Forget] = {}
    for step in creating:
        for _kind, device, _size in step.wish.others():
            if disk := disks.find(device):
                for volume in judge.leftovers(disk):
                    found.setdefault(volume, Forget(step.where, volume))
    return list(found.values())
