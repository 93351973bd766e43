"""The state of scheduled jobs: /var/lib/proxmox-backup/jobstates/TYPE-NAME.json (src/server/jobstate.rs).

{"created": {time}}, {"started": {upid}} or {"finished": {upid, state, updated}}.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pvestandin import paths
from pvestandin.registry import Context

from . import calendar, files, tasks
from .errors import refused

_DIRECTORY = "/var/lib/proxmox-backup/jobstates"
GARBAGE, PRUNE, VERIFY, SYNC = "garbage_collection", "prunejob", "verificationjob", "syncjob"


def _path(kind: str, name: str) -> Path:
    return paths.at(_DIRECTORY) / f"{kind}-{name}.json"


def _write(kind: str, name: str, state: dict[str, Any]) -> None:
    files.replace(_path(kind, name), json.dumps(state, separators=(",", ":")), 0o644, root=False)


def create(kind: str, name: str) -> None:
    _write(kind, name, {"created": {"time": int(time.time())}})


def forget(kind: str, name: str) -> None:
    _path(kind, name).unlink(missing_ok=True)


def rescheduled(kind: str, name: str) -> None:
    """A new schedule counts from now on: the job does not run at once because the new time has passed already."""
    state = load(kind, name)
    if "started" in state:
        return
    now = int(time.time())
    _write(kind, name, {"finished": {**state["finished"], "updated": now}} if "finished" in state else _created(now))


def _created(when: int) -> dict[str, Any]:
    return {"created": {"time": when}}


def load(kind: str, name: str) -> dict[str, Any]:
    """The state; a task that ended without a word is finished."""
    path = _path(kind, name)
    if not path.exists():
        return _created(int(time.time()) - 30)
    state: dict[str, Any] = json.loads(path.read_text())
    if "started" in state:
        task = tasks.decode(state["started"]["upid"])
        if not task.running:
            return {"finished": {"upid": task.upid, "state": _outcome(task), "updated": None}}
    return state


def _outcome(task: tasks.Task) -> dict[str, Any]:
    """A task's result in the form of serde's enum."""
    when, result = task.result()
    if result == "OK":
        return {"OK": {"endtime": when}}
    if result == "unknown":
        return {"Unknown": {"endtime": when}}
    if result.startswith("WARNINGS: "):
        return {"Warning": {"count": int(result[10:]), "endtime": when}}
    return {"Error": {"message": result, "endtime": when}}


def last_run(kind: str, name: str) -> int:
    state = load(kind, name)
    if "created" in state:
        return int(state["created"]["time"])
    if "finished" in state and state["finished"].get("updated") is not None:
        return int(state["finished"]["updated"])
    return tasks.decode((state.get("started") or state["finished"])["upid"]).starttime


def status(kind: str, name: str, schedule: str | None) -> dict[str, Any]:
    """last-run-upid, last-run-state, last-run-endtime, next-run, as far as there are any."""
    state = load(kind, name)
    found: dict[str, Any] = {}
    last = last_run(kind, name)
    if "created" not in state:
        task = tasks.decode((state.get("started") or state["finished"])["upid"])
        found["last-run-upid"] = task.upid
        if "finished" in state:
            found["last-run-endtime"], found["last-run-state"] = task.result()
            last = state["finished"].get("updated") or found["last-run-endtime"]
    upcoming = next_run(schedule, last)
    return {**found, **({"next-run": upcoming} if upcoming is not None else {})}


def next_run(schedule: str | None, last: int) -> int | None:
    return calendar.parse(schedule).next_after(last) if schedule else None


def run(ctx: Context, kind: str, name: str, ident: str, work: Callable[[tasks.Worker], None]) -> str:
    """Run a job's work as a task of the job's type, and keep the state beside it."""
    if "started" in load(kind, name):
        raise refused(f"job '{name}' is running already")
    return tasks.start(ctx, kind, ident, work, lambda upid: _write(kind, name, {"started": {"upid": upid}}))
