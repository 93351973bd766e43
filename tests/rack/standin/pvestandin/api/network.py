"""/nodes/{node}/network (PVE/API2/Network.pm).

Changes are staged in /etc/network/interfaces.new; PUT on the list moves that into place, writes what SDN wants, and runs
ifreload. Networks that SDN makes are not listed here. Proxmox also refuses an ifupdown2 that is not its own build; here
Debian's must do.
"""

from __future__ import annotations

import ipaddress
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .. import interfaces, links, network_sdn, paths, tasks
from ..errors import Failure, bad_parameters
from ..filelock import file_lock
from ..interfaces.model import PORT_KEYS, Interface
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..text import split_list, truth

_NODE = "node:pve-node!"
_MODIFY = ["perm", "/nodes/{node}", ["Sys.Modify"]]
_SETTINGS = (
    "type! comments comments6 autostart:boolean bridge_vlan_aware:boolean bridge_vids:pve-vlan-id-or-range-list "
    "bridge_ports:pve-iface-list ovs_ports:pve-iface-list ovs_tag:integer ovs_options ovs_bridge:pve-iface "
    "slaves:pve-iface-list ovs_bonds:pve-iface-list bond_mode bond-primary:pve-iface bond_xmit_hash_policy "
    "vlan-raw-device:pve-iface vlan-id:integer gateway:ipv4 netmask:ipv4mask address:ipv4 cidr:CIDRv4 mtu:integer "
    "gateway6:ipv6 netmask6:integer address6:ipv6 cidr6:CIDRv6"
)
_BRIDGES = ("bridge", "OVSBridge")


@endpoint("GET", "/nodes/{node}/network", permission=ALL, proxyto="node", params=f"{_NODE} type")
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    found = interfaces.read().interfaces
    ctx.attributes["changes"] = interfaces.changes()
    found.pop("lo", None)
    allowed, others = Permissions(), _altnames()
    return [
        {**interface, "iface": name, **_other_names(name, others)}
        for name, interface in sorted(found.items(), key=lambda item: item[1].get("priority", 1 << 30))
        if _wanted(interface.get("type"), params.get("type"))
        and (interface.get("type") not in _BRIDGES or _may_see(allowed, ctx.user, name))
    ]


def _wanted(kind: str | None, wanted: str | None) -> bool:
    """Does an interface pass the filter? include_sdn is no filter at all for these."""
    if not wanted or wanted == "include_sdn":
        return True
    return kind == wanted or (wanted in ("any_bridge", "any_local_bridge") and kind in _BRIDGES)


def _may_see(allowed: Permissions, user: str, bridge: str) -> bool:
    """A bridge is seen by who may use it, or one of its VLANs."""
    path = f"/sdn/zones/localnetwork/{bridge}"
    vlans = [other for other in allowed.config.acl if other.startswith(f"{path}/")]
    return any(allowed.allowed(user, each, ["SDN.Audit", "SDN.Use"], any_of=True) for each in (path, *vlans))


def _altnames() -> dict[str, str]:
    return links.altnames(links.read()) if paths.release() >= (9, 0) else {}


def _other_names(name: str, others: dict[str, str]) -> dict[str, list[str]]:
    """The names that a card has besides the one it is configured by."""
    own = others.get(name, name)
    found = {other for other, link in others.items() if link == own} | {own}
    found.discard(name)
    return {"altnames": sorted(found)} if found else {}


@endpoint(
    "GET",
    "/nodes/{node}/network/{iface}",
    permission=["perm", "/nodes/{node}", ["Sys.Audit"]],
    proxyto="node",
    params=f"{_NODE} iface:pve-iface!",
)
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    name = params["iface"]
    return {**_existing(interfaces.read(), name), **_other_names(name, _altnames())}


def _existing(config: interfaces.Config, name: str) -> Interface:
    if name not in config.interfaces:
        raise bad_parameters({"iface": "interface does not exist"})
    return config.interfaces[name]


@endpoint("DELETE", "/nodes/{node}/network", permission=_MODIFY, proxyto="node", params=_NODE)
def revert(ctx: Context, params: dict[str, Any]) -> None:
    interfaces.revert()


@endpoint(
    "POST", "/nodes/{node}/network", permission=_MODIFY, proxyto="node", params=f"{_NODE} iface:pve-iface! {_SETTINGS}"
)
def create(ctx: Context, params: dict[str, Any]) -> None:
    name, given = _given(params)
    with _changing() as config:
        if name in config.interfaces:
            raise bad_parameters({"iface": "interface already exists"})
        _check_gateways(config, name, given)
        _check_ports(config, name, given)
        _split_addresses(given)
        _check_ipv6(given)
        given["families"] = [family for family, key in _FAMILIES if truth(given.get(key))] or ["inet"]
        _set_methods(given)
        if given["type"].startswith("OVS") and not paths.at("/usr/bin/ovs-vsctl").exists():
            raise Failure("Open VSwitch is not installed (need package 'openvswitch-switch')")
        if given["type"] in ("OVSIntPort", "OVSBond"):
            _join_bridge(config, name, given)
        _space_vids(given)
        config.interfaces[name] = given


@endpoint(
    "PUT",
    "/nodes/{node}/network/{iface}",
    permission=_MODIFY,
    proxyto="node",
    params=f"{_NODE} iface:pve-iface! delete:pve-configid-list {_SETTINGS}",
)
def update(ctx: Context, params: dict[str, Any]) -> None:
    name, given = _given(params)
    removed = split_list(given.pop("delete", None))
    with _changing() as config:
        interface = _existing(config, name)
        for key in removed:
            interface.pop(key, None)
            if key in ("cidr", "cidr6"):
                for part in ("netmask", "address"):
                    interface.pop(key.replace("cidr", part), None)
        _split_addresses(given)
        _check_gateways(config, name, given)
        _check_ports(config, name, given)
        _check_ipv6(given)
        given["families"] = [family for family, key in _FAMILIES if truth(given.get(key))] or ["inet"]
        _set_methods(given)
        _space_vids(given)
        interface.update(given)


@endpoint(
    "DELETE", "/nodes/{node}/network/{iface}", permission=_MODIFY, proxyto="node", params=f"{_NODE} iface:pve-iface!"
)
def delete(ctx: Context, params: dict[str, Any]) -> None:
    name = params["iface"]
    with _changing() as config:
        interface = _existing(config, name)
        bridge = config.interfaces.get(str(interface.get("ovs_bridge") or ""), {})
        if interface.get("type") in ("OVSIntPort", "OVSBond") and truth(bridge.get("ovs_ports")):
            bridge["ovs_ports"] = " ".join(port for port in bridge["ovs_ports"].split() if port != name)
        del config.interfaces[name]


@endpoint(
    "PUT",
    "/nodes/{node}/network",
    permission=_MODIFY,
    proxyto="node",
    params=lambda: f"{_NODE} regenerate-frr:boolean" if paths.release() >= (9, 0) else _NODE,
)
def reload(ctx: Context, params: dict[str, Any]) -> str:
    if not has_ifupdown2():
        raise Failure("you need ifupdown2 to reload network configuration")
    return tasks.start(ctx, "srvreload", "networking", reload_work)


def has_ifupdown2() -> bool:
    return paths.at("/usr/share/ifupdown2").exists()


def reload_work() -> None:
    interfaces.adopt()
    network_sdn.generate()
    done = subprocess.run(["ifreload", "-a"], capture_output=True, text=True, check=False)
    print(done.stdout, end="")
    for line in done.stderr.splitlines():
        about = re.search(r"(?:warning|error): (\S+):", line)
        if about:
            print(f"{about[1]} : {line} ")
    if done.returncode:
        raise Failure(f"command 'ifreload -a' failed: exit code {done.returncode}")


@contextmanager
def _changing() -> Iterator[interfaces.Config]:
    """The configuration, to be changed and written under the lock."""
    with file_lock("/etc/network/.pve-interfaces.lock"):
        config = interfaces.read()
        yield config
        interfaces.write(config)


_FAMILIES = (("inet", "address"), ("inet6", "address6"))


def _given(params: dict[str, Any]) -> tuple[str, Interface]:
    """The name, and the settings as the texts that they are in the file."""
    given = {
        key: str(int(value)) if isinstance(value, bool) else str(value)
        for key, value in params.items()
        if key not in ("node", "iface") and value is not None
    }
    return params["iface"], given


def _check_gateways(config: interfaces.Config, name: str, given: Interface) -> None:
    for key, title in (("gateway", "Default gateway"), ("gateway6", "Default ipv6 gateway")):
        if not truth(given.get(key)):
            continue
        for other, interface in config.interfaces.items():
            if other != name and truth(interface.get(key)):
                raise bad_parameters({key: f"{title} already exists on interface '{other}'."})


def _ports(interface: Interface) -> list[str]:
    return split_list(" ".join(str(interface.get(key) or "") for key in PORT_KEYS))


def _check_ports(config: interfaces.Config, name: str, given: Interface) -> None:
    wanted = _ports(given)
    key = next((key for key in PORT_KEYS if truth(given.get(key))), "")
    for other, interface in config.interfaces.items():
        for port in _ports(interface):
            if other != name and port in wanted:
                raise bad_parameters({key: f"{port} is already used on interface '{other}'."})


def _split_addresses(given: Interface) -> None:
    for suffix in ("", "6"):
        together = given.pop(f"cidr{suffix}", None)
        if not truth(together):
            continue
        for part in ("address", "netmask"):
            if truth(given.get(f"{part}{suffix}")):
                raise bad_parameters({f"{part}{suffix}": f"{part}{suffix} conflicts with cidr{suffix}"})
        given[f"address{suffix}"], _slash, given[f"netmask{suffix}"] = str(together).partition("/")


_SPECIAL_IPV6 = (
    ("::/128", "UNSPECIFIED"),
    ("::1/128", "LOOPBACK"),
    ("::ffff:0:0/96", "IPV4MAP"),
    ("100::/64", "DISCARD"),
    ("2001:2::/48", "BMWG"),
    ("2001::/32", "TEREDO"),
    ("2001:db8::/32", "DOCUMENTATION"),
    ("2001:10::/28", "ORCHID"),
    ("2002::/16", "6TO4"),
    ("fe80::/10", ""),
    ("ff00::/8", "MULTICAST"),
    ("fc00::/7", ""),
    ("2000::/3", ""),
    ("::/0", "RESERVED"),
)
"""Kinds of addresses as Perl's Net::IP knows them, the longest prefix first; a host may have those without a word."""


def _check_ipv6(given: Interface) -> None:
    address = given.get("address6")
    if not truth(address):
        return
    bits = int(given.get("netmask6") or 0)
    if not 0 <= bits <= 128:
        raise bad_parameters({"netmask": f"{bits} is not a valid subnet length for ipv6"})
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        raise bad_parameters({"address": f"{address} is not a valid host IPv6 address."}) from None
    kind = next(kind for network, kind in _SPECIAL_IPV6 if parsed in ipaddress.ip_network(network))
    if kind:
        raise bad_parameters({"address": f"{address} with type '{kind}', cannot be used as host IPv6 address."})


def _set_methods(given: Interface) -> None:
    for suffix in ("", "6"):
        given[f"method{suffix}"] = "static" if truth(given.get(f"address{suffix}")) else "manual"


def _join_bridge(config: interfaces.Config, name: str, given: Interface) -> None:
    bridge = given.get("ovs_bridge")
    if not truth(bridge):
        raise bad_parameters({"ovs_bridge": "parameter is required"})
    found = config.interfaces.get(str(bridge))
    if found is None:
        raise bad_parameters({"ovs_bridge": f"bridge '{bridge}' does not exist"})
    if found.get("type") != "OVSBridge":
        raise bad_parameters({"ovs_bridge": f"interface '{bridge}' is no OVS bridge"})
    ports = str(found.get("ovs_ports") or "").split()
    found["ovs_ports"] = " ".join(ports if name in ports else [*ports, name])


def _space_vids(given: Interface) -> None:
    """Other separators would not be read back."""
    vids = given.get("bridge_vids")
    if not truth(vids):
        return
    if not split_list(vids):
        raise bad_parameters({"bridge_vids": "VLAN list items are empty"})
    given["bridge_vids"] = " ".join(split_list(vids))
