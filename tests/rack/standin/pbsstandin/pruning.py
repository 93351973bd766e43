"""Prunes, of a group, of a datastore and by a job (src/server/prune_job.rs, src/api2/admin/datastore.rs)."""

from __future__ import annotations

import shutil
from typing import Any

from pvestandin.registry import Context

from . import access, acl, jobs, kinds, prune, stores, tasks


def _said(options: dict[str, Any]) -> str:
    """The options as the log shows them."""
    parts = [f"--ns {options['ns']}"] if options.get("ns") else []
    parts += [f"--max-depth {options['max-depth']}"] if options.get("max-depth") is not None else []
    return " ".join(parts + [f"--{name} {options[name]}" for name in prune.KEEP_OPTIONS if options.get(name)])


def _print_store(name: str, ns: str) -> str:
    return f"datastore '{name}', namespace '{ns}'" if ns else f"datastore '{name}', root namespace"


def group(
    ctx: Context, store: stores.Store, target: stores.Group, options: dict[str, Any], worker: tasks.Worker | None
) -> list[dict[str, Any]]:
    """Prune one group and tell what became of each snapshot, from old to new. Without a worker nothing is removed."""
    keep_all = not prune.keeps_something(options)
    if worker and keep_all:
        worker.log("No prune selection - keeping all files.")
    elif worker:
        worker.log(f"retention options: {_said(options)}")
        worker.log(f'Starting prune on {_print_store(store.name, target.ns)} group "{target.name}"')
    result = []
    for snapshot, mark in reversed(prune.marks(target.snapshots(), options)):
        keep = keep_all or mark is not prune.Mark.REMOVE
        entry = {
            "backup-type": snapshot.type,
            "backup-id": snapshot.id,
            "backup-time": snapshot.time,
            "keep": keep,
            "protected": mark is prune.Mark.PROTECTED,
        }
        result.append({**entry, **({"ns": target.ns} if target.ns and not worker else {})})
        if worker:
            worker.log(f"{snapshot.name} {mark.value}")
            if not keep:
                shutil.rmtree(snapshot.directory)
    return result


def datastore(ctx: Context, store: stores.Store, options: dict[str, Any], worker: tasks.Worker, *, dry: bool) -> None:
    """Prune every group that the caller may prune, down to the depth."""
    ns, depth = options.get("ns", ""), options.get("max-depth", stores.MAX_DEPTH)
    reach = "down to full depth" if depth == stores.MAX_DEPTH else f"to depth {depth}" if depth else "non-recursive"
    worker.log(f"Starting datastore prune on {_print_store(store.name, ns)}, {reach}")
    if dry:
        worker.log("(dry test run)")
    keep_all = not prune.keeps_something(options)
    worker.log("No prune selection - keeping all files." if keep_all else f"retention options: {_said(options)}")
    for found in store.namespaces(ns, depth):
        for target in store.groups(found):
            if _may_prune(ctx, store, target):
                _prune_in_datastore(target, options, worker, dry=dry, keep_all=keep_all)


def _prune_in_datastore(
    target: stores.Group, options: dict[str, Any], worker: tasks.Worker, *, dry: bool, keep_all: bool
) -> None:
    worker.log(f'Pruning group {target.ns}:"{target.name}"')
    for snapshot, mark in reversed(prune.marks(target.snapshots(), options)):
        worker.log(f"{'would ' if dry else ''}{mark.value} {snapshot.name}")
        if mark is prune.Mark.REMOVE and not dry and not keep_all:
            shutil.rmtree(snapshot.directory)


def _may_prune(ctx: Context, store: stores.Store, target: stores.Group) -> bool:
    held = acl.Permissions().lookup(ctx.user, access.ns_path(store.name, target.ns))[0]
    return "Datastore.Modify" in held or ("Datastore.Prune" in held and access.owns(target.owner(), ctx.user))


def start_datastore(ctx: Context, name: str, options: dict[str, Any], *, dry: bool) -> str:
    store = stores.lookup(name, "write")
    return tasks.start(
        ctx, "prune", f"{name}:{options.get('ns', '')}", lambda worker: datastore(ctx, store, options, worker, dry=dry)
    )


def start_job(ctx: Context, name: str, *, scheduled: bool = False) -> str:
    """Run a prune job as a task, and return its UPID."""
    job = kinds.PRUNE.read().get("prune", name)
    store = stores.lookup(job["store"], "write")

    def work(worker: tasks.Worker) -> None:
        worker.log(f"prune job '{name}'")
        if scheduled:
            worker.log(f"task triggered by schedule '{job['schedule']}'")
        datastore(ctx, store, job, worker, dry=False)

    ident = f"{job['store']}:{job['ns']}" if job.get("ns") else job["store"]
    return jobs.run(ctx, jobs.PRUNE, name, ident, work)
