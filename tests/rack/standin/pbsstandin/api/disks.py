"""Disks that become directories for datastores (src/api2/node/disks/directory.rs, src/tools/disks/mod.rs).

PBS makes one partition on the disk and the file system on that. Machines of the rack that are containers see no
partitions, so here the file system is on the disk itself; the unit that mounts it is the same.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from pvestandin import paths

from .. import kinds, tasks
from ..errors import bad_parameter, refused
from ..table import Context, endpoint, privilege

_DISKS = "/nodes/{node}/disks"
_MOUNTS = "/mnt/datastore"
_UNITS = "/etc/systemd/system"
_BY_UUID = "/dev/disk/by-uuid"


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise refused(f"command {' '.join(words)!r} failed - {done.stderr.strip()}")
    return done.stdout


def _escape(path: str) -> str:
    """systemd-escape --path"""
    return _run("systemd-escape", "--path", path).strip()


def _unit(name: str) -> Path:
    return paths.at(f"{_UNITS}/{_escape(f'{_MOUNTS}/{name}')}.mount")


def _settings(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)


def _used(disk: Path) -> bool:
    """Whether there is anything on it."""
    told = subprocess.run(["wipefs", "--no-act", "--json", str(disk)], capture_output=True, text=True, check=True)
    return bool(json.loads(told.stdout or "{}").get("signatures"))


def _link(uuid: str, disk: Path) -> None:
    """What udev does, where it runs."""
    link = paths.at(f"{_BY_UUID}/{uuid}")
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(disk)


@endpoint("GET", f"{_DISKS}/directory", permission=privilege("system/disks", "Sys.Audit"), params="node!")
def directories(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for file in sorted(paths.at(_UNITS).glob("mnt-datastore-*.mount")):
        told = _settings(file)
        found.append(
            {
                "unitfile": f"{_UNITS}/{file.name}",
                "name": told["Where"].removeprefix(f"{_MOUNTS}/"),
                "path": told["Where"],
                "device": told["What"],
                "filesystem": told.get("Type"),
                "options": told.get("Options"),
            }
        )
    return found


@endpoint(
    "POST",
    f"{_DISKS}/directory",
    permission=privilege("system/disks", "Sys.Modify"),
    params="node! name!:safe-id disk! filesystem add-datastore:boolean removable-datastore:boolean",
)
def make_directory(ctx: Context, params: dict[str, Any]) -> str:
    name, kind = params["name"], params.get("filesystem", "ext4")
    disk, place = paths.at(f"/dev/{params['disk']}"), paths.at(f"{_MOUNTS}/{name}")
    if params.get("add-datastore") or params.get("removable-datastore"):
        raise bad_parameter("add-datastore", "the stand-in makes directories only")
    if not disk.exists():
        raise refused(f"no such disk '{params['disk']}'")
    if _used(disk):
        raise refused(f"disk '{params['disk']}' is already in use.")
    if place.is_mount():
        raise refused(f"path {str(place)!r} already exists and is mountpoint")
    if place.exists() and any(place.iterdir()):
        raise refused(f"path {str(place)!r} already exists and is not empty")

    def work(worker: tasks.Worker) -> None:
        worker.log(f"create datastore '{name}' on disk {params['disk']}")
        _run(f"mkfs.{kind}", "-q", str(disk))
        uuid = _run("blkid", "-p", "-s", "UUID", "-o", "value", str(disk)).strip()
        _link(uuid, disk)
        unit = _unit(name)
        unit.parent.mkdir(parents=True, exist_ok=True)
        unit.write_text(
            f"[Unit]\nDescription=Mount datatstore '{name}' under '{_MOUNTS}/{name}'\n\n[Install]\n"
            f"WantedBy=multi-user.target\n\n[Mount]\nWhat={_BY_UUID}/{uuid}\nWhere={_MOUNTS}/{name}\nType={kind}\n"
            "Options=defaults\n"
        )
        _run("systemctl", "daemon-reload")
        _run("systemctl", "enable", unit.name)
        _run("systemctl", "start", unit.name)

    return tasks.start(ctx, "dircreate", name, work)


@endpoint(
    "DELETE", f"{_DISKS}/directory/{{name}}", permission=privilege("system/disks", "Sys.Modify"), params="node! name!"
)
def forget_directory(ctx: Context, params: dict[str, Any]) -> None:
    path = f"{_MOUNTS}/{params['name']}"
    for store, data in kinds.DATASTORE.read().all("datastore").items():
        if data["path"] == path:
            raise refused(f"Can't remove '{path}' since it's required by datastore '{store}'")
    unit = _unit(params["name"])
    _run("systemctl", "disable", unit.name)
    unit.unlink()
    _run("umount", path)


@endpoint("GET", f"{_DISKS}/zfs", permission=privilege("system/disks", "Sys.Audit"), params="node!")
def pools(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    """No machine of the rack has ZFS."""
    return []


def mount_again() -> None:
    """After a boot of a machine without udev, which would have made the names before anything is mounted."""
    for file in sorted(paths.at(_UNITS).glob("mnt-datastore-*.mount")):
        what = _settings(file)["What"]
        if what.startswith(_BY_UUID) and not os.path.exists(what):
            told = subprocess.run(
                ["blkid", "-t", f"UUID={os.path.basename(what)}", "-o", "device", *_devices()],
                capture_output=True,
                text=True,
                check=False,
            ).stdout.split()
            if told:
                _link(os.path.basename(what), Path(told[0]))
                _run("systemctl", "start", file.name)


def _devices() -> list[str]:
    return sorted(map(str, paths.at("/dev").glob("sd?")))
