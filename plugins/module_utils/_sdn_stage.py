# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What is staged for SDN and by whom, the lock, and applying (PVE/API2/Network/SDN.pm of pve-network).

Proxmox applies everything that is staged, by whomever. Which of it is ours is told by what the inventory wants: a run that
was killed between staging and applying is completed by the next one. The global lock (from 9 on) is held only while what
is staged is looked at once more and applied; a lock that somebody has left behind is waited for, and broken only where
all that is staged is what we want, because then it is our own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._api import Api
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (
    ApiError,
    ConnectionLost,
    InputError,
    ProxmoxError,
    Timeout,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._items import Present, Wanted, lenient, read_present
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import option_name
from ansible_collections.baremetal.proxmox.plugins.module_utils._sdn import PATH, TABLES, Row, staged, view
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

WORKERS = ("reloadnetworkall",)
LOCKED = "invalid lock token"
# A run of ours holds the lock for milliseconds, somebody else's perhaps for some seconds.
PATIENCE = 20.0
_FIRST_WITH_LOCK = (9, 0)
TAKEN_BACK = "What this run had staged has been taken back."
LEFT = "What this run has staged is not applied; a further run goes on from there."


@dataclass(frozen=True)
class Leftover:
    """One item whose staged form is not the running one. C(settings) are the options in which they differ."""

    kind: str
    key: str
    state: str
    settings: frozenset[str]

    def __str__(self) -> str:
        name = TABLES[self.kind].name if self.kind in TABLES else self.kind
        settings = f" ({', '.join(sorted(self.settings))})" if self.state == "changed" and self.settings else ""
        return f"{name} '{self.key}' {self.state}{settings}"


class View:
    """What runs and what is staged, at one time."""

    def __init__(self, rows: Mapping[str, Sequence[Row]], others: Sequence[Leftover] = ()) -> None:
        self.rows = rows
        self.others = list(others)

    @classmethod
    def read(cls, api: Api) -> View:
        rows = {option: view(api, option) for option in TABLES}
        return cls(rows, list(_fabrics(api)) if api.client.version >= _FIRST_WITH_LOCK else ())

    def present(self, option: str) -> dict[str, Present]:
        return read_present(TABLES[option], [row for row in map(staged, self.rows[option]) if row])

    def leftovers(self) -> list[Leftover]:
        found = [one for option in TABLES for one in self._of(option)]
        return found + self.others

    def _of(self, option: str) -> Iterator[Leftover]:
        table = TABLES[option]
        for row in self.rows[option]:
            state = str(row.get("state") or "")
            pending = row.get("pending") or {}
            settings = {name for name, value in pending.items() if _differs(option, name, row.get(name), value)}
            # Proxmox takes some lists for changed that are the same
            if state == "changed" and pending and not settings:
                continue
            if state:
                scopes = [row[one.name] for one in table.scopes]
                key = table.identity(None, str(row[table.key.name]), scopes)
                yield Leftover(option, key, state, frozenset(map(option_name, settings)))


def _differs(option: str, name: str, running: Any, pending: Any) -> bool:
    one = next((one for one in TABLES[option].fields if one.name == name), None)
    if one is None or running in (None, "", []) or pending == "deleted":
        return True
    return bool(lenient(one, running) != lenient(one, pending))


def _fabrics(api: Api) -> Iterator[Leftover]:
    """They are applied as well."""
    answer = api.get(f"{PATH}/fabrics/all", pending=1)
    for kind, key in (("fabrics", "id"), ("nodes", "node_id")):
        for row in answer.get(kind, ()):
            if row.get("state"):
                merged = {**row, **(row.get("pending") or {})}
                name = "fabric" if kind == "fabrics" else f"node of fabric '{merged.get('fabric_id')}'"
                yield Leftover(name, str(merged.get(key)), str(row["state"]), frozenset())


class Stage:
    """One run: C(wanted) by option, None for a kind that it leaves alone; C(allowed): others' changes go along."""

    def __init__(
        self,
        api: Api,
        state: str,
        wanted: Mapping[str, Sequence[Wanted] | None],
        *,
        allowed: bool,
    ) -> None:
        self.api = api
        self.state = state
        self.allowed = allowed
        self._wanted = {
            option: None if items is None else {item.key: item for item in items} for option, items in wanted.items()
        }
        self.warnings: list[str] = []

    @property
    def locks(self) -> bool:
        return self.api.client.version >= _FIRST_WITH_LOCK

    def others(self, leftovers: Collection[Leftover]) -> list[Leftover]:
        """Those that this run would not have made."""
        return [one for one in leftovers if not self._ours(one)]

    def _ours(self, one: Leftover) -> bool:
        items = self._wanted.get(one.kind)
        if items is None:
            return False
        if one.key not in items:
            return self.state == "overridden" and one.state == "deleted"
        item = items[one.key]
        if self.state != "merged" or one.state != "changed" or item.recreate:
            return True
        generated = {field.option for field in TABLES[one.kind].fields if field.generated}
        return one.settings <= item.values.keys() | generated

    def refuse(self, others: Sequence[Leftover], done: str = "Nothing was changed.") -> None:
        if others and not self.allowed:
            raise InputError(
                f"SDN has changes that are staged, are not of this run, and would be applied with it:"
                f" {'; '.join(map(str, others))}. {done}",
                hint="Apply or revert them first, or say apply_pending: true.",
            )

    # -- applying

    def apply(self) -> None:
        """Applies what is staged, and ends when all nodes have been told. Raises InputError for others' changes."""
        token = self._lock() if self.locks else None
        try:
            self.refuse(self.others(View.read(self.api).leftovers()), "What this run staged is not applied yet.")
            upid = self._put({"lock-token": token} if token else {})
        except ProxmoxError:
            self._release(token)
            raise
        self.warnings += self._said(upid) if upid else []

    def _lock(self) -> str:
        return str(self.api.post(f"{PATH}/lock", **{"allow-pending": 1}))

    def _put(self, along: Mapping[str, Any]) -> str | None:
        try:
            return str(self.api.put(PATH, **along))
        except ConnectionLost as error:
            self.api.finish(WORKERS)
            if not error.maybe_done or View.read(self.api).leftovers():
                raise
            return None

    def _release(self, token: str | None) -> None:
        """A commit has released it already, and by then somebody else may have one."""
        try:
            if token:
                self.api.client.delete(f"{PATH}/lock", **{"lock-token": token})
        except ApiError as error:
            if LOCKED not in error.reason:
                raise

    def _said(self, upid: str) -> list[str]:
        """What failed on the way: the task ends well all the same."""
        rows = self.api.get(f"/nodes/{upid.split(':')[1]}/tasks/{upid}/log", start=0, limit=1000)
        node, before, found = "", "", []
        for line in (str(row["t"]).strip() for row in rows):
            if match := re.fullmatch(r"(\S+): reloading network config", line):
                node, before = match[1], ""
            elif "failed: exit code" in line:
                why = f" ({before})" if before else ""
                found.append(f"SDN is applied, but not everything went well on {node or 'a node'}: {line}{why}")
            else:
                before = line
        return found

    def lagging(self) -> list[str]:
        """Nodes that have not loaded what runs: they were off, or could not, when it was applied.

        What they have told the cluster may be ten seconds old, so that those are asked themselves.
        """
        rows = self.api.get("/cluster/resources", **({} if self.locks else {"type": "sdn"}))
        told = {row["node"] for row in rows if row.get("type") in ("sdn", "network") and row.get("status") == "pending"}
        return [node for node in sorted(told) if self._pending_on(node)]

    def _pending_on(self, node: str) -> bool:
        try:
            return any(row["status"] == "pending" for row in self.api.get(f"/nodes/{node}/sdn/zones"))
        except ApiError:
            # of one that has just gone away, nothing can be said
            return False

    # -- when it fails

    def undo(self, *, clean: bool) -> str:
        """Takes back what this run staged, where nothing else is. C(clean): nothing was before. Returns what became of it."""
        try:
            if clean and self.locks:
                token = self._lock()
                if not self.others(View.read(self.api).leftovers()):
                    self.api.post(f"{PATH}/rollback", **{"lock-token": token})
                    return TAKEN_BACK
                self._release(token)
        except ProxmoxError as error:
            return f"{LEFT} Taking it back failed: {error.message}"
        return LEFT

    # -- the lock

    def patiently(self, call: Callable[[], Any]) -> Any:
        """Makes a call that somebody's lock may stand against."""

        def attempt() -> tuple[bool, Any]:
            try:
                return True, call()
            except ApiError as error:
                if LOCKED not in error.reason:
                    raise
                return False, "locked"

        try:
            return Deadline(PATIENCE).until("the lock of SDN", attempt, interval=1.0)
        except Timeout as error:
            leftovers = View.read(self.api).leftovers()
            if not leftovers or self.others(leftovers):
                error.message = f"Somebody else holds the lock of SDN, for more than {PATIENCE:g} seconds."
                error.hint = "If that is a leftover: pvesh delete /cluster/sdn/lock --force 1"
                raise
        self.api.delete(f"{PATH}/lock", force=1)
        self.warnings.append(
            "SDN was locked, and all that was staged is what this run wants: the lock of a run before."
        )
        return call()


class Patient(Api):
    """An Api whose writes wait for the lock of SDN."""

    stage: Stage | None = None

    def post(self, path: str, /, **params: Any) -> Any:
        return self._wait(lambda: super(Patient, self).post(path, **params))

    def put(self, path: str, /, **params: Any) -> Any:
        return self._wait(lambda: super(Patient, self).put(path, **params))

    def delete(self, path: str, /, **params: Any) -> Any:
        return self._wait(lambda: super(Patient, self).delete(path, **params))

    def _wait(self, call: Callable[[], Any]) -> Any:
        return self.stage.patiently(call) if self.stage else call()
