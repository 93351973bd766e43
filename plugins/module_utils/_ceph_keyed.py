# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Managers and metadata servers on this node: made, completed when their making was cut off, or removed.

Both are a directory with a key, and a unit (create_mgr and create_mds in PVE/Ceph/Services.pm); an MDS also has a
section in ceph.conf (PVE/API2/Ceph/MDS.pm). Proxmox refuses whatever has one of these already, so what is half made is
completed here. Nothing in their directories is worth more than the key, which Ceph has, too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph, _ceph_conf
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_mon import RUNS
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_node import CephNode, absent_is_none, converge
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_wait import CephWait
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError, ProxmoxError


@dataclass(frozen=True)
class Kind:
    """C(section): whether it has one in ceph.conf. C(dump): the command whose answer C(states) reads."""

    name: str
    title: str
    caps: tuple[str, ...]
    section: bool
    dump: str


MGR = Kind(
    "mgr", "manager", ("mon", "allow profile mgr", "osd", "allow *", "mds", "allow *"), section=False, dump="mgr dump"
)
MDS = Kind(
    "mds", "MDS", ("mon", "allow profile mds", "osd", "allow rwx", "mds", "allow *"), section=True, dump="fs dump"
)
MDS_KEYRING = "/var/lib/ceph/mds/ceph-$id/keyring"


@dataclass(frozen=True)
class State:
    """C(others): what Ceph sees of the other daemons of this kind, state by name. C(host): where Ceph sees this one."""

    ident: str
    directory: bool
    key: bool
    unit: str
    enabled: bool
    section: bool
    entity: bool
    state: str | None
    host: str | None
    others: Mapping[str, str]
    needed: int

    @property
    def running(self) -> bool:
        return self.unit in RUNS

    @property
    def here(self) -> bool:
        return self.directory or self.enabled or self.section or self.running

    def view(self) -> dict[str, Any]:
        return {"name": self.ident, "state": self.state, "running": self.running, "enabled": self.enabled}


class Daemon:
    def __init__(self, kind: Kind, node: CephNode, ident: str, *, allow_last: bool = False) -> None:
        self.kind = kind
        self.node = node
        self.ident = ident
        self.allow_last = allow_last
        self.entity = f"{kind.name}.{ident}"
        self.unit = f"ceph-{kind.name}@{ident}"
        self.directory = f"/var/lib/ceph/{kind.name}/ceph-{ident}"
        self._started = False
        self.where = f"{node.name}: {kind.title} {ident}"

    def present(self, *, check: bool) -> tuple[State, State, list[str]]:
        before, after, steps = converge(self.read, self.to_have, self.apply, check=check, what=self.where)
        if not check:
            self._wait(lambda dump: self._lacks_self(states(self.kind, dump)), f"{self.where} to be seen by Ceph")
            after = self.read()
        return before, after, steps

    def absent(self, *, check: bool) -> tuple[State, State, list[str]]:
        before, after, steps = converge(self.read, self.to_lack, self.apply, check=check, what=self.where)
        if steps and not check:
            self._wait(
                lambda dump: f"{self.ident} is listed" if self.ident in states(self.kind, dump) else None, "its end"
            )
            if before.others and self.kind is MGR:
                CephWait(self.node.asked(), self.node.deadline).manager()
        return before, after, steps

    def _wait(self, lacks: Callable[[Any], str | None], what: str) -> None:
        ceph = self.node.asked()
        CephWait(ceph, self.node.deadline).until(what, lambda: lacks(ceph.command(self.kind.dump)))

    def _lacks_self(self, seen: Mapping[str, str]) -> str | None:
        if self.ident in seen:
            return None
        self.node.alive(self.unit)
        names = ", ".join(f"{name} {state}" for name, state in sorted(seen.items())) or "none"
        return f"Ceph sees {names}; {self.unit} is {self.node.state(self.unit)}"

    def read(self) -> State:
        self.node.settle((f"cephcreate{self.kind.name}", f"cephdestroy{self.kind.name}"), self.entity)
        ceph = self.node.asked()
        dump = ceph.command(self.kind.dump)
        seen = states(self.kind, dump)
        key = self.node.key(f"{self.directory}/keyring", self.entity)
        known = self._key_of_ceph()
        return State(
            ident=self.ident,
            directory=self.node.is_dir(self.directory),
            key=key is not None and key == known,
            unit=self.node.state(self.unit),
            enabled=self.node.enabled(self.unit),
            section=self.kind.section and self.entity in self.node.conf(),
            entity=known is not None,
            state=seen.get(self.ident),
            host=self._host() if self.ident in seen else None,
            others={name: state for name, state in seen.items() if name != self.ident},
            needed=needed(self.kind, dump),
        )

    def _key_of_ceph(self) -> str | None:
        with absent_is_none():
            rows = self.node.asked().command("auth get", entity=self.entity)
            return str(rows[0]["key"])
        return None

    def _host(self) -> str | None:
        rows = self.node.asked().command(f"{self.kind.name} metadata")
        hosts = [str(row["hostname"]) for row in rows if row.get("name") == self.ident and "hostname" in row]
        return hosts[0].split(".", 1)[0] if hosts else None

    # What has to be done

    def to_have(self, now: State) -> list[str]:
        if self.kind is MDS and self.ident[0].isdigit():
            raise InputError(f"name: expected no digit in front, found '{self.ident}': Ceph takes it for a rank.")
        if now.host not in (None, self.node.name) and not now.running:
            raise ProxmoxError(
                f"{self.where}: expected it on this node, found it running on {now.host}.",
                hint="Two daemons cannot have one name: remove the other, or give this one another name.",
            )
        if not now.here:
            return ["create"]
        steps = [] if now.key else ["key"]
        steps += ["conf"] if self.kind.section and not now.section else []
        steps += [] if now.enabled else ["enable"]
        return steps + ([] if now.running else ["start"])

    def to_lack(self, now: State) -> list[str]:
        if now.host not in (None, self.node.name) and not now.here:
            return []
        if not now.here:
            return ["forget"] if now.entity else []
        up = len(now.others)
        if up < now.needed and not self.allow_last:
            seen = ", ".join(sorted(now.others)) or "none"
            raise ProxmoxError(
                f"{self.where}: expected {now.needed} other{'s' if now.needed > 1 else ''} to go on without it, found"
                f" {up} ({seen}).",
                hint="Make another one first, or set allow_last.",
            )
        return ["destroy"] if now.directory else ["forget"]

    # Doing it

    def apply(self, step: str, now: State) -> None:
        {
            "create": self._create,
            "destroy": lambda: self.node.task("DELETE", f"{self.kind.name}/{self.ident}"),
            "key": lambda: self._fetch_key(now),
            "conf": lambda: self.node.edit(self._enter),
            "enable": lambda: self.node.systemctl("enable", self.unit),
            "start": self._start,
            "forget": lambda: self._forget(now),
        }[step]()

    def _create(self) -> None:
        """createmds alone does not make the node's link to ceph.conf, and cannot do without (PVE/API2/Ceph/MDS.pm)."""
        link = self.node.machine.path(_ceph.CONF)
        if self.kind is MDS and self.node.machine.lstat(_ceph.CONF) is None:
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(_ceph.PVE_CONF)
        self.node.task("POST", f"{self.kind.name}/{self.ident}")

    def _task(self, method: str) -> None:
        """Proxmox writes the section of an MDS without a lock: of two nodes at once, one would lose the other's."""
        with self.node.locked() if self.kind.section else contextlib.nullcontext():
            self.node.task(method, f"{self.kind.name}/{self.ident}")

    def _fetch_key(self, now: State) -> None:
        ceph = self.node.asked()
        if not now.entity:
            ceph.command("auth get-or-create", entity=self.entity, caps=list(self.kind.caps))
        self.node.write_key(self.directory, self.entity, str(self._key_of_ceph()))
        if now.running:
            self.node.systemctl("restart", self.unit)

    def _start(self) -> None:
        if self._started:
            self.node.alive(self.unit)
        self._started = True
        self.node.own(self.directory)
        self.node.start(self.unit)

    def _enter(self, conf: _ceph_conf.Sections) -> None:
        conf.setdefault("mds", {}).setdefault("keyring", MDS_KEYRING)
        conf.setdefault(self.entity, {}).setdefault("host", self.node.name)

    def _forget(self, now: State) -> None:
        """What a removal does after the directory is gone."""
        if now.enabled:
            self.node.systemctl("disable", self.unit)
        if now.running:
            self.node.systemctl("stop", self.unit)
        if now.section:
            self.node.edit(lambda conf: conf.pop(self.entity, None) and None)
        if now.entity:
            self.node.asked().command("auth del", entity=self.entity)


def states(kind: Kind, dump: Mapping[str, Any]) -> dict[str, str]:
    """What Ceph sees of the daemons of a kind: C(active) or C(standby); of an MDS C(up:active) and so on."""
    if kind is MGR:
        found = {one["name"]: "standby" for one in dump.get("standbys", [])}
        return {**found, dump["active_name"]: "active"} if dump.get("active_name") else found
    standbys = {one["name"]: one["state"] for one in dump["standbys"]}
    ranked = [one for filesystem in dump["filesystems"] for one in filesystem["mdsmap"]["info"].values()]
    return {**standbys, **{one["name"]: one["state"] for one in ranked}}


def needed(kind: Kind, dump: Mapping[str, Any]) -> int:
    """How many daemons of a kind Ceph cannot do without: one manager, and the ranks of all file systems."""
    return 1 if kind is MGR else sum(one["mdsmap"]["max_mds"] for one in dump["filesystems"])
