# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Users, groups and roles: the tables of PVE/API2/{User,Group,Role}.pm, the same in Proxmox VE 8.4 and 9.2.

What the handlers do, and is reckoned with here:

- None of them takes a list of settings to delete: an empty text takes a text or a list away.
- A user's groups are set as a whole, and only in the user: a group has no say in who is in it.
- A password is a parameter of POST only; later it has a call of its own, which an API token may not make
  (PVE/API2/AccessControl.pm). It cannot be read. Only the realms pam and pve keep one.
- A user of a realm that does not exist, a privilege of no role: the former is taken, the latter refused.
- DELETE of a role leaves its entries in the access control list; they are void, and gone at the next change.
- The list of users is the only answer that has all their groups and tokens at once (C(full)).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ansible_collections.baremetal.proxmox.plugins.module_utils import _access
from ansible_collections.baremetal.proxmox.plugins.module_utils._access import (
    ACL,
    GROUPS,
    NAME,
    REALMS,
    ROLES,
    ROOT,
    USER,
    USERS,
    asking,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL, INT, SET

_GROUP: dict[str, Any] = {"pattern": NAME, "meaning": "the name of a group (letters, digits and ._-)"}

# -- users


def read_users(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    user = asking(api).user
    for row in api.get(USERS, full=True):
        mine = row["userid"] == user and user != ROOT
        yield {**row, **({"held": "it is the user that this connection asks as"} if mine else {})}


def prepare_user(values: Item, _present: Item | None) -> Item:
    # there is no way to take a password away
    return {option: value for option, value in values.items() if option != "password" or value is not None}


def check_user(item: Item) -> Iterable[str]:
    if item["userid"] == ROOT and item.get("enable") is False:
        yield f"enable: {ROOT} is what this collection asks as on a node; it cannot be switched off"


def user_objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    made = [change for change in changes if change.action != "delete"]
    groups = {change.key: change.to_set["groups"] for change in made if change.to_set.get("groups")}
    known = {row["groupid"] for row in api.get(GROUPS)} if groups else set()
    for key, names in groups.items():
        if strange := sorted(set(names) - known):
            yield f"user '{key}': groups: there is no group {', '.join(strange)}.", False
    new = [change.key for change in made if change.action == "create"]
    realms = {row["realm"] for row in api.get(REALMS)} if new else set()
    for key in new:
        realm = key.rpartition("@")[2]
        if realm not in realms:
            yield f"user '{key}': there is no realm '{realm}'; there are {', '.join(sorted(realms))}.", False
    yield from _locked_out(api, made)


def _locked_out(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    user = asking(api).user if changes else None
    for change in changes:
        expire = change.to_set.get("expire") or 0
        if change.key == user and (change.to_set.get("enable") is False or 0 < expire <= time.time()):
            yield f"user '{user}': this connection asks as this user, who could not go on.", True


def write_user(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    path = f"{USERS}/{quote(change.key, safe='@!')}"
    if change.action == "delete":
        api.delete(path)
        return
    if change.action == "create":
        api.post(USERS, userid=change.key, **form)
        return
    settings = {**form, **dict.fromkeys(change.to_unset, "")}
    password = settings.pop("password", None)
    if settings:
        api.put(path, **settings)
    if password is not None:
        # nobody but root@pam changes a password without giving his own (RPCEnvironment.pm)
        own = api.password if api.user != "root@pam" and "!" not in api.user else None
        api.put("/access/password", userid=change.key, password=password, **{"confirmation-password": own})


def explain_user(item: Item, reason: str) -> str | None:
    if "can't set password" in reason:
        return "Only the realms pam and pve keep passwords; leave it out for this user."
    if "change password failed" in reason:
        return f"A user of pam has to be one of the node's as well: adduser {str(item['userid']).rpartition('@')[0]}."
    if "not available with API token" in reason:
        return "A password is not changed through a token: run this on a node, or give api_password."
    return _access.explain(item, reason)


USER_TABLE = Resource(
    name="user",
    path=USERS,
    key=Field("userid", pattern=USER, meaning="a user such as alice@pve, of at most 64 characters"),
    fields=[
        Field("enable", BOOL, default=True),
        Field("expire", INT, default=0, limits=(0, 2**53)),
        Field("firstname"),
        Field("lastname"),
        Field("email", pattern=r"[^\s@:]+@[^\s@:]+", meaning="an e-mail address"),
        Field("comment"),
        Field("groups", SET, **_GROUP),
        Field("keys", secret=True, readable=True, pattern=r"[0-9a-zA-Z!=]{1,4096}", meaning="keys"),
        Field("password", secret=True, pattern=r"(?s).{8,64}", meaning="8 to 64 characters"),
    ],
    variants={None: Variant(optional="enable expire firstname lastname email comment groups keys password")},
    protected=frozenset({ROOT}),
    # PVE/AccessControl.pm, userconfig_force_defaults
    fresh=[{"userid": ROOT, "enable": 1, "expire": 0}],
    prepare=prepare_user,
    check=check_user,
    objections=user_objections,
    explain=explain_user,
    read=read_users,
    write=write_user,
    held=_access.held,
    resets=True,
    clears=True,
)

# -- groups


def read_groups(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    groups = asking(api).groups
    for row in api.get(GROUPS):
        mine = row["groupid"] in groups
        yield {**row, **({"held": "the user that this connection asks as is in it"} if mine else {})}


GROUP_TABLE = Resource(
    name="group",
    path=GROUPS,
    key=Field("groupid", **_GROUP),
    fields=[Field("comment")],
    variants={None: Variant(optional="comment")},
    explain=_access.explain,
    read=read_groups,
    held=_access.held,
    clears=True,
)

# -- roles


def read_roles(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    who = asking(api)
    mine = {row["roleid"] for row in api.get(ACL) if row["ugid"] in who.names} if who.user != ROOT else set()
    for row in api.get(ROLES):
        yield {**row, **({"held": "whoever asks through this connection has it"} if row["roleid"] in mine else {})}


def role_objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    for change in changes:
        if change.action == "create" and change.key.lower().startswith("pve"):
            yield f"role '{change.key}': names that begin with PVE are Proxmox's own; take another one.", True
    wanted = {change.key: change.to_set["privs"] for change in changes if change.to_set.get("privs")}
    if not wanted:
        return
    # it has all there are, and is built in
    known = next((set(row["privs"].split(",")) for row in api.get(ROLES) if row["roleid"] == "Administrator"), set())
    for key, privs in wanted.items():
        if strange := sorted(set(privs) - known):
            yield f"role '{key}': privs: this version of Proxmox VE has no privilege {', '.join(strange)}.", True


def advise_roles(get: Any, changes: Sequence[Any]) -> Iterable[str]:
    removed = {change.key for change in changes if change.action == "delete"}
    places: dict[str, list[str]] = {}
    for row in get(ACL) if removed else ():
        if row["roleid"] in removed:
            places.setdefault(row["roleid"], []).append(f"{row['ugid']} on {row['path']}")
    for role, found in sorted(places.items()):
        yield f"role '{role}' is removed, and what it grants with it: {', '.join(sorted(found))}."


ROLE_TABLE = Resource(
    name="role",
    path=ROLES,
    key=Field("roleid", pattern=NAME, meaning="the name of a role (letters, digits and ._-)"),
    fields=[Field("privs", SET, pattern=r"[A-Za-z]+(\.[A-Za-z]+)+", meaning="a privilege such as VM.Audit")],
    variants={None: Variant(optional="privs")},
    objections=role_objections,
    advise=advise_roles,
    explain=_access.explain,
    read=read_roles,
    held=_access.held,
    built_in=lambda row: bool(int(row.get("special") or 0)),
    clears=True,
)
