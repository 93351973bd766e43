# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Hardware mappings: the tables of PVE/Mapping/{PCI,USB,Dir}.pm, the same in Proxmox VE 8.4 and 9.2.

Each type has a path of its own in the API (PVE/API2/Cluster/Mapping/*.pm). Their PUT demands C(map) whatever is changed,
though the schema of two of them calls it optional: check_config runs as for a new mapping.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _names
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL, INT, STR, array, properties

# Lower case, as the kernel writes it: Proxmox compares the texts when a guest starts
_DEVICE = r"[0-9a-f]{4}:[0-9a-f]{4}"
_PCI = r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}(?:\.[0-9a-f])?"

# per type and key of an entry: the pattern of its value, and what it stands for; a blank in front: may be left out
_NODE = (_names.NODE.pattern, "a node name")
_TEXT = (r"[^,]+", "a text without commas")
_ID = (_DEVICE, "vendor and device in lower-case hexadecimal digits, such as 10de:1eb8")
_ENTRIES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "pci": {
        "node": _NODE,
        "path": (rf"(?:{_PCI};)*{_PCI}", "PCI addresses such as 0000:01:00.0, separated by semicolons"),
        "id": _ID,
        " subsystem_id": _ID,
        " iommugroup": (r"-1|\d+", "the number of a group"),
        " description": _TEXT,
    },
    "usb": {
        "node": _NODE,
        "id": _ID,
        " path": (r"\d+-\d+(?:\.\d+)*", "a USB bus and port, such as 1-2.3"),
        " description": _TEXT,
    },
    "dir": {"node": _NODE, "path": (r"/[^;,=()]+", "an absolute path without the signs ;,=()")},
}

_ENTRY = properties(
    "entry",
    {
        **dict.fromkeys(("node", "path", "id", "subsystem-id", "description"), STR.read),
        "iommugroup": INT.read,
    },
)
# the order counts among the devices of one node only
_MAP = array("entries", _ENTRY, lambda entry: str(entry.get("node", "")))

FIELDS = [
    Field("description", narrow=True),
    Field("map", _MAP),
    Field("mdev", BOOL, default=False),
    Field("live-migration-capable", BOOL, default=False),
]

VARIANTS: dict[str | None, Variant] = {
    "dir": Variant(required="map", optional="description"),
    "pci": Variant(required="map", optional="description mdev live-migration-capable"),
    "usb": Variant(required="map", optional="description"),
}


def check(item: Item) -> Iterable[str]:
    kind = item["type"]
    known = {name.strip(): rule for name, rule in _ENTRIES[kind].items()}
    needed = [name for name in _ENTRIES[kind] if not name.startswith(" ")]
    for number, entry in enumerate(item.get("map") or ()):
        where = f"map[{number}] ({entry.get('node', 'no node')})"
        if missing := [name for name in needed if name not in entry]:
            yield f"{where}: {kind} needs {', '.join(missing)}"
        for name, value in entry.items():
            if name not in known:
                yield f"{where}: {kind} has no {name}; it has {', '.join(known)}"
            elif not re.fullmatch(known[name][0], str(value)):
                yield f"{where}: {name} is {value!r}, not {known[name][1]}"
    nodes = [entry.get("node") for entry in item.get("map") or ()]
    if kind == "dir" and (twice := sorted({str(node) for node in nodes if nodes.count(node) > 1})):
        yield f"map: one directory for each node, found several of {', '.join(twice)}"


def explain(item: Item, reason: str) -> str | None:
    if re.search(r"Path .* (?:does not exist|is not a directory)", reason):
        return "Proxmox looks at the directory on the node that is asked; make it there first."
    return None


def advise(get: Callable[[str], Any], changes: Sequence[Any]) -> Iterable[str]:
    """Proxmox takes any name of a node, and devices that are not there; guests that use them do not start."""
    wanted = {change.key: change.to_set["map"] for change in changes if "map" in change.to_set}
    if wanted:
        known = {row["node"] for row in get("/nodes")}
        for key, entries in wanted.items():
            if strange := sorted({entry["node"] for entry in entries} - known):
                yield f"hardware mapping '{key}': map: this cluster has no node {', '.join(strange)}"


MAPPING = Resource(
    name="hardware mapping",
    path="/cluster/mapping",
    paths={kind: f"/cluster/mapping/{kind}" for kind in ("dir", "pci", "usb")},
    key=Field(
        "id",
        pattern=r"[A-Za-z][A-Za-z0-9_-]+",
        meaning="an identifier (a letter, then letters, digits, - and _)",
    ),
    discriminator=Field("type", choices=["dir", "pci", "usb"]),
    fields=FIELDS,
    resend=["map"],
    variants=VARIANTS,
    check=check,
    explain=explain,
    advise=advise,
)
