# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""C(ceph_osd) from one end to the other: read everything, plan, refuse or make, wait, read again."""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import (
    _osd_cluster,
    _osd_lvm,
    _osd_safety,
    _osd_show,
    _osd_unfinished,
    _osd_wish,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_wait import CephWait
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (
    InputError,
    NotInstalled,
    ProxmoxError,
    TaskError,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._hardware_devices import Devices
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_alone import alone
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_apply import Applier
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_disks import Disks
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_judge import Judge, storages
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_plan import Planner
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_remove import Remover
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_steps import Create, Step, Tell
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_wish import Wish
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# The monitors did not answer Proxmox (PVE/RADOS.pm, librados): they elect one of them, or have just started
_TRANSIENT = re.compile(r"got timeout|Connection timed out|error connecting to the cluster")
_ATTEMPTS = 3
MISSING = "Ceph is not running in this cluster yet: expected it installed, initialised and with a monitor."


class Run:
    """One execution on one node. C(ceph) is None where there is no Ceph to ask yet."""

    def __init__(
        self, module: AnsibleModule, client: Client, ceph: Ceph | None, machine: Machine, devices: Devices | None = None
    ) -> None:
        self.module = module
        self.params = module.params
        self.client = client
        self.ceph = ceph
        self.machine = machine
        self.devices = devices
        self.node = client.node if client.installed else machine.hostname
        self.marks = _osd_unfinished.Marks(machine)

    def close(self) -> None:
        self.client.close()
        if self.ceph:
            self.ceph.close()

    def result(self) -> dict[str, Any]:
        wishes = _osd_wish.wishes(self.params["config"])
        _refuse(list(_osd_wish.problems(wishes)))
        if self.ceph is None:
            if not self.module.check_mode and self.params["state"] != "gathered":
                raise NotInstalled(MISSING, hint="The role pve_ceph does that, or ceph_init and ceph_mon.")
            if self.params["state"] != "gathered":
                self.module.warn("Ceph is not running here yet: planned against a new Ceph, to which no disk belongs.")
        if self.ceph is None or self.params["state"] == "gathered":
            return self._main(wishes)
        deadline = Deadline(self.params["timeout"])
        lock = contextlib.nullcontext() if self.module.check_mode else alone(self.machine, deadline)
        with lock:
            _osd_unfinished.settle(self.client, self.machine, deadline)
            return self._main(wishes)

    def _main(self, wishes: list[Wish]) -> dict[str, Any]:
        self._read()
        if self.params["state"] == "gathered":
            return {
                "changed": False,
                "gathered": _osd_show.gathered(self.disks, self.judge),
                "osds": _osd_show.osds(self.disks, self.judge, self.node),
            }
        plan = self._removal(wishes) if self.params["state"] == "absent" else self._creation(wishes)
        if self.ceph and not self.module.check_mode:
            self._apply(self.ceph, plan, wishes)
        return {
            "changed": bool(plan),
            "osds": _osd_show.osds(self.disks, self.judge, self.node),
            "changes": [step.summary() for step in plan],
            "diff": _osd_show.diff(plan),
        }

    def _read(self) -> None:
        self.disks = Disks(self.machine, self.devices)
        cluster = _osd_cluster.read(self.ceph) if self.ceph else None
        asks = any(disk.groups for disk in self.disks.all.values())
        groups = _osd_lvm.read(self.machine) if asks else _osd_lvm.Groups({}, True)
        self.judge = Judge(cluster, groups, *storages(self.machine))

    def _alive(self, osd: _osd_cluster.Osd) -> bool:
        return _osd_unfinished.alive(self.machine, osd)

    def _activated(self, osd: _osd_cluster.Osd) -> bool:
        return os.path.lexists(self.machine.path(f"/var/lib/ceph/osd/ceph-{osd.number}/block"))

    def _planner(self) -> Planner:
        return Planner(
            self.disks,
            self.judge,
            self.node,
            allow_wipe=self.params["allow_wipe"],
            force=self.params["force"],
            alive=self._alive,
            marked=self.marks.has,
            activated=self._activated,
        )

    def _creation(self, wishes: list[Wish]) -> list[Step]:
        planner = self._planner()
        plan = planner.plan(wishes, self._orphans())
        _refuse(planner.problems)
        for sentence in planner.warnings:
            self.module.warn(sentence)
        return plan

    def _orphans(self) -> list[_osd_cluster.Osd]:
        if self.ceph is None or self.judge.cluster is None:
            return []
        return _osd_unfinished.orphans(self.judge.cluster, self.disks, self.machine, self.ceph)

    def _removal(self, wishes: list[Wish]) -> list[Step]:
        remover = Remover(
            self.disks,
            self.judge,
            self.node,
            cleanup=self.params["cleanup"],
            force=self.params["force"],
            alive=self._alive,
        )
        plan = remover.plan(wishes, self.params["osds"])
        if self.ceph and self.judge.cluster and not remover.problems:
            never = _osd_safety.unreachable(self.ceph, self.judge.cluster, remover.going)
            remover.problems += [f"the OSDs would never be safe to destroy: {text}. See force." for text in never]
        _refuse(remover.problems)
        for sentence in remover.warnings:
            self.module.warn(sentence)
        return plan

    def _apply(self, ceph: Ceph, plan: list[Step], wishes: list[Wish]) -> None:
        timeout = float(self.params["timeout"])
        drain = float(self.params["drain_timeout"])
        left = plan
        for attempt in range(_ATTEMPTS):
            applier = Applier(self.client, ceph, self.machine, self.disks, timeout=timeout, drain_timeout=drain)
            try:
                applier.apply(left)
                break
            except TaskError as error:
                if not _TRANSIENT.search(error.exitstatus) or attempt == _ATTEMPTS - 1:
                    raise
            # It is as after a kill: a number may have been given, a disk begun
            _osd_unfinished.settle(self.client, self.machine, Deadline(timeout))
            self._read()
            left = self._removal(wishes) if self.params["state"] == "absent" else self._creation(wishes)
        try:
            if plan:
                self._read()
            if self.params["state"] == "present" and self._wait(ceph, plan, wishes, timeout):
                self._read()
                if rest := self._rest(wishes):
                    applier.apply(rest)
                    self._read()
        except ProxmoxError as error:
            if plan:
                error.fields.update(changed=True, changes=[step.summary() for step in plan])
            raise
        self._tidy()

    def _wait(self, ceph: Ceph, plan: list[Step], wishes: list[Wish], timeout: float) -> bool:
        """What was made or started, or starts by itself, is up, and in unless somebody took it out. Whether any was."""
        created = {step.wish.index for step in plan if isinstance(step, Create)}
        numbers = set()
        for wish in wishes:
            disk = self.disks.find(wish.device)
            found = self.judge.osds(disk) if disk else []
            if wish.index in created and len(found) < wish.count:
                words = disk.words() if disk else "no such disk"
                raise ProxmoxError(f"{wish.where}: expected {wish.count} OSD(s) after the creation, found {words}.")
            numbers |= {
                osd.number for osd in found if wish.index in created or (not osd.up and (osd.inside or osd.new))
            }
        if numbers:
            try:
                CephWait(ceph, timeout).osds(sorted(numbers))
            except ProxmoxError as error:
                flags = self.judge.cluster.flags if self.judge.cluster else []
                units = " -u ".join(f"ceph-osd@{number}" for number in sorted(numbers))
                because = f" The flags {', '.join(flags)} are set." if flags else ""
                error.hint = f"See 'journalctl -u {units}' on this node.{because}"
                raise
        return bool(plan or numbers)

    def _rest(self, wishes: list[Wish]) -> list[Step]:
        """Places in the CRUSH tree of what was made now; anything else would be a mistake in the plan."""
        planner = self._planner()
        rest = planner.plan(wishes, ())
        _refuse(planner.problems)
        if other := [step for step in rest if not isinstance(step, Tell)]:
            names = "; ".join(f"{step.where}: {step.action}" for step in other)
            raise ProxmoxError(f"after the run there is still to do: {names}.", hint="Run it again.")
        return rest

    def _tidy(self) -> None:
        """Marks of disks whose OSDs are whole."""
        if self.judge.cluster is not None:
            roles = ("block", "db", "wal", None)
            known = {disk.path: self.judge.osds(disk, roles) for disk in self.disks.all.values()}
            whole = [self.disks.all[path] for path, osds in known.items() if any(not osd.new for osd in osds)]
            self.marks.remove(whole)


def _refuse(problems: list[str]) -> None:
    if problems:
        raise InputError("Nothing was changed. " + " ".join(problems), problems=problems)
