"""What the other nodes say about themselves. Proxmox spreads this by its cluster file system every few seconds; here a
node asks the others when it needs to know, and remembers the answers for as long."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

from . import paths, pvefiles

_FRESH = 5.0
_known: dict[tuple[str, str], tuple[float, Any]] = {}
_lock = threading.Lock()


def online() -> list[str]:
    """The nodes that are online, this one included."""
    nodes = pvefiles.members().get("nodelist")
    return sorted(name for name, entry in nodes.items() if entry.get("online")) if nodes else [paths.node_name()]


def ask(path: str) -> dict[str, Any]:
    """The data of GET /nodes/{node}<path> for every node that answers."""
    nodes = online()
    with ThreadPoolExecutor(max_workers=max(1, len(nodes))) as pool:
        answers = dict(zip(nodes, pool.map(lambda node: _remembered(node, path), nodes), strict=True))
    return {node: data for node, data in answers.items() if data is not None}


def _remembered(node: str, path: str) -> Any:
    with _lock:
        stamp, data = _known.get((node, path), (0.0, None))
    if stamp and time.monotonic() - stamp < _FRESH:
        return data
    data = _fetch(node, path)
    with _lock:
        _known[node, path] = (time.monotonic(), data)
    return data


def forget() -> None:
    with _lock:
        _known.clear()


def _fetch(node: str, path: str) -> Any:
    from .dispatch import Call, answer  # the dispatcher imports the handlers that call this

    path, _unused, query = path.partition("?")
    result = answer(Call("GET", f"/nodes/{node}{path}", dict(parse_qsl(query)), "root@pam"))
    return result.data if result.status == 200 else None
