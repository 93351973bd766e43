# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What the tables of Proxmox Backup Server share: identifiers, counts, rates, and how they are run (pbs-api-types)."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._client import BACKUP_CONNECTION_SPEC, Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Resource
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import INT, Kind, texts

# lib.rs, PROXMOX_SAFE_ID_REGEX_STR; the length is that of job ids, datastores and remotes
SAFE = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
ID = {"pattern": rf"(?=.{{3,32}}$){SAFE}", "meaning": "3 to 32 letters, digits, dots, - and _"}
# user.rs, Authid
USERID = {"pattern": rf"[^\s:/]+@{SAFE}", "meaning": "a user such as backup@pbs"}
AUTHID = {"pattern": rf"[^\s:/]+@{SAFE}(?:!{SAFE})?", "meaning": "a user or token such as backup@pbs!pve"}
# datastore.rs, BackupNamespace
NAMESPACE = {"pattern": rf"(?:{SAFE}/){{0,6}}{SAFE}", "meaning": "up to seven names with / between them"}
PRODUCT = "Proxmox Backup Server"

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGTP]?i?)B?", re.IGNORECASE)
_KEPT = ("last", "hourly", "daily", "weekly", "monthly", "yearly")


def _read_rate(value: Any) -> str:
    """proxmox-human-byte: a number, a blank and a unit, each as short as can be."""
    match = _SIZE.fullmatch(str(value).strip())
    if match is None or match[2].lower() == "i":
        raise ValueError(f"is {value!r}, not a number of bytes such as 10 MB or 1.5GiB")
    return f"{float(match[1]):.12g} {match[2][:1].upper()}{match[2][1:].lower()}B"


def _read_filter(value: Any) -> str:
    """jobs.rs, GroupFilter: what includes says nothing of it."""
    text = str(value).strip().removeprefix("include:")
    kind, _colon, rest = text.removeprefix("exclude:").partition(":")
    if not rest or kind not in ("type", "group", "regex"):
        raise ValueError(f"has {value!r}, not [exclude:]type:vm, group:vm/100 or regex:…")
    if kind == "type" and rest not in ("vm", "ct", "host"):
        raise ValueError(f"has {value!r}; types are vm, ct and host")
    return text


RATE = Kind("bytes a second", _read_rate, str)
FILTERS = texts("group filters", _read_filter)
TEXTS = texts("list without order")
RATES = "rate-in rate-out burst-in burst-out"
KEEP = " ".join(f"keep-{unit}" for unit in _KEPT)


def rates() -> list[Field]:
    return [Field(name, RATE) for name in RATES.split()]


def keeps() -> list[Field]:
    """How many of the newest backups, and of how many of the last hours, days, … one stays."""
    return [Field(name, INT, limits=(1, 2**31)) for name in KEEP.split()]


def depth() -> Field:
    return Field("max-depth", INT, default=7, limits=(0, 7))


def run(resource: Resource) -> None:
    """The whole module of a resource."""
    ResourceModule(resource, Client.backup_server, connection=BACKUP_CONNECTION_SPEC).run()


def write(
    collection: str, api: Any, change: Any, form: dict[str, Any], unset: dict[str, str], resource: Resource
) -> None:
    """As the engine writes, but for settings that cannot be taken away: C(unset) has what is written in their place."""
    if change.action == "delete":
        api.delete(f"{collection}/{change.key}")
    elif change.action == "create":
        api.post(collection, **{resource.key.name: change.key}, **form)
    else:
        gone = sorted(set(change.to_unset) - set(unset))
        form = {**form, **{name: unset[name] for name in change.to_unset if name in unset}}
        digest = change.present.raw.get("digest") if change.present else None
        api.put(f"{collection}/{change.key}", delete=gone or None, digest=digest, **form)
