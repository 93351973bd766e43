# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Small files of the kernel: an attribute that is not there, or that its driver refuses, is None and nothing else."""

from __future__ import annotations

import os
import re
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import CliError, NotInstalled, Timeout
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine, Unreadable

# What firmware holds where nobody filled it in
PLACEHOLDER = re.compile(
    r"(?i)to be filled.*|default string|system (serial number|product name|manufacturer|version)|not specified|none"
    r"|not applicable|not available|unknown|empty|o\.e\.m\.?|x+|0+|-|\.+"
)


def text(machine: Machine, path: str) -> str | None:
    """The stripped text, None for an empty one. A NIC that is down answers EINVAL for its speed."""
    try:
        return (machine.read(path) or "").strip("\0 \t\n") or None
    except Unreadable:
        return None


def number(machine: Machine, path: str, base: int = 10) -> int | None:
    try:
        return int(text(machine, path) or "", base)
    except ValueError:
        return None


def flag(machine: Machine, path: str) -> bool | None:
    """Of C(1), C(Y) or C(0), C(N); None if it is not there."""
    found = text(machine, path)
    return None if found is None else found in ("1", "Y", "y")


def names(machine: Machine, path: str) -> list[str]:
    """What a directory holds, sorted; nothing if it is not there."""
    try:
        return sorted(os.listdir(machine.path(path)))
    except OSError:
        return []


def target(machine: Machine, path: str) -> str | None:
    """Last part of what a symbolic link names."""
    try:
        return os.path.basename(os.readlink(machine.path(path)))
    except OSError:
        return None


def real(machine: Machine, path: str) -> str:
    """The path without symbolic links, as seen in the machine."""
    root = os.path.realpath(machine.root)
    found = os.path.realpath(machine.path(path))
    return "/" + os.path.relpath(found, root) if root != "/" else found


def firmware_text(machine: Machine, path: str) -> str | None:
    """As C(text), None also for what firmware shows where nobody filled it in."""
    return meaningful(text(machine, path))


def meaningful(found: str | None) -> str | None:
    return None if found is None or PLACEHOLDER.fullmatch(found.strip()) else found.strip()


def output(machine: Machine, command: _cli.Command, **given: Any) -> str | None:
    """What a command says, None if it is not installed, fails or does not come to an end."""
    try:
        return machine.cli.run(command, **given).stdout
    except (CliError, NotInstalled, Timeout):
        return None
