# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""One run at a time on a node, and none that goes on for nobody.

When ansible is killed, the module on the node lives on. The next run waits for it, and it ends at the next step.
"""

from __future__ import annotations

import contextlib
import fcntl
import select
import sys
from collections.abc import Iterator
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ProxmoxError
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

LOCK = "/run/lock/baremetal-proxmox-ceph-osd.lock"


@contextlib.contextmanager
def alone(machine: Machine, deadline: Deadline) -> Iterator[None]:
    """Holds this node's lock. Raises Timeout while another run has it."""
    path = machine.path(LOCK)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:

        def probe() -> tuple[bool, Any]:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False, "it works"
            return True, None

        deadline.until("the end of another run of ceph_osd on this node", probe)
        yield


def abandoned(descriptor: int | None = None) -> bool:
    """Whether nobody reads our result any more: the other end of standard output is closed."""
    try:
        poll = select.poll()
        poll.register(sys.__stdout__.fileno() if descriptor is None and sys.__stdout__ else descriptor or 1, 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _file, event in poll.poll(0))
    except (OSError, ValueError):
        return False


def still_wanted() -> None:
    """Between two steps, and while waiting for long."""
    if abandoned():
        raise ProxmoxError("the run that this belongs to has ended; what was begun is completed by the next one.")
