"""Jobs with the state of their last run and the time of the next, and runs by hand (src/api2/admin/*.rs)."""

from __future__ import annotations

from typing import Any

from .. import jobs, kinds, pruning, syncing, verifying
from ..table import ANYBODY, Context, endpoint
from . import prune_jobs, sync_jobs, verify_jobs


def _with_state(ctx: Context, listed: list[dict[str, Any]], kind: str, store: str | None) -> list[dict[str, Any]]:
    return [
        {**job, **jobs.status(kind, job["id"], None if job.get("disable") else job.get("schedule"))}
        for job in listed
        if store in (None, job["store"])
    ]


@endpoint("GET", "/admin/prune", permission=ANYBODY, params="store:safe-id")
def list_prune(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return _with_state(ctx, prune_jobs.JOB.listing(ctx), jobs.PRUNE, params.get("store"))


@endpoint("GET", "/admin/verify", permission=ANYBODY, params="store:safe-id")
def list_verify(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return _with_state(ctx, verify_jobs.JOB.listing(ctx), jobs.VERIFY, params.get("store"))


@endpoint("GET", "/admin/sync", permission=ANYBODY, params="store:safe-id sync-direction")
def list_sync(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return _with_state(ctx, sync_jobs.list_jobs(ctx, params), jobs.SYNC, params.get("store"))


@endpoint("POST", "/admin/prune/{id}/run", permission=ANYBODY, params="id!:safe-id")
def run_prune(ctx: Context, params: dict[str, Any]) -> str:
    prune_jobs.JOB.may_write(ctx, kinds.PRUNE.read().get("prune", params["id"]))
    return pruning.start_job(ctx, params["id"])


@endpoint("POST", "/admin/verify/{id}/run", permission=ANYBODY, params="id!:safe-id")
def run_verify(ctx: Context, params: dict[str, Any]) -> str:
    verify_jobs.JOB.may_write(ctx, kinds.VERIFY.read().get("verification", params["id"]))
    return verifying.start_job(ctx, params["id"])


@endpoint("POST", "/admin/sync/{id}/run", permission=ANYBODY, params="id!:safe-id")
def run_sync(ctx: Context, params: dict[str, Any]) -> str:
    sync_jobs.JOB.may_write(ctx, kinds.SYNC.read().get("sync", params["id"]))
    return syncing.start_job(ctx, params["id"])
