"""Is a storage there, can it be used, how full is it: what Proxmox asks when a definition is made or its status read."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import formats, paths
from ..ceph import images
from ..errors import Failure
from ..section import Section
from ..text import truth
from . import config, pbs

_SUBDIRS = {
    "backup": "dump",
    "images": "images",
    "import": "import",
    "iso": "template/iso",
    "rootdir": "private",
    "snippets": "snippets",
    "vztmpl": "template/cache",
}
_MOUNTED = {"nfs": "nfs", "cifs": "cifs", "cephfs": "ceph", "glusterfs": "glusterfs"}


@dataclass(frozen=True)
class Status:
    """Bytes. Not active: it could not be used, and the numbers are 0."""

    total: int = 0
    avail: int = 0
    used: int = 0
    active: bool = False


def activate(storage: str, section: Section) -> None:
    """Bring the storage to use on this node, or raise what Proxmox says when it cannot."""
    base = str(section.get("base", "")).split(":", 1)[0]
    if base:
        activate(base, config.get(config.read(), base))
    if not _online(section):
        code = {"iscsi": 111, "esxi": 32}.get(section["type"], 1)  # what Perl's errno happens to be
        raise Failure(f"storage '{storage}' is not online", code)
    kind = section["type"]
    if kind == "cephfs":
        _mount_cephfs(storage, section)
    elif kind in _MOUNTED:
        _mount(storage, section)
    if kind in ("dir", "btrfs"):
        _check_mountpoint(storage, section)
        _make_base(section)
    if kind == "btrfs" and _filesystem(paths.at(section["path"])) != "btrfs":
        raise Failure(f"'{section['path']}' is not a btrfs file system", 2)
    if section.get("path"):
        _make_content_directories(storage, section)
    if kind == "pbs":
        pbs.check(storage, section)
    if kind == "lvmthin" and f"{section['vgname']}/{section['thinpool']}" not in _logical_volumes():
        raise Failure(f"no such logical volume {section['vgname']}/{section['thinpool']}")
    if kind == "zfspool":
        _import_pool(storage, section)


def status(storage: str, section: Section) -> Status:
    """The status as the node's list of storages shows it: never raises."""
    try:
        activate(storage, section)
    except Failure:
        return Status()
    kind = section["type"]
    if kind in _MOUNTED and not _is_mount(paths.at(section["path"])):
        return Status()
    if section.get("path"):
        usage = os.statvfs(paths.at(section["path"]))
        total, avail = usage.f_blocks * usage.f_frsize, usage.f_bavail * usage.f_frsize
        return Status(total, avail, total - usage.f_bfree * usage.f_frsize, True)
    if kind == "lvm":
        sizes = _volume_groups().get(section["vgname"])
        return Status(sizes[0], sizes[1], sizes[0] - sizes[1], True) if sizes else Status()
    if kind == "rbd":
        return _rbd_status(storage, section)
    if kind == "pbs":
        return _pbs_status(storage, section)
    return Status(active=kind in ("iscsi", "iscsidirect", "esxi", "zfs"))


def _rbd_status(storage: str, section: Section) -> Status:
    try:
        free, used = images.usage(storage, section)
    except Failure:
        return Status()
    return Status(free + used, free, used, True)


def _pbs_status(storage: str, section: Section) -> Status:
    try:
        return Status(*pbs.status(storage, section), True)
    except Failure:
        return Status()


def reachable(host: str, port: int, timeout: float = 2.0) -> bool:
    try:
        with socket.create_connection((host, port), timeout):
            return True
    except OSError:
        return False


def _online(section: Section) -> bool:
    kind, server = section["type"], str(section.get("server", ""))
    if kind == "nfs":
        version_4 = re.search(r"vers=4", str(section.get("options", "")))
        port = re.search(r"port=(\d+)", str(section.get("options", "")))
        return reachable(server, int(port[1]) if port else 2049) if version_4 else reachable(server, 111)
    if kind == "cifs":
        return reachable(server, 445)
    if kind == "glusterfs":
        return any(reachable(str(section[name]), 24007) for name in ("server", "server2") if section.get(name))
    if kind == "esxi":
        return reachable(server, int(section.get("port") or 443))
    if kind == "iscsi":
        return reachable(*_portal(str(section["portal"])))
    return True


def _portal(portal: str) -> tuple[str, int]:
    if formats.is_ip(portal, 6):
        return portal, 3260
    host, _unused, port = portal.rpartition(":") if re.search(r":\d+$", portal) else (portal, "", "3260")
    return host.strip("[]"), int(port)


def _mount(storage: str, section: Section) -> None:
    path = paths.at(section["path"])
    if _is_mount(path):
        return
    _make_base(section)
    if not path.is_dir():
        raise Failure(f"unable to activate storage '{storage}' - directory '{section['path']}' does not exist", 2)
    source = {
        "nfs": lambda: f"{section['server']}:{section['export']}",
        "cifs": lambda: f"//{section['server']}/{section['share']}{section.get('subdir', '')}",
        "glusterfs": lambda: f"{section['server']}:{section['volume']}",
    }[section["type"]]()
    options = str(section.get("options") or "")
    if section["type"] == "cifs":
        options = ",".join(filter(None, [f"credentials={paths.pve(f'priv/storage/{storage}.pw')}", options]))
    command = ["mount", "-t", _MOUNTED[section["type"]], source, str(path), *(["-o", options] if options else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise Failure(f"mount error: {done.stderr.strip()}", done.returncode)


def _mount_cephfs(storage: str, section: Section) -> None:
    path = paths.at(section["path"])
    if images.mounted(section):
        return
    _make_base(section)
    if not path.is_dir():
        raise Failure(f"unable to activate storage '{storage}' - directory '{section['path']}' does not exist", 2)
    images.mount(storage, section)


def _is_mount(path: Path) -> bool:
    return os.path.ismount(path)


def _check_mountpoint(storage: str, section: Section) -> None:
    wanted = str(section.get("is_mountpoint") or "0")
    if wanted.lower() in ("0", "no", "off", "false"):
        return
    path = section["path"] if wanted.lower() in ("1", "yes", "on", "true") else wanted
    if not _is_mount(paths.at(path)):
        raise Failure(
            f"unable to activate storage '{storage}' - directory is expected to be a mount point but is not "
            f"mounted: '{path}'"
        )


def _make_base(section: Section) -> None:
    if truth(section.get("create-base-path", section.get("mkdir", 1))):
        try:
            paths.at(section["path"]).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Failure(f"mkdir {section['path']}: {error.strerror}", error.errno or 255) from error


def _make_content_directories(storage: str, section: Section) -> None:
    base = paths.at(section["path"])
    if not base.is_dir():
        raise Failure(
            f"unable to activate storage '{storage}' - directory '{section['path']}' does not exist or is unreachable",
            2,
        )
    if "content" not in section:
        return  # a new definition without content types gets its directories on first use
    directories = {
        kind: base / str(section.get("content-dirs", {}).get(kind, subdir)).lstrip("/")
        for kind, subdir in _SUBDIRS.items()
    }
    content = section["content"]
    if truth(section.get("create-subdirs", 1)) and truth(section.get("mkdir", 1)):
        for kind in sorted(directories):
            if kind in content or (kind == "backup" and "rootdir" in content):
                directories[kind].mkdir(parents=True, exist_ok=True)
    seen: set[Path] = set()
    for kind in sorted(content & directories.keys()):
        resolved = directories[kind].resolve()
        if resolved in seen:
            raise Failure(f"storage '{storage}' uses directory {resolved} for multiple content types")
        seen.add(resolved)


def _filesystem(path: Path) -> str:
    done = subprocess.run(["stat", "-f", "-c", "%T", str(path)], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _tool(command: list[str]) -> list[list[str]]:
    """Lines of a tool as words; nothing when the tool is not installed or fails."""
    if not shutil.which(command[0]):
        return []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [line.split() for line in done.stdout.splitlines() if line.strip()]


def _logical_volumes() -> set[str]:
    return {"/".join(words) for words in _tool(["lvs", "--noheadings", "-o", "vg_name,lv_name"])}


def _volume_groups() -> dict[str, tuple[int, int]]:
    rows = _tool(["vgs", "--noheadings", "--units", "b", "--nosuffix", "-o", "vg_name,vg_size,vg_free"])
    return {name: (int(size), int(free)) for name, size, free in rows}


def _import_pool(storage: str, section: Section) -> None:
    pool = str(section["pool"]).split("/", 1)[0]
    if [pool] in _tool(["zpool", "list", "-o", "name", "-H"]):
        return
    command = ["zpool", "import", "-d", "/dev/disk/by-id/", "-o", "cachefile=none", pool]
    if not shutil.which("zpool"):
        raise Failure(
            f"could not activate storage '{storage}', zfs error: open3: exec of {' '.join(command)} failed: "
            "No such file or directory at /usr/share/perl5/PVE/Cmd.pm line 174.\n",
            2,
        )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"could not activate storage '{storage}', zfs error: {done.stderr.strip()}", 2)


def information(storage: str, section: Section) -> dict[str, Any]:
    """The entry in a node's list of storages, without `storage` and `used_fraction`."""
    enabled = config.enabled_here(section)
    found = status(storage, section) if enabled else Status()
    return {
        "type": section["type"],
        "content": config.describe(config.read(), storage)["content"],
        "shared": int(truth(section.get("shared"))),
        "enabled": int(enabled),
        "active": int(found.active),
        "total": found.total,
        "avail": found.avail,
        "used": found.used,
    }
