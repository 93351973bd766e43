# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Resources, groups and rules of HA as the one description that the role pve_ha takes: the filter ha_definitions, backwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_AFFINITY = {"positive": "together", "negative": "apart"}


@dataclass
class Described:
    """C(guests) and C(placement) as the variables have them."""

    guests: list[dict[str, Any]]
    placement: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def described(
    resources: Sequence[Mapping[str, Any]], rules: Sequence[Mapping[str, Any]], groups: Sequence[Mapping[str, Any]]
) -> Described:
    """What the role has no word for stays out of it, with a note; the role leaves it as it is."""
    result = Described([{name: value for name, value in one.items() if name != "group"} for one in resources])
    for rule in rules:
        _rule(rule, result)
    for group in groups:
        _group(group, resources, result)
    return result


def _rule(rule: Mapping[str, Any], result: Described) -> None:
    if rule.get("disable"):
        result.notes.append(f"pve_ha_placement: the rule '{rule['rule']}' is disabled, which the role cannot say")
        return
    found = {"name": rule["rule"], "how": _how(rule), "guests": list(rule["resources"])}
    found |= {"nodes": list(rule["nodes"])} if rule.get("nodes") else {}
    result.placement.append(found | _comment(rule))


def _how(rule: Mapping[str, Any]) -> str:
    if rule["type"] == "resource-affinity":
        return _AFFINITY[rule["affinity"]]
    return "pin" if rule.get("strict") else "prefer"


def _group(group: Mapping[str, Any], resources: Sequence[Mapping[str, Any]], result: Described) -> None:
    guests = [one["sid"] for one in resources if one.get("group") == group["group"]]
    if not guests:
        result.notes.append(f"pve_ha_placement: no guest is in the group '{group['group']}'")
        return
    if group.get("nofailback"):
        for one in result.guests:
            one |= {"failback": False} if one["sid"] in guests else {}
    how = "pin" if group.get("restricted") else "prefer"
    found = {"name": group["group"], "how": how, "guests": guests, "nodes": list(group["nodes"])}
    result.placement.append(found | _comment(group))


def _comment(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"comment": one["comment"]} if one.get("comment") else {}
