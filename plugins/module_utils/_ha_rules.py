# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What HA demands of rules: the checks of PVE/HA/Rules.pm, Rules/NodeAffinity.pm and Rules/ResourceAffinity.pm.

Proxmox makes them whenever a rule is written, and refuses that rule if it is among those that do not fit. Here they are
made for all rules together, before the first call. Rules that are switched off take no part. Pure: nothing is asked here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Rule:
    """C(nodes): priority by name, of a rule for nodes; C(affinity): of a rule for resources."""

    name: str
    resources: frozenset[str]
    nodes: Mapping[str, int] = field(default_factory=dict)
    affinity: str | None = None

    @property
    def priorities(self) -> int:
        return len(set(self.nodes.values()))


def rule(item: Mapping[str, Any]) -> Rule | None:
    """From an item in the form of the module's options; None when it is switched off."""
    if item.get("disable"):
        return None
    pairs = [str(one).partition(":") for one in item.get("nodes") or ()]
    return Rule(
        str(item["rule"]),
        frozenset(item.get("resources") or ()),
        {name: int(priority or 0) for name, _colon, priority in pairs},
        item.get("affinity") if item.get("type") == "resource-affinity" else None,
    )


def conflicts(rules: Collection[Rule]) -> Iterable[tuple[str, str]]:
    """The name of each rule that does not fit the others, and why."""
    located = sorted((one for one in rules if one.affinity is None), key=lambda one: one.name)
    together = sorted((one for one in rules if one.affinity == "positive"), key=lambda one: one.name)
    apart = sorted((one for one in rules if one.affinity == "negative"), key=lambda one: one.name)
    yield from _located_twice(located)
    yield from _alone([*together, *apart])
    yield from _both(together, apart)
    yield from _priorities([*together, *apart], located)
    yield from _several_places(together, located)
    yield from _crowded(apart, located)


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _located_twice(located: Sequence[Rule]) -> Iterable[tuple[str, str]]:
    for one in located:
        for other in located:
            if one is not other and (common := one.resources & other.resources):
                yield one.name, f"{_list(common)}: the rule '{other.name}' for nodes has it already"


def _alone(rules: Sequence[Rule]) -> Iterable[tuple[str, str]]:
    for one in rules:
        if len(one.resources) < 2:
            yield one.name, f"has {len(one.resources)} resource, expected 2 or more"


def too_few_nodes(rules: Collection[Rule], nodes: Collection[str]) -> Iterable[tuple[str, str]]:
    for one in rules:
        if one.affinity == "negative" and len(one.resources) > len(nodes):
            yield one.name, f"keeps {len(one.resources)} resources apart, but there are {len(nodes)} nodes"


def _both(together: Sequence[Rule], apart: Sequence[Rule]) -> Iterable[tuple[str, str]]:
    for names, resources in _joined(together):
        for one in apart:
            common = resources & one.resources
            if len(common) > 1:
                text = f"{_list(common)}: kept together by {_quoted(names)}, kept apart by '{one.name}'"
                yield from ((name, text) for name in [one.name, *names])


def _priorities(rules: Sequence[Rule], located: Sequence[Rule]) -> Iterable[tuple[str, str]]:
    for one in rules:
        meeting = [other for other in located if one.resources & other.resources]
        if graded := [other.name for other in meeting if other.priorities > 1]:
            text = (
                f"'{one.name}' has resources of {_quoted(graded)}, which gives its nodes several priorities: Proxmox takes"
                " only one priority there"
            )
            yield from ((name, text) for name in [one.name, *(other.name for other in meeting)])


def _several_places(together: Sequence[Rule], located: Sequence[Rule]) -> Iterable[tuple[str, str]]:
    for names, resources in _joined(together):
        meeting = [other.name for other in located if resources & other.resources]
        if len(meeting) > 1:
            text = f"{_list(resources)}: kept together by {_quoted(names)}, but placed by several: {_quoted(meeting)}"
            yield from ((name, text) for name in [*names, *meeting])


def _crowded(apart: Sequence[Rule], located: Sequence[Rule]) -> Iterable[tuple[str, str]]:
    for one in apart:
        meeting = [other for other in located if one.resources & other.resources]
        placed = {sid for other in meeting for sid in one.resources & other.resources}
        allowed = {node for other in meeting for node in other.nodes}
        if len(allowed) < len(placed):
            text = (
                f"'{one.name}' keeps {_list(placed)} apart, but {_quoted(other.name for other in meeting)} leave only"
                f" {_list(allowed)}"
            )
            yield from ((name, text) for name in [one.name, *(other.name for other in meeting)])


def _joined(together: Sequence[Rule]) -> list[tuple[list[str], frozenset[str]]]:
    """Rules that share resources count as one (find_disjoint_rules_resource_sets in Rules/Helpers.pm)."""
    found: list[tuple[list[str], frozenset[str]]] = []
    for one in together:
        touching = [entry for entry in found if entry[1] & one.resources]
        names = [name for entry in touching for name in entry[0]]
        resources = one.resources.union(*(entry[1] for entry in touching))
        found = [entry for entry in found if entry not in touching] + [([*names, one.name], resources)]
    return found


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


def arranged(steps: Sequence[tuple[str, Rule | None, Rule | None]]) -> list[int]:
    """The order in which changes can be made so that Proxmox refuses none on the way.

    A step has a rule's name, the rule as it is and as it will be. Without such an order the rest stays as it was.
    """
    now = {name: before for name, before, _after in steps if before is not None}
    left = [number for number, (_name, _before, after) in enumerate(steps) if after is not None]
    order = [number for number, (_name, _before, after) in enumerate(steps) if after is None]
    for number in order:
        now.pop(steps[number][0], None)
    while left:
        for number in left:
            name, _before, after = steps[number]
            trial = {**now, name: after} if after else now
            if name not in {found for found, _why in conflicts([one for one in trial.values() if one])}:
                break
        else:
            return order + left
        now[steps[number][0]] = steps[number][2]
        order.append(number)
        left.remove(number)
    return order
