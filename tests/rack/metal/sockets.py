"""Unix sockets below directories whose names are longer than a socket's address may be."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path


def _through_directory(path: Path, work: Callable[[str], None]) -> None:
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        work(f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)


def connect(path: Path, timeout: float | None) -> socket.socket:
    """A stream connection; raises OSError when nobody listens."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout)
        _through_directory(path, connection.connect)
    except OSError:
        connection.close()
        raise
    return connection


def bind(path: Path, kind: socket.SocketKind) -> socket.socket:
    """A socket at `path`, in place of one that an earlier process left."""
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, kind)
    _through_directory(path, bound.bind)
    return bound
