# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""All findings of all machines, each with its level, and the verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _preflight_machine as machine_checks
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _preflight_network as network_checks
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _preflight_rack as rack_checks
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._preflight import (
    FAIL,
    OFF,
    WARN,
    Finding,
    Machine,
    Rules,
)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """C(errors): what the inventory may not say. C(failures), C(warnings), C(accepted): findings."""

    errors: list[str]
    failures: list[Finding]
    warnings: list[Finding]
    accepted: list[Finding]

    @property
    def passed(self) -> bool:
        return not self.errors and not self.failures

    def as_dict(self) -> dict[str, Any]:
        return {
            "verdict": "pass" if self.passed else "fail",
            "errors": self.errors,
            "failures": [finding.as_dict() for finding in self.failures],
            "warnings": [finding.as_dict() for finding in self.warnings],
            "accepted": [finding.as_dict() for finding in self.accepted],
        }


def machines(results: Mapping[str, Mapping[str, Any]], ceph_hosts: Sequence[str] = ()) -> list[Machine]:
    """Of C(facts) and C(probe), the registered results of M(node_facts) and M(node_probe), and C(declared) by host.

    C(ceph_hosts): all hosts of the inventory that are to have OSDs, also those that are not looked at.
    """
    found = []
    for name, parts in results.items():
        facts, probe = parts.get("facts") or {}, parts.get("probe") or {}
        found.append(
            Machine(
                name,
                facts.get("facts") or {},
                probe.get("probe") or {},
                probe.get("clock"),
                dict(probe.get("declared") or parts.get("declared") or {}),
                _problem(facts) or _problem(probe),
            )
        )
        found[-1].declared.setdefault("name", name.partition(".")[0])
        found[-1].declared["ceph_hosts"] = list(ceph_hosts)
    return found


def _problem(result: Mapping[str, Any]) -> tuple[str, str] | None:
    told = [str(result.get("msg") or "nothing"), *str(result.get("module_stderr") or "").strip().splitlines()[-1:]]
    said = " ".join(": ".join(told).split())
    if result.get("unreachable"):
        return "reachable", said
    if result.get("failed") or not result or "skipped" in result:
        return "readable", said
    return None


def judge(found: Sequence[Machine]) -> Verdict:
    rules = {machine.name: _rules(machine) for machine in found}
    errors = list(dict.fromkeys(error for each in rules.values() for error in each.errors))
    findings = [rules[finding.host].judge(finding) for finding in _all(found)]
    findings = [finding for finding in dict.fromkeys(findings) if finding.level != OFF]
    open_ = [finding for finding in findings if not finding.reason]
    return Verdict(
        errors,
        [finding for finding in open_ if finding.level == FAIL],
        [finding for finding in open_ if finding.level == WARN],
        [finding for finding in findings if finding.reason],
    )


def _rules(machine: Machine) -> Rules:
    rules = Rules(machine.name, machine.declared.get("requirements") or {}, machine.declared.get("overrides") or {})
    machine.limits = rules.limits
    return rules


def _all(found: Sequence[Machine]) -> Iterator[Finding]:
    for machine in found:
        if machine.problem:
            name, said = machine.problem
            expected = "an answer over SSH" if name == "reachable" else "that the machine can be read"
            yield Finding(machine.name, name, expected, said)
    known = [machine for machine in found if machine.facts]
    for machine in known:
        for check in (*machine_checks.CHECKS, network_checks.interfaces):
            yield from check(machine)
    for rack_check in (*rack_checks.CHECKS, network_checks.pings, network_checks.latency):
        yield from rack_check(known)
