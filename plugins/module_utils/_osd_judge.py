# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Whose a disk is, and whether it may ever be wiped. Disks are sacred: what is not known for certain is left alone."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_sysfs as sysfs
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_cluster import Cluster, Osd
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_disks import GROUP, VOLUME, Disk, Disks, Label
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_lvm import Groups

STORAGES = "/etc/pve/storage.cfg"


def storages(machine: Machine) -> tuple[set[str], set[str]]:
    """Volume groups and ZFS pools that Proxmox's storages use (PVE/Storage/LVMPlugin.pm, ZFSPoolPlugin.pm)."""
    text = sysfs.text(machine, STORAGES) or ""
    groups = set(re.findall(r"^\s+vgname\s+(\S+)", text, re.MULTILINE))
    return groups, {pool.partition("/")[0] for pool in re.findall(r"^\s+pool\s+(\S+)", text, re.MULTILINE)}


@dataclasses.dataclass(frozen=True)
class Judge:
    """C(cluster) is None where there is no Ceph yet: then every OSD on a disk is another's."""

    cluster: Cluster | None
    groups: Groups
    used_groups: set[str]
    used_pools: set[str]

    def osd(self, label: Label) -> Osd | None:
        """The OSD of this cluster that a label belongs to, None if it is not in the map, or another cluster's."""
        if self.cluster is None or label.fsid not in (None, self.cluster.fsid):
            return None
        return self.cluster.by_uuid(label.uuid)

    def stale(self, label: Label) -> bool:
        """Left over from an OSD that this cluster has no more."""
        return self.cluster is not None and label.fsid == self.cluster.fsid and self.osd(label) is None

    def foreign(self, label: Label) -> bool:
        """Of another cluster, or nobody knows of which."""
        return self.osd(label) is None and not self.stale(label) and not label.blank

    def namesakes(self, osd: Osd, disks: Disks) -> list[str]:
        """Disks with another OSD of the same number: another cluster's, or left over.

        When Proxmox destroys an OSD, it zaps whatever volumes have its number (PVE/Ceph/Tools.pm, ceph_volume_zap).
        """
        return [
            f"{disk.name} has {label.name} of {label.fsid or 'an unknown cluster'}"
            for disk in disks.all.values()
            for label in disk.labels
            if label.number == osd.number and label.uuid != osd.uuid
        ]

    def osds(self, disk: Disk, roles: tuple[str | None, ...] = ("block", None)) -> list[Osd]:
        """The OSDs of this cluster that have such a part on the disk, each once."""
        found = [osd for label in disk.labels if label.role in roles and (osd := self.osd(label))]
        return list({osd.number: osd for osd in found}.values())

    def forbidden(self, disk: Disk) -> list[str]:
        """Why the disk is never wiped, whatever the inventory says; nothing if it may be with both words."""
        return [*self.in_use(disk), *self._labels(disk)]

    def in_use(self, disk: Disk) -> list[str]:
        """What uses the disk now."""
        told = disk.told
        found = ["the machine boots from it"] if told["boot"] else []
        if told["empty"] is None or (told["reason"] and not told["empty"]):
            found.append(f"it could not be looked at: {told['reason']}")
        if told["read_only"]:
            found.append("it is read-only")
        for one in disk.contents:
            if one["what"] in ("mounted", "swap_active", "busy"):
                found.append(one["text"] if one["what"] != "busy" else f"{one['device']} is in use ({one['text']})")
            elif one["what"] == "held" and one["kind"] != "logical volume":
                found.append(one["text"])
            elif one["what"] == "zfs" and one.get("pool") in self.used_pools:
                found.append(f"the ZFS pool {one['pool']} is a storage of Proxmox")
        return [*found, *self._lvm(disk)]

    def _lvm(self, disk: Disk) -> Iterator[str]:
        own = {one["device"] for one in disk.contents if one["what"] == "lvm"}
        held = any(one["what"] == "held" for one in disk.contents)
        for name in disk.groups:
            if name is None:
                continue
            if name in self.used_groups:
                yield f"the volume group {name} is a storage of Proxmox"
            group = self.groups.get(name)
            if group is None:
                if held or not self.groups.known:
                    yield f"LVM does not say what uses the volume group {name}"
                continue
            if group.open:
                yield f"the volume group {name} has volumes that are open: {', '.join(group.open)}"
            if others := sorted(set(group.devices) - own):
                yield f"the volume group {name} is on other devices, too: {', '.join(others)}"

    def _labels(self, disk: Disk) -> Iterator[str]:
        for label in disk.labels:
            if osd := self.osd(label):
                yield f"{osd.name} of this cluster is on it"
            elif self.foreign(label):
                yield f"{label.name} of {f'the cluster {label.fsid}' if label.fsid else 'an unknown cluster'} is on it"

    def shared(self, disk: Disk) -> bool:
        """Whether it carries DBs or WALs of this cluster's OSDs, so that it can carry one more.

        As PVE/API2/Ceph/OSD.pm takes it: a disk with LVM, whose volume group Ceph has named.
        """
        if disk.told["reason"] or disk.told["boot"] or len(disk.groups) != 1:
            return False
        group = disk.groups[0]
        whole = all(one["device"] == disk.path for one in disk.contents if one["what"] in ("lvm", "partition"))
        named = all((match := VOLUME.fullmatch(name)) and match[1] in ("db", "wal") for name in disk.volumes)
        ours = all(self.osd(label) and label.role in ("db", "wal") for label in disk.labels)
        return bool(group and GROUP.fullmatch(group) and whole and named and ours)

    def leftovers(self, disk: Disk) -> list[str]:
        """Volumes for a DB or WAL that were made and never given to an OSD: without tags, not open."""
        group = self.groups.get(disk.groups[0]) if self.shared(disk) else None
        if group is None:
            return []
        return [
            f"{group.name}/{name}"
            for name, tags in sorted(group.tags.items())
            if VOLUME.fullmatch(name) and not tags and name not in group.open
        ]
