"""ACL entries (src/api2/access/acl.rs)."""

from __future__ import annotations

from typing import Any

from .. import acl, files, users
from ..errors import refused
from ..table import ANYBODY, Context, endpoint


@endpoint("GET", "/access/acl", permission=ANYBODY, params="path:acl-path exact:boolean")
def read_acl(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    """All entries, or for who may not audit them those of their own tokens."""
    known = acl.Permissions()
    everything = known.has(ctx.user, ["access", "acl"], "Sys.Audit")
    ctx.attributes["digest"] = known.acl.digest
    below = acl.components(params.get("path", "/"))
    found = []
    for (path, who, role), propagate in sorted(known.acl.entries.items()):
        parts = acl.components(path)
        inside = parts == below if params.get("exact") else parts[: len(below)] == below
        visible = everything or (users.is_token(who) and users.owner(who) == ctx.user)
        if inside and visible:
            found.append({"path": path, "ugid": who, "ugid_type": "user", "roleid": role, "propagate": propagate})
    return found


@endpoint(
    "PUT",
    "/access/acl",
    permission=ANYBODY,
    params="path!:acl-path role! auth-id:authid group propagate:boolean delete:boolean digest:digest",
)
def update_acl(ctx: Context, params: dict[str, Any]) -> None:
    if not acl.Permissions().has(ctx.user, ["access", "acl"], "Permissions.Modify"):
        _check_unprivileged(ctx, params)
    with files.lock("acl"):
        known = acl.read()
        files.check_digest(params.get("digest"), known.digest)
        _check(params)
        entry = (acl.normal(params["path"]), params["auth-id"], params["role"])
        if params.get("delete"):
            known.entries.pop(entry, None)
        else:
            _insert(known, entry, params.get("propagate", True))
        acl.write(known)


def _insert(known: acl.Acl, entry: acl.Entry, propagate: bool) -> None:
    """NoAccess stands alone: it takes the place of other roles, and they take its place (acl.rs, insert_user_role)."""
    path, who, role = entry
    rivals = [
        other
        for other in known.entries
        if other[:2] == (path, who) and other != entry and acl.privileges.NO_ACCESS in (role, other[2])
    ]
    for rival in rivals:
        del known.entries[rival]
    known.entries[entry] = propagate


def _check(params: dict[str, Any]) -> None:
    if "group" in params:
        raise refused("parameter 'group' - groups are currently not supported.")
    if "auth-id" not in params:
        raise refused("missing 'userid' or 'group' parameter.")
    who = params["auth-id"]
    if not params.get("delete"):
        if who not in users.read().items:
            raise refused(f"no such {'API token' if users.is_token(who) else 'user'}.")
        acl.check_path(params["path"])


def _check_unprivileged(ctx: Context, params: dict[str, Any]) -> None:
    who = params.get("auth-id")
    if "group" in params:
        raise refused("Unprivileged users are not allowed to create group ACL item.")
    if who is None:
        raise refused("Unprivileged user needs to provide auth_id to update ACL item.")
    if users.is_token(ctx.user):
        raise refused("Unprivileged API tokens can't set ACL items.")
    if not users.is_token(who):
        raise refused("Unprivileged users can only set ACL items for API tokens.")
    if users.owner(who) != ctx.user:
        raise refused("Unprivileged users can only set ACL items for their own API tokens.")
