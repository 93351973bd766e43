"""Verification: the files of snapshots are read and compared with their manifests (src/backup/verify.rs)."""

from __future__ import annotations

import time
from typing import Any

from pvestandin.registry import Context

from . import jobs, kinds, manifests, stores, tasks
from .errors import refused

_DAY = 86400


def run(store: stores.Store, options: dict[str, Any], worker: tasks.Worker) -> None:
    """Verify what the options select. Raises at the end when something is damaged."""
    failed = []
    for ns in store.namespaces(options.get("ns", ""), options.get("max-depth", stores.MAX_DEPTH)):
        for group in store.groups(ns):
            if options.get("backup-id") and (group.type, group.id) != (options["backup-type"], options["backup-id"]):
                continue
            worker.log(f"verify group {store.name}:{group.name} ({len(group.snapshots())} snapshots)")
            for snapshot in reversed(group.snapshots()):
                if options.get("backup-time") not in (None, snapshot.time):
                    continue
                if not _snapshot(store, snapshot, options, worker):
                    failed.append(snapshot.name)
    if failed:
        worker.log("Failed to verify the following snapshots/groups:")
        for name in failed:
            worker.log(f"\t{name}")
        raise refused("verification failed - please check the log for details")


def _snapshot(store: stores.Store, snapshot: stores.Snapshot, options: dict[str, Any], worker: tasks.Worker) -> bool:
    if not snapshot.finished:
        return True
    before = _verified(snapshot)
    if _is_recent(before, options):
        worker.log(f"SKIPPED: verify {store.name}:{snapshot.name} (recently verified)")
        return True
    worker.log(f"verify {store.name}:{snapshot.name}")
    problems = manifests.damage(snapshot.directory)
    for problem in problems:
        worker.log(f"  {problem}")
    if not any(problem.startswith(manifests.NAME) for problem in problems):
        manifest = manifests.read(snapshot.directory)
        state = {"upid": worker.task.upid, "state": "failed" if problems else "ok"}
        manifest.setdefault("unprotected", {})["verify_state"] = state
        manifests.write(snapshot.directory, manifest)
    return not problems


def _verified(snapshot: stores.Snapshot) -> dict[str, Any] | None:
    """The outcome of the last verification: upid and state."""
    try:
        found: dict[str, Any] | None = manifests.read(snapshot.directory).get("unprotected", {}).get("verify_state")
    except ValueError:
        return None
    return found


def _is_recent(before: dict[str, Any] | None, options: dict[str, Any]) -> bool:
    """Whether a verification may be left out: it was good, and it is not outdated."""
    if not options.get("ignore-verified", True) or not before or before["state"] != "ok":
        return False
    days = options.get("outdated-after")
    return not days or tasks.decode(before["upid"]).starttime > time.time() - days * _DAY


def start_job(ctx: Context, name: str, *, scheduled: bool = False) -> str:
    job = kinds.VERIFY.read().get("verification", name)
    store = stores.lookup(job["store"])

    def work(worker: tasks.Worker) -> None:
        worker.log(f"Starting datastore verify job '{name}'")
        if scheduled:
            worker.log(f"task triggered by schedule '{job['schedule']}'")
        run(store, job, worker)

    return jobs.run(ctx, jobs.VERIFY, name, f"{job['store']}:{name}", work)
