# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""HA, notifications and replication: places that cannot be, and names that nothing has.

What the release cannot do is told by the role, on the node: an inventory does not say which release it is for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.filter.ha_definitions import ha_definitions
from ansible_collections.baremetal.proxmox.plugins.module_utils import _ha_rules
from ansible_collections.baremetal.proxmox.plugins.module_utils._datacenter import DATACENTER
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource
from ansible_collections.baremetal.proxmox.plugins.module_utils._ha import RESOURCE
from ansible_collections.baremetal.proxmox.plugins.module_utils._metric_server import METRIC_SERVER
from ansible_collections.baremetal.proxmox.plugins.module_utils._node_options import NODE_OPTIONS
from ansible_collections.baremetal.proxmox.plugins.module_utils._notifications import MATCHER, TARGET
from ansible_collections.baremetal.proxmox.plugins.module_utils._replication_job import REPLICATION_JOB
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, listed, nearest
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Host, Inventory
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import Place

STATE, HA_STATE = "pve_datacenter_state", "pve_ha_state"
GUESTS, PLACEMENT, POLICY = "pve_ha_guests", "pve_ha_placement", "pve_ha_shutdown_policy"
OPTIONS = "pve_datacenter_options"
MATCHERS, TARGETS = "pve_datacenter_notification_matchers", "pve_datacenter_notification_targets"
REPLICATION = "pve_datacenter_replication_jobs"
TABLES: Mapping[str, tuple[Resource, str]] = {
    OPTIONS: (DATACENTER, STATE),
    "pve_datacenter_node_options": (NODE_OPTIONS, STATE),
    "pve_datacenter_metric_servers": (METRIC_SERVER, STATE),
    TARGETS: (TARGET, STATE),
    MATCHERS: (MATCHER, STATE),
    REPLICATION: (REPLICATION_JOB, STATE),
    GUESTS: (RESOURCE, HA_STATE),
}
# What belongs to the cluster, not to a node
COMMON = (STATE, HA_STATE, PLACEMENT, POLICY, *(name for name in TABLES if name != "pve_datacenter_node_options"))
# Of a release with rules: on an older one the role refuses more
_WITH_RULES = "9"


def places(inventory: Inventory) -> Iterator[Finding]:
    """The guests of HA, on the nodes that there are."""
    nodes = sorted(str(host.get("pve_host_name")) for host in inventory)
    for host in inventory:
        guests, placement = host.get(GUESTS, []), host.get(PLACEMENT, [])
        if not placement or {GUESTS, PLACEMENT} & host.broken or None in placement:
            continue
        for index, one in enumerate(placement):
            yield from _nodes(Place(host.name, f"{PLACEMENT}[{one.get('name') or index}]"), one, nodes)
        # what is wrong with the guests themselves is told with the others of their list
        once = list({str(one.get("sid")): one for one in guests if isinstance(one, Mapping)}.values())
        found = ha_definitions(placement, once, _WITH_RULES)
        told = [one for one in found["findings"] if one.startswith(PLACEMENT)]
        yield from (Finding.parsed(f"{host.name}: {sentence}") for sentence in told)
        if not found["findings"]:
            yield from _together(host, found["rules"], nodes)


def _nodes(place: Place, one: Mapping[str, Any], nodes: list[str]) -> Iterator[Finding]:
    for name in one.get("nodes") or ():
        name = str(name).partition(":")[0]
        if name not in nodes:
            near = nearest(name, nodes)
            advice = f"Perhaps {near} is meant" if near else ""
            yield place.inside("nodes").wrong(f"a node of the cluster ({listed(nodes)})", name, advice)


def _together(host: Host, items: list[dict[str, Any]], nodes: list[str]) -> Iterator[Finding]:
    """What Proxmox refuses of rules that are each in order."""
    rules = [one for one in map(_ha_rules.rule, items) if one]
    told: set[str] = set()
    for name, why in (*_ha_rules.too_few_nodes(rules, nodes), *_ha_rules.conflicts(rules)):
        # one sentence for all that it is about
        if why not in told:
            place = Place(host.name, f"{PLACEMENT}[{name}]")
            yield place.finding("places that go together, on the nodes there are", why)
        told.add(why)


def policy(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        options = host.get(OPTIONS)
        ha = options.get("ha") if isinstance(options, Mapping) else None
        given, other = host.get(POLICY), ha.get("shutdown_policy") if isinstance(ha, Mapping) else None
        if given and other and given != other:
            yield Finding(
                host.name, f"{OPTIONS}.ha.shutdown_policy", f"the same as in {POLICY} ({given})", f"'{other}'"
            )


def targets(inventory: Inventory) -> Iterator[Finding]:
    """What matchers send to."""
    for host in inventory:
        rows = host.get(TARGETS)
        # a list that is not there says nothing of what the cluster has, and other types are told elsewhere
        if rows is None or {TARGETS, MATCHERS} & host.broken:
            continue
        known = {str(row.get("name")) for row in rows if isinstance(row, Mapping)} | {"mail-to-root"}
        only = host.get(STATE) == "overridden"
        for index, one in enumerate(host.get(MATCHERS, ())):
            if not isinstance(one, Mapping):
                continue
            place = Place(host.name, f"{MATCHERS}[{one.get('name') or index}].target")
            names = one.get("target") or []
            for name in names if isinstance(names, list) else [names]:
                if str(name) not in known:
                    near = nearest(str(name), sorted(known))
                    hint = f" (nearest: {near})" if near else ""
                    advice = "" if only else "It has to be in the cluster already"
                    expected = f"a target that {TARGETS} has{hint}"
                    yield place.finding(expected, f"'{name}'", advice, warning=not only)


def replication(inventory: Inventory) -> Iterator[Finding]:
    nodes = sorted(str(host.get("pve_host_name")) for host in inventory)
    for host in inventory:
        for index, one in enumerate(host.get(REPLICATION, ())):
            name = one.get("target") if isinstance(one, Mapping) else None
            if isinstance(name, str) and name not in nodes:
                near = nearest(name, nodes)
                advice = f"Perhaps {near} is meant" if near else ""
                place = Place(host.name, f"{REPLICATION}[{one.get('id') or index}].target")
                yield place.wrong(f"a node of the cluster ({listed(nodes)})", name, advice)


RULES = (places, policy, targets, replication)
