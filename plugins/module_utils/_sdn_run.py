# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The module for SDN: several tables that are changed together, staged in one order and applied once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _engine, _errors, _sdn_check
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import CONNECTION_SPEC, Client, asking
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import STATES, Run
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import NotInstalled, ProxmoxError
from ansible_collections.baremetal.proxmox.plugins.module_utils._items import (
    Change,
    Present,
    Wanted,
    read_wanted,
    refuse,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._module import Module
from ansible_collections.baremetal.proxmox.plugins.module_utils._plan import Planner
from ansible_collections.baremetal.proxmox.plugins.module_utils._sdn import TABLES
from ansible_collections.baremetal.proxmox.plugins.module_utils._sdn_stage import TAKEN_BACK, Patient, Stage, View

Presents = Mapping[str, Mapping[str, Present]]


class _Module(Module):
    """Remembers which keys of each item the user wrote, by list."""

    written: dict[str, list[set[str]]]

    def _load_params(self) -> None:
        super()._load_params()
        for option in TABLES:
            if isinstance(config := self.params.get(option), list):
                self.params[option] = [_engine.as_dict(item) for item in config]
        self.written = {option: _engine.written(self.params.get(option)) for option in TABLES}


class SdnModule:
    """The whole module: C(SdnModule().run())."""

    def __init__(self, connect: Callable[[AnsibleModule], Client] = Client.from_module) -> None:
        self.connect = connect

    def argument_spec(self) -> dict[str, Any]:
        return {
            **{option: {"type": "list", "elements": "dict", "options": one.spec()} for option, one in TABLES.items()},
            "state": {"type": "str", "choices": list(STATES), "default": "merged"},
            "apply_pending": {"type": "bool", "default": False},
            **CONNECTION_SPEC,
        }

    def run(self) -> None:
        module = _Module(
            argument_spec=self.argument_spec(),
            supports_check_mode=True,
            no_log=True,
            required_if=[("state", state, list(TABLES), True) for state in STATES if state != "gathered"],
        )
        _errors.run(module, self._main)

    def _main(self, module: _Module) -> dict[str, Any]:
        wanted: dict[str, list[Wanted] | None] = {}
        problems: list[str] = []
        for option, table in TABLES.items():
            config = module.params[option]
            if config is None:
                wanted[option] = None
                continue
            items, found = read_wanted(table, config, module.written[option], module.params["state"])
            wanted[option] = [_placed(item, option) for item in items]
            problems += [text.replace("(config[", f"({option}[").replace(": config[", f": {option}[") for text in found]
        refuse(problems)
        api = Patient(self.connect(module))
        api.user = asking(module.params)
        try:
            return _SdnRun(module, api, wanted).result()
        finally:
            api.close()


def _placed(item: Wanted, option: str) -> Wanted:
    where = item.where.replace("(config[", f"({option}[")
    return Wanted(item.key, where, item.label, item.values, item.recreate, item.always)


class _SdnRun:
    def __init__(self, module: AnsibleModule, api: Patient, wanted: dict[str, list[Wanted] | None]) -> None:
        self.module = module
        self.api = api
        self.wanted = wanted
        self.state = module.params["state"]
        self.runs = {option: Run(table, module, api) for option, table in TABLES.items()}
        self.stage = Stage(api, self.state, wanted, allowed=module.params["apply_pending"])

    def result(self) -> dict[str, Any]:
        view = self._look()
        present = {option: view.present(option) for option in TABLES}
        if self.state == "gathered":
            return {"changed": False, "gathered": self._gathered(present)}
        changes = self._plan(present)
        others = self.stage.others(view.leftovers())
        ours = len(view.leftovers()) > len(others)
        needed = any(changes.values()) or ours or bool(others and self.stage.allowed)
        if needed:
            self.stage.refuse(others)
        elif others:
            self.module.warn(f"Staged by somebody else and not applied: {'; '.join(map(str, others))}.")
        elif any(present.values()) and (late := self.stage.lagging()):
            self.module.warn(f"What is applied has not been loaded on {', '.join(late)}: it is applied once more.")
            needed = True
        after: Presents = {option: run.predict(changes[option], present[option]) for option, run in self.runs.items()}
        self._check(present, after, changes)
        if needed and not self.module.check_mode:
            self._make(present, changes, clean=not others)
            after = self._look_again()
        return {
            "changed": needed,
            "before": self._lists(present),
            "after": self._lists(after),
            "changes": [{"table": option, **one.summary()} for option, one in self._order(present, changes)],
            "applied": needed,
            "diff": self._diff(changes),
        }

    def _look(self) -> View:
        if self.api.installed:
            return View.read(self.api)
        if not self.module.check_mode:
            hint = "Install it first (role pve_host), or name an API with api_host."
            raise NotInstalled("Proxmox VE is not installed on this machine.", hint=hint)
        self.module.warn("Proxmox VE is not installed here yet: planned against what a fresh installation has of SDN.")
        return View({option: () for option in TABLES})

    def _look_again(self) -> Presents:
        view = View.read(self.api)
        after = {option: view.present(option) for option in TABLES}
        for option, run in self.runs.items():
            run.compare(self.wanted[option] or [], after[option])
        for text in self.stage.warnings:
            self.module.warn(text)
        return after

    def _gathered(self, present: Presents) -> dict[str, Any]:
        result = {}
        for option, run in self.runs.items():
            keys = {item.key for item in self.wanted[option] or ()} or set(present[option])
            result[option] = run.listing(one for one in present[option].values() if one.key in keys)
            for one in present[option].values():
                if not one.known(run.resource):
                    text = f"{run.resource.name} '{one.key}' is of a type unknown to this collection; it is left out."
                    self.module.warn(text)
        return result

    def _lists(self, items: Presents) -> dict[str, Any]:
        return {option: run.listing(items[option].values()) for option, run in self.runs.items()}

    def _diff(self, changes: Mapping[str, list[Change]]) -> dict[str, Any]:
        parts = {option: run.diff(changes[option]) for option, run in self.runs.items() if changes[option]}
        sides = {side: {option: part[side] for option, part in parts.items()} for side in ("before", "after")}
        return {**sides, "before_header": "/cluster/sdn", "after_header": "/cluster/sdn"}

    def _plan(self, present: Presents) -> dict[str, list[Change]]:
        changes: dict[str, list[Change]] = {}
        problems: list[str] = []
        for option, run in self.runs.items():
            run.planner = Planner(run.resource, self.state, run.version)
            items = self.wanted[option]
            try:
                changes[option] = [] if items is None else run.planner.plan(items, present[option])
            except _errors.InputError as error:
                problems += error.fields["problems"]
        refuse(problems)
        return changes

    # -- what has to do with each other

    def _check(self, before: Presents, after: Presents, changes: Mapping[str, list[Change]]) -> None:
        """Of what is there already, only what these changes concern."""
        named = {(option, one.key) for option in TABLES for one in self.wanted[option] or ()}
        items = {
            option: {
                # of two that contradict each other, the one that is listed is to blame
                key: after[option][key].config(table)
                for key in sorted(after[option], key=lambda key, kind=option: (kind, key) in named)
                if after[option][key].known(table)
            }
            for option, table in TABLES.items()
        }
        changed = {(option, one.key) for option in TABLES for one in changes[option]}
        problems = [
            one.sentence
            for one in [*_sdn_check.missing(items), *_sdn_check.problems(items)]
            if (one.kind, one.key) in named and self.state != "deleted"
        ]
        problems += self._in_use(before, after, changes)
        problems += self._moved(before, changes)
        refuse(problems if changed else [])

    def _in_use(self, before: Presents, after: Presents, changes: Mapping[str, list[Change]]) -> Iterator[str]:
        """What is removed, or made anew, must not be named by what stays."""
        gone = {(option, one.key): one.action for option in TABLES for one in changes[option] if one.action in _GOING}
        for option, table in TABLES.items():
            for key, one in after[option].items():
                for _setting, kind, name in _sdn_check.references(option, one.config(table)):
                    action = gone.get((kind, name))
                    there = action == "delete" or key in before[option]
                    if action and there and (option, key) not in gone:
                        yield f"{TABLES[kind].name} '{name}' cannot be {_GOING[action]}: {table.name} '{key}' is built on it"

    def _moved(self, before: Presents, changes: Mapping[str, list[Change]]) -> Iterator[str]:
        """PVE/API2/Network/SDN/Vnets.pm: subnets are known by their zone."""
        stay = set(before["subnets"]) - {one.key for one in changes["subnets"] if one.action == "delete"}
        for change in changes["vnets"]:
            inside = sorted(key for key in stay if key.split(" ")[0] == change.key)
            if change.action == "update" and "zone" in change.to_set and inside:
                yield f"vnet '{change.key}': zone: cannot change while it has subnets ({', '.join(inside)})"

    def _order(self, present: Presents, changes: Mapping[str, list[Change]]) -> list[tuple[str, Change]]:
        """What nothing is built on any more goes first: a tag, say, is free then. The rest goes last."""
        early: list[tuple[str, Change]] = []
        late: list[tuple[str, Change]] = []
        stay = {option: dict(present[option]) for option in TABLES}
        for option in reversed(TABLES):
            named = {
                name
                for other, table in TABLES.items()
                for one in stay[other].values()
                for _setting, kind, name in _sdn_check.references(other, one.config(table))
                if kind == option
            }
            for change in (one for one in changes[option] if one.action == "delete"):
                if change.key in named:
                    late.append((option, change))
                else:
                    early.append((option, change))
                    del stay[option][change.key]
        made = [(option, one) for option in TABLES for one in changes[option] if one.action != "delete"]
        return [*early, *made, *late]

    # -- doing it

    def _make(self, present: Presents, changes: Mapping[str, list[Change]], *, clean: bool) -> None:
        done: list[tuple[str, Change]] = []
        self.api.stage = self.stage
        try:
            for option, change in self._order(present, changes):
                self.runs[option].make(change)
                done.append((option, change))
        except ProxmoxError as error:
            staged = self.api.writes > 0
            left = self.stage.undo(clean=clean) if staged else "Nothing was changed."
            error.fields["changed"] = staged and left != TAKEN_BACK
            error.fields["changes"] = [{"table": option, **one.summary()} for option, one in done]
            error.message = f"{error.message} {left}"
            raise
        try:
            self.stage.apply()
        except ProxmoxError as error:
            error.fields["changed"] = True
            raise


_GOING = {"delete": "removed", "recreate": "recreated"}
