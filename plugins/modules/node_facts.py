#!/usr/bin/python

# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_facts
short_description: Read the hardware of a machine
version_added: 0.1.0
description:
  - Reads what a machine is made of, how it is wired, how it boots, and what is on every disk. Changes nothing.
  - Needs nothing but Debian's essential packages and Python; C(iproute2) for the network, C(smartmontools) for the health of
    disks and C(lldpd) for the neighbours of NICs are used if they are there. What cannot be found out is null, never a guess.
  - A disk is empty only if every way of looking at it says so. Disks that sleep are woken by that, not by C(smartctl).
options:
  gather:
    description: What to read.
    type: list
    elements: str
    choices: [cpu, memory, system, disks, network, boot, identity, host]
    default: [cpu, memory, system, disks, network, boot, identity, host]
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: debian
seealso:
  - module: baremetal.proxmox.node_info
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Read the disks
  baremetal.proxmox.node_facts:
    gather: [disks]
  register: machine

- name: Show the disks that have nothing on them, by the names to write into an inventory
  ansible.builtin.debug:
    msg: "{{ machine.facts.disks | selectattr('empty', 'eq', true) | map(attribute='stable_id') }}"
"""

RETURN = r"""
facts:
  description: The machine. A part that was not asked for is not there.
  returned: success
  type: dict
  contains:
    hostname:
      description: Host name up to the first dot. Always there.
      type: str
    virtualization:
      description: The hypervisor in a virtual machine, such as V(kvm), null on bare metal. Always there.
      type: str
    container:
      description: Whether the machine is a container; its hardware is then that of its host. Always there.
      type: bool
    proxmox:
      description: C(installed), C(version) and C(release) of Proxmox VE. Always there.
      type: dict
    cpu:
      description:
        - C(model), C(vendor), C(sockets), C(cores), C(threads), C(microcode), C(hypervisor) (runs in a virtual machine).
        - C(virtualization) is the processor's flag V(vmx) or V(svm), null if it is not there or firmware hides it.
        - C(kvm) has C(present), C(usable) (a virtual machine could be made), C(error) and C(nested).
        - C(iommu) has C(enabled) and the number of C(groups).
      type: dict
    memory:
      description:
        - C(total) in bytes as the kernel has it, C(installed) in bytes as the firmware tells.
        - C(ecc), null if unknown, and C(ecc_source), V(edac) or V(dmi).
      type: dict
    system:
      description: C(vendor), C(product), C(serial), C(uuid), C(board), and of the C(firmware) C(vendor), C(version), C(date).
      type: dict
    bmc:
      description: Whether a management controller is C(present), its C(interface) such as V(KCS), and its C(device).
      type: dict
    disks:
      description: Every disk.
      type: list
      elements: dict
      contains:
        name:
          description: The kernel's name, which changes from boot to boot.
          type: str
        device:
          description: Path of the device.
          type: str
        by_id:
          description: Names in C(/dev/disk/by-id), without those that tell of the contents.
          type: list
          elements: str
        by_path:
          description: Names in C(/dev/disk/by-path), which tell of the slot.
          type: list
          elements: str
        stable_id:
          description: The one of C(by_id) to write into an inventory, null if there is none.
          type: str
        size:
          description: Size in bytes.
          type: int
        sector:
          description: C(logical) and C(physical) sector size in bytes.
          type: dict
        rotational:
          description: Whether it turns, as the kernel believes; virtual disks often say so.
          type: bool
        transport:
          description: Such as V(sata), V(sas), V(nvme), V(usb), V(virtio).
          type: str
        model:
          description: Model.
          type: str
        vendor:
          description: Vendor, where the bus tells.
          type: str
        serial:
          description: Serial number.
          type: str
        wwn:
          description: World-wide name.
          type: str
        read_only:
          description: Whether it cannot be written to.
          type: bool
        removable:
          description: Whether the medium can be taken out.
          type: bool
        smart:
          description:
            - C(passed), C(worn_percent), C(hours), C(celsius). Null without C(smartctl), for a disk that sleeps or has no SMART.
          type: dict
        contents:
          description:
            - Everything that is on it, each with C(device), C(what), a C(text) for people, and details.
            - C(what) is V(partition_table), V(partition), V(filesystem), V(swap), V(lvm), V(zfs), V(raid), V(ceph_osd),
              V(ceph_remains), V(luks), or a use of it, V(mounted), V(swap_active), V(held), V(busy).
            - V(ceph_osd) has C(osd_id), C(osd_fsid), C(cluster_fsid) and C(role); V(lvm) has C(volume_group) and
              C(logical_volumes); V(zfs) has C(pool).
          type: list
          elements: dict
        empty:
          description:
            - True only if there is no signature, no partition, nobody that holds it, and it could be opened exclusively.
            - Null if that could not be found out.
          type: bool
        reason:
          description: What could not be looked at, and why.
          type: str
        blank:
          description: Whether its first and last 2 MiB are zeros. An empty disk can have remains of what was there before.
          type: bool
        boot:
          description: Whether the running system is on it, or boots from it.
          type: bool
    ceph:
      description: C(fsid) of the Ceph cluster in the machine's configuration, null if there is none. With V(disks).
      type: dict
    nics:
      description:
        - Every NIC with C(name), C(altnames), C(driver), C(mac) (its own), C(current_mac), C(pci), C(up), C(carrier),
          C(speed) in Mbit/s, C(duplex), C(mtu), C(max_mtu), C(master), C(virtual_function), C(sriov).
        - C(lldp) has C(switch), C(port), C(description) and C(vlan) of the other end, if lldpd runs.
      type: list
      elements: dict
    interfaces:
      description: Every other interface with C(name), C(kind), C(mtu), C(up), C(master), and in C(lower) what it stands on.
      type: list
      elements: dict
    addresses:
      description: Every address with C(interface), C(address), C(prefix) and C(scope).
      type: list
      elements: dict
    boot:
      description:
        - C(mode) V(uefi) or V(bios), C(secure_boot), C(loader) V(grub) or V(systemd-boot), C(managed_by), C(command_line)
          of the kernel, C(proxmox_boot_uuids).
      type: dict
    watchdogs:
      description: Every watchdog with C(name), C(identity), C(driver), C(timeout) in seconds, C(active).
      type: list
      elements: dict
    machine_id:
      description: Contents of C(/etc/machine-id). With V(identity).
      type: str
    host_keys:
      description: Fingerprints of the SSH host keys by type. With V(identity).
      type: dict
    clock:
      description:
        - The C(services) that keep the time and run, and whether the kernel's clock is C(synchronized). With V(identity).
      type: dict
    fqdn:
      description: Full name. With V(host).
      type: str
    resolves_to:
      description: Addresses that the machine's own host name resolves to. With V(host).
      type: list
      elements: str
    debian:
      description: C(release) and C(version). With V(host).
      type: dict
    architecture:
      description: Such as V(x86_64). With V(host).
      type: str
    kernel:
      description: C(running), C(proxmox) and C(installed_proxmox). With V(host).
      type: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _errors, _hardware, _node
from ansible_collections.baremetal.proxmox.plugins.module_utils._hardware_devices import Devices


def main_facts(module: AnsibleModule) -> dict[str, Any]:
    _node.require_root()
    machine = _node.Machine()
    return {"changed": False, "facts": _hardware.facts(machine, Devices(machine), module.params["gather"])}


def main() -> None:
    parts = ["cpu", "memory", "system", "disks", "network", "boot", "identity", "host"]
    module = AnsibleModule(
        argument_spec={"gather": {"type": "list", "elements": "str", "choices": parts, "default": parts}},
        supports_check_mode=True,
    )
    _errors.run(module, main_facts)


if __name__ == "__main__":
    main()
