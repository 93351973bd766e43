# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""Every address that the inventory gives to a machine: in a declared network, on one machine only, at the right MTU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_words as _words
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _net
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, listed, show
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._networks import VARIABLE, Network
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Host, Inventory
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import Place

INTERFACES = "pve_network_interfaces"
LINKS = "pve_cluster_links"


@dataclass(frozen=True)
class Use:
    """An address of a host, and where the inventory says so. C(net) is its network where the prefix is given."""

    place: Place
    ip: Any
    net: Any = None
    interface: Mapping[str, Any] | None = None


def interfaces(host: Host) -> list[Mapping[str, Any]]:
    """The interfaces that have a name, in the order of the inventory."""
    return [item for item in host.get(INTERFACES, ()) if isinstance(item, Mapping) and item.get("name")]


def interface_place(host: Host, interface: Mapping[str, Any], key: str) -> Place:
    return Place(host.name, f"{INTERFACES}[{interface['name']}].{key}")


def main_place(host: Host) -> Place:
    """Where the main address comes from: its own variable, or what the role takes by default."""
    own = "pve_host_address" in host.given or not host.connection.get("ansible_host")
    return host.place("pve_host_address" if own else "ansible_host")


def main_use(host: Host) -> Iterator[Use]:
    ip = _net.address(host.get("pve_host_address"))
    if ip is not None:
        yield Use(main_place(host), ip)


def link_uses(host: Host) -> Iterator[Use]:
    for place, link in host.items(LINKS):
        ip = _net.address(link["address"])
        if ip is not None:
            yield Use(place.inside("address"), ip)


def interface_uses(host: Host) -> Iterator[Use]:
    for interface in interfaces(host):
        for text in _words.words(interface.get("addresses")):
            net = _net.network(text)
            if net is not None:
                yield Use(interface_place(host, interface, "addresses"), net.ip, net, interface)


def uses(host: Host) -> Iterator[Use]:
    yield from main_use(host)
    yield from link_uses(host)
    yield from interface_uses(host)


def main_address(inventory: Inventory) -> Iterator[Finding]:
    """The address that the node's name resolves to, as role pve_host wants it."""
    for host in inventory:
        text = host.get("pve_host_address")
        if text is None:
            continue
        ip, place = _net.address(text), main_place(host)
        if ip is None:
            advice = "Set ansible_host or pve_host_address" if "pve_host_address" not in host.given else ""
            yield place.wrong("an IP address of this machine", text, advice)
        elif str(ip) != text:
            yield place.wrong(f"'{ip}', the usual form of this address", text)
        elif _nobodys(ip):
            yield place.wrong("an address that the other nodes reach", text)


def _nobodys(ip: Any) -> bool:
    return ip.is_ipv4_mapped() or ip.is_loopback() or ip.is_multicast() or ip.is_link_local() or int(ip) == 0


def twice(inventory: Inventory) -> Iterator[Finding]:
    """An address belongs to one machine."""
    owners: dict[Any, dict[str, Place]] = {}
    for host in inventory:
        for use in uses(host):
            if not use.ip.is_link_local() and not _alone(host, use):
                owners.setdefault(use.ip, {}).setdefault(host.name, use.place)
    for ip, places in owners.items():
        for name, place in places.items():
            others = [other for other in places if other != name]
            if others:
                have = "has" if len(others) == 1 else "have"
                yield place.finding(
                    "an address that no other host has", f"'{ip}', which {listed(others)} {have} as well"
                )
    yield from _same_way_in(inventory, owners)


def _same_way_in(inventory: Inventory, owners: Mapping[Any, Any]) -> Iterator[Finding]:
    """Two names of one machine: whatever ansible_host is, address or name, it leads to one machine (and port)."""
    ways: dict[tuple[str, Any], list[str]] = {}
    for host in inventory:
        target = host.connection.get("ansible_host")
        if target and _net.address(target) not in owners:
            ways.setdefault((str(target), host.connection.get("ansible_port")), []).append(host.name)
    for (target, _port), names in ways.items():
        for name in names if len(names) > 1 else ():
            others = listed(other for other in names if other != name)
            yield Place(name, "ansible_host").finding("a machine of its own", f"{show(target)}, as {others}")


def in_networks(inventory: Inventory) -> Iterator[Finding]:
    """Each address lies in a declared network, is one for a machine there, and has the network's prefix."""
    for host in inventory:
        # a network that is no good cannot be found again
        complete = len(host.networks) == len(host.get(VARIABLE, ()))
        management = [one for one in host.networks.values() if "management" in one.purposes]
        for use in uses(host):
            main = not use.place.path.startswith((INTERFACES, LINKS))
            candidates = [one for one in host.networks.values() if one.net.version == use.ip.version]
            if main and any(one.net.version == use.ip.version for one in management):
                candidates = [one for one in management if one.net.version == use.ip.version]
            known = any(use.ip in one.net for one in candidates)
            private = _nobodys(use.ip) or _single(use) or _alone(host, use)
            if candidates and (complete or known) and not private:
                yield from _in_network(use, candidates)


def _single(use: Use) -> bool:
    """An address with a full prefix is in no network: loopback addresses of routers, service addresses."""
    return use.net is not None and use.net.prefixlen == (32 if use.net.version == 4 else 128)


def _alone(host: Host, use: Use) -> bool:
    """On a bridge without ports, such as one for guests behind NAT, and in no declared network: every machine may have it."""
    if use.interface is None or any(use.ip in one.net for one in host.networks.values()):
        return False
    return _words.isolated(use.interface, {str(one["name"]): one for one in interfaces(host)})


def _in_network(use: Use, candidates: list[Network]) -> Iterator[Finding]:
    home = next((one for one in candidates if use.ip in one.net), None)
    if home is None:
        yield use.place.finding(f"an address in {listed(candidates)}", f"'{use.ip}'")
    elif use.net is not None and use.net.prefixlen != home.net.prefixlen:
        yield use.place.finding(f"'{use.ip}/{home.net.prefixlen}', because of {VARIABLE}.{home.name}", f"'{use.net}'")
    elif (what := _net.reserved(use.ip, home.net)) and (use.net is None or use.net.version == 6):
        yield use.place.finding(f"an address of a machine in {home}", f"'{use.ip}', {what}")


def gateways(inventory: Inventory) -> Iterator[Finding]:
    """A gateway is a router, not one of the machines; an interface has the one of its network."""
    owners = {use.ip: use for host in inventory for use in uses(host)}
    for host in inventory:
        for name, network in host.networks.items():
            if network.gateway in owners and not network.gateway.is_link_local():
                place = host.place(VARIABLE).inside(name).inside("gateway")
                yield _machine(place, network.gateway, owners[network.gateway])
        for interface in interfaces(host):
            for key in ("gateway", "gateway6"):
                ip = _net.address(interface.get(key))
                if ip is not None and not ip.is_link_local():
                    yield from _gateway(host, interface_place(host, interface, key), ip, owners)


def _machine(place: Place, ip: Any, use: Use) -> Finding:
    return place.finding("the address of a router", f"'{ip}', which is {use.place.host}'s ({use.place.path})")


def _gateway(host: Host, place: Place, ip: Any, owners: Mapping[Any, Use]) -> Iterator[Finding]:
    home = next((one for one in host.networks.values() if ip in one.net), None)
    if ip in owners and owners[ip].place.host != host.name:
        yield _machine(place, ip, owners[ip])
    elif home is not None and home.gateway is not None and home.gateway != ip:
        yield place.finding(f"'{home.gateway}', because of {VARIABLE}.{home.name}.gateway", f"'{ip}'")


def sizes(inventory: Inventory) -> Iterator[Finding]:
    """An interface has the MTU, and a VLAN the tag, of the network in which its address is."""
    for host in inventory:
        by_name = {str(interface["name"]): interface for interface in interfaces(host)}
        for use in interface_uses(host):
            network = next((one for one in host.networks.values() if use.ip in one.net), None)
            if network is None or use.interface is None:
                continue
            mtu = _mtu(use.interface, by_name)
            if None not in (mtu, network.mtu) and mtu != network.mtu:
                yield interface_place(host, use.interface, "mtu").finding(
                    f"{network.mtu}, because of {VARIABLE}.{network.name}", str(mtu)
                )
            tag = _words.vlan_id(use.interface) if _words.type_of(use.interface) == "vlan" else None
            if network.vlan is not None and tag is not None and str(tag) != str(network.vlan):
                yield interface_place(host, use.interface, "vlan_id").finding(
                    f"{network.vlan}, because of {VARIABLE}.{network.name}.vlan", show(tag)
                )


def _mtu(interface: Mapping[str, Any], by_name: Mapping[str, Mapping[str, Any]], depth: int = 8) -> int | None:
    """The MTU that the interface will have; None where that depends on what is not in the list.

    A VLAN takes that of the device below it, everything else 1500.
    """
    if interface.get("mtu") is not None:
        return int(interface["mtu"]) if str(interface["mtu"]).isdecimal() else None
    if _words.type_of(interface) not in ("vlan", "alias"):
        return 1500
    parent = by_name.get(str(_words.parent_of(interface)))
    return _mtu(parent, by_name, depth - 1) if parent is not None and depth else None


def macs(inventory: Inventory) -> Iterator[Finding]:
    """A NIC that is matched by its MAC address is in one machine."""
    seen: dict[str, str] = {}
    for host in inventory:
        for interface in interfaces(host):
            match = interface.get("match")
            mac = str(match.get("mac") or "").lower() if isinstance(match, Mapping) else ""
            if mac and seen.setdefault(mac, host.name) != host.name:
                place = interface_place(host, interface, "match.mac")
                yield place.finding("a NIC of this machine", f"'{mac}', which {seen[mac]} has as well")


RULES = (main_address, twice, in_networks, gateways, sizes, macs)
