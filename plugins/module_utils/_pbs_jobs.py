# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Jobs of a backup server: src/api2/config/{prune,verify,sync}.rs, pbs-api-types/src/jobs.rs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL, CALENDAR, INT
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_words import (
    AUTHID,
    FILTERS,
    ID,
    KEEP,
    NAMESPACE,
    PRODUCT,
    RATES,
    depth,
    keeps,
    rates,
    write,
)

_SYNC = "/config/sync"
_MAX_DEPTH = 7
# Of the settings of a sync job only this one is not among those that can be deleted
_KEPT = {"resync-corrupt": "0"}


def _depth_left(item: Item) -> Iterable[str]:
    """namespace.rs, check_max_depth."""
    for option in ("ns", "remote_ns"):
        levels = len(str(item[option]).split("/")) if item.get(option) else 0
        if item.get("max_depth") is not None and levels + item["max_depth"] > _MAX_DEPTH:
            yield f"{option} is {levels} deep, so that max_depth can be {_MAX_DEPTH - levels} at most"


def _check_sync(item: Item) -> Iterable[str]:
    if not item.get("remote"):
        if item.get("store") == item.get("remote_store"):
            yield "store and remote_store are the same datastore; give remote, or another datastore"
        if item.get("sync_direction") == "push":
            yield "remote is not set; sync_direction push needs it"
    yield from _depth_left(item)


def _read_sync(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    """Without being asked for them, the list has no push jobs; before 3.3 there were none."""
    every = {"sync-direction": "all"} if api.client.version >= (3, 3) else {}
    return api.get(_SYNC, **every)


def _write_sync(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    write(_SYNC, api, change, dict(form), _KEPT, SYNC_JOB)


PRUNE_JOB = Resource(
    name="prune job",
    path="/config/prune",
    product=PRODUCT,
    key=Field("id", **ID),
    fields=[
        Field("store", **ID),
        Field("schedule", CALENDAR),
        Field("disable", BOOL, default=False),
        Field("comment"),
        Field("ns", **NAMESPACE),
        depth(),
        *keeps(),
    ],
    variants={None: Variant(required="store schedule", optional=f"disable comment ns max-depth {KEEP}")},
)
VERIFY_JOB = Resource(
    name="verification job",
    path="/config/verify",
    product=PRODUCT,
    key=Field("id", **ID),
    fields=[
        Field("store", **ID),
        Field("ns", **NAMESPACE),
        depth(),
        Field("ignore-verified", BOOL, default=True),
        Field("outdated-after", INT, limits=(0, 2**31)),
        Field("comment"),
        Field("schedule", CALENDAR),
        Field("read-threads", INT, default=1, limits=(1, 32), since=(4, 0)),
        Field("verify-threads", INT, default=4, limits=(1, 32), since=(4, 0)),
    ],
    variants={
        None: Variant(
            required="store",
            optional="ns max-depth ignore-verified outdated-after comment schedule read-threads verify-threads",
        )
    },
)
SYNC_JOB = Resource(
    name="sync job",
    path=_SYNC,
    product=PRODUCT,
    key=Field("id", **ID),
    fields=[
        Field("store", **ID),
        Field("remote-store", **ID),
        Field("ns", **NAMESPACE),
        Field("owner", **AUTHID),
        Field("remote", **ID),
        Field("remote-ns", **NAMESPACE),
        Field("sync-direction", default="pull", choices=["pull", "push"], since=(3, 3)),
        Field("remove-vanished", BOOL, default=False),
        depth(),
        Field("comment"),
        Field("schedule", CALENDAR),
        Field("group-filter", FILTERS),
        *rates(),
        Field("transfer-last", INT, limits=(1, 2**31)),
        Field("encrypted-only", BOOL, default=False, since=(3, 4)),
        Field("verified-only", BOOL, default=False, since=(3, 4)),
        Field("resync-corrupt", BOOL, default=False, since=(3, 3)),
        Field("run-on-mount", BOOL, default=False, since=(4, 0)),
        Field("unmount-on-done", BOOL, default=False, since=(4, 0)),
        Field("worker-threads", INT, default=1, limits=(1, 32), since=(4, 0)),
    ],
    variants={
        None: Variant(
            required="store remote-store",
            optional="ns owner remote remote-ns sync-direction remove-vanished max-depth comment schedule group-filter"
            f" {RATES} transfer-last encrypted-only verified-only resync-corrupt run-on-mount unmount-on-done"
            " worker-threads",
        )
    },
    read=_read_sync,
    write=_write_sync,
    check=_check_sync,
)
