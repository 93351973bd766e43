# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Backup jobs: PVE/API2/Backup.pm, the options of PVE/VZDump/Common.pm.

A setting that a job does not have comes from /etc/vzdump.conf of the node, so that few have a default here. PUT with one
way to select guests drops the others. starttime and dow are the old form of schedule, maxfiles that of prune-backups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _names
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import (
    BOOL,
    CALENDAR,
    INT,
    LIST,
    PATH,
    PRUNE,
    STR,
    VMIDS,
    properties,
    read_bool,
    texts,
    within,
)

_MANY = 2**31
_COUNT: dict[str, Any] = {"limits": (0, _MANY)}
_STORAGE: dict[str, Any] = {
    "pattern": r"[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9]",
    "meaning": "the name of a storage",
}
FIELDS = [
    Field("schedule", CALENDAR),
    Field("enabled", BOOL, default=True, resets=True),
    Field("repeat-missed", BOOL, default=False),
    Field("comment"),
    Field("all", BOOL, default=False),
    Field("vmid", VMIDS, limits=(100, 999999999)),
    Field("exclude", VMIDS, limits=(100, 999999999)),
    Field("pool"),
    Field("node", pattern=_names.NODE.pattern, meaning="a node name"),
    Field("storage", **_STORAGE),
    Field("mode", choices=["snapshot", "suspend", "stop"]),
    Field("compress", choices=["0", "1", "gzip", "lzo", "zstd"]),
    Field("zstd", INT, **_COUNT),
    Field("pigz", INT, **_COUNT),
    Field("prune-backups", PRUNE),
    Field("remove", BOOL),
    Field("protected", BOOL),
    Field("notes-template", narrow=True),
    Field("fleecing", properties("fleecing", {"enabled": read_bool, "storage": STR.read}, short="enabled")),
    Field(
        "performance",
        properties("performance", {"max-workers": within(1, 256), "pbs-entries-max": within(1, _MANY)}),
    ),
    Field("pbs-change-detection-mode", choices=["legacy", "data", "metadata"]),
    Field("notification-mode", choices=["auto", "legacy-sendmail", "notification-system"]),
    Field("mailnotification", choices=["always", "failure"]),
    Field("mailto", LIST),
    Field("bwlimit", INT, **_COUNT),
    Field("ionice", INT, limits=(0, 8)),
    Field("lockwait", INT, **_COUNT),
    Field("stopwait", INT, **_COUNT),
    Field("stop", BOOL),
    Field("quiet", BOOL),
    Field("stdexcludes", BOOL),
    Field("exclude-path", texts("paths"), narrow=True),
    Field("tmpdir", PATH),
    Field("dumpdir", PATH),
    Field("script", PATH),
]


def prepare(values: Item, present: Item | None) -> Item:
    """One way to select guests takes the place of another, as the API does it."""
    ways = {name for name in ("vmid", "pool") if values.get(name) is not None}
    if values.get("all") or values.get("exclude"):
        ways.add("all")
    if len(ways) > 1:
        raise ValueError(f"{', '.join(sorted(ways))}: choose one of all (perhaps with exclude), pool, vmid")
    if ways == {"all"}:
        values["all"] = True
    others = {"vmid": ("all", "exclude", "pool"), "pool": ("all", "exclude", "vmid"), "all": ("vmid", "pool")}
    for way in ways:
        for other in others[way]:
            if other in (present or {}):
                values[other] = None
    return values


def check(item: Item) -> Iterable[str]:
    if not (item.get("all") or item.get("pool") or item.get("vmid") or item.get("stop")):
        yield "selects no guest; give all (perhaps with exclude), pool, or vmid"
    if (item.get("fleecing") or {}).get("enabled") and "storage" not in item["fleecing"]:
        yield "fleecing: needs storage when it is enabled"
    for name in ("notes_template", "protected"):
        if item.get(name) and not item.get("storage"):
            yield f"{name}: needs storage"
    if item.get("storage") and item.get("dumpdir"):
        yield "dumpdir: not together with storage"


def explain(item: Item, reason: str) -> str | None:
    if "calendar event" in reason or "schedule" in reason:
        return f"Proxmox cannot read the schedule {item.get('schedule')!r}; see 'man pve-calendar-events'."
    return None


def objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    """Proxmox takes a storage that does not exist, and one for no backups; the job then fails at night."""
    named: dict[str, list[str]] = {}
    for change in changes:
        if storage := change.to_set.get("storage"):
            named.setdefault(storage, []).append(change.key)
    if not named:
        return
    known: Mapping[str, Any] = {row["storage"]: row for row in api.get("/storage")}
    for storage, jobs in sorted(named.items()):
        jobs_text = ", ".join(f"'{job}'" for job in jobs)
        if storage not in known:
            yield f"backup job {jobs_text}: there is no storage '{storage}'.", False
        elif "backup" not in str(known[storage].get("content", "")).split(","):
            yield f"backup job {jobs_text}: the storage '{storage}' is not for backups (content).", False


BACKUP_JOB = Resource(
    name="backup job",
    path="/cluster/backup",
    # what was made without a name has a UUID
    key=Field(
        "id",
        pattern=r"[A-Za-z0-9][A-Za-z0-9_-]+",
        meaning="letters, digits, - and _",
    ),
    fields=FIELDS,
    variants={
        None: Variant(required="schedule", optional=" ".join(one.name for one in FIELDS if one.name != "schedule"))
    },
    prepare=prepare,
    check=check,
    explain=explain,
    objections=objections,
)
