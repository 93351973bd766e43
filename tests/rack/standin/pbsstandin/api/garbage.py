"""Garbage collection, and a verification by hand (src/api2/admin/datastore.rs, gc.rs)."""

from __future__ import annotations

from typing import Any

from .. import access, acl, garbage, kinds, stores, tasks, verifying
from ..errors import refused
from ..table import ANYBODY, Context, endpoint, privilege

_GC = "/admin/datastore/{store}/gc"


@endpoint("POST", _GC, permission=privilege("datastore/{store}", "Datastore.Modify"), params="store!:safe-id")
def start(ctx: Context, params: dict[str, Any]) -> str:
    return garbage.start(ctx, params["store"])


@endpoint("GET", _GC, permission=privilege("datastore/{store}", "Datastore.Audit"), params="store!:safe-id")
def status(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return garbage.status(params["store"])


@endpoint("GET", "/admin/gc", permission=ANYBODY, params="store:safe-id")
def list_status(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    known = acl.Permissions()
    return [
        garbage.status(name)
        for name in kinds.DATASTORE.read().all("datastore")
        if params.get("store", name) == name and known.has(ctx.user, ["datastore", name], "Datastore.Audit")
    ]


@endpoint(
    "POST",
    "/admin/datastore/{store}/verify",
    permission=ANYBODY,
    params="store!:safe-id ns:namespace backup-type:backup-type backup-id:backup-id backup-time:integer max-depth:depth "
    "ignore-verified:boolean outdated-after:natural read-threads:integer verify-threads:integer",
)
def verify(ctx: Context, params: dict[str, Any]) -> str:
    ns = params.get("ns", "")
    limited = access.check(ctx, params["store"], ns, ("Datastore.Verify",), ("Datastore.Backup",))
    store = stores.lookup(params["store"])
    given = tuple(key in params for key in ("backup-type", "backup-id", "backup-time"))
    if given not in ((True, True, True), (True, True, False), (False, False, False)):
        raise refused("parameters do not specify a backup group or snapshot")
    kind, ident = "verify", f"{store.name}:{ns}" if ns else store.name
    if given[0]:
        group = store.group(ns, params["backup-type"], params["backup-id"])
        kind, ident = "verify_group", f"{store.name}:{ns}:{group.name}"
        if given[2]:
            kind, ident = "verify_snapshot", f"{ident}/{params['backup-time']:08X}"
        if limited:
            access.check_owner(group, ctx.user)
    return tasks.start(ctx, kind, ident, lambda worker: verifying.run(store, params, worker))
