"""Where the stand-in keeps its files. Every path goes through here, so that tests can run it in a directory."""

from __future__ import annotations

import json
import os
import socket
from functools import lru_cache
from pathlib import Path


def at(path: str) -> Path:
    """The file for an absolute path of the node, below PVE_STANDIN_ROOT (default: the machine itself)."""
    return Path(os.environ.get("PVE_STANDIN_ROOT", "/")) / path.lstrip("/")


def pve(path: str = "") -> Path:
    """A file below /etc/pve."""
    return at("/etc/pve") / path


def node_name() -> str:
    """The node's own name, as Proxmox takes it: the host name up to the first dot."""
    return os.environ.get("PVE_STANDIN_NODE") or socket.gethostname().split(".", 1)[0]


def version() -> dict[str, str]:
    """What /usr/share/pve-standin/version.json says: version, release, repoid."""
    return _read_version(str(at("/usr/share/pve-standin/version.json")))


@lru_cache(maxsize=4)
def _read_version(path: str) -> dict[str, str]:
    return json.loads(Path(path).read_text())


def release() -> tuple[int, int]:
    """(9, 2) or (8, 4): what handlers compare with where the releases differ."""
    major, minor = version()["release"].split(".")[:2]
    return int(major), int(minor)
