# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What is wrong with the addresses, gateways and routes of a list of interfaces."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, Union

from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_words as _words

Finding = tuple[str, str, str]
# not with `|`: the pylint of ansible-test takes that for an operation
Interface = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]  # noqa: UP007

METHODS = {"method": ("static", "dhcp", "manual"), "method6": ("static", "dhcp", "auto", "manual")}
VERSIONS = {4: ("method", "gateway"), 6: ("method6", "gateway6")}


def addresses(item: Mapping[str, Any], version: int | None = None) -> list[Interface]:
    """The valid addresses of an interface, in their order."""
    found = [parsed for text in _words.words(item.get("addresses")) if (parsed := _interface(text))]
    return [address for address in found if version in (None, address.version)]


def _interface(text: str) -> Interface | None:
    try:
        return ipaddress.ip_interface(text)
    except ValueError:
        return None


def _address(text: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(str(text))
    except ValueError:
        return None


def own(item: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong with one interface by itself; C(where) begins with a dot."""
    for text in _words.words(item.get("addresses")):
        yield from _one(text)
    for version, (method, gateway) in VERSIONS.items():
        yield from _method(item, version, method)
        if _words.given(item, gateway):
            yield from _gateway(item, version, gateway)
    yield from _routes(item)


def _one(text: str) -> Iterator[Finding]:
    parsed = _interface(text)
    if parsed is None or "/" not in text:
        yield ".addresses", "an address with its prefix, such as 192.0.2.11/24", f"'{text}'"
    elif parsed.ip.is_multicast or parsed.ip.is_unspecified or parsed.ip.is_loopback:
        yield ".addresses", "an address that a machine can have", f"'{text}'"
    elif parsed.version == 4 and parsed.network.prefixlen < 31:
        if parsed.ip == parsed.network.network_address:
            yield ".addresses", f"a host in {parsed.network}", f"'{text}', the address of the network itself"
        elif parsed.ip == parsed.network.broadcast_address:
            yield ".addresses", f"a host in {parsed.network}", f"'{text}', its broadcast address"


def _method(item: Mapping[str, Any], version: int, field: str) -> Iterator[Finding]:
    method = item.get(field)
    if not method:
        return
    if method not in METHODS[field]:
        yield f".{field}", f"one of {', '.join(METHODS[field])}", f"'{method}'"
    elif method == "static" and not addresses(item, version):
        yield f".{field}", f"an IPv{version} address with static", "none"
    elif method != "static" and addresses(item, version):
        yield f".{field}", f"static, because there is an IPv{version} address", f"'{method}'"


def _gateway(item: Mapping[str, Any], version: int, field: str) -> Iterator[Finding]:
    gateway, own_addresses = _address(item[field]), addresses(item, version)
    if gateway is None or gateway.version != version:
        yield f".{field}", f"an IPv{version} address", f"'{item[field]}'"
    elif not own_addresses:
        # one that is no good has its own finding
        if all(_interface(text) for text in _words.words(item.get("addresses"))):
            yield f".{field}", f"an IPv{version} address on the same interface", "none"
    elif not gateway.is_link_local and not any(gateway in address.network for address in own_addresses):
        networks = ", ".join(dict.fromkeys(str(address.network) for address in own_addresses))
        yield f".{field}", f"an address in {networks}", f"'{gateway}'"
    elif any(gateway == address.ip for address in own_addresses):
        yield f".{field}", "another machine", f"'{gateway}', the interface's own address"


def _routes(item: Mapping[str, Any]) -> Iterator[Finding]:
    for route in item.get("routes") or []:
        if not isinstance(route, Mapping) or set(route) - {"to", "via", "metric"} or not route.get("to"):
            yield ".routes", "to, via and perhaps metric", f"'{route}'"
            continue
        try:
            to = ipaddress.ip_network(str(route["to"]))
        except ValueError:
            yield ".routes", "a network such as 198.51.100.0/24 as to", f"'{route['to']}'"
            continue
        if to.prefixlen == 0:
            yield ".routes", "a network other than the default, which gateway is for", f"'{to}'"
        via = _address(route.get("via"))
        if via is None or via.version != to.version:
            yield ".routes", f"an IPv{to.version} address as via", f"'{route.get('via')}'"
        if route.get("metric") is not None and not str(route["metric"]).isdecimal():
            yield ".routes", "a number as metric", f"'{route['metric']}'"


def across(by_name: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong between interfaces: an address twice, two default gateways of one family."""
    seen: dict[Any, str] = {}
    for name, item in by_name.items():
        for address in addresses(item):
            if address.ip in seen:
                yield f"[{name}].addresses", "each address once", f"'{address.ip}', which '{seen[address.ip]}' has too"
            seen.setdefault(address.ip, name)
    for _method_name, field in VERSIONS.values():
        owners = [name for name, item in by_name.items() if _words.given(item, field)]
        for name in owners[1:]:
            yield f"[{name}].{field}", "one default gateway", f"a second one, besides that of '{owners[0]}'"
