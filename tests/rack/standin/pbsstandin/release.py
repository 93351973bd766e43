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


def major() -> int:
    return int(version()["version"].split(".")[0])
