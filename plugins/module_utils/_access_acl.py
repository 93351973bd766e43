# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The access control list: the table of PVE/API2/ACL.pm, the same in Proxmox VE 8.4 and 9.2.

There is one entry for each path, whom it is for, and role; only C(propagate) can differ. PUT writes and removes. Removing
an entry that is not there succeeds; one for a user or group that no longer exists is refused, though the list has it.
Entries for root@pam are taken and never stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _access
from ansible_collections.baremetal.proxmox.plugins.module_utils._access import (
    ACL,
    GROUPS,
    NAME,
    ROLES,
    ROOT,
    TOKEN,
    USER,
    USERS,
    asking,
    kind,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL, STR, Kind

# check_path in PVE/AccessControl.pm, without what is under them: that grows with every release
_TOPS = "access|mapping|nodes|pool|sdn|storage|vms"


def _read_path(value: Any) -> str:
    """As normalize_path in PVE/AccessControl.pm."""
    return "/" + re.sub(r"/+", "/", STR.read(value)).strip("/")


PATH = Kind("path of the access control list", _read_path, str)


def read(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    who = asking(api)
    for row in api.get(ACL):
        mine = who.user != ROOT and row["ugid"] in who.names
        yield {**row, **({"held": "whoever asks through this connection has their rights from it"} if mine else {})}


def check(item: Item) -> Iterable[str]:
    if item["ugid"] == ROOT:
        yield f"ugid: {ROOT} may do everything anyway, and Proxmox stores no entry for it"


def objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    new = [ACL_TABLE.head(change.key, None) for change in changes if change.action == "create"]
    known: dict[str, set[str]] = {"role": {row["roleid"] for row in api.get(ROLES)}} if new else {}
    for item in new:
        what = kind(item["ugid"])
        if what not in known:
            known |= _members(api, what)
        where = f"acl '{item['path']} {item['ugid']} {item['roleid']}'"
        if item["roleid"] not in known["role"]:
            yield f"{where}: there is no role {item['roleid']}.", False
        if item["ugid"] not in known[what]:
            yield f"{where}: there is no {what} {item['ugid']}.", False


def _members(api: Any, what: str) -> dict[str, set[str]]:
    if what == "group":
        return {"group": {row["groupid"] for row in api.get(GROUPS)}}
    rows = api.get(USERS, full=True)
    tokens = {f"{row['userid']}!{one['tokenid']}" for row in rows for one in row.get("tokens") or ()}
    return {"user": {row["userid"] for row in rows}, "token": tokens}


def write(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    item = ACL_TABLE.head(change.key, None)
    entry = {"path": item["path"], "roles": item["roleid"], f"{kind(item['ugid'])}s": item["ugid"]}
    api.put(ACL, **entry, **({"delete": True} if change.action == "delete" else form))


def explain(item: Item, reason: str) -> str | None:
    if "invalid ACL path" in reason:
        return "This version of Proxmox VE has no such path."
    if "does not exist" in reason and item:
        return f"Proxmox changes entries of what exists only; 'pveum acl list' shows those of {item['ugid']}."
    return _access.explain(item, reason)


ACL_TABLE = Resource(
    name="acl",
    path=ACL,
    key=Field("roleid", pattern=NAME, meaning="the name of a role"),
    scope=(
        Field(
            "path",
            PATH,
            pattern=rf"/|/(?:{_TOPS})(?:/[A-Za-z0-9._-]+)*",
            meaning=f"/ or a path below /{_TOPS.replace('|', ', /')}",
        ),
        Field(
            "ugid", pattern=rf"{TOKEN}|{USER}|{NAME}", meaning="a user, a group, or a token such as alice@pve!deploy"
        ),
    ),
    fields=[Field("propagate", BOOL, default=True)],
    variants={None: Variant(optional="propagate")},
    check=check,
    objections=objections,
    explain=explain,
    read=read,
    write=write,
    held=_access.held,
    resets=True,
)
