# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""C(/etc/network/interfaces) as a document: every stanza with its own text, in the order in which Proxmox writes them.

Order and layout are those of PVE::Network::Interfaces (9.x) and PVE::INotify (8.4). What ifupdown2 reads differently from
Proxmox (an empty line inside a stanza, a line that goes on after a backslash) is read as ifupdown2 does, because that is
what the machine runs (ifupdown2, ifupdown/networkinterfaces.py).
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Collection, Iterator

from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_words as _words

SOURCE = "source /etc/network/interfaces.d/*"
KEYWORD = re.compile(r"\s*(iface|auto|source|source-directory|mapping|vlan)\s|\s*allow-")
IFACE = re.compile(r"\s*iface\s+(\S+)(?:\s+(inet6?)\s+(\S+))?\s*$")
# the weight of each type; a level of '.' or ':' adds one (__write_etc_network_interfaces)
WEIGHTS = {
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
LAST = 50000


@dataclasses.dataclass
class Stanza:
    """One C(iface) block. C(options) are its lines as (key, value) in order, C(text) is how it stands in the file."""

    family: str | None
    method: str | None
    options: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    comments: list[str] = dataclasses.field(default_factory=list)
    text: str = ""


@dataclasses.dataclass
class Interface:
    """All stanzas of one name. C(auto) is the word that starts it at boot, C(lead) the comments in front of it."""

    name: str
    priority: int | None = None
    auto: str | None = None
    stanzas: list[Stanza] = dataclasses.field(default_factory=list)
    lead: list[str] = dataclasses.field(default_factory=list)

    def text(self) -> str:
        body = "".join(stanza.text.rstrip("\n") + "\n\n" for stanza in self.stanzas)
        lead = "".join(f"{line}\n" for line in self.lead)
        return (
            lead + (f"{self.auto} {self.name}\n" if self.auto else "") + (body or f"iface {self.name} inet manual\n\n")
        )

    def options(self) -> dict[str, str]:
        return {key: value for stanza in self.stanzas for key, value in stanza.options}


@dataclasses.dataclass
class Line:
    """Something that is no interface: C(source), C(mapping), ..."""

    priority: int
    text: str
    lead: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Document:
    header: list[str]
    interfaces: dict[str, Interface]
    lines: list[Line]

    def interface(self, name: str) -> Interface:
        return self.interfaces.setdefault(name, Interface(name))


class _Reader:
    def __init__(self, text: str) -> None:
        self.document = Document([], {}, [])
        self._priority = 2
        self._loose: list[str] = []
        self._stanza: Stanza | None = None
        self._pending: list[str] = []
        self._line: Line | None = None
        lines = text.splitlines()
        while lines and lines[0].lstrip().startswith("#"):
            self.document.header.append(lines.pop(0).rstrip())
        # comments right above the first stanza are about that stanza
        if lines and lines[0].strip():
            self._loose, self.document.header = self.document.header, []
        for raw, line in _joined(lines):
            self._read(raw, line)

    def _read(self, raw: str, line: str) -> None:
        if KEYWORD.match(line + " "):
            self._keyword(raw, line)
        elif self._stanza is not None:
            self._inside(raw, line)
        elif not line.strip():
            self._line = None
        elif line.lstrip().startswith("#"):
            self._loose.append(raw.rstrip())
        elif self._line is not None:
            self._line.text += f"\n{raw.rstrip()}"
        else:
            self._add_line(raw)

    def _inside(self, raw: str, line: str) -> None:
        stanza, stripped = self._stanza, line.strip()
        if stanza is None:
            raise TypeError("no stanza is open")
        if not stripped or (self._pending and stripped.startswith("#")):
            self._pending.append(raw.rstrip())
            return
        if stripped.startswith("#"):
            stanza.comments.append(stripped[1:])
        else:
            # after an empty line there was more of the stanza: what stands between is part of it
            stanza.text += "".join(f"{text}\n" for text in self._pending)
            stanza.comments += [text.strip()[1:] for text in self._pending if text.strip()]
            self._pending = []
            key, _space, value = stripped.partition(" ") if " " in stripped else stripped.partition("\t")
            key, value = re.split(r"\s+", stripped, maxsplit=1) if re.search(r"\s", stripped) else (key, "")
            stanza.options.append((key, value))
        stanza.text += f"{raw.rstrip()}\n"

    def _keyword(self, raw: str, line: str) -> None:
        self._close()
        words = line.split()
        iface = IFACE.match(line)
        if iface:
            name, family, method = iface.groups()
            self._stanza = Stanza(family, method, text=f"{raw.rstrip()}\n")
            interface = self.document.interface(name)
            interface.stanzas.append(self._stanza)
            if interface.priority is None:
                interface.priority = self._priority
                self._priority += 1
            self._take_lead(interface)
        elif words[0] in ("auto", "allow-auto", "allow-ovs", "allow-hotplug"):
            for name in words[1:]:
                interface = self.document.interface(name)
                interface.auto = "allow-hotplug" if words[0] == "allow-hotplug" else "auto"
            if len(words) > 1:
                self._take_lead(self.document.interface(words[1]))
        else:
            self._add_line(raw)

    def _take_lead(self, owner: Interface | Line) -> None:
        owner.lead += self._loose
        self._loose = []

    def _add_line(self, raw: str) -> None:
        self._line = Line(self._priority, raw.rstrip())
        self._take_lead(self._line)
        self.document.lines.append(self._line)
        self._priority += 1

    def _close(self) -> None:
        self._loose += [text for text in self._pending if text]
        self._stanza, self._line, self._pending = None, None, []

    def end(self) -> Document:
        self._close()
        if self._loose:
            self._add_line("\n".join(self._loose))
            self._loose = []
            self.document.lines[-1].lead = []
        document = self.document
        if "lo" not in document.interfaces:
            loopback = Interface("lo", 1, "auto", [Stanza("inet", "loopback", text="iface lo inet loopback\n")])
            document.interfaces = {"lo": loopback, **document.interfaces}
        _old_ovs_lines(document)
        return document


def _joined(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Each logical line as it stands, and as one line."""
    raw: list[str] = []
    for line in lines:
        raw.append(line)
        if not line.rstrip().endswith("\\"):
            yield "\n".join(raw), " ".join(part.rstrip().rstrip("\\").strip() for part in raw)
            raw = []
    if raw:
        yield "\n".join(raw), " ".join(part.rstrip().rstrip("\\").strip() for part in raw)


def _old_ovs_lines(document: Document) -> None:
    """C(allow-BRIDGE PORT) is how classic ifupdown starts ports; ifupdown2 wants C(auto) (the same Perl)."""
    for line in list(document.lines):
        match = re.fullmatch(r"\s*allow-(\S+)\s+(.*)", line.text)
        bridge = document.interfaces.get(match.group(1)) if match else None
        if not match or bridge is None:
            continue
        ports = bridge.options().get("ovs_ports", "").split()
        for port in set(match.group(2).split()) & set(ports):
            document.interface(port).auto = "auto"
        if set(match.group(2).split()) <= set(ports):
            document.lines.remove(line)


def parse(text: str) -> Document:
    reader = _Reader(text)
    return reader.end()


def kind_of(name: str, options: dict[str, str], physical: Collection[str] = ()) -> str:
    """What Proxmox's parser takes an interface for; C(unknown) for what it has no word for."""
    ovs = options.get("ovs_type")
    if "bridge-ports" in options or "bridge_ports" in options:
        return "bridge"
    if ovs == "OVSBridge":
        return ovs
    if _words.BOND.fullmatch(name):
        return "bond" if not ovs else ovs if ovs == "OVSBond" else "unknown"
    if re.fullmatch(r"\S+:\d+", name):
        return "alias"
    if re.fullmatch(r"\S+\.\d+", name) or "vlan-raw-device" in options:
        return "vlan"
    if name in physical or _words.NIC.fullmatch(name):
        return "eth" if not ovs else ovs if ovs == "OVSPort" else "unknown"
    if name == "lo":
        return "loopback"
    if "vxlan-id" in options:
        return "vxlan"
    if ovs == "OVSIntPort":
        return ovs
    return "dummy" if options.get("link-type") == "dummy" else "unknown"


def _ordered(document: Document, physical: Collection[str]) -> list[Interface]:
    kinds = {name: kind_of(name, item.options(), physical) for name, item in document.interfaces.items()}

    def weight(name: str) -> int | None:
        root, *rest = re.split(r"[.:]", name)
        kind = kinds.get(root, "unknown")
        return WEIGHTS[kind] + len(rest) if kind in WEIGHTS else None

    def compare(first: Interface, second: Interface) -> int:
        weights = [weight(first.name), weight(second.name)]
        if None in weights:
            weights = [0, 0]
        one, two = (
            (base or 0) + (item.priority if item.priority is not None else LAST)
            for base, item in zip(weights, (first, second), strict=True)
        )
        if one != two:
            return -1 if one < two else 1
        return -1 if first.name < second.name else int(first.name > second.name)

    return sorted(sorted(document.interfaces.values(), key=lambda item: item.name), key=functools.cmp_to_key(compare))


def compose(document: Document, physical: Collection[str] = ()) -> str:
    """The whole file, in Proxmox's order: comments at the top, interfaces by type, other lines where they stood."""
    text = "".join(f"{line}\n" for line in document.header) + ("\n" if document.header else "")
    rest = sorted(document.lines, key=lambda line: line.priority)
    for interface in _ordered(document, physical):
        early = []
        while rest and rest[0].priority < (interface.priority or 0):
            early.append(rest.pop(0))
        text += _lines(early) + ("\n" if early else "") + interface.text()
    return text + _lines(rest)


def _lines(lines: list[Line]) -> str:
    return "".join("".join(f"{lead}\n" for lead in line.lead) + f"{line.text}\n" for line in lines)


def has_source(document: Document) -> bool:
    """Whether the files of SDN are read (C(/etc/network/interfaces.d/sdn))."""
    wanted = re.compile(r"\s*source(-directory)?\s+(/etc/network/)?interfaces\.d(/\*|/sdn|/?)\s*$")
    return any(wanted.match(line.text) for line in document.lines)
