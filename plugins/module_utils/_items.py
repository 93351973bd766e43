# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Items as they are wanted and as they are, and the changes between them. Pure: nothing here talks to anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import option_name

HIDDEN = "(secret)"


@dataclass(frozen=True)
class Wanted:
    """One item of C(config), canonical. C(values) has only what the user named; None is "take away"."""

    key: str
    where: str
    label: str | None
    values: Item
    recreate: bool = False
    always: bool = False


@dataclass(frozen=True)
class Present:
    """One item that exists. C(values) is the canonical form, in the order of the table; C(raw) the API's answer."""

    key: str
    label: str | None
    values: Item
    raw: Mapping[str, Any]

    def known(self, resource: Resource) -> bool:
        """Whether the table can describe it; a third party's storage plugin, say, it cannot."""
        return self.label in resource.variants

    def config(self, resource: Resource) -> Item:
        """The item as C(config) takes it."""
        return {**resource.head(self.key, self.label), **self.values}


@dataclass(frozen=True)
class Change:
    """One thing to do. C(to_set) and C(to_unset) use Proxmox's names, values canonical."""

    action: str
    key: str
    wanted: Wanted | None = None
    present: Present | None = None
    to_set: Item = field(default_factory=dict)
    to_unset: tuple[str, ...] = ()

    @property
    def goal(self) -> Wanted:
        if self.wanted is None:
            raise TypeError(f"{self.action} of {self.key} has no goal")
        return self.wanted

    def summary(self) -> dict[str, Any]:
        return {
            "action": self.action,
            "item": self.key,
            **({"set": sorted(map(option_name, self.to_set))} if self.to_set else {}),
            **({"unset": sorted(map(option_name, self.to_unset))} if self.to_unset else {}),
        }


def read_present(resource: Resource, rows: Iterable[Mapping[str, Any]]) -> dict[str, Present]:
    """The items of an answer. Those of a type that the table does not know have no values."""
    present: dict[str, Present] = {}
    for row in rows:
        label = str(row.get(resource.discriminator.name)) if resource.discriminator else None
        scopes = [row[one.name] for one in resource.scopes]
        key = resource.identity(label, str(row[resource.key.name]), scopes)
        variant = resource.variants.get(label)
        values: Item = {}
        for name in variant.names if variant else ():
            one = resource.field(name)
            # such as the address of a user that has none but a comment
            if one.secret or row.get(name) in (None, ""):
                continue
            value = lenient(one, row[name])
            if value is not None:
                values[one.option] = value
        present[key] = Present(key, label, values, row)
    return present


def lenient(one: Field, value: Any) -> Any:
    """What Proxmox itself stores is shown even where it would not be accepted from a user."""
    try:
        return one.kind.read(value)
    except ValueError:
        return str(value)


def read_wanted(
    resource: Resource, config: Sequence[Mapping[str, Any]], given: Sequence[Iterable[str]], state: str
) -> tuple[list[Wanted], list[str]]:
    """Canonical items from module options, and what is wrong with them. C(given) names the keys the user wrote."""
    items: list[Wanted] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    for number, (params, names) in enumerate(zip(config, given, strict=True)):
        key = resource.single or str(params[resource.key.option])
        label = params[resource.discriminator.option] if resource.discriminator else None
        shown = (
            resource.identity(label, key, [params[one.option] for one in resource.scopes]) if resource.scope else key
        )
        where = resource.name if resource.single else f"{resource.name} '{shown}' (config[{number}])"
        if resource.paths and label is None:
            problems.append(
                f"{where}: {resource.discriminator.option} is not set, not one of {', '.join(resource.paths)}"
            )
            continue
        if resource.paths:
            where = f"{resource.name} {label} '{key}' (config[{number}])"
        try:
            scopes = []
            for one in resource.scopes:
                option = one.option
                scopes.append(one.read(params[option]))
            option = resource.key.option
            identity = resource.identity(label, resource.key.read(key), scopes)
        except ValueError as error:
            problems.append(f"{where}: {option} {error}")
            continue
        if identity in seen:
            problems.append(f"{where}: config[{seen[identity]}] names it as well")
            continue
        seen[identity] = number
        values: Item = {}
        for one in resource.fields:
            if (state == "deleted" and not resource.listed) or one.option not in names:
                continue
            try:
                values[one.option] = None if params[one.option] is None else one.read(params[one.option])
            except ValueError as error:
                problems.append(f"{where}: {one.option} {_without_secret(one, error)}")
        always = params.get("update_password") == "always"
        items.append(Wanted(identity, where, label, values, bool(params.get("recreate")), always))
    return items, problems


def _without_secret(one: Field, error: ValueError) -> str:
    if one.secret:
        return f"is not {one.meaning}" if one.meaning else "is not in the form that is expected"
    return str(error)


def refuse(problems: Sequence[str]) -> None:
    """One error for all findings, so that a user corrects an inventory once."""
    if len(problems) == 1:
        raise InputError(f"{problems[0].rstrip('.')}. Nothing was changed.", problems=list(problems))
    if problems:
        lines = "".join(f"\n- {problem}" for problem in problems)
        raise InputError(f"{len(problems)} problems, nothing was changed:{lines}", problems=list(problems))


def outcome(resource: Resource, change: Change) -> tuple[Item, Item]:
    """Before and after of one change, as far as it is known before it is made; secrets only by name."""
    before = change.present.config(resource) if change.present else {}
    if change.action == "delete":
        return before, {}
    label = change.goal.label or (change.present.label if change.present else None)
    base = dict(change.present.values) if change.present and change.action == "update" else {}
    for one in map(resource.field, change.to_unset):
        base.pop(one.option, None)
        before.update({one.option: HIDDEN} if one.secret else {})
    for name, value in change.to_set.items():
        one = resource.field(name)
        base[one.option] = HIDDEN if one.secret else value
    after = Present(change.key, label, base, {}).config(resource)
    return before, after
