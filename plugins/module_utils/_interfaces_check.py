# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What is wrong with a list of interfaces. Pure: needs no machine, and knows more if it is told what the machine has.

The rules are those of PVE/API2/Network.pm and of the writer in PVE::Network::Interfaces (9.x) / PVE::INotify (8.4), which
refuses a whole file for one of them; and what would be lost when Proxmox writes the file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_check_ip as _ip
from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_words as _words

Finding = tuple[str, str, str]

MTU = range(1280, 65521)
MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", re.IGNORECASE)
PCI = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", re.IGNORECASE)
ALLOWED_BELOW = {
    "slaves": ("eth", "bond"),
    "bridge_ports": ("eth", "bond", "vlan", "unknown"),
    "ovs_ports": ("eth", "OVSPort", "OVSBond", "OVSIntPort"),
    "ovs_bonds": ("eth",),
    "vlan": ("eth", "bond", "bridge", "vlan"),
}


def check_interfaces(config: Any, *, known: Collection[str] | None = None) -> list[Finding]:
    """Findings, each C((where, expected, found)); C(where) is such as C([bond0].slaves), to follow a variable's name.

    C(known) are the names of devices that exist besides those in the list. Without it, a name that the list does not
    define is taken for a NIC, unless it looks like a bond, a bridge or a VLAN.
    """
    if not isinstance(config, (list, tuple)):
        return [("", "a list of interfaces", _shown(config))]
    findings = [
        (f"[{number}]", "an interface with its name and options", _shown(item))
        for number, item in enumerate(config)
        if not isinstance(item, Mapping) or not item.get("name")
    ]
    interfaces = [item for item in config if isinstance(item, Mapping) and item.get("name")]
    by_name: dict[str, Mapping[str, Any]] = {}
    for item in interfaces:
        by_name.setdefault(str(item["name"]), item)
    for item in interfaces:
        where = f"[{item['name']}]"
        findings += [(where + field, expected, found) for field, expected, found in _own(item)]
    names = [str(item["name"]) for item in interfaces]
    findings += [
        (f"[{name}]", "each interface once", f"{names.count(name)} times") for name in by_name if names.count(name) > 1
    ]
    findings += _ports(by_name, known)
    findings += _parents(by_name, known)
    findings += _circles(by_name)
    findings += _mtu(by_name)
    findings += _ip.across(by_name)
    findings += _matches(by_name)
    return findings


def _shown(value: Any) -> str:
    return "nothing" if value in (None, "", [], {}) else f"'{value}'"


def _own(item: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong with one interface by itself; C(where) begins with a dot."""
    kind = _words.type_of(item)
    yield from _names(item, kind)
    if kind not in _words.TYPES:
        yield ".type", f"one of {', '.join(_words.TYPES)}", _shown(kind)
        return
    for field in item:
        if field not in _words.FIELDS:
            near = difflib.get_close_matches(str(field), sorted(_words.FIELDS), 1)
            yield f".{field}", f"a known option{f', such as {near[0]}' if near else ''}", f"'{field}'"
        elif field not in _words.COMMON | _words.OWN[kind] and _words.given(item, field):
            owners = [name for name, fields in _words.OWN.items() if field in fields]
            yield f".{field}", f"it on the type {' or '.join(owners)} only", f"it on the type {kind}"
    if item.get("mtu") is not None and not _within(item["mtu"], MTU):
        yield ".mtu", f"a number from {MTU.start} to {MTU.stop - 1}", _shown(item["mtu"])
    for field in _words.HOOKS:
        for line in _lines(item.get(field)):
            if "\n" in line or not line.strip() or line.rstrip().endswith("\\"):
                yield f".{field}", "one command in one line", repr(line)
            elif not line.isascii():
                yield (
                    f".{field}",
                    "ASCII, because Proxmox encodes other characters again each time it writes them",
                    repr(line),
                )
    yield from _ip.own(item)
    yield from _KINDS.get(kind, lambda _item: iter(()))(item)


def _lines(value: Any) -> list[str]:
    return [str(line) for line in value] if isinstance(value, (list, tuple)) else [str(value)] if value else []


def _within(value: Any, numbers: range) -> bool:
    return not isinstance(value, bool) and str(value).isdecimal() and int(value) in numbers


def _names(item: Mapping[str, Any], kind: str) -> Iterator[Finding]:
    name = str(item["name"])
    if not _words.NAME.fullmatch(name):
        yield ".name", "a letter, then letters, digits and '_', and '.TAG' or ':NUMBER' at the end", _shown(name)
    elif len(name.partition(":")[0]) > 15:
        yield ".name", "at most 15 characters, which is what the kernel takes", f"'{name}' ({len(name)})"
    elif name == "lo":
        yield ".name", "an interface other than the loopback, which is always there", "'lo'"
    elif kind in ("bond", "OVSBond") and not _words.BOND.fullmatch(name):
        yield ".name", "bondN, the only names under which Proxmox knows a bond", _shown(name)
    elif kind not in ("bond", "OVSBond") and _words.BOND.fullmatch(name):
        yield ".type", "bond or OVSBond, because Proxmox takes every bondN for one", _shown(kind)
    elif (kind == "alias") != (":" in name):
        yield ".name", "NAME:NUMBER for an alias, and for nothing else", f"'{name}' of the type {kind}"
    elif kind not in ("vlan", "alias") and "." in name:
        yield ".type", "vlan, because Proxmox takes every NAME.TAG for one", _shown(kind)
    elif kind == "OVSIntPort" and _words.NIC.fullmatch(name):
        yield ".name", "a name that is not one of a NIC, for which Proxmox would take it", _shown(name)


def _bond(item: Mapping[str, Any]) -> Iterator[Finding]:
    mode = item.get("bond_mode") or "balance-rr"
    slaves = _words.words(item.get("slaves"))
    if not slaves:
        yield ".slaves", "at least one NIC", "none"
    if mode not in _words.BOND_MODES:
        yield ".bond_mode", f"one of {', '.join(_words.BOND_MODES)}", _shown(mode)
    if _words.given(item, "bond_lacp_rate"):
        if str(item["bond_lacp_rate"]) not in ("slow", "fast", "0", "1"):
            yield ".bond_lacp_rate", "slow or fast", _shown(item["bond_lacp_rate"])
        if mode != "802.3ad":
            yield ".bond_lacp_rate", "it with bond_mode 802.3ad only", f"bond_mode '{mode}'"
    if _words.given(item, "bond_xmit_hash_policy"):
        if item["bond_xmit_hash_policy"] not in _words.HASH_POLICIES:
            found = _shown(item["bond_xmit_hash_policy"])
            yield ".bond_xmit_hash_policy", f"one of {', '.join(_words.HASH_POLICIES)}", found
        if mode not in ("balance-xor", "802.3ad"):
            yield ".bond_xmit_hash_policy", "it with bond_mode balance-xor or 802.3ad only", f"bond_mode '{mode}'"
    primary = item.get("bond_primary")
    if primary and mode != "active-backup":
        yield ".bond_primary", "it with bond_mode active-backup only", f"bond_mode '{mode}'"
    elif primary and primary not in slaves:
        yield ".bond_primary", f"one of the slaves ({', '.join(slaves)})", _shown(primary)
    if item.get("bond_miimon") is not None and not _within(item["bond_miimon"], range(60001)):
        yield ".bond_miimon", "milliseconds, from 0 to 60000", _shown(item["bond_miimon"])


def _bridge(item: Mapping[str, Any]) -> Iterator[Finding]:
    aware = _words.boolean(item.get("bridge_vlan_aware", False))
    if _words.given(item, "bridge_vids") and not aware:
        yield ".bridge_vids", "them on a bridge with bridge_vlan_aware only", "a bridge that is not VLAN-aware"
    for vids in _words.words(item.get("bridge_vids")):
        first, dash, last = vids.partition("-")
        tags = [first, last] if dash else [first]
        if not all(_within(tag, range(2, 4095)) for tag in tags) or (dash and int(first) >= int(last)):
            yield ".bridge_vids", "VLAN tags from 2 to 4094, or ranges LOW-HIGH of them", _shown(vids)
    delay = item.get("bridge_fd")
    least = 2 if _words.boolean(item.get("bridge_stp", False)) else 0
    if delay is not None and not _within(delay, range(least, 31)):
        yield ".bridge_fd", f"seconds, from {least} to 30{' with bridge_stp' if least else ''}", _shown(delay)


def _vlan(item: Mapping[str, Any]) -> Iterator[Finding]:
    tag = _words.vlan_id(item)
    if tag is None:
        yield ".vlan_id", "the tag, because the name has none", "nothing"
    elif not _within(tag, range(1, 4095)):
        yield ".vlan_id", "a number from 1 to 4094", _shown(tag)
    elif item.get("vlan_id") is not None and str(item["vlan_id"]) != str(tag):
        yield ".vlan_id", f"{tag}, which is what Proxmox takes from the name", _shown(item["vlan_id"])
    parent = _words.parent_of(item)
    if not parent:
        yield ".vlan_raw_device", "the device that carries the VLAN", "nothing"
    elif item.get("vlan_raw_device") and item["vlan_raw_device"] != parent:
        found = _shown(item["vlan_raw_device"])
        yield ".vlan_raw_device", f"'{parent}', which is what Proxmox takes from the name", found


def _alias(item: Mapping[str, Any]) -> Iterator[Finding]:
    if not _words.given(item, "addresses"):
        yield ".addresses", "an address, which is what an alias is for", "none"


def _ovs(item: Mapping[str, Any]) -> Iterator[Finding]:
    if item.get("ovs_tag") is not None and not _within(item["ovs_tag"], range(1, 4095)):
        yield ".ovs_tag", "a number from 1 to 4094", _shown(item["ovs_tag"])


def _ovs_bond(item: Mapping[str, Any]) -> Iterator[Finding]:
    yield from _ovs(item)
    if not _words.given(item, "ovs_bonds"):
        yield ".ovs_bonds", "the NICs of the bond", "none"
    mode = item.get("bond_mode") or "active-backup"
    if mode not in _words.OVS_BOND_MODES:
        yield ".bond_mode", f"one of {', '.join(_words.OVS_BOND_MODES)}", _shown(mode)


def _nic(item: Mapping[str, Any]) -> Iterator[Finding]:
    match = item.get("match")
    if match and (not isinstance(match, Mapping) or len([key for key in match if match[key]]) != 1):
        yield ".match", "either mac or pci", _shown(match)
    elif match:
        if match.get("mac") and not MAC.fullmatch(str(match["mac"])):
            # in YAML, 12:34:56:10:20:30 is a number of base 60
            quotes = ", in quotes" if isinstance(match["mac"], int) else ""
            yield ".match.mac", f"a MAC address such as 52:54:00:12:34:56{quotes}", _shown(match["mac"])
        if match.get("pci") and not PCI.fullmatch(str(match["pci"])):
            yield ".match.pci", "a PCI path such as 0000:01:00.0", _shown(match["pci"])
        if set(match) - {"mac", "pci"}:
            yield ".match", "either mac or pci", _shown(match)
    if item.get("pin"):
        if not match:
            yield ".pin", "it with match only, which says which NIC is meant", "no match"
        name = str(item["name"])
        if not _words.NIC.fullmatch(name) or re.fullmatch(r"eth\d+", name):
            yield ".name", "a name for a NIC that the kernel does not give by itself, such as nic0", f"'{name}'"


_KINDS = {
    "bond": _bond,
    "bridge": _bridge,
    "vlan": _vlan,
    "alias": _alias,
    "eth": _nic,
    "OVSBond": _ovs_bond,
    "OVSIntPort": _ovs,
    "OVSPort": lambda item: (finding for part in (_ovs, _nic) for finding in part(item)),
}


def _exists(name: str, by_name: Mapping[str, Any], known: Collection[str] | None) -> bool:
    if name in by_name or (known is not None and name in known):
        return True
    dotted = re.fullmatch(r"(\S+)\.\d+", name)
    if dotted:
        # a bridge port NAME.TAG needs no stanza of its own
        return _exists(dotted.group(1), by_name, known)
    return known is None and not re.fullmatch(r"(vmbr|bond|vlan)\d+", name)


def _ports(by_name: Mapping[str, Any], known: Collection[str] | None) -> Iterator[Finding]:
    used: dict[str, str] = {}
    for name, item in by_name.items():
        for field in _words.PORT_FIELDS:
            if field not in _words.OWN.get(_words.type_of(item), ()):
                continue
            ports = [port for port in _words.words(item.get(field)) if port != "none"]
            where = f"[{name}].{field}"
            for port in ports:
                if port in used:
                    yield where, "each port in one place", f"'{port}', which {used[port]} uses already"
                    continue
                used[port] = name
                if port == name:
                    yield where, "other devices than itself", f"'{port}'"
                elif not _exists(port, by_name, known):
                    yield where, f"devices that exist or are listed{_have(by_name, known)}", f"'{port}'"
                elif port in by_name:
                    yield from _port(where, field, port, by_name[port])
    yield from _ovs_bridges(by_name)


def _port(where: str, field: str, port: str, item: Mapping[str, Any]) -> Iterator[Finding]:
    kind = _words.type_of(item)
    if kind not in ALLOWED_BELOW[field]:
        yield where, f"devices of the type {' or '.join(ALLOWED_BELOW[field][:4])}", f"'{port}' of the type {kind}"
    elif kind != "OVSIntPort" and _words.given(item, "addresses"):
        yield f"[{port}].addresses", f"none, because {where[1:].partition(']')[0]} uses it", f"{item['addresses']}"


def _have(by_name: Mapping[str, Any], known: Collection[str] | None) -> str:
    return f" ({', '.join(sorted({*by_name, *known}))})" if known is not None else ""


def _ovs_bridges(by_name: Mapping[str, Any]) -> Iterator[Finding]:
    listed = {port for item in by_name.values() for port in _words.words(item.get("ovs_ports"))}
    for name, item in by_name.items():
        if _words.type_of(item) not in ("OVSIntPort", "OVSBond", "OVSPort"):
            continue
        bridge = item.get("ovs_bridge")
        if not bridge and name not in listed:
            yield f"[{name}].ovs_bridge", "the OVS bridge that it belongs to", "nothing"
        elif bridge and (bridge not in by_name or _words.type_of(by_name[bridge]) != "OVSBridge"):
            yield f"[{name}].ovs_bridge", "the name of an interface of the type OVSBridge", _shown(bridge)


def _parents(by_name: Mapping[str, Any], known: Collection[str] | None) -> Iterator[Finding]:
    for name, item in by_name.items():
        parent = _words.parent_of(item)
        if not parent:
            continue
        where = f"[{name}]" + (".vlan_raw_device" if "vlan_raw_device" in item else "")
        if not _exists(parent, by_name, known):
            yield where, f"a device below it that exists or is listed{_have(by_name, known)}", f"'{parent}'"
        elif _words.type_of(item) == "vlan" and parent in by_name:
            kind = _words.type_of(by_name[parent])
            if kind not in ALLOWED_BELOW["vlan"]:
                yield where, f"a device of the type {', '.join(ALLOWED_BELOW['vlan'])} below it", f"'{parent}' ({kind})"


def _below(name: str, by_name: Mapping[str, Any]) -> list[str]:
    """The devices that one is made of."""
    item = by_name.get(name, {"name": name})
    if _words.type_of(item) == "alias":
        return []
    ports = [port for field in _words.PORT_FIELDS for port in _words.words(item.get(field)) if port != name]
    parent = _words.parent_of(item)
    return [*ports, str(parent)] if parent else ports


def _circles(by_name: Mapping[str, Any]) -> Iterator[Finding]:
    told: set[str] = set()
    for start in by_name:
        way, open_ = {start: [start]}, [start]
        while open_ and start not in told:
            name = open_.pop()
            for below in _below(name, by_name):
                if below == start:
                    told.update(way[name])
                    yield f"[{start}]", "a device that is not made of itself", " of ".join([*way[name], start])
                    break
                if below not in way:
                    way[below] = [*way[name], below]
                    open_.append(below)


def _size(item: Mapping[str, Any] | None) -> int | None:
    value = (item or {}).get("mtu")
    return int(value) if value is not None and str(value).isdecimal() else None


def _mtu(by_name: Mapping[str, Any]) -> Iterator[Finding]:
    """An MTU is at most that of what carries it; a bond without one takes that of whatever is on it."""
    pairs: list[tuple[str, str]] = []
    for name, item in by_name.items():
        kind = _words.type_of(item)
        if kind == "bridge":
            pairs += [(port, name) for port in _words.words(item.get("bridge_ports"))]
        elif kind == "vlan":
            pairs.append((str(_words.parent_of(item)), name))
        elif kind in ("bond", "OVSBond", "OVSBridge"):
            ports = [port for field in _words.PORT_FIELDS for port in _words.words(item.get(field))]
            pairs += [(name, port) for port in ports]
    for above, below in pairs:
        size, item = _size(by_name.get(below)), by_name.get(above)
        dotted = re.fullmatch(r"(\S+)\.\d+", above)
        if item is None and dotted:
            item = by_name.get(dotted.group(1))
        if size is None or item is None:
            continue
        limit = _size(item) or (size if _words.type_of(item) == "bond" else 1500)
        if size > limit:
            yield f"[{below}].mtu", f"at most {limit}, the MTU of '{above}'", f"{size}"


def _matches(by_name: Mapping[str, Any]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name, item in by_name.items():
        match = item.get("match")
        if not isinstance(match, Mapping):
            continue
        for value in (str(value).lower() for value in match.values() if value):
            if value in seen:
                yield f"[{name}].match", "each NIC once", f"'{value}', which is '{seen[value]}' already"
            seen.setdefault(value, name)


def sentences(host: str, variable: str, findings: Sequence[Finding]) -> list[str]:
    """Findings in the one shape that all have."""
    return [f"{host}: {variable}{where}: expected {expected}, found {found}" for where, expected, found in findings]
