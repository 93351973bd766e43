# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The text of an interface, byte for byte as Proxmox's writer makes it (__interface_to_string), so that a change in the
GUI afterwards changes nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._interfaces_file import Interface, Stanza
from ansible_collections.baremetal.proxmox.plugins.module_utils._interfaces_item import of_family

Item = Mapping[str, Any]


def write(item: Item, old: Interface | None = None) -> Interface:
    """The interface of a normal item. Its place in the file, and comments in front of it, stay those of C(old)."""
    families = [
        family
        for family, method in (("inet", item["method"]), ("inet6", item["method6"]))
        if method != "manual" or (family == "inet6" and item["options6"])
    ] or ["inet"]
    if item["options"] and "inet" not in families:
        families.insert(0, "inet")
    name = item["name"]
    interface = Interface(name, old.priority if old else None, "auto" if item["autostart"] else None)
    interface.lead = list(old.lead) if old else []
    for family in families:
        lines = _addresses(item, family)
        if family == families[0]:
            lines += [*_of_type(item), *_settings(item), *_options(item)]
        if family == "inet6":
            lines += item["options6"]
        lines += _commands(item, family, families)
        method = item["method6" if family == "inet6" else "method"]
        # comments of both families are one to Proxmox, which writes them with the first, or with the only one
        comments = (item["comments"] or []) if family == families[0] else []
        text = f"iface {name} {family} {method}\n" + "".join(f"\t{line}\n" for line in lines)
        text += "".join(f"#{line}\n" for line in comments)
        options = [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]
        interface.stanzas.append(Stanza(family, method, options, list(comments), text))
    return interface


def _addresses(item: Item, family: str) -> list[str]:
    found = of_family(item, 6 if family == "inet6" else 4)[:1]
    gateway = item["gateway6" if family == "inet6" else "gateway"]
    return [f"address {text}" for text in found] + ([f"gateway {gateway}"] if gateway else [])


def _of_type(item: Item) -> list[str]:
    kind = item["type"]
    mtu = [f"{'ovs_mtu' if kind.startswith('OVS') else 'mtu'} {item['mtu']}"] if item["mtu"] else []
    return [*_TYPES[kind](item), *mtu] if kind in _TYPES else []


def _bridge(item: Item) -> list[str]:
    lines = [
        f"bridge-ports {' '.join(sorted(item['bridge_ports'])) or 'none'}",
        f"bridge-stp {'on' if item['bridge_stp'] else 'off'}",
    ]
    if item["bridge_fd"] is not None:
        lines.append(f"bridge-fd {item['bridge_fd']}")
    if item["bridge_vlan_aware"]:
        lines += ["bridge-vlan-aware yes", f"bridge-vids {item['bridge_vids']}"]
    return lines


def _bond(item: Item) -> list[str]:
    lines = [
        f"bond-slaves {' '.join(sorted(item['slaves'])) or 'none'}",
        f"bond-miimon {item['bond_miimon']}",
        f"bond-mode {item['bond_mode']}",
    ]
    if item["bond_xmit_hash_policy"]:
        lines.append(f"bond-xmit-hash-policy {item['bond_xmit_hash_policy']}")
    if item["bond_primary"]:
        lines.append(f"bond-primary {item['bond_primary']}")
    return lines


def _ovs_bridge(item: Item) -> list[str]:
    return ["ovs_type OVSBridge", *([f"ovs_ports {' '.join(item['ovs_ports'])}"] if item["ovs_ports"] else [])]


def _ovs_port(item: Item) -> list[str]:
    lines = [f"ovs_bonds {' '.join(item['ovs_bonds'])}"] if item["type"] == "OVSBond" and item["ovs_bonds"] else []
    lines.append(f"ovs_type {item['type']}")
    return [*lines, *([f"ovs_bridge {item['ovs_bridge']}"] if item["ovs_bridge"] else [])]


_TYPES = {
    "bridge": _bridge,
    "bond": _bond,
    "OVSBridge": _ovs_bridge,
    "OVSBond": _ovs_port,
    "OVSIntPort": _ovs_port,
    "OVSPort": _ovs_port,
}


def _settings(item: Item) -> list[str]:
    """What Proxmox writes in alphabetical order after the options of the type."""
    kind, name = item["type"], item["name"]
    found = dict(item["extra"])
    if kind not in _TYPES and item["mtu"]:
        found["mtu"] = item["mtu"]
    if kind == "vlan" and "." not in name:
        found["vlan-raw-device"] = item["vlan_raw_device"]
        if name != f"vlan{item['vlan_id']}":
            found["vlan-id"] = item["vlan_id"]
    if kind.startswith("OVS") and (options := _ovs_options(item)):
        found["ovs_options"] = options
    return [f"{key} {found[key]}" for key in sorted(found)]


def _ovs_options(item: Item) -> str:
    words = str(item["ovs_options"] or "").split()
    if item.get("ovs_tag"):
        words.append(f"tag={item['ovs_tag']}")
    if item["type"] == "OVSBond":
        mode = str(item["bond_mode"])
        words += ["lacp=active"] if mode.startswith("lacp-") else []
        words.append(f"bond_mode={mode.removeprefix('lacp-')}")
    return " ".join(sorted(words))


def _options(item: Item) -> list[str]:
    """Lines that Proxmox keeps without knowing them, in the order in which they stand."""
    rate = [f"bond-lacp-rate {item['bond_lacp_rate']}"] if item["type"] == "bond" and item["bond_lacp_rate"] else []
    return [*rate, *item["options"]]


def _commands(item: Item, family: str, families: list[str]) -> list[str]:
    """ifupdown2 brings one stanza up after the other: a command stands where all that it may need is there."""
    first, last = family == families[0], family == families[-1]
    lines = [f"pre-up {line}" for line in item["pre_up"] if first]
    for route in item["routes"]:
        own = "inet6" if ":" in route["to"] else "inet"
        if own == family or (own not in families and last):
            lines.append(f"post-up {route_command(item, route)}")
    lines += [f"post-up {line}" for line in item["post_up"] if last]
    lines += [f"pre-down {line}" for line in item["pre_down"] if first]
    return lines + [f"post-down {line}" for line in item["post_down"] if last]


def device(item: Item) -> str:
    """The kernel's name: an alias is an address on the device before the colon."""
    return item["name"].partition(":")[0]


def route_command(item: Item, route: Mapping[str, Any]) -> str:
    """C(replace), because every reload runs the line again."""
    family = " -6" if ":" in route["to"] else ""
    metric = f" metric {route['metric']}" if route["metric"] is not None else ""
    return f"ip{family} route replace {route['to']} via {route['via']} dev {device(item)}{metric}"


def kept(item: Item) -> list[str]:
    """The lines of an interface that the collection has no word for."""
    return [*(f"{key} {value}" for key, value in sorted(item["extra"].items())), *item["options"], *item["options6"]]
