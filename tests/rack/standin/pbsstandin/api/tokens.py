"""API tokens (src/api2/access/user.rs). A token's secret is told once, when it is made or regenerated."""

from __future__ import annotations

from typing import Any

from .. import files, release, users
from ..errors import refused
from ..table import Context, any_of, endpoint, own, privilege
from ..users import FILE
from .users import forget_entries, stored

_PATH = "/access/users/{userid}/token"
_NAMES = "userid!:userid token-name!:token-name"
_READ = any_of(privilege("access/users", "Sys.Audit"), own("userid"))
_CHANGE = any_of(privilege("access/users", "Permissions.Modify"), own("userid"))


def _tokenid(params: dict[str, Any]) -> str:
    return f"{params['userid']}!{params['token-name']}"


def _only(params: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: params[name] for name in names if name in params}


@endpoint("GET", _PATH, permission=_READ, params="userid!:userid")
def list_tokens(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    known = users.read()
    ctx.attributes["digest"] = known.digest
    return [
        {"tokenid": name, "token-name": name.split("!", 1)[1], **data}
        for name, data in users.of_user(known, params["userid"]).items()
    ]


@endpoint("GET", f"{_PATH}/{{token-name}}", permission=_READ, params=_NAMES)
def read_token(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    known = users.read()
    data = known.get("token", _tokenid(params))
    ctx.attributes["digest"] = known.digest
    return {"tokenid": _tokenid(params), **data}


@endpoint(
    "POST",
    f"{_PATH}/{{token-name}}",
    permission=_CHANGE,
    params=f"{_NAMES} comment:comment enable:boolean expire:natural digest:digest",
)
def generate_token(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    tokenid = _tokenid(params)
    with files.lock(FILE.lock):
        known = users.read()
        files.check_digest(params.get("digest"), known.digest)
        if tokenid in known.items:
            raise refused(f"token '{params['token-name']}' for user '{params['userid']}' already exists.")
        secret = users.new_secret(tokenid)
        known.set("token", tokenid, _only(params, "comment", "enable", "expire"))
        FILE.write(known)
    return {"tokenid": tokenid, "value": secret}


@endpoint(
    "PUT",
    f"{_PATH}/{{token-name}}",
    permission=_CHANGE,
    params=f"{_NAMES} comment:comment enable:boolean expire:natural regenerate:boolean delete:array digest:digest",
)
def update_token(ctx: Context, params: dict[str, Any]) -> dict[str, Any] | None:
    tokenid = _tokenid(params)
    with files.lock(FILE.lock):
        known = users.read()
        files.check_digest(params.get("digest"), known.digest)
        data = known.get("token", tokenid)
        changes = _only(params, "comment", "enable", "expire")
        if "comment" in changes:
            changes["comment"] = changes["comment"].strip()
        data = {name: value for name, value in data.items() if name not in params.get("delete", [])}
        secret = users.new_secret(tokenid) if params.get("regenerate") else None
        known.set("token", tokenid, stored({**data, **changes}))
        FILE.write(known)
    return {"secret": secret} if secret else None


@endpoint("DELETE", f"{_PATH}/{{token-name}}", permission=_CHANGE, params=f"{_NAMES} digest:digest")
def delete_token(ctx: Context, params: dict[str, Any]) -> None:
    tokenid = _tokenid(params)
    with files.lock(FILE.lock):
        known = users.read()
        files.check_digest(params.get("digest"), known.digest)
        if tokenid not in known.items:
            raise refused(f"token '{params['token-name']}' of user '{params['userid']}' does not exist.")
        del known.items[tokenid]
        users.forget_secret(tokenid)
        FILE.write(known)
    if release.major() >= 4:
        forget_entries([tokenid])
