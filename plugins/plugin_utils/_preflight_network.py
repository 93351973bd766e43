# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Networks: who should reach whom and with what size of packet, and what became of it.

Only what is there now is judged: an address that the inventory promises and no machine has yet is the network role's affair.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.plugin_utils._preflight import FAIL, WARN, Finding, Machine, number

DEFAULT_MTU = 1500
CEPH = {"ceph_public", "ceph_cluster"}
Facts = Mapping[str, Any]


def interface_mtu(facts: Facts, name: str) -> int:
    """Of an interface by its name."""
    parts = [*facts["nics"], *facts["interfaces"]]
    return next((part["mtu"] for part in parts if part["name"] == name and part["mtu"]), DEFAULT_MTU)


def own_address(facts: Facts, cidr: Any) -> dict[str, Any] | None:
    """The machine's first address in a network."""
    try:
        network = ipaddress.ip_network(str(cidr), strict=False)
    except ValueError:
        return None
    return next(
        (
            own
            for own in facts.get("addresses", [])
            if own["scope"] == "global" and ipaddress.ip_address(own["address"]) in network
        ),
        None,
    )


def _has(facts: Facts, address: Any) -> dict[str, Any] | None:
    return next((own for own in facts.get("addresses", []) if own["address"] == str(address)), None)


def targets(
    host: str,
    facts: Mapping[str, Facts],
    networks: Mapping[str, Any],
    links: Mapping[str, Any],
    main: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """What one host is to send to, for M(node_probe). C(facts), C(links) and C(main) (an address) are of all hosts by name.

    The same pair of addresses comes once: its C(about) has the names of the C(networks) and the numbers of the C(links).
    """
    pairs: dict[tuple[str, str], dict[str, Any]] = {}

    def add(peer: str, here: dict[str, Any] | None, there: dict[str, Any] | None, **about: Any) -> None:
        if not here or not there or here["address"] == there["address"]:
            return
        if (":" in here["address"]) != (":" in there["address"]):
            return
        pair = pairs.setdefault(
            (here["address"], there["address"]),
            {
                "source": here["address"],
                "address": there["address"],
                "mtu": min(
                    interface_mtu(facts[host], here["interface"]), interface_mtu(facts[peer], there["interface"])
                ),
                "about": {"host": peer, "networks": [], "links": []},
            },
        )
        if "network" in about:
            pair["about"]["networks"].append(about["network"])
            pair["mtu"] = min(pair["mtu"], about["mtu"])
        if "link" in about:
            pair["about"]["links"].append(about["link"])

    for peer in facts:
        if peer == host or not facts[peer] or not facts.get(host):
            continue
        for name, network in networks.items():
            here, there = (own_address(facts[one], network.get("cidr")) for one in (host, peer))
            add(peer, here, there, network=name, mtu=int(network.get("mtu") or DEFAULT_MTU))
        theirs = {link.get("number"): link.get("address") for link in links.get(peer) or []}
        for link in links.get(host) or []:
            here, there = _has(facts[host], link.get("address")), _has(facts[peer], theirs.get(link.get("number")))
            add(peer, here, there, link=link.get("number"))
        if not networks and not links.get(host):
            add(peer, _has(facts[host], main.get(host)), _has(facts[peer], main.get(peer)))
    return list(pairs.values())


def pings(machines: Sequence[Machine]) -> Iterator[Finding]:
    """Who does not reach whom. A pair is told of once, at the machine that has the most of the trouble.

    An address that two machines have is a finding of its own, and what becomes of packets to it says nothing about the wire.
    """
    owners = Counter(own["address"] for machine in machines for own in machine.facts["addresses"])
    lost: dict[str, dict[frozenset[str], Any]] = {}
    small: dict[str, dict[frozenset[str], Any]] = {}
    known = {machine.name for machine in machines}
    for machine in machines:
        for ping in machine.probe.get("pings", []):
            about = ping["about"]
            if about["host"] not in known or max(owners[ping["source"]], owners[ping["address"]]) > 1:
                continue
            for network in about["networks"] or [_unnamed(about)]:
                pair = frozenset((machine.name, about["host"]))
                if not ping["received"]:
                    lost.setdefault(network, {})[pair] = ping
                elif ping["passed"] is False:
                    small.setdefault(network, {})[pair] = ping
    for network, pairs in lost.items():
        for host, peers in blame(pairs, [machine.name for machine in machines]):
            ping = pairs[frozenset((host, peers[0]))]
            found = "no reply" + (f" ({ping['error']})" if ping["error"] else "")
            yield Finding(host, "network_reach", f"{network}: replies to and from {', '.join(peers)}", found)
    for network, pairs in small.items():
        for host, peers in blame(pairs, [machine.name for machine in machines]):
            ping = pairs[frozenset((host, peers[0]))]
            yield Finding(
                host,
                "network_mtu",
                f"{network}: packets of {ping['mtu']} bytes to and from {', '.join(peers)}",
                f"that those of {ping['largest']} bytes are the largest of some that get through",
                "Look at the MTU of the switch ports",
            )


def _unnamed(about: Mapping[str, Any]) -> str:
    return f"corosync link {about['links'][0]}" if about["links"] else "between the machines' addresses"


def blame(pairs: Mapping[frozenset[str], Any], order: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """(host, its peers) so that every pair comes once and as few hosts as possible are named."""
    left = set(pairs)
    while left:
        counts = {host: sum(host in pair for pair in left) for host in order}
        host = max(order, key=lambda name: counts[name])
        own = {pair for pair in left if host in pair}
        yield host, [peer for peer in order if peer != host and frozenset((host, peer)) in own]
        left -= own


def latency(machines: Sequence[Machine]) -> Iterator[Finding]:
    """On corosync's links; once for a pair, by the better of both ways."""
    best: dict[tuple[Any, frozenset[str]], tuple[float, Machine, str]] = {}
    for machine in machines:
        for ping in machine.probe.get("pings", []):
            for link in ping["about"]["links"]:
                if ping["rtt_ms"]:
                    peer = ping["about"]["host"]
                    key = (link, frozenset((machine.name, peer)))
                    best[key] = min(
                        best.get(key, (float("inf"), machine, peer)),
                        (ping["rtt_ms"]["median"], machine, peer),
                        key=lambda one: one[0],
                    )
    for (link, _pair), (milliseconds, machine, peer) in best.items():
        warn, fail = machine.limits["latency_warn_ms"], machine.limits["latency_fail_ms"]
        if milliseconds > min(warn, fail):
            yield Finding(
                machine.name,
                "corosync_latency",
                f"{peer} on corosync link {link} within {number(warn)} ms",
                f"{number(round(milliseconds, 1))} ms",
                level=FAIL if milliseconds > fail else WARN,
            )


def interfaces(machine: Machine) -> Iterator[Finding]:
    """MTU and speed of what carries each declared network, as far as it is there."""
    for name, network in (machine.declared.get("networks") or {}).items():
        own = own_address(machine.facts, network.get("cidr"))
        if not own:
            continue
        wanted = int(network.get("mtu") or DEFAULT_MTU)
        mtu = interface_mtu(machine.facts, own["interface"])
        # what the network role is about to set is no finding
        if mtu < wanted and not machine.declared.get("network_interfaces"):
            found = f"{mtu} on {own['interface']}"
            yield Finding(machine.name, "network_mtu", f"{name}: an MTU of {wanted}", found)
        yield from _speed(machine, name, set(network.get("purposes") or []), own["interface"])


def _speed(machine: Machine, name: str, purposes: set[str], interface: str) -> Iterator[Finding]:
    if purposes & CEPH and machine.osds:
        kind, wanted = "ceph_network_speed", machine.limits["ceph_network_mbit"]
    elif "storage" in purposes or purposes & CEPH:
        kind, wanted = "storage_network_speed", machine.limits["storage_network_mbit"]
    else:
        return
    nics = carriers(machine.facts, interface)
    speeds = [nic["speed"] for nic in nics]
    # a speed that is not known is not slow
    if nics and all(speeds) and max(speeds) < wanted:
        shown = ", ".join(f"{nic['name']} with {nic['speed']}" for nic in nics)
        yield Finding(machine.name, kind, f"{name}: a NIC with {number(wanted)} Mbit/s or more", shown)


def carriers(facts: Facts, interface: str) -> list[dict[str, Any]]:
    """The NICs below an interface: itself, the members of a bond, the ports of a bridge, what a VLAN is on."""
    nics = {nic["name"]: nic for nic in facts["nics"]}
    upper = {part["name"]: part for part in facts["interfaces"]}
    found, open_, seen = [], [interface], set()
    while open_:
        name = open_.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in nics:
            found.append(nics[name])
        elif name in upper:
            open_ += upper[name]["lower"]
    return sorted(found, key=lambda nic: nic["name"])
