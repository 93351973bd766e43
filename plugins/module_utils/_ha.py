# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""HA: resources (PVE/API2/HA/Resources.pm), groups (PVE/API2/HA/Groups.pm, until 8.4), rules (PVE/API2/HA/Rules.pm, from 9.0).

From 9.0 on the HA manager turns groups into rules as soon as all nodes have that version (PVE/HA/Groups.pm); until then
the API takes no rules. GET of the rules shows what will become of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _ha_rules, _names
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._items import outcome
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import (
    BOOL,
    INT,
    SET,
    STR,
    Kind,
    split_list,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._switch import switched
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

_ID: dict[str, Any] = {
    "pattern": r"[A-Za-z][A-Za-z0-9_-]+",
    "meaning": "two or more letters, digits, - and _, a letter first",
}
_SID: dict[str, Any] = {"pattern": r"(?:vm|ct):[1-9][0-9]+", "meaning": "a guest such as vm:100 or ct:101"}
# seconds; the manager begins within ten of them
_MANAGER = 90.0
_COUNT: dict[str, Any] = {"default": 1, "limits": (0, 2**31)}
_NODE = _names.NODE.pattern


def _read_nodes(value: Any) -> list[str] | None:
    """Priority 0 is the same as none."""
    words = [word.removesuffix(":0") for word in split_list(value)]
    return sorted(set(words)) or None


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


# enabled is an old name
_STATE = Kind("state", lambda value: "started" if value == "enabled" else STR.read(value), str)
NODES = Kind("nodes", _read_nodes, ",".join, {"type": "list", "elements": "str"})
# Proxmox decodes the parameter as it decodes the file (PVE/HA/Rules.pm, decode_value): what is given as it is comes out
# damaged, or with "Wide character" not at all
_COMMENT = Kind("comment of a rule", STR.read, lambda text: re.sub(r"[^\x20-\x24\x26-\x7e]", _escaped, text))
_NODES = Field("nodes", NODES, pattern=rf"{_NODE}(?::\d+)?", meaning="a node, or a node and its priority (pve1:2)")


def _known_nodes(api: Any) -> list[str]:
    return sorted(str(row["node"]) for row in api.get("/nodes"))


def _names_of(nodes: Iterable[str]) -> set[str]:
    return {node.partition(":")[0] for node in nodes}


def _groups(api: Any) -> list[Mapping[str, Any]]:
    """None from 9.0 on, where Proxmox answers with an error as soon as they are rules."""
    try:
        return list(api.get("/cluster/ha/groups"))
    except ApiError:
        return []


# Resources


def resource_objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    made = [change for change in changes if change.action == "create"]
    if made:
        kinds = {"qemu": "vm", "lxc": "ct"}
        known = {str(row["vmid"]): kinds[row["type"]] for row in api.get("/cluster/resources", type="vm")}
        for change in made:
            kind, _colon, number = change.key.partition(":")
            if number not in known:
                yield f"HA resource '{change.key}': the cluster has no guest {number}.", False
            elif known[number] != kind:
                yield f"HA resource '{change.key}': the guest is {known[number]}:{number}.", True
    if named := {change.to_set["group"]: change.key for change in changes if change.to_set.get("group")}:
        there = {row["group"] for row in _groups(api)}
        for group in sorted(set(named) - there):
            yield f"HA resource '{named[group]}': there is no HA group '{group}'; ha_group makes it.", False


def explain_resource(_item: Item, reason: str) -> str | None:
    if "in error state" in reason:
        return "Set its state to disabled, repair what keeps it from starting, then set it to started."
    return None


RESOURCE = Resource(
    name="HA resource",
    path="/cluster/ha/resources",
    key=Field("sid", **_SID),
    fields=[
        Field("state", _STATE, default="started", choices=["started", "stopped", "enabled", "disabled", "ignored"]),
        Field("group", until=(9, 0), instead="ha_rule", **_ID),
        Field("failback", BOOL, default=True, since=(9, 0), instead="nofailback of ha_group"),
        Field("auto-rebalance", BOOL, default=True, since=(9, 2)),
        Field("max_restart", INT, **_COUNT),
        Field("max_relocate", INT, **_COUNT),
        Field("comment", narrow=True),
    ],
    variants={None: Variant(optional="state group failback auto-rebalance max_restart max_relocate comment")},
    objections=resource_objections,
    explain=explain_resource,
)


# Groups


def group_objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    removed = {change.key for change in changes if change.action == "delete"}
    if removed:
        for row in api.get("/cluster/ha/resources"):
            if row.get("group") in removed:
                yield f"HA group '{row['group']}': is used by {row['sid']}; take it away there first.", False
    if any("nodes" in change.to_set for change in changes):
        known = set(_known_nodes(api))
        for change in changes:
            if strange := sorted(_names_of(change.to_set.get("nodes") or ()) - known):
                yield f"HA group '{change.key}': this cluster has no node {', '.join(strange)}.", False


GROUP = Resource(
    name="HA group",
    path="/cluster/ha/groups",
    key=Field("group", **_ID),
    fields=[
        _NODES,
        Field("restricted", BOOL, default=False),
        Field("nofailback", BOOL, default=False),
        Field("comment", narrow=True),
    ],
    variants={None: Variant(required="nodes", optional="restricted nofailback comment")},
    until=(9, 0),
    instead="ha_rule",
    objections=group_objections,
)


# Rules


def check_rule(item: Item) -> Iterable[str]:
    if item["type"] == "resource-affinity" and len(item.get("resources") or ()) < 2:
        yield "resources: a rule between resources needs two or more"
    if item["type"] == "node-affinity" and not item.get("nodes"):
        yield "nodes: needs one or more"
    names = [node.partition(":")[0] for node in item.get("nodes") or ()]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield f"nodes: named twice: {', '.join(twice)}"


def rule_objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    """What Proxmox would refuse on the way, and what it would refuse too late: everything is seen together here."""
    made = {change.key: _after(change) for change in changes if change.action != "delete"}
    if not made:
        return
    if waiting := sorted(str(row["group"]) for row in _groups(api)):
        yield (
            f"HA rule: the HA groups {', '.join(waiting)} are not rules yet, and before that Proxmox takes no rules. Its HA"
            " manager turns them into rules by itself as soon as all nodes run Proxmox VE 9.",
            False,
        )
    managed = {str(row["sid"]) for row in api.get("/cluster/ha/resources")}
    nodes = _known_nodes(api)
    for key, item in made.items():
        if strange := sorted(set(item.get("resources") or ()) - managed):
            yield f"HA rule '{key}': {', '.join(strange)}: not managed by HA; ha_resource does that.", False
        if strange := sorted(_names_of(item.get("nodes") or ()) - set(nodes)):
            yield f"HA rule '{key}': this cluster has no node {', '.join(strange)}.", False
    gone = {change.key for change in changes if change.action == "delete"}
    others = [_form(row) for row in api.get(RULE.path) if row["rule"] not in {*made, *gone}]
    rules = [one for one in map(_ha_rules.rule, [*others, *made.values()]) if one]
    for name, why in dict.fromkeys(_ha_rules.conflicts(rules)):
        if name in made:
            yield f"HA rule '{name}': {why}.", True
    for name, why in _ha_rules.too_few_nodes(rules, nodes):
        if name in made:
            # more of them may join before it is done
            yield f"HA rule '{name}': {why}.", False


def _after(change: Any) -> Item:
    return outcome(RULE, change)[1]


def _form(row: Mapping[str, Any]) -> Item:
    """A row of the API as config has it."""
    nodes, resources = _read_nodes(row.get("nodes") or ""), SET.read(row.get("resources") or "")
    disabled = BOOL.read(row.get("disable") or 0)
    return {**row, "nodes": nodes, "resources": resources, "disable": disabled}


def arrange(changes: Sequence[Any], present: Mapping[str, Any]) -> list[Any]:
    """Proxmox looks at the rules as they are at each step, so what gives a resource away comes before what takes it."""
    changed = {change.key for change in changes}
    rest = [(key, _shown(one), _shown(one)) for key, one in present.items() if key not in changed]
    steps = [
        (
            change.key,
            _shown(change.present) if change.present else None,
            None if change.action == "delete" else _ha_rules.rule(_after(change)),
        )
        for change in changes
    ]
    order = _ha_rules.arranged([*steps, *rest])
    return [changes[number] for number in order if number < len(changes)]


def ready(api: Any, changes: Sequence[Any]) -> None:
    """Proxmox counts the nodes that its HA manager has seen, which is none before the first guest was given to it."""
    needed = max((len(_after(one).get("resources") or ()) for one in changes if _after(one).get("affinity")), default=0)

    def probe() -> tuple[bool, Any]:
        seen = api.get("/cluster/ha/status/manager_status")["manager_status"].get("node_status") or {}
        return len(seen) >= needed, ", ".join(sorted(seen)) or "none"

    if needed:
        Deadline(_MANAGER).until("nodes that the HA manager (pve-ha-crm) has seen", probe, interval=1.0)


def _shown(one: Any) -> Any:
    return _ha_rules.rule(one.config(RULE))


RULE = Resource(
    name="HA rule",
    path="/cluster/ha/rules",
    key=Field("rule", **_ID),
    discriminator=Field("type", choices=["node-affinity", "resource-affinity"]),
    fields=[
        Field("resources", SET, **_SID),
        _NODES,
        Field("strict", BOOL, default=False),
        Field("affinity", choices=["positive", "negative"]),
        Field("disable", BOOL, default=False),
        Field("comment", _COMMENT),
    ],
    variants={
        "node-affinity": Variant(required="resources nodes", optional="strict disable comment"),
        "resource-affinity": Variant(required="resources affinity", optional="disable comment"),
    },
    retype=True,
    since=(9, 0),
    instead="ha_group",
    check=check_rule,
    prepare=switched,
    objections=rule_objections,
    ready=ready,
    arrange=arrange,
)
