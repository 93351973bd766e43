# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Labels of Ceph's BlueStore: who an OSD's device belongs to. The OSD's key is in there too, and is never taken out.

Format: ceph, src/os/bluestore/BlueStore.cc (_read_bdev_label) and bluestore_types.cc (bluestore_bdev_label_t).
Tags of logical volumes: ceph-volume, devices/lvm.
"""

from __future__ import annotations

import struct
import uuid
from typing import Any

MAGIC = b"bluestore block device\n"
BLOCK = 4096
PREAMBLE = 60  # the magic, the OSD's UUID as text, a line feed
# Since Tentacle an OSD keeps copies of its label there (BlueStore.cc, bdev_label_positions)
COPIES = tuple(gib << 30 for gib in (1, 10, 100, 1000))
WANTED = {"whoami": "osd_id", "ceph_fsid": "cluster_fsid"}


def parse(block: bytes) -> dict[str, Any] | None:
    """{osd_fsid, osd_id, cluster_fsid, role}, what cannot be read as None; None for anything but a label."""
    if not block.startswith(MAGIC):
        return None
    found: dict[str, Any] = {"osd_fsid": None, "osd_id": None, "cluster_fsid": None, "role": None}
    try:
        found["osd_fsid"] = str(uuid.UUID(block[len(MAGIC) : PREAMBLE - 1].decode()))
        # version, compat, length; then uuid, size, time
        position = PREAMBLE + 6 + 16 + 8 + 8
        description, position = _string(block, position)
        (count,) = struct.unpack_from("<I", block, position)
        position += 4
        found["role"] = {"main": "block", "bluefs db": "db", "bluefs wal": "wal"}.get(description, description)
        for _number in range(min(count, 256)):
            key, position = _string(block, position)
            value, position = _string(block, position)
            if key in WANTED:
                found[WANTED[key]] = value
    except (ValueError, struct.error):
        pass
    return found


def _string(block: bytes, position: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", block, position)
    end = position + 4 + length
    if end > len(block):
        raise ValueError("a string goes on behind the label")
    return block[position + 4 : end].decode(errors="replace"), end


def from_tags(tags: list[str]) -> dict[str, Any] | None:
    """The same from the tags of a logical volume; None if Ceph did not make it."""
    told = dict(tag.partition("=")[::2] for tag in tags if tag.startswith("ceph."))
    if not told:
        return None
    return {
        "osd_fsid": told.get("ceph.osd_fsid"),
        "osd_id": told.get("ceph.osd_id"),
        "cluster_fsid": told.get("ceph.cluster_fsid"),
        "role": told.get("ceph.type"),
    }
