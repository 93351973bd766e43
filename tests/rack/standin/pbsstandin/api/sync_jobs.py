"""The configuration of sync jobs (src/api2/config/sync.rs)."""

from __future__ import annotations

from typing import Any

from .. import access, acl, jobs, kinds, stores, users
from ..errors import refused
from ..table import ANYBODY, Context, endpoint
from ..table_config import Kind

_FIELDS = (
    "ns:namespace owner:authid remote:safe-id remote-ns:namespace remove-vanished:boolean max-depth:depth "
    f"comment:comment schedule group-filter:array {kinds.LIMITS} transfer-last:keep sync-direction "
    "encrypted-only:boolean verified-only:boolean resync-corrupt:boolean run-on-mount:boolean "
    "unmount-on-done:boolean worker-threads:integer active-encryption-key:safe-id associated-key:array"
)
_ID = "/config/sync/{id}"


def _sees(ctx: Context, item: dict[str, Any]) -> bool:
    known = acl.Permissions()
    if not known.has(ctx.user, access.ns_path(item["store"], item.get("ns")), "Datastore.Audit"):
        return False
    if item.get("remote"):
        return known.has(ctx.user, ["remote", item["remote"]], "Remote.Audit")
    return known.has(ctx.user, ["datastore", item["remote-store"]], "Datastore.Audit")


def _changes(ctx: Context, item: dict[str, Any]) -> bool:
    known = acl.Permissions()
    held = known.lookup(ctx.user, access.ns_path(item["store"], item.get("ns")))[0]
    if item.get("sync-direction") == "push":
        remote = ["remote", item.get("remote", ""), item["remote-store"]]
        wanted = {"Remote.DatastoreBackup"} | ({"Remote.DatastorePrune"} if item.get("remove-vanished") else set())
        return bool(held & {"Datastore.Read", "Datastore.Backup"}) and wanted <= known.lookup(ctx.user, remote)[0]
    owner = item.get("owner", users.SUPERUSER)
    own = owner == ctx.user or (users.is_token(owner) and users.owner(owner) == ctx.user)
    if "Datastore.Backup" not in held or (item.get("remove-vanished") and "Datastore.Prune" not in held):
        return False
    if not own and "Datastore.Modify" not in held:
        return False
    remote = ["remote", item.get("remote", ""), item["remote-store"]]
    return not item.get("remote") or known.has(ctx.user, remote, "Remote.Read")


def _require(allowed: bool) -> None:
    if not allowed:
        raise refused("permission check failed")


JOB = Kind(
    kinds.SYNC,
    "sync",
    "id",
    "job",
    may_see=_sees,
    may_read=lambda ctx, item: _require(_sees(ctx, item)),
    may_write=lambda ctx, item: _require(_changes(ctx, item)),
)


def delete(ctx: Context, name: str, digest: str | None = None) -> None:
    JOB.delete(ctx, name, digest)
    jobs.forget(jobs.SYNC, name)


def _check(item: dict[str, Any]) -> None:
    if not item.get("remote") and item["store"] == item["remote-store"]:
        raise refused("source and target datastore can't be the same")
    if item.get("sync-direction") == "push" and not item.get("remote"):
        raise refused("push jobs require remote")
    for key in ("ns", "remote-ns"):
        depth = len(item[key].split("/")) if item.get(key) else 0
        if item.get("max-depth") is not None and depth + item["max-depth"] > stores.MAX_DEPTH:
            raise refused(
                f"namespace '{item[key]}'s depth and recursion depth exceed limit: {depth} + {item['max-depth']} > 7"
            )


@endpoint("GET", "/config/sync", permission=ANYBODY, params="sync-direction")
def list_jobs(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Only pull jobs, unless something else is asked for."""
    wanted = params.get("sync-direction", "pull")
    return [job for job in JOB.listing(ctx) if wanted in ("all", job.get("sync-direction", "pull"))]


@endpoint(
    "POST",
    "/config/sync",
    permission=ANYBODY,
    params=f"id!:safe-id store!:safe-id remote-store!:safe-id {_FIELDS}",
)
def create_job(ctx: Context, params: dict[str, Any]) -> None:
    _require(_changes(ctx, params))
    _check(params)
    JOB.create(ctx, params)
    jobs.create(jobs.SYNC, params["id"])


@endpoint("GET", _ID, permission=ANYBODY, params="id!:safe-id")
def read_job(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return JOB.read(ctx, params["id"])


@endpoint(
    "PUT",
    _ID,
    permission=ANYBODY,
    params=f"id!:safe-id store:safe-id remote-store:safe-id {_FIELDS} delete:array digest:digest",
)
def update_job(ctx: Context, params: dict[str, Any]) -> None:
    before, after = JOB.update(ctx, params, lambda _before, after: _check(after))
    if before.get("schedule") != after.get("schedule"):
        jobs.rescheduled(jobs.SYNC, params["id"])


@endpoint("DELETE", _ID, permission=ANYBODY, params="id!:safe-id digest:digest")
def delete_job(ctx: Context, params: dict[str, Any]) -> None:
    delete(ctx, params["id"], params.get("digest"))
