# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""In what the APIs of Proxmox's products differ: Proxmox VE (PVE/APIServer), Proxmox Backup Server (proxmox-rest-server).

Both take forms, tickets and tokens, and start tasks; proxmoxer's backends know the same differences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Product:
    """One product's API.

    service      the unit that answers on C(port)
    installed    files of which one is there where the product is
    cookie       name of the cookie that holds a ticket
    token        the Authorization header of an API token, with C(id) and C(secret)
    reader       a command that reads any path, for machines whose Python has no HTTP library
    role         the role that installs it
    repeats      a list is a parameter that is there more than once; otherwise its values are joined with commas
    plain_errors a refusal is its sentence, not JSON
    digest_aside the digest of the configuration stands beside the data, not in each item
    running      the parameters that select running tasks, and C(task_type), the key of their type
    on_debian    the version that a fresh installation has, by Debian's; 99 stands for the newest release of a line
    """

    title: str
    port: int
    service: str
    installed: tuple[str, ...]
    cookie: str
    token: str
    reader: tuple[str, ...]
    role: str
    repeats: bool = False
    plain_errors: bool = False
    digest_aside: bool = False
    running: Mapping[str, Any] = field(default_factory=dict)
    task_type: str = "type"
    on_debian: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


VIRTUAL_ENVIRONMENT = Product(
    "Proxmox VE",
    8006,
    "pveproxy",
    # Any of them: what matters is that Proxmox is there, not which package brought it.
    ("/usr/bin/pveversion", "/usr/bin/pvesh", "/usr/share/perl5/PVE/AccessControl.pm"),
    "PVEAuthCookie",
    "PVEAPIToken={id}={secret}",
    ("pvesh", "get"),
    "pve_host",
    running={"source": "active"},
    on_debian={"12": (8, 99), "13": (9, 99)},
)
BACKUP_SERVER = Product(
    "Proxmox Backup Server",
    8007,
    "proxmox-backup-proxy",
    ("/usr/sbin/proxmox-backup-manager",),
    "PBSAuthCookie",
    "PBSAPIToken={id}:{secret}",
    ("proxmox-backup-debug", "api", "get"),
    "pbs_server",
    repeats=True,
    plain_errors=True,
    digest_aside=True,
    running={"running": True},
    task_type="worker_type",
    on_debian={"12": (3, 99), "13": (4, 99)},
)
