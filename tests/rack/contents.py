"""What a disk can have on it before a machine sees it: things that a careful administrator would not overwrite."""

from __future__ import annotations

import struct
import subprocess
import uuid
import zlib
from collections.abc import Callable
from pathlib import Path

from rack import gpt

_LVM_SECTOR = 1
_METADATA = (4096, 1 << 20)
# initial value of LVM's CRC-32 (lib/misc/crc.h)
_LVM_CRC = 0xF597A6CF


def ext4(path: Path, size: int) -> None:
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-L", "data", str(path)], check=True)


def table(path: Path, size: int) -> None:
    """A partition table with one partition over the whole disk."""
    with path.open("r+b") as disk:
        last = size // gpt.SECTOR - gpt.FIRST_USABLE
        gpt.write(disk, size, [gpt.Partition(gpt.LINUX, 2048, last, "data")])


def ceph(path: Path, size: int) -> None:
    """The label of a BlueStore device as far as anybody recognises it by (src/os/bluestore, bdev label)."""
    with path.open("r+b") as disk:
        disk.write(f"bluestore block device\n{uuid.uuid4()}\n".encode())


def lvm_crc(data: bytes) -> int:
    """CRC-32 with LVM's own start and no final inversion."""
    return zlib.crc32(data, _LVM_CRC ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def lvm(path: Path, size: int) -> None:
    """A physical volume in no group: label, its header, an empty metadata area (lib/format_text/layout.h)."""
    start, length = _METADATA
    name = uuid.uuid4().hex.encode()
    header = struct.pack("<32sQ", name, size)
    header += struct.pack("<QQ", start + length, 0) + bytes(16)
    header += struct.pack("<QQ", start, length) + bytes(16)
    body = struct.pack("<I8s", 32, b"LVM2 001") + header
    body = body.ljust(512 - 20, b"\0")
    label = struct.pack("<8sQI", b"LABELONE", _LVM_SECTOR, lvm_crc(body)) + body
    area = struct.pack("<16sIQQ", b" LVM2 x[5A%r0N*>", 1, start, length).ljust(512 - 4, b"\0")
    with path.open("r+b") as disk:
        disk.seek(_LVM_SECTOR * 512)
        disk.write(label)
        disk.seek(start)
        disk.write(struct.pack("<I", lvm_crc(area)) + area)


WRITERS: dict[str, Callable[[Path, int], None]] = {"ext4": ext4, "gpt": table, "lvm": lvm, "ceph": ceph}
