"""The node's network links, as `ip -details -json link show` tells them (PVE/IPRoute2.pm)."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    name: str
    physical: bool
    """A network card: Ethernet without a kind. The veth of a container is none, for Proxmox too."""
    up: bool
    """Set up by an administrator, whether or not there is a carrier."""
    altnames: tuple[str, ...] = ()


Links = dict[str, Link]


def read() -> Links:
    """Name → link, in the kernel's order."""
    done = subprocess.run(["ip", "-details", "-json", "link", "show"], capture_output=True, text=True, check=True)
    return parse(done.stdout)


def parse(text: str) -> Links:
    found = {}
    for entry in json.loads(text or "[]"):
        kind = entry.get("linkinfo", {}).get("info_kind")
        found[entry["ifname"]] = Link(
            entry["ifname"],
            entry.get("link_type") == "ether" and kind is None,
            "UP" in entry.get("flags", ()),
            tuple(entry.get("altnames", ())),
        )
    return found


def altnames(links: Links) -> dict[str, str]:
    """Alternative name → the kernel's name."""
    return {other: link.name for link in links.values() for other in link.altnames}
