# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines as trees of files: /sys, /proc and /dev as the kernel shows them, with files in the place of disks."""

from __future__ import annotations

import errno
import lzma
import os
import struct
import subprocess
import uuid
import zlib
from pathlib import Path
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import CliError, NotInstalled
from ansible_collections.baremetal.proxmox.plugins.module_utils._hardware_devices import Devices
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

IMAGES = Path(__file__).with_name("disk_images")
MIB = 1 << 20
EFI, LINUX = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "0fc63daf-8483-4772-8e79-3d69d8477de4"


class Tools(_cli.Cli):
    """Answers by command line; wipefs and blkid are the real ones, on the tree's files. Anything else is not installed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.answers: dict[str, str | Exception] = {}
        self.asked: list[str] = []

    def run(self, command: _cli.Command, *, timeout: float = 60, **given: Any) -> _cli.Output:
        argv = command.argv(given)
        line = " ".join(argv)
        self.asked.append(line)
        if line in self.answers:
            answer = self.answers[line]
            if isinstance(answer, Exception):
                raise answer
            return _cli.Output(argv, 0, answer)
        if argv[0] in ("wipefs", "blkid"):
            return self._real(command, argv)
        raise NotInstalled(f"{argv[0]} is not installed on this machine.")

    def _real(self, command: _cli.Command, argv: list[str]) -> _cli.Output:
        path = self.root / argv[-1].lstrip("/")
        done = subprocess.run(
            [*argv[:-1], str(path)], env=_cli.ENVIRONMENT, capture_output=True, text=True, check=False
        )
        if done.returncode not in command.ok:
            raise CliError(argv, done.returncode, done.stdout, done.stderr)
        return _cli.Output(argv, done.returncode, done.stdout)


class FileDevices(Devices):
    """Numbers come from the tree's /sys; what is claimed or broken is said by the test."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.busy: set[str] = set()
        self.broken: set[str] = set()

    def nodes(self) -> dict[str, str]:
        found = {}
        for entry in self.machine.path("/sys/dev/block").iterdir():
            name = os.path.basename(os.path.realpath(entry)).replace("!", "/")
            if self.machine.path(f"/dev/{name}").exists():
                found[entry.name] = f"/dev/{name}"
        return found

    def claimed(self, path: str) -> bool:
        if path in self.broken:
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        return path in self.busy

    def read(self, path: str, offset: int, size: int) -> bytes:
        if path in self.broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().read(path, offset, size)


class Tree:
    """Builds the tree below a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tools = Tools(root)
        self.machine = Machine(root, self.tools)
        self.machine.__dict__["hostname"] = "pve1"
        self.devices = FileDevices(self.machine)
        for folder in ("proc", "dev/disk/by-id", "dev/disk/by-path", "sys/dev/block", "sys/class/block"):
            (root / folder).mkdir(parents=True, exist_ok=True)

    def write(self, path: str, content: str | bytes | int = "") -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else f"{content}\n".encode())

    def link(self, path: str, target: str) -> None:
        """A relative link, as those in /sys are; C(target) is a path of the machine."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.relpath(self.root / target.lstrip("/"), place.parent))

    def disk(
        self,
        name: str,
        number: str,
        bus: str,
        *,
        size: int = 64 * MIB,
        content: bytes = b"",
        ids: tuple[str, ...] = (),
        **attributes: str | int | bytes,
    ) -> str:
        """A disk below /sys/devices/BUS. C(attributes): files, with __ for /. Its path in /sys."""
        base = f"/sys/devices/{bus}/block/{name}"
        self.write(f"{base}/size", size // 512)
        self.write(f"{base}/queue/logical_block_size", 512)
        self.write(f"{base}/queue/rotational", 0)
        self.write(f"{base}/ro", 0)
        self.write(f"{base}/removable", 0)
        for key, value in attributes.items():
            self.write(f"{base}/{key.replace('__', '/')}", value)
        self.link(f"/sys/dev/block/{number}", base)
        self.write(f"{base}/dev", number)
        self.image(name, content, size)
        for link in ids:
            self.link(f"/dev/disk/{link}", f"/dev/{name}")
        return base

    def image(self, name: str, content: bytes, size: int) -> None:
        path = self.root / "dev" / name
        path.write_bytes(content)
        os.truncate(path, size)

    def partition(self, base: str, index: int, number: str, content: bytes = b"", size: int = 16 * MIB) -> str:
        name = f"{os.path.basename(base)}{'p' if base[-1].isdigit() else ''}{index}"
        part = f"{base}/{name}"
        self.write(f"{part}/partition", index)
        self.write(f"{part}/size", size // 512)
        self.write(f"{part}/dev", number)
        self.link(f"/sys/dev/block/{number}", part)
        self.image(name, content, size)
        return part

    def holder(self, base: str, name: str, number: str, label: str, kind: str) -> None:
        """A device-mapper device that stands on a disk or partition."""
        dm = f"/sys/devices/virtual/block/{name}"
        self.write(f"{dm}/dev", number)
        self.write(f"{dm}/dm/name", label)
        self.write(f"{dm}/dm/uuid", f"{kind}-whatever")
        self.link(f"{base}/holders/{name}", dm)
        if not (self.root / f"sys/dev/block/{number}").exists():
            self.link(f"/sys/dev/block/{number}", dm)

    def cpus(
        self,
        count: int,
        *,
        threads: int = 1,
        sockets: int = 1,
        flags: str = "fpu",
        model: str = "CPU",
        vendor: str = "X",
    ):
        cores = count // threads // sockets
        blocks = [
            f"processor\t: {number}\nvendor_id\t: {vendor}\nmodel name\t: {model}\nphysical id\t: {number // threads // cores}\n"
            f"core id\t\t: {number // threads % cores}\nflags\t\t: {flags}\nvmx flags\t: vnmi\nmicrocode\t: 0x1\n"
            for number in range(count)
        ]
        self.write("/proc/cpuinfo", "\n".join(blocks))


def made(tool: str, *arguments: str, path: Path, size: int = 16 * MIB) -> bytes:
    """What mke2fs or mkswap make of an empty file."""
    path.write_bytes(b"")
    os.truncate(path, size)
    environment = {**os.environ, "PATH": _cli.ENVIRONMENT["PATH"]}
    subprocess.run([tool, *arguments, str(path)], env=environment, capture_output=True, check=True)
    return path.read_bytes()


def stored(name: str) -> bytes:
    """The beginning of a disk that the real tool has written: pvcreate with vgcreate and lvcreate, ceph-osd --mkfs."""
    return lzma.decompress((IMAGES / f"{name}.xz").read_bytes())


def gpt(size: int, partitions: list[str]) -> bytes:
    """A disk with a GUID partition table (UEFI specification, 5.3), C(partitions) by their types, 8 MiB each."""
    entries = b"".join(
        struct.pack(
            "<16s16sQQQ72s", uuid.UUID(kind).bytes_le, uuid.uuid4().bytes, 2048 + 16384 * at, 18431 + 16384 * at, 0, b""
        )
        for at, kind in enumerate(partitions)
    ).ljust(128 * 128, b"\0")
    last = size // 512 - 1
    identity = uuid.uuid4().bytes

    def header(own: int, other: int, table: int) -> bytes:
        fields = [own, other, 34, last - 33, identity, table, 128, 128, zlib.crc32(entries)]
        blank = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, *fields)
        return (blank[:16] + struct.pack("<I", zlib.crc32(blank)) + blank[20:]).ljust(512, b"\0")

    protective = (
        b"\0" * 446 + struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff" * 3, 1, last) + b"\0" * 48 + b"\x55\xaa"
    )
    disk = bytearray(size)
    disk[: 512 * 2] = protective + header(1, last, 2)
    disk[1024 : 1024 + len(entries)] = entries
    disk[-512:] = header(last, 1, last - 32)
    disk[-512 - len(entries) : -512] = entries
    return bytes(disk)


def luks() -> bytes:
    return (b"LUKS\xba\xbe\0\1" + b"aes".ljust(32, b"\0") + b"\0" * 128 + str(uuid.uuid4()).encode()).ljust(4096, b"\0")


def md(name: str = "pve1:0") -> bytes:
    """A member of a Linux RAID with metadata 1.2, 4 KiB from the start (linux/raid/md_p.h)."""
    block = bytearray(512)
    struct.pack_into("<IIII16s32s", block, 0, 0xA92B4EFC, 1, 0, 0, uuid.uuid4().bytes, name.encode())
    struct.pack_into("<Q", block, 144, 8)  # super_offset
    block_ = bytearray(b"\0" * 4096 + bytes(block))
    total = 0
    for offset in range(0, 256, 4):
        total += struct.unpack_from("<I", block, offset)[0]
    struct.pack_into("<I", block_, 4096 + 216, ((total & 0xFFFFFFFF) + (total >> 32)) & 0xFFFFFFFF)
    return bytes(block_)


def dmi(*structures: tuple[int, bytes, tuple[str, ...]]) -> bytes:
    """SMBIOS structures: (type, what follows the four bytes of the header, strings)."""
    table = b""
    for handle, (kind, body, strings) in enumerate([*structures, (127, b"", ())]):
        texts = b"".join(text.encode() + b"\0" for text in strings) or b"\0"
        table += struct.pack("<BBH", kind, 4 + len(body), handle) + body + texts + b"\0"
    return table


def memory_array(correction: int) -> tuple[int, bytes, tuple[str, ...]]:
    return 16, struct.pack("<BBBIHH", 3, 3, correction, 0, 0xFFFE, 4).ljust(19, b"\0"), ()


def memory_module(mebibytes: int, total: int = 64, data: int = 64) -> tuple[int, bytes, tuple[str, ...]]:
    big = mebibytes >= 0x7FFF
    body = struct.pack("<HHHHH", 0, 0xFFFE, total, data, 0x7FFF if big else mebibytes).ljust(24, b"\0")
    return 17, body + struct.pack("<I", mebibytes if big else 0), ("DIMM_A1",)
