# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""API tokens and the access control list of a backup server: src/api2/access/{user,acl}.rs, pbs-config/src/acl.rs.

As in Proxmox VE, the secret of a token is told once, and an entry is a path, whom it is for, and a role. A token has no
more rights than its user, and none that it was not granted. Roles are fixed, and there are no groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ansible_collections.baremetal.proxmox.plugins.module_utils import _access, _access_tokens
from ansible_collections.baremetal.proxmox.plugins.module_utils._access import ACL, ROLES, ROOT, USERS, split_token
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_acl import PATH as ACL_PATH
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL, INT, PATH
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_words import AUTHID, PRODUCT, SAFE

_REGENERATES = (4, 0)
_TOKEN = {"pattern": rf"[^\s:/]+@{SAFE}!{SAFE}", "meaning": "a token such as backup@pbs!pve"}
# acl.rs, check_acl_path, without what is under them: that grows with every release
_TOPS = "access|datastore|remote|system|tape"
# PUT takes no default away; an empty comment is none
_UNSET = {"comment": "", "enable": "1", "expire": "0"}


def _everybody(api: Any) -> set[str]:
    """Users and tokens."""
    rows = api.get(USERS, include_tokens=True)
    return {row["userid"] for row in rows} | {one["tokenid"] for row in rows for one in row.get("tokens") or ()}


# -- tokens


def _read_tokens(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    for user in api.get(USERS, include_tokens=True):
        for row in user.get("tokens") or ():
            used = {"held": "it is the token that this connection uses"} if row["tokenid"] == api.user else {}
            yield {**row, "digest": user.get("digest"), **used}


def _objections_to_tokens(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    new = [change.key for change in changes if change.action == "create"]
    users = {row["userid"] for row in api.get(USERS)} if new else set()
    for key in new:
        if split_token(key)[0] not in users:
            yield f"token '{key}': there is no user {split_token(key)[0]}.", False
    for change in changes:
        if change.key == api.user and "regenerate" in change.to_set:
            yield f"token '{change.key}': regenerate: this connection uses it, and could not go on.", True


def _write_token(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    user, name = split_token(change.key)
    path = f"{USERS}/{quote(user, safe='@!')}/token/{quote(name, safe='')}"
    if change.action == "delete":
        api.delete(path)
        return
    settings = {name: value for name, value in form.items() if name not in ("regenerate", "secret_file")}
    settings |= {name: _UNSET[name] for name in change.to_unset}
    if change.action == "update" and "regenerate" not in form:
        api.put(path, **settings)
        return
    with _access_tokens.keeping(api, change.key, change.goal.values.get("secret_file")) as keep:
        if change.action == "create":
            keep(api.post(path, **settings))
        elif api.client.version >= _REGENERATES:
            keep({"value": api.put(path, regenerate=True, **settings)["secret"]})
        else:
            # there, what a token was granted stays when it is removed
            known = {one: change.present.values[one] for one in _UNSET if one in change.present.values}
            api.delete(path)
            keep(api.post(path, **{**known, **settings}))


TOKEN_TABLE = Resource(
    name="token",
    path=USERS,
    product=PRODUCT,
    key=Field("tokenid", **_TOKEN),
    fields=[
        Field("comment"),
        Field("enable", BOOL, default=True),
        Field("expire", INT, default=0, limits=(0, 2**53)),
        Field("secret_file", PATH, transient=True, pattern=r"/.+", meaning="an absolute path"),
        Field("regenerate", once=True, choices=["never", "lost", "always"]),
    ],
    variants={None: Variant(optional="comment enable expire secret_file regenerate")},
    prepare=_access_tokens.prepare,
    objections=_objections_to_tokens,
    read=_read_tokens,
    write=_write_token,
    held=_access.held,
)


# -- the access control list


def _read_acl(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    names = {api.user, split_token(api.user)[0]} if "!" in api.user else {api.user}
    for row in api.get(ACL):
        mine = ROOT not in names and row["ugid"] in names
        yield {**row, **({"held": "whoever asks through this connection has their rights from it"} if mine else {})}


def _check_acl(item: Item) -> Iterable[str]:
    if item["ugid"] == ROOT:
        yield f"ugid: {ROOT} may do everything anyway, and Proxmox stores no entry for it"


def _objections_to_acl(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    new = [ACL_TABLE.head(change.key, None) for change in changes if change.action == "create"]
    if not new:
        return
    roles, known = {row["roleid"] for row in api.get(ROLES)}, _everybody(api)
    for item in new:
        where = f"acl '{item['path']} {item['ugid']} {item['roleid']}'"
        if item["roleid"] not in roles:
            yield f"{where}: there is no role {item['roleid']}; there are {', '.join(sorted(roles))}.", True
        if item["ugid"] not in known:
            yield f"{where}: there is no {'token' if '!' in item['ugid'] else 'user'} {item['ugid']}.", False


def _write_acl(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    item = ACL_TABLE.head(change.key, None)
    entry = {"path": item["path"], "role": item["roleid"], "auth-id": item["ugid"]}
    api.put(ACL, **entry, **({"delete": True} if change.action == "delete" else form))


ACL_TABLE = Resource(
    name="acl",
    path=ACL,
    product=PRODUCT,
    key=Field("roleid", pattern=r"[A-Za-z]+", meaning="the name of a role"),
    scope=(
        Field(
            "path",
            ACL_PATH,
            pattern=rf"/|/(?:{_TOPS})(?:/{SAFE})*",
            meaning=f"/ or a path below /{_TOPS.replace('|', ', /')}",
        ),
        Field("ugid", **AUTHID),
    ),
    fields=[Field("propagate", BOOL, default=True)],
    variants={None: Variant(optional="propagate")},
    check=_check_acl,
    objections=_objections_to_acl,
    read=_read_acl,
    write=_write_acl,
    held=_access.held,
    resets=True,
)
