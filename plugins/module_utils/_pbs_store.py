# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Datastores and their namespaces: src/api2/config/datastore.rs, src/api2/admin/namespace.rs.

Both are made and removed by tasks. Removing a datastore here leaves its backups where they are; its jobs and what was
granted on it go with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import (
    BOOL,
    CALENDAR,
    PATH,
    Kind,
    one_of,
    properties,
    read_bool,
    within,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_words import ID, NAMESPACE, PRODUCT, USERID

_MODES = ("read-only", "offline")
_WHEN = one_of("never", "always", "error")
_PART = re.compile(r'\s*(?:([a-z-]+)=)?("(?:[^"\\]|\\.)*"|[^,"]*)\s*(?:,|$)')


def _read_maintenance(value: Any) -> dict[str, str] | None:
    """The mode and its reason. What only Proxmox sets (delete, unmount) is read as it is."""
    if isinstance(value, str):
        pairs = {
            name or "type": re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
            for name, text in _PART.findall(value)
            if text
        }
    elif isinstance(value, Mapping):
        pairs = {str(name): str(text) for name, text in value.items() if text is not None}
        if pairs.get("type") not in _MODES:
            raise ValueError(f"has the type {pairs.get('type')!r}; allowed are {', '.join(_MODES)}")
    else:
        raise ValueError("is neither a text nor type and message")
    if strange := set(pairs) - {"type", "message"}:
        raise ValueError(f"has the unknown key {sorted(strange)[0]!r}; known are type, message")
    return dict(sorted(pairs.items())) or None


def _write_maintenance(value: Mapping[str, str]) -> str:
    message = re.sub(r'(["\\])', r"\\\1", value.get("message", ""))
    return f"type={value['type']}" + (f',message="{message}"' if message else "")


_MAINTENANCE = Kind("maintenance mode", _read_maintenance, _write_maintenance, {"type": "dict"})
_TUNING = properties(
    "tuning",
    {
        "chunk-order": one_of("none", "inode"),
        "sync-level": one_of("none", "file", "filesystem"),
        "gc-atime-safety-check": read_bool,
        "gc-atime-cutoff": within(1, 2880),
        "gc-cache-capacity": within(0, 8388608),
        "default-verification-workers": within(1, 32),
        "default-verification-readers": within(1, 32),
    },
)
_NOTIFY = properties("notifications", dict.fromkeys(("gc", "prune", "sync", "verify"), _WHEN))
_BACKEND = properties(
    "backend",
    {"type": one_of("filesystem", "s3"), "client": str, "bucket": str, "max-cache-size": str},
    short="type",
)


def _explain(_item: Item, reason: str) -> str | None:
    if "datastore path not empty" in reason:
        return "reuse_datastore: true takes over a datastore that is there; anything else has to go first."
    if "EEXIST" in reason:
        return "There is a datastore in that directory already; reuse_datastore: true takes it over."
    if "nested datastores" in reason:
        return "Give each datastore a directory outside of all others."
    return None


DATASTORE = Resource(
    name="datastore",
    path="/config/datastore",
    product=PRODUCT,
    key=Field("name", **ID),
    fields=[
        Field("path", PATH),
        Field("backend", _BACKEND, since=(4, 0)),
        Field("reuse-datastore", BOOL, transient=True, since=(3, 3)),
        Field("comment"),
        Field("gc-schedule", CALENDAR),
        Field("verify-new", BOOL, default=False),
        Field("notification-mode", choices=["legacy-sendmail", "notification-system"]),
        Field("notify-user", **USERID),
        Field("notify", _NOTIFY),
        Field("tuning", _TUNING),
        Field("maintenance-mode", _MAINTENANCE),
    ],
    variants={
        None: Variant(
            required="path",
            optional="backend reuse-datastore comment gc-schedule verify-new notification-mode notify-user notify tuning"
            " maintenance-mode",
            fixed="path backend reuse-datastore",
        )
    },
    recreatable=False,
    guarded=True,
    workers=frozenset({"create-datastore", "delete-datastore"}),
    explain=_explain,
)


# -- namespaces

_STORES = "/admin/datastore"


def _read_namespaces(api: Any, identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    """A datastore that is not there now (in maintenance, not mounted) must not stop what is about the others."""
    only = identity.split(" ")[0] if identity else None
    for store in sorted(row["store"] for row in api.get(_STORES)):
        if only in (None, store):
            try:
                rows = api.get(f"{_STORES}/{store}/namespace")
            except ApiError:
                if only:
                    raise
                continue
            yield from ({"store": store, "ns": row["ns"]} for row in rows if row["ns"])


def _parent(item: Item) -> Iterable[str]:
    above = str(item["ns"]).rpartition("/")[0]
    return [f"{item['store']} {above}"] if above else []


def _write_namespace(api: Any, change: Any, _form: Mapping[str, Any]) -> None:
    item = NAMESPACE_TABLE.head(change.key, None)
    path = f"{_STORES}/{item['store']}/namespace"
    if change.action == "delete":
        api.delete(path, ns=item["ns"])
    else:
        parent, _slash, name = str(item["ns"]).rpartition("/")
        api.post(path, name=name, parent=parent or None)


def _explain_namespace(item: Item, reason: str) -> str | None:
    if "doesn't already exist" in reason:
        return f"List {str(item['ns']).rpartition('/')[0]} as well."
    if "existing groups" in reason:
        return "There are backups in it; nothing here removes them."
    return None


NAMESPACE_TABLE = Resource(
    name="namespace",
    path=_STORES,
    product=PRODUCT,
    key=Field("ns", **NAMESPACE),
    scope=Field("store", **ID),
    fields=[],
    variants={None: Variant()},
    recreatable=False,
    depends=_parent,
    explain=_explain_namespace,
    read=_read_namespaces,
    write=_write_namespace,
)
