# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What zones, controllers, vnets and subnets have to do with each other, as they would be. Pure.

The rules are those of the hooks in PVE/Network/SDN/{VnetPlugin,SubnetPlugin}.pm and PVE/Network/SDN/Zones/*.pm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Item = Mapping[str, Any]
# Items by option (zones, vnets, ...) and identity
Items = Mapping[str, Mapping[str, Item]]

NAMES = {"controllers": "controller", "zones": "zone", "vnets": "vnet", "subnets": "subnet"}
# What an item names that has to be there: its option, and the kind of what is named
REFERENCES = {
    "controllers": (),
    "zones": (("controller", "controllers"), ("secondary_controllers", "controllers")),
    "vnets": (("zone", "zones"),),
    "subnets": (("vnet", "vnets"),),
}
TUNNELS = ("vxlan", "evpn")
_MOST = {"vlan": 4094, "qinq": 4094}


@dataclass(frozen=True)
class Problem:
    """C(kind) is the option, C(key) the identity of an item, C(option) its setting."""

    kind: str
    key: str
    option: str
    expected: str
    found: str

    @property
    def sentence(self) -> str:
        return f"{NAMES[self.kind]} '{self.key}': {self.option}: expected {self.expected}, found {self.found}"


def references(kind: str, item: Item) -> Iterator[tuple[str, str, str]]:
    """(option, kind, identity) of what an item names."""
    for option, other in REFERENCES[kind]:
        value = item.get(option)
        for name in value if isinstance(value, list) else [value]:
            if name is not None:
                yield option, other, str(name)


def vnets(items: Items) -> Iterator[Problem]:
    """Tags: which zones want them, and no two are the same."""
    zones = items.get("zones", {})
    taken: dict[Any, str] = {}
    for key, vnet in items.get("vnets", {}).items():
        zone = zones.get(str(vnet.get("zone")))
        if zone is None:
            continue
        kind, tag = zone.get("type"), vnet.get("tag")
        if kind == "simple" and tag is not None:
            yield Problem("vnets", key, "tag", f"none, because the zone '{vnet['zone']}' is a simple one", str(tag))
        elif kind in ("vlan", *TUNNELS) and tag is None:
            yield Problem("vnets", key, "tag", f"a tag, because the zone '{vnet['zone']}' is of type {kind}", "none")
        elif isinstance(tag, int) and tag > _MOST.get(str(kind), tag):
            yield Problem("vnets", key, "tag", f"at most {_MOST[str(kind)]}, a VLAN", str(tag))
        if kind == "evpn" and vnet.get("vlanaware"):
            yield Problem("vnets", key, "vlanaware", "false, because its zone is of type evpn", "true")
        # identifiers of VXLAN are those of the whole cluster
        place = ("VXLAN" if kind in TUNNELS else vnet["zone"], tag)
        if kind == "simple" or (tag is None and kind != "qinq"):
            continue
        if place in taken:
            what = "a tag of its own" if kind not in TUNNELS else "a tag that no other vnet of a VXLAN or EVPN zone has"
            yield Problem("vnets", key, "tag", what, f"{tag or 'none'}, which '{taken[place]}' has")
        taken.setdefault(place, key)


def subnets(items: Items) -> Iterator[Problem]:
    aware = {key for key, vnet in items.get("vnets", {}).items() if vnet.get("vlanaware")}
    where: dict[tuple[Any, Any], str] = {}
    for key, subnet in items.get("subnets", {}).items():
        vnet = str(subnet.get("vnet"))
        if vnet in aware:
            yield Problem("subnets", key, "vnet", "one without vlanaware, which has no subnets", f"'{vnet}'")
        zone = items.get("vnets", {}).get(vnet, {}).get("zone")
        place = (zone, subnet.get("subnet"))
        if zone is not None and place in where:
            yield Problem(
                "subnets", key, "subnet", f"a network that is once in the zone '{zone}'", f"'{where[place]}' too"
            )
        where.setdefault(place, key)


def zones(items: Items) -> Iterator[Problem]:
    controllers = items.get("controllers", {})
    taken: dict[Any, str] = {}
    for key, zone in items.get("zones", {}).items():
        for option, _kind, name in references("zones", zone):
            if name in controllers and controllers[name].get("type") not in (None, "evpn"):
                found = f"'{name}', of type {controllers[name]['type']}"
                yield Problem("zones", key, option, "a controller of type evpn", found)
        vni = zone.get("vrf_vxlan")
        if vni is None:
            continue
        if vni in taken:
            yield Problem("zones", key, "vrf_vxlan", "a VNI of its own", f"{vni}, which '{taken[vni]}' has")
        taken.setdefault(vni, key)
        primary, exits = zone.get("exitnodes_primary"), zone.get("exitnodes")
        if primary and exits and primary not in exits:
            yield Problem("zones", key, "exitnodes_primary", "one of exitnodes", f"'{primary}'")


def problems(items: Items) -> Iterator[Problem]:
    for rule in (zones, vnets, subnets):
        yield from rule(items)


def missing(items: Items) -> Iterator[Problem]:
    """What is named and is not there."""
    for kind, there in items.items():
        for key, item in there.items():
            for option, other, name in references(kind, item):
                if name not in items[other]:
                    yield Problem(kind, key, option, f"a {NAMES[other]} that there is", f"'{name}'")
