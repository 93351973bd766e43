# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""Everything that can be wrong with an inventory, in one pass."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._interfaces_check import check_interfaces
from ansible_collections.baremetal.proxmox.plugins.module_utils._interfaces_spec import INTERFACE
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import (
    _access_rules,
    _addresses,
    _backup_rules,
    _ceph,
    _ceph_data,
    _certificate_rules,
    _datacenter_rules,
    _firewall_data,
    _links,
    _lists,
    _networks,
    _sdn_rules,
    _values,
)
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._preflight import Rules
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Host, Inventory
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import Checker, Place


def interfaces(inventory: Inventory) -> Iterator[Finding]:
    """Each host's own list of interfaces."""
    for host in inventory:
        config = host.get(_addresses.INTERFACES)
        # an item that is no good at all would make others look wrong that refer to it
        if config and None not in config:
            findings = [
                Finding(host.name, _addresses.INTERFACES + where, expected, found)
                for where, expected, found in check_interfaces([_plain(item) for item in config])
            ]
            yield from findings
            yield from _types(host, config, {finding.variable for finding in findings})


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """With text where there should be text, and no routes that are none; what they were is said by C(_types)."""
    texts = {name for name, option in INTERFACE.items() if option["type"] == "str"}
    plain = {
        key: str(value) if key in texts and isinstance(value, (list, dict)) else value for key, value in item.items()
    }
    wrong = not isinstance(item.get("routes", []), list)
    return plain | ({"routes": []} if wrong else {})


def _types(host: Host, config: Sequence[Any], told: Collection[str]) -> Iterator[Finding]:
    """What the module would say of the types of options, where nothing better was said."""
    checker = Checker()
    for item in config:
        if item.get("name"):
            place = Place(host.name, f"{_addresses.INTERFACES}[{item['name']}]")
            known = {key: value for key, value in item.items() if key in INTERFACE}
            checker.value(place, {"type": "dict", "options": INTERFACE}, known)
    for finding in checker.findings:
        if not any(finding.variable == one or finding.variable.startswith((f"{one}.", f"{one}[")) for one in told):
            yield finding


def preflight(inventory: Inventory) -> Iterator[Finding]:
    """The names of preflight's limits and findings."""
    for host in inventory:
        requirements, overrides = (host.get(f"pve_preflight_{name}", {}) for name in ("requirements", "overrides"))
        yield from map(Finding.parsed, Rules(host.name, requirements, overrides).errors)


RULES = (
    *_links.RULES, *_addresses.RULES, interfaces, *_ceph.RULES, *_ceph_data.RULES, *_lists.RULES, *_access_rules.RULES,
    *_datacenter_rules.RULES,
    *_sdn_rules.RULES, *_firewall_data.RULES, *_backup_rules.RULES, *_certificate_rules.RULES, *_values.RULES,
    preflight,
)  # fmt: skip


def examine(inventory: Inventory) -> list[Finding]:
    """What the rules find in values that are each what their spec says."""
    findings: list[Finding] = []
    for host in inventory:
        host.networks, problems = _networks.read_networks(
            host.place(_networks.VARIABLE), host.get(_networks.VARIABLE, {})
        )
        findings += problems
        findings += _backup_rules.stagger(host)
    for rule in RULES:
        findings += rule(inventory)
    return findings
