# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The words of C(/etc/network/interfaces) as data: fields, types, and what belongs to what.

The names are those of Proxmox's API (PVE/API2/Network.pm), with C(_) for C(-). An interface is a dict::

    {"name": "vmbr0", "type": "bridge", "addresses": ["192.0.2.11/24"], "gateway": "192.0.2.1", "bridge_ports": ["bond0"]}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TYPES = ("eth", "bond", "bridge", "vlan", "alias", "OVSBridge", "OVSBond", "OVSIntPort", "OVSPort")

COMMON = {
    "name", "type", "autostart", "method", "method6", "addresses", "gateway", "gateway6", "mtu", "comments",
    "routes", "pre_up", "post_up", "pre_down", "post_down",
}  # fmt: skip
OWN = {
    "eth": {"match", "pin"},
    "bond": {"slaves", "bond_mode", "bond_miimon", "bond_lacp_rate", "bond_xmit_hash_policy", "bond_primary"},
    "bridge": {"bridge_ports", "bridge_vlan_aware", "bridge_vids", "bridge_stp", "bridge_fd"},
    "vlan": {"vlan_raw_device", "vlan_id"},
    "alias": set(),
    "OVSBridge": {"ovs_ports", "ovs_options"},
    "OVSBond": {"ovs_bonds", "ovs_bridge", "ovs_tag", "ovs_options", "bond_mode"},
    "OVSIntPort": {"ovs_bridge", "ovs_tag", "ovs_options"},
    "OVSPort": {"ovs_bridge", "ovs_tag", "ovs_options", "match", "pin"},
}
FIELDS = COMMON.union(*OWN.values())
HOOKS = ("pre_up", "post_up", "pre_down", "post_down")
PORT_FIELDS = ("slaves", "bridge_ports", "ovs_ports", "ovs_bonds")

BOND_MODES = (
    "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb",
)  # fmt: skip
OVS_BOND_MODES = ("active-backup", "balance-slb", "lacp-balance-slb", "lacp-balance-tcp")
HASH_POLICIES = ("layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4", "vlan+srcmac")

# PVE::JSONSchema pve-iface; the kernel takes 15 characters
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,20}([:.]\d+)?(:\d+)?")
# PVE::Network::Interfaces PHYSICAL_NIC_RE
NIC = re.compile(r"eth\d+|en[^:.]+|ib[^:.]+|(?:nic|if)\d+")
BOND = re.compile(r"bond\d+")


def given(interface: Mapping[str, Any], field: str) -> bool:
    return interface.get(field) not in (None, "", [], {})


def words(value: Any) -> list[str]:
    """A list of interface names, whether it came as a list or, as in Proxmox's API, as a string."""
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [str(word) for word in value]
    return [word for word in re.split(r"[\s,;]+", str(value)) if word]


def type_of(interface: Mapping[str, Any]) -> str:
    """The type as given, or what name and fields say: the rules of Proxmox's parser."""
    if interface.get("type"):
        return str(interface["type"])
    name = str(interface.get("name") or "")
    if re.search(r":\d+$", name):
        return "alias"
    if re.search(r"\.\d+$", name) or given(interface, "vlan_raw_device"):
        return "vlan"
    if given(interface, "ovs_bonds"):
        return "OVSBond"
    if given(interface, "ovs_ports"):
        return "OVSBridge"
    if BOND.fullmatch(name) or given(interface, "slaves"):
        return "bond"
    if given(interface, "bridge_ports") or re.match(r"vmbr\d+$", name):
        return "bridge"
    if given(interface, "ovs_bridge"):
        return "OVSPort" if NIC.fullmatch(name) else "OVSIntPort"
    return "eth"


def parent_of(interface: Mapping[str, Any]) -> str | None:
    """The device below a VLAN or an alias."""
    name = str(interface.get("name") or "")
    kind = type_of(interface)
    if kind == "alias":
        return name.rpartition(":")[0] or None
    if kind != "vlan":
        return None
    dotted = re.fullmatch(r"(\S+)\.\d+", name)
    return dotted.group(1) if dotted else interface.get("vlan_raw_device") or None


def vlan_id(interface: Mapping[str, Any]) -> Any:
    """The tag: from the name where that has it, as Proxmox does, else the option."""
    name = str(interface.get("name") or "")
    match = re.fullmatch(r"\S+\.(\d+)|vlan(\d+)", name)
    return int(match.group(1) or match.group(2)) if match else interface.get("vlan_id")


def isolated(interface: Mapping[str, Any], by_name: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether no other machine can hear it: a bridge without ports, such as one for guests behind NAT, or what is on one."""
    kind = type_of(interface)
    if kind == "bridge":
        return not [port for port in words(interface.get("bridge_ports")) if port != "none"]
    if kind == "OVSBridge":
        ports = words(interface.get("ovs_ports"))
        ports += [name for name, one in by_name.items() if one.get("ovs_bridge") == interface["name"]]
        return all(type_of(by_name.get(port, {"name": port})) == "OVSIntPort" for port in ports)
    if kind == "OVSIntPort":
        bridges = [
            one
            for name, one in by_name.items()
            if name == interface.get("ovs_bridge") or interface["name"] in words(one.get("ovs_ports"))
        ]
        return bool(bridges) and all(type_of(one) == "OVSBridge" and isolated(one, by_name) for one in bridges)
    parent = by_name.get(str(parent_of(interface)))
    return parent is not None and type_of(parent) in ("bridge", "OVSBridge") and isolated(parent, by_name)


def boolean(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).strip().lower() in ("1", "yes", "on", "true")


def renamed(interface: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The interface with other names for NICs (by old name), wherever it says one; C(eno1.20) follows C(eno1)."""

    def real(name: str) -> str:
        base = re.split(r"[.:]", name)[0]
        return names.get(base, base) + name[len(base) :]

    changed = dict(interface)
    for field in ("name", "vlan_raw_device", "bond_primary"):
        if isinstance(interface.get(field), str):
            changed[field] = real(interface[field])
    for field in PORT_FIELDS:
        if interface.get(field):
            changed[field] = [real(name) for name in words(interface[field])]
    return changed
