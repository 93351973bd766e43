# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What preflight can find, how bad that is, and the limits; each can be changed by a group, and accepted with a reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import nearest

FAIL, WARN, OFF = "fail", "warn", "off"
LEVELS = (FAIL, WARN, OFF)
GIB = 1 << 30

# Stable names: inventories refer to them
FINDINGS: Mapping[str, str] = {
    # the machine can be looked at
    "reachable": FAIL,
    "readable": FAIL,
    # what it runs
    "architecture": FAIL,
    "debian_release": FAIL,
    "proxmox_release": FAIL,
    # what it is made of
    "cpu_virtualization": FAIL,
    "kvm_usable": FAIL,
    "cpu_threads": WARN,
    "iommu": OFF,
    "memory": FAIL,
    "memory_ecc": WARN,
    "boot_disk": WARN,
    "disk_health": FAIL,
    "disk_wear": WARN,
    # Ceph
    "ceph_nodes": FAIL,
    "ceph_memory": FAIL,
    "osd_device_exists": FAIL,
    "osd_device_empty": FAIL,
    "osd_device_unique": FAIL,
    # networks
    "ceph_network_speed": FAIL,
    "storage_network_speed": WARN,
    "network_reach": FAIL,
    "network_mtu": FAIL,
    "corosync_latency": FAIL,
    # names and clocks
    "name_own": FAIL,
    "name_forward": FAIL,
    "name_reverse": FAIL,
    "name_unresolved": OFF,
    "name_service": WARN,
    "clock_offset": FAIL,
    "clock_synchronized": WARN,
    # copies of one installation
    "machine_id_unique": FAIL,
    "host_keys_unique": FAIL,
    "mac_unique": FAIL,
    "address_unique": FAIL,
    # all alike
    "debian_skew": FAIL,
    "proxmox_skew": FAIL,
    "cpu_vendor_skew": WARN,
}

# pve-docs: qm.adoc and pve-installation.adoc (memory, processor), pveceph.adoc (memory, network), pvecm.adoc (latency)
LIMITS: Mapping[str, float] = {
    "threads": 2,
    "memory_gib": 2,
    "boot_disk_gib": 16,
    "disk_worn_percent": 90,
    "ceph_nodes": 3,
    "ceph_memory_per_osd_gib": 8,
    "ceph_memory_base_gib": 16,
    "ceph_network_mbit": 10000,
    "storage_network_mbit": 10000,
    "clock_warn_seconds": 0.5,
    "clock_fail_seconds": 2,
    "latency_warn_ms": 5,
    "latency_fail_ms": 10,
}
LISTS: Mapping[str, list[str]] = {
    "debian_releases": ["bookworm", "trixie"],
    "proxmox_releases": ["8", "9"],
}


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of the verdict. C(level) None: what the catalogue says. C(reason): why it was accepted."""

    host: str
    name: str
    expected: str
    found: str
    advice: str = ""
    level: str | None = None
    reason: str | None = None

    @property
    def sentence(self) -> str:
        advice = f". {self.advice}" if self.advice else ""
        return f"{self.host}: {self.name}: expected {self.expected}, found {self.found}{advice}"

    def as_dict(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "sentence": self.sentence}


@dataclasses.dataclass
class Machine:
    """One host: what was read of it (empty if nothing could be), and what the inventory declares.

    C(facts) and C(probe) are what M(node_facts) and M(node_probe) return; C(problem) is (finding, sentence) if they did not.
    """

    name: str
    facts: dict[str, Any]
    probe: dict[str, Any]
    clock: dict[str, Any] | None
    declared: dict[str, Any]
    problem: tuple[str, str] | None = None
    limits: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def bare(self) -> bool:
        return not self.facts.get("container") and not self.facts.get("virtualization")

    @property
    def osds(self) -> list[dict[str, Any]]:
        return self.declared.get("ceph_osds") or []

    def ask(self, *path: str) -> Any:
        """facts[a][b]…, None where a step is not there."""
        found: Any = self.facts
        for step in path:
            found = found.get(step) if isinstance(found, Mapping) else None
        return found


class Rules:
    """Levels, limits and accepted findings of one host, as the inventory says. C(errors): what it may not say."""

    def __init__(self, host: str, requirements: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
        self.host = host
        self.errors: list[str] = []
        levels = requirements.get("levels") or {}
        self.levels = {**FINDINGS, **dict(self._levels(levels))}
        self.limits: dict[str, Any] = {**LIMITS, **LISTS}
        for name, value in requirements.items():
            if name != "levels" and self._known(name, "pve_preflight_requirements", self.limits):
                self._limit(name, value)
        self.overrides = dict(self._overrides(overrides))

    def judge(self, finding: Finding) -> Finding:
        """With its level: the catalogue's, or the milder one that the check itself says, unless the inventory has a say."""
        name = finding.name
        level = self.levels[name]
        if finding.level and level == FINDINGS[name]:
            level = finding.level
        return dataclasses.replace(finding, level=level, reason=self.overrides.get(name))

    def _known(self, name: str, variable: str, known: Mapping[str, Any]) -> bool:
        if name in known:
            return True
        near = nearest(name, [*known, "levels"])
        hint = f" (nearest: {near})" if near else ""
        self.errors.append(f"{self.host}: {variable}: expected a known name{hint}, found '{name}'")
        return False

    def _levels(self, levels: Any) -> Iterator[tuple[str, str]]:
        if not isinstance(levels, Mapping):
            self._wrong("pve_preflight_requirements.levels", "levels by the name of the finding", levels)
            return
        for name, level in levels.items():
            # YAML reads the word off as false
            word = OFF if level is False else level
            if self._known(name, "pve_preflight_requirements.levels", FINDINGS):
                if word in LEVELS:
                    yield name, word
                else:
                    self._wrong(f"pve_preflight_requirements.levels.{name}", "fail, warn or off", level)

    def _limit(self, name: str, value: Any) -> None:
        if name in LISTS:
            if isinstance(value, list) and value:
                self.limits[name] = [str(item) for item in value]
                return
            self._wrong(f"pve_preflight_requirements.{name}", "a list", value)
        else:
            try:
                number = float(value)
            except (TypeError, ValueError):
                number = -1
            if number >= 0 and not isinstance(value, bool):
                self.limits[name] = number
                return
            self._wrong(f"pve_preflight_requirements.{name}", "a number, 0 or more", value)

    def _overrides(self, overrides: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for name, reason in overrides.items():
            if self._known(name, "pve_preflight_overrides", FINDINGS):
                if isinstance(reason, str) and reason.strip():
                    yield name, reason.strip()
                else:
                    self._wrong(f"pve_preflight_overrides.{name}", "the reason why this is accepted", reason)

    def _wrong(self, variable: str, expected: str, found: Any) -> None:
        shown = "nothing" if found is None or found == "" else f"'{found}'"
        self.errors.append(f"{self.host}: {variable}: expected {expected}, found {shown}")


def number(value: float) -> str:
    """Without needless digits."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
