# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""From the file as it is and the interfaces as they should be to the file as it should be. Pure."""

from __future__ import annotations

import contextlib
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
    """The items of a file by name, without the loopback and what cannot be understood."""
    found = {}
    for name, interface in document.interfaces.items():
        # whatever somebody wrote there is no reason to fail: it stays as it is
        with contextlib.suppress(ValueError):
            found[name] = _item.read(interface, physical)
    return {name: item for name, item in found.items() if item is not None}


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
    """Items with the addresses of their plain aliases, where those have the names that they would be given again."""
    folded, hidden = dict(found), set()
    for parent, item in found.items():
        aliases = {
            name: alias
            for name, alias in found.items()
            if _words.parent_of(alias) == parent and alias["type"] == "alias"
        }
        own = [text for one in (item, *aliases.values()) for text in one["addresses"]]
        whole = item | {"addresses": [x for x in own if ":" not in x] + [x for x in own if ":" in x]}
        again = _spread({parent: whole})
        again.pop(parent)
        if aliases and again.keys() == aliases.keys() and all(_item.same(again[name], aliases[name]) for name in again):
            folded[parent] = whole
            hidden |= aliases.keys()
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
    wanted = {str(entry["name"]): dict(entry) for entry in config}
    listed = {name: _item.normal(_kept(entry, before.get(name), overridden)) for name, entry in wanted.items()}
    # NICs are there whether somebody lists them or not
    nics = {name: _nic(name) for name in document.interfaces if name in physical}
    after = nics if overridden else _moved(before, moved or {})
    after = {name: item for name, item in after.items() if not _drops(item, listed)}
    after |= _spread(listed)
    _complete(after, listed, {*physical, *known})
    changed = _document(document, before, after, listed, overridden)
    if not changed and (_file.has_source(document) or not listed):
        return Plan(text, before, after, _findings(before, after, listed, known, document))
    _as_proxmox(document, after, physical)
    draft = _settled(_file.compose(document, physical), physical)
    return Plan(draft, before, after, _findings(before, after, listed, known, document))


def _nic(name: str) -> Item:
    return _item.normal({"name": name, "type": "eth", "autostart": False})


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
            taken = {*listed, *spread}
            number = next(count for count in range(number + 1, 10000) if f"{_base(name)}:{count}" not in taken)
            alias = {"name": f"{_base(name)}:{number}", "type": "alias", "autostart": item["autostart"]}
            alias["addresses"] = four[index : index + 1] + six[index : index + 1]
            spread[alias["name"]] = _item.normal(alias)
    return spread


def _base(name: str) -> str:
    return name.partition(":")[0]


def _complete(after: dict[str, Item], listed: Collection[str], known: Collection[str]) -> None:
    """What Proxmox's writer does of itself: ports of an OVS bridge and the bridge name each other, slaves start at boot."""
    for name, item in list(after.items()):
        bridge = after.get(item.get("ovs_bridge") or "") or {}
        if item["type"] in _PORTS and bridge.get("type") == "OVSBridge" and name not in bridge["ovs_ports"]:
            after[bridge["name"]] = bridge | {"ovs_ports": [*bridge["ovs_ports"], name]}
    touched = {name for name in listed for name in (name, after[name].get("ovs_bridge"))}
    for item in [after[name] for name in after if name in touched]:
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
    listed: Collection[str],
    overridden: bool,
) -> bool:
    """Brings the items into the document; whether that changed it."""
    gone = [
        name for name in document.interfaces if name != "lo" and name not in after and (name in before or overridden)
    ]
    changed = bool(gone)
    for name in gone:
        del document.interfaces[name]
    for name, item in after.items():
        old = document.interfaces.get(name)
        lossy = old is not None and name in listed and _lossy(old)
        if old is None or name not in before or lossy:
            document.interfaces[name] = _write.write(item, old)
        elif _item.same(before[name], item):
            continue
        elif _item.same(before[name] | {"autostart": item["autostart"]}, item):
            old.auto = "auto" if item["autostart"] else None
        else:
            document.interfaces[name] = _write.write(item, old)
        changed = True
    lines = [line for line in document.lines if not overridden or line.text.split()[0].startswith(("source", "#"))]
    changed, document.lines = changed or lines != document.lines, lines
    return changed


def _lossy(interface: _file.Interface) -> bool:
    """Whether a stanza has several addresses of a family, of which Proxmox would keep the last."""
    for stanza in interface.stanzas:
        found = [":" in value for key, value in stanza.options if key == "address"]
        if len(found) > len(set(found)):
            return True
    return False


def _as_proxmox(document: _file.Document, after: dict[str, Item], physical: Collection[str]) -> None:
    """What a file that is written anyway gets, as from Proxmox: a stanza for every NIC, and the line for SDN."""
    for name in physical:
        if name not in document.interfaces:
            after.setdefault(name, _nic(name))
            document.interfaces[name] = _write.write(after[name])
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
        public = _item.public(item)
        public.pop("comments", None)
        whole.append(public)
    return _check.check_interfaces(whole, known=known)
