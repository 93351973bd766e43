# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""One interface as data, from its stanzas.

An *item* is an interface in the collection's words (see _interfaces_words) with every field that its type has filled in,
and three things more: C(options) and C(options6), lines that we have no word for, by family, and C(extra), such options
for which Proxmox has a word (it writes them in a place of their own).
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_words as _words
from ansible_collections.baremetal.proxmox.plugins.module_utils._interfaces_file import Interface, Stanza, kind_of

# PVE::Network::Interfaces, simple_options without those that have a word of ours
EXTRA = (
    "bridge-access", "bridge-arp-nd-suppress", "bridge-disable-mac-learning", "bridge-learning",
    "bridge-multicast-flood", "bridge-unicast-flood", "link-type", "vlan-protocol",
)  # fmt: skip
# a key in the file, as both parsers take it, and our word for it
FIELDS = {
    "mtu": "mtu",
    "ovs-mtu": "mtu",
    "slaves": "slaves",
    "bond-slaves": "slaves",
    "bond-ports": "slaves",
    "bond-mode": "bond_mode",
    "bond-miimon": "bond_miimon",
    "bond-lacp-rate": "bond_lacp_rate",
    "bond-xmit-hash-policy": "bond_xmit_hash_policy",
    "bond-primary": "bond_primary",
    "bridge-ports": "bridge_ports",
    "bridge-vlan-aware": "bridge_vlan_aware",
    "bridge-vids": "bridge_vids",
    "bridge-stp": "bridge_stp",
    "bridge-fd": "bridge_fd",
    "vlan-raw-device": "vlan_raw_device",
    "vlan-id": "vlan_id",
    "ovs-type": "",
    "ovs-ports": "ovs_ports",
    "ovs-bonds": "ovs_bonds",
    "ovs-bridge": "ovs_bridge",
    "ovs-options": "ovs_options",
}
HOOKS = {"pre-up": "pre_up", "up": "post_up", "post-up": "post_up", "pre-down": "pre_down", "post-down": "post_down"}
ROUTE = re.compile(
    r"ip (?:-[46] )?route (?:add|replace|append) (?P<to>\S+/\d+) via (?P<via>[0-9a-fA-F.:]+)"
    r"(?: dev (?P<dev>\S+))?(?: metric (?P<metric>\d+))?(?: dev (?P<dev2>\S+))?\s*$"
)
LISTS = ("addresses", "routes", *_words.HOOKS, *_words.PORT_FIELDS)
NUMBERS = ("mtu", "bond_miimon", "bridge_fd", "vlan_id", "ovs_tag")
DEFAULTS: dict[str, dict[str, Any]] = {
    "bond": {"bond_mode": "balance-rr", "bond_miimon": 100},
    "bridge": {"bridge_vlan_aware": False, "bridge_stp": False},
    "OVSBond": {"bond_mode": "active-backup"},
}
RATES = {"0": "slow", "1": "fast"}


def normal(interface: Mapping[str, Any]) -> dict[str, Any]:
    """An item of what a user wrote, or a parser found: types, lists, numbers and defaults filled in. Idempotent."""
    kind = _words.type_of(interface)
    item = {
        field: interface.get(field) for field in _words.COMMON | _words.OWN[kind] | {"options", "options6", "extra"}
    }
    item |= {"name": str(interface["name"]), "type": kind}
    item["autostart"] = True if item["autostart"] is None else _words.boolean(item["autostart"])
    for field, default in DEFAULTS.get(kind, {}).items():
        item[field] = default if item[field] in (None, "") else item[field]
    for field in set(LISTS) & set(item):
        value = item[field]
        item[field] = _words.words(value) if field in ("addresses", *_words.PORT_FIELDS) else list(value or [])
    for field in set(NUMBERS) & set(item):
        item[field] = int(item[field]) if str(item[field]).isdecimal() else None
    item["addresses"] = [str(ipaddress.ip_interface(text)) for text in item["addresses"]]
    item["routes"] = [_route(route) for route in item["routes"]]
    _fold_routes(item)
    for field in ("gateway", "gateway6"):
        item[field] = str(ipaddress.ip_address(item[field])) if item[field] else None
    item["comments"] = (
        item["comments"].strip("\n").splitlines() if isinstance(item["comments"], str) else item["comments"]
    )
    item["options"], item["options6"] = list(item["options"] or []), list(item["options6"] or [])
    item["extra"] = dict(item["extra"] or {})
    _methods(item)
    _kinds(item, kind)
    return item


def _route(route: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "to": str(ipaddress.ip_network(str(route["to"]), strict=False)),
        "via": str(ipaddress.ip_address(str(route["via"]))),
        "metric": int(route["metric"]) if route.get("metric") not in (None, "") else None,
    }


def _fold_routes(item: dict[str, Any]) -> None:
    """A command that adds a route is a route, whoever wrote it."""
    commands, item["post_up"] = item["post_up"], []
    for command in commands:
        route = ROUTE.fullmatch(command.strip())
        device = (route.group("dev") or route.group("dev2")) if route else None
        if route and device in (None, "$IFACE", item["name"], item["name"].partition(":")[0]):
            found = _route({name: route.group(name) for name in ("to", "via", "metric")})
            item["routes"] += [found] if found not in item["routes"] else []
        else:
            item["post_up"].append(command)


def of_family(item: Mapping[str, Any], version: int) -> list[str]:
    return [text for text in item["addresses"] if (":" in text) == (version == 6)]


def _methods(item: dict[str, Any]) -> None:
    for version, field in ((4, "method"), (6, "method6")):
        item[field] = "static" if of_family(item, version) else item[field] or "manual"


def _kinds(item: dict[str, Any], kind: str) -> None:
    if kind == "bridge":
        item["bridge_ports"] = [port for port in item["bridge_ports"] if port != "none"]
        item["bridge_vlan_aware"] = _words.boolean(item["bridge_vlan_aware"])
        item["bridge_stp"] = _words.boolean(item["bridge_stp"])
        vids = " ".join(_words.words(item["bridge_vids"]))
        item["bridge_vids"] = (vids or "2-4094") if item["bridge_vlan_aware"] else None
        if item["bridge_fd"] is None and not item["bridge_stp"]:
            item["bridge_fd"] = 0
    elif kind == "bond":
        rate = item["bond_lacp_rate"]
        item["bond_lacp_rate"] = RATES.get(str(rate), rate)
        modes = dict(enumerate(_words.BOND_MODES))
        mode = str(item["bond_mode"])
        item["bond_mode"] = modes.get(int(mode), mode) if mode.isdecimal() else mode
    elif kind == "vlan":
        item["vlan_raw_device"], item["vlan_id"] = _words.parent_of(item), _words.vlan_id(item)
    if "ovs_options" in item:
        item["ovs_options"] = " ".join(sorted(str(item["ovs_options"] or "").split()))


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two items mean the same. Ports are sets, as they are to Proxmox; which NIC it is, is none of the file's."""

    def key(item: Mapping[str, Any]) -> dict[str, Any]:
        fields = {name: value for name, value in item.items() if name not in ("match", "pin")}
        fields |= {name: sorted(fields[name]) for name in _words.PORT_FIELDS if name in fields}
        fields["routes"] = sorted(fields["routes"], key=str)
        fields["comments"] = fields["comments"] or []
        fields["options"], fields["options6"] = fields["options"] + fields["options6"], []
        for version in (4, 6):
            fields[f"addresses{version}"] = of_family(item, version)
        return {name: value for name, value in fields.items() if name != "addresses"}

    return key(one) == key(other)


def read(interface: Interface, physical: Collection[str] = ()) -> dict[str, Any] | None:
    """The item of an interface in the file; None for what Proxmox has no word for, and for the loopback."""
    options = {key.replace("_", "-"): value for key, value in interface.options().items()}
    kind = kind_of(interface.name, _both(interface.options()), physical)
    if kind not in _words.TYPES:
        return None
    found: dict[str, Any] = {"name": interface.name, "type": kind, "autostart": interface.auto is not None}
    found |= {"addresses": [], "routes": [], "options": [], "options6": [], "extra": {}, "comments": []}
    found |= {field: [] for field in _words.HOOKS}
    for stanza in interface.stanzas:
        _stanza(stanza, found)
    if "bridge_vlan_aware" in found:
        # Proxmox takes the mere presence for a yes, ifupdown2 reads the word
        found["bridge_vlan_aware"] = _words.boolean(options["bridge-vlan-aware"])
    _ovs_options(found)
    allowed = _words.COMMON | _words.OWN[kind] | {"options", "options6", "extra"}
    for field in set(found) - allowed:
        value = found.pop(field)
        value = " ".join(value) if isinstance(value, list) else value
        found["options"] += [f"{field.replace('_', '-')} {value}"] if value else []
    return normal(found)


def _both(options: Mapping[str, str]) -> dict[str, str]:
    return {**{key.replace("_", "-"): value for key, value in options.items()}, **options}


def _stanza(stanza: Stanza, found: dict[str, Any]) -> None:
    six = stanza.family == "inet6"
    if stanza.method and stanza.method != "static":
        found["method6" if six else "method"] = stanza.method
    found["comments"] += stanza.comments
    kept = found["options6" if six else "options"]
    _addresses(stanza, found)
    for key, value in stanza.options:
        field = FIELDS.get(key.replace("_", "-"))
        if key in ("address", "netmask"):
            continue
        if key == "gateway":
            found["gateway6" if ":" in value else "gateway"] = value
        elif key in HOOKS and value:
            found[HOOKS[key]].append(value)
        elif key in EXTRA:
            found["extra"][key] = value
        elif field is None:
            kept.append(f"{key} {value}".strip())
        elif field in _words.PORT_FIELDS:
            # ports can be set in several lines
            found[field] = [*found.get(field, []), *_words.words(value)]
        elif field:
            found[field] = value


def _addresses(stanza: Stanza, found: dict[str, Any]) -> None:
    """A netmask is about the address above it; one that is none counts for nothing."""
    last: str | None = None
    for key, value in stanza.options:
        if key == "address":
            last = value.split()[0]
            found["addresses"].append(last)
        elif key == "netmask" and last and "/" not in last:
            with contextlib.suppress(ValueError):
                found["addresses"][-1] = str(ipaddress.ip_interface(f"{last}/{value.split()[0]}"))
                last = None


def _ovs_options(found: dict[str, Any]) -> None:
    """Tag and bond mode are options of their own to Proxmox."""
    if found["type"] not in ("OVSBond", "OVSPort", "OVSIntPort"):
        return
    options = dict(word.split("=", 1) for word in str(found.get("ovs_options") or "").split() if "=" in word)
    if "tag" in options:
        found["ovs_tag"] = options.pop("tag")
    if found["type"] == "OVSBond":
        mode, lacp = options.pop("bond_mode", "active-backup"), options.pop("lacp", None)
        found["bond_mode"] = (
            f"lacp-{mode}" if mode == "balance-tcp" or (lacp == "active" and mode == "balance-slb") else mode
        )
        if lacp and lacp != "active":
            options["lacp"] = lacp
    found["ovs_options"] = " ".join(f"{key}={value}" for key, value in options.items())


def public(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as C(config) takes it: what is given by the type or not set is left out."""
    given = {name: value for name, value in item.items() if value is not False and value not in (None, "", [], {})}
    for field in ("options", "options6", "extra"):
        given.pop(field, None)
    for version, field in ((4, "method"), (6, "method6")):
        if item[field] in ("manual", "static") or of_family(item, version):
            given.pop(field, None)
    if item["comments"]:
        given["comments"] = "\n".join(item["comments"])
    given["routes"] = [{key: value for key, value in route.items() if value is not None} for route in item["routes"]]
    if not item["routes"]:
        del given["routes"]
    given["autostart"] = item["autostart"]
    return {name: given[name] for name in sorted(given, key=lambda name: (name != "name", name != "type", name))}
