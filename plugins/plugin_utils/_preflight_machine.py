# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What can be said of one machine by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_disks import GROUP, VOLUME
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._preflight import GIB, WARN, Finding, Machine, number

# The kernel keeps a part of the memory to itself: firmware, its own image, crash kernel
USABLE = 0.92
OSD_DEVICES = ("device", "db_device", "wal_device")
Check = Callable[[Machine], Iterator[Finding]]


def system(machine: Machine) -> Iterator[Finding]:
    releases = machine.limits["debian_releases"]
    architecture, release = machine.facts["architecture"], machine.facts["debian"]["release"]
    if architecture != "x86_64":
        yield Finding(machine.name, "architecture", "x86_64", architecture)
    if release not in releases:
        yield Finding(machine.name, "debian_release", f"Debian {' or '.join(releases)}", release or "no Debian")
    proxmox = machine.facts["proxmox"]
    supported = machine.limits["proxmox_releases"]
    if proxmox["installed"] and (proxmox["release"] or "").partition(".")[0] not in supported:
        yield Finding(
            machine.name, "proxmox_release", f"Proxmox VE {' or '.join(supported)}", proxmox["version"] or "another one"
        )


def processor(machine: Machine) -> Iterator[Finding]:
    cpu = machine.facts["cpu"]
    if not cpu["virtualization"]:
        yield Finding(
            machine.name,
            "cpu_virtualization",
            "the processor's flag vmx or svm",
            f"neither on {cpu['model'] or 'this processor'}",
            "Switch it on in the firmware (VT-x, SVM)" if machine.bare else "Pass it on to this machine (nested)",
        )
    elif not cpu["kvm"]["usable"]:
        yield Finding(machine.name, "kvm_usable", "that KVM makes a virtual machine", cpu["kvm"]["error"])
    if cpu["threads"] < machine.limits["threads"]:
        yield Finding(machine.name, "cpu_threads", f"{number(machine.limits['threads'])} or more", str(cpu["threads"]))
    if not cpu["iommu"]["enabled"]:
        yield Finding(
            machine.name, "iommu", "an IOMMU that is on", "none", "Switch it on in the firmware (VT-d, AMD-Vi)"
        )


def memory(machine: Machine) -> Iterator[Finding]:
    told = machine.facts["memory"]
    wanted = machine.limits["memory_gib"]
    if _memory_lacks(told, wanted):
        yield Finding(machine.name, "memory", f"{number(wanted)} GiB or more", _gib(told))
    if told["ecc"] is False:
        yield Finding(machine.name, "memory_ecc", "memory that corrects errors (ECC)", f"none ({told['ecc_source']})")
    if machine.osds:
        each, base = machine.limits["ceph_memory_per_osd_gib"], machine.limits["ceph_memory_base_gib"]
        wanted = base + each * len(machine.osds)
        if _memory_lacks(told, wanted):
            sum_ = f"{number(base)} and {number(each)} for each of {len(machine.osds)} OSDs"
            yield Finding(machine.name, "ceph_memory", f"{number(wanted)} GiB or more ({sum_})", _gib(told))


def _memory_lacks(told: dict[str, Any], gib: float) -> bool:
    if told["installed"]:
        return max(told["installed"], told["total"] or 0) < gib * GIB
    return told["total"] is not None and told["total"] < gib * GIB * USABLE


def _gib(told: dict[str, Any]) -> str:
    return f"{number(round((told['installed'] or told['total']) / GIB, 1))} GiB"


def disks(machine: Machine) -> Iterator[Finding]:
    named = [disk for osd in machine.osds for key in OSD_DEVICES if (disk := find(machine, osd.get(key)))]
    limit = machine.limits["boot_disk_gib"]
    for disk in machine.facts["disks"]:
        if disk["boot"] and disk["size"] < limit * GIB:
            found = f"{disk['device']} with {number(round(disk['size'] / GIB, 1))} GiB"
            yield Finding(machine.name, "boot_disk", f"{number(limit)} GiB or more to boot from", found)
        smart = disk["smart"] or {}
        if not disk["boot"] and disk not in named:
            continue
        if smart.get("passed") is False:
            yield Finding(machine.name, "disk_health", f"{label(disk)} in good health", "that SMART expects it to fail")
        worn = smart.get("worn_percent")
        if worn is not None and worn > machine.limits["disk_worn_percent"]:
            expected = f"{label(disk)} worn by {number(machine.limits['disk_worn_percent'])} % at most"
            yield Finding(machine.name, "disk_wear", expected, f"{worn} %")


def osds(machine: Machine) -> Iterator[Finding]:
    """Disks for Ceph are there, and empty or an OSD of this cluster already; ceph_osd judges those that may be wiped."""
    data: dict[str, str] = {}
    for osd in machine.osds:
        for key in OSD_DEVICES:
            name = osd.get(key)
            if not name:
                continue
            disk = find(machine, name)
            if not disk:
                yield Finding(machine.name, "osd_device_exists", f"the disk {name}", "no such disk", _choice(machine))
                continue
            if key == "device" and data.setdefault(disk["device"], name) != name:
                found = f"{name} and {data[disk['device']]}, which are both {disk['device']}"
                yield Finding(machine.name, "osd_device_unique", "another disk for each OSD", found)
            consent = key == "device" and osd.get("wipe") and machine.declared.get("ceph_allow_wipe")
            if disk["empty"] is not True and not consent and not _own(machine, disk) and not _begun(machine, disk):
                yield _used(machine, name, disk)


def _used(machine: Machine, name: str, disk: dict[str, Any]) -> Finding:
    shown = name if name == disk["device"] else f"{name} ({disk['device']})"
    if disk["empty"] is None:
        found, advice = f"that this could not be found out: {disk['reason']}", ""
    else:
        found = "; ".join(f"{entry['device']}: {entry['text']}" for entry in disk["contents"])
        consent = "wipe: true in its entry, and -e ceph_allow_wipe=true for the run"
        advice = f"Name another disk, or let it be wiped if nobody needs what is on it ({consent})"
    return Finding(
        machine.name, "osd_device_empty", f"{shown} with nothing on it, or an OSD of this cluster", found, advice
    )


def _own(machine: Machine, disk: dict[str, Any]) -> bool:
    """Whether it carries OSDs of the cluster that this machine is in, and nothing that is not Ceph's."""
    cluster = machine.ask("ceph", "fsid")
    found = [entry for entry in disk["contents"] if entry["what"] == "ceph_osd"]
    strange = {entry["what"] for entry in disk["contents"]} - {"ceph_osd", "lvm", "luks", "held", "busy"}
    foreign = [entry for entry in found if (entry["cluster_fsid"] or "").lower() != cluster]
    mixed = [
        entry
        for entry in disk["contents"]
        if entry["what"] == "lvm"
        and len(entry["logical_volumes"]) > sum(osd["device"] == entry["device"] for osd in found)
    ]
    return bool(cluster and found) and not foreign and not strange and not mixed


def _begun(machine: Machine, disk: dict[str, Any]) -> bool:
    """Whether there may be nothing on it but what a run left that was killed while it made an OSD; ceph_osd finds out."""
    contents = disk["contents"]
    lvm = [entry for entry in contents if entry["what"] == "lvm"]
    return (
        disk["empty"] is False
        and bool(machine.ask("ceph", "fsid"))
        and all(entry["what"] in ("lvm", "ceph_osd", "held") for entry in contents)
        and all(entry["cluster_fsid"] is None for entry in contents if entry["what"] == "ceph_osd")
        and all(entry["volume_group"] is None or GROUP.fullmatch(entry["volume_group"]) for entry in lvm)
        and all(VOLUME.fullmatch(name) for entry in lvm for name in entry["logical_volumes"])
    )


def find(machine: Machine, name: str | None) -> dict[str, Any] | None:
    """The disk that an inventory means by one of its names."""
    return next(
        (
            disk
            for disk in machine.facts["disks"]
            if name in (disk["device"], *disk["by_id"], *disk["by_path"]) and name is not None
        ),
        None,
    )


def label(disk: dict[str, Any]) -> str:
    return disk["stable_id"] or disk["device"]


def _choice(machine: Machine) -> str:
    free = [label(disk) for disk in machine.facts["disks"] if disk["empty"]]
    return f"Empty disks of this machine: {', '.join(free)}" if free else "This machine has no empty disk"


def clock(machine: Machine) -> Iterator[Finding]:
    """A node keeps its time; before Proxmox VE is there, that is still to come, and in a container it is its host's affair."""
    told = machine.facts["clock"]
    if machine.facts["proxmox"]["installed"] and not machine.facts["container"] and told["synchronized"] is False:
        services = ", ".join(told["services"]) or "no service for it"
        yield Finding(
            machine.name,
            "clock_synchronized",
            "a clock that is kept in time",
            f"that it is not ({services})",
            level=WARN,
        )


CHECKS: tuple[Check, ...] = (system, processor, memory, disks, osds, clock)
