"""/access/groups (PVE/API2/Group.pm)."""

from __future__ import annotations

from typing import Any

from .. import usercfg
from ..errors import Failure
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..text import hash_order

_ID = "groupid:pve-groupid!"
_CHANGE = ["perm", "/access/groups", ["Group.Allocate"]]


def _get(config: usercfg.UserConfig, name: str) -> dict[str, Any]:
    if name not in config.groups:
        raise Failure(f"group '{name}' does not exist")
    return config.groups[name]


@endpoint("GET", "/access/groups", permission=ALL)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    allowed = Permissions()
    needed = ["User.Modify", "Sys.Audit", "Group.Allocate"]
    answer = []
    for name in hash_order(allowed.config.groups):
        if allowed.allowed(ctx.user, f"/access/groups/{name}", needed, any_of=True):
            group = allowed.config.groups[name]
            comment = {"comment": group["comment"]} if group.get("comment") is not None else {}
            answer.append({"groupid": name, "users": ",".join(sorted(group["users"])), **comment})
    return answer


@endpoint("POST", "/access/groups", permission=_CHANGE, params=f"{_ID} comment")
def create(ctx: Context, params: dict[str, Any]) -> None:
    with usercfg.change("create group failed") as config:
        name = params["groupid"]
        if name in config.groups:
            raise Failure(f"group '{name}' already exists")
        config.groups[name] = {"users": set()}
        if params.get("comment"):
            config.groups[name]["comment"] = params["comment"]


@endpoint(
    "GET",
    "/access/groups/{groupid}",
    params=_ID,
    permission=["perm", "/access/groups", ["Sys.Audit", "Group.Allocate"], "any", 1],
)
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    group = _get(usercfg.read(), params["groupid"])
    comment = {"comment": group["comment"]} if group.get("comment") is not None else {}
    return {"members": hash_order(group["users"]), **comment}


@endpoint("PUT", "/access/groups/{groupid}", permission=_CHANGE, params=f"{_ID} comment")
def update(ctx: Context, params: dict[str, Any]) -> None:
    with usercfg.change("update group failed") as config:
        group = _get(config, params["groupid"])
        if params.get("comment") is not None:
            group["comment"] = params["comment"]


@endpoint("DELETE", "/access/groups/{groupid}", permission=_CHANGE, params=_ID)
def delete(ctx: Context, params: dict[str, Any]) -> None:
    with usercfg.change("delete group failed") as config:
        name = params["groupid"]
        _get(config, name)
        del config.groups[name]
        for acl in config.acl.values():
            acl.groups.pop(name, None)
