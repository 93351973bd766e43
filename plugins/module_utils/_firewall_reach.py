# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Who can still reach a node when its firewall is on. Pure: everything is given.

As enable_host_firewall in PVE/Firewall.pm (pve-firewall) builds the table for what comes in: the IP set blacklist, the
rules of the node, those of the cluster, then TCP 22 and 8006 (and others) for the IP set management, which always has the
node's own network in it (the alias local_network, or the network in which the node's address is), and the policy.

What cannot be judged from here counts against: a rule that accepts on one interface only does not count, one that drops
there does.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_rules import (
    MACROS,
    NAME,
    Rule,
    shown,
)

# What this collection needs to come back
SSH, API = 22, 8006
MANAGED = (API, 3128, SSH)
_SERVICES = {"ssh": 22}
Address = Any


@dataclass(frozen=True)
class Node:
    """C(networks): those in which its own address is. C(on): whether the firewall of this node is."""

    name: str
    address: str | None = None
    networks: Sequence[str] = ()
    rules: Sequence[Rule] = ()
    on: bool = True


@dataclass(frozen=True)
class Firewall:
    """C(ipsets): name to members (cidr, nomatch); C(aliases): name in lower case to address."""

    on: bool = False
    policy: str = "DROP"
    rules: Sequence[Rule] = ()
    groups: Mapping[str, Sequence[Rule]] = field(default_factory=dict)
    ipsets: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    nodes: Sequence[Node] = ()

    @property
    def closed(self) -> bool:
        return self.on and self.policy != "ACCEPT"

    def shut(self, source: str, port: int) -> Iterable[tuple[str, str]]:
        """The nodes that an address cannot reach, and why."""
        for node in self.nodes if self.on else ():
            if node.on and (reason := self._refused(node, ipaddress.ip_address(source), port)):
                yield node.name, reason

    def _refused(self, node: Node, source: Address, port: int) -> str | None:
        if any(self._member(entry, source) for entry in self.ipsets.get("blacklist", ())):
            return "it is in the IP set blacklist"
        for where, rules in ((f"of the node {node.name}", node.rules), ("of the cluster", self.rules)):
            for number, rule in enumerate(rules):
                said = self._says(rule, node, source, port)
                if said == "ACCEPT":
                    return None
                if said:
                    return f"rule {number} {where} ({shown(rule)}) says {said}"
        if port in MANAGED and self._managed(node, source):
            return None
        if self.policy == "ACCEPT":
            return None
        return f"no rule accepts it, it is not in the IP set management, and policy_in is {self.policy}"

    def _managed(self, node: Node, source: Address) -> bool:
        local = [self.aliases["local_network"]] if "local_network" in self.aliases else node.networks
        if any(_inside(source, text) for text in local):
            return True
        members = self.ipsets.get("management", ())
        if any(entry.get("nomatch") and self._member(entry, source) for entry in members):
            return False
        return any(self._member(entry, source) for entry in members if not entry.get("nomatch"))

    def _member(self, entry: Mapping[str, Any], source: Address) -> bool:
        text = re.sub(r"^dc/", "", str(entry["cidr"]))
        return _inside(source, self.aliases.get(text.lower(), text))

    def _says(self, rule: Rule, node: Node, source: Address, port: int) -> str | None:
        """The action of a rule for a new connection, None where it does not concern it."""
        if not rule.get("enable", True):
            return None
        if rule["type"] == "group":
            for one in self.groups.get(rule["action"], ()):
                if said := self._says(
                    {**one, **({"iface": rule["iface"]} if rule.get("iface") else {})}, node, source, port
                ):
                    return said
            return None
        accepts = rule["action"] == "ACCEPT"
        if rule["type"] != "in" or (rule.get("iface") and accepts) or rule.get("sport"):
            return None
        if not means(rule, port) or not self._matches(str(rule.get("source") or ""), source, unknown=not accepts):
            return None
        if dest := str(rule.get("dest") or ""):
            here = ipaddress.ip_address(node.address) if node.address else None
            if here is None or not self._matches(dest, here, unknown=not accepts):
                return None
        return str(rule["action"])

    def _matches(self, text: str, address: Address, *, unknown: bool) -> bool:
        if not text:
            return True
        if text.startswith("+"):
            name = re.sub(r"^\+(?:dc/)?", "", text)
            if name not in self.ipsets and name != "management":
                return unknown and "/" in name
            members = self.ipsets.get(name, ())
            if any(entry.get("nomatch") and self._member(entry, address) for entry in members):
                return False
            return any(self._member(entry, address) for entry in members if not entry.get("nomatch"))
        alias = re.sub(r"^dc/", "", text)
        if re.fullmatch(NAME, alias):
            known = self.aliases.get(alias.lower())
            return _inside(address, known) if known else False
        return any(_inside(address, one) for one in text.split(","))


def means(rule: Rule, port: int) -> bool:
    """Whether a rule is about TCP connections to a port."""
    if macro := rule.get("macro"):
        parts = [part.partition("/")[::2] for part in MACROS.get(str(macro), "").split()]
        return any(proto == "tcp" and _has(ports, port) for proto, ports in parts)
    if rule.get("proto") not in (None, "tcp", "6"):
        return False
    return not rule.get("dport") or _has(str(rule["dport"]), port)


def _has(ports: str, port: int) -> bool:
    for item in ports.split(","):
        first, _colon, last = item.partition(":")
        if first.isdigit() and int(first) <= port <= int(last or first):
            return True
        if _SERVICES.get(item) == port:
            return True
    return False


def _inside(address: Address, text: str) -> bool:
    try:
        if "-" in text:
            first, last = (ipaddress.ip_address(part) for part in text.split("-", 1))
            return first.version == address.version and first <= address <= last
        return address in ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False


def newly_shut(before: Firewall, after: Firewall, sources: Collection[str], ports: Collection[int]) -> Iterable[str]:
    """Sentences about what could be reached until now and could not be any more."""
    for source in sorted(sources):
        for port in sorted(ports):
            was = {name for name, _why in before.shut(source, port)}
            lost = [(name, why) for name, why in after.shut(source, port) if name not in was]
            for why in dict.fromkeys(why for _name, why in lost):
                names = ", ".join(name for name, other in lost if other == why)
                yield (
                    f"{source} would no longer reach TCP port {port} of {names}: {why}. Add it to the IP set management"
                    " or accept it by a rule first; allow_lockout: true does it all the same"
                )
