"""What Proxmox refuses to write, with its sentences, and what it puts right on the way."""

from __future__ import annotations

import re

from ..errors import Failure
from ..text import split_list, truth
from .model import OVS_PORTS, PORT_KEYS, Interface

Interfaces = dict[str, Interface]

_OF_PORTS = (
    "bridge-learning",
    "bridge-arp-nd-suppress",
    "bridge-unicast-flood",
    "bridge-multicast-flood",
    "bridge-access",
)


def check(interfaces: Interfaces, *, ifupdown2: bool) -> None:
    """Raise Failure for the first fault. Changes the interfaces: ports get started, get or lose their OVS type."""
    used = _ports_used_once(interfaces)
    _drop_ovs_ports_without_bridge(interfaces, used)
    for step in (_ovs_bridges, _ovs_bonds, _bonds, _vxlans):
        step(interfaces)
    _vlans(interfaces, ifupdown2)
    _uplinks(interfaces)
    _bridges(interfaces)


def _words(interface: Interface, key: str) -> list[str]:
    return str(interface.get(key) or "").split()


def _of_type(interfaces: Interfaces, kind: str) -> list[tuple[str, Interface]]:
    return [(name, interface) for name, interface in interfaces.items() if interface.get("type") == kind]


def _ports_used_once(interfaces: Interfaces) -> dict[str, str]:
    used: dict[str, str] = {}
    for name, interface in interfaces.items():
        for suffix in ("", "6"):
            together = interface.pop(f"cidr{suffix}", None)
            if interface.get(f"address{suffix}") is None:
                interface[f"address{suffix}"] = together
        for port in split_list(" ".join(str(interface.get(key) or "") for key in PORT_KEYS)):
            if used.setdefault(port, name) != name:
                raise Failure(f"port '{port}' is already used on interface '{used[port]}'")
    return used


def _drop_ovs_ports_without_bridge(interfaces: Interfaces, used: dict[str, str]) -> None:
    """A port that nobody has is a plain card again, whatever it was; one of something else vanishes."""
    for name in list(interfaces):
        if interfaces[name].get("type") not in OVS_PORTS:
            continue
        bridge = interfaces.get(used.get(name, ""))
        if bridge is None:
            interfaces[name] = {"type": "eth", "exists": 1, "method": "manual", "families": ["inet"]}
        elif bridge.get("type") != "OVSBridge":
            del interfaces[name]


def _fits(interfaces: Interfaces, parent: str, child: str) -> None:
    """Nothing on top may have a greater MTU than what is below; a bond without one takes what it gets."""
    wanted = interfaces.get(child, {}).get("mtu")
    if not truth(wanted):
        return
    below = interfaces.get(parent, {})
    mtu = below.get("mtu")
    if not truth(mtu):
        mtu = wanted if below.get("type") == "bond" else 1500
    if int(str(mtu)) < int(str(wanted)):
        raise Failure(f"interface '{parent}' - mtu {mtu} is lower than '{child}' - mtu {wanted}")


def _ovs_bridges(interfaces: Interfaces) -> None:
    for name, interface in _of_type(interfaces, "OVSBridge"):
        for port in _words(interface, "ovs_ports"):
            if port not in interfaces:
                raise Failure(f"OVS bridge '{name}' - unable to find port '{port}'")
            found = interfaces[port]
            found["autostart"] = 0
            if found.get("type") == "eth":
                found["type"] = "OVSPort"
            elif found.get("type") not in OVS_PORTS:
                raise Failure(f"interface '{port}' is not defined as OVS port/bond")
            found["ovs_bridge"] = name
            _fits(interfaces, name, port)


def _slaves(interfaces: Interfaces, title: str, name: str, key: str, kinds: tuple[str, ...]) -> None:
    for slave in _words(interfaces[name], key):
        # One that is not there has no type, and that is what Proxmox says of it.
        found = interfaces.get(slave, {})
        found["autostart"] = 1
        kind = found.get("type") or ""
        if kind not in kinds:
            wrong = f"wrong interface type on slave '{slave}' ('{kind}' != '{' or '.join(kinds)}')"
            raise Failure(f"{title} '{name}' - {wrong}")
        _fits(interfaces, name, slave)


def _ovs_bonds(interfaces: Interfaces) -> None:
    for name, _unused in _of_type(interfaces, "OVSBond"):
        _slaves(interfaces, "OVS bond", name, "ovs_bonds", ("eth",))


def _bonds(interfaces: Interfaces) -> None:
    for name, interface in _of_type(interfaces, "bond"):
        if not truth(interface.get("slaves")):
            continue
        _slaves(interfaces, "bond", name, "slaves", ("eth", "bond"))
        primary = interface.get("bond-primary")
        if truth(primary) and primary not in _words(interface, "slaves"):
            raise Failure(f"bond '{name}' - bond-primary interface is not a slave")


def _vxlans(interfaces: Interfaces) -> None:
    having: dict[str, str] = {}
    for name, interface in interfaces.items():
        number = interface.get("vxlan-id")
        if interface.get("type") == "vxlan" and truth(number):
            if number in having:
                raise Failure(f"iface {name} - duplicate vxlan-id {number} already used in {having[number]}")
            having[number] = name
        given = [key for key in ("svcnodeip", "remoteip", "local-tunnelip") if f"vxlan-{key}" in interface]
        if len(given) > 1:
            raise Failure(
                f"iface {name} - vxlan-svcnodeip, vxlan-remoteip and vxlan-localtunnelip are mutually exclusive"
            )
        if ("vxlan-svcnodeip" in interface) != ("vxlan-physdev" in interface):
            raise Failure(f"iface {name} - vxlan-svcnodeip and vxlan-physdev must be define together")


def _vlans(interfaces: Interfaces, ifupdown2: bool) -> None:
    for name, interface in _of_type(interfaces, "vlan"):
        parent, number = _vlan_place(name, interface, ifupdown2)
        if int(number) > 4094:
            raise Failure(f"vlan '{name}' - vlan-id {number} should be <= 4094")
        if parent not in interfaces:
            raise Failure(f"vlan '{name}' - unable to find parent '{parent}'")
        kind = interfaces[parent].get("type") or ""
        if kind not in ("eth", "bridge", "bond", "vlan"):
            raise Failure(
                f"vlan '{name}' - wrong interface type on parent '{parent}' ('{kind}' != 'eth|bond|bridge|vlan' )"
            )
        _fits(interfaces, parent, name)


def _vlan_place(name: str, interface: Interface, ifupdown2: bool) -> tuple[str, str]:
    """(parent, id). What the name says is not written as an option."""
    dotted = re.fullmatch(r"(\S+)\.(\d+)", name)
    if dotted:
        interface.pop("vlan-raw-device", None)
        interface.pop("vlan-id", None)
        return dotted[1], dotted[2]
    if not truth(interface.get("vlan-raw-device")):
        raise Failure("missing vlan-raw-device option")
    numbered = re.fullmatch(r"vlan(\d+)", name)
    if numbered:
        interface.pop("vlan-id", None)
        return str(interface["vlan-raw-device"]), numbered[1]
    if not ifupdown2:
        raise Failure("custom vlan interface name need ifupdown2")
    if not truth(interface.get("vlan-id")):
        raise Failure("missing vlan-id option")
    return str(interface["vlan-raw-device"]), str(interface["vlan-id"])


def _uplinks(interfaces: Interfaces) -> None:
    having: dict[str, str] = {}
    for name, interface in interfaces.items():
        uplink = interface.get("uplink-id")
        if not truth(uplink):
            continue
        if interface.get("type") not in ("eth", "bond"):
            raise Failure(f"iface '{name}' - uplink-id {uplink} is only allowed on physical and linux bond interfaces")
        if uplink in having:
            raise Failure(f"iface '{name}' - uplink-id {uplink} is already assigned on '{having[uplink]}'")
        having[uplink] = name


def _bridges(interfaces: Interfaces) -> None:
    known = dict(interfaces)  # a VLAN may come into being by being a port
    ports: dict[str, str] = {}
    for name, interface in _of_type(interfaces, "bridge"):
        for port in _words(interface, "bridge_ports"):
            vlan = re.fullmatch(r"(\S+)\.\d+", port)
            if vlan and port not in known:
                known[port] = {"type": "vlan", "method": "manual", "method6": "manual"}
                known[port]["mtu"] = known.setdefault(vlan[1], {}).get("mtu")
            if port not in known:
                raise Failure(f"bridge '{name}' - unable to find bridge port '{port}'")
            for suffix, nothing in (("", "0.0.0.0"), ("6", "::")):
                method, address = known[port].get(f"method{suffix}"), known[port].get(f"address{suffix}")
                if method == "static" and address != nothing:
                    raise Failure(f"iface {port} - ip address can't be set on interface if bridged in {name}")
            _fits(known, port, name)
            ports[port] = name
    for name, interface in interfaces.items():
        for key in _OF_PORTS:
            if truth(interface.get(key)) and name not in ports:
                only = "bridge port specific options can be used only on interfaces attached to a bridge"
                raise Failure(f"iface {name} - {key}: {only}")
        if truth(interface.get("bridge-access")) and not truth(interfaces[ports[name]].get("bridge_vlan_aware")):
            raise Failure(
                f"iface {name} - bridge-access option can be only used if interface is in a vlan aware bridge"
            )
