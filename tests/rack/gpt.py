"""GUID partition tables, as bytes (UEFI specification 2.10, chapter 5)."""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

SECTOR = 512
ENTRIES = 128
ENTRY_SIZE = 128
TABLE_SECTORS = ENTRIES * ENTRY_SIZE // SECTOR
FIRST_USABLE = 2 + TABLE_SECTORS
BIOS_BOOT = uuid.UUID("21686148-6449-6e6f-744e-656564454649")
EFI_SYSTEM = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
LINUX = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")


@dataclass(frozen=True)
class Partition:
    """`first` and `last` are sectors of 512 bytes, both inclusive."""

    kind: uuid.UUID
    first: int
    last: int
    label: str = ""


def _entries(partitions: Sequence[Partition]) -> bytes:
    rows = b"".join(
        item.kind.bytes_le
        + uuid.uuid4().bytes_le
        + struct.pack("<QQQ", item.first, item.last, 0)
        + item.label.encode("utf-16-le").ljust(72, b"\0")
        for item in partitions
    )
    return rows.ljust(ENTRIES * ENTRY_SIZE, b"\0")


def _header(own: int, other: int, table: int, sectors: int, disk: uuid.UUID, entries: bytes) -> bytes:
    def pack(checksum: int) -> bytes:
        return struct.pack(
            "<8sIIIIQQQQ16sQIII",
            *(b"EFI PART", 0x00010000, 92, checksum, 0, own, other),
            *(FIRST_USABLE, sectors - FIRST_USABLE, disk.bytes_le),
            *(table, ENTRIES, ENTRY_SIZE, zlib.crc32(entries)),
        )

    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")


def _protective(sectors: int) -> bytes:
    entry = struct.pack("<B3sB3sII", 0, b"\x00\x02\x00", 0xEE, b"\xff\xff\xff", 1, min(sectors - 1, 0xFFFFFFFF))
    return entry.ljust(64, b"\0") + b"\x55\xaa"


def write(disk: BinaryIO, size: int, partitions: Sequence[Partition]) -> None:
    """Write both copies of the table and the protective MBR; the first 446 bytes are left to the boot loader."""
    sectors = size // SECTOR
    entries = _entries(partitions)
    identity = uuid.uuid4()
    last = sectors - 1
    for place, content in (
        (446, _protective(sectors)),
        (SECTOR, _header(1, last, 2, sectors, identity, entries)),
        (2 * SECTOR, entries),
        ((last - TABLE_SECTORS) * SECTOR, entries),
        (last * SECTOR, _header(last, 1, last - TABLE_SECTORS, sectors, identity, entries)),
    ):
        disk.seek(place)
        disk.write(content)
