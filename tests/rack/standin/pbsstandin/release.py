"""Which Proxmox Backup Server this is: 4 on Debian 13, 3.4 on Debian 12."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from pvestandin import paths

HOME = "/usr/share/pbs-standin"


def version() -> dict[str, str]:
    """version, release, repoid, as /usr/share/pbs-standin/version.json has them."""
    return _read(str(paths.at(f"{HOME}/version.json")))


@lru_cache(maxsize=4)
def _read(path: str) -> dict[str, str]:
    return json.loads(Path(path).read_text())


SINCE_4 = {
    "active-encryption-key",
    "associated-key",
    "backend",
    "counter-reset-schedule",
    "location",
    "notification-thresholds",
    "overwrite-in-use",
    "read-threads",
    "regenerate",
    "unmount-on-done",
    "use-node-proxy",
    "users",
    "verify-threads",
    "worker-threads",
}
"""Parameters and properties that 3.4 does not know. A token had no `delete` there, either, and there was no S3."""


def has_path(path: str) -> bool:
    return major() >= 4 or not path.startswith("/config/s3")


def has_parameter(name: str) -> bool:
    return major() >= 4 or name not in SINCE_4


def major() -> int:
    return int(version()["version"].split(".")[0])
