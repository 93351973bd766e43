# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What the firmware says in its SMBIOS tables (DMTF DSP0134), read from the kernel's copy of them: dmidecode is not needed."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_sysfs as sysfs
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine, Unreadable

TABLES = "/sys/firmware/dmi/tables/DMI"
MEMORY_ARRAY, MEMORY_DEVICE, IPMI, END = 16, 17, 38, 127
SYSTEM_MEMORY = 3
NO_CORRECTION, CORRECTIONS = 3, (5, 6, 7)
IPMI_INTERFACES = {1: "KCS", 2: "SMIC", 3: "BT", 4: "SSIF"}
UNKNOWN_WIDTH = (0, 0xFFFF)


@dataclasses.dataclass(frozen=True)
class Structure:
    kind: int
    data: bytes
    strings: list[str]

    def byte(self, offset: int) -> int:
        return self.data[offset] if offset < len(self.data) else 0

    def word(self, offset: int, size: int = 2) -> int:
        return int.from_bytes(self.data[offset : offset + size], "little")

    def string(self, offset: int) -> str | None:
        index = self.byte(offset)
        return sysfs.meaningful(self.strings[index - 1]) if 0 < index <= len(self.strings) else None


def parse(raw: bytes) -> Iterator[Structure]:
    """The structures in the order of the table; one that is cut off ends it."""
    position = 0
    while position + 4 <= len(raw):
        kind, length, _handle = struct.unpack_from("<BBH", raw, position)
        end = raw.find(b"\0\0", position + length)
        if length < 4 or end < 0:
            return
        texts = raw[position + length : end].split(b"\0")
        yield Structure(
            kind, raw[position : position + length], [text.decode(errors="replace") for text in texts if text]
        )
        position = end + 2
        if kind == END:
            return


def tables(machine: Machine) -> list[Structure]:
    try:
        return list(parse(machine.read_bytes(TABLES) or b""))
    except Unreadable:
        return []


def ecc(structures: list[Structure]) -> bool | None:
    """Whether the memory corrects errors, by the array's word (type 16) or by the width of the modules (type 17)."""
    arrays = [part.byte(6) for part in structures if part.kind == MEMORY_ARRAY and part.byte(5) == SYSTEM_MEMORY]
    if any(kind in CORRECTIONS for kind in arrays):
        return True
    widths = [
        (part.word(8), part.word(10))
        for part in modules(structures)
        if part.word(8) not in UNKNOWN_WIDTH and part.word(10) not in UNKNOWN_WIDTH
    ]
    if arrays and all(kind == NO_CORRECTION for kind in arrays):
        return False
    return all(total > data for total, data in widths) if widths else None


def modules(structures: list[Structure]) -> list[Structure]:
    """The memory modules that are plugged in."""
    return [part for part in structures if part.kind == MEMORY_DEVICE and _size(part)]


def installed(structures: list[Structure]) -> int | None:
    """Bytes of memory that are plugged in, None if the firmware does not say."""
    return sum(_size(part) for part in modules(structures)) or None


def _size(part: Structure) -> int:
    size = part.word(0x0C)
    if size in (0, 0xFFFF):
        return 0
    if size == 0x7FFF:
        return (part.word(0x1C, 4) & 0x7FFFFFFF) << 20
    return (size & 0x7FFF) << 10 if size & 0x8000 else size << 20


def ipmi(structures: list[Structure]) -> str | None:
    """Kind of the interface to a management controller, None if the firmware names none."""
    found = next((part for part in structures if part.kind == IPMI), None)
    return IPMI_INTERFACES.get(found.byte(4), "unknown") if found else None


def system(machine: Machine) -> dict[str, Any]:
    """Who made the machine, and its firmware."""

    def told(name: str) -> str | None:
        return sysfs.firmware_text(machine, f"/sys/class/dmi/id/{name}")

    return {
        "vendor": told("sys_vendor"),
        "product": told("product_name"),
        "serial": told("product_serial"),
        "uuid": told("product_uuid"),
        "board": told("board_name"),
        "firmware": {"vendor": told("bios_vendor"), "version": told("bios_version"), "date": told("bios_date")},
    }
