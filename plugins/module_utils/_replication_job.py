# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Replication jobs: PVE/API2/ReplicationConfig.pm, PVE/ReplicationConfig.pm of pve-guest-common.

DELETE only marks a job; it removes itself, with what it has copied, the next time the scheduler runs. Such a job counts
as gone here, and one of the same name can be made only when that is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _names
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL, CALENDAR, NUMBER
from ansible_collections.baremetal.proxmox.plugins.module_utils._switch import switched

PATH = "/cluster/replication"


def read(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    return [row for row in api.get(PATH) if not row.get("remove_job")]


def objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    made = [change for change in changes if change.action == "create"]
    if not made:
        return
    rows = api.get(PATH)
    guests = {str(row["vmid"]): str(row["node"]) for row in api.get("/cluster/resources", type="vm")}
    nodes = {str(row["node"]) for row in api.get("/nodes")}
    leaving = {str(row["id"]) for row in rows if row.get("remove_job")}
    targets = {(str(row["id"]).partition("-")[0], str(row["target"])): str(row["id"]) for row in rows}
    for change in made:
        guest, target = change.key.partition("-")[0], str(change.to_set["target"])
        what = f"replication job '{change.key}'"
        if change.key in leaving:
            yield f"{what}: one of this name is being removed by Proxmox; run again when that is done.", False
        elif (guest, target) in targets and targets[guest, target] not in {one.key for one in changes}:
            yield f"{what}: '{targets[guest, target]}' already copies guest {guest} to {target}.", True
        if guest not in guests:
            yield f"{what}: the cluster has no guest {guest}.", False
        elif guests[guest] == target:
            yield f"{what}: guest {guest} is on {target} itself.", False
        if target not in nodes:
            yield f"{what}: the cluster has no node {target}.", False


def explain(item: Item, reason: str) -> str | None:
    if "No replicatable volumes" in reason:
        guest = str(item.get("id", "")).partition("-")[0]
        return f"Replication needs disks on local ZFS; guest {guest} has none that are not exempt."
    return None


REPLICATION_JOB = Resource(
    name="replication job",
    path=PATH,
    key=Field("id", pattern=r"[1-9][0-9]{2,8}-\d{1,9}", meaning="a guest and a number such as 100-0"),
    discriminator=Field("type", choices=["local"]),
    fields=[
        Field("target", pattern=_names.NODE.pattern, meaning="a node name"),
        Field("schedule", CALENDAR, default="*/15"),
        Field("rate", NUMBER, limits=(1, 2**31)),
        Field("disable", BOOL, default=False),
        Field("comment"),
    ],
    variants={"local": Variant(required="target", optional="schedule rate disable comment", fixed="target")},
    recreatable=False,
    prepare=switched,
    read=read,
    objections=objections,
    explain=explain,
)
