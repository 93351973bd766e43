# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: network_pings
short_description: What a node has to reach after its network was changed
version_added: 0.1.0
description:
  - Finds the gateways of a machine, and the other machines in each of its networks, with the MTU at which they have to
    answer.
  - A bridge without ports, whose network is not declared, is a network of the machine's own. Nobody is asked over it.
options:
  _input:
    description: The interfaces that the machines are to have (C(pve_network_interfaces)), by inventory name, in their order.
    type: dict
    required: true
  host:
    description: The inventory name of the machine.
    type: str
    required: true
  present:
    description: Addresses that the machines have now, by inventory name.
    type: dict
    required: true
  networks:
    description: The variable C(pve_networks), whose MTU counts where an interface has none of its own.
    type: dict
    default: {}
  one_by_one:
    description: Whether machines are changed in their order, so that later ones have only the addresses that they have now.
    type: bool
    default: false
  gateways:
    description: Whether gateways are asked.
    type: bool
    default: true
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
pings: >-
  {{ {'pve1': [{'name': 'eno1', 'addresses': ['192.0.2.11/24'], 'gateway': '192.0.2.1'}],
      'pve2': [{'name': 'eno1', 'addresses': ['192.0.2.12/24']}]}
     | baremetal.proxmox.network_pings(host='pve1', present={}) }}
"""

RETURN = r"""
_value:
  description: Pings as M(baremetal.proxmox.node_network_confirm) takes them.
  type: list
  elements: dict
"""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_check_ip as _ip
from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_words as _words

Interfaces = Sequence[Mapping[str, Any]]


def _mtu(item: Mapping[str, Any], interfaces: Interfaces, networks: Mapping[str, Any], network: Any) -> int:
    """That of the interface; else of the declared network; else, for a VLAN or an alias, of the device below; else 1500."""
    if item.get("mtu"):
        return int(item["mtu"])
    for declared in networks.values():
        if declared.get("mtu") and ipaddress.ip_network(declared["cidr"], strict=False) == network:
            return int(declared["mtu"])
    parent = _words.parent_of(item)
    below = [one for one in interfaces if one["name"] == parent]
    return _mtu(below[0], interfaces, {}, network) if below and below[0]["name"] != item["name"] else 1500


def _alone(item: Mapping[str, Any], interfaces: Interfaces, networks: Mapping[str, Any]) -> bool:
    """On a bridge without ports, and in no network that other machines share."""
    declared = [ipaddress.ip_network(one["cidr"], strict=False) for one in networks.values()]
    shared = any(address.network in declared for address in _ip.addresses(item))
    return not shared and _words.isolated(item, {str(one["name"]): one for one in interfaces})


def network_pings(
    wanted: Mapping[str, Interfaces],
    host: str,
    present: Mapping[str, Sequence[str]],
    networks: Mapping[str, Any] | None = None,
    one_by_one: bool = False,
    gateways: bool = True,
) -> list[dict[str, Any]]:
    own, networks = wanted[host], networks or {}
    order = list(wanted)
    pings: dict[tuple[str, str], dict[str, Any]] = {}
    for item in own:
        device = str(item["name"]).partition(":")[0]
        found = _ip.addresses(item)
        for field in ("gateway", "gateway6") if gateways else ():
            if item.get(field):
                mtu = _mtu(item, own, networks, next((one.network for one in found), None))
                pings[(device, item[field])] = _ping("the gateway", item[field], device, mtu)
        for address in found if not _alone(item, own, networks) else ():
            mtu = _mtu(item, own, networks, address.network)
            for peer in order:
                if peer == host:
                    continue
                later = one_by_one and order.index(peer) > order.index(host)
                for theirs, their_mtu in _of(wanted[peer], networks, address.network):
                    if later and theirs not in present.get(peer, ()):
                        continue
                    pings[(device, theirs)] = _ping(peer, theirs, device, min(mtu, their_mtu))
    return list(pings.values())


def _of(interfaces: Interfaces, networks: Mapping[str, Any], network: Any) -> list[tuple[str, int]]:
    """The addresses in a network, each with its MTU."""
    return [
        (str(address.ip), _mtu(item, interfaces, networks, network))
        for item in interfaces
        if not _alone(item, interfaces, networks)
        for address in _ip.addresses(item)
        if address.network == network
    ]


def _ping(what: str, address: str, interface: str, mtu: int) -> dict[str, Any]:
    return {"what": what, "address": address, "interface": interface, "mtu": mtu}


class FilterModule:
    def filters(self) -> dict:
        return {"network_pings": network_pings}
