# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Reading of corosync.conf and of corosync's tools. Nothing here writes."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ProxmoxError


class ParseError(ProxmoxError):
    """A text that is not corosync.conf."""


@dataclasses.dataclass(frozen=True)
class Node:
    """One entry of the nodelist. C(links) maps link numbers to addresses as written."""

    name: str
    nodeid: int
    votes: int
    links: dict[int, str]


@dataclasses.dataclass(frozen=True)
class Conf:
    """What corosync.conf says. C(priorities) holds every link that has an interface section; 0 is the default."""

    name: str
    version: int
    nodes: dict[str, Node]
    priorities: dict[int, int]
    text: str = dataclasses.field(default="", repr=False)

    @property
    def links(self) -> set[int]:
        return {number for node in self.nodes.values() for number in node.links} | set(self.priorities)


def _sections(text: str) -> dict[str, list[Any]]:
    """Nested sections as {name: [value or section, ...]}, in order; every key may repeat."""
    root: dict[str, list[Any]] = {}
    stack = [root]
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split("#", 1)[0].strip()
        if not line:
            continue
        if line == "}":
            if len(stack) == 1:
                raise ParseError(f"corosync.conf line {number}: '}}' without a section.")
            stack.pop()
        elif line.endswith("{"):
            section: dict[str, list[Any]] = {}
            stack[-1].setdefault(line[:-1].strip(), []).append(section)
            stack.append(section)
        elif ":" in line:
            key, value = line.split(":", 1)
            stack[-1].setdefault(key.strip(), []).append(value.strip())
        else:
            raise ParseError(f"corosync.conf line {number}: neither a section nor 'key: value'.")
    if len(stack) > 1:
        raise ParseError("corosync.conf: a section is not closed.")
    return root


def _one(section: dict[str, list[Any]], key: str, default: Any = None) -> Any:
    return section.get(key, [default])[-1]


def _number(section: dict[str, list[Any]], key: str, default: int) -> int:
    text = _one(section, key, str(default))
    try:
        return int(text)
    except ValueError as error:
        raise ParseError(f"corosync.conf: {key} is not a number.") from error


def parse_conf(text: str) -> Conf:
    """The nodelist and totem sections. A node without a name goes by its first address, as Proxmox reads it."""
    root = _sections(text)
    totem = _one(root, "totem", {})
    nodes = {}
    for entry in _one(root, "nodelist", {}).get("node", []):
        links = addresses({key: values[-1] for key, values in entry.items()})
        name = _one(entry, "name") or (links[min(links)] if links else "")
        nodes[name] = Node(name, _number(entry, "nodeid", 0), _number(entry, "quorum_votes", 1), links)
    priorities = {
        _number(entry, "linknumber", _number(entry, "ringnumber", 0)): _number(entry, "knet_link_priority", 0)
        for entry in totem.get("interface", [])
    }
    return Conf(_one(totem, "cluster_name", ""), _number(totem, "config_version", 0), nodes, priorities, text)


def addresses(entry: Mapping[str, str]) -> dict[int, str]:
    """Link numbers and addresses in the keys of a node."""
    matches = {key: re.fullmatch(r"(?:ring|link)(\d+)_addr", key) for key in entry}
    return {int(match[1]): entry[key] for key, match in sorted(matches.items()) if match}


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are the same, in whatever spelling; names compare as names."""
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return one.lower() == other.lower()


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def parse_links(output: str) -> list[dict[str, Any]]:
    """The links in C(corosync-cfgtool -s): [{number, address, peers: [{nodeid, connected}]}].

    Corosync 3.1.7 and 3.1.9 differ in white space, and in C(id) for C(addr) with transport udpu.
    """
    links: list[dict[str, Any]] = []
    for line in output.splitlines():
        if match := re.match(r"LINK ID (\d+)", line):
            links.append({"number": int(match[1]), "address": None, "peers": []})
        elif links and (match := re.match(r"\s+(?:addr|id)\s*=\s*(\S+)", line)):
            links[-1]["address"] = match[1]
        elif links and (match := re.match(r"\s+nodeid:?\s*(\d+):\s*(connected|disconnected)", line)):
            links[-1]["peers"].append({"nodeid": int(match[1]), "connected": match[2] == "connected"})
    return links


def parse_quorum(output: str) -> dict[str, Any] | None:
    """C(corosync-quorumtool -s): {quorate, nodeid, expected, total}, or None if it says nothing of the kind."""
    found = {
        match[1]: match[2] for line in output.splitlines() if (match := re.match(r"([A-Z][A-Za-z ]+):\s+(\S+)", line))
    }
    if "Quorate" not in found:
        return None
    return {
        "quorate": found["Quorate"] == "Yes",
        "nodeid": int(found["Node ID"], 0) if "Node ID" in found else None,
        "expected": int(found["Expected votes"]) if "Expected votes" in found else None,
        "total": int(found["Total votes"]) if "Total votes" in found else None,
    }
