"""The configuration of prune jobs (src/api2/config/prune.rs)."""

from __future__ import annotations

from typing import Any

from .. import access, acl, jobs, kinds
from ..table import ANYBODY, Context, endpoint
from ..table_config import Kind

_FIELDS = f"disable:boolean comment:comment ns:namespace max-depth:depth {kinds.KEEP}"
_ID = "/config/prune/{id}"


def _check(ctx: Context, item: dict[str, Any], *names: str) -> None:
    acl.Permissions().check(ctx.user, access.ns_path(item["store"], item.get("ns")), *names)


JOB = Kind(
    kinds.PRUNE,
    "prune",
    "id",
    "job",
    deletes_quietly=False,
    may_see=lambda ctx, item: acl.Permissions().has(
        ctx.user, access.ns_path(item["store"], item.get("ns")), "Datastore.Audit", "Datastore.Modify"
    ),
    may_read=lambda ctx, item: _check(ctx, item, "Datastore.Audit"),
    may_write=lambda ctx, item: _check(ctx, item, "Datastore.Modify"),
)


def create(ctx: Context, params: dict[str, Any]) -> None:
    JOB.create(ctx, params)
    jobs.create(jobs.PRUNE, params["id"])


def delete(ctx: Context, name: str, digest: str | None = None) -> None:
    JOB.delete(ctx, name, digest)
    jobs.forget(jobs.PRUNE, name)


@endpoint("GET", "/config/prune", permission=ANYBODY)
def list_jobs(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return JOB.listing(ctx)


@endpoint("POST", "/config/prune", permission=ANYBODY, params=f"id!:safe-id store!:safe-id schedule! {_FIELDS}")
def create_job(ctx: Context, params: dict[str, Any]) -> None:
    create(ctx, {key: value for key, value in params.items() if (key, value) not in (("ns", ""), ("disable", False))})


@endpoint("GET", _ID, permission=ANYBODY, params="id!:safe-id")
def read_job(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return JOB.read(ctx, params["id"])


@endpoint(
    "PUT",
    _ID,
    permission=ANYBODY,
    params=f"id!:safe-id store:safe-id schedule {_FIELDS} delete:array digest:digest",
)
def update_job(ctx: Context, params: dict[str, Any]) -> None:
    def adjust(before: dict[str, Any], after: dict[str, Any]) -> None:
        after["ns"] = after.get("ns") or None
        after["disable"] = after.get("disable") or None

    before, after = JOB.update(ctx, params, adjust)
    if before["schedule"] != after["schedule"]:
        jobs.rescheduled(jobs.PRUNE, params["id"])


@endpoint("DELETE", _ID, permission=ANYBODY, params="id!:safe-id digest:digest")
def delete_job(ctx: Context, params: dict[str, Any]) -> None:
    delete(ctx, params["id"], params.get("digest"))
