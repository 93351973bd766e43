# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lists of the module sdn in the contract of all resource modules, each as if it were a module of its own."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._sdn import TABLES
from ansible_collections.baremetal.proxmox.plugins.module_utils._sdn_run import SdnModule
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.contract import Case
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_api import StandIn

__all__ = ["CASES", "TABLES", "files", "run", "start"]


def start(api: StandIn, option: str, config: Any, **arguments: Any) -> dict[str, Any]:
    """Runs the module with one list, and shows of its result what concerns that list."""
    given = {} if config is None else {option: config}
    result = run(api, **given, **arguments)
    for part in ("before", "after", "gathered"):
        if part in result:
            result[part] = result[part][option]
    if "changes" in result and not result["failed"]:
        assert {change["table"] for change in result["changes"]} <= {option}
        assert result["diff"]["before"].keys() <= {option}
        result["diff"] = {**result["diff"], **{side: result["diff"][side].get(option) for side in ("before", "after")}}
    return result


def run(api: StandIn, **arguments: Any) -> dict[str, Any]:
    return api.run(lambda connect: SdnModule(connect).run(), **arguments)


def files(**kinds: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What is staged, and runs: section configs below sdn/, by kind and name; C(type) first."""
    result = {}
    running: dict[str, Any] = {"version": 1}
    for kind in ("zones", "vnets", "subnets", "controllers"):
        sections = kinds.get(kind, {})
        running[kind] = {"ids": sections}
        result[f"sdn/{kind}.cfg"] = "".join(
            f"{section['type']}: {name}\n"
            + "".join(f"\t{key} {value}\n" for key, value in section.items() if key != "type")
            + "\n"
            for name, section in sections.items()
        )
    return {**result, "sdn/.running-config": json.dumps(running)}


ZONES: dict[str, dict[str, Any]] = {
    "lan": {"type": "vlan", "bridge": "vmbr0"},
    "inner": {"type": "simple"},
}
VNETS: dict[str, dict[str, Any]] = {
    "lab": {"type": "vnet", "zone": "inner"},
    "web": {"type": "vnet", "zone": "lan", "tag": 30},
}
EVPN: dict[str, dict[str, Any]] = {"core": {"type": "evpn", "asn": 65000, "peers": "10.0.0.1,10.0.0.2"}}

CASES = {
    "sdn.zones": Case(
        items=[
            {
                "zone": "evpn1",
                "type": "evpn",
                "controller": "core",
                "vrf_vxlan": 1000,
                "nodes": ["pve2", "pve1"],
                "exitnodes": ["pve1", "pve2"],
                "exitnodes_primary": "pve2",
                "exitnodes_local_routing": True,
                "advertise_subnets": True,
                "rt_import": ["65000:100", "65000:200"],
                "mtu": 1450,
                "ipam": "pve",
                "mac": "bc:24:11:00:00:01",
                "vxlan_port": 4790,
            },
            {"zone": "lan", "type": "vlan", "bridge": "vmbr0"},
            {"zone": "outer", "type": "qinq", "bridge": "vmbr0", "tag": 100, "vlan_protocol": "802.1ad"},
            {"zone": "tunnel", "type": "vxlan", "peers": ["10.0.0.2", "10.0.0.1"]},
            {"zone": "inner", "type": "simple", "dhcp": "dnsmasq", "ipam": "pve"},
        ],
        changed={
            "zone": "evpn1",
            "vrf_vxlan": 1001,
            "nodes": ["pve1", "pve2", "pve3"],
            "advertise_subnets": False,
            "mtu": None,
            "rt_import": ["65000:100"],
        },
        dropped=[
            "advertise_subnets",
            "exitnodes",
            "exitnodes_local_routing",
            "exitnodes_primary",
            "ipam",
            "mtu",
            "nodes",
            "rt_import",
            "vxlan_port",
        ],
        given=["type", "controller", "vrf_vxlan"],
        identity=["zone"],
        files=files(controllers=EVPN),
    ),
    "sdn.controllers": Case(
        items=[
            {
                "controller": "bgp-pve1",
                "type": "bgp",
                "node": "pve1",
                "asn": 65001,
                "peers": ["10.0.0.3", "10.0.0.2"],
                "ebgp": True,
                "ebgp_multihop": 2,
                "loopback": "dummy0",
                "bgp_multipath_as_path_relax": True,
            },
            {"controller": "core", "type": "evpn", "asn": 65000, "peers": ["10.0.0.1", "10.0.0.2"]},
            {
                "controller": "isis-pve1",
                "type": "isis",
                "node": "pve1",
                "isis_domain": "rack",
                "isis_ifaces": ["eno1", "eno2"],
                "isis_net": "49.0001.1921.6800.1002.00",
            },
        ],
        changed={"controller": "bgp-pve1", "peers": ["10.0.0.2"], "ebgp": False, "ebgp_multihop": None},
        dropped=["bgp_multipath_as_path_relax", "ebgp", "ebgp_multihop", "loopback"],
        given=["type", "node", "asn", "peers"],
        identity=["controller"],
        files=files(),
    ),
    "sdn.vnets": Case(
        items=[
            {
                "vnet": "web",
                "zone": "lan",
                "tag": 30,
                "alias": "web (all of it)",
                "vlanaware": True,
                "isolate_ports": True,
            },
            {"vnet": "lab", "zone": "inner"},
        ],
        changed={"vnet": "web", "tag": 31, "alias": None, "vlanaware": False},
        dropped=["alias", "isolate_ports", "vlanaware"],
        given=["zone", "tag"],
        identity=["vnet"],
        files=files(zones=ZONES),
    ),
    "sdn.subnets": Case(
        items=[
            {
                "vnet": "lab",
                "subnet": "10.50.0.0/24",
                "gateway": "10.50.0.1",
                "snat": True,
                "dhcp_dns_server": "10.50.0.2",
                "dnszoneprefix": "lab",
                "dhcp_range": [
                    {"start_address": "10.50.0.200", "end_address": "10.50.0.220"},
                    {"start_address": "10.50.0.100", "end_address": "10.50.0.120"},
                ],
            },
            {"vnet": "web", "subnet": "2001:db8::/64", "gateway": "2001:db8:0::1"},
        ],
        changed={
            "vnet": "lab",
            "subnet": "10.50.0.0/24",
            "gateway": "10.50.0.254",
            "snat": False,
            "dnszoneprefix": None,
            "dhcp_range": [{"start_address": "10.50.0.100", "end_address": "10.50.0.130"}],
        },
        dropped=["dhcp_dns_server", "dhcp_range", "dnszoneprefix", "gateway", "snat"],
        identity=["vnet", "subnet"],
        files=files(zones=ZONES, vnets=VNETS),
    ),
}
