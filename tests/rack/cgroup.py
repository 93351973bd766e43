"""A control group per machine: what tells two machines apart for systemd, and what kills one at a stroke."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path

from rack import kernel
from rack.errors import RackError


def prefix(rack_dir: Path) -> str:
    return f"baremetal-rack-{hashlib.sha256(str(rack_dir).encode()).hexdigest()[:10]}-"


def mounted() -> Path | None:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _dash, after = line.partition(" - ")
        if after.split()[0] == "cgroup2":
            return Path(before.split()[4].replace("\\040", " "))
    return None


def root(rack_dir: Path) -> Path:
    """Where the unified hierarchy is seen; a host without it (cgroup v1 only) gets it inside the rack's directory."""
    found = mounted()
    if found is not None:
        return found
    target = rack_dir / "cgroup"
    target.mkdir(parents=True, exist_ok=True)
    kernel.mount("none", str(target), "cgroup2")
    return target


def _subtree(group: Path) -> list[Path]:
    return [Path(path) for path, _names, _files in os.walk(group, topdown=False)]


def _kill(group: Path) -> None:
    try:
        (group / "cgroup.kill").write_text("1")
        return
    except FileNotFoundError:
        pass  # Before Linux 5.14: one by one below.
    for path in _subtree(group):
        try:
            pids = (path / "cgroup.procs").read_text().split()
        except OSError:
            continue
        for pid in pids:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue


def remove(group: Path, timeout: float = 20) -> None:
    """Kill whatever runs in the group and remove it with everything below."""
    deadline = time.monotonic() + timeout
    while group.exists():
        _kill(group)
        try:
            for path in _subtree(group):
                path.rmdir()
        except FileNotFoundError:
            continue
        except OSError as error:
            if time.monotonic() > deadline:
                raise RackError(f"control group {group} cannot be emptied: {error}") from error
            time.sleep(0.02)


def remove_all(rack_dir: Path) -> None:
    base = mounted()
    if base is not None:
        for group in base.glob(prefix(rack_dir) + "*"):
            remove(group)
