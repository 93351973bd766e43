"""Tasks as Proxmox runs them: a process each, named by its UPID, with a log whose last line is the result.

A worker is a module-level function without a return value. It prints its log; an exception is the error of the task:

    def work(name: str) -> None: ...
    return tasks.start(ctx, "clustercreate", name, work, name=name)
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from . import faults, paths, tasklist
from .errors import ApiError, Failure
from .registry import Context

_UPID = re.compile(
    r"UPID:([a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9})"
    r":([0-9A-Fa-f]{8}):([^:\s/]+):([^:\s/]*):([^:\s/]+):"
)

_RESULT = "\0result "
"""Marks the last line that a foreground worker sends: for the log, not for the terminal."""


@dataclass(frozen=True)
class Task:
    """What a UPID says. Times are seconds since the epoch; pstart is the process's start in clock ticks after boot."""

    node: str
    pid: int
    pstart: int
    starttime: int
    type: str
    id: str
    user: str

    @property
    def upid(self) -> str:
        return (
            f"UPID:{self.node}:{self.pid:08X}:{self.pstart:08X}:{self.starttime:08X}:{self.type}:{self.id}:{self.user}:"
        )

    @property
    def log(self) -> Path:
        return paths.at("/var/log/pve/tasks") / f"{self.starttime:08X}"[-1] / self.upid

    @property
    def running(self) -> bool:
        return process_start(self.pid) == self.pstart

    def entry(self) -> dict[str, Any]:
        """The keys of the task in API answers; the token is apart from the user."""
        user, _unused, token = self.user.partition("!")
        return {**asdict(self), "user": user, "upid": self.upid, **({"tokenid": token} if token else {})}

    def result(self) -> str:
        """OK, WARNINGS: n, or the error: what the log's last line says."""
        try:
            last = self.log.read_text(errors="replace").rstrip("\n").rsplit("\n", 1)[-1]
        except OSError as error:
            return f"unable to get last line from task log - {error.strerror}"
        if last == "TASK OK":
            return "OK"
        match = re.fullmatch(r"TASK (?:ERROR: (.+)|(WARNINGS: \d+))", last)
        return (match[1] or match[2]) if match else "unexpected status"


def decode(upid: str) -> Task:
    match = _UPID.fullmatch(upid)
    if not match:
        raise Failure(f"unable to parse worker upid '{upid}'")
    node, pid, pstart, start, kind, ident, user = match.groups()
    return Task(node, int(pid, 16), int(pstart, 16), int(start, 16), kind, ident, user)


def process_start(pid: int) -> int | None:
    """Clock ticks after boot at which the process started, or None if there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


def start(ctx: Context, kind: str, ident: str, work: Callable[..., None], **arguments: Any) -> str:
    """Run `work(**arguments)` as a task and return its UPID. Arguments must be JSON; they may hold secrets (stdin).

    A command waits for the task and shows its log, an API call returns at once. Either way success here says nothing
    about the result of the task: that is Proxmox's own behaviour.
    """
    command = [sys.executable, "-m", "pvestandin.worker"]
    search = [str(Path(__file__).resolve().parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(search)}
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        env=environment,
        start_new_session=True,
        text=True,
        stdout=subprocess.PIPE if ctx.cli else subprocess.DEVNULL,
        stderr=subprocess.STDOUT if ctx.cli else subprocess.DEVNULL,
    )
    task = Task(ctx.node, process.pid, process_start(process.pid) or 0, int(time.time()), kind, ident, ctx.user)
    task.log.parent.mkdir(parents=True, exist_ok=True)
    task.log.touch(mode=0o640)
    tasklist.update(task)
    if not ctx.cli:
        _hand_to_pvedaemon(process.pid)  # it waits for its job, so it is still there
    assert process.stdin is not None
    job = {
        "upid": task.upid,
        "module": work.__module__,
        "function": work.__qualname__,
        "arguments": arguments,
        "fail": faults.task_failure(kind),
        "foreground": ctx.cli,
    }
    with process.stdin as stream:
        stream.write(json.dumps(job))
    if ctx.cli:
        _follow(process, task)
    else:
        tasklist.reap(process)
    return task.upid


def _hand_to_pvedaemon(pid: int) -> None:
    """Tasks are pvedaemon's: restarting pveproxy must not end them. systemd ends whatever is in a unit's cgroup."""
    group = paths.at("/sys/fs/cgroup/system.slice/pvedaemon.service/cgroup.procs")
    if os.access(group, os.W_OK):
        group.write_text(str(pid))


def _follow(process: subprocess.Popen[str], task: Task) -> None:
    assert process.stdout is not None
    with task.log.open("a") as log:
        for line in process.stdout:
            if line.startswith(_RESULT):
                log.write(line[len(_RESULT) :])
                continue
            for stream in (sys.stdout, log):
                stream.write(line)
                stream.flush()
    process.wait()
    tasklist.update()
    result = task.result()
    if result.startswith("WARNINGS: "):
        sys.stderr.write(f"Task finished with {result[10:]} warning(s)!\n")
    elif result != "OK":
        sys.stderr.write(f"{result}\n")


def run(job: dict[str, Any]) -> None:
    """The body of the worker process. Its stdout is the log, or in the foreground a pipe to who writes the log."""
    task = decode(job["upid"])
    try:
        if job["fail"]:
            raise Failure(job["fail"])
        function = getattr(import_module(job["module"]), job["function"])
        function(**job["arguments"])
        result = "TASK OK"
    except ApiError as error:
        result = "TASK ERROR: " + error.message.replace("\n", " ")
    except Exception as error:  # the task's end must be in its log, whatever went wrong
        result = f"TASK ERROR: {type(error).__name__}: {error}".replace("\n", " ")
    sys.stdout.flush()
    if job["foreground"]:
        sys.stdout.write(f"{_RESULT}{result}\n")
        return
    with task.log.open("a") as log:
        log.write(f"{result}\n")
