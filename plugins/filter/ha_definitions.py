# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: ha_definitions
short_description: One description of HA as the resources, groups and rules of a release
version_added: 0.1.0
description:
  - Proxmox VE 8 keeps guests on nodes by groups, Proxmox VE 9 by rules, which can also keep guests together or apart.
    One description serves both.
  - A group that has become a rule on a cluster that was upgraded keeps that rule's name.
options:
  _input:
    description:
      - Where guests run (variable C(pve_ha_placement)), each with C(name), C(how), C(guests) and perhaps C(nodes) and
        C(comment).
      - C(how) is V(pin) (on no other nodes), V(prefer) (elsewhere only when none of the nodes is there), V(together) or
        V(apart).
      - Null is nothing said of it, which on Proxmox VE 8 leaves guests in their groups.
    type: list
    elements: dict
    required: true
  guests:
    description: The guests that HA looks after (variable C(pve_ha_guests)), each with C(sid) and perhaps its settings.
    type: list
    elements: dict
    default: []
  release:
    description: Release of Proxmox VE, such as V(9.2), or the name of Debian's where it is not installed yet.
    type: str
    required: true
  rules:
    description: The rules that exist, as M(baremetal.proxmox.ha_rule) gathers them.
    type: list
    elements: dict
    default: []
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
definitions: >-
  {{ [{'name': 'databases', 'how': 'apart', 'guests': ['vm:110', 'vm:111']}]
     | baremetal.proxmox.ha_definitions(guests=[{'sid': 'vm:110'}, {'sid': 'vm:111'}], release='9.2') }}
"""

RETURN = r"""
_value:
  description: What to define.
  type: dict
  contains:
    by_rules:
      description: Whether this release has rules; else it has groups.
      type: bool
    resources:
      description: O(ignore:config) of M(baremetal.proxmox.ha_resource).
      type: list
      elements: dict
    groups:
      description: O(ignore:config) of M(baremetal.proxmox.ha_group).
      type: list
      elements: dict
    rules:
      description: O(ignore:config) of M(baremetal.proxmox.ha_rule).
      type: list
      elements: dict
    findings:
      description: One sentence for each thing that cannot be done; empty if all is well.
      type: list
      elements: str
    notes:
      description: One sentence for each group that is a rule now.
      type: list
      elements: str
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

HOW = ("pin", "prefer", "together", "apart")
_SID = re.compile(r"(?:vm|ct):[1-9][0-9]+")
_OLD = {"bookworm": False, "trixie": True}


def ha_definitions(
    places: Sequence[Mapping[str, Any]] | None,
    guests: Sequence[Mapping[str, Any]] = (),
    release: str = "",
    rules: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    placement = places or []
    by_rules = _OLD.get(release, not str(release).startswith("8."))
    findings = [*_of_guests(guests), *_of_placement(placement, guests)]
    findings += [] if by_rules or findings else list(_without_rules(placement, guests))
    if findings:
        return {"by_rules": by_rules, "resources": [], "groups": [], "rules": [], "findings": findings, "notes": []}
    known = {str(one["rule"]) for one in rules}
    notes = []
    definitions = []
    for one in placement if by_rules else ():
        name = _name_of_rule(one, known)
        definitions.append(_rule(one, name))
        if name != one["name"]:
            notes.append(f"HA group '{one['name']}' is the rule '{name}' on this release")
    return {
        "by_rules": by_rules,
        "resources": [dict(one) for one in guests] if by_rules else list(_resources(places, guests)),
        "groups": [] if by_rules else [_group(one, guests) for one in placement],
        "rules": definitions,
        "findings": [],
        "notes": notes,
    }


def _of_guests(guests: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    names = [str(one.get("sid")) for one in guests]
    for name in sorted(set(names)):
        if not _SID.fullmatch(name):
            yield f"pve_ha_guests: expected sid to be a guest such as vm:100 or ct:101, found {name!r}"
        elif names.count(name) > 1:
            yield f"pve_ha_guests: expected each guest once, found {name} {names.count(name)} times"


def _of_placement(placement: Sequence[Mapping[str, Any]], guests: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    names = [str(one.get("name")) for one in placement]
    managed = {str(one.get("sid")) for one in guests}
    for number, one in enumerate(placement):
        name, how = names[number], one.get("how")
        where = f"pve_ha_placement[{name}]"
        if names.count(name) > 1:
            yield f"{where}: expected each name once, found {names.count(name)} of it"
        if how not in HOW:
            yield f"{where}: expected how to be {', '.join(HOW)}, found {how!r}"
        if how in ("pin", "prefer") and not one.get("nodes"):
            yield f"{where}: expected nodes for {how}, found none"
        if how in ("together", "apart") and one.get("nodes"):
            yield f"{where}: expected no nodes for {how}, found {', '.join(one['nodes'])}"
        wanted = [str(guest) for guest in one.get("guests") or ()]
        least = 2 if how in ("together", "apart") else 1
        if len(set(wanted)) < least:
            yield f"{where}: expected {least} or more guests, found {len(set(wanted))}"
        if strange := sorted(set(wanted) - managed):
            yield f"{where}: expected its guests in pve_ha_guests, found {', '.join(strange)} only here"


def _without_rules(placement: Sequence[Mapping[str, Any]], guests: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """What groups cannot say."""
    homes: dict[str, list[str]] = {}
    stays = {str(one["sid"]): one.get("failback") is False for one in guests}
    for one in placement:
        if one["how"] in ("together", "apart"):
            yield (
                f"pve_ha_placement[{one['name']}]: expected pin or prefer before Proxmox VE 9, found {one['how']}. HA keeps"
                " guests together or apart only by rules"
            )
            continue
        for guest in one["guests"]:
            homes.setdefault(str(guest), []).append(str(one["name"]))
        if len({stays[str(guest)] for guest in one["guests"]}) > 1:
            yield (
                f"pve_ha_placement[{one['name']}]: expected one failback for all its guests before Proxmox VE 9, where it"
                " belongs to the group, found both"
            )
    for guest, names in sorted(homes.items()):
        if len(names) > 1:
            yield f"pve_ha_placement: expected {guest} in one place, found it in {', '.join(names)}"


def _resources(
    places: Sequence[Mapping[str, Any]] | None, guests: Sequence[Mapping[str, Any]]
) -> Iterable[dict[str, Any]]:
    homes = {str(guest): one["name"] for one in places or () for guest in one["guests"]}
    for one in guests:
        # failback belongs to the group, and balancing is younger
        values = {name: value for name, value in one.items() if name not in ("failback", "auto_rebalance")}
        # null takes away a group that the guest had
        yield {**values, **({} if places is None else {"group": homes.get(str(one["sid"]))})}


def _group(one: Mapping[str, Any], guests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    stays = {str(guest["sid"]) for guest in guests if guest.get("failback") is False}
    return {
        "group": one["name"],
        "nodes": list(one["nodes"]),
        "restricted": one["how"] == "pin",
        "nofailback": str(one["guests"][0]) in stays,
        **_comment(one),
    }


def _comment(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"comment": one["comment"]} if "comment" in one else {}


def _name_of_rule(one: Mapping[str, Any], known: set[str]) -> str:
    """PVE/HA/Groups.pm, migrate_groups_to_rules: the name of the rule that a group has become."""
    migrated = f"ha-group-{one['name']}"
    return migrated if migrated in known and str(one["name"]) not in known else str(one["name"])


def _rule(one: Mapping[str, Any], name: str) -> dict[str, Any]:
    rule = {"rule": name, "resources": [str(guest) for guest in one["guests"]], **_comment(one)}
    if one["how"] in ("pin", "prefer"):
        return {**rule, "type": "node-affinity", "nodes": list(one["nodes"]), "strict": one["how"] == "pin"}
    affinity = "positive" if one["how"] == "together" else "negative"
    return {**rule, "type": "resource-affinity", "affinity": affinity}


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"ha_definitions": ha_definitions}
