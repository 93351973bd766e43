# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Modules of the managers, by C(mgr module ls | enable | disable) (Ceph: src/mon/MgrMonitor.cc)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_wait import CephWait
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError


@dataclass(frozen=True)
class Modules:
    """C(off): why each cannot run, by name; empty if it can. Nothing at all is known before there is a manager."""

    on: list[str]
    always: frozenset[str]
    off: Mapping[str, str]


@dataclass(frozen=True)
class Steps:
    on: list[str]
    off: list[str]
    force: frozenset[str]


def read(ceph: Ceph | None) -> Modules:
    if ceph is None:
        return Modules([], frozenset(), {})
    found = ceph.command("mgr module ls")
    always = frozenset(found.get("always_on_modules", []))
    off = {one["name"]: "" if one["can_run"] else one["error_string"] for one in found["disabled_modules"]}
    return Modules(sorted(set(found["enabled_modules"]) - always), always, off)


def plan(known: Modules, config: Sequence[Mapping[str, Any]], *, only: bool) -> Steps:
    """What is turned on and off. Raises InputError with all that cannot be."""
    names = [item["name"] for item in config]
    problems = [f"{name}: it is given twice" for name in sorted({name for name in names if names.count(name) > 1})]
    wanted = {item["name"]: item for item in config}
    for name, item in wanted.items():
        if known.always and not item["enabled"] and name in known.always:
            problems.append(f"{name}: expected a module that can be turned off, found one that is always on")
        elif known.off and item["enabled"] and name not in {*known.on, *known.always, *known.off}:
            problems.append(f"{name}: expected a module that the managers have, found none of that name")
        elif item["enabled"] and known.off.get(name) and not item["force"]:
            problems.append(f"{name}: expected that it can run, found: {known.off[name]}")
    if problems:
        raise InputError(f"config: {'; '.join(problems)}.", hint="Is a package missing, such as ceph-mgr-dashboard?")
    on = [name for name, item in wanted.items() if item["enabled"] and name not in {*known.on, *known.always}]
    off = [
        name for name in known.on if (only and name not in wanted) or not wanted.get(name, {"enabled": True})["enabled"]
    ]
    return Steps(on, off, frozenset(name for name in on if wanted[name]["force"]))


def apply(ceph: Ceph, steps: Steps, timeout: float) -> Modules:
    """All commands, then one wait: each change makes the active manager begin anew."""
    for name in steps.off:
        ceph.command("mgr module disable", module=name)
    for name in steps.on:
        force = {"force": "--force"} if name in steps.force else {}
        ceph.command("mgr module enable", module=name, **force)
    CephWait(ceph, timeout).manager()
    return read(ceph)
