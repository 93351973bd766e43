# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""LVM physical volumes, read from the disk: the tools need not be installed, and foreign volume groups are seen too.

Format: lvm2, lib/format_text/layout.h and lib/label/label.h.
"""

from __future__ import annotations

import dataclasses
import re
import struct
from collections.abc import Callable

SECTOR = 512
LABEL, TYPE = b"LABELONE", b"LVM2 001"
AREA_MAGIC = b" LVM2 x[5A%r0N*>"
AREA_HEADER = 512
LIMIT = 16 << 20  # of a metadata text; lvm's own default area is 1 MiB

Reader = Callable[[int, int], bytes]


@dataclasses.dataclass(frozen=True)
class Volumes:
    """The volume group that a physical volume is in, None for one that is in no group; {logical volume: its tags}."""

    group: str | None
    volumes: dict[str, list[str]]


def read(reader: Reader) -> Volumes | None:
    """C(reader(offset, size)) reads the device. None if there is no label, or if it cannot be made sense of."""
    head = reader(0, 4 * SECTOR)
    for sector in range(4):
        start = sector * SECTOR
        if head[start : start + 8] == LABEL and head[start + 24 : start + 32] == TYPE:
            texts = [_text(reader, offset) for offset in _areas(head[start : start + SECTOR])]
            return next((_parse(text) for text in texts if text), Volumes(None, {}))
    return None


def _areas(label: bytes) -> list[int]:
    """Offsets of the metadata areas: two lists of (offset, size), each ended by zeros, data areas first."""
    position = struct.unpack_from("<I", label, 20)[0] + 32 + 8
    lists: list[list[int]] = [[], []]
    for found in lists:
        while position + 16 <= len(label):
            offset, _size = struct.unpack_from("<QQ", label, position)
            position += 16
            if not offset:
                break
            found.append(offset)
    return lists[1]


def _text(reader: Reader, area: int) -> str | None:
    """The metadata's text; the area behind its header is a ring."""
    header = reader(area, AREA_HEADER)
    if header[4:20] != AREA_MAGIC:
        return None
    _version, start, size = struct.unpack_from("<IQQ", header, 20)
    offset, length = struct.unpack_from("<QQ", header, 40)
    if not offset or not 0 < length <= min(size, LIMIT) or offset >= size:
        return None
    first = min(length, size - offset)
    raw = reader(start + offset, first)
    if first < length:
        raw += reader(start + AREA_HEADER, length - first)
    return raw.decode(errors="replace")


def _parse(text: str) -> Volumes:
    """On disk the text has a section or a value a line, and no indentation."""
    path: list[str] = []
    group: str | None = None
    volumes: dict[str, list[str]] = {}
    for line in map(str.strip, text.splitlines()):
        if line.endswith("{"):
            path.append(line[:-1].strip())
            group = group or path[0]
            if len(path) == 3 and path[1] == "logical_volumes":
                volumes[path[2]] = []
        elif line == "}" and path:
            path.pop()
        elif line.startswith("tags = [") and len(path) == 3 and path[1] == "logical_volumes":
            volumes[path[2]] = re.findall(r'"([^"]*)"', line)
    return Volumes(group, volumes)
