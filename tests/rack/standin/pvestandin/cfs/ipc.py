"""A socket beside the mount, for what is no file: values that every node tells the others, and the cluster log.

One JSON object a line, one answer a line. Clients: put, get, log.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import paths

SOCKET = "/run/pve-cluster/standin.sock"


def serve(handle: Callable[[dict[str, Any]], Any]) -> None:
    """Answer in a thread of its own until the process ends."""
    path = paths.at(SOCKET)
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o077)
    listener.bind(str(path))
    os.umask(mask)
    listener.listen(16)

    def answer(connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream:
            for line in stream:
                stream.write(json.dumps(handle(json.loads(line))).encode() + b"\n")
                stream.flush()

    def accept() -> None:
        while True:
            connection, _unused = listener.accept()
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def call(**request: Any) -> Any:
    """Raises OSError when the cluster file system does not run."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(10)
        connection.connect(str(Path(paths.at(SOCKET))))
        with connection.makefile("rwb") as stream:
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
            return json.loads(stream.readline())


def put(key: str, value: str) -> None:
    """Tell all members a value of this node; an empty one takes it back."""
    call(do="put", key=key, value=value)


def get(node: str, key: str) -> str | None:
    """What a node told last, or None."""
    value = call(do="get", node=node, key=key)
    return None if value is None else str(value)


def log(user: str, priority: int, tag: str, message: str) -> None:
    """An entry of the cluster log (syslog priorities)."""
    call(do="log", user=user, priority=priority, tag=tag, pid=os.getpid(), message=message)
