# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The verdict for people: what each machine is, then one line for each finding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.plugin_utils._preflight import GIB, Finding, Machine, number
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._preflight_machine import label
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._preflight_verdict import Verdict

UNKNOWN = "?"


def lines(machines: Sequence[Machine], verdict: Verdict) -> list[str]:
    found = [line for machine in machines for line in _machine(machine)]
    found += verdict.errors
    found += _findings("FAIL", verdict.failures) + _findings("warn", verdict.warnings)
    found += _findings("accepted", verdict.accepted)
    counts = ((verdict.failures, "failed"), (verdict.warnings, "warnings"), (verdict.accepted, "accepted"))
    shown = ", ".join(f"{len(findings)} {word}" for findings, word in counts)
    return [*found, f"Preflight of {len(machines)} machines: {shown}"]


def _findings(word: str, findings: Sequence[Finding]) -> list[str]:
    return [
        f"{word:<9}{finding.sentence}" + (f". Accepted: {finding.reason}" if finding.reason else "")
        for finding in findings
    ]


def summary(machine: Machine) -> dict[str, Any]:
    """A machine in a few words, also for AWX."""
    facts = machine.facts
    if not facts:
        return {"problem": machine.problem[1] if machine.problem else UNKNOWN}
    return {
        "system": _system(facts),
        "cpu": _cpu(facts["cpu"]),
        "memory": _memory(facts["memory"]),
        "boot": _boot(facts),
        "software": _software(facts),
        "clock": _clock(machine),
        "disks": [_disk(disk) for disk in facts["disks"]],
        "nics": [_nic(nic) for nic in facts["nics"]],
    }


def _machine(machine: Machine) -> list[str]:
    told = summary(machine)
    if "problem" in told:
        return [f"{machine.name}  not read: {told['problem']}"]
    head = "; ".join(told[key] for key in ("system", "cpu", "memory", "boot", "software", "clock") if told[key])
    return [
        f"{machine.name}  {head}",
        *(f"{machine.name}  disk {disk}" for disk in told["disks"]),
        *(f"{machine.name}  NIC {nic}" for nic in told["nics"]),
    ]


def _system(facts: dict[str, Any]) -> str:
    system = facts["system"]
    kind = (
        "container" if facts["container"] else f"virtual ({facts['virtualization']})" if facts["virtualization"] else ""
    )
    made = " ".join(part for part in (system["vendor"], system["product"]) if part)
    serial = f"({system['serial']})" if system["serial"] else ""
    return " ".join(part for part in (made, serial, kind) if part) or "machine of unknown make"


def _cpu(cpu: dict[str, Any]) -> str:
    kvm = "KVM" if cpu["kvm"]["usable"] else "no KVM"
    iommu = f", IOMMU with {cpu['iommu']['groups']} groups" if cpu["iommu"]["enabled"] else ""
    flag = cpu["virtualization"] or "no vmx or svm"
    cores = f"{cpu['sockets']} x {cpu['cores'] // max(1, cpu['sockets'])} cores"
    return f"{cpu['model'] or UNKNOWN}, {cores}, {cpu['threads']} threads, {flag}, {kvm}{iommu}"


def _memory(memory: dict[str, Any]) -> str:
    ecc = {True: "ECC", False: "no ECC", None: "ECC unknown"}[memory["ecc"]]
    size = memory["installed"] or memory["total"] or 0
    return f"{number(round(size / GIB, 1))} GiB ({ecc})"


def _boot(facts: dict[str, Any]) -> str:
    boot = facts["boot"]
    parts = [boot["mode"].upper(), boot["loader"], boot["managed_by"], "Secure Boot" if boot["secure_boot"] else None]
    parts += [f"watchdog {dog['driver'] or dog['identity']}" for dog in facts["watchdogs"]]
    parts += ["BMC"] if facts["bmc"]["present"] else []
    return "" if facts["container"] else ", ".join(part for part in parts if part)


def _software(facts: dict[str, Any]) -> str:
    debian, proxmox = facts["debian"], facts["proxmox"]
    installed = f", Proxmox VE {proxmox['version']}" if proxmox["installed"] else ""
    return f"Debian {debian['version'] or debian['release'] or UNKNOWN}{installed}"


def _clock(machine: Machine) -> str:
    kept = ", ".join(machine.facts["clock"]["services"]) or "nothing that keeps it"
    if not machine.clock:
        return f"clock: {kept}"
    return f"clock {machine.clock['offset']:+.2f} s (± {machine.clock['error']:.2f} s, {kept})"


def _disk(disk: dict[str, Any]) -> str:
    kind = {True: "turning", False: "SSD", None: ""}[disk["rotational"]]
    size = f"{number(round(disk['size'] / 1e9, 1))} GB"
    smart = disk["smart"] or {}
    worn = f"worn {smart['worn_percent']} %" if smart.get("worn_percent") is not None else ""
    parts = [size, disk["transport"], kind, disk["model"], worn, "boots from it" if disk["boot"] else ""]
    if disk["empty"] is None:
        contents = f"contents unknown: {disk['reason']}"
    else:
        contents = "empty" if disk["empty"] else "; ".join(dict.fromkeys(entry["text"] for entry in disk["contents"]))
    return f"{label(disk)}: {', '.join(part for part in parts if part)}: {contents}"


def _nic(nic: dict[str, Any]) -> str:
    speed = f"{nic['speed']} Mbit/s" if nic["speed"] else "speed unknown"
    carrier = {True: "carrier", False: "NO CARRIER", None: "down"}[nic["carrier"]]
    neighbour = f"{nic['lldp']['switch']} {nic['lldp']['port']}" if nic["lldp"] else ""
    parts = [nic["driver"], nic["mac"], speed, carrier, f"MTU {nic['mtu']}", neighbour]
    return f"{nic['name']}: {', '.join(part for part in parts if part)}"
