# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Which OSDs go with C(state: absent), and what stands against it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ansible_collections.baremetal.proxmox.plugins.module_utils import _osd_halves
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_cluster import Osd
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_disks import Disk, Disks
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_judge import Judge
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_steps import (
    Clean,
    Destroy,
    Step,
    Wipe,
    copied,
    namesakes,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_wish import Wish


class Remover:
    """C(cleanup): their disks are emptied, too. C(force): numbers for which Ceph's word is not waited for."""

    def __init__(
        self,
        disks: Disks,
        judge: Judge,
        node: str,
        *,
        cleanup: bool,
        force: Collection[int],
        alive: Callable[[Osd], bool],
    ) -> None:
        self.disks = disks
        self.judge = judge
        self.node = node
        self.cleanup = cleanup
        self.force = set(force)
        self.alive = alive
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.steps: list[Step] = []

    def plan(self, wishes: Sequence[Wish], numbers: Sequence[int]) -> list[Step]:
        for wish in wishes:
            if disk := self.disks.find(wish.device):
                self._device(wish, disk)
            elif self.disks.exists(wish.device):
                self.problems.append(f"{wish.where}: expected a whole disk, found {self.disks.real(wish.device)}.")
            else:
                self._missing(wish)
        for number in dict.fromkeys(numbers):
            self._dead(number)
        return self.steps

    @property
    def going(self) -> list[Osd]:
        """Those that have to be empty first."""
        return [step.osd for step in self.steps if isinstance(step, Destroy) and not step.forced]

    def _device(self, wish: Wish, disk: Disk) -> None:
        osds = self.judge.osds(disk)
        if twice := copied(wish.where, osds, disk, self.disks):
            self.problems += twice
            return
        halves = [osd for osd in osds if osd.new and not osd.up and not self.alive(osd)]
        if halves:
            steps, against = _osd_halves.clean(wish.where, halves, self.disks, self.judge)
            self.steps += steps
            self.problems += against
        for osd in osds:
            if osd not in halves:
                self.problems += namesakes(f"{wish.where}: {osd.name}", osd, self.judge.namesakes(osd, self.disks))
                known = osd.location.get("host") == self.node
                forced = osd.number in self.force
                disks = tuple(self.disks.holding(osd.uuid))
                self.steps.append(Destroy(wish.where, osd, known, cleanup=self.cleanup, forced=forced, disks=disks))
        if osds:
            return
        if foreign := [label for label in disk.labels if self.judge.foreign(label)]:
            names = ", ".join(f"{label.name} of {label.fsid or 'an unknown cluster'}" for label in foreign)
            self.problems.append(f"{wish.where}: expected an OSD of this cluster or none, found {names}.")
        elif carried := self.judge.osds(disk, ("db", "wal")):
            names = ", ".join(osd.name for osd in carried)
            self.problems.append(f"{wish.where}: expected a disk with an OSD's data, found the DB or WAL of {names}.")
        elif disk.labels and self.cleanup:
            if forbidden := self.judge.forbidden(disk):
                self.problems.append(f"{wish.where}: it cannot be emptied: {'; '.join(forbidden)}.")
            else:
                self.steps.append(Wipe(wish.where, disk))
        elif disk.labels:
            self.warnings.append(f"{wish.where}: its OSD is gone, and the disk still holds {disk.words()}.")

    def _missing(self, wish: Wish) -> None:
        cluster = self.judge.cluster
        dead = [osd for osd in cluster.of_host(self.node) if self._is_dead(osd)] if cluster else []
        names = f" Down and without a disk here: {', '.join(osd.name for osd in dead)}." if dead else ""
        self.warnings.append(f"{wish.where}: the device is not there; nothing is removed for it.{names}")

    def _is_dead(self, osd: Osd) -> bool:
        return not osd.up and not self.alive(osd) and not self.disks.holding(osd.uuid)

    def _dead(self, number: int) -> None:
        osd = self.judge.cluster.osds.get(number) if self.judge.cluster else None
        if osd is None:
            return
        where = f"osds: {osd.name}"
        if osd.host != self.node:
            self.problems.append(f"{where}: expected an OSD of {self.node}, found one of {osd.host or 'no node'}.")
        elif not self._is_dead(osd):
            held = ", ".join(disk.name for disk in self.disks.holding(osd.uuid))
            found = f"its disk {held}" if held else "one that runs"
            self.problems.append(
                f"{where}: expected a dead OSD whose disk is gone, found {found}. Numbers are given anew: name an OSD that"
                f" is there by its device."
            )
        elif not any(isinstance(step, (Destroy, Clean)) and step.osd == osd for step in self.steps):
            self.problems += namesakes(where, osd, self.judge.namesakes(osd, self.disks))
            known = osd.location.get("host") == self.node
            self.steps.append(Destroy(where, osd, known, dead=True, forced=number in self.force))
