"""Proxmox's locks within one node: PVE::Tools::lock_file."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from . import paths
from .errors import Failure


@contextmanager
def file_lock(name: str, timeout: float = 10) -> Iterator[None]:
    """Hold the lock of the file (absolute path of the node); Failure after so many seconds."""
    file = paths.at(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout
    with file.open("a") as stream:
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Failure(f"can't lock file '{name}' - got timeout") from None
                time.sleep(0.05)
        yield
