# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Block devices as things that can be opened. Nothing here writes; tests put files in the place of devices."""

from __future__ import annotations

import errno
import os
import re
import stat

from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_sysfs as sysfs
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

# What counts as a disk: PVE/Diskmanage.pm (get_disks), and what Debian can be installed on besides
DISK = re.compile(r"/dev/(?:(?:[hsv]|xv)d[a-z]+|nvme\d+n\d+|cciss/c\d+d\d+|mmcblk\d+|pmem\d+|dasd[a-z]+)")
SUBDIRECTORIES = ("cciss", "mapper")


class Devices:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def nodes(self) -> dict[str, str]:
        """{major:minor: path} of every block device that can be opened. A disk's usual name goes before others."""
        found: dict[str, str] = {}
        for folder in ("/dev", *(f"/dev/{name}" for name in SUBDIRECTORIES)):
            for name in sysfs.names(self.machine, folder):
                path = f"{folder}/{name}"
                number = self.number(path)
                if number and (number not in found or DISK.fullmatch(path)):
                    found[number] = path
        return found

    def number(self, path: str) -> str | None:
        """major:minor, None for anything but a block device."""
        status = self.machine.lstat(path)
        if status is None or not stat.S_ISBLK(status.st_mode):
            return None
        return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"

    def claimed(self, path: str) -> bool:
        """Whether the kernel or a process has the device for itself: mounted, in LVM, md, ZFS, swap, or opened O_EXCL."""
        try:
            os.close(self._open(path, os.O_EXCL))
        except OSError as error:
            if error.errno == errno.EBUSY:
                return True
            raise
        return False

    def read(self, path: str, offset: int, size: int) -> bytes:
        """Exactly so many bytes; OSError (EIO) also if there are fewer."""
        handle = self._open(path)
        try:
            parts, rest = [], size
            while rest:
                part = os.pread(handle, rest, offset + size - rest)
                if not part:
                    raise OSError(errno.EIO, f"ends before byte {offset + size}")
                parts.append(part)
                rest -= len(part)
            return b"".join(parts)
        finally:
            os.close(handle)

    def _open(self, path: str, flags: int = 0) -> int:
        return os.open(self.machine.path(path), os.O_RDONLY | os.O_CLOEXEC | flags)
