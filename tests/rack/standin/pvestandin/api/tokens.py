"""/access/users/{userid}/token: API tokens (PVE/API2/User.pm, PVE/TokenConfig.pm)."""

from __future__ import annotations

import uuid
from typing import Any

from .. import auth, paths, pvefiles, usercfg
from ..errors import bad_parameters
from ..registry import Context, endpoint
from ..text import hash_order, split_list, truth

_ONE = "/access/users/{userid}/token/{tokenid}"
_MAY = ["or", ["userid-param", "self"], ["userid-group", ["User.Modify"]]]
_ID = "userid:pve-userid! tokenid!"
_FIELDS = "expire:integer privsep:boolean comment"


def _new_secret(full: str) -> str:
    with pvefiles.lock_file("priv/token.cfg"):
        value = str(uuid.uuid4())
        auth.write_token_secrets({**auth.token_secrets(), full: value})
    return value


@endpoint("GET", "/access/users/{userid}/token", permission=_MAY, params="userid:pve-userid!")
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    tokens = usercfg.read().user(params["userid"])["tokens"]
    return [{**tokens[name], "tokenid": name} for name in hash_order(tokens)]


@endpoint("GET", _ONE, permission=_MAY, params=_ID)
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return usercfg.read().token(params["userid"], params["tokenid"])


@endpoint("POST", _ONE, permission=_MAY, params=f"{_ID} {_FIELDS}")
def create(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    userid, name = params["userid"], params["tokenid"]
    if name in usercfg.read().user(userid)["tokens"]:
        raise bad_parameters({"tokenid": "Token already exists."})
    full = f"{userid}!{name}"
    with usercfg.change("generating token failed") as config:
        value = _new_secret(full)
        token = {"privsep": params.get("privsep", 1)}
        if params.get("expire") is not None:
            token["expire"] = params["expire"]
        if params.get("comment"):
            token["comment"] = params["comment"]
        config.user(userid)["tokens"][name] = token
    return {"full-tokenid": full, "value": value, "info": token}


def _update_params() -> str:
    new = " regenerate:boolean delete:pve-configid-list" if paths.release() >= (9, 2) else ""
    return f"{_ID} {_FIELDS}{new}"


@endpoint("PUT", _ONE, permission=_MAY, params=_update_params)
def update(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    userid, name = params["userid"], params["tokenid"]
    usercfg.read().token(userid, name)
    full = f"{userid}!{name}"
    answer: dict[str, Any] = {}
    with usercfg.change("updating token info failed") as config:
        token = config.token(userid, name)
        token |= {key: params[key] for key in ("privsep", "expire") if params.get(key) is not None}
        # the older releases take no comment away
        if params.get("comment") or (params.get("comment") is not None and paths.release() >= (9, 1)):
            token["comment"] = params["comment"]
        for key in split_list(params.get("delete")):
            if key != "comment":
                raise bad_parameters({"delete": f"unknown option '{key}'"})
            token.pop(key, None)
        if not token.get("comment"):
            token.pop("comment", None)
        if truth(params.get("regenerate")):
            answer = {"value": _new_secret(full), "full-tokenid": full}
        answer |= token
    return answer


@endpoint("DELETE", _ONE, permission=_MAY, params=_ID)
def delete(ctx: Context, params: dict[str, Any]) -> None:
    """What was granted to it stays in the file, where it is void."""
    userid, name = params["userid"], params["tokenid"]
    usercfg.read().token(userid, name)
    with usercfg.change("deleting token failed") as config:
        full = f"{userid}!{name}"
        with pvefiles.lock_file("priv/token.cfg"):
            auth.write_token_secrets({key: value for key, value in auth.token_secrets().items() if key != full})
        config.token(userid, name)
        del config.users[userid]["tokens"][name]
