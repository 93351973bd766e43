# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Network interfaces as they are now. One call of iproute2, the rest from /sys."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_sysfs as sysfs
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

IP_DETAILS = _cli.Command(("ip", "-json", "-details", "address", "show"))
LLDP_NEIGHBOURS = _cli.Command(("lldpctl", "-f", "json"))
LLDP_SOCKET = "/run/lldpd.socket"
PCI_ADDRESS = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")


def links(machine: Machine) -> list[dict[str, Any]]:
    """What iproute2 says of every interface, nothing where it is missing."""
    told = json.loads(sysfs.output(machine, IP_DETAILS) or "[]")
    return [link for link in told if link and link.get("ifname")]


def nics(machine: Machine, told: list[dict[str, Any]], container: bool) -> list[dict[str, Any]]:
    """The interfaces with hardware behind them; in a container the ends of wires that lead out of it."""
    neighbours = _neighbours(machine)
    found = []
    for link in told:
        name = link["ifname"]
        hardware = machine.path(f"/sys/class/net/{name}/device").exists()
        if hardware or (container and _kind(link) == "veth"):
            found.append(_nic(machine, link) | {"lldp": neighbours.get(name)})
    return found


def _kind(link: Mapping[str, Any]) -> str | None:
    return link.get("linkinfo", {}).get("info_kind")


def _nic(machine: Machine, link: Mapping[str, Any]) -> dict[str, Any]:
    name = link["ifname"]
    base = f"/sys/class/net/{name}"
    speed = sysfs.number(machine, f"{base}/speed")
    duplex = sysfs.text(machine, f"{base}/duplex")
    carrier = sysfs.flag(machine, f"{base}/carrier")
    functions = sysfs.number(machine, f"{base}/device/sriov_totalvfs")
    slave = link.get("linkinfo", {}).get("info_slave_data", {})
    return {
        "name": name,
        "altnames": link.get("altnames", []),
        "driver": sysfs.target(machine, f"{base}/device/driver") or _kind(link),
        # a bond shows its own address on its slaves
        "mac": link.get("permaddr") or slave.get("perm_hwaddr") or link.get("address"),
        "current_mac": link.get("address"),
        "pci": _pci(sysfs.real(machine, f"{base}/device")),
        "up": "UP" in link.get("flags", []),
        "carrier": carrier,
        "speed": speed if speed and speed > 0 else None,
        "duplex": duplex if duplex != "unknown" else None,
        "mtu": link.get("mtu"),
        "max_mtu": link.get("max_mtu") or None,
        "master": link.get("master"),
        "virtual_function": machine.path(f"{base}/device/physfn").exists(),
        "sriov": None
        if not functions
        else {"total": functions, "active": sysfs.number(machine, f"{base}/device/sriov_numvfs")},
    }


def _pci(path: str) -> str | None:
    return next(reversed(PCI_ADDRESS.findall(path)), None)


def virtual(told: list[dict[str, Any]], physical: set[str]) -> list[dict[str, Any]]:
    """Bridges, bonds, VLANs and the like, each with what it stands on: C(lower)."""
    return [
        {
            "name": link["ifname"],
            "kind": _kind(link),
            "mtu": link.get("mtu"),
            "up": "UP" in link.get("flags", []),
            "master": link.get("master"),
            "lower": sorted(
                {other["ifname"] for other in told if other.get("master") == link["ifname"]}
                | ({link["link"]} if link.get("link") and _kind(link) != "veth" else set())
            ),
        }
        for link in told
        if link["ifname"] not in physical and link.get("link_type") != "loopback"
    ]


def addresses(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each with interface, address, prefix length and scope; of lo only what others may reach, as routed meshes have it."""
    return [
        {
            "interface": link["ifname"],
            "address": info["local"],
            "prefix": info.get("prefixlen"),
            "scope": info.get("scope"),
        }
        for link in told
        for info in link.get("addr_info", [])
        if "local" in info and not (link.get("link_type") == "loopback" and info.get("scope") == "host")
    ]


def _neighbours(machine: Machine) -> dict[str, dict[str, Any]]:
    """{interface: switch, port, description, vlan} from lldpd, if that runs."""
    if not machine.path(LLDP_SOCKET).exists():
        return {}
    try:
        told = json.loads(sysfs.output(machine, LLDP_NEIGHBOURS) or "{}")
    except ValueError:
        return {}
    return parse_lldp(told)


def parse_lldp(told: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Of lldpctl's form C(json), where a list of one thing is that thing."""
    found = {}
    for entry in _list(told.get("lldp", {}).get("interface", [])):
        for name, data in entry.items():
            chassis, port = data.get("chassis", {}), data.get("port", {})
            # the system's name is the key, unless it has none
            switch = next(iter(chassis), None) if chassis and "id" not in chassis else None
            inner = chassis.get(switch, chassis) if switch else chassis
            vlans = [int(vlan["vlan-id"]) for vlan in _list(data.get("vlan", [])) if "vlan-id" in vlan]
            found[name] = {
                "switch": switch or _value(inner.get("id")),
                "port": _value(port.get("id")),
                "description": port.get("descr"),
                "vlan": next(iter(vlans), None),
            }
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _value(value: Any) -> str | None:
    return value.get("value") if isinstance(value, dict) else value
