# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""OSDs as the monitors know them, read in one pass: C(osd dump), C(osd tree), C(osd metadata)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph

NOBODY = "00000000-0000-0000-0000-000000000000"  # an OSD that was destroyed and keeps its number


@dataclasses.dataclass(frozen=True)
class Osd:
    """One entry of the OSD map. C(new): it has a number and a key, and was never up, so it holds no data.

    C(location): {type: bucket} above it in the CRUSH tree; empty where it has no place there yet.
    """

    number: int
    uuid: str
    up: bool
    inside: bool
    new: bool
    location: Mapping[str, str]
    device_class: str | None
    hostname: str | None

    @property
    def name(self) -> str:
        return f"osd.{self.number}"

    @property
    def host(self) -> str | None:
        """The node it is on: where it ran last, else where CRUSH has it, which may be a host of another name."""
        return self.hostname or self.location.get("host")


@dataclasses.dataclass(frozen=True)
class Cluster:
    """C(osds) by number; C(dump) and C(nodes) as Ceph gave them."""

    fsid: str
    osds: Mapping[int, Osd]
    dump: Mapping[str, Any]
    nodes: Mapping[int, Mapping[str, Any]]

    def by_uuid(self, uuid: str | None) -> Osd | None:
        return next((osd for osd in self.osds.values() if osd.uuid == uuid), None) if uuid else None

    def of_host(self, name: str) -> list[Osd]:
        return [osd for osd in self.osds.values() if osd.host == name]

    @property
    def flags(self) -> list[str]:
        """Flags that keep an OSD from coming up or in."""
        return sorted(set(str(self.dump.get("flags", "")).split(",")) & {"noup", "noin"})


def read(ceph: Ceph) -> Cluster:
    dump = ceph.command("osd dump")
    nodes = {int(node["id"]): node for node in ceph.command("osd tree")["nodes"]}
    parents = {int(child): node for node in nodes.values() for child in node.get("children", [])}
    hostnames = {int(row["id"]): row.get("hostname") for row in ceph.command("osd metadata")}
    osds = {}
    for row in dump["osds"]:
        number = int(row["osd"])
        uuid = str(row["uuid"]).lower()
        osds[number] = Osd(
            number,
            uuid if uuid != NOBODY else "",
            bool(row["up"]),
            bool(row["in"]),
            "new" in row.get("state", []) and not int(row.get("up_from", 0)),
            _location(parents, number),
            nodes.get(number, {}).get("device_class") or None,
            hostnames.get(number),
        )
    return Cluster(str(dump["fsid"]).lower(), osds, dump, nodes)


def _location(parents: Mapping[int, Mapping[str, Any]], number: int) -> dict[str, str]:
    found: dict[str, str] = {}
    while (parent := parents.get(number)) is not None and parent["type"] not in found:
        found[str(parent["type"])] = str(parent["name"])
        number = int(parent["id"])
    return found
