"""From the text of /etc/network/interfaces to a configuration."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from ..formats import IPV4_MASKS
from ..links import Links, altnames
from ..text import truth
from .kinds import classify
from .model import BOND_MODES, Config, Interface

_SPELLINGS = {
    "ovs_mtu": "mtu",
    "bond-slaves": "slaves",
    "bond_slaves": "slaves",
    "bond-xmit-hash-policy": "bond_xmit_hash_policy",
    "bond-mode": "bond_mode",
    "bond-miimon": "bond_miimon",
    "bridge-vlan-aware": "bridge_vlan_aware",
    "bridge-fd": "bridge_fd",
    "bridge-stp": "bridge_stp",
    "bridge-ports": "bridge_ports",
    "bridge-vids": "bridge_vids",
}
_PLAIN = {
    *("mtu", "ovs_type", "ovs_options", "ovs_bridge", "ovs_bonds", "ovs_ports", "bridge_fd", "bridge_vids"),
    *("bridge-access", "bridge-learning", "bridge-arp-nd-suppress", "bridge-unicast-flood", "bridge-multicast-flood"),
    *("bridge-disable-mac-learning", "bond_miimon", "bond_xmit_hash_policy", "bond-primary", "link-type", "uplink-id"),
    *("vlan-protocol", "vlan-raw-device", "vlan-id", "vxlan-id", "vxlan-svcnodeip", "vxlan-physdev"),
    "vxlan-local-tunnelip",
}
_ADDRESSES = ("address", "netmask", "broadcast", "gateway")


def parse(text: str, links: Links, *, wide: bool = True) -> Config:
    """Read the file's text, Latin-1 for its bytes.

    wide: blanks and letters beyond ASCII count as such, as from Proxmox 9.2 on (a letter whose last byte is A0 is cut
    at the end of a comment there).
    """
    reader = _Reader(wide)
    reader.read(text.split("\n"))
    interfaces = reader.config.interfaces
    _mark(interfaces, links)
    if not interfaces.get("lo"):
        interfaces["lo"] = {"priority": 1, "method": "loopback", "type": "loopback", "autostart": 1}
    other = altnames(links)
    for name in sorted(interfaces):  # what an interface only refers to comes into being on the way and stays bare
        interface = interfaces[name]
        link = links.get(other.get(name, name))
        classify(name, interface, interfaces, physical=link is not None and link.physical)
        _addresses(interface, "")
        _addresses(interface, "6")
        _complete(interface)
    reader.config.lines = [line for line in map(lambda line: _allowed(line, interfaces), reader.config.lines) if line]
    return reader.config


@lru_cache
def _patterns(wide: bool) -> dict[str, re.Pattern[str]]:
    flags = 0 if wide else re.ASCII
    patterns = {
        "comment": r"\s*#(.*)",
        "auto": r"\s*(?:allow-auto|auto|allow-ovs|allow-hotplug)\s+(.*)",
        "iface": r"\s*iface\s+(\S+)(?:\s+(inet6?)\s+(\S+))?\s*$",
        "next": r"\s*(?:(?:iface|mapping|auto|source|source-directory)\s|allow-)",
        "option": r"\s*((\S+)\s+(.+))",
        "end": r"\s+$",
        "letter": r"\w",
        "blank": r"\s+",
    }
    return {name: re.compile(pattern, flags) for name, pattern in patterns.items()}


class _Reader:
    """Goes through the lines. A stanza ends with a line that is not of it, which is then looked at as any other."""

    def __init__(self, wide: bool) -> None:
        self.config = Config()
        self._patterns = _patterns(wide)
        self._next = 2  # 1 is the loopback's

    def _priority(self) -> int:
        self._next += 1
        return self._next - 1

    def _match(self, name: str, line: str) -> re.Match[str] | None:
        return self._patterns[name].match(line)

    def _words(self, text: str) -> list[str]:
        return [word for word in self._patterns["blank"].split(text) if word]

    def read(self, lines: list[str]) -> None:
        position = 0
        while position < len(lines):
            line = lines[position]
            position += 1
            if self._match("comment", line):
                continue
            if auto := self._match("auto", line):
                for name in self._words(auto[1]):
                    self._interface(name)["autostart"] = 1
            elif head := self._match("iface", line):
                position = self._stanza(head[1], head[2], head[3], lines, position)
            elif self._patterns["letter"].search(line):
                self.config.lines.append((self._priority(), line))

    def _interface(self, name: str) -> Interface:
        return self.config.interfaces.setdefault(name, {})

    def _stanza(self, name: str, family: str | None, method: str | None, lines: list[str], position: int) -> int:
        interface = self._interface(name)
        if not interface.get("priority"):
            interface["priority"] = self._priority()
        interface.setdefault("families", []).append(family)
        # Of the family are method, comments and options without a meaning; without a family they are the interface's.
        own: dict[str, Any] = {"method": method} if family else interface
        suffix = None if family is None else family[4:]
        while position < len(lines):
            line = lines[position] = self._patterns["end"].sub("", lines[position])
            if comment := self._match("comment", line):
                text = comment[1].encode("latin-1").decode("utf-8", "replace")
                own["comments"] = f"{own.get('comments') or ''}{text}\n"
            elif self._match("next", line):
                break
            elif option := self._match("option", line):
                if not self._option(interface, suffix, option[2], option[3]):
                    own.setdefault("options", []).append(option[1])
            else:
                break
            position += 1
        if suffix is not None:
            interface.update({f"{key}{suffix}": value for key, value in own.items()})
        return position

    def _option(self, interface: Interface, suffix: str | None, key: str, value: str) -> bool:
        """Take an option over; False if it has no meaning for Proxmox."""
        key = _SPELLINGS.get(key, key)
        if key in _ADDRESSES:
            if suffix is None:
                suffix = "6" if ":" in value and key != "netmask" else ""
            interface[key + suffix] = value
        elif key in _PLAIN:
            interface[key] = value
        elif key in ("slaves", "bridge_ports"):
            ports = " ".join(sorted(set(self._words(value)) - {"none"}))
            interface[key] = " ".join(filter(None, [interface.get(key), ports]))
        elif key == "bridge_stp":
            interface[key] = "on" if value.strip().lower() in ("on", "yes") else "off"
        elif key == "bridge_vlan_aware":
            interface[key] = 1
        elif key == "bond_mode":
            interface[key] = dict(zip(map(str, range(7)), BOND_MODES, strict=True)).get(value, value)
        elif key == "vxlan-remoteip":
            interface.setdefault(key, []).append(value)
        else:
            return False
        return True


def _mark(interfaces: dict[str, Interface], links: Links) -> None:
    """What there is in the machine. A card goes by one of its other names if the file knows it by that."""
    for link in links.values():
        if link.physical:
            name = next((name for name in link.altnames if name in interfaces), link.name)
            interfaces.setdefault(name, {})["exists"] = 1
    for link in links.values():
        if link.up and link.name in interfaces:
            interfaces[link.name]["active"] = 1


def _addresses(interface: Interface, suffix: str) -> None:
    """Address and mask also as one, and apart if they were given as one."""
    address, mask = interface.get(f"address{suffix}"), interface.get(f"netmask{suffix}")
    if not truth(address):
        return
    together = re.fullmatch(r"(.+)/(\d+)", str(address))
    if together:
        interface[f"cidr{suffix}"] = address
        interface[f"address{suffix}"], interface[f"netmask{suffix}"] = together.groups()
        return
    bits = mask_bits(mask)
    interface[f"cidr{suffix}"] = f"{address}/{bits or (128 if suffix else 32)}"
    if bits and not suffix:
        interface["netmask"] = bits


def mask_bits(mask: Any) -> str | None:
    """255.255.255.0 or 24 → "24"; None for what is no mask, or one of nothing."""
    text = str(mask or "")
    bits = text if text.isdigit() else str(IPV4_MASKS.get(text, 0))
    return None if bits == "0" else bits


def _complete(interface: Interface) -> None:
    for key in ("method", "method6"):
        if not truth(interface.get(key)):
            interface[key] = "manual"
    comments = interface.pop("comments6", None)
    if truth(comments):
        interface["comments"] = (interface.get("comments") or "") + comments
    interface.setdefault("families", ["inet"])


def _allowed(line: tuple[int, str], interfaces: dict[str, Interface]) -> tuple[int, str] | None:
    """Lines that allow a bridge's ports are made anew from the bridge; what is left over of others is kept."""
    match = re.match(r"allow-(\S+)\s+(.*)", line[1])
    if not match:
        return line
    ports = match[2].split()
    if match[1] in interfaces:
        known = str(interfaces[match[1]].get("ovs_ports") or "").split()
        ports = [port for port in ports if port not in known]
    return (line[0], f"allow-{match[1]} {' '.join(ports)}") if ports else None
