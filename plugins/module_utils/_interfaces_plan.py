# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""From the file as it is and the interfaces as they should be to the file as it should be. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_check as _check
from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_file as _file
from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_item as _item
from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_words as _words
from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_write as _write

Item = dict[str, Any]
_PORTS = ("OVSBond", "OVSIntPort", "OVSPort")


@dataclasses.dataclass
class Plan:
    """What is to be written. C(before) and C(after) are the items of the file by name, those of unknown type left out."""

    text: str
    before: dict[str, Item]
    after: dict[str, Item]
    findings: list[_check.Finding]
    unknown: dict[str, list[str]] = dataclasses.field(default_factory=dict)


def items(document: _file.Document, physical: Collection[str] = ()) -> dict[str, Item]:
    read = {name: _item.read(interface, physical) for name, interface in document.interfaces.items()}
    return {name: item for name, item in read.items() if item is not None}


def gathered(text: str, physical: Collection[str] = ()) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """The file as C(config) takes it, and by name the lines that C(config) has no word for."""
    document = _file.parse(text)
    found = items(document, physical)
    folded, hidden = _folded(found)
    kept = {name: _write.kept(item) for name, item in found.items()}
    for name, interface in document.interfaces.items():
        if name not in found and name != "lo":
            kept[name] = interface.text().strip().splitlines()
    public = [_item.public(item) for name, item in folded.items() if name not in hidden]
    return public, {name: lines for name, lines in kept.items() if lines}


def _folded(found: Mapping[str, Item]) -> tuple[dict[str, Item], set[str]]:
    """Items with the addresses of their plain aliases, and the names of those aliases."""
    folded = {name: dict(item) for name, item in found.items()}
    hidden = set()
    for name, item in found.items():
        parent = _words.parent_of(item)
        if item["type"] == "alias" and parent in folded and _plain(item):
            own = folded[parent]["addresses"] + item["addresses"]
            folded[parent]["addresses"] = [text for text in own if ":" not in text] + [x for x in own if ":" in x]
            hidden.add(name)
    return folded, hidden


def _plain(item: Item) -> bool:
    """Whether there is nothing but addresses to an alias."""
    public = _item.public(item)
    return set(public) <= {"name", "type", "addresses", "autostart"} and not _write.kept(item) and public["autostart"]


def plan(
    text: str,
    config: Sequence[Mapping[str, Any]],
    *,
    overridden: bool,
    physical: Collection[str],
    known: Collection[str],
    moved: Mapping[str, str] | None = None,
) -> Plan:
    """The file with C(config) in it. C(physical) are the NICs of the machine, C(known) all its devices.

    A listed interface is as its item says in everything that the collection has a word for; lines that it has no word
    for, and comments if the item has none, stay unless C(overridden). Interfaces that are not listed stay as they are, to
    the byte, or go if C(overridden). C(moved) gives NICs new names, by old one, in everything that is not listed.
    """
    document = _file.parse(text)
    before = items(document, physical)
    after = {} if overridden else _moved(before, moved or {})
    wanted = {str(entry["name"]): dict(entry) for entry in config}
    listed = {name: _item.normal(_kept(entry, before.get(name), overridden)) for name, entry in wanted.items()}
    after = {name: item for name, item in after.items() if not _drops(item, listed)}
    after |= _spread(listed)
    _complete(after, {*physical, *known})
    _document(document, before, after, overridden, physical)
    draft = _file.compose(document, physical)
    if draft != text or not _file.has_source(document):
        _as_proxmox(document, after, physical)
        draft = _settled(_file.compose(document, physical), physical)
    return Plan(draft, before, after, _findings(before, after, listed, known, document))


def _moved(before: Mapping[str, Item], moved: Mapping[str, str]) -> dict[str, Item]:
    renamed = [item | _words.renamed(item, moved) for item in before.values()]
    return {item["name"]: item for item in renamed}


def _kept(entry: dict[str, Any], old: Item | None, overridden: bool) -> dict[str, Any]:
    if old is not None and not overridden:
        entry |= {name: old[name] for name in ("options", "options6", "extra")}
        if entry.get("comments") is None:
            entry["comments"] = old["comments"]
    return entry


def _drops(item: Item, listed: Mapping[str, Item]) -> bool:
    """A plain alias is an address of its listed parent, and goes with the others that the parent is not to have."""
    return item["type"] == "alias" and _words.parent_of(item) in listed and item["name"] not in listed and _plain(item)


def _spread(listed: Mapping[str, Item]) -> dict[str, Item]:
    """One address of each family for each stanza: of several, Proxmox keeps the last. The others become aliases."""
    spread: dict[str, Item] = {}
    for name, item in listed.items():
        four, six = _item.of_family(item, 4), _item.of_family(item, 6)
        spread[name] = item | {"addresses": four[:1] + six[:1]}
        number = 0
        for index in range(1, max(len(four), len(six))):
            number = next(count for count in range(number + 1, 10000) if f"{_base(name)}:{count}" not in listed)
            alias = {"name": f"{_base(name)}:{number}", "type": "alias", "autostart": item["autostart"]}
            alias["addresses"] = four[index : index + 1] + six[index : index + 1]
            spread[alias["name"]] = _item.normal(alias)
    return spread


def _base(name: str) -> str:
    return name.partition(":")[0]


def _complete(after: dict[str, Item], known: Collection[str]) -> None:
    """What Proxmox's writer does of itself: ports of an OVS bridge and the bridge name each other, slaves start at boot."""
    for name, item in list(after.items()):
        bridge = after.get(item.get("ovs_bridge") or "") or {}
        if item["type"] in _PORTS and bridge.get("type") == "OVSBridge" and name not in bridge["ovs_ports"]:
            after[bridge["name"]] = bridge | {"ovs_ports": [*bridge["ovs_ports"], name]}
    for item in list(after.values()):
        for port in item.get("ovs_ports", ()):
            after[port] = _ovs_port(after.get(port), port, item["name"])
        for port in (*item.get("slaves", ()), *item.get("ovs_bonds", ())):
            if port in after or port in known:
                after[port] = _item.normal(after.get(port) or {"name": port, "type": "eth"}) | {"autostart": True}


def _ovs_port(item: Item | None, port: str, bridge: str) -> Item:
    item = item or _item.normal({"name": port, "type": "eth"})
    if item["type"] == "eth":
        item = _item.normal({**item, "type": "OVSPort", "ovs_bridge": bridge})
    return item | {"ovs_bridge": bridge, "autostart": True} if item["type"].startswith("OVS") else item


def _document(
    document: _file.Document,
    before: Mapping[str, Item],
    after: Mapping[str, Item],
    overridden: bool,
    physical: Collection[str],
) -> None:
    for name in list(document.interfaces):
        if name == "lo" or (name not in before and not overridden):
            continue
        if name not in after:
            del document.interfaces[name]
    for name, item in after.items():
        old = document.interfaces.get(name)
        if old is None or name not in before or not _item.same(before[name], item) or len(_split(old)) > 1:
            document.interfaces[name] = _write.write(item, old)
    if overridden:
        document.lines = [line for line in document.lines if line.text.split()[0].startswith("source")]


def _split(interface: _file.Interface) -> list[str]:
    """The addresses of the fullest stanza; more than one, and Proxmox would lose the others."""
    return max(([v for k, v in stanza.options if k == "address"] for stanza in interface.stanzas), key=len, default=[])


def _as_proxmox(document: _file.Document, after: dict[str, Item], physical: Collection[str]) -> None:
    """What a file that is written anyway gets, as from Proxmox: a stanza for every NIC, and the line for SDN."""
    for name in physical:
        if name not in document.interfaces:
            document.interfaces[name] = _write.write(_item.normal({"name": name, "type": "eth", "autostart": False}))
            after.setdefault(name, _item.normal({"name": name, "type": "eth", "autostart": False}))
    if not _file.has_source(document):
        last = max((line.priority for line in document.lines), default=0)
        count = len(document.interfaces) + len(document.lines)
        document.lines.append(_file.Line(max(last, count) + 100000, _file.SOURCE))


def _settled(text: str, physical: Collection[str]) -> str:
    """Proxmox's order depends on the order before; this is the one that it leaves alone."""
    for _attempt in range(5):
        again = _file.compose(_file.parse(text), physical)
        if again == text:
            break
        text = again
    return text


def _findings(
    before: Mapping[str, Item],
    after: Mapping[str, Item],
    listed: Mapping[str, Item],
    known: Collection[str],
    document: Any,
) -> list[_check.Finding]:
    """What is wrong with the result, without what was wrong before with interfaces that are not listed."""
    names = {*known, *document.interfaces}
    old = {finding for finding in _checked(before, names) if not any(f"[{name}]" in finding[0] for name in listed)}
    return [finding for finding in _checked(after, names) if finding not in old]


def _checked(found: Mapping[str, Item], known: Collection[str]) -> list[_check.Finding]:
    whole = []
    for item in found.values():
        public = {name: value for name, value in item.items() if value not in (None, "", [], {}, False)}
        for field in ("options", "options6", "extra", "comments"):
            public.pop(field, None)
        for version, field in ((4, "method"), (6, "method6")):
            if item[field] == "manual" or _item.of_family(item, version):
                public.pop(field, None)
        whole.append(public)
    return _check.check_interfaces(whole, known=known)
