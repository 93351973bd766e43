"""The type of an interface: from its options, its name and the machine's hardware, the first that fits."""

from __future__ import annotations

import re

from ..text import truth
from .model import Interface, take_ovs_option

_CARD = re.compile(r"(?:eth\d+|en[^:.]+|ib[^:.]+|(?:nic|if)\d+)")


def classify(name: str, interface: Interface, interfaces: dict[str, Interface], *, physical: bool) -> None:
    """Set the type, and what goes with it. What a VLAN or an alias is on comes into being if it is not there."""
    vlan = re.fullmatch(r"(\S+)\.(\d+)", name)
    alias = re.fullmatch(r"(\S+):\d+", name)
    if interface.get("bridge_ports") is not None:
        _bridge(interface)
    elif interface.get("ovs_type") == "OVSBridge":
        interface["type"] = "OVSBridge"
    elif re.fullmatch(r"bond\d+", name):
        _bond(interface)
    elif alias:
        interface["type"] = "alias"
        _exists_with(alias[1], interface, interfaces)
    elif vlan or truth(interface.get("vlan-raw-device")):
        _vlan(name, vlan, interface, interfaces)
    elif physical or _CARD.fullmatch(name):
        _card(interface)
    elif name == "lo":
        interface["type"] = "loopback"
    else:
        _other(interface)


def _bridge(interface: Interface) -> None:
    interface["type"] = "bridge"
    if interface.get("bridge_stp") is None:
        interface["bridge_stp"] = "off"
    if interface.get("bridge_fd") is None and interface["bridge_stp"] == "off":
        interface["bridge_fd"] = 0


def _bond(interface: Interface) -> None:
    """An OVS bond keeps its mode and LACP in one word, its tag apart from the other options."""
    kind = interface.get("ovs_type")
    interface["type"] = kind if kind == "OVSBond" else "unknown" if truth(kind) else "bond"
    if kind != "OVSBond":
        return
    mode = take_ovs_option(interface, "bond_mode")
    lacp = take_ovs_option(interface, "lacp")
    if mode == "balance-tcp" or (mode == "balance-slb" and lacp == "active"):
        mode = f"lacp-{mode}"
    interface["bond_mode"] = mode
    _tag(interface)


def _card(interface: Interface) -> None:
    kind = interface.get("ovs_type")
    interface["type"] = kind if kind == "OVSPort" else "unknown" if truth(kind) else "eth"
    if kind == "OVSPort":
        _tag(interface)


def _other(interface: Interface) -> None:
    interface["type"] = "unknown"
    if truth(interface.get("vxlan-id")):
        interface["type"] = "vxlan"
    elif interface.get("ovs_type") is not None:
        if interface["ovs_type"] == "OVSIntPort":
            interface["type"] = "OVSIntPort"
            _tag(interface)
    elif interface.get("link-type") == "dummy":
        interface["type"] = "dummy"


def _tag(interface: Interface) -> None:
    tag = take_ovs_option(interface, "tag")
    if tag is not None:
        interface["ovs_tag"] = tag


def _vlan(name: str, dotted: re.Match[str] | None, interface: Interface, interfaces: dict[str, Interface]) -> None:
    interface["type"] = "vlan"
    number = dotted[2] if dotted else (re.fullmatch(r"vlan(\d+)", name) or ["", ""])[1]
    if dotted and not truth(interface.get("vlan-raw-device")):
        interface["vlan-raw-device"] = dotted[1]
    if truth(number):
        interface["vlan-id"] = number
    _exists_with(interface["vlan-raw-device"], interface, interfaces)


def _exists_with(base: str, interface: Interface, interfaces: dict[str, Interface]) -> None:
    if base not in interfaces:
        interfaces[base] = {"exists": 0}
    interface["exists"] = interfaces[base].get("exists")
