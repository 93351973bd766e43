# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Where an OSD is in the CRUSH tree and of which class: what differs, and the commands that mend it.

After ceph, src/mon/OSDMonitor.cc (osd crush move, set-device-class) and src/crush/CrushWrapper.cc (insert_item: missing
buckets are made). At its start an OSD goes to C(root=default host=NAME) unless its configuration says otherwise; the racks
above a host stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_cluster import Cluster, Osd
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_steps import Tell
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_wish import Wish

# Ceph's own types (src/crush/CrushWrapper.cc, set_default_types), from the leaves up
TYPES = (
    "host",
    "chassis",
    "rack",
    "row",
    "pdu",
    "pod",
    "room",
    "datacenter",
    "zone",
    "region",
    "root",
)


def problems(wish: Wish, node: str, cluster: Cluster | None) -> Iterator[str]:
    location = wish.crush_location or {}
    where = f"{wish.where}: crush_location"
    if unknown := sorted(set(location) - set(TYPES)):
        yield f"{where}: expected types of {', '.join(TYPES)}, found {', '.join(unknown)}."
    for kind, name in location.items():
        found = next((one for one in cluster.nodes.values() if one["name"] == name), None) if cluster else None
        if found and found["type"] != kind:
            yield f"{where}: expected a {kind}, found {name}, which is a {found['type']}."
    if set(location) - {"root", "host"} and location.get("host", node) != node:
        yield (
            f"{where}: expected host {node} or none, found {location['host']} together with other types: an OSD under"
            f" another host than its own is given root and host only."
        )


def tells(wish: Wish, osd: Osd, node: str) -> list[Tell]:
    return [*_class(wish, osd), *_location(wish, osd, node)]


def _class(wish: Wish, osd: Osd) -> Iterator[Tell]:
    if wish.device_class is None or wish.device_class == osd.device_class:
        return
    ids = (("ids", [osd.name]),)
    shown = ("device_class", osd.device_class, wish.device_class)
    if osd.device_class is not None:
        yield Tell(osd.name, osd, "osd crush rm-device-class", ids, shown)
    arguments = (("class", wish.device_class), *ids)
    yield Tell(osd.name, osd, "osd crush set-device-class", arguments, shown)


def _location(wish: Wish, osd: Osd, node: str) -> Iterator[Tell]:
    wanted = wish.crush_location or {}
    if all(osd.location.get(kind) == name for kind, name in wanted.items()):
        return
    shown = ("crush_location", dict(osd.location), {**osd.location, **wanted})
    whole = {**{kind: name for kind, name in osd.location.items() if kind in ("root", "host")}, **wanted}
    whole = {"root": "default", "host": node, **whole}
    if whole["host"] != osd.location.get("host") or whole["host"] != node:
        place = {"root": whole["root"], "host": whole["host"]}
        if whole["host"] != node:
            value = " ".join(_words(place))
            arguments = (("name", "crush_location"), ("value", value), ("who", osd.name))
            yield Tell(osd.name, osd, "config set", arguments, shown)
        yield Tell(osd.name, osd, "osd crush move", _move(osd.name, place), shown)
    above = {kind: name for kind, name in whole.items() if kind != "host"}
    if whole["host"] == node and any(osd.location.get(kind) != name for kind, name in above.items()):
        yield Tell(osd.name, osd, "osd crush move", _move(node, above), shown)


def _move(name: str, place: Mapping[str, str]) -> tuple[tuple[str, Any], ...]:
    return (("args", _words(place)), ("name", name))


def _words(place: Mapping[str, str]) -> list[str]:
    """From the root down, as C(ceph osd crush) is written."""
    order: Sequence[str] = TYPES[::-1]
    return [f"{kind}={place[kind]}" for kind in order if kind in place]
