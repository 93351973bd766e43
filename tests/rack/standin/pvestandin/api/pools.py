"""/pools (PVE/API2/Pool.pm)."""

from __future__ import annotations

from typing import Any

from .. import paths, pvefiles, resources, usercfg
from ..errors import Failure
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..storage import config as storage
from ..text import split_list, truth

_ID = "poolid:pve-poolid!"
_MEMBERS = "comment vms:pve-vmid-list storage:pve-storage-id-list allow-move:boolean delete:boolean"
_CHANGE = ["perm", "/pool/{poolid}", ["Pool.Allocate"]]


@endpoint("GET", "/pools", permission=ALL, params="poolid:pve-poolid type")
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    allowed = Permissions()
    if params.get("poolid"):
        allowed.check(ctx.user, f"/pool/{params['poolid']}", ["Pool.Audit"])
        return [_describe(allowed.config, params["poolid"], params.get("type"))]
    return [
        {"poolid": name, **_comment(pool)}
        for name, pool in sorted(allowed.config.pools.items())
        if allowed.allowed(ctx.user, f"/pool/{name}", ["Pool.Audit"])
    ]


def _comment(pool: dict[str, Any]) -> dict[str, Any]:
    return {"comment": pool["comment"]} if pool.get("comment") is not None else {}


def _get(config: usercfg.UserConfig, name: str) -> dict[str, Any]:
    if name not in config.pools:
        raise Failure(f"pool '{name}' does not exist")
    return config.pools[name]


def _describe(config: usercfg.UserConfig, name: str, kind: str | None) -> dict[str, Any]:
    pool = _get(config, name)
    guests = pvefiles.guests()
    members = [
        resources.guest(vmid, guests[vmid])
        for vmid in sorted(pool["vms"])
        if vmid in guests and kind in (None, guests[vmid]["type"])
    ]
    if kind in (None, "storage"):
        sections = storage.read()
        for name_ in sorted(pool["storage"] & sections.ids.keys()):
            section = sections.ids[name_]
            here = paths.node_name()
            node = here if storage.on_node(section, here) else sorted(section["nodes"])[0]
            members.append(resources.storage(name_, section, node))
    return {"members": members, "poolid": name, **_comment(pool)}


@endpoint("POST", "/pools", permission=_CHANGE, params=f"{_ID} comment")
def create(ctx: Context, params: dict[str, Any]) -> None:
    with usercfg.change("create pool failed") as config:
        name = params["poolid"]
        if name in config.pools:
            raise Failure(f"pool '{name}' already exists")
        parent, _unused, leaf = name.rpartition("/")
        if parent and parent not in config.pools:
            raise Failure(f"parent '{parent}' of pool '{name}' does not exist")
        if paths.release()[0] >= 9 and not (leaf[0].isascii() and leaf[0].isalpha()):
            raise Failure("pool name must start with a letter")
        config.pools[name] = usercfg.new_pool()
        if params.get("comment"):
            config.pools[name]["comment"] = params["comment"]


@endpoint("PUT", "/pools", permission=_CHANGE, params=f"{_ID} {_MEMBERS}")
def update(ctx: Context, params: dict[str, Any]) -> None:
    allowed = Permissions()
    remove = truth(params.get("delete"))
    with usercfg.change("update pools failed") as config:
        pool = _get(config, params["poolid"])
        if params.get("comment") is not None:
            pool["comment"] = params["comment"]
        for vmid in split_list(params.get("vms")):
            allowed.check_modify(ctx.user, f"/vms/{vmid}")
            if remove and vmid not in pool["vms"]:
                raise Failure(f"VM {vmid} is not a pool member")
            if remove:
                pool["vms"].discard(vmid)
            else:
                _add_guest(ctx, allowed, config, pool, vmid, move=truth(params.get("allow-move")))
        for name in split_list(params.get("storage")):
            allowed.check_modify(ctx.user, f"/storage/{name}")
            if remove == (name not in pool["storage"]):
                raise Failure(f"Storage '{name}' is {'not' if remove else 'already'} a pool member")
            pool["storage"] ^= {name}


def _add_guest(
    ctx: Context, allowed: Permissions, config: usercfg.UserConfig, pool: dict[str, Any], vmid: str, *, move: bool
) -> None:
    if vmid in pool["vms"]:
        raise Failure(f"VM {vmid} is already a pool member")
    existing = config.pool_of(vmid)
    if existing is not None:
        if not move:
            raise Failure(f"VM {vmid} belongs already to pool '{existing}' and 'allow-move' is not set")
        allowed.check(ctx.user, f"/pool/{existing}", ["Pool.Allocate"])
        config.pools[existing]["vms"].discard(vmid)
    pool["vms"].add(vmid)


@endpoint("DELETE", "/pools", permission=_CHANGE, params=_ID)
def delete(ctx: Context, params: dict[str, Any]) -> None:
    with usercfg.change("delete pool failed") as config:
        name = params["poolid"]
        pool = _get(config, name)
        guests, storages = pvefiles.guests(), storage.read().ids
        members = [f"pool '{sub}'" for sub in config.subpools(name)]
        members += [f"VM {vmid}" for vmid in sorted(pool["vms"]) if vmid in guests]
        members += [f"storage '{storage_}'" for storage_ in sorted(pool["storage"]) if storage_ in storages]
        if members:
            raise Failure(f"pool '{name}' is not empty (contains {members[0]})")
        del config.pools[name]
        # the tree is looked up by the whole name: what was granted on a pool inside another one stays
        for path in [path for path in config.acl if "/" not in name and f"{path}/".startswith(f"/pool/{name}/")]:
            del config.acl[path]


@endpoint(
    "GET", "/pools/{poolid}", permission=["perm", "/pool/{poolid}", ["Pool.Audit"]], params="poolid:pve-poolid! type"
)
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return _describe(usercfg.read(), params["poolid"], params.get("type"))


@endpoint("PUT", "/pools/{poolid}", permission=_CHANGE, params=f"{_ID} {_MEMBERS}")
def update_one(ctx: Context, params: dict[str, Any]) -> None:
    update(ctx, params)


@endpoint("DELETE", "/pools/{poolid}", permission=_CHANGE, params=_ID)
def delete_one(ctx: Context, params: dict[str, Any]) -> None:
    delete(ctx, params)
