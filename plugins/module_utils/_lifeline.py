# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Keeps root's ssh keys valid while /etc/pve is away.

Proxmox makes /root/.ssh/authorized_keys a link into /etc/pve, which is gone in the middle of a join. Were the join cut off
there, nobody could log in by key to finish it. OpenSSH reads authorized_keys2 as well, unless it was told not to.
"""

from __future__ import annotations

import os

from ansible_collections.baremetal.proxmox.plugins.module_utils._membership import replace
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

KEYS = "/root/.ssh/authorized_keys"
SPARE = "/root/.ssh/authorized_keys2"
HEADER = b"# baremetal.proxmox: copy for the time of a create or join, removed when that is done\n"


def hold(machine: Machine) -> None:
    """Before /etc/pve goes away. Somebody's own authorized_keys2 is left alone."""
    keys, spare = machine.read_bytes(KEYS), machine.read_bytes(SPARE)
    linked = machine.path(KEYS).is_symlink() and os.readlink(machine.path(KEYS)).startswith("/etc/pve/")
    if linked and keys and (spare is None or spare.startswith(HEADER)):
        replace(machine, SPARE, HEADER + keys, 0o600)


def drop(machine: Machine) -> None:
    if (machine.read_bytes(SPARE) or b"").startswith(HEADER):
        machine.path(SPARE).unlink()
