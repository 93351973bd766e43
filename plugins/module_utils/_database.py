# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The database behind /etc/pve, put aside when a node joins: it gets the cluster's instead."""

from __future__ import annotations

import gzip
import os
import sqlite3
import time

from ansible_collections.baremetal.proxmox.plugins.module_utils._membership import DATABASE
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

# PVE/Cluster.pm cfs_backup_database: where an administrator looks for it
BACKUPS = "/var/lib/pve-cluster/backup"


def set_aside(machine: Machine) -> None:
    """Dumps the database to BACKUPS, as pvecm add does, and removes it. A database that cannot be read is renamed.

    pve-cluster must not run.
    """
    database = machine.path(DATABASE)
    if not database.exists():
        return
    folder = machine.path(BACKUPS)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    now = int(time.time())
    target = folder / f"config-{now}.sql.gz"
    try:
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
            connection = sqlite3.connect(database)
            try:
                with gzip.open(raw, "wt", encoding="utf-8") as dump:
                    dump.writelines(f"{statement}\n" for statement in connection.iterdump())
            finally:
                connection.close()
            raw.flush()
            os.fsync(raw.fileno())
    except sqlite3.Error:
        target.unlink()
        database.rename(database.with_name(f"{database.name}.{now}.bak"))
    else:
        database.unlink()
