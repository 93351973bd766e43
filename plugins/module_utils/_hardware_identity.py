# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What tells one installation from another, and its clock."""

from __future__ import annotations

import base64
import binascii
import ctypes
import hashlib
import re
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_sysfs as sysfs
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

DETECT_VIRT = _cli.Command(("systemd-detect-virt", "--vm"), ok=(0, 1))
TIME_SERVICES = ("chrony", "systemd-timesyncd", "ntpsec", "ntp", "openntpd")
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronized


def host_keys(machine: Machine) -> dict[str, str]:
    """{type: fingerprint} of the machine's own SSH keys, as ssh-keygen -l shows them."""
    found = {}
    for name in sysfs.names(machine, "/etc/ssh"):
        if re.fullmatch(r"ssh_host_\w+_key\.pub", name):
            kind, _space, rest = (sysfs.text(machine, f"/etc/ssh/{name}") or "").partition(" ")
            try:
                blob = base64.b64decode(rest.split(" ")[0], validate=True)
            except binascii.Error:
                continue
            if blob:
                digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
                found[kind] = f"SHA256:{digest}"
    return found


def virtualization(machine: Machine, hypervisor: bool) -> str | None:
    """The hypervisor's name in a virtual machine, V(unknown) if only the processor tells, None on bare metal."""
    told = (sysfs.output(machine, DETECT_VIRT) or "").strip()
    return told if told and told != "none" else "unknown" if hypervisor else None


def clock(machine: Machine) -> dict[str, Any]:
    """The services that keep the time, and the kernel's word whether it is kept."""
    states = machine.services(TIME_SERVICES)
    running = [name for name in TIME_SERVICES if states[name] == "active"]
    return {"services": running, "synchronized": _synchronized()}


def _synchronized() -> bool | None:
    """By adjtimex(2), which without modes only reads."""
    try:
        call = ctypes.CDLL(None, use_errno=True).adjtimex
        state = call(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != TIME_ERROR


def ceph_fsid(machine: Machine) -> str | None:
    """The Ceph cluster that this machine is part of, by its configuration."""
    for path in ("/etc/pve/ceph.conf", "/etc/ceph/ceph.conf"):
        found = re.search(r"^\s*fsid\s*=\s*([0-9a-fA-F-]{36})\s*$", sysfs.text(machine, path) or "", re.MULTILINE)
        if found:
            return found[1].lower()
    return None
