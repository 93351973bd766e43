# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The settings of one node in /etc/pve/nodes/NODE/config: PVE/NodeConfig.pm, GET and PUT /nodes/NODE/config.

Its description is the comment at the head of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._datacenter import LOCATION
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import INT, NOTES, SET, STR, properties

PATH = "/nodes/{node}/config"
SLOTS = tuple(f"acmedomain{number}" for number in range(6))
_DOMAIN = properties("domain", dict.fromkeys(("domain", "plugin", "alias"), STR.read), short="domain")

FIELDS = [
    Field("acme", properties("ACME", {"account": STR.read, "domains": SET.read}, short="account")),
    *(Field(slot, _DOMAIN) for slot in SLOTS),
    Field("ballooning-target", INT, default=80, limits=(0, 100)),
    Field("description", NOTES),
    Field("location", LOCATION, since=(9, 2), narrow=True),
    Field("startall-onboot-delay", INT, default=0, limits=(0, 300)),
    Field(
        "wakeonlan",
        properties("wake on LAN", dict.fromkeys(("mac", "bind-interface", "broadcast-address"), STR.read), short="mac"),
    ),
]


def check(item: Item) -> Iterable[str]:
    if item.get("wakeonlan") and "mac" not in item["wakeonlan"]:
        yield "wakeonlan: needs mac"
    place = item.get("location")
    if place and not {"latitude", "longitude"} <= set(place):
        yield "location: needs latitude and longitude"
    seen: dict[str, str] = dict.fromkeys(map(str.lower, (item.get("acme") or {}).get("domains") or ()), "acme")
    for slot in SLOTS:
        entry: Mapping[str, Any] = item.get(slot) or {}
        if entry and "domain" not in entry:
            yield f"{slot}: needs domain"
        name = str(entry.get("domain", "")).lower()
        if name and name in seen:
            yield f"{slot}: {name} is in {seen[name]} as well"
        seen[name] = slot


NODE_OPTIONS = Resource(
    name="node options",
    path=PATH,
    single="node",
    key=Field("name"),
    fields=FIELDS,
    variants={None: Variant(optional=" ".join(one.name for one in FIELDS))},
    check=check,
)
