"""From a configuration to the text of /etc/network/interfaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cmp_to_key
from typing import Any

from ..errors import Failure
from ..text import truth
from .checks import check
from .model import OVS_BOND_MODES, OVS_PORTS, Config, Interface, ovs_options, set_ovs_options
from .reading import mask_bits

HEADER = "# Written by the stand-in for Proxmox's network configuration; 'source' lines are kept.\n\n"

_OF_FAMILY = ("method", "address", "netmask", "gateway", "broadcast", "options", "comments")
_NEVER_PLAIN = {
    *("type", "priority", "active", "exists", "autostart", "families", "uplink-id"),
    *(key + suffix for key in _OF_FAMILY for suffix in ("", "6")),
}
"""What is not written as `key value`: it stands elsewhere, or nowhere (an uplink-id is lost)."""
_ORDER = {
    "loopback": 100000,
    "dummy": 100000,
    "eth": 200000,
    "OVSPort": 200000,
    "OVSIntPort": 300000,
    "OVSBond": 400000,
    "bond": 400000,
    "bridge": 500000,
    "OVSBridge": 500000,
    "vlan": 600000,
    "vxlan": 600000,
}

Lines = Iterator[tuple[str, Any]]


def render(config: Config, *, ifupdown2: bool = True) -> str:
    """The file's text. Raises Failure for a configuration that Proxmox would not write."""
    interfaces = deepcopy(config.interfaces)
    check(interfaces, ifupdown2=ifupdown2)
    text, kept = HEADER, list(config.lines)
    for name in _ordered(interfaces):
        interface = interfaces[name]
        before = [line for priority, line in kept if priority < (interface.get("priority") or 0)]
        if before:
            # Kept in the order of the file, so these are the first ones.
            text += "".join(f"{line}\n" for line in before) + "\n"
            kept = kept[len(before) :]
        text += _interface(name, interface, ifupdown2)
    return text + "".join(f"{line}\n" for _unused, line in kept)


def _ordered(interfaces: dict[str, Interface]) -> list[str]:
    """By type, then as in the file. What is of no known type is only compared by its place in the file."""

    def rank(name: str) -> int | None:
        base, *children = [part for part in re.split(r"[.:]", name) if part]
        kind = interfaces.get(base, {}).get("type")
        return None if kind in (None, "unknown") else _ORDER.get(kind, 0) + len(children)

    def compare(one: str, other: str) -> int:
        ranks = rank(one), rank(other)
        places = [interfaces[name].get("priority") for name in (one, other)]
        keys = [50000 if place is None else place for place in places]
        if ranks[0] is not None and ranks[1] is not None:
            keys = [key + place for key, place in zip(keys, (ranks[0], ranks[1]), strict=True)]
        if keys[0] != keys[1]:
            return -1 if keys[0] < keys[1] else 1
        return -1 if one < other else int(one > other)

    return sorted(interfaces, key=cmp_to_key(compare))


def _interface(name: str, interface: Interface, ifupdown2: bool) -> str:
    text = ""
    if truth(interface.get("autostart")):
        # ifupdown brings the bridges of Open vSwitch up through a class of their own.
        text += f"allow-ovs {name}\n" if interface["type"] == "OVSBridge" and not ifupdown2 else f"auto {name}\n"
    if "families" not in interface:
        raise Failure(f"Can't use an undefined value as an ARRAY reference ({name} is referred to and not there)")
    if interface["families"] == ["inet6"]:
        interface["comments6"] = interface.pop("comments", None)
    for position, family in enumerate(interface["families"]):
        text += _stanza(name, interface, family, position == 0, ifupdown2)
    return text


def _stanza(name: str, interface: Interface, family: str | None, first: bool, ifupdown2: bool) -> str:
    """One stanza. What belongs to no family stands only in the first; without a family all is in one."""
    suffixes = ("", "6") if family is None else (family[4:],)
    head = f"iface {name}\n"
    if family is not None:
        if not truth(interface.get(f"method{suffixes[0]}")):
            return ""
        head = f"iface {name} {family} {interface[f'method{suffixes[0]}']}\n"
    lines = [line for suffix in suffixes for line in _address(interface, suffix)]
    if first:
        lines += [f"{key} {value}" for key, value in _settings(name, interface)]
        bridge = interface.get("ovs_bridge")
        if truth(bridge) and interface["type"] in OVS_PORTS:
            head = (f"auto {name}\n" if ifupdown2 else f"allow-{bridge} {name}\n") + head
    text = head + "".join(f"\t{line}\n" for line in lines)
    for suffix in suffixes:
        text += "".join(f"\t{option}\n" for option in interface.get(f"options{suffix}") or ())
        comments = (interface.get(f"comments{suffix}") or "").rstrip("\n")
        text += "".join(f"#{line}\n" for line in comments.split("\n")) if comments else ""
    return text + "\n"


def _address(interface: Interface, suffix: str) -> Iterator[str]:
    address = interface.get(f"address{suffix}")
    if truth(address):
        bits = None if re.search(r"/\d+$", str(address)) else mask_bits(interface.get(f"netmask{suffix}"))
        yield f"address {address}/{bits}" if bits else f"address {address}"
    if truth(interface.get(f"gateway{suffix}")):
        yield f"gateway {interface[f'gateway{suffix}']}"


def _settings(name: str, interface: Interface) -> Lines:
    """What the type has to say in its own spelling, then the rest by name."""
    special = {
        "bridge": _bridge,
        "bond": _bond,
        "vlan": _vlan,
        "vxlan": _vxlan,
        "OVSBridge": _ovs_bridge,
        **dict.fromkeys(OVS_PORTS, _ovs_port),
    }.get(str(interface.get("type")))
    done = set(_NEVER_PLAIN)
    if special:
        lines, spoken_for = special(name, interface)
        done |= spoken_for
        yield from lines
    for key in sorted(interface):
        if key not in done and truth(interface[key]):
            yield key, interface[key]


Special = tuple[list[tuple[str, Any]], set[str]]


def _when(interface: Interface, key: str, spelled: str = "") -> list[tuple[str, Any]]:
    return [(spelled or key, interface[key])] if truth(interface.get(key)) else []


def _spaced(ports: Any) -> str:
    return re.sub(r"[;,\s]+", " ", ports) if truth(ports) else "none"


def _bridge(name: str, interface: Interface) -> Special:
    stp, delay = interface.get("bridge_stp"), interface.get("bridge_fd")
    stp = "off" if stp is None else stp
    lines = [("bridge-ports", _spaced(interface.get("bridge_ports"))), ("bridge-stp", stp)]
    if stp == "off" and delay is None:
        lines.append(("bridge-fd", 0))
    elif delay is not None and (stp == "off" or 2 <= _number(delay) <= 30):
        lines.append(("bridge-fd", delay))
    if interface.get("bridge_vlan_aware") is not None:
        vids = interface.get("bridge_vids")
        lines += [("bridge-vlan-aware", "yes"), ("bridge-vids", vids if truth(vids) else "2-4094")]
    done = {"bridge_ports", "bridge_stp", "bridge_fd", "bridge_vlan_aware", "bridge_vids", "mtu"}
    return lines + _when(interface, "mtu"), done | {"bridge-disable-mac-learning"}


def _number(value: Any) -> float:
    """Perl's number of a text: what stands at its beginning."""
    match = re.match(r"\s*[+-]?\d+(?:\.\d*)?", str(value))
    return float(match[0]) if match else 0


def _bond(name: str, interface: Interface) -> Special:
    mode, monitor = interface.get("bond_mode"), interface.get("bond_miimon")
    lines = [
        ("bond-slaves", _spaced(interface.get("slaves"))),
        ("bond-miimon", 100 if monitor is None else monitor),
        ("bond-mode", "balance-rr" if mode is None else mode),
    ]
    if mode in ("balance-xor", "802.3ad"):
        lines += _when(interface, "bond_xmit_hash_policy", "bond-xmit-hash-policy")
    if mode == "active-backup":
        lines += _when(interface, "bond-primary")
    done = {"slaves", "bond_miimon", "bond_mode", "bond_xmit_hash_policy", "bond-primary", "mtu"}
    return lines + _when(interface, "mtu"), done


def _vlan(name: str, interface: Interface) -> Special:
    protocol = interface.get("vlan-protocol")
    if truth(protocol) and protocol not in ("802.1ad", "802.1q"):
        raise Failure(f"{name}: wrong vlan-protocol {protocol}")
    return [], set()


def _vxlan(name: str, interface: Interface) -> Special:
    keys = ("vxlan-id", "vxlan-svcnodeip", "vxlan-physdev", "vxlan-local-tunnelip")
    lines = [(key, interface[key]) for key in keys if interface.get(key) is not None]
    lines += [("vxlan-remoteip", address) for address in interface.get("vxlan-remoteip") or ()]
    return lines + _when(interface, "mtu"), {*keys, "vxlan-remoteip", "mtu"}


def _ovs_bridge(name: str, interface: Interface) -> Special:
    lines = [("ovs_type", "OVSBridge"), *_when(interface, "ovs_ports"), *_when(interface, "mtu", "ovs_mtu")]
    return lines, {"ovs_type", "ovs_ports", "mtu"}


def _ovs_port(name: str, interface: Interface) -> Special:
    """Tag and bond mode go back among the options."""
    kind = interface["type"]
    done, lines = {"ovs_tag", "ovs_type", "mtu"}, []
    if interface.get("ovs_tag") is not None:
        _set_option(interface, "tag", interface["ovs_tag"])
    if kind == "OVSBond":
        mode = interface.get("bond_mode") if truth(interface.get("bond_mode")) else "active-backup"
        if mode not in OVS_BOND_MODES:
            raise Failure(f"OVS does not support bond mode '{mode}")  # Proxmox's sentence lacks the quote, too
        _set_option(interface, "lacp", "active" if mode.startswith("lacp-") else None)
        _set_option(interface, "bond_mode", mode.removeprefix("lacp-"))
        lines += _when(interface, "ovs_bonds")
        done |= {"bond_mode", "ovs_bonds"}
    lines.append(("ovs_type", kind))
    if truth(interface.get("ovs_bridge")):
        lines.append(("ovs_bridge", interface["ovs_bridge"]))
        done.add("ovs_bridge")
    return lines + _when(interface, "mtu", "ovs_mtu"), done


def _set_option(interface: Interface, name: str, value: Any) -> None:
    options = ovs_options(interface)
    if truth(value):
        options[name] = str(value)
    else:
        options.pop(name, None)
    set_ovs_options(interface, options)
