# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""Variables that are lists for a resource module: judged by the table from which the module itself is made."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_config import SETTING
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_crush import RULE
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_fs import FILESYSTEM
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_pool import POOL
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource
from ansible_collections.baremetal.proxmox.plugins.module_utils._items import Wanted, read_present, read_wanted
from ansible_collections.baremetal.proxmox.plugins.module_utils._mapping import MAPPING
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import CALENDAR, SWITCH, option_name
from ansible_collections.baremetal.proxmox.plugins.module_utils._plan import Planner
from ansible_collections.baremetal.proxmox.plugins.module_utils._storage import STORAGE
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import (
    _access_rules,
    _backup_rules,
    _calendar,
    _certificate_rules,
    _datacenter_rules,
    _firewall_data,
    _sdn_rules,
)
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, listed, nearest
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Host, Inventory
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import NOTHING, Checker, Place

# A list without a variable for its state
MERGED = ""
# Variable of a role, its table, and the variable that says what the list means
TABLES: Mapping[str, tuple[Resource, str]] = {
    "pve_storage_config": (STORAGE, "pve_storage_state"),
    "pve_mapping_config": (MAPPING, "pve_mapping_state"),
    **_access_rules.TABLES,
    **_sdn_rules.TABLES,
    **_firewall_data.TABLES,
    **_backup_rules.TABLES,
    **_certificate_rules.TABLES,
    **_datacenter_rules.TABLES,
    "pve_ceph_crush_rules": (RULE, MERGED),
    "pve_ceph_pools": (POOL, "pve_ceph_pools_state"),
    "pve_ceph_filesystems": (FILESYSTEM, MERGED),
    "pve_ceph_config": (SETTING, MERGED),
}

# Several sentences about entries of one setting are one text
_ENTRY = re.compile(r"; (?=\w+\[\d+\] \()")
_WHERE = re.compile(r"^.*? \(config\[\d+\]\): ")
# The forms in which the tables word what is wrong
_IS_NOT = re.compile(r"(?P<key>\w+) is (?P<found>.+?), not (?P<expected>.+)")
_UNKNOWN = re.compile(r"(?P<key>\w+) has the unknown key '(?P<found>.+?)'; known are (?P<known>.+)")
_ALLOWED = re.compile(r"(?P<key>\w+) is (?P<found>.+?); allowed are (?P<expected>.+)")


def lists(inventory: Inventory) -> Iterator[Finding]:
    nodes = {str(host.get("pve_host_name")) for host in inventory}
    seen: dict[str, list[Finding]] = {}
    for host in inventory.all():
        for variable, (resource, state_variable) in TABLES.items():
            config = host.get(variable)
            if not config:
                yield from _null(host, variable, resource, host.get(state_variable, "merged"))
                continue
            # the same list on every host is read once
            key = repr((variable, config, host.get(state_variable)))
            if key not in seen:
                seen[key] = list(_judge(host, variable, resource, host.get(state_variable, "merged"), nodes))
            for finding in seen[key]:
                yield Finding(host.name, finding.variable, finding.expected, finding.found, finding.advice)


def _null(host: Host, variable: str, resource: Resource, state: str) -> Iterator[Finding]:
    """The module refuses it as well: all lines below a name taken out leave null, which is not the empty list."""
    if host.get(variable) is None and variable in host.given - host.broken and state in ("replaced", "overridden"):
        empty = "{}" if resource.single else "[]"
        yield host.place(variable).finding(
            f"what there shall be, because the state is {state}", "nothing", f"{empty} says that there shall be nothing"
        )


def _judge(host: Host, variable: str, resource: Resource, state: str, nodes: Collection[str]) -> Iterator[Finding]:
    checker = Checker()
    spec = resource.spec()
    clean: list[tuple[int, dict[str, Any], set[str]]] = []
    written: list[set[str]] = []
    places: list[Place] = []
    names: list[Finding] = []
    config = host.get(variable)
    for index, item in enumerate([config] if resource.single else config):
        if not isinstance(item, Mapping):
            continue
        # Proxmox's own spelling of a key is taken as well
        pairs = {option_name(str(key)): value for key, value in item.items()}
        place = _place(host, variable, index, pairs, resource)
        null = {key for key, value in pairs.items() if value is None and key in spec and key != resource.key.option}
        given = {key: value for key, value in pairs.items() if key not in null}
        # YAML reads the words yes and no as true and false
        given |= {key: "yes" if given[key] else "no" for key in given if _switch(resource, key, given[key])}
        result = checker.value(place, {"type": "dict", "options": spec}, given)
        if result is not NOTHING:
            # a list of which an item is no good has had its finding
            good = {key: value for key, value in result.items() if not (isinstance(value, list) and None in value)}
            names += _bad_name(place, resource, good, index)
            places.append(place)
            clean.append((index, good, null | set(good)))
            written.append(set(pairs))
        yield from _node_names(place, pairs, nodes)
        yield from _events(place, pairs, resource)
    yield from checker.findings
    yield from names
    known = [dict.fromkeys(spec) | item for _index, item, _given in clean]
    wanted, problems = read_wanted(resource, known, [given for *_rest, given in clean], state)
    yield from (_worded(places[_number(problem)], _bare(problem, resource)) for problem in problems)
    unread = {_number(problem) for problem in problems}
    for item in wanted if state != "deleted" else ():
        number = _number(f"{item.where}: ")
        place = places[number]
        findings = list(_missing(place, resource, item, written[number]))
        yield from findings
        broken = any(finding.variable.startswith(f"{place.path}.") for finding in checker.findings)
        if (item.label or not resource.discriminator) and not findings and not broken and number not in unread:
            yield from _planned(place, resource, item, state)


def _bad_name(place: Place, resource: Resource, item: dict[str, Any], index: int) -> list[Finding]:
    """Gives an item with an illegal name another one: the tables would say nothing else about it."""
    option = resource.key.option
    if resource.single:
        return []
    try:
        resource.key.read(item[option])
    except ValueError as error:
        item[option] = _some_name(resource, index)
        return [_worded(place, f"{option} {error}")]
    return []


def _some_name(resource: Resource, index: int) -> str:
    """A legal one, whatever the names of these look like."""
    for form in ("item{}", "item{}@pve", "item{}@pve!item", "0.0.{}.0/24", "vm:9{:03}", "9{:03}-0"):
        try:
            return str(resource.key.read(form.format(index)))
        except ValueError:
            continue
    return f"item{index}"


def _switch(resource: Resource, key: str, value: Any) -> bool:
    return isinstance(value, bool) and any(one.option == key and one.kind is SWITCH for one in resource.fields)


def _number(problem: str) -> int:
    """Which item of the cleaned list a sentence of the tables is about."""
    match = re.search(r"\(config\[(\d+)\]\): ", problem)
    return int(match.group(1)) if match else 0


def _bare(problem: str, resource: Resource) -> str:
    """A sentence of the tables without the item that it is about."""
    return problem.removeprefix(f"{resource.name}: ") if resource.single else _WHERE.sub("", problem)


def _place(host: Host, variable: str, index: int, item: Mapping[str, Any], resource: Resource) -> Place:
    if resource.single:
        return Place(host.name, variable)
    name = item.get(resource.key.option)
    return Place(host.name, f"{variable}[{name if isinstance(name, str) and name else index}]")


def _worded(place: Place, problem: str) -> Finding:
    again = re.match(r"config\[(\d+)\] names it as well", problem)
    if again:
        return place.finding("each name once", "it a second time")
    unknown = _UNKNOWN.fullmatch(problem)
    if unknown:
        known = unknown["known"].split(", ")
        near = nearest(unknown["found"], known)
        expected = f"a known key (nearest: {near})" if near else f"one of the keys {listed(known)}"
        return place.inside(unknown["key"]).inside(unknown["found"]).finding(expected, "an unknown one")
    match = _IS_NOT.fullmatch(problem) or _ALLOWED.fullmatch(problem)
    if match:
        return place.inside(match["key"]).finding(match["expected"], match["found"])
    key, _blank, rest = problem.partition(" ")
    return place.finding("what Proxmox takes", f"that {key} {rest}" if rest else problem)


def _missing(place: Place, resource: Resource, item: Wanted, written: Collection[str]) -> Iterator[Finding]:
    """All settings that the type needs, or does not have; the planner would name one at a time."""
    variant = resource.variants.get(item.label)
    if variant is None:
        return
    label = f"the type {item.label}" if item.label else f"a {resource.name}"
    meant = set(written) | {nearest(key, resource.spec()) for key in written if key not in resource.spec()}
    for name in (*variant.required.split(), *variant.at_creation.split()):
        option = resource.field(name).option
        # for what exists a secret may be left to a vault, and what does not exist is refused by its module
        if option not in meant and item.key not in resource.protected and not resource.field(name).secret:
            yield place.inside(option).finding(f"a value, because {label} needs it", "nothing")
    options = {resource.field(name).option for name in variant.names} | {option_name(name) for name in variant.implied}
    for option, value in item.values.items():
        if option not in options and value is not None:
            near = nearest(option, options)
            expected = f"a setting of {label}" + (f" (nearest: {near})" if near else f": {listed(sorted(options))}")
            yield place.inside(option).finding(expected, "one that it does not have")


def _planned(place: Place, resource: Resource, item: Wanted, state: str) -> Iterator[Finding]:
    """What the module itself would say on a fresh installation."""
    variant = resource.variants.get(item.label)
    needed = [*variant.required.split(), *variant.at_creation.split()] if variant else []
    kept = {one.option: "in a vault" for one in map(resource.field, needed) if one.secret}
    item = replace(item, values={**kept, **item.values})
    present = read_present(resource, resource.fresh).get(item.key)
    try:
        Planner(resource, state, lambda: None).replan(item, present)
    except InputError as error:
        for problem in _ENTRY.split(_bare(error.message, resource)):
            key, colon, rest = problem.partition(": ")
            entry = _ENTRY.match(f"; {problem}")
            option = key.partition(" ")[0] if entry else key
            if entry:
                yield _worded(place.inside(option), rest)
            elif colon and option in item.values:
                yield place.inside(option).finding("what Proxmox takes", rest)
            elif _IS_NOT.fullmatch(problem) and key.partition(" ")[0] in item.values:
                yield _worded(place, problem)
            else:
                yield place.finding("what Proxmox takes", problem)


def _node_names(place: Place, item: Mapping[str, Any], nodes: Collection[str]) -> Iterator[Finding]:
    """In whatever key the node names of an item are: C(nodes) of a storage, C(map) of a mapping."""
    entries = item.get("map") if isinstance(item.get("map"), list) else []
    named = [("nodes", name) for name in _words(item.get("nodes"))]
    named += [
        (f"map[{index}].node", entry.get("node")) for index, entry in enumerate(entries) if isinstance(entry, dict)
    ]
    for key, name in named:
        if isinstance(name, str) and name not in nodes:
            near = nearest(name, list(nodes))
            expected = f"a node of the cluster ({listed(sorted(nodes))})"
            yield place.inside(key).wrong(expected, name, f"Perhaps {near} is meant" if near else "")


def _events(place: Place, item: Mapping[str, Any], resource: Resource) -> Iterator[Finding]:
    for one in resource.fields:
        value = item.get(one.option)
        if one.kind is CALENDAR and isinstance(value, str) and not _calendar.is_event(value):
            yield place.inside(one.option).wrong(_calendar.FORM, value)


def _words(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return value if isinstance(value, list) else []


RULES = (lists,)
