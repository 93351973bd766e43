# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""The firewall: rules in their order, what they name, and whether anybody gets in when it is on.

What a list names that another list does not have may be in the cluster already: that is a warning, but not where only the
lists count (C(overridden)). The modules look again, at what there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_names import ALIAS, GROUP, IPSET, KINDS
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_reach import API, SSH, means
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_rules import (
    MACROS,
    SPEC,
    Rule,
    check,
    named,
    read_rule,
    reference,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_tables import (
    NODE_OPTIONS_TABLE,
    OPTIONS_TABLE,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._items import read_wanted, refuse
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import option_name
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, nearest
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Host, Inventory
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import NOTHING, Checker, Place

STATE = "pve_firewall_state"
OPTIONS, NODE_OPTIONS = "pve_firewall_options", "pve_firewall_node_options"
RULES_OF_CLUSTER, RULES_OF_NODE = "pve_firewall_rules", "pve_firewall_node_rules"
LOCAL, LOCKOUT = "pve_firewall_local_network_suffices", "pve_firewall_allow_lockout"
TABLES: Mapping[str, tuple[Resource, str]] = {
    "pve_firewall_aliases": (ALIAS, STATE),
    "pve_firewall_ipsets": (IPSET, STATE),
    "pve_firewall_groups": (GROUP, STATE),
}
# What belongs to the cluster, not to a node
COMMON = (STATE, OPTIONS, RULES_OF_CLUSTER, LOCAL, LOCKOUT, *TABLES)

_SINGLE = {OPTIONS: OPTIONS_TABLE, NODE_OPTIONS: NODE_OPTIONS_TABLE}
# Which list has the names of what, under which key, and what there is without it
_LISTS = {
    "alias": ("pve_firewall_aliases", "name", {"local_network"}),
    "ipset": ("pve_firewall_ipsets", "name", {"management"}),
    "group": ("pve_firewall_groups", "group", set()),
}
_MONITOR = 3300


def options(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        for variable, table in _SINGLE.items():
            given, place = host.get(variable), host.place(variable)
            if not isinstance(given, Mapping):
                continue
            checker = Checker()
            pairs = {option_name(str(key)): value for key, value in given.items() if value is not None}
            clean = checker.value(place, {"type": "dict", "options": table.spec()}, pairs)
            yield from checker.findings
            if clean is NOTHING or checker.findings:
                continue
            try:
                refuse(read_wanted(table, [dict.fromkeys(table.spec()) | clean], [set(clean)], "merged")[1])
            except InputError as error:
                problem = str(error.fields["problems"][0]).removeprefix(f"{table.name}: ")
                yield place.finding("what Proxmox takes", problem)


def rules(inventory: Inventory) -> Iterator[Finding]:
    """Each rule for itself."""
    for host in inventory:
        for variable in (RULES_OF_CLUSTER, RULES_OF_NODE):
            for index, given in enumerate(host.get(variable, ())):
                if isinstance(given, Mapping):
                    yield from _rule(host.place(variable).item(index), given)
        for place, rule in _in_groups(host):
            yield from _macro(place, rule)


def _rule(place: Place, given: Mapping[Any, Any]) -> Iterator[Finding]:
    checker = Checker()
    pairs = {option_name(str(key)): value for key, value in given.items() if value is not None}
    clean = checker.value(place, {"type": "dict", "options": SPEC}, pairs)
    yield from checker.findings
    if clean is NOTHING or checker.findings:
        return
    rule = read_rule(clean)
    for problem in check(rule):
        yield place.finding("a rule that Proxmox takes", f"that {problem}")
    yield from _macro(place, rule)


def _macro(place: Place, rule: Rule) -> Iterator[Finding]:
    if (name := rule.get("macro")) and name not in MACROS:
        near = nearest(name, list(MACROS))
        hint = f" (nearest: {near})" if near else ""
        yield place.inside("macro").finding(f"a macro of Proxmox{hint}", f"'{name}'", warning=True)


def _readable(rows: Any) -> Iterator[tuple[int, Rule]]:
    for index, row in enumerate(rows if isinstance(rows, Sequence) and not isinstance(rows, str) else ()):
        try:
            yield index, read_rule(row)
        except (AttributeError, ValueError):
            # told by the rules above
            continue


def _rows(host: Host, variable: str) -> list[Mapping[str, Any]]:
    return [row for row in host.get(variable, ()) if isinstance(row, Mapping)]


def _in_groups(host: Host) -> Iterator[tuple[Place, Rule]]:
    for row in _rows(host, "pve_firewall_groups"):
        place = Place(host.name, f"pve_firewall_groups[{row.get('group')}]").inside("rules")
        for index, rule in _readable(row.get("rules")):
            yield place.item(index), rule


def _everywhere(host: Host) -> Iterator[tuple[Place, Rule]]:
    for variable in (RULES_OF_CLUSTER, RULES_OF_NODE):
        for index, rule in _readable(host.get(variable)):
            yield host.place(variable).item(index), rule
    yield from _in_groups(host)


def names(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        for place, rule in _everywhere(host):
            for kind, name in named(rule):
                yield from _judge(host, place, kind, name)
        for row in _rows(host, "pve_firewall_ipsets"):
            place = Place(host.name, f"pve_firewall_ipsets[{row.get('name')}]").inside("members")
            for entry in row.get("members") or ():
                used = reference(str(entry.get("cidr", ""))) if isinstance(entry, Mapping) else None
                if used and used[0] == "alias":
                    yield from _judge(host, place, *used)


def _judge(host: Host, place: Place, kind: str, name: str) -> Iterator[Finding]:
    variable, key, always = _LISTS[kind]
    if host.get(variable) is None or variable in host.broken:
        # a list that is not there says nothing of what the cluster has
        return
    known = {str(row.get(key)).lower() for row in _rows(host, variable)} | always
    if name in known:
        return
    near = nearest(name, sorted(known))
    hint = f" (nearest: {near})" if near else ""
    only = host.get(STATE) == "overridden"
    advice = "" if only else "It has to be in the cluster already"
    yield place.finding(f"{KINDS[kind]} that {variable} has{hint}", f"'{name}'", advice, warning=not only)


def way_in(inventory: Inventory) -> Iterator[Finding]:
    """Where the firewall is switched on and drops what nothing accepts."""
    for host in inventory:
        given = host.get(OPTIONS)
        if not isinstance(given, Mapping) or given.get("enable") is not True or OPTIONS in host.broken:
            continue
        if str(given.get("policy_in") or "DROP") == "ACCEPT":
            continue
        place = host.place(OPTIONS).inside("enable")
        accepting = list(_accepting(host))
        missing = [port for port in (SSH, API) if not any(means(rule, port) for rule in accepting)]
        if missing and not (host.get(LOCAL) or host.get(LOCKOUT) or _managed(host)):
            yield place.finding(
                f"a way in for TCP {' and '.join(map(str, missing))}: members of the IP set management in"
                f" pve_firewall_ipsets, the alias local_network, or rules that accept it",
                "none",
                f"Where all who need it are in the nodes' own network, {LOCAL}: true says so",
            )
        monitors = host.get("pve_ceph_mons")
        if monitors and not any(means(rule, _MONITOR) for rule in accepting):
            yield place.finding(
                "a rule that accepts Ceph (such as the macro Ceph from its networks), because pve_ceph_mons is set",
                "none",
                "Proxmox lets nothing of it in by itself",
                warning=host.get(STATE) == "merged",
            )


def _managed(host: Host) -> bool:
    for row in _rows(host, "pve_firewall_ipsets"):
        members = row.get("members")
        if row.get("name") == "management" and isinstance(members, list):
            return any(isinstance(one, Mapping) and not one.get("nomatch") for one in members)
    return any(str(row.get("name")).lower() == "local_network" for row in _rows(host, "pve_firewall_aliases"))


def _accepting(host: Host) -> Iterator[Rule]:
    """Rules for what comes in, those of the groups that are used among them."""
    groups = {
        str(row.get("group")): [rule for _index, rule in _readable(row.get("rules"))]
        for row in _rows(host, "pve_firewall_groups")
    }
    for variable in (RULES_OF_NODE, RULES_OF_CLUSTER):
        for _index, rule in _readable(host.get(variable)):
            used = groups.get(str(rule.get("action")), []) if rule.get("type") == "group" else [rule]
            for one in used if rule.get("enable", True) else ():
                if one.get("type") == "in" and one.get("action") == "ACCEPT" and one.get("enable", True):
                    yield one


RULES = (options, rules, names, way_in)
