"""The configuration of verification jobs (src/api2/config/verify.rs)."""

from __future__ import annotations

from typing import Any

from .. import access, acl, jobs, kinds
from ..table import ANYBODY, Context, endpoint
from ..table_config import Kind

_FIELDS = (
    "ns:namespace max-depth:depth ignore-verified:boolean outdated-after:natural comment:comment schedule "
    "read-threads:integer verify-threads:integer"
)
_ID = "/config/verify/{id}"


def _check(ctx: Context, item: dict[str, Any], *names: str) -> None:
    acl.Permissions().check(ctx.user, access.ns_path(item["store"], item.get("ns")), *names)


JOB = Kind(
    kinds.VERIFY,
    "verification",
    "id",
    "job",
    deletes_quietly=False,
    may_see=lambda ctx, item: acl.Permissions().has(
        ctx.user, access.ns_path(item["store"], item.get("ns")), "Datastore.Audit", "Datastore.Verify"
    ),
    may_read=lambda ctx, item: _check(ctx, item, "Datastore.Audit", "Datastore.Verify"),
    may_write=lambda ctx, item: _check(ctx, item, "Datastore.Verify"),
)


def delete(ctx: Context, name: str, digest: str | None = None) -> None:
    JOB.delete(ctx, name, digest)
    jobs.forget(jobs.VERIFY, name)


@endpoint("GET", "/config/verify", permission=ANYBODY)
def list_jobs(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return JOB.listing(ctx)


@endpoint("POST", "/config/verify", permission=ANYBODY, params=f"id!:safe-id store!:safe-id {_FIELDS}")
def create_job(ctx: Context, params: dict[str, Any]) -> None:
    JOB.create(ctx, params)
    jobs.create(jobs.VERIFY, params["id"])


@endpoint("GET", _ID, permission=ANYBODY, params="id!:safe-id")
def read_job(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return JOB.read(ctx, params["id"])


@endpoint("PUT", _ID, permission=ANYBODY, params=f"id!:safe-id store:safe-id {_FIELDS} delete:array digest:digest")
def update_job(ctx: Context, params: dict[str, Any]) -> None:
    def adjust(before: dict[str, Any], after: dict[str, Any]) -> None:
        if params.get("ns") == "":  # PBS takes the root namespace for nothing said
            after["ns"] = before.get("ns") if "ns" not in params.get("delete", []) else None

    before, after = JOB.update(ctx, params, adjust)
    if before.get("schedule") != after.get("schedule"):
        jobs.rescheduled(jobs.VERIFY, params["id"])


@endpoint("DELETE", _ID, permission=ANYBODY, params="id!:safe-id digest:digest")
def delete_job(ctx: Context, params: dict[str, Any]) -> None:
    delete(ctx, params["id"], params.get("digest"))
