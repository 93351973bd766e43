"""Daemons of the rack, found by what they carry in their environment instead of by files that can go stale."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rack import state
from rack.errors import RackError

MARKER = "BAREMETAL_RACK_PROCESS"
HELPER = "helper"
Value = TypeVar("Value")
PACKAGE_PARENT = Path(__file__).resolve().parent.parent


def marker(rack_dir: Path, role: str) -> str:
    return f"{rack_dir}|{role}"


def _marker_of(pid: int) -> str | None:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
    prefix = f"{MARKER}=".encode()
    for item in environment.split(b"\0"):
        if item.startswith(prefix):
            return item[len(prefix) :].decode(errors="replace")
    return None


def find(rack_dir: Path) -> dict[int, str]:
    """Living processes of one rack: {pid: role}. A helper of a daemon (nspawn, apt-helper) has its daemon's role."""
    found: dict[int, str] = {}
    wanted = f"{rack_dir}|"
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        value = _marker_of(int(entry))
        if value is not None and value.startswith(wanted):
            found[int(entry)] = value[len(wanted) :]
    return found


def parent_of(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[1])


def children_of(pids: set[int]) -> set[int]:
    everyone = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    return {pid for pid in everyone if parent_of(pid) in pids}


def first_in_namespace(pid: int) -> bool:
    """Whether the process is number 1 of a PID namespace below ours."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    numbers = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
    return len(numbers) > 1 and numbers[-1] == "1"


def _environment(rack_dir: Path, role: str) -> dict[str, str]:
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": "/root",
        "RACK_STATE": str(state.state_dir()),
        "PYTHONPATH": str(PACKAGE_PARENT),
        "PYTHONDONTWRITEBYTECODE": "1",
        MARKER: marker(rack_dir, role),
    }


def spawn(rack_dir: Path, role: str, arguments: Sequence[str], log: Path) -> None:
    """Start a daemon (KIND is `role` up to a colon) that outlives this process and belongs to nobody's terminal."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        subprocess.run(
            ["setsid", "--fork", sys.executable, "-m", "rack.child", role.partition(":")[0], *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_environment(rack_dir, role),
            cwd="/",
            check=True,
        )


def run_child(rack_dir: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run `rack.child KIND …` to its end; if this process is killed, `HELPER` finds what it left running."""
    return subprocess.run(
        [sys.executable, "-m", "rack.child", *arguments],
        stdin=subprocess.DEVNULL,
        env=_environment(rack_dir, HELPER),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def run(
    rack_dir: Path, command: Sequence[str], check: bool = False, **options: Any
) -> subprocess.CompletedProcess[str]:
    """subprocess.run for the rack's own short work, found in the same way."""
    environment = {**os.environ, MARKER: marker(rack_dir, HELPER)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=check, **options)


def kill(pids: Sequence[int] | Mapping[int, str], how: signal.Signals = signal.SIGKILL) -> None:
    for pid in pids:
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            continue


def kill_all(rack_dir: Path, roles: set[str] | None = None, timeout: float = 20) -> None:
    """Kill until none is left; a daemon may fork between the look and the kill."""
    deadline = time.monotonic() + timeout
    while True:
        left = {pid: role for pid, role in find(rack_dir).items() if roles is None or role in roles}
        if not left:
            return
        if time.monotonic() > deadline:
            raise RackError(f"processes {sorted(left)} of {rack_dir} do not die; look at them with ps")
        kill(left)
        time.sleep(0.02)


def wait_until(
    condition: Callable[[], Value], timeout: float, what: str, hint: str = "", interval: float = 0.05
) -> Value:
    """Poll until condition() is true and return its value; RackError naming `what` at the deadline."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise RackError(f"{what}: not so after {timeout:.0f} s" + (f"; {hint}" if hint else ""))
        time.sleep(interval)
