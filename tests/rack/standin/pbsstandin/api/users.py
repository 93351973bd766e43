"""Users (src/api2/access/user.rs)."""

from __future__ import annotations

from typing import Any

from .. import acl, files, release, users
from ..errors import refused
from ..table import ANYBODY, Context, any_of, endpoint, own, privilege
from ..users import FILE, SUPERUSER

_FIELDS = "comment:comment enable:boolean expire:natural firstname lastname email"
_READ = any_of(privilege("access/users", "Sys.Audit"), own("userid"))
_CHANGE = any_of(privilege("access/users", "Permissions.Modify"), own("userid"))


def shown(userid: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"userid": userid, **data}


def stored(data: dict[str, Any]) -> dict[str, Any]:
    """What is the default is not written: enabled, without an end, empty texts."""
    return {
        name: value
        for name, value in data.items()
        if value is not None
        and value != ""
        and not (name == "enable" and value)
        and not (name == "expire" and not value)
    }


@endpoint("GET", "/access/users", permission=ANYBODY, params="include_tokens:boolean")
def list_users(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    known = users.read()
    everybody = acl.Permissions().has(ctx.user, ["access", "users"], "Sys.Audit")
    ctx.attributes["digest"] = known.digest
    found = []
    for userid, data in known.all("user").items():
        if everybody or userid == ctx.owner:
            entry = shown(userid, data)
            if params.get("include_tokens"):
                tokens = users.of_user(known, userid)
                entry |= {"tokens": [{"tokenid": name, **token} for name, token in tokens.items()]} if tokens else {}
            found.append(entry)
    return found


@endpoint(
    "POST",
    "/access/users",
    permission=privilege("access/users", "Permissions.Modify"),
    params=f"userid!:userid {_FIELDS} password:password",
)
def create_user(ctx: Context, params: dict[str, Any]) -> None:
    data = dict(params)
    userid, password = data.pop("userid"), data.pop("password", None)
    with files.lock(FILE.lock):
        known = users.read()
        if userid in known.items:
            raise refused(f"user '{userid}' already exists.")
        users.domains.kind(userid.rpartition("@")[2])
        known.set("user", userid, data)
        FILE.write(known)
    if password is not None:
        if userid.endswith("@pam") and ctx.user != SUPERUSER:
            raise refused("only superuser can edit pam credentials!")
        users.store_password(userid, password)


@endpoint("GET", "/access/users/{userid}", permission=_READ, params="userid!:userid")
def read_user(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    known = users.read()
    data = known.get("user", params["userid"])
    ctx.attributes["digest"] = known.digest
    return shown(params["userid"], data)


@endpoint(
    "PUT",
    "/access/users/{userid}",
    permission=_CHANGE,
    params=f"userid!:userid {_FIELDS} password:password delete:array digest:digest",
)
def update_user(ctx: Context, params: dict[str, Any]) -> None:
    changes = dict(params)
    userid, password = changes.pop("userid"), changes.pop("password", None)
    delete, digest = changes.pop("delete", []), changes.pop("digest", None)
    with files.lock(FILE.lock):
        known = users.read()
        files.check_digest(digest, known.digest)
        data = {name: value for name, value in known.get("user", userid).items() if name not in delete}
        if "comment" in changes:
            changes["comment"] = changes["comment"].strip()
        if password is not None:
            if ctx.owner != userid and userid.endswith("@pam") and ctx.user != SUPERUSER:
                raise refused("only superuser can edit pam credentials!")
            users.store_password(userid, password)
        known.set("user", userid, stored({**data, **changes}))
        FILE.write(known)


@endpoint("DELETE", "/access/users/{userid}", permission=_CHANGE, params="userid!:userid digest:digest")
def delete_user(ctx: Context, params: dict[str, Any]) -> None:
    """Since 4 the user's tokens and ACL entries go with the user; 3 leaves them behind."""
    userid = params["userid"]
    with files.lock(FILE.lock):
        known = users.read()
        files.check_digest(params.get("digest"), known.digest)
        if userid not in known.items:
            raise refused(f"user '{userid}' does not exist.")
        gone = [userid]
        if release.major() >= 4:
            gone += users.of_user(known, userid)
        for name in gone:
            del known.items[name]
        FILE.write(known)
    users.forget_password(userid)
    if release.major() >= 4:
        for name in gone[1:]:
            users.forget_secret(name)
        forget_entries(gone)


def forget_entries(auth_ids: list[str]) -> None:
    """Remove whoever is gone from the ACLs."""
    with files.lock("acl"):
        known = acl.read()
        left = {entry: flag for entry, flag in known.entries.items() if entry[1] not in auth_ids}
        if left != known.entries:
            acl.write(acl.Acl(left))
