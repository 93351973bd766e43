# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Flags of Ceph's OSD map: PVE/API2/Cluster/Ceph.pm, the same in Proxmox VE 8.4 and 9.2.

A flag exists while it is set; C(value: false) says that it should not. All changes go in one call. Its task goes on
after an error, and then fails as a whole. C(pause) stands for Ceph's C(pauserd) and C(pausewr).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL

PATH = "/cluster/ceph/flags"
FLAGS = (
    "nobackfill",
    "nodeep-scrub",
    "nodown",
    "noin",
    "noout",
    "norebalance",
    "norecover",
    "noscrub",
    "notieragent",
    "noup",
    "pause",
)


def read(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    return [{"name": row["name"], "value": True} for row in api.get(PATH) if int(row["value"] or 0)]


def together(api: Any, changes: Sequence[Any]) -> None:
    api.put(PATH, **{change.key: change.action != "delete" for change in changes})


FLAG = Resource(
    name="flag",
    path=PATH,
    key=Field("name", pattern="|".join(FLAGS), meaning=f"one of {', '.join(FLAGS)}"),
    fields=[Field("value", BOOL, default=True)],
    variants={None: Variant(optional="value")},
    gone=lambda values: values.get("value") is False,
    read=read,
    together=together,
    workers=frozenset({"cephsetflags"}),
)
