"""/nodes/{node}/ceph/pool and /fs (PVE/API2/Ceph/Pool.pm, FS.pm)."""

from __future__ import annotations

from typing import Any

from .. import formats, paths, tasks
from ..ceph import fs, node, pools, rados
from ..cluster import assert_quorum
from ..errors import Failure, not_implemented
from ..permissions import Permissions
from ..registry import Context, endpoint
from ..storage import config
from ..text import truth
from .ceph import AUDIT, MODIFY

_POOLS = "/nodes/{node}/ceph/pool"
_POOL = f"{_POOLS}/{{name}}"
_FILESYSTEMS = "/nodes/{node}/ceph/fs"
_FILESYSTEM = f"{_FILESYSTEMS}/{{name}}"
_NODE = "node:pve-node!"
_SETTINGS = (
    f"{_NODE} name! size:integer min_size:integer pg_num:integer pg_num_min:integer crush_rule application "
    "pg_autoscale_mode target_size target_size_ratio:number"
)
_DEFAULTS = {"pg_num": 128, "size": 3, "min_size": 2, "application": "rbd", "pg_autoscale_mode": "warn"}


@endpoint("GET", _POOLS, permission=AUDIT, proxyto="node", params=_NODE)
def list_pools(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    node.check_inited()
    with rados.connect() as mon:
        return pools.listed(mon)


@endpoint(
    "POST",
    _POOLS,
    permission=MODIFY,
    proxyto="node",
    params=f"{_SETTINGS} add_storages:boolean erasure-coding",
)
def create_pool(ctx: Context, params: dict[str, Any]) -> str:
    assert_quorum()
    node.check_configured()
    name = params["name"]
    values = pools.settings(params)
    storage, erasure = values.pop("add_storages", None), values.pop("erasure-coding", None)
    with rados.connect() as mon:
        coding = pools.coding(erasure, mon)
    if truth(storage) or (coding and storage is None):
        storage = True
        Permissions().check(ctx.user, "/storage", ["Datastore.Allocate"])
        try:
            formats.check("pve-storage-id", name)
        except ValueError as error:
            raise Failure(str(error)) from error
    return tasks.start(
        ctx,
        "cephcreatepool",
        name,
        pools.create_work,
        name=name,
        values={**_DEFAULTS, **values},
        erasure=coding,
        storage=truth(storage),
    )


@endpoint("GET", _POOL, permission=AUDIT, params=f"{_NODE} name!")
def pool(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": "status"}]


@endpoint("GET", f"{_POOL}/status", permission=AUDIT, proxyto="node", params=f"{_NODE} name! verbose:boolean")
def pool_status(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    node.check_inited()
    with rados.connect() as mon:
        return pools.status(mon, params["name"], truth(params.get("verbose")))


@endpoint("PUT", _POOL, permission=MODIFY, proxyto="node", params=_SETTINGS)
def set_pool(ctx: Context, params: dict[str, Any]) -> str:
    node.check_configured()
    name = params["name"]
    return tasks.start(ctx, "cephsetpool", name, pools.change_work, name=name, values=pools.settings(params))


@endpoint(
    "DELETE",
    _POOL,
    permission=MODIFY,
    proxyto="node",
    params=f"{_NODE} name! force:boolean remove_storages:boolean remove_ecprofile:boolean",
)
def destroy_pool(ctx: Context, params: dict[str, Any]) -> str:
    node.check_inited()
    name, with_storages = params["name"], truth(params.get("remove_storages"))
    if with_storages:
        Permissions().check(ctx.user, "/storage", ["Datastore.Allocate"])
    return tasks.start(
        ctx,
        "cephdestroypool",
        name,
        pools.destroy_work,
        name=name,
        force=truth(params.get("force")),
        with_storages=with_storages,
        with_profile=truth(params.get("remove_ecprofile", 1)),
    )


# -- file systems


@endpoint("GET", _FILESYSTEMS, permission=AUDIT, proxyto="node", params=_NODE)
def list_filesystems(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    node.check_inited()
    with rados.connect() as mon:
        return fs.listed(mon)


@endpoint(
    "POST", _FILESYSTEM, permission=MODIFY, proxyto="node", params=f"{_NODE} name pg_num:integer add-storage:boolean"
)
def create_filesystem(ctx: Context, params: dict[str, Any]) -> str:
    node.check_configured()
    name, storage = params.get("name") or "cephfs", truth(params.get("add-storage"))
    with rados.connect() as mon:
        fs.assert_possible(mon, name)
    # 8.4 asks for another name of the parameter, and so never; there it is the task that fails, when all is made.
    if storage and paths.release()[0] >= 9 and name in config.read().ids:
        raise Failure(f"storage ID '{name}' already defined")
    pg_num = int(params.get("pg_num") or 128)
    return tasks.start(ctx, "cephfscreate", name, fs.create_work, name=name, pg_num=pg_num, storage=storage)


@endpoint(
    "DELETE",
    _FILESYSTEM,
    permission=MODIFY,
    proxyto="node",
    params=f"{_NODE} name! remove-storages:boolean remove-pools:boolean",
)
def destroy_filesystem(ctx: Context, params: dict[str, Any]) -> str:
    if paths.release()[0] < 9 and not ctx.cli:
        raise not_implemented("DELETE", f"/nodes/{params['node']}/ceph/fs/{params['name']}")  # pveceph had it first
    node.check_inited()
    name = params["name"]
    with rados.connect() as mon:
        known = [entry for entry in mon.mon_command("fs ls") if entry["name"] == name]
    if not known:
        raise Failure(f"no such cephfs '{name}'")
    return tasks.start(
        ctx,
        "cephdestroyfs",
        name,
        fs.destroy_work,
        name=name,
        metadata=known[0]["metadata_pool"],
        data=known[0]["data_pools"],
        with_storages=truth(params.get("remove-storages")),
        with_pools=truth(params.get("remove-pools")),
    )
