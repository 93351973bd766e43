"""/access/users (PVE/API2/User.pm)."""

from __future__ import annotations

from typing import Any

from .. import passwords, realms, usercfg
from ..errors import Failure
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..text import split_list, truth

_TEXTS = ("firstname", "lastname", "email", "comment", "keys")
_FIELDS = "enable:boolean expire:integer firstname lastname email:email-opt comment keys groups:pve-groupid-list"
_SEE = ["User.Modify", "Sys.Audit"]


def _describe(config: usercfg.UserConfig, userid: str, *, full: bool) -> dict[str, Any]:
    user = config.users[userid]
    entry = {key: user[key] for key in ("enable", "expire", *_TEXTS) if user.get(key) is not None}
    if full:
        entry |= {"groups": config.groups_of(userid), "tokens": user["tokens"] or None}
    return entry


@endpoint("GET", "/access/users", permission=ALL, params="enabled:boolean full:boolean")
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    allowed = Permissions()
    config = allowed.config
    every = allowed.allowed(ctx.user, "/access/groups", _SEE, any_of=True)
    members = allowed.users_in_groups(ctx.user, _SEE)
    answer = []
    for userid in sorted(config.users):
        if not (every or userid == ctx.user or userid in members):
            continue
        entry = _describe(config, userid, full=truth(params.get("full")))
        if params.get("enabled") is not None and truth(entry["enable"]) != truth(params["enabled"]):
            continue
        if "groups" in entry:
            entry["groups"] = ",".join(entry["groups"])
        tokens = entry.pop("tokens", None)
        if truth(params.get("full")):
            listed = [{"tokenid": name, **tokens[name]} for name in sorted(tokens or ())]
            entry["tokens"] = listed or None
        kind = realms.known_kind(userid.rpartition("@")[2])
        answer.append({**entry, "userid": userid, **({"realm-type": kind} if kind else {})})
    return answer


@endpoint(
    "POST",
    "/access/users",
    params=f"userid:pve-userid! {_FIELDS} password",
    permission=[
        "and",
        ["userid-param", "Realm.AllocateUser"],
        ["userid-group", ["User.Modify"], "groups_param", "create"],
    ],
)
def create(ctx: Context, params: dict[str, Any]) -> None:
    userid = params["userid"]
    with usercfg.change("create user failed") as config:
        if userid in config.users:
            raise Failure(f"user '{userid}' already exists", 2)
        name, _unused, realm = userid.rpartition("@")
        if params.get("password") is not None:
            passwords.store(realms.kind(realm), name, params["password"])
        user: dict[str, Any] = {"enable": int(truth(params.get("enable", 1))), "tokens": {}}
        user |= {key: params[key] for key in ("expire", *_TEXTS) if truth(params.get(key))}
        config.users[userid] = user
        _join(config, userid, params.get("groups"))


def _join(config: usercfg.UserConfig, userid: str, groups: str | None) -> None:
    for group in split_list(groups):
        if group not in config.groups:
            raise Failure(f"no such group '{group}'", 2)
        config.groups[group]["users"].add(userid)


def _leave(config: usercfg.UserConfig, userid: str) -> None:
    for group in config.groups.values():
        group["users"].discard(userid)


@endpoint("GET", "/access/users/{userid}", permission=["userid-group", _SEE], params="userid:pve-userid!")
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    config = usercfg.read()
    config.user(params["userid"])
    return _describe(config, params["userid"], full=True)


@endpoint(
    "PUT",
    "/access/users/{userid}",
    params=f"userid:pve-userid! {_FIELDS} append:boolean",
    permission=["userid-group", ["User.Modify"], "groups_param", "update"],
)
def update(ctx: Context, params: dict[str, Any]) -> None:
    userid = params["userid"]
    with usercfg.change("update user failed") as config:
        user = config.user(userid)
        user |= {key: params[key] for key in ("enable", "expire", *_TEXTS) if params.get(key) is not None}
        user["enable"] = int(truth(user["enable"]))
        if params.get("groups") is not None and not truth(params.get("append")):
            _leave(config, userid)
        _join(config, userid, params.get("groups"))


@endpoint(
    "DELETE",
    "/access/users/{userid}",
    params="userid:pve-userid!",
    permission=["and", ["userid-param", "Realm.AllocateUser"], ["userid-group", ["User.Modify"]]],
)
def delete(ctx: Context, params: dict[str, Any]) -> None:
    """Deleting a user that is not there is no error, as Proxmox has it."""
    userid = params["userid"]
    with usercfg.change("delete user failed") as config:
        name, _unused, realm = userid.rpartition("@")
        passwords.forget(realms.known_kind(realm) or "", name)
        config.users.pop(userid, None)
        _leave(config, userid)
        for acl in config.acl.values():
            acl.users.pop(userid, None)


@endpoint(
    "GET",
    "/access/users/{userid}/tfa",
    params="userid:pve-userid! multiple:boolean",
    permission=["or", ["userid-param", "self"], ["userid-group", _SEE]],
)
def tfa(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    realms.kind(params["userid"].rpartition("@")[2])
    return {"user": []} if truth(params.get("multiple")) else {}
