# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes as node_info returns them, for the tests of the filters."""

from __future__ import annotations

import copy

NO_CLUSTER = {
    "member": False,
    "name": None,
    "nodeid": None,
    "config_version": None,
    "quorate": False,
    "writable": True,
    "nodes": [],
    "links": [],
    "corosync_conf_local": False,
    "authkey_sha256": None,
    "half_joined": False,
    "votes": {"expected": 0, "total": 0},
}
BARE = {
    "hostname": "pve1",
    "fqdn": "pve1.example.org",
    "addresses": ["127.0.0.1", "10.99.0.11"],
    "resolves_to": ["127.0.1.1"],
    "debian": {"release": "trixie", "version": "13.1"},
    "architecture": "x86_64",
    "container": False,
    "kernel": {"running": "6.12.48+deb13-amd64", "proxmox": False, "installed_proxmox": []},
    "proxmox": {"installed": False, "version": None, "release": None},
    "cluster": NO_CLUSTER,
    "services": {},
    "storage": [],
    "ha": [],
    "api": {"fingerprint": None, "answers": False},
}


def node(base: dict | None = None, **changes) -> dict:
    """A copy of base (BARE); changes name a key, or with two underscores a key of a dictionary below it."""
    result = copy.deepcopy(base or BARE)
    for path, value in changes.items():
        *parents, key = path.split("__")
        target = result
        for parent in parents:
            target = target[parent]
        target[key] = value
    return result


def installed(number: int, **changes) -> dict:
    return node(
        hostname=f"pve{number}",
        addresses=[f"10.99.0.1{number}"],
        resolves_to=[f"10.99.0.1{number}"],
        proxmox={"installed": True, "version": "9.2.11", "release": "9.2"},
        services={"pveproxy": "active"},
        storage=[{"storage": "local", "type": "dir", "enabled": True, "active": True, "error": None}],
        api={"fingerprint": "AA", "answers": True},
        **changes,
    )


def member(number: int, of: int = 3, **changes) -> dict:
    others = [other for other in range(1, of + 1) if other != number]
    base = installed(
        number,
        cluster={
            **NO_CLUSTER,
            "member": True,
            "name": "prod",
            "nodeid": number,
            "quorate": True,
            "nodes": [
                {"name": f"pve{other}", "nodeid": other, "online": True, "address": f"10.99.0.1{other}", "links": {}}
                for other in range(1, of + 1)
            ],
            "links": [
                {
                    "number": 0,
                    "address": f"10.98.0.1{number}",
                    "peers": [{"nodeid": other, "connected": True} for other in others],
                }
            ],
            "authkey_sha256": "k1",
            "votes": {"expected": of, "total": of},
        },
    )
    return node(base, **changes)
