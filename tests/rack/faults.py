"""Faults on demand, in the file that the stand-in reads: /run/pve-standin/faults.json in the machine."""

from __future__ import annotations

import fcntl
import json
import os
import re
from pathlib import Path
from typing import Any

from rack.errors import RackError

FILE = "run/pve-standin/faults.json"
LOCKS = "/etc/pve/priv/lock"
_LOCK_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")


def rule(
    action: str,
    match: str,
    times: int | None = 1,
    status: int | None = None,
    seconds: float | None = None,
    message: str | None = None,
) -> dict[str, Any]:
    """One rule; `match` is a regular expression over `METHOD /path` (for task-fail: over the task's type)."""
    try:
        re.compile(match)
    except re.error as error:
        raise RackError(f"{match!r} is no regular expression: {error}") from None
    if status is not None and not 400 <= status <= 599:
        raise RackError(f"status {status} is no HTTP error; 400 to 599 are")
    made: dict[str, Any] = {"match": match, "action": action}
    for key, value in (("times", times), ("status", status), ("seconds", seconds), ("message", message)):
        if value is not None:
            made[key] = value
    return made


def _edit(machine_root: Path, change: Any) -> list[dict[str, Any]]:
    path = machine_root / FILE
    path.parent.mkdir(exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        rules = change(json.loads(handle.read() or "[]"))
        handle.seek(0)
        handle.truncate()
        json.dump(rules, handle)
    return rules


# The same edit where the machine's files are out of the host's reach: a rule, or null, on standard input.
REMOTE_EDIT = f"""
import fcntl, json, os, sys
new = json.load(sys.stdin)
os.makedirs("/{os.path.dirname(FILE)}", exist_ok=True)
with os.fdopen(os.open("/{FILE}", os.O_RDWR | os.O_CREAT, 0o644), "r+") as handle:
    fcntl.flock(handle, fcntl.LOCK_EX)
    rules = json.loads(handle.read() or "[]")
    handle.seek(0)
    handle.truncate()
    json.dump([] if new is None else [*rules, new], handle)
"""


def add(machine_root: Path, new: dict[str, Any]) -> None:
    _edit(machine_root, lambda rules: [*rules, new])


def clear(machine_root: Path) -> None:
    _edit(machine_root, lambda rules: [])


def listed(machine_root: Path) -> list[dict[str, Any]]:
    path = machine_root / FILE
    return json.loads(path.read_text() or "[]") if path.exists() else []


def lock_path(name: str) -> str:
    if not _LOCK_NAME.match(name):
        raise RackError(f"{name!r} is no lock name; for example storage-local, file-storage_cfg or domain-ha")
    return f"{LOCKS}/{name}"
