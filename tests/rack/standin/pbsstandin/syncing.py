"""Sync jobs. Between two datastores of one server snapshots are copied; a remote is asked and nothing is fetched from it.

What PBS transfers over HTTP/2 from a remote has no stand-in here: such a job logs in to the remote, looks for the
datastore there, and ends with a warning that says so (src/server/pull.rs).
"""

from __future__ import annotations

import re
import shutil
from typing import Any

from pvestandin.registry import Context

from . import files, jobs, kinds, remote, stores, tasks, users


def start_job(ctx: Context, name: str, *, scheduled: bool = False) -> str:
    job = kinds.SYNC.read().get("sync", name)
    store = stores.lookup(job["store"], "write")

    def work(worker: tasks.Worker) -> None:
        worker.log(f"Starting datastore sync job '{worker.task.id}'")
        if scheduled:
            worker.log(f"task triggered by schedule '{job['schedule']}'")
        if job.get("remote"):
            worker.log(f"sync datastore '{job['store']}' from '{job['remote']}/{job['remote-store']}'")
            remote.check_datastore(job["remote"], job["remote-store"])
            worker.warn("the rack's stand-in transfers nothing from a remote")
        else:
            worker.log(f"sync datastore '{job['store']}' from '{job['remote-store']}'")
            _copy(stores.lookup(job["remote-store"]), store, job, worker)
        worker.log(f"sync job '{name}' end")

    where = ":".join((job.get("remote", "-"), job["remote-store"], job["store"], job.get("ns", ""), name))
    return jobs.run(ctx, jobs.SYNC, name, where, work)


def _copy(source: stores.Store, target: stores.Store, job: dict[str, Any], worker: tasks.Worker) -> None:
    start = job.get("remote-ns", "")
    for ns in source.namespaces(start, job.get("max-depth", stores.MAX_DEPTH)):
        below = "/".join(part for part in (job.get("ns", ""), ns[len(start) :].lstrip("/")) if part)
        target.ns_path(below).mkdir(parents=True, exist_ok=True)
        found = [group for group in source.groups(ns) if _wanted(group.name, job.get("group-filter", []))]
        for group in found:
            _copy_group(group, target.group(below, group.type, group.id), job, worker)
        if job.get("remove-vanished"):
            names = {group.name for group in found}
            for group in target.groups(below):
                if group.name not in names and _wanted(group.name, job.get("group-filter", [])):
                    worker.log(f"delete vanished group '{group.name}'")
                    group.destroy()


def _copy_group(source: stores.Group, target: stores.Group, job: dict[str, Any], worker: tasks.Worker) -> None:
    worker.log(f"sync group {source.name}")
    if not target.directory.exists():
        target.directory.mkdir(parents=True)
        files.own(target.directory)
        target.set_owner(job.get("owner", users.SUPERUSER))
    have = {snapshot.time for snapshot in target.snapshots()}
    wanted = [snapshot for snapshot in source.snapshots() if snapshot.finished]
    if job.get("transfer-last"):
        wanted = wanted[-job["transfer-last"] :]
    for snapshot in wanted:
        if snapshot.time not in have:
            worker.log(f"sync snapshot {snapshot.name}")
            shutil.copytree(snapshot.directory, target.directory / snapshot.directory.name)
    if job.get("remove-vanished"):
        keep = {snapshot.time for snapshot in source.snapshots()}
        for snapshot in target.snapshots():
            if snapshot.time not in keep and not snapshot.protected:
                worker.log(f"delete vanished snapshot {snapshot.name}")
                shutil.rmtree(snapshot.directory)


def _wanted(name: str, filters: list[str]) -> bool:
    """The filters that include are asked first; without one everything is included (pbs-api-types, jobs.rs)."""
    included = [item.removeprefix("include:") for item in filters if not item.startswith("exclude:")]
    excluded = [item.removeprefix("exclude:") for item in filters if item.startswith("exclude:")]
    return (not included or any(_matches(name, item) for item in included)) and not any(
        _matches(name, item) for item in excluded
    )


def _matches(name: str, text: str) -> bool:
    kind, _unused, value = text.partition(":")
    if kind == "type":
        return name.startswith(f"{value}/")
    return name == value if kind == "group" else re.search(value, name) is not None
