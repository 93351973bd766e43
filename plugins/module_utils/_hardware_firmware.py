# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""How the machine boots, its watchdogs, and its management controller."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_dmi as dmi
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_sysfs as sysfs
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine, Unreadable

EFI_VARIABLES = "/sys/firmware/efi/efivars"
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
# systemd's Boot Loader Interface
LOADER = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
# one UUID of an EFI system partition a line (proxmox-boot-tool)
BOOT_UUIDS = "/etc/kernel/proxmox-boot-uuids"
# src/watchdog-mux.c of pve-ha-manager
MULTIPLEXER = "/run/watchdog-mux.sock"
ATTRIBUTES = 4  # bytes before the value of an EFI variable


def boot(machine: Machine) -> dict[str, Any]:
    """C(loader) is what booted, as far as that can be seen; C(managed_by) is proxmox-boot-tool or None."""
    uefi = machine.path("/sys/firmware/efi").is_dir()
    uuids = proxmox_boot_uuids(machine)
    told = _variable(machine, f"LoaderInfo-{LOADER}")
    loader = None if told is None else told.decode("utf-16-le", "replace").strip("\0").partition(" ")[0].lower()
    if loader not in ("systemd-boot", "grub"):
        loader = "grub" if machine.path("/boot/grub/grub.cfg").exists() else loader
    secure = _variable(machine, f"SecureBoot-{GLOBAL}")
    return {
        "mode": "uefi" if uefi else "bios",
        "secure_boot": bool(secure and secure[-1]) if uefi else False,
        "loader": loader,
        "managed_by": "proxmox-boot-tool" if uuids else None,
        "proxmox_boot_uuids": uuids,
        "command_line": sysfs.text(machine, "/proc/cmdline"),
    }


def proxmox_boot_uuids(machine: Machine) -> list[str]:
    text = sysfs.text(machine, BOOT_UUIDS) or ""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _variable(machine: Machine, name: str) -> bytes | None:
    try:
        raw = machine.read_bytes(f"{EFI_VARIABLES}/{name}")
    except Unreadable:
        return None
    return raw[ATTRIBUTES:] if raw else None


def watchdogs(machine: Machine) -> list[dict[str, Any]]:
    """C(active): something holds it and has to keep it alive.

    The IPMI driver is none of the kernel's class of watchdogs (drivers/char/ipmi/ipmi_watchdog.c), so nothing tells its state;
    watchdog-mux of pve-ha-manager has a socket once it has opened the device.
    """
    found = []
    held = machine.path(MULTIPLEXER).exists()
    for name in sysfs.names(machine, "/sys/class/watchdog"):
        base = f"/sys/class/watchdog/{name}"
        state = sysfs.text(machine, f"{base}/state")
        found.append(
            {
                "name": name,
                "identity": sysfs.text(machine, f"{base}/identity"),
                "driver": _driver(machine, base),
                "timeout": sysfs.number(machine, f"{base}/timeout"),
                "active": held if state is None else state == "active",
            }
        )
    if not found and "watchdog" in sysfs.names(machine, "/sys/class/misc"):
        ipmi = sysfs.names(machine, "/sys/module/ipmi_watchdog/parameters")
        timeout = sysfs.number(machine, "/sys/module/ipmi_watchdog/parameters/timeout")
        driver = "ipmi_watchdog" if ipmi else None
        found.append({"name": "watchdog", "identity": None, "driver": driver, "timeout": timeout, "active": held})
    return found


def _driver(machine: Machine, base: str) -> str | None:
    """The kernel module of the device, or its driver; softdog has no device, and says so by its name."""
    driver = sysfs.target(machine, f"{base}/device/driver/module") or sysfs.target(machine, f"{base}/device/driver")
    if driver is None and "Software Watchdog" in (sysfs.text(machine, f"{base}/identity") or ""):
        return "softdog"
    return driver


def bmc(machine: Machine, structures: list[dmi.Structure]) -> dict[str, Any]:
    """C(present) by the firmware's word or a device; C(device) if a driver is loaded."""
    devices = [f"/dev/{name}" for name in sysfs.names(machine, "/dev") if re.fullmatch(r"ipmi\d+", name)]
    interface = dmi.ipmi(structures)
    return {
        "present": bool(devices) or interface is not None,
        "interface": interface,
        "device": next(iter(devices), None),
    }
