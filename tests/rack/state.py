"""Where everything lives, and who may touch it at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY_ROOT = Path(__file__).resolve().parents[2]


def state_dir() -> Path:
    return Path(os.environ.get("RACK_STATE") or REPOSITORY_ROOT / ".rack").resolve()


def cache_dir() -> Path:
    return state_dir() / "cache"


def racks_dir() -> Path:
    return state_dir() / "racks"


def private_dir(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


@contextlib.contextmanager
def locked(name: str, place: Path | None = None) -> Iterator[None]:
    """Hold `name` against every other rack process of this state directory; the kernel frees it if we die.

    What is in a cache is locked in that `place`: several state directories may share one.
    """
    path = (place or state_dir()) / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(fd, "w") as handle:
        handle.write(text)
    os.replace(temporary, path)


def write_json(path: Path, value: Any, mode: int = 0o644) -> None:
    write_atomically(path, json.dumps(value, indent=2) + "\n", mode)
