# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""From entries, disks and OSDs to steps. Everything that is wrong is told at once, before any of them is made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ansible_collections.baremetal.proxmox.plugins.module_utils import _osd_crush as crush
from ansible_collections.baremetal.proxmox.plugins.module_utils import _osd_devices, _osd_halves
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_cluster import Osd
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_disks import Disk, Disks
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_judge import Judge
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_steps import (
    Complete,
    Create,
    Destroy,
    Purge,
    Start,
    Step,
    Tell,
    Wipe,
    copied,
    namesakes,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_wish import Wish

WORDS = "Set wipe: true on this entry and allow_wipe: true for the run to wipe it."


class Planner:
    """C(alive(osd)): whether its daemon runs here. C(marked(disk)): whether a creation of ours was begun on it.

    After C(plan): C(steps) in their order, C(problems), C(warnings), and C(kept), the OSDs that are there, by entry.
    """

    def __init__(
        self,
        disks: Disks,
        judge: Judge,
        node: str,
        *,
        allow_wipe: bool,
        force: Collection[int],
        alive: Callable[[Osd], bool],
        marked: Callable[[Disk], bool],
        activated: Callable[[Osd], bool],
    ) -> None:
        self.disks = disks
        self.judge = judge
        self.node = node
        self.allow_wipe = allow_wipe
        self.force = set(force)
        self.alive = alive
        self.marked = marked
        self.activated = activated
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.kept: dict[int, list[Osd]] = {}
        self.named: set[str] = set()
        self.steps: list[Step] = []

    def plan(self, wishes: Sequence[Wish], orphans: Sequence[Osd]) -> list[Step]:
        found = _osd_devices.resolve(wishes, self.disks, self.problems)
        beside = [self.disks.find(device) for wish in wishes for _kind, device, _size in wish.others()]
        self.named = {disk.path for disk in [*found.values(), *beside] if disk}
        starts: list[Step] = []
        tells: list[Tell] = []
        for wish in wishes:
            self.problems += crush.problems(wish, self.node, self.judge.cluster)
            disk = found.get(wish.index)
            if disk is None:
                continue
            self._one(wish, disk)
            for osd in self.kept.get(wish.index, ()):
                starts += self._start(wish, osd, disk)
                tells += [tell for tell in crush.tells(wish, osd, self.node) if tell not in tells]
                if osd.up and not osd.inside:
                    self.warnings.append(f"{wish.where}: {osd.name} is out; 'ceph osd in {osd.number}' takes it in.")
        creating = [step for step in self.steps if isinstance(step, Create)]
        self.steps += _osd_devices.leftovers(creating, self.disks, self.judge)
        self.problems += _osd_devices.space(creating, self.disks, self.judge)
        purges = [Purge(osd.name, osd) for osd in orphans]
        order = (Start, Purge, _osd_halves.Clean, Destroy, _osd_halves.Forget, Wipe, Create, Tell)
        every: list[Step] = [*purges, *starts, *self.steps, *_once(tells)]
        self.steps = sorted(every, key=lambda step: next(i for i, kind in enumerate(order) if isinstance(step, kind)))
        self._dead()
        return self.steps

    def _one(self, wish: Wish, disk: Disk) -> None:
        """The steps until the entry's device has its OSDs."""
        osds = self.judge.osds(disk)
        if twice := copied(wish.where, osds, disk, self.disks):
            self.problems += twice
            return
        halves = [osd for osd in osds if osd.new and not osd.up and not self.alive(osd)]
        whole = [osd for osd in osds if osd not in halves]
        if whole:
            self.kept[wish.index] = whole
            self._existing(wish, disk, whole, halves)
            return
        if carried := self.judge.osds(disk, ("db", "wal")):
            if not all(osd.new and not osd.up and not self.alive(osd) for osd in carried):
                names = ", ".join(osd.name for osd in carried)
                self.problems.append(
                    f"{wish.where}: expected a disk for an OSD's data, found the DB or WAL of {names}."
                )
                return
            halves += carried
        halves += self._beside(wish)
        if left := self._not_yet(halves):
            steps, against = _osd_halves.clean(wish.where, left, self.disks, self.judge)
            self.steps += steps
            self.problems += against
        elif not halves and self._ours_by_mark(disk):
            self.steps.append(_osd_halves.Clean(wish.where, None, False, (disk,)))
        elif not halves and disk.empty is not True:
            self._wipe(wish, disk)
        self._replace(wish)
        self.problems += _osd_devices.others(wish, self.disks, self.judge, halves, self.marked)
        self.steps += _osd_halves.clean_others(wish, self.disks, self.judge, halves, self.marked)
        self.steps.append(Create(wish.where, wish, disk))

    def _beside(self, wish: Wish) -> list[Osd]:
        """Those that a kill left on a DB or WAL device before their data disk was touched."""
        found = []
        for _kind, device, _size in wish.others():
            disk = self.disks.find(device)
            for osd in self.judge.osds(disk, ("db", "wal")) if disk else ():
                held = {one.path for one in self.disks.holding(osd.uuid)}
                if osd.new and not osd.up and not self.alive(osd) and held <= self.named:
                    found.append(osd)
        return found

    def _not_yet(self, osds: Sequence[Osd]) -> list[Osd]:
        """Each once, without those that an entry before takes away."""
        known = {step.osd.number for step in self.steps if isinstance(step, _osd_halves.Clean) and step.osd}
        return list({osd.number: osd for osd in osds if osd.number not in known}.values())

    def _ours_by_mark(self, disk: Disk) -> bool:
        return disk.empty is False and self.marked(disk) and _osd_halves.could_be_half(disk, self.judge)

    def _wipe(self, wish: Wish, disk: Disk) -> None:
        expected = f"{wish.where}: expected an empty disk, found {disk.words()}."
        if forbidden := self.judge.forbidden(disk):
            self.problems.append(f"{expected} It is not wiped, with whatever word: {'; '.join(forbidden)}.")
        elif wish.wipe and self.allow_wipe:
            self.steps.append(Wipe(wish.where, disk))
        elif wish.wipe:
            self.problems.append(f"{expected} The entry has wipe: true; the run has to say allow_wipe: true, too.")
        else:
            self.problems.append(f"{expected} {WORDS}")

    def _existing(self, wish: Wish, disk: Disk, osds: list[Osd], halves: list[Osd]) -> None:
        """An OSD stays as it was made; what cannot be changed is told."""
        if len(osds) + len(halves) > wish.count or (halves and wish.count == 1):
            names = ", ".join(osd.name for osd in [*osds, *halves])
            self.warnings.append(f"{wish.where}: expected {wish.count} OSD(s) on it, found {names}.")
        elif len(osds) < wish.count:
            if halves:
                steps, against = _osd_halves.clean(wish.where, halves, self.disks, self.judge)
                self.steps += steps
                self.problems += against
            self.steps.append(Complete(wish.where, wish, disk))
        for kind, device, _size in wish.others():
            has = any(
                label.role == kind and self.judge.osd(label) in osds
                for other in self.disks.all.values()
                for label in other.labels
                if other is self.disks.find(device)
            )
            if not has:
                self.warnings.append(
                    f"{wish.where}: expected the {kind.upper()} of {osds[0].name} on {device}, found it elsewhere. That is"
                    f" fixed when an OSD is made."
                )

    def _start(self, wish: Wish, osd: Osd, disk: Disk) -> list[Step]:
        if osd.up:
            return []
        if self.alive(osd):
            return []
        return [Start(wish.where, osd, not self.activated(osd) and bool(disk.groups))]

    def _replace(self, wish: Wish) -> None:
        """The dead OSDs whose place the new one takes. Only those of this node, whose disks are gone."""
        for number in wish.replaces:
            osd = self.judge.cluster.osds.get(number) if self.judge.cluster else None
            if osd is None or osd.new:  # a run that was killed may have given the number anew
                continue
            where = f"{wish.where}: replaces: {osd.name}"
            if osd.host != self.node:
                self.problems.append(f"{where}: expected an OSD of {self.node}, found one of {osd.host or 'no node'}.")
            elif osd.up or self.alive(osd):
                self.problems.append(
                    f"{where}: expected a dead OSD, found one that runs. Remove it with state: absent first, which drains it."
                )
            elif held := self.disks.holding(osd.uuid):
                names = ", ".join(f"{disk.name} ({disk.path})" for disk in held)
                self.problems.append(
                    f"{where}: expected its disk to be gone, found it in {names}. Take the disk out, or remove the OSD with"
                    f" state: absent."
                )
            elif not any(isinstance(step, Destroy) and step.osd == osd for step in self.steps):
                self.problems += namesakes(where, osd, self.judge.namesakes(osd, self.disks))
                known = osd.location.get("host") == self.node
                forced = number in self.force
                self.steps.append(Destroy(where, osd, known, dead=True, replaced=True, forced=forced))

    def _dead(self) -> None:
        """Dead OSDs of this node that nobody named."""
        if self.judge.cluster is None:
            return
        named = {
            step.osd.number for step in self.steps if isinstance(step, (Destroy, Purge, _osd_halves.Clean)) and step.osd
        }
        for osd in self.judge.cluster.of_host(self.node):
            if not osd.up and osd.number not in named and not self.disks.holding(osd.uuid) and not self.alive(osd):
                self.warnings.append(
                    f"{osd.name} of this node is down, and its disk is not here. Where a new disk takes its place, say"
                    f" 'replaces: [{osd.number}]' on that entry; else remove it with state: absent and osds: [{osd.number}]."
                )


def _once(tells: Sequence[Tell]) -> list[Tell]:
    """Several OSDs of one host move it once."""
    found: dict[tuple[object, ...], Tell] = {}
    for tell in tells:
        found.setdefault((tell.prefix, repr(tell.arguments)), tell)
    return list(found.values())
