"""Prune of a group and of a datastore (src/api2/admin/datastore.rs)."""

from __future__ import annotations

from typing import Any

from .. import access, acl, kinds, pruning, stores, tasks
from ..table import ANYBODY, Context, endpoint

_STORE = "/admin/datastore/{store}"


@endpoint(
    "POST",
    f"{_STORE}/prune",
    permission=ANYBODY,
    params=f"store!:safe-id ns:namespace backup-type!:backup-type backup-id!:backup-id {kinds.KEEP} dry-run:boolean "
    "use-task:boolean",
)
def prune_group(ctx: Context, params: dict[str, Any]) -> Any:
    """What becomes of each snapshot; with use-task the UPID. A dry run has no task."""
    ns = params.get("ns", "")
    limited = access.check(ctx, params["store"], ns, ("Datastore.Modify",), ("Datastore.Prune",))
    store = stores.lookup(params["store"], "write")
    group = store.group(ns, params["backup-type"], params["backup-id"])
    if limited:
        access.check_owner(group, ctx.user)
    if params.get("dry-run"):
        return pruning.group(ctx, store, group, params, None)
    result: list[dict[str, Any]] = []
    upid = tasks.start(
        ctx,
        "prune",
        f"{store.name}:{ns}:{group.name}",
        lambda worker: result.extend(pruning.group(ctx, store, group, params, worker)),
    )
    if params.get("use-task"):
        return upid
    tasks.wait(upid)
    return result


@endpoint(
    "POST",
    f"{_STORE}/prune-datastore",
    permission=ANYBODY,
    params=f"store!:safe-id ns:namespace max-depth:depth {kinds.KEEP} dry-run:boolean",
)
def prune_datastore(ctx: Context, params: dict[str, Any]) -> str:
    path = access.ns_path(params["store"], params.get("ns"))
    acl.Permissions().check(ctx.user, path, "Datastore.Modify", "Datastore.Prune")
    return pruning.start_datastore(ctx, params["store"], params, dry=params.get("dry-run", False))
