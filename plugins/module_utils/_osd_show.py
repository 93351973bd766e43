# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""A plan and OSDs as people read them: diffs, and what C(config) takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _osd_steps as steps
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_cluster import Osd
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_disks import Disk, Disks
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_judge import Judge


def diff(plan: Sequence[steps.Step]) -> dict[str, Any]:
    """By disk and by OSD, only what changes."""
    before: dict[str, dict[str, Any]] = {}
    after: dict[str, dict[str, Any]] = {}
    for step in plan:
        if isinstance(step, (steps.Purge, steps.Clean, steps.Destroy)) and step.osd:
            before.setdefault(step.osd.name, {}).update(_state(step))
        if isinstance(step, (steps.Clean, steps.Wipe)):
            for disk in step.disks if isinstance(step, steps.Clean) else [step.disk]:
                before.setdefault(disk.path, {})["contents"] = disk.words()
                after.setdefault(disk.path, {})["contents"] = "nothing"
        elif isinstance(step, steps.Forget):
            before.setdefault(step.volume, {})["volume"] = "of no OSD"
        elif isinstance(step, steps.Create):
            before.setdefault(step.disk.path, {}).setdefault("contents", step.disk.words())
            after.setdefault(step.disk.path, {})["contents"] = "Ceph OSD"
            after[step.disk.path].update(step.summary())
            after[step.disk.path].pop("action")
        elif isinstance(step, steps.Start):
            before.setdefault(step.osd.name, {})["up"] = False
            after.setdefault(step.osd.name, {})["up"] = True
        elif isinstance(step, steps.Tell):
            name, old, new = step.shown
            before.setdefault(step.osd.name, {})[name] = old
            after.setdefault(step.osd.name, {})[name] = new
    return {"before": before, "after": after}


def _state(step: steps.Purge | steps.Clean | steps.Destroy) -> dict[str, Any]:
    osd = step.osd
    if osd is None:
        return {}
    if isinstance(step, steps.Destroy):
        found = "gone" if step.dead else ", ".join(disk.name for disk in step.disks) or None
        return {"up": osd.up, "in": osd.inside, "device": found}
    return {"up": False, "in": osd.inside, "device": "never made whole"}


def osds(disks: Disks, judge: Judge, node: str) -> list[dict[str, Any]]:
    """The OSDs of this node: those on its disks, and those that Ceph has here without one."""
    found: dict[int, dict[str, Any]] = {}
    for disk in disks.all.values():
        for osd in judge.osds(disk):
            found[osd.number] = _osd(osd, disk)
    for osd in judge.cluster.of_host(node) if judge.cluster else ():
        found.setdefault(osd.number, _osd(osd, None))
    return [found[number] for number in sorted(found)]


def _osd(osd: Osd, disk: Disk | None) -> dict[str, Any]:
    return {
        "id": osd.number,
        "uuid": osd.uuid,
        "device": disk.name if disk else None,
        "path": disk.path if disk else None,
        "up": osd.up,
        "in": osd.inside,
        "device_class": osd.device_class,
        "location": dict(osd.location),
    }


def gathered(disks: Disks, judge: Judge) -> list[dict[str, Any]]:
    """The OSDs on this node's disks as entries of config, without what is the default."""
    found = []
    for disk in sorted(disks.all.values(), key=lambda disk: disk.name):
        osds = judge.osds(disk)
        if not osds:
            continue
        entry: dict[str, Any] = {"device": disk.name}
        for kind in ("db", "wal"):
            other = next((one for one in disks.all.values() if one is not disk and _carries(one, osds[0], kind)), None)
            entry |= {f"{kind}_device": other.name} if other else {}
        entry |= {"device_class": osds[0].device_class} if osds[0].device_class else {}
        entry |= {"encrypted": True} if _encrypted(disk, judge) else {}
        entry |= {"osds_per_device": len(osds)} if len(osds) > 1 else {}
        found.append(entry)
    return found


def _carries(disk: Disk, osd: Osd, kind: str) -> bool:
    return any(label.uuid == osd.uuid and label.role == kind for label in disk.labels)


def _encrypted(disk: Disk, judge: Judge) -> bool:
    groups = [group for name in disk.groups if (group := judge.groups.get(name))]
    return any("ceph.encrypted=1" in tags.split(",") for group in groups for tags in group.tags.values())
