"""/access/roles (PVE/API2/Role.pm)."""

from __future__ import annotations

from typing import Any

from .. import privileges, usercfg
from ..errors import Failure, bad_parameters
from ..registry import ALL, Context, endpoint
from ..text import hash_order, split_list, truth

_ID = "roleid:pve-roleid!"
_CHANGE = ["perm", "/access", ["Sys.Modify"]]


def _get(config: usercfg.UserConfig, name: str) -> set[str]:
    if name not in config.roles:
        raise Failure(f"role '{name}' does not exist")
    return config.roles[name]


def _refuse_special(name: str, verb: str) -> None:
    if name in privileges.special_roles():
        raise Failure(f"auto-generated role '{name}' cannot be {verb}")


@endpoint("GET", "/access/roles", permission=ALL)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    roles = usercfg.read().roles
    return [
        {"roleid": name, "privs": ",".join(sorted(roles[name])), "special": int(name in privileges.special_roles())}
        for name in hash_order(roles)
    ]


@endpoint("POST", "/access/roles", permission=_CHANGE, params=f"{_ID} privs:pve-priv-list")
def create(ctx: Context, params: dict[str, Any]) -> None:
    name = params["roleid"]
    if name.upper().startswith("PVE"):
        raise bad_parameters({"roleid": "cannot use role ID starting with the (case-insensitive) 'PVE' namespace"})
    with usercfg.change("create role failed") as config:
        if name in config.roles:
            raise Failure(f"role '{name}' already exists")
        config.roles[name] = set(split_list(params.get("privs")))


@endpoint("GET", "/access/roles/{roleid}", permission=ALL, params=_ID)
def read(ctx: Context, params: dict[str, Any]) -> dict[str, int]:
    return dict.fromkeys(_get(usercfg.read(), params["roleid"]), 1)


@endpoint("PUT", "/access/roles/{roleid}", permission=_CHANGE, params=f"{_ID} privs:pve-priv-list append:boolean")
def update(ctx: Context, params: dict[str, Any]) -> None:
    name = params["roleid"]
    _refuse_special(name, "modified")
    with usercfg.change("update role failed") as config:
        role = _get(config, name)
        if not truth(params.get("append")):
            role.clear()
        role.update(split_list(params.get("privs")))


@endpoint("DELETE", "/access/roles/{roleid}", permission=_CHANGE, params=_ID)
def delete(ctx: Context, params: dict[str, Any]) -> None:
    name = params["roleid"]
    _refuse_special(name, "deleted")
    with usercfg.change("delete role failed") as config:
        _get(config, name)
        del config.roles[name]
