# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""SDN: zones, vnets and subnets that belong together, and the nodes that they name.

What a list names that another list does not have may be in the cluster already: that is a warning, but not where only the
lists count (C(overridden)).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _sdn, _sdn_check
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import option_name
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _addresses
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, listed, nearest
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Host, Inventory
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import Place

STATE = "pve_sdn_state"
TABLES: Mapping[str, tuple[Resource, str]] = {
    f"pve_sdn_{option}": (table, STATE) for option, table in _sdn.TABLES.items()
}
# What belongs to the cluster, not to a node
COMMON = (STATE, "pve_sdn_apply_pending", *TABLES)

# Settings that name nodes, besides C(nodes), which _lists.py looks at
_NODES = {"pve_sdn_zones": ("exitnodes", "exitnodes_primary"), "pve_sdn_controllers": ("node",)}


def together(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        items = {option: dict(_items(host, option)) for option in _sdn.TABLES}
        if not any(items.values()):
            continue
        for problem in _sdn_check.problems(items):
            yield _place(host, problem).finding(problem.expected, problem.found)
        for problem in _sdn_check.missing(items):
            yield from _judge(host, problem)


def _items(host: Host, option: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """By identity, as far as they can be read; what is wrong with one alone is told by its table."""
    table = _sdn.TABLES[option]
    for given in host.get(f"pve_sdn_{option}", ()):
        if not isinstance(given, Mapping):
            continue
        pairs = {option_name(str(key)): value for key, value in given.items() if value is not None}
        heads = [one for one in (table.key, *table.scopes, table.discriminator) if one]
        try:
            head = {one.option: one.read(pairs[one.option]) for one in heads if one.option in pairs}
            key = table.identity(None, head[table.key.option], [head[one.option] for one in table.scopes])
        except (KeyError, ValueError):
            continue
        try:
            rest = {one.option: one.read(pairs[one.option]) for one in table.fields if one.option in pairs}
        except ValueError:
            # nothing more is said of it than that
            rest = {}
        yield key, {**head, **rest}


def _place(host: Host, problem: _sdn_check.Problem) -> Place:
    return Place(host.name, f"pve_sdn_{problem.kind}[{problem.key.split(' ')[-1]}]").inside(problem.option)


def _judge(host: Host, problem: _sdn_check.Problem) -> Iterator[Finding]:
    kind = dict(_sdn_check.REFERENCES[problem.kind])[problem.option]
    variable = f"pve_sdn_{kind}"
    rows = host.get(variable)
    # a list that is not there says nothing of what the cluster has
    if rows is None or variable in host.broken:
        return
    name = _sdn_check.NAMES[kind]
    names = sorted(str(row[name]) for row in rows if isinstance(row, Mapping) and name in row)
    near = nearest(problem.found.strip("'"), names)
    hint = f" (nearest: {near})" if near else ""
    only = host.get(STATE) == "overridden"
    advice = "" if only else "It has to be in the cluster already"
    expected = f"a {name} that {variable} has{hint}"
    yield _place(host, problem).finding(expected, problem.found, advice, warning=not only)


def nodes(inventory: Inventory) -> Iterator[Finding]:
    known = sorted(str(host.get("pve_host_name")) for host in inventory)
    for host in inventory:
        for variable, options in _NODES.items():
            table = TABLES[variable][0]
            for row in host.get(variable, ()):
                pairs = {option_name(str(key)): value for key, value in row.items()} if isinstance(row, Mapping) else {}
                for option in options:
                    value = pairs.get(option)
                    names = value if isinstance(value, list) else str(value or "").replace(",", " ").split()
                    for name in (name for name in names if isinstance(name, str) and name not in known):
                        near = nearest(name, known)
                        place = Place(host.name, f"{variable}[{pairs.get(table.key.option)}]").inside(option)
                        yield place.wrong(
                            f"a node of the cluster ({listed(known)})", name, f"Perhaps {near} is meant" if near else ""
                        )


def peers(inventory: Inventory) -> Iterator[Finding]:
    """Tunnels reach the nodes whose addresses are listed; one that is not is a node without the others' networks."""
    own = {str(host.get("pve_host_name")): {str(use.ip) for use in _addresses.uses(host)} for host in inventory}
    everything = {ip for ips in own.values() for ip in ips}
    for host in inventory:
        for option in ("zones", "controllers"):
            for key, item in _items(host, option):
                given = set(item.get("peers") or ()) if item.get("type") in _sdn_check.TUNNELS else set()
                # peers of another network than all that is known here say nothing
                if not given & everything:
                    continue
                wanted = item.get("nodes") or own
                absent = [name for name in wanted if own.get(name) and not own[name] & given]
                if absent:
                    place = Place(host.name, f"pve_sdn_{option}[{key}]").inside("peers")
                    yield place.finding("an address of each node", f"none of {listed(absent)}", warning=True)


RULES = (together, nodes, peers)
