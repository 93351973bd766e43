# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Taking away what a killed creation left on disks. No data can be in it: the OSD never was up.

It is told from everything else by the OSD's UUID, which the monitors know as new, or by our own mark on the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_cluster import Osd
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_disks import GROUP, VOLUME, Disk, Disks
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_judge import Judge
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_steps import Clean, Forget, Step
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_wish import Wish

__all__ = ("Clean", "Forget", "clean", "clean_others", "could_be_half")


def could_be_half(disk: Disk, judge: Judge) -> bool:
    """Whether nothing is on the disk but what C(ceph-volume lvm create) or C(ceph-osd --mkfs) leave when killed.

    No label or tag that is complete, no OSD that the monitors know, no volume of another name, no partition, nothing in use.
    """
    if any(one["what"] not in ("lvm", "ceph_osd", "held") for one in disk.contents) or judge.in_use(disk):
        return False
    if any(one["device"] != disk.path for one in disk.contents if one["what"] != "held"):
        return False
    if not all(group is None or GROUP.fullmatch(group) for group in disk.groups):
        return False
    if not all(VOLUME.fullmatch(name) for name in disk.volumes):
        return False
    return all(label.fsid is None and judge.osd(label) is None for label in disk.labels)


def clean(where: str, halves: Sequence[Osd], disks: Disks, judge: Judge) -> tuple[list[Step], list[str]]:
    """(steps, what stands against them) for OSDs that were made by half, on whatever disks they are."""
    steps: list[Step] = []
    problems = []
    for osd in halves:
        whole, tagged = [], False
        for disk in disks.holding(osd.uuid):
            own = [label for label in disk.labels if label.uuid == osd.uuid]
            if disk.groups and any(label.fsid for label in own):
                tagged = True
            elif all(judge.osd(label) in halves for label in disk.labels) and _only_ours(disk):
                whole.append(disk)
                problems += [
                    f"{where}: {disk.name}, on which {osd.name} was made by half: {text}."
                    for text in judge.in_use(disk)
                ]
            else:
                problems.append(
                    f"{where}: {osd.name} was made by half, and never was up, on {disk.name}, where there is more than it:"
                    f" {disk.words()}. Take it away by hand."
                )
        steps.append(Clean(where, osd, tagged, tuple(whole)))
    return steps, problems


def _only_ours(disk: Disk) -> bool:
    """Whether a disk has nothing but the OSD: its label, or its volume group."""
    return all(one["what"] in ("lvm", "ceph_osd", "held") and
               (one["device"] == disk.path or one["what"] == "held") for one in disk.contents) and all(
        VOLUME.fullmatch(name) for name in disk.volumes
    )  # fmt: skip


def clean_others(
    wish: Wish, disks: Disks, judge: Judge, halves: Sequence[Osd], marked: Callable[[Disk], bool]
) -> list[Step]:
    """A DB or WAL device with a mark on it, on which no OSD has anything: its own cleaning."""
    steps: list[Step] = []
    for kind, device, _size in wish.others():
        disk = disks.find(device)
        if disk is None or disk.empty or judge.shared(disk) or any(judge.osd(label) in halves for label in disk.labels):
            continue
        if marked(disk) and could_be_half(disk, judge):
            steps.append(Clean(f"{wish.where}: {kind}_device", None, False, (disk,)))
    return steps
