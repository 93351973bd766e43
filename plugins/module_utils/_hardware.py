# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The whole machine as data; each part in a file of its own."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_cpu as cpu
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_disks as disks
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_dmi as dmi
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_firmware as firmware
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_identity as identity
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_nics as nics
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_sysfs as sysfs
from ansible_collections.baremetal.proxmox.plugins.module_utils._hardware_devices import Devices
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

PARTS = ("cpu", "memory", "system", "disks", "network", "boot", "identity", "host")


def facts(machine: Machine, devices: Devices, asked: Collection[str]) -> dict[str, Any]:
    """What was asked for of C(PARTS), as M(node_facts) documents it."""
    processor = cpu.cpu(machine)
    virtual = identity.virtualization(machine, processor["hypervisor"])
    container = machine.container()
    structures = dmi.tables(machine)
    found: dict[str, Any] = {
        "hostname": machine.hostname,
        "virtualization": virtual,
        "container": container,
        "proxmox": machine.proxmox(),
    }
    if "cpu" in asked:
        found |= {"cpu": processor | {"kvm": cpu.kvm(machine), "iommu": cpu.iommu(machine)}}
    if "memory" in asked:
        found |= {"memory": cpu.memory(machine, structures, virtual is not None)}
    if "system" in asked:
        found |= {"system": dmi.system(machine), "bmc": firmware.bmc(machine, structures)}
    if "disks" in asked:
        found |= {"disks": disks.disks(machine, devices), "ceph": {"fsid": identity.ceph_fsid(machine)}}
    if "network" in asked:
        told = nics.links(machine)
        physical = nics.nics(machine, told, container)
        found |= {
            "nics": physical,
            "interfaces": nics.virtual(told, {nic["name"] for nic in physical}),
            "addresses": nics.addresses(told),
        }
    if "boot" in asked:
        found |= {"boot": firmware.boot(machine), "watchdogs": firmware.watchdogs(machine)}
    if "identity" in asked:
        found |= {
            "machine_id": sysfs.text(machine, "/etc/machine-id"),
            "host_keys": identity.host_keys(machine),
            "clock": identity.clock(machine),
        }
    if "host" in asked:
        host = machine.host()
        found |= {name: host[name] for name in ("fqdn", "resolves_to", "debian", "architecture", "kernel")}
    return found
