"""The node's list of tasks: /var/log/pve/tasks/active (running and the last 25) and index (all that have ended)."""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import paths

if TYPE_CHECKING:
    from .tasks import Task

_KEPT = 25


@contextlib.contextmanager
def _locked() -> Iterator[Path]:
    directory = paths.at("/var/log/pve/tasks")
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".active.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield directory


def update(new: Task | None = None) -> list[dict[str, Any]]:
    """Bring the list up to date, with a new task if there is one. Returns the entries, running ones first."""
    from .tasks import decode

    with _locked() as directory:
        active = directory / "active"
        lines = active.read_text().splitlines() if active.exists() else []
        known = {line.split(" ", 1)[0]: line.split(" ")[1:] for line in lines if line}
        if new:
            known.setdefault(new.upid, ["0"])
        running, ended = [], []
        for upid, rest in known.items():
            task = decode(upid)
            if len(rest) < 3 and task.running:
                running.append(_entry(task, {}))
                continue
            if len(rest) < 3:
                rest = ["1", f"{int(time.time()):08X}", *task.result().split(" ")]
                with (directory / "index").open("a") as index:
                    index.write(f"{upid} {rest[1]} {' '.join(rest[2:])}\n")
            ended.append(_entry(task, {"saved": "1", "endtime": int(rest[1], 16), "status": " ".join(rest[2:])}))
        ended.sort(key=lambda entry: entry["starttime"], reverse=True)
        entries = running + ended[: max(0, _KEPT - len(running))]
        active.write_text("".join(_line(entry) for entry in entries))
    return entries


def _entry(task: Task, state: dict[str, Any]) -> dict[str, Any]:
    return {**task.entry(), **state}


def _line(entry: dict[str, Any]) -> str:
    if "endtime" not in entry:
        return f"{entry['upid']} 0\n"
    return f"{entry['upid']} 1 {entry['endtime']:08X} {entry['status']}\n"


def ended() -> list[dict[str, Any]]:
    """Every task in the index, the newest first."""
    from .tasks import decode

    update()
    index = paths.at("/var/log/pve/tasks/index")
    lines = index.read_text().splitlines() if index.exists() else []
    entries = []
    for line in reversed(lines):
        upid, end, status = line.split(" ", 2)
        entries.append(_entry(decode(upid), {"endtime": int(end, 16), "status": status}))
    return entries


def reap(process: subprocess.Popen[str]) -> None:
    """Collect a worker when it ends, so that it leaves no zombie and gets its end time at once."""

    def wait() -> None:
        process.wait()
        update()

    threading.Thread(target=wait, daemon=True, name=f"task-{process.pid}").start()
