# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ceph as ceph_info returns it, for the tests of the filters."""

from __future__ import annotations

from typing import Any


def osd(number: int, **changes: Any) -> dict[str, Any]:
    host = f"pve{number % 3 + 1}"
    return {"id": number, "host": host, "bucket": host, "up": True, "in": True, "destroyed": False, **changes}


def healthy(**changes: Any) -> dict[str, Any]:
    """Three nodes with everything on them."""
    names = ["pve1", "pve2", "pve3"]
    return {
        "installed": True,
        "initialised": True,
        "answers": True,
        "error": None,
        "fsid": "11111111-2222-3333-4444-555555555555",
        "versions": {"ceph version 19.2.3": 11},
        "health": {"status": "HEALTH_OK", "checks": []},
        "mons": [{"name": name, "address": None, "in_quorum": True} for name in names],
        "mgrs": [{"name": name, "host": name, "state": "standby" if name > "pve1" else "active"} for name in names],
        "mds": [
            {"name": "pve1", "host": "pve1", "state": "up:active"},
            {"name": "pve2", "host": "pve2", "state": "up:standby"},
        ],
        "filesystems": [{"name": "cephfs", "max_mds": 1, "active": ["pve1"]}],
        "osds": [osd(number) for number in range(6)],
        "pools": [{"name": "vms", "type": "replicated", "size": 3, "min_size": 2}],
        **changes,
    }


def check(name: str, *, muted: bool = False) -> dict[str, Any]:
    return {"check": name, "severity": "HEALTH_WARN", "summary": f"about {name}", "detail": [], "muted": muted}
