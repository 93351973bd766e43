"""Runs what is due, once a minute, as proxmox-backup-proxy does: garbage collection, prune, verify and sync jobs."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator

from pvestandin import paths
from pvestandin.errors import ApiError
from pvestandin.registry import Context

from . import calendar, garbage, jobs, kinds, pruning, syncing, users, verifying

_EVERY = 60


def start() -> None:
    threading.Thread(target=_forever, daemon=True, name="scheduler").start()


def _forever() -> None:
    while True:
        time.sleep(_EVERY - time.time() % _EVERY)
        try:
            run_due(int(time.time()))
        except ApiError as error:
            print(f"scheduler: {error.message}", file=sys.stderr)


def run_due(now: int) -> list[str]:
    """Start every job whose time has come since it last ran. Returns the UPIDs."""
    ctx = Context(user=users.SUPERUSER, node=paths.node_name())
    started = []
    for kind, name, schedule, launch in _scheduled(ctx):
        if "started" in jobs.load(kind, name):
            continue
        due = calendar.parse(schedule).next_after(jobs.last_run(kind, name))
        if due is not None and due <= now:
            started.append(launch())
    return started


def _scheduled(ctx: Context) -> Iterator[tuple[str, str, str, Callable[[], str]]]:
    for name, data in kinds.DATASTORE.read().all("datastore").items():
        if data.get("gc-schedule"):
            yield jobs.GARBAGE, name, data["gc-schedule"], lambda name=name: garbage.start(ctx, name)
    for name, data in kinds.PRUNE.read().all("prune").items():
        if not data.get("disable"):
            yield jobs.PRUNE, name, data["schedule"], lambda name=name: pruning.start_job(ctx, name, scheduled=True)
    for name, data in kinds.VERIFY.read().all("verification").items():
        if data.get("schedule"):
            yield jobs.VERIFY, name, data["schedule"], lambda name=name: verifying.start_job(ctx, name, scheduled=True)
    for name, data in kinds.SYNC.read().all("sync").items():
        if data.get("schedule"):
            yield jobs.SYNC, name, data["schedule"], lambda name=name: syncing.start_job(ctx, name, scheduled=True)
