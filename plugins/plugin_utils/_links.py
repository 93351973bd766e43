# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""The cluster: its name, its nodes, its corosync links and votes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_words as _words
from ansible_collections.baremetal.proxmox.plugins.module_utils import _names
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import (
    _access_rules,
    _addresses,
    _backup_rules,
    _ceph,
    _certificate_rules,
    _datacenter_rules,
    _firewall_data,
    _net,
    _sdn_rules,
)
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._addresses import LINKS, Use
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, listed, nearest, show
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Host, Inventory
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import Place

# PVE/Corosync.pm, corosync.conf(5): link0 to link7, priority in 8 bits
NUMBERS = range(8)
PRIORITIES = range(256)
# What corosync is commonly tested with; more needs its timeouts tuned (pve-docs, pvecm.adoc)
MANY = 32
# What belongs to the cluster, not to a node
COMMON = (
    "pve_cluster_name",
    "pve_cluster_join",
    "pve_cluster_members",
    "pve_storage_config",
    "pve_storage_state",
    "pve_mapping_config",
    "pve_mapping_state",
    "pve_networks",
    *_access_rules.COMMON,
    *_ceph.COMMON,
    *_firewall_data.COMMON,
    *_sdn_rules.COMMON,
    *_backup_rules.COMMON,
    *_certificate_rules.COMMON,
    *_datacenter_rules.COMMON,
)


def names(inventory: Inventory) -> Iterator[Finding]:
    """Names that Proxmox takes, each node's its own."""
    owners: dict[str, list[str]] = {}
    for host in inventory:
        name = host.get("pve_host_name")
        if name is None:
            continue
        place = host.place("pve_host_name")
        advice = "" if "pve_host_name" in host.given else "It comes from the inventory name"
        if not _names.NODE.fullmatch(name):
            yield place.wrong(_names.NODE_MEANING, name, advice)
        elif name.isdecimal():
            yield place.finding("a name with a letter", f"'{name}', which programs take for an address", advice)
        elif name.lower() == "localhost":
            yield place.wrong("a name that only this machine has", name, advice)
        owners.setdefault(name.lower(), []).append(host.name)
        domain = host.get("pve_host_domain", "")
        if domain and not all(_names.NODE.fullmatch(label) for label in domain.split(".")):
            yield host.place("pve_host_domain").wrong("a domain such as example.org", domain)
    for name, hosts in owners.items():
        for host in hosts if len(hosts) > 1 else ():
            others = listed(other for other in hosts if other != host)
            yield Place(host, "pve_host_name").finding("a name of its own", f"'{name}', which {others} has as well")


def cluster_name(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        name = host.get("pve_cluster_name")
        if name is not None and not _names.CLUSTER.fullmatch(name):
            yield host.place("pve_cluster_name").wrong(_names.CLUSTER_MEANING, name)
        for variable in ("pve_host_cluster_name", "pve_verify_cluster_name"):
            if name and variable in host.given and host.get(variable) not in (None, name):
                yield host.place(variable).wrong(f"'{name}', because of pve_cluster_name", host.get(variable))


def common(inventory: Inventory) -> Iterator[Finding]:
    """What belongs to the whole cluster is the same on all hosts."""
    for variable in COMMON:
        known = [host for host in inventory if variable not in host.broken]
        # a default may differ, such as where it names the hosts of the play
        if not any(variable in host.given for host in known):
            continue
        like = inventory.hosts[_usual({host.name: _key(host.get(variable)) for host in known})]
        for host in known:
            value = host.get(variable)
            if _key(value) != _key(like.get(variable)):
                simple = not isinstance(like.get(variable), (dict, list))
                wanted = show(like.get(variable)) if simple else "the same value"
                found = show(value) if simple else "another one"
                yield host.place(variable).finding(
                    f"{wanted} as on {like.name}, because it belongs to the whole cluster", found
                )


def _usual(values: Mapping[Any, Any]) -> Any:
    """The first of those that have the value that most have."""
    usual = Counter(values.values()).most_common(1)[0][0]
    return next(one for one, value in values.items() if value == usual)


def _key(value: Any) -> str:
    return repr(sorted(value.items(), key=str)) if isinstance(value, dict) else repr(value)


def members(inventory: Inventory) -> Iterator[Finding]:
    """Lists of hosts that the inventory sets by itself."""
    for host in inventory if len(inventory) > 1 else ():
        for variable in ("pve_cluster_members", "pve_verify_members", "pve_preflight_members", "pve_preflight_rack"):
            for index, name in enumerate(host.get(variable, ()) if variable in host.given else ()):
                if name is not None and name not in inventory.hosts:
                    yield _stranger(host.place(variable).item(index), name, inventory)


def _stranger(place: Place, name: Any, inventory: Inventory) -> Finding:
    near = nearest(name, list(inventory.hosts))
    expected = f"the inventory name of a host of {inventory.pattern}" + (f" (nearest: {near})" if near else "")
    return place.wrong(expected, name)


def password(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        if host.get("pve_cluster_join") != "password" or "pve_cluster_root_password" in host.broken:
            continue
        if not host.get("pve_cluster_root_password"):
            yield host.place("pve_cluster_root_password").finding(
                "root's password on the members, because pve_cluster_join is 'password'", "nothing"
            )


def links(inventory: Inventory) -> Iterator[Finding]:
    """Each host's own list of links."""
    for host in inventory:
        numbers: dict[int, Place] = {}
        addresses: dict[Any, int] = {}
        for place, link in host.items(LINKS):
            number, ip = link["number"], _net.address(link["address"])
            if number not in NUMBERS:
                yield place.inside("number").wrong(f"a number from 0 to {NUMBERS.stop - 1}", number)
            elif number in numbers:
                yield place.inside("number").finding("each link number once", f"{number} a second time")
            numbers.setdefault(number, place)
            if link.get("priority") is not None and link["priority"] not in PRIORITIES:
                yield place.inside("priority").wrong(f"a number from 0 to {PRIORITIES.stop - 1}", link["priority"])
            yield from _link_address(place.inside("address"), link["address"], ip)
            if ip is not None and addresses.setdefault(ip, number) != number:
                found = f"'{ip}', which is that of link {addresses[ip]} already"
                yield place.inside("address").finding("an address of its own for each link", found)


def _link_address(place: Place, text: Any, ip: Any) -> Iterator[Finding]:
    if ip is None:
        yield place.wrong("an IP address of this machine", text)
    elif ip.is_loopback() or ip.is_multicast() or int(ip) == 0:
        yield place.wrong("an address that the other nodes reach", text)


def numbering(inventory: Inventory) -> Iterator[Finding]:
    """The same links on all nodes."""
    known = {
        host.name: tuple(sorted({link["number"] for _place, link in host.items(LINKS)}))
        for host in inventory
        if LINKS not in host.broken
    }
    if len(set(known.values())) < 2:
        return
    usual = Counter(known.values()).most_common(1)[0][0]
    like = listed(name for name, numbers in known.items() if numbers == usual)
    for name, numbers in known.items():
        if numbers != usual:
            yield Place(name, LINKS).finding(f"{_shown_numbers(usual)} as on {like}", _shown_numbers(numbers))


def _shown_numbers(numbers: tuple[int, ...]) -> str:
    return f"the link{'s' if len(numbers) > 1 else ''} {listed(numbers)}" if numbers else "no links"


def one_network(inventory: Inventory) -> Iterator[Finding]:
    """The addresses of a link are in one network, and two links are in two."""
    homes: dict[int, dict[str, tuple[Use, Any]]] = {}
    for host in inventory:
        own: dict[Any, int] = {}
        for (place, link), use in zip(_readable(host), _addresses.link_uses(host), strict=True):
            home = _home(host, use)
            homes.setdefault(link["number"], {})[host.name] = (use, home)
            if home is not None and own.setdefault(home, link["number"]) != link["number"]:
                yield place.inside("address").finding(
                    "a network of its own for each link, so that one can fail",
                    f"'{use.ip}' in {home}, which has link {own[home]} too",
                    warning=True,
                )
    for number, by_host in homes.items():
        like = _usual({name: home for name, (_use, home) in by_host.items()})
        usual = by_host[like][1]
        for use, home in by_host.values():
            if home != usual and None not in (home, usual):
                expected = f"an address in {usual}, in which link {number} is on {like}"
                yield use.place.finding(expected, f"'{use.ip}'")


def _readable(host: Host) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    return ((place, link) for place, link in host.items(LINKS) if _net.address(link["address"]) is not None)


def _home(host: Host, use: Use) -> Any:
    """The network of an address as far as the inventory tells: declared, or by the prefix of the interface."""
    for network in host.networks.values():
        if use.ip in network.net:
            return network.net
    if host.networks:
        return None
    for other in _addresses.interface_uses(host):
        if other.ip == use.ip:
            return other.net.cidr
    return None


def on_interfaces(inventory: Inventory) -> Iterator[Finding]:
    """Where the inventory describes the interfaces, it describes those with the node's own addresses as well."""
    for host in inventory:
        interfaces = _addresses.interfaces(host)
        dynamic = any(one.get(method) in ("dhcp", "auto") for one in interfaces for method in ("method", "method6"))
        if not interfaces or dynamic or _addresses.INTERFACES in host.broken:
            continue
        texts = (text for one in interfaces for text in _words.words(one.get("addresses")))
        owned = {_net.address(text.partition("/")[0]) for text in texts}
        for use in (*_addresses.main_use(host), *_addresses.link_uses(host)):
            if use.ip not in owned:
                yield use.place.finding(
                    f"an address of one of the {_addresses.INTERFACES}",
                    f"'{use.ip}'",
                    # others may be there that the inventory does not name
                    warning=host.get("pve_network_state") != "overridden",
                )


def votes(inventory: Inventory) -> Iterator[Finding]:
    """Votes and node ids; an even number of votes is worth a warning."""
    ids: dict[int, str] = {}
    for host in inventory:
        for variable in ("pve_cluster_votes", "pve_cluster_nodeid"):
            if host.get(variable) is not None and host.get(variable) < 1:
                yield host.place(variable).wrong("a number of 1 or more", host.get(variable))
        number = host.get("pve_cluster_nodeid")
        if number is not None and ids.setdefault(number, host.name) != host.name:
            place = host.place("pve_cluster_nodeid")
            yield place.finding("a node id of its own", f"{number}, which {ids[number]} has as well")
    total = sum(host.get("pve_cluster_votes", 1) for host in inventory)
    if len(inventory) < 2 or not any(host.get("pve_cluster_name") for host in inventory):
        return
    first, *_others = inventory
    variable = first.place("pve_cluster_votes")
    if len(inventory) == 2 and total == 2:
        found = "2 nodes: if one is down, the other has no quorum"
        yield variable.finding("3 votes or more", found, "Plan a third node, or a QDevice", warning=True)
    elif total % 2 == 0:
        found = f"{total}: if the nodes are cut into halves, none has quorum"
        yield variable.finding("an odd number of votes", found, "Plan one more node, or a QDevice", warning=True)
    if len(inventory) > MANY:
        place = Place(first.name, "pve_hosts")
        advice = "Corosync needs its timeouts tuned for more"
        yield place.finding(f"at most {MANY} nodes in a cluster", str(len(inventory)), advice, warning=True)


RULES = (
    names, cluster_name, common, members, password, links, numbering, one_network, on_interfaces, votes,
)  # fmt: skip
