# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""The networks that the inventory declares (C(pve_networks))."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._interfaces_check import MTU
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _net
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import NOTHING, Checker, Place

VARIABLE = "pve_networks"
VLANS = range(1, 4095)
PURPOSES = ["management", "cluster", "storage", "ceph_public", "ceph_cluster", "migration", "backup", "guests"]
# The keys of the variable are names that the user chooses, which an argument spec cannot say
_ENTRY: dict[str, Any] = {
    "type": "dict",
    "options": {
        "cidr": {"type": "str", "required": True, "description": "The network, such as 192.0.2.0/24"},
        "gateway": {"type": "str"},
        "mtu": {"type": "int"},
        "vlan": {"type": "int"},
        "purposes": {"type": "list", "elements": "str", "choices": PURPOSES},
    },
}


@dataclass(frozen=True)
class Network:
    """One declared network. C(gateway) and C(vlan) are None where there is none; all of them where it is no good."""

    name: str
    net: Any
    gateway: Any = None
    mtu: int | None = 1500
    vlan: int | None = None
    purposes: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.name} ({self.net.cidr})"


def read_networks(place: Place, declared: Mapping[str, Any]) -> tuple[dict[str, Network], list[Finding]]:
    """The networks that are in order, by name, and what is wrong with the others."""
    checker = Checker()
    networks: dict[str, Network] = {}
    for name, entry in declared.items():
        inner = place.inside(name)
        clean = checker.value(inner, _ENTRY, entry)
        if clean is NOTHING:
            continue
        net = _net.network(clean["cidr"])
        if net is None:
            expected = "a network with its prefix, such as 192.0.2.0/24"
            checker.findings.append(inner.inside("cidr").wrong(expected, clean["cidr"]))
            continue
        checker.findings += _problems(inner, net, clean)
        wrong = {finding.variable for finding in checker.findings}
        good = {key: value for key, value in clean.items() if inner.inside(key).path not in wrong}
        networks[name] = Network(
            name=str(name),
            net=net.cidr,
            gateway=_net.address(good["gateway"]) if "gateway" in good else None,
            mtu=good.get("mtu", None if entry.get("mtu") else 1500),
            vlan=good.get("vlan"),
            purposes=frozenset(clean.get("purposes") or ()),
        )
    findings = [*checker.findings, *_overlaps(place, networks)]
    return networks, findings


def _problems(place: Place, net: Any, entry: Mapping[str, Any]) -> Iterator[Finding]:
    if net.ip != net.network:
        yield place.inside("cidr").wrong(f"the network itself, {net.cidr}", entry["cidr"])
    if entry.get("gateway") is not None:
        yield from _gateway(place.inside("gateway"), net, entry["gateway"])
    if entry.get("mtu") is not None and entry["mtu"] not in MTU:
        yield place.inside("mtu").wrong(f"a number from {MTU.start} to {MTU.stop - 1}", entry["mtu"])
    if entry.get("vlan") is not None and entry["vlan"] not in VLANS:
        yield place.inside("vlan").wrong(f"a number from {VLANS.start} to {VLANS.stop - 1}", entry["vlan"])


def _gateway(place: Place, net: Any, text: Any) -> Iterator[Finding]:
    gateway = _net.address(text)
    if gateway is None or gateway.version != net.version:
        yield place.wrong(f"an IPv{net.version} address", text)
    elif gateway.is_link_local() and net.version == 6:
        return
    elif gateway not in net:
        yield place.wrong(f"an address in {net.cidr}", text)
    elif what := _net.reserved(gateway, net):
        yield place.finding(f"an address of a machine in {net.cidr}", f"'{text}', {what}")


def _overlaps(place: Place, networks: Mapping[str, Network]) -> Iterator[Finding]:
    for first, second in combinations(networks.values(), 2):
        if first.net.version == second.net.version and (first.net in second.net or second.net in first.net):
            yield (
                place.inside(second.name)
                .inside("cidr")
                .finding("a network that overlaps with no other", f"{second.net}, which overlaps with {first}")
            )
