"""Tasks as PBS runs them: threads of the daemon, named by a UPID, with a log whose last line is the result.

    def work(worker: tasks.Worker) -> None: ...
    return tasks.start(ctx, "prune", "store1", work)

Logs are /var/log/proxmox-backup/tasks/XX/UPID, running tasks stand in tasks/active, ended ones in tasks/archive
(proxmox-rest-server, worker_task.rs).
"""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pvestandin import faults, paths
from pvestandin.errors import ApiError
from pvestandin.registry import Context
from pvestandin.tasks import process_start

from . import files
from .errors import refused

_DIRECTORY = "/var/log/proxmox-backup/tasks"
_UPID = re.compile(
    r"UPID:([a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9}):([0-9A-Fa-f]{8,16})"
    r":([0-9A-Fa-f]{8}):([^:\s]+):([^:\s]*):([^:\s]+):"
)
_numbers = itertools.count()
_running: dict[str, threading.Thread] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Task:
    """What a UPID says. Times are seconds since the epoch; pstart is in clock ticks after boot."""

    node: str
    pid: int
    pstart: int
    task_id: int
    starttime: int
    type: str
    id: str
    user: str

    @property
    def upid(self) -> str:
        return (
            f"UPID:{self.node}:{self.pid:08X}:{self.pstart:08X}:{self.task_id:08X}:{self.starttime:08X}"
            f":{self.type}:{_escape(self.id)}:{self.user}:"
        )

    @property
    def log(self) -> Path:
        return paths.at(_DIRECTORY) / f"{self.pstart % 256:02X}" / self.upid

    @property
    def running(self) -> bool:
        if self.pid == os.getpid() and self.pstart == process_start(os.getpid()):
            with _lock:
                return self.upid in _running
        return process_start(self.pid) == self.pstart and self.upid in _read_list("active")

    def result(self) -> tuple[int, str]:
        """When it ended, and OK, WARNINGS: n, unknown or the error: what the log's last line says."""
        try:
            last = self.log.read_text(errors="replace").rstrip("\n").rsplit("\n", 1)[-1]
        except OSError:
            return self.starttime, "unknown"
        match = re.fullmatch(r"(\S+): TASK (?:ERROR: (.*)|(OK|WARNINGS: \d+|unknown))", last)
        if not match:
            return self.starttime, "unknown"
        return int(datetime.fromisoformat(match[1]).timestamp()), match[2] or match[3]

    def entry(self) -> dict[str, Any]:
        """As GET /nodes/{node}/tasks has it."""
        listed: dict[str, Any] = {
            "upid": self.upid,
            "node": self.node,
            "pid": self.pid,
            "pstart": self.pstart,
            "starttime": self.starttime,
            "worker_type": self.type,
            "worker_id": self.id or None,
            "user": self.user,
        }
        if not self.running:
            listed["endtime"], listed["status"] = self.result()
        return listed


def decode(upid: str) -> Task:
    match = _UPID.fullmatch(upid)
    if not match:
        raise refused("unable to parse UPID")
    node, pid, pstart, number, start, kind, ident, user = match.groups()
    return Task(node, int(pid, 16), int(pstart, 16), int(number, 16), int(start, 16), kind, _unescape(ident), user)


def _escape(text: str) -> str:
    """As systemd escapes the name of a unit."""
    return "".join(
        "-" if char == "/" else char if re.fullmatch(r"[A-Za-z0-9_:.]", char) and char != ":" else _hex(char)
        for char in text
    )


def _hex(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode())


def _unescape(text: str) -> str:
    raw = re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes([int(match[1], 16)]), text.replace("-", "/").encode())
    return raw.decode(errors="replace")


class Worker:
    """What a task's function writes its log with."""

    def __init__(self, task: Task, *, stdout: bool) -> None:
        self.task = task
        self.warnings = 0
        self._stdout = stdout

    def log(self, message: str) -> None:
        stamp = datetime.now().astimezone().isoformat(timespec="seconds")
        with self.task.log.open("a") as stream:
            stream.write(f"{stamp}: {message}\n")
        if self._stdout:
            print(message, flush=True)

    def warn(self, message: str) -> None:
        self.warnings += 1
        self.log(f"WARN: {message}")

    def result(self) -> str:
        return f"WARNINGS: {self.warnings}" if self.warnings else "OK"


def prepare() -> None:
    directory = paths.at(_DIRECTORY)
    directory.mkdir(parents=True, exist_ok=True)
    for path in (directory.parent, directory):
        files.own(path)


def start(
    ctx: Context,
    kind: str,
    ident: str,
    work: Callable[[Worker], None],
    before: Callable[[str], None] = lambda upid: None,
) -> str:
    """Run `work` as a task and return its UPID. A command waits for it and shows its log, an API call does not.

    before(upid) is called when the UPID is known and nothing has begun.
    """
    pid = os.getpid()
    task = Task(ctx.node, pid, process_start(pid) or 0, next(_numbers), int(time.time()), kind, ident, ctx.user)
    task.log.parent.mkdir(parents=True, exist_ok=True)
    task.log.touch(mode=0o640)
    worker = Worker(task, stdout=ctx.cli)
    thread = threading.Thread(target=_run, args=(worker, work, faults.task_failure(kind)), name=task.upid)
    with _lock:
        _running[task.upid] = thread
    _update(task)
    before(task.upid)
    thread.start()
    if ctx.cli:
        thread.join()
        result = task.result()[1]
        if not re.fullmatch(r"OK|WARNINGS: \d+", result):
            raise refused(result)
    return task.upid


def _run(worker: Worker, work: Callable[[Worker], None], failure: str | None) -> None:
    try:
        if failure:
            raise refused(failure)
        work(worker)
        result = worker.result()
    except ApiError as error:
        result = f"ERROR: {error.message}".replace("\n", " ")
    except Exception as error:  # the task's end must be in its log, whatever went wrong
        result = f"ERROR: {type(error).__name__}: {error}".replace("\n", " ")
    worker.log(f"TASK {result}")
    with _lock:
        _running.pop(worker.task.upid, None)
    _update()


def wait(upid: str, seconds: float = 30.0) -> str:
    """The result of a task of this process, when it has one. For tests and jobs."""
    with _lock:
        thread = _running.get(upid)
    if thread:
        thread.join(seconds)
    return decode(upid).result()[1]


@contextmanager
def _list_lock() -> Iterator[Path]:
    directory = paths.at(_DIRECTORY)
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".active.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield directory


def _read_list(name: str) -> list[str]:
    path = paths.at(_DIRECTORY) / name
    return [line.split(" ", 1)[0] for line in path.read_text().splitlines()] if path.exists() else []


def _update(new: Task | None = None) -> None:
    """Move what has ended from the active list to the archive."""
    with _list_lock() as directory:
        known = _read_list("active") + ([new.upid] if new else [])
        active, ended = [], []
        for upid in known:
            task = decode(upid)
            (active if task.running or (new and upid == new.upid) else ended).append(task)
        (directory / "active").write_text("".join(f"{task.upid}\n" for task in active))
        with (directory / "archive").open("a") as archive:
            for task in ended:
                when, result = task.result()
                archive.write(f"{task.upid} {when:08X} {result}\n")


def listing() -> list[Task]:
    """Every task, running ones first, then from new to old."""
    _update()
    active, archive = _read_list("active"), _read_list("archive")
    return [decode(upid) for upid in [*reversed(active), *reversed(archive)]]


def stop(upid: str) -> None:
    """Threads cannot be ended from outside; PBS's own tasks look for a request to stop, too, and not all do."""
    print(f"{upid}: a request to stop was ignored", file=sys.stderr)
