"""Reads /etc/network/interfaces as GET /nodes/{node}/network shows it (PVE/INotify.pm). Nothing is written here yet."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from . import paths

Interface = dict[str, Any]

_PLAIN = {"gateway", "broadcast", "hwaddress", "mtu"}
_RENAMED = {
    "bridge_ports": "bridge_ports",
    "bridge_stp": "bridge_stp",
    "bridge_fd": "bridge_fd",
    "bridge_vlan_aware": "bridge_vlan_aware",
    "bridge_vids": "bridge_vids",
    "bond_slaves": "slaves",
    "slaves": "slaves",
    "bond_mode": "bond_mode",
    "bond_miimon": "bond_miimon",
    "bond_xmit_hash_policy": "bond_xmit_hash_policy",
    "bond_primary": "bond-primary",
    "vlan_raw_device": "vlan-raw-device",
    "vlan_id": "vlan-id",
    "ovs_type": "ovs_type",
    "ovs_ports": "ovs_ports",
    "ovs_bonds": "ovs_bonds",
    "ovs_bridge": "ovs_bridge",
    "ovs_options": "ovs_options",
    "ovs_mtu": "ovs_mtu",
}
_OVS = {"OVSBridge", "OVSPort", "OVSIntPort", "OVSBond"}


def read() -> dict[str, Interface]:
    """Name → interface, in the order of the file; physical ones that the file does not have come last."""
    path = paths.at("/etc/network/interfaces")
    found = _parse(path.read_text() if path.exists() else "")
    priority = 2 + len(found)
    for name in sorted(_physical()):
        if name not in found:
            priority += 1
            found[name] = {"priority": priority, "method": "manual", "method6": "manual", "exists": 1}
    found.pop("lo", None)
    up = _up()
    for name, interface in found.items():
        interface["type"] = _type(name, interface)
        interface.setdefault("method", "manual")
        interface.setdefault("method6", "manual")
        interface.setdefault("families", ["inet"])
        _complete_addresses(interface)
        if name in up:
            interface["active"] = 1
        if interface["type"] == "bridge":
            interface.setdefault("bridge_stp", "off")
            interface.setdefault("bridge_fd", "0")
    return found


def _parse(text: str) -> dict[str, Interface]:
    found: dict[str, Interface] = {}
    automatic: set[str] = set()
    current: Interface | None = None
    family, priority = "inet", 2
    for raw in text.replace("\\\n", " ").split("\n"):
        line = raw.strip()
        words = line.split()
        if line.startswith("#") and current is not None and not raw.startswith("##"):
            current["comments" if family == "inet" else "comments6"] = (
                current.get("comments" if family == "inet" else "comments6", "") + line[1:] + "\n"
            )
        elif not words or line.startswith("#"):
            continue
        elif words[0] == "auto":
            automatic.update(words[1:])
            current = None
        elif words[0].startswith("allow-") or words[0] in ("source", "source-directory", "mapping"):
            current = None
        elif words[0] == "iface" and len(words) >= 2:
            name = words[1]
            family, method = (words[2], words[3]) if len(words) > 3 else ("inet", "manual")
            if name not in found:
                if name != "lo":
                    priority += 1
                found[name] = {"priority": priority}
            current = found[name]
            current["method6" if family == "inet6" else "method"] = method
            families = current.setdefault("families", [])
            if family not in families:
                families.append(family)
        elif current is not None:
            _option(current, family, words[0], line[len(words[0]) :].strip())
    for name in automatic & found.keys():
        found[name]["autostart"] = 1
    return found


def _option(interface: Interface, family: str, key: str, value: str) -> None:
    suffix = "6" if family == "inet6" else ""
    plain = key.replace("-", "_")
    if key == "address":
        address, _unused, bits = value.partition("/")
        interface[f"address{suffix}"] = address
        if bits:
            interface[f"netmask{suffix}"] = bits
    elif key == "netmask":
        interface[f"netmask{suffix}"] = (
            str(ipaddress.ip_network(f"0.0.0.0/{value}").prefixlen) if "." in value else value
        )
    elif key in _PLAIN:
        interface[f"{key}{suffix}" if key == "gateway" else key] = value
    elif plain in _RENAMED:
        name = _RENAMED[plain]
        if name == "bridge_vlan_aware":
            interface[name] = 1
        elif name in ("bridge_ports", "slaves"):
            interface[name] = "" if value == "none" else value
        else:
            interface[name] = value
    else:
        interface.setdefault(f"options{suffix}", []).append(f"{key} {value}".strip())


def _complete_addresses(interface: Interface) -> None:
    for suffix in ("", "6"):
        address, netmask = interface.get(f"address{suffix}"), interface.get(f"netmask{suffix}")
        if address and netmask:
            interface[f"cidr{suffix}"] = f"{address}/{netmask}"


def _type(name: str, interface: Interface) -> str:
    if interface.get("ovs_type") in _OVS:
        return str(interface["ovs_type"])
    if "bridge_ports" in interface:
        return "bridge"
    if "slaves" in interface or "bond_mode" in interface:
        return "bond"
    if re.fullmatch(r"\S+:\d+", name):
        return "alias"
    if "vlan-raw-device" in interface or re.fullmatch(r"\S+\.\d+", name) or re.fullmatch(r"vlan\d+", name):
        match = re.fullmatch(r"(\S+)\.(\d+)", name)
        if match:
            interface.setdefault("vlan-raw-device", match[1])
            interface.setdefault("vlan-id", match[2])
        elif name.startswith("vlan"):
            interface.setdefault("vlan-id", name[4:])
        return "vlan"
    return "eth" if re.fullmatch(r"(?:eth\d+|en[a-z0-9]+|nic\w*|ib\w*)", name) else "unknown"


def _physical() -> set[str]:
    base = paths.at("/sys/class/net")
    names = {path.name for path in base.iterdir()} if base.is_dir() else set()
    return {name for name in names if re.fullmatch(r"(?:eth\d+|en[a-z0-9]+)", name)}


def _up() -> set[str]:
    base = paths.at("/sys/class/net")
    up = set()
    for path in base.iterdir() if base.is_dir() else ():
        flags = path / "flags"
        if flags.exists() and int(flags.read_text(), 16) & 1:
            up.add(path.name)
    return up
