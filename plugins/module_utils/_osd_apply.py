# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Makes the steps of a plan. Whatever Proxmox's API does goes through it; the rest are Ceph's and LVM's own commands."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli, _osd_cluster, _osd_lvm, _osd_unfinished
from ansible_collections.baremetal.proxmox.plugins.module_utils import _osd_steps as steps
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph, CephError
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_wait import CephWait
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (
    ConnectionLost,
    ProxmoxError,
    TaskError,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_alone import still_wanted
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_disks import Disk, Disks
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_safety import not_safe, not_served
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

# PVE/Tools.pm (lock_file), around every change of a disk: somebody else has it for more than 10 s; nothing was done
LOCKED = re.compile(r"can't lock file '.*' - got timeout|can't acquire lock")
TASK_SECONDS = 1800.0
UMOUNT = _cli.Command(("umount",), ("path",))


class Applier:
    """C(done): the steps that were made, also when one fails."""

    def __init__(
        self,
        client: Client,
        ceph: Ceph,
        machine: Machine,
        disks: Disks,
        *,
        timeout: float,
        drain_timeout: float,
    ) -> None:
        self.client = client
        self.ceph = ceph
        self.machine = machine
        self.disks = disks
        self.marks = _osd_unfinished.Marks(machine)
        self.timeout = timeout
        self.drain_timeout = drain_timeout
        self.done: list[steps.Step] = []

    @property
    def path(self) -> str:
        return f"/nodes/{self.client.node}/ceph/osd"

    def apply(self, plan: Sequence[steps.Step]) -> None:
        leaving = [step for step in plan if isinstance(step, steps.Destroy)]
        drained = False
        for step in plan:
            try:
                still_wanted()
                if isinstance(step, steps.Destroy) and not drained:
                    self._drain(leaving)
                    drained = True
                self._make(step)
            except ProxmoxError as error:
                error.message = f"{step.where}: {error.message}"
                if self.done:
                    error.fields["changed"] = True
                    error.fields["changes"] = [one.summary() for one in self.done]
                raise
            self.done.append(step)

    @functools.singledispatchmethod
    def _make(self, step: steps.Step) -> None:
        raise TypeError(f"no way to make {step}")

    @_make.register(steps.Forget)
    def _forget(self, step: steps.Forget) -> None:
        self.machine.cli.run(_osd_lvm.LVREMOVE, volume=step.volume)

    @_make.register(steps.Tell)
    def _tell(self, step: steps.Tell) -> None:
        self.ceph.command(step.prefix, **dict(step.arguments))

    # -- making

    @_make.register(steps.Create)
    def _create(self, step: steps.Create) -> None:
        named = [self.disks.find(device) for _kind, device, _size in step.wish.others()]
        fresh = [step.disk, *(disk for disk in named if disk and (disk.empty or disk.path in self._cleaned()))]
        for disk in fresh:
            self.marks.add(disk)
        form = step.wish.form()
        deadline = Deadline(self.timeout)

        def attempt() -> tuple[bool, Any]:
            try:
                self._task(self.client.post(self.path, **form))
            except TaskError as error:
                if not LOCKED.search(error.exitstatus):
                    raise
                return False, error.exitstatus
            except ConnectionLost as error:
                if not error.maybe_done:
                    raise
                _osd_unfinished.settle(self.client, self.machine, deadline)
                self.disks.read()
                disk = self.disks.find(step.wish.device)
                if disk is None or not any(label.uuid and label.fsid for label in disk.labels):
                    raise
            return True, None

        deadline.until("the lock on the disks of this node", attempt)

    def _cleaned(self) -> set[str]:
        """Disks that steps of this run have emptied."""
        found = {step.disk.path for step in self.done if isinstance(step, steps.Wipe)}
        return found | {disk.path for step in self.done if isinstance(step, steps.Clean) for disk in step.disks}

    @_make.register(steps.Complete)
    def _complete(self, step: steps.Complete) -> None:
        """Proxmox refuses a device that has an OSD already; its own command fills the free slots."""
        wish = step.wish
        self.machine.cli.run(
            _osd_lvm.BATCH,
            timeout=TASK_SECONDS,
            device_class=wish.device_class,
            encrypted=wish.encrypted,
            count=wish.count,
            devices=("--yes", "--no-auto", "--", step.disk.path),
        )

    @_make.register(steps.Start)
    def _start(self, step: steps.Start) -> None:
        if step.activate:
            self.machine.cli.run(_osd_lvm.ACTIVATE, timeout=self.timeout, number=step.osd.number, uuid=step.osd.uuid)
        else:
            self._task(self.client.post(f"/nodes/{self.client.node}/ceph/start", service=step.osd.name))

    # -- taking away

    @_make.register(steps.Clean)
    def _clean(self, step: steps.Clean) -> None:
        """The disks first, then the number: what is left of a kill in between has no number, or no disk."""
        if step.osd:
            self.machine.cli.run(_cli.SYSTEMCTL, verb="stop", units=[f"ceph-osd@{step.osd.number}.service"])
            if step.zap:
                self.machine.cli.run(_osd_lvm.ZAP, timeout=self.timeout, uuid=step.osd.uuid)
            else:
                self._unmount(step.osd.number)
        for disk in step.disks:
            self._wipe(disk)
        if step.osd:
            self._purge(step.osd)

    def _unmount(self, number: int) -> None:
        """The small file system in memory that ceph-volume makes for an OSD (ceph_volume/util/prepare.py)."""
        path = f"/var/lib/ceph/osd/ceph-{number}"
        lines = (self.machine.read("/proc/self/mountinfo") or "").splitlines()
        if any(f" {path} " in line for line in lines):
            self.machine.cli.run(UMOUNT, path=path)

    @_make.register(steps.Purge)
    def _purge_number(self, step: steps.Purge) -> None:
        self._purge(step.osd)

    @_make.register(steps.Wipe)
    def _wipe_disk(self, step: steps.Wipe) -> None:
        self._wipe(step.disk)

    def _purge(self, osd: _osd_cluster.Osd) -> None:
        """The monitors refuse this for an OSD that was ever up (ceph, src/mon/OSDMonitor.cc)."""
        try:
            self.ceph.command("osd purge-new", id=osd.number, yes_i_really_mean_it=True)
        except CephError:
            if osd.number in _osd_cluster.read(self.ceph).osds:
                raise

    def _wipe(self, planned: Disk) -> None:
        """What Proxmox's own wipe does, after the volume group on it, and only if nothing has come since the plan."""
        self.disks.read()
        disk = self.disks.all.get(planned.path)
        if disk is None or disk.name != planned.name or disk.contents != planned.contents:
            found = disk.words() if disk else "no such disk"
            raise ProxmoxError(f"{planned.name}: expected {planned.words()}, as when it was planned, found {found}.")
        for group in disk.groups:
            if group and any(one["what"] == "held" for one in disk.contents):
                self.machine.cli.run(_osd_lvm.DEACTIVATE, group=group)
        self._task(self.client.put(f"/nodes/{self.client.node}/disks/wipedisk", disk=disk.path))
        self._empty(disk)

    def _empty(self, disk: Disk) -> None:
        def probe() -> tuple[bool, Any]:
            self.disks.read()
            now = self.disks.all.get(disk.path)
            # copies of a label of ours, far from the beginning, hinder nobody
            rest = [one for one in now.contents if one["what"] != "ceph_remains"] if now else []
            return bool(now and not rest and now.empty is not None), now.words() if now else "no such disk"

        Deadline(self.timeout).until(f"{disk.name} to be empty", probe)

    # -- removing

    def _drain(self, leaving: Sequence[steps.Destroy]) -> None:
        """All of them at once, so that nothing is moved twice."""
        for step in leaving:
            if step.osd.inside:
                self.client.post(f"{self.path}/{step.osd.number}/out")
        waiting = [step for step in leaving if not step.forced]
        empty = [step.osd.number for step in waiting if not (step.dead and step.replaced)]
        if empty:
            names = ", ".join(f"osd.{number}" for number in empty)
            try:
                CephWait(self.ceph, self.drain_timeout).until(
                    f"{names} to be safe to destroy", lambda: still_wanted() or not_safe(self.ceph, empty)
                )
            except ProxmoxError as error:
                error.hint = (
                    f"Nothing is destroyed; {names} stay out. Run again to go on waiting, or 'ceph osd in' them."
                )
                raise
        if any(step.dead and step.replaced for step in waiting):
            try:
                CephWait(self.ceph, self.timeout).until(
                    "all placement groups to be active", lambda: not_served(self.ceph.command("status"))
                )
            except ProxmoxError as error:
                error.hint = (
                    "A dead OSD may have the last copy of what is missing. Nothing of it was removed; see force."
                )
                raise

    @_make.register(steps.Destroy)
    def _destroy(self, step: steps.Destroy) -> None:
        osd = step.osd
        if not step.dead:
            if not step.forced and (said := not_safe(self.ceph, [osd.number])):
                raise ProxmoxError(f"{osd.name} was safe to destroy and is no more: {said}")
            self._stop(osd)
        if step.known:
            self._task(self.client.delete(f"{self.path}/{osd.number}", cleanup=step.cleanup or None))
        else:
            # Proxmox refuses what has no place below its host in the CRUSH tree. "osd purge" is a manager's command that
            # the monitors do not pass on; this is what the manager sends them when it finds it safe (DaemonServer.cc)
            self.ceph.command("osd purge-actual", id=osd.number, yes_i_really_mean_it=True)
            self.machine.cli.run(_cli.SYSTEMCTL, verb="disable", units=[f"ceph-osd@{osd.number}.service"])
            self._unmount(osd.number)
        if osd.location.get("host") not in (None, self.client.node):
            # the next OSD of this number goes to its own host
            self.ceph.command("config rm", who=osd.name, name="crush_location")
        if step.cleanup:
            self._cleanup(step)

    def _stop(self, osd: _osd_cluster.Osd) -> None:
        if osd.up or _osd_unfinished.alive(self.machine, osd):
            self._task(self.client.post(f"/nodes/{self.client.node}/ceph/stop", service=osd.name))

        def probe() -> tuple[bool, Any]:
            now = _osd_cluster.read(self.ceph).osds.get(osd.number)
            return now is None or not now.up, "up"

        Deadline(self.timeout).until(f"{osd.name} to be down", probe)

    def _cleanup(self, step: steps.Destroy) -> None:
        """What Proxmox only warns of when it fails, and what it does not do for an OSD that it does not know."""
        self.disks.read()
        for disk in self.disks.holding(step.osd.uuid):
            if disk.groups:
                self.machine.cli.run(_osd_lvm.ZAP, timeout=self.timeout, uuid=step.osd.uuid)
            else:
                self._wipe(disk)

    def _task(self, upid: str) -> None:
        self.client.task(upid, TASK_SECONDS)
