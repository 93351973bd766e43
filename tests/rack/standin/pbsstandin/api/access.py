"""Login, passwords, and what somebody may do (src/api2/access/mod.rs)."""

from __future__ import annotations

from typing import Any

from pvestandin.errors import ApiError

from .. import acl, auth, domains, privileges, users
from ..errors import forbidden, refused
from ..table import ANYBODY, WORLD, Context, endpoint


@endpoint(
    "POST",
    "/access/ticket",
    permission=WORLD,
    params="username!:userid password path port:integer privs tfa-challenge http-only:boolean",
)
def create_ticket(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """A ticket for a password, or a fresh one for a ticket that is given as the password."""
    userid, password = params["username"], params.get("password", "")
    try:
        if not users.is_active(userid, users.read()):
            raise refused("user account disabled or expired.")
        if password.startswith("PBS:"):
            if auth.verify_ticket(password) != userid:
                raise refused("ticket is not the user's")
        else:
            users.verify_password(userid, password)
    except ApiError as error:
        raise ApiError(401, "permission check failed.") from error
    return {
        "username": userid,
        "ticket": auth.create_ticket(userid),
        "CSRFPreventionToken": auth.create_csrf_token(userid),
    }


@endpoint(
    "PUT", "/access/password", permission=ANYBODY, params="userid!:userid password!:password confirmation-password"
)
def change_password(ctx: Context, params: dict[str, Any]) -> None:
    userid = params["userid"]
    if users.is_token(ctx.user):
        raise refused("API tokens cannot access this API endpoint")
    if ctx.user != users.SUPERUSER:
        _confirm(ctx.user, params.get("confirmation-password"))
    may_others = acl.Permissions().has(ctx.user, [], "Permissions.Modify") and not userid.endswith("@pam")
    if userid != ctx.user and ctx.user != users.SUPERUSER and not may_others:
        raise refused("you are not authorized to change the password.")
    users.store_password(userid, params["password"])


def _confirm(userid: str, password: str | None) -> None:
    if password is None:
        raise forbidden("no confirmation password provided")
    users.verify_password(userid, password)


@endpoint("GET", "/access/permissions", permission=ANYBODY, params="auth-id:authid path:acl-path")
def permissions(ctx: Context, params: dict[str, Any]) -> dict[str, dict[str, bool]]:
    """Path → privilege → propagates, for who asks or for somebody else."""
    known = acl.Permissions()
    who = params.get("auth-id", ctx.user)
    own_token = users.is_token(who) and users.owner(who) == ctx.user
    if who != ctx.user and not own_token and not known.has(ctx.user, ["access"], "Sys.Audit"):
        raise refused(f"not allowed to list permissions of {who}")
    always = {"/", "/access", "/datastore", "/remote", "/system"}
    paths = {params["path"]} if "path" in params else known.acl.paths() | always
    found = {}
    for path in sorted(paths):
        held, propagated = known.lookup(who, acl.components(path))
        if held:
            found[path] = {name: name in propagated for name in privileges.in_order(held)}
    return found


@endpoint("GET", "/access/roles", permission=ANYBODY)
def roles(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"roleid": name, "privs": privileges.in_order(privs), "comment": comment}
        for name, (comment, privs) in privileges.ROLES.items()
    ]


@endpoint("GET", "/access/domains", permission=WORLD)
def realms(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return domains.listing()
