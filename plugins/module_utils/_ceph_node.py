# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Ceph on one node: its files, its units, Proxmox's tasks for it, and a connection to Ceph."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_conf, _cli
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph, CephError
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (
    ConnectionLost,
    InputError,
    ProxmoxError,
    TaskError,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

# SERVICE_REGEX in PVE/Ceph/Services.pm
IDENT = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?")
# cfs_lock_file in PVE/Cluster.pm: somebody else held ceph.conf, and nothing was done
_BUSY = re.compile(r"got lock request timeout")
_ASIDE = "/var/lib/ceph/set-aside"

CHOWN = _cli.Command(("chown", "-R", "ceph:ceph"), ("path",))


class CephNode:
    """What the daemons' modules work with. C(connect) gives a connection, or None where there is no monitor to ask."""

    def __init__(
        self,
        machine: Machine,
        api: Client,
        connect: Callable[[], Ceph | None],
        deadline: Deadline,
        warn: Callable[[str], None],
    ) -> None:
        self.machine = machine
        self.api = api
        self.deadline = deadline
        self.warn = warn
        self._connect = connect
        self._ceph: Ceph | None = None

    @property
    def name(self) -> str:
        return self.machine.hostname

    @property
    def ceph(self) -> Ceph | None:
        self._ceph = self._ceph or self._connect()
        return self._ceph

    def asked(self) -> Ceph:
        """The connection, where one has to be."""
        if self.ceph is None:
            raise InputError(
                f"{self.name}: expected Ceph to have a monitor, found none in {_ceph_conf.PATH}.",
                hint="Make the first one (baremetal.proxmox.ceph_mon).",
            )
        return self.ceph

    def close(self) -> None:
        for one in (self._ceph, self.api):
            if one is not None:
                one.close()

    def conf(self) -> _ceph_conf.Sections:
        return _ceph_conf.read(self.machine.root)

    def edit(self, change: Callable[[_ceph_conf.Sections], None]) -> None:
        _ceph_conf.edit(self.machine.root, change, timeout=self.deadline.left)

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """For tasks of Proxmox that write ceph.conf without its lock."""
        return _ceph_conf.locked(self.machine.root, self.deadline.left)

    # Proxmox's tasks

    def settle(self, kinds: Iterable[str], ident: str) -> None:
        """Waits for tasks on this daemon that run already: those of a run of ours that was killed go on."""
        for kind in kinds:
            for row in self.api.get(f"/nodes/{self.name}/tasks", source="active", typefilter=kind):
                if not row.get("endtime") and row["id"] == ident:
                    with contextlib.suppress(TaskError):
                        self.api.task(row["upid"], max(1.0, self.deadline.left))

    def task(self, method: str, path: str, **params: Any) -> None:
        """A call that starts a task, and its end. What became of a call whose answer was lost is to be read afterwards."""
        full = f"/nodes/{self.name}/ceph/{path}"
        while True:
            try:
                self.api.task(self.api.call(method, full, params), max(1.0, self.deadline.left))
            except ConnectionLost as error:
                if not error.maybe_done:
                    raise
            except TaskError as error:
                if not _BUSY.search(error.exitstatus) or self.deadline.left <= 0:
                    raise
                continue
            return

    # Units of systemd

    def enabled(self, unit: str) -> bool:
        """As get_local_services in PVE/Ceph/Services.pm: enabled for ever, or until the next boot."""
        kind = unit.partition("@")[0]
        bases = ("/etc/systemd/system", "/run/systemd/system")
        return any(self.machine.lstat(f"{base}/{kind}.target.wants/{unit}.service") for base in bases)

    def state(self, unit: str) -> str:
        return self.machine.services([unit])[unit]

    def alive(self, unit: str) -> None:
        """Raises where systemd has given up on it, so that nobody waits in vain."""
        if self.state(unit) == "failed":
            raise ProxmoxError(
                f"{self.name}: expected {unit} to run, found that it ends as soon as it is started.",
                hint=f"See 'journalctl -u {unit}'.",
            )

    def systemctl(self, verb: str, unit: str) -> None:
        self.machine.cli.run(_cli.SYSTEMCTL, verb=verb, units=[f"{unit}.service"])

    def start(self, unit: str) -> None:
        """Also what systemd has given up on."""
        if self.state(unit) == "failed":
            self.systemctl("reset-failed", unit)
        self.systemctl("start", unit)

    # Files of daemons

    def is_dir(self, path: str) -> bool:
        found = self.machine.lstat(path)
        return found is not None and stat.S_ISDIR(found.st_mode)

    def key(self, path: str, entity: str) -> str | None:
        """The key of an entity in a keyring."""
        values = _ceph_conf.parse(self.machine.read(path) or "").get(entity, {})
        return values.get("key")

    def write_key(self, directory: str, entity: str, key: str) -> None:
        """DIRECTORY/keyring, for Ceph's user only."""
        folder = self.machine.path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / ".keyring.new"
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(f"[{entity}]\n\tkey = {key}\n")
        temporary.replace(folder / "keyring")
        self.own(directory)

    def own(self, directory: str) -> None:
        self.machine.cli.run(CHOWN, path=str(self.machine.path(directory)))

    def drop(self, directory: str) -> None:
        if self.is_dir(directory):
            shutil.rmtree(self.machine.path(directory))

    def set_aside(self, directory: str, label: str) -> str:
        """Moves a directory to where neither Ceph nor Proxmox looks, and tells where."""
        target = f"{_ASIDE}/{label}-{time.strftime('%Y%m%dT%H%M%S')}"
        self.machine.path(_ASIDE).mkdir(parents=True, exist_ok=True)
        self.machine.path(directory).rename(self.machine.path(target))
        self.warn(f"{directory} belongs to no daemon of this cluster; it is kept as {target}.")
        return target


def converge(
    read: Callable[[], Any],
    plan: Callable[[Any], list[str]],
    apply: Callable[[str, Any], None],
    *,
    check: bool,
    what: str,
) -> tuple[Any, Any, list[str]]:
    """Reads, plans and applies until nothing is left to do: (state before, state after, steps).

    Each step may uncover the next one, as starting a monitor shows whether it is in the map. In check mode, the first
    plan is all there is.
    """
    before = state = read()
    done: list[str] = []
    for _round in range(5):
        steps = plan(state)
        if check or not steps:
            return before, state, done or steps
        for step in steps:
            apply(step, state)
        done += steps
        state = read()
    raise ProxmoxError(
        f"{what}: expected it to be complete after {', '.join(done)}, found still to do: {', '.join(steps)}."
    )


@contextlib.contextmanager
def absent_is_none() -> Iterator[None]:
    """For commands on what may not be there: ENOENT is no error."""
    try:
        yield
    except CephError as error:
        if error.errno != 2:
            raise
