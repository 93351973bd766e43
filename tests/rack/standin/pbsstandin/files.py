"""/etc/proxmox-backup: text files that belong to root and the group backup, replaced as a whole, with a SHA-256."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import uuid
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from pvestandin import paths
from pvestandin.filelock import file_lock

from .errors import refused

CONFIG = "/etc/proxmox-backup"


def at(name: str) -> Path:
    return paths.at(f"{CONFIG}/{name}")


def read(name: str) -> str:
    """The file's text; empty when it is not there."""
    try:
        return at(name).read_text()
    except FileNotFoundError:
        return ""


def digest(raw: str) -> str:
    return hashlib.sha256(raw.encode()).hexdigest()


def check_digest(given: str | None, raw_digest: str) -> None:
    """Refuse a change that was made with an older file in view (src/tools/mod.rs)."""
    if given and given != raw_digest:
        raise refused("detected modified configuration - file changed by other user? Try again.")


def backup_ids() -> tuple[int, int]:
    """User and group `backup`, which the daemons of PBS run as."""
    entry = pwd.getpwnam("backup")
    return entry.pw_uid, entry.pw_gid


def own(path: Path, *, root: bool = False) -> None:
    """Give a file or directory to backup, or to root with the group backup."""
    if os.geteuid() == 0:
        user, group = backup_ids()
        os.chown(path, 0 if root else user, group)


def replace(path: Path, text: str, mode: int = 0o640, *, root: bool = True) -> None:
    """Write a file as a whole: readers see the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.tmp.{uuid.uuid4().hex}")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.chmod(mode)
    own(fresh, root=root)
    fresh.rename(path)


def write(name: str, text: str, mode: int = 0o640) -> None:
    replace(at(name), text, mode)


def write_secret(name: str, text: str) -> None:
    """Only for root."""
    path = at(name)
    replace(path, text, 0o600)
    if os.geteuid() == 0:
        os.chown(path, 0, 0)


def read_json(name: str) -> dict[str, Any]:
    return json.loads(read(name) or "{}")


def lock(name: str) -> AbstractContextManager[None]:
    """PBS's lock of one configuration: `.NAME.lck` beside the files."""
    return file_lock(f"{CONFIG}/.{name}.lck")
