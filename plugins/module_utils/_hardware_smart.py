# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Health and wear of a disk, where smartctl is installed. A disk that sleeps is left asleep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_sysfs as sysfs
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

# The exit code is a set of bits, most of them about the disk and not about the call (smartctl(8))
SMARTCTL = _cli.Command(
    ("smartctl", "--json", "--nocheck=standby", "--info", "--health", "--attributes"), ("device",), ok=tuple(range(256))
)
# Names by which makers call what is left of an SSD's life, in percent (smartmontools, drivedb.h)
LEFT = (
    "Media_Wearout_Indicator",
    "SSD_Life_Left",
    "Wear_Leveling_Count",
    "Percent_Lifetime_Remain",
    "Remaining_Lifetime_Perc",
    "Perc_Rated_Life_Remain",
    "Lifetime_Remaining",
    "Percent_Life_Remaining",
)


def health(machine: Machine, device: str) -> dict[str, Any] | None:
    """{passed, worn_percent, hours, celsius}, None where smartctl is missing or knows nothing of the device."""
    if not any(machine.path(f"{folder}/smartctl").exists() for folder in ("/usr/sbin", "/usr/bin")):
        return None
    try:
        return parse(json.loads(sysfs.output(machine, SMARTCTL, device=device) or "{}"))
    except ValueError:
        return None


def parse(told: Mapping[str, Any]) -> dict[str, Any] | None:
    found = {
        "passed": told.get("smart_status", {}).get("passed"),
        "worn_percent": _worn(told),
        "hours": told.get("power_on_time", {}).get("hours"),
        "celsius": told.get("temperature", {}).get("current"),
    }
    return found if any(value is not None for value in found.values()) else None


def _worn(told: Mapping[str, Any]) -> int | None:
    """Percent of the life that the maker gives the disk; more than 100 is possible."""
    for value in (
        told.get("nvme_smart_health_information_log", {}).get("percentage_used"),
        told.get("scsi_percentage_used_endurance_indicator"),
        told.get("endurance_used", {}).get("current_percent"),
    ):
        if value is not None:
            return int(value)
    # only of what says it is an SSD: the same number means something else on other disks
    if told.get("rotation_rate") == 0:
        table = {entry.get("name"): entry for entry in told.get("ata_smart_attributes", {}).get("table", [])}
        for name in LEFT:
            if name in table:
                return 100 - int(table[name]["value"])
    return None
