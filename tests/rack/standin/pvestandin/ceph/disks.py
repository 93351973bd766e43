"""Disks for OSDs: may one be used, and wiping it (PVE/Diskmanage.pm)."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from .. import disks, filelock, paths
from ..cluster import run, say
from ..errors import Failure

_LOCK = "/run/lock/pve-diskmanage.lck"
_WIPED = 200
"""MiB at the beginning of a device that are overwritten."""


@dataclass(frozen=True)
class Disk:
    """`used` is Proxmox's word for what is on it: LVM, ZFS, partitions, mounted, or a file system's name."""

    path: str
    size: int
    used: str | None
    gpt: bool = False


def verify(path: str) -> str:
    """The device's real path. Raises Proxmox's sentences."""
    real = os.path.realpath(path)
    if not os.path.isdir(os.path.dirname(real)):
        raise Failure(f"failed to get absolute path to {path}", 2)
    if not real.startswith("/dev/"):
        raise Failure(f"got unusual device path '{real}'")
    if not _is_block(real):
        raise Failure("not a valid block device", 2)
    return real


def _is_block(path: str) -> bool:
    try:
        return stat.S_ISBLK(paths.at(path).stat().st_mode)
    except OSError:
        return False


def inspect(path: str) -> Disk | None:
    """What the disk or partition holds; None for a device that Proxmox does not list."""
    found = disks.listed(smart=False, partitions=True).get(path.removeprefix("/dev/"))
    return Disk(path, int(found["size"]), found.get("used"), bool(found["gpt"])) if found else None


def wipe(disk: Disk, *, sparse: bool = False) -> None:
    """Signatures, and the first 200 MiB; sparse: as zeroes that take no room in the file behind the device."""
    say(f"wiping block device {disk.path}")
    run("wipefs", "--all", disk.path)
    count = min(_WIPED, disk.size // 2**20)
    if sparse:
        run("blkdiscard", "--force", "--zeroout", "--length", f"{count}M", disk.path)
    else:
        run("dd", "if=/dev/zero", f"of={disk.path}", "bs=1M", "conv=fdatasync", f"count={count}")


def assert_free(path: str) -> None:
    """Neither the disk nor a partition of it is mounted or held."""
    parts = [path, *disks.partitions_of(path)]
    for part in parts:
        if disks.mounted_at(part):
            raise Failure(f"disk/partition '{part}' is mounted")
    for part in parts:
        if disks.has_holder(part):
            raise Failure(f"disk/partition '{part}' has a holder")


def wipe_task(path: str, sparse: bool) -> None:
    """The worker of PUT …/disks/wipedisk (PVE/API2/Disks.pm)."""
    parts = disks.partitions_of(path)
    if parts:
        say(f"found child partitions to wipe: {', '.join(parts)}")
        run("wipefs", "--all", *parts)
    wipe(Disk(path, disks.size_of(path), None), sparse=sparse)


@contextlib.contextmanager
def lock() -> Iterator[None]:
    """One change to the node's disks at a time."""
    with filelock.file_lock(_LOCK):
        yield
