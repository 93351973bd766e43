# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Refuses changes of the firewall after which whoever runs this could not come back.

Only asked for where the firewall is on, or about to be, and something changes. Addresses: those from which there are ssh
connections to this node now (the run's own is among them); with C(api_host), this machine's own address towards it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError, ConnectionLost
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_reach import (
    API,
    SSH,
    Firewall,
    Node,
    newly_shut,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_rules import Rule, read_rule, tidy

CLUSTER = "/cluster/firewall"
TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
WORDS = {"allow_lockout": {"type": "bool", "default": False}}
_ESTABLISHED = "01"


def rules_of(rows: Iterable[Mapping[str, Any]]) -> list[Rule]:
    return [tidy(read_rule(row)) for row in rows]


def policy_and_state(row: Mapping[str, Any]) -> tuple[bool, str]:
    return int(row.get("enable") or 0) > 0, str(row.get("policy_in") or "DROP")


def objections(
    api: Any, change: Callable[[Firewall], Firewall], *, opening: bool = False
) -> Iterable[tuple[str, bool]]:
    """For the hook of that name; C(change) makes what will be of what is. C(opening): it may also be switched on by it."""
    if api.words.get("allow_lockout"):
        return
    on, policy = policy_and_state(api.get(f"{CLUSTER}/options"))
    if not on and not opening:
        return
    if not change(Firewall(on=on, policy=policy)).on:
        return
    sources, ports = coming_from(api)
    if not sources:
        return
    before = read(api, on=on, policy=policy)
    for sentence in newly_shut(before, change(before), sources, ports):
        # what stands against it may go, and what helps may come, with what is done before
        yield sentence, False


def read(api: Any, *, on: bool, policy: str) -> Firewall:
    groups = {
        row["group"]: rules_of(api.get(f"{CLUSTER}/groups/{row['group']}")) for row in api.get(f"{CLUSTER}/groups")
    }
    ipsets = {row["name"]: api.get(f"{CLUSTER}/ipset/{row['name']}") for row in api.get(f"{CLUSTER}/ipset")}
    aliases = {str(row["name"]).lower(): row["cidr"] for row in api.get(f"{CLUSTER}/aliases")}
    rules = rules_of(api.get(f"{CLUSTER}/rules"))
    return Firewall(on, policy, rules, groups, ipsets, aliases, list(_nodes(api)))


def _nodes(api: Any) -> Iterable[Node]:
    """Of those that are online; the others read their tables when they come back."""
    for row in api.get("/cluster/status"):
        if row.get("type") != "node" or not row.get("online", 1):
            continue
        name, address = str(row["name"]), row.get("ip")
        with contextlib.suppress(ApiError, ConnectionLost):
            interfaces = api.get(f"/nodes/{name}/network")
            options = api.get(f"/nodes/{name}/firewall/options")
            rules = rules_of(api.get(f"/nodes/{name}/firewall/rules"))
            networks = [str(one[key]) for one in interfaces for key in ("cidr", "cidr6") if one.get(key)]
            yield Node(name, address, _around(address, networks), rules, bool(int(options.get("enable", 1))))


def _around(address: Any, networks: Sequence[str]) -> list[str]:
    found = []
    for text in networks:
        with contextlib.suppress(ValueError):
            network = ipaddress.ip_network(text, strict=False)
            if address and ipaddress.ip_address(address) in network:
                found.append(str(network))
    return found


def with_node(firewall: Firewall, name: str, **values: Any) -> Firewall:
    return replace(firewall, nodes=[replace(one, **values) if one.name == name else one for one in firewall.nodes])


def coming_from(api: Any) -> tuple[set[str], set[int]]:
    """Addresses that need to come back, and the ports they need."""
    if api.host:
        own = _own_address(api.host)
        # what is asked on the machine itself gets in anyway
        return ({own} if own and not ipaddress.ip_address(own).is_loopback else set()), {API}
    port = ssh_port()
    return ssh_peers(port), {port, API}


def _own_address(host: str) -> str | None:
    """This machine's address towards another one; nothing is sent for that."""
    with contextlib.suppress(OSError, IndexError):
        family, kind, proto, _name, target = socket.getaddrinfo(host, API, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, proto) as probe:
            probe.connect(target)
            return _plain(str(probe.getsockname()[0]))
    return None


def ssh_port(proc: str = "/proc") -> int:
    """The one that the run came in by, where that is known. sudo takes the variable away, but not from those above it."""
    session = (os.environ.get("SSH_CONNECTION") or _above(proc, os.getppid())).split()
    return int(session[3]) if len(session) == 4 and session[3].isdigit() else SSH


def _above(proc: str, process: int) -> str:
    """SSH_CONNECTION of the nearest process above that has it."""
    with contextlib.suppress(OSError, StopIteration, ValueError):
        while process > 1:
            with open(f"{proc}/{process}/environ", "rb") as file:
                known = file.read().decode(errors="replace").split("\0")
            if found := next((one for one in known if one.startswith("SSH_CONNECTION=")), None):
                return found.partition("=")[2]
            with open(f"{proc}/{process}/status", encoding="utf-8", errors="replace") as file:
                process = int(next(line for line in file if line.startswith("PPid:")).split()[1])
    return ""


def ssh_peers(port: int) -> set[str]:
    """Who has a connection to the ssh server of this machine, from the kernel's table."""
    found: set[str] = set()
    for name in TABLES:
        with contextlib.suppress(OSError), open(name, encoding="ascii") as file:
            found |= set(parse_connections(file.read(), port))
    return {text for text in found if not ipaddress.ip_address(text).is_loopback}


def parse_connections(text: str, port: int) -> Iterable[str]:
    """The far ends of established connections to this local port, from C(/proc/net/tcp) or C(tcp6)."""
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) < 4 or words[3] != _ESTABLISHED:
            continue
        if int(words[1].rpartition(":")[2], 16) == port:
            yield _plain(_from_kernel(words[2].rpartition(":")[0]))


def _from_kernel(text: str) -> str:
    """Words of four bytes, each in the machine's own order."""
    words = re.findall("." * 8, text)
    return str(ipaddress.ip_address(b"".join(struct.pack("=I", int(word, 16)) for word in words)))


def _plain(text: str) -> str:
    """An IPv4 address in IPv6 clothes is one of IPv4."""
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
