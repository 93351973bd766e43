# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Processor, virtualisation, IOMMU and memory."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_dmi as dmi
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_sysfs as sysfs
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

# linux/kvm.h
KVM_GET_API_VERSION, KVM_CREATE_VM = 0xAE00, 0xAE01
KVM_API_VERSION = 12
# linux/edac.h, edac_mem_types: what a module without correction shows
NO_EDAC = {"None", "Unknown", "Reserved", "PARITY", "EC"}
KIB = 1024


def cpu(machine: Machine) -> dict[str, Any]:
    """Cores and threads that run now; C(virtualization) is the flag vmx or svm, which firmware can hide."""
    processors = _processors(sysfs.text(machine, "/proc/cpuinfo") or "")
    first = processors[0] if processors else {}
    flags = first.get("flags", "").split()
    sockets = {entry.get("physical id", "0") for entry in processors}
    cores = {
        (entry.get("physical id", "0"), entry.get("core id", str(index))) for index, entry in enumerate(processors)
    }
    return {
        "model": first.get("model name"),
        "vendor": first.get("vendor_id"),
        "sockets": len(sockets),
        "cores": len(cores),
        "threads": len(processors),
        "virtualization": next((name for name in ("vmx", "svm") if name in flags), None),
        "hypervisor": "hypervisor" in flags,
        "microcode": first.get("microcode"),
    }


def _processors(text: str) -> list[dict[str, str]]:
    blocks = [
        dict(re.findall(r"^([^:\n]+?)[ \t]*:[ \t]*(.*?)[ \t]*$", block, re.MULTILINE)) for block in text.split("\n\n")
    ]
    return [block for block in blocks if "processor" in block]


def kvm(machine: Machine) -> dict[str, Any]:
    """Whether a virtual machine can be made here now, by making one (it is gone at once)."""
    nested = [
        sysfs.flag(machine, f"/sys/module/{module}/parameters/nested")
        for module in ("kvm_intel", "kvm_amd")
        if machine.path(f"/sys/module/{module}").exists()
    ]
    device = machine.path("/dev/kvm")
    error = _try_kvm(str(device)) if device.exists() else "there is no /dev/kvm"
    return {
        "present": device.exists(),
        "usable": error is None,
        "error": error,
        "nested": next((found for found in nested if found is not None), None),
    }


def _try_kvm(device: str) -> str | None:
    """None, or why no virtual machine can be made."""
    try:
        handle = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        return f"/dev/kvm cannot be opened: {error.strerror}"
    try:
        version = fcntl.ioctl(handle, KVM_GET_API_VERSION, 0)
        if version != KVM_API_VERSION:
            return f"/dev/kvm has the interface {version}, not {KVM_API_VERSION}"
        os.close(fcntl.ioctl(handle, KVM_CREATE_VM, 0))
    except OSError as error:
        busy = " (another hypervisor has it)" if error.errno == errno.EBUSY else ""
        return f"/dev/kvm makes no virtual machine: {error.strerror}{busy}"
    finally:
        os.close(handle)
    return None


def iommu(machine: Machine) -> dict[str, Any]:
    """On if the kernel has one (PVE/SysFSTools.pm, check_iommu_support), and the groups it made."""
    units = sysfs.names(machine, "/sys/class/iommu")
    return {"enabled": bool(units), "groups": len(sysfs.names(machine, "/sys/kernel/iommu_groups"))}


def memory(machine: Machine, structures: list[dmi.Structure], virtual: bool) -> dict[str, Any]:
    """Bytes. C(total) is what the kernel can use, C(installed) what is plugged in, if the firmware says."""
    total = re.search(r"^MemTotal:\s*(\d+) kB", sysfs.text(machine, "/proc/meminfo") or "", re.MULTILINE)
    edac = _edac(machine)
    # a hypervisor's tables say what it was told to say
    firmware = None if virtual else dmi.ecc(structures)
    source = "edac" if edac is not None else "dmi" if firmware is not None else None
    return {
        "total": int(total[1]) * KIB if total else None,
        "installed": dmi.installed(structures),
        "ecc": edac if edac is not None else firmware,
        "ecc_source": source,
    }


def _edac(machine: Machine) -> bool | None:
    base = "/sys/devices/system/edac/mc"
    modes = [
        sysfs.text(machine, f"{base}/{controller}/{module}/dimm_edac_mode")
        for controller in sysfs.names(machine, base)
        if controller.startswith("mc")
        for module in sysfs.names(machine, f"{base}/{controller}")
        if module.startswith(("dimm", "rank"))
    ]
    known = [mode for mode in modes if mode]
    if any(mode not in NO_EDAC for mode in known):
        return True
    return False if "None" in known else None
