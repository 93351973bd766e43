# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""A change of a node's network, from what the user wants to what is under way."""

from __future__ import annotations

import fcntl
from collections.abc import Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import (
    _errors,
    _interfaces_check,
    _interfaces_plan,
    _network_node,
    _network_pins,
    _network_transaction,
)

LOCK = "/run/lock/baremetal-proxmox-network"


class Change:
    """C(params) are those of M(baremetal.proxmox.node_network)."""

    def __init__(
        self,
        node: _network_node.Node,
        params: Mapping[str, Any],
        transaction: _network_transaction.Transaction | None = None,
    ) -> None:
        self.node = node
        self.transaction = transaction or _network_transaction.Transaction(node.cli)
        self.config = [
            {name: value for name, value in item.items() if value is not None} for item in params["config"] or []
        ]
        self.overridden = params["state"] == "overridden"
        self.timeout = params["confirm_timeout"]
        self.variable = params["variable"]
        self.host = params["host"] or "this machine"

    def run(self, *, check_mode: bool) -> dict[str, Any]:
        if check_mode:
            return self._run(check_mode=True)
        with self.node.path(LOCK).open("w") as lock:
            # two runs at once: the second waits until the first has armed its change, and then for the end of that
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.transaction.await_end()
            return self._run(check_mode=False)

    def _run(self, *, check_mode: bool) -> dict[str, Any]:
        links = self.node.links()
        own = _interfaces_check.check_interfaces(self.config)
        if self.overridden and not self.config:
            own.append(("", "interfaces, because a machine without any is lost", "an empty list"))
        self._refuse(_interfaces_check.sentences(self.host, self.variable, own))
        config, findings, renames = _network_node.resolve(self.config, links)
        moved = {link.name: name for name, link in renames.items() if link.name != name}
        nics = {moved.get(name, name) for name, link in links.items() if link.physical}
        known = {moved.get(name, name) for name in links}
        before = self.node.interfaces()
        plan = _interfaces_plan.plan(
            before, config, overridden=self.overridden, physical=nics, known=known, moved=moved
        )
        files = _network_pins.plan(renames, self.node.root)
        changed = plan.text != before or bool(files) or bool(moved)
        found = _interfaces_check.sentences(self.host, self.variable, [*findings, *plan.findings])
        missing = self.node.missing(config) if changed else []
        if changed:
            found += [f"{self.host}: {finding}" for finding in self.node.findings(config)]
        if missing and not check_mode:
            found.append(f"{self.host}: expected the packages {', '.join(missing)}, found them not installed")
        self._refuse(found)
        if changed and "ifupdown2" not in missing:
            self._refuse([f"{self.host}: {self.variable}: ifupdown2: {line}" for line in self.node.syntax(plan.text)])
        result = {
            "changed": changed,
            "due": changed,
            "missing_packages": missing,
            "diff": _diff(before, plan.text, files),
            "renames": {new: old for old, new in moved.items()},
        }
        if changed and not check_mode:
            result["transaction"] = self._start(plan, before, config, moved, files, links)
        return result

    def _refuse(self, findings: list[str]) -> None:
        if findings:
            raise _errors.InputError(
                "The network cannot be made like this; nothing was changed.",
                hint="\n".join(findings),
                findings=findings,
            )

    def _start(
        self, plan: _interfaces_plan.Plan, before: str, config: list, moved: Mapping, files: Mapping, links: Mapping
    ) -> dict[str, Any]:
        listed = [str(item["name"]) for item in config]
        change = {
            "old": _network_transaction.summary(plan.before, [*plan.before]),
            "new": _network_transaction.summary(plan.after, listed),
            "renames": [{"old": old, "new": new} for old, new in moved.items()],
            "link_files": {path: after for path, (_before, after) in files.items()},
            "links_before": sorted(links),
        }
        return {"id": self.transaction.start(plan.text, before, change, self.timeout), "timeout": self.timeout}


def _diff(before: str, after: str, files: Mapping[str, tuple[str, str | None]]) -> list[dict[str, str]]:
    changes = {_network_node.INTERFACES: (before, after), **files}
    return [
        {"before_header": path, "after_header": path, "before": old, "after": new or ""}
        for path, (old, new) in changes.items()
        if old != (new or "")
    ]
