"""Garbage collection: it counts the index files and has no chunks to remove (pbs-datastore, datastore.rs)."""

from __future__ import annotations

import json
from typing import Any

from pvestandin.registry import Context

from . import files, jobs, kinds, stores, tasks

_ZERO = dict.fromkeys(
    (
        "index-file-count",
        "index-data-bytes",
        "disk-bytes",
        "disk-chunks",
        "removed-bytes",
        "removed-chunks",
        "pending-bytes",
        "pending-chunks",
        "removed-bad",
        "still-bad",
    ),
    0,
)


def start(ctx: Context, name: str) -> str:
    """Collect as a task, and return its UPID."""
    store = stores.lookup(name, "write")

    def work(worker: tasks.Worker) -> None:
        worker.log(f"starting garbage collection on store {name}")
        worker.log("Start GC phase1 (mark used chunks)")
        sums = dict(_ZERO)
        for ns in store.namespaces():
            for group in store.groups(ns):
                for snapshot in group.snapshots():
                    sums["index-file-count"] += 1
                    sums["index-data-bytes"] += sum(file.stat().st_size for file in snapshot.directory.iterdir())
        worker.log("Start GC phase2 (sweep unused chunks)")
        worker.log("Removed garbage: 0 B")
        worker.log("Removed chunks: 0")
        worker.log(f"Original data usage: {sums['index-data-bytes']} B")
        status = json.dumps({"upid": worker.task.upid, **sums}, separators=(",", ":"))
        files.replace(store.base / ".gc-status", status, 0o644, root=False)

    return jobs.run(ctx, jobs.GARBAGE, name, name, work)


def counted(store: stores.Store) -> dict[str, Any]:
    """What the last collection counted; zeros before the first one."""
    file = store.base / ".gc-status"
    return {**_ZERO, **(json.loads(file.read_text()) if file.exists() else {})}


def status(name: str) -> dict[str, Any]:
    """As GET /admin/datastore/{store}/gc has it."""
    config = kinds.DATASTORE.read().get("datastore", name)
    found: dict[str, Any] = {"store": name, **counted(stores.lookup(name))}
    state = jobs.status(jobs.GARBAGE, name, config.get("gc-schedule"))
    if config.get("gc-schedule"):
        found["schedule"] = config["gc-schedule"]
    if found.get("upid"):
        for key in ("last-run-endtime", "last-run-state"):
            if key in state:
                found[key] = state[key]
        if "last-run-endtime" in state:
            found["duration"] = state["last-run-endtime"] - tasks.decode(found["upid"]).starttime
    if "next-run" in state:
        found["next-run"] = state["next-run"]
    return found
