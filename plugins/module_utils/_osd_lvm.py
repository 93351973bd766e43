# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""LVM as far as a disk that is to be wiped, or that carries DBs and WALs, is concerned."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import CliError, NotInstalled, Timeout
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

_JSON = ("--reportformat", "json", "--units", "b", "--nosuffix", "--binary", "--readonly")
PVS = _cli.Command(("pvs", *_JSON, "-o", "pv_name,vg_name,vg_free"))
LVS = _cli.Command(("lvs", "--all", *_JSON, "-o", "vg_name,lv_name,lv_device_open,lv_tags"))
DEACTIVATE = _cli.Command(("vgchange", "--activate", "n"), ("group",))
LVREMOVE = _cli.Command(("lvremove", "--yes"), ("volume",))
# Closes what is encrypted, unmounts, and takes volumes, group and physical volume away (ceph-volume, devices/lvm/zap.py)
ZAP = _cli.Command(("ceph-volume", "lvm", "zap", "--destroy", "--osd-fsid"), ("uuid",))
ACTIVATE = _cli.Command(("ceph-volume", "lvm", "activate"), ("number", "uuid"))
# The rest of a device of which a killed run has made some OSDs (ceph-volume, devices/lvm/batch.py)
BATCH = _cli.Command(
    ("ceph-volume", "lvm", "batch"),
    (),
    {
        "device_class": _cli.value("--crush-device-class"),
        "encrypted": lambda given: ["--dmcrypt"] if given else [],
        "count": _cli.value("--osds-per-device"),
    },
    rest="devices",
)


@dataclasses.dataclass(frozen=True)
class Group:
    """A volume group. C(free) in bytes; C(devices): its physical volumes; C(open), C(tags) by volume."""

    name: str
    free: int
    devices: tuple[str, ...]
    open: tuple[str, ...]
    tags: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Groups:
    """All volume groups; C(known) is false where LVM cannot be asked."""

    groups: Mapping[str, Group]
    known: bool

    def get(self, name: str | None) -> Group | None:
        return self.groups.get(name) if name else None


def read(machine: Machine) -> Groups:
    try:
        physical = _rows(machine, PVS, "pv")
        logical = _rows(machine, LVS, "lv")
    except (NotInstalled, CliError, Timeout):
        return Groups({}, False)
    found = {}
    for name in sorted({row["vg_name"] for row in physical if row["vg_name"]}):
        own = [row for row in physical if row["vg_name"] == name]
        volumes = [row for row in logical if row["vg_name"] == name]
        found[name] = Group(
            name,
            int(own[0]["vg_free"] or 0),
            tuple(sorted(row["pv_name"] for row in own)),
            tuple(sorted(row["lv_name"] for row in volumes if str(row["lv_device_open"]) == "1")),
            {row["lv_name"]: row["lv_tags"] for row in volumes},
        )
    return Groups(found, True)


def _rows(machine: Machine, command: _cli.Command, kind: str) -> list[dict[str, Any]]:
    told = json.loads(machine.cli.run(command).stdout or "{}")
    return [row for report in told.get("report", []) for row in report.get(kind, [])]
