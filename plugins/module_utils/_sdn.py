# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Software-defined networks: the tables of zones, controllers, vnets and subnets (PVE/API2/Network/SDN/*.pm and
PVE/Network/SDN/*.pm of pve-network).

Everything is read with C(pending=1), which tells in one answer what runs and what is staged; a row then has the values
that run, its C(state) and under C(pending) the staged values, where C(deleted) is one that is taken away. PUT and DELETE
of a subnet want its identifier C(ZONE-NETWORK-MASK), POST the network. What refers to what is judged in _sdn_check.py.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _names
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import (
    BOOL,
    INT,
    LIST,
    SET,
    STR,
    Kind,
    array,
    properties,
    texts,
)

Row = Mapping[str, Any]

PATH = "/cluster/sdn"
_SHORT: dict[str, str] = {
    "pattern": r"[a-zA-Z][a-zA-Z0-9]{1,7}",
    "meaning": "2 to 8 letters and digits, a letter first",
}
_LONG: dict[str, str] = {
    "pattern": r"[a-zA-Z](?:[a-zA-Z0-9_-]{0,62}[a-zA-Z0-9])",
    "meaning": "2 to 64 letters, digits, - and _, a letter first",
}
_NODE: dict[str, str] = {"pattern": _names.NODE.pattern, "meaning": "a node name"}
_TARGET: dict[str, str] = {"pattern": r"\d+:\d+", "meaning": "a route target such as 65000:100"}
_VNI = (1, 16777215)


def _read_ip(value: Any) -> str:
    try:
        return str(ipaddress.ip_address(str(value).strip()))
    except ValueError:
        raise ValueError(f"is {value!r}, not an IP address") from None


def _read_network(value: Any) -> str:
    text = str(value).strip()
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        network = None
    if network is None or "/" not in text:
        raise ValueError(f"is {value!r}, not a network such as 10.0.0.0/24")
    if ipaddress.ip_address(text.partition("/")[0]) != network.network_address:
        raise ValueError(f"is {value!r}, not a network, which is {network}")
    return str(network)


def _read_ips(value: Any) -> list[str] | None:
    return sorted({_read_ip(one) for one in SET.read(value) or ()}) or None


IP = Kind("IP address", _read_ip, str)
IPS = Kind("IP addresses", _read_ips, ",".join, {"type": "list", "elements": "str"})
NETWORK = Kind("network", _read_network, str)
MAC = Kind("MAC address", lambda value: STR.read(value).upper(), str)
_ENTRIES = array(
    "DHCP ranges",
    properties("DHCP range", {"start-address": _read_ip, "end-address": _read_ip}),
    lambda one: ipaddress.ip_address(one.get("start_address", "::")).packed,
)


def _read_ranges(value: Any) -> Any:
    """Proxmox shows staged ranges as one text, in which each has its two addresses together (SDN.pm, encode_value)."""
    if isinstance(value, str):
        words = value.split(",")
        value = [",".join(words[number : number + 2]) for number in range(0, len(words), 2)]
    return _ENTRIES.read(value)


RANGES = Kind(_ENTRIES.name, _read_ranges, _ENTRIES.write, _ENTRIES.option)


def staged(row: Row) -> Row | None:
    """An item as it would be once everything is applied; None for one that would be gone."""
    if row.get("state") == "deleted":
        return None
    pending = row.get("pending") or {}
    kept = {key: value for key, value in row.items() if key not in pending and key not in ("pending", "state")}
    return {**kept, **{key: value for key, value in pending.items() if value != "deleted"}}


def view(api: Any, option: str) -> list[Row]:
    """All of one kind, staged or not. A subnet's row has its network as C(subnet), as the table has it."""
    if option != "subnets":
        return list(api.get(f"{PATH}/{option}", pending=1))
    vnets = [row["vnet"] for row in view(api, "vnets") if row.get("state") != "deleted"]
    return [
        {**row, "subnet": row["cidr"]} for vnet in vnets for row in api.get(f"{PATH}/vnets/{vnet}/subnets", pending=1)
    ]


def _reader(option: str) -> Any:
    def read(api: Any, _identity: str | None) -> Iterable[Row]:
        return [row for row in map(staged, view(api, option)) if row]

    return read


ZONE_FIELDS = [
    Field("nodes", SET, **_NODE),
    Field("mtu", INT, limits=(576, 65520)),
    Field("ipam"),
    Field("dhcp", choices=["dnsmasq"]),
    Field("dns"),
    Field("reversedns"),
    Field("dnszone", along="dns"),
    Field("bridge"),
    Field("bridge-disable-mac-learning", BOOL, default=False),
    Field("tag", INT, limits=(1, 4094)),
    Field("vlan-protocol", default="802.1q", choices=["802.1q", "802.1ad"]),
    Field("peers", IPS),
    Field("vxlan-port", INT, default=4789, limits=(1, 65535)),
    Field("fabric", since=(9, 0)),
    Field("controller", **_LONG),
    Field("secondary-controllers", texts("controllers"), since=(9, 2)),
    Field("vrf-vxlan", INT, limits=_VNI),
    Field("exitnodes", SET, **_NODE),
    Field("exitnodes-primary", **_NODE),
    Field("exitnodes-local-routing", BOOL, default=False),
    Field("advertise-subnets", BOOL, default=False),
    Field("disable-arp-nd-suppression", BOOL, default=False),
    Field("rt-import", LIST, **_TARGET),
    Field(
        "mac", MAC, generated=True, pattern=r"[0-9A-F][02468ACE](?::[0-9A-F]{2}){5}", meaning="a unicast MAC address"
    ),
]
_COMMON = "nodes mtu ipam dns reversedns dnszone"


def _underlay(kind: str) -> Any:
    """VxlanPlugin.pm, EvpnPlugin.pm: what the tunnels of this type run over."""

    def check(item: Item) -> Iterable[str]:
        if item.get("type") == kind and bool(item.get("peers")) == bool(item.get("fabric")):
            yield "peers, fabric: it needs one of them, and not both"

    return check


ZONE = Resource(
    name="zone",
    path=f"{PATH}/zones",
    key=Field("zone", **_SHORT),
    fields=ZONE_FIELDS,
    discriminator=Field("type", choices=["simple", "vlan", "qinq", "vxlan", "evpn"]),
    variants={
        "simple": Variant(optional=f"dhcp {_COMMON}"),
        "vlan": Variant(required="bridge", optional=f"bridge-disable-mac-learning {_COMMON}"),
        "qinq": Variant(required="bridge tag", optional=f"vlan-protocol bridge-disable-mac-learning {_COMMON}"),
        "vxlan": Variant(optional=f"peers fabric vxlan-port {_COMMON}"),
        "evpn": Variant(
            required="controller vrf-vxlan",
            optional="secondary-controllers exitnodes exitnodes-primary exitnodes-local-routing advertise-subnets"
            " disable-arp-nd-suppression rt-import mac vxlan-port bridge-disable-mac-learning"
            f" {_COMMON}",
        ),
    },
    check=_underlay("vxlan"),
    read=_reader("zones"),
)

CONTROLLER_FIELDS = [
    Field("asn", INT, limits=(0, 4294967295)),
    Field("peers", IPS),
    Field("fabric", since=(9, 0)),
    Field("bgp-mode", default="auto", choices=["auto", "external", "internal"], since=(9, 2)),
    Field("nodes", SET, since=(9, 2), **_NODE),
    Field("peer-group-name", default="VTEP", since=(9, 2)),
    Field("route-map-in", since=(9, 2)),
    Field("route-map-out", since=(9, 2)),
    Field("node", **_NODE),
    Field("bgp-multipath-as-path-relax", BOOL, default=False),
    Field("ebgp", BOOL, default=False),
    Field("ebgp-multihop", INT, limits=(1, 255)),
    Field("loopback"),
    Field("isis-domain"),
    Field("isis-ifaces", SET),
    Field("isis-net", pattern=r"[a-fA-F0-9]{2}(\.[a-fA-F0-9]{4}){3,9}\.[a-fA-F0-9]{2}", meaning="an IS-IS net"),
]

CONTROLLER = Resource(
    name="controller",
    path=f"{PATH}/controllers",
    key=Field("controller", **_LONG),
    fields=CONTROLLER_FIELDS,
    discriminator=Field("type", choices=["evpn", "bgp", "isis"]),
    variants={
        "evpn": Variant(
            required="asn", optional="peers fabric bgp-mode nodes peer-group-name route-map-in route-map-out"
        ),
        "bgp": Variant(
            required="asn node peers",
            optional="bgp-multipath-as-path-relax ebgp ebgp-multihop loopback route-map-in route-map-out",
        ),
        "isis": Variant(required="isis-domain isis-ifaces isis-net node", optional="loopback"),
    },
    check=_underlay("evpn"),
    read=_reader("controllers"),
)


def by_tags(changes: Sequence[Any], present: Mapping[str, Any]) -> list[Any]:
    """A tag is free only when the vnet that has it has got another one, or is gone."""
    left, ordered = list(changes), []
    while left:
        held = {_tag(one.present.values): one.key for one in left if one.present}
        free = (one for one in left if one.action == "delete" or held.get(_wanted(one), one.key) == one.key)
        first = next(free, left[0])
        left.remove(first)
        ordered.append(first)
    return ordered


def _tag(values: Item) -> tuple[Any, Any]:
    return (values.get("zone"), values["tag"]) if values.get("tag") else (values.get("zone"), object())


def _wanted(change: Any) -> tuple[Any, Any]:
    return _tag({**(change.present.values if change.present else {}), **change.to_set})


VNET = Resource(
    name="vnet",
    path=f"{PATH}/vnets",
    key=Field("vnet", **_SHORT),
    fields=[
        Field("zone", **_SHORT),
        Field("tag", INT, limits=_VNI),
        Field("alias", pattern=r"[()\-_.\w\s]{0,256}", meaning="at most 256 letters, digits, blanks and ( ) - _ ."),
        Field("vlanaware", BOOL, default=False),
        Field("isolate-ports", BOOL, default=False),
    ],
    variants={None: Variant(required="zone", optional="tag alias vlanaware isolate-ports")},
    arrange=by_tags,
    read=_reader("vnets"),
)


def check_subnet(item: Item) -> Iterable[str]:
    """SubnetPlugin.pm: gateway and ranges are inside, but for a point-to-point connection."""
    try:
        network = ipaddress.ip_network(item["subnet"])
    except ValueError:
        return
    gateway = item.get("gateway")
    alone = network.version == 4 and network.prefixlen == 32
    if gateway and not alone and ipaddress.ip_address(gateway) not in network:
        yield f"gateway is {gateway!r}, not an address in {network}"
    last = None
    for one in item.get("dhcp_range") or ():
        start, end = one.get("start_address"), one.get("end_address")
        if not start or not end:
            yield "dhcp_range: each range has start_address and end_address"
            continue
        for which, address in (("start_address", start), ("end_address", end)):
            if ipaddress.ip_address(address) not in network:
                yield f"dhcp_range: {which} is {address!r}, not an address in {network}"
        first, upto = ipaddress.ip_address(start), ipaddress.ip_address(end)
        if first.version != upto.version or first > upto:
            yield f"dhcp_range: {start} comes after {end}"
        elif last is not None and last.version == first.version and first <= last:
            yield f"dhcp_range: {start} is in another range already"
        last = upto


def _write_subnet(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    vnet, _blank, network = change.key.partition(" ")
    path = f"{PATH}/vnets/{vnet}/subnets"
    if change.action == "create":
        api.post(path, type="subnet", subnet=network, **form)
        return
    path += f"/{change.present.raw['id']}"
    if change.action == "delete":
        api.delete(path)
    else:
        api.put(path, **form, **({"delete": sorted(change.to_unset)} if change.to_unset else {}))


SUBNET = Resource(
    name="subnet",
    path=f"{PATH}/vnets",
    key=Field("subnet", NETWORK),
    scope=Field("vnet", **_SHORT),
    fields=[
        Field("gateway", IP),
        Field("snat", BOOL, default=False),
        Field("dhcp-range", RANGES),
        Field("dhcp-dns-server", IP),
        Field("dnszoneprefix"),
    ],
    variants={None: Variant(optional="gateway snat dhcp-range dhcp-dns-server dnszoneprefix")},
    check=check_subnet,
    read=_reader("subnets"),
    write=_write_subnet,
)

# By option, in the order in which they are made; they are removed in the other one
TABLES: Mapping[str, Resource] = {"controllers": CONTROLLER, "zones": ZONE, "vnets": VNET, "subnets": SUBNET}
