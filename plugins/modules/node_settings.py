#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_settings
short_description: Settings of a node outside of Proxmox VE's API, all of them in one call
version_added: 0.1.0
description:
  - Time, kernel command line, kernel modules, sysctl, ZFS cache, swap, watchdog and unattended upgrades of a machine, bare
    or with Proxmox VE. What is not named in O(config) is left alone.
  - Everything is checked before anything is changed, and one error names every finding.
  - What takes effect at once is set at once. What a reboot has to put in force is returned in RV(reboot_required), by this
    and by every later call until the machine was rebooted; nothing is rebooted here.
  - When a command fails that is to put a file in force, such as C(update-grub), the file is as before again.
notes:
  - In a container, which has its host's kernel, the files are written and nothing is asked of the kernel; a kernel command
    line is left out.
  - No package is installed. Time servers need C(chrony), unattended upgrades C(unattended-upgrades).
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    description: Shows each file, and the values that are in force.
  platform:
    platforms: debian
options:
  config:
    description: The settings. One that is V(null) is as if it were not written.
    type: dict
    required: true
    suboptions:
      timezone:
        description: A zone such as V(Europe/Vienna) or V(UTC).
        type: str
      ntp_servers:
        description:
          - The time servers of chrony, each as address or name, with chrony's own options if need be
            (V(ntp.example.org iburst nts)); C(pool) in front makes it a pool.
          - They are the only ones. Lines of C(server) and C(pool) in C(/etc/chrony/chrony.conf) are commented out. An empty
            list changes nothing.
        type: list
        elements: str
      cmdline:
        description:
          - Words of the kernel command line, such as V(intel_iommu=on). See M(baremetal.proxmox.kernel_command_line).
        type: list
        elements: str
      cmdline_absent:
        description: Words, or keys, that are not to be on the kernel command line.
        type: list
        elements: str
      modules:
        description:
          - Kernel modules that are loaded now and at every boot. An empty list takes the file of this module away.
        type: list
        elements: str
      module_options:
        description:
          - Options by kernel module, as in modprobe.d(5). The initramfs is made anew.
        type: dict
      module_blacklist:
        description: Kernel modules that are not loaded by themselves. The initramfs is made anew.
        type: list
        elements: str
      sysctl:
        description: Kernel settings by name. They win over all other files. V({}) takes the file of this module away.
        type: dict
      swappiness:
        description: The setting C(vm.swappiness).
        type: int
      swap:
        description: V(off) turns swap off for now and for ever, by masking C(swap.target). V(keep) leaves it alone.
        type: str
        choices: [keep, 'off']
      zfs_arc_max:
        description:
          - Upper limit of ZFS's cache in bytes, or as V(8G). V(0) is ZFS's own.
          - Has to be above O(config.zfs_arc_min), or ZFS ignores it.
        type: str
      zfs_arc_min:
        description: Lower limit of ZFS's cache in bytes, or as V(1G). V(0) is ZFS's own, 1/32 of the memory.
        type: str
      watchdog:
        description:
          - The kernel module of the watchdog that Proxmox VE's HA uses, such as V(ipmi_watchdog) or V(iTCO_wdt); V(softdog)
            is Proxmox's own choice. After a reboot; a running watchdog is never touched.
        type: str
      unattended_upgrades:
        description:
          - V(security) lets C(unattended-upgrades) install what comes from Debian's security archive, never a package of
            Proxmox, and never reboots. V(absent) takes that policy away.
        type: str
        choices: [absent, security]
seealso:
  - module: baremetal.proxmox.kernel_command_line
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Settings of a node with passthrough
  baremetal.proxmox.node_settings:
    config:
      timezone: Europe/Vienna
      ntp_servers: [192.0.2.1, ntp.example.org iburst nts]
      cmdline: [intel_iommu=on, iommu=pt]
      modules: [vfio, vfio_iommu_type1, vfio_pci]
      module_options: {vfio-pci: 'ids=10de:1eb8'}
      module_blacklist: [nouveau]
      sysctl: {net.ipv4.tcp_keepalive_time: 600}
      swappiness: 10
      zfs_arc_max: 16G
      watchdog: ipmi_watchdog
      unattended_upgrades: security
  register: settings

- name: Tell of a reboot
  ansible.builtin.debug:
    msg: "{{ settings.reboot_required }}"
  when: settings.reboot_required | length > 0
"""

RETURN = r"""
files:
  description: The files that were, or would be, written or removed.
  returned: success
  type: list
  elements: str
  sample: [/etc/default/grub]
reboot_required:
  description: What is not in force until the machine is rebooted; empty if nothing is.
  returned: success
  type: list
  elements: str
  sample: ['kernel command line: intel_iommu=on iommu=pt']
not_in_force:
  description:
    - What should be in force and is not, though the machine was booted since it was written. See what really boots it.
  returned: success
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _errors, _host_settings
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine, require_root
from ansible_collections.baremetal.proxmox.plugins.module_utils._settings import Settings

_WORDS = {"type": "list", "elements": "str"}
CONFIG_SPEC: dict[str, dict[str, Any]] = {
    "timezone": {"type": "str"},
    "ntp_servers": _WORDS,
    "cmdline": _WORDS,
    "cmdline_absent": _WORDS,
    "modules": _WORDS,
    "module_options": {"type": "dict"},
    "module_blacklist": _WORDS,
    "sysctl": {"type": "dict"},
    "swappiness": {"type": "int"},
    "swap": {"type": "str", "choices": ["keep", "off"]},
    "zfs_arc_max": {"type": "str"},
    "zfs_arc_min": {"type": "str"},
    "watchdog": {"type": "str"},
    "unattended_upgrades": {"type": "str", "choices": ["absent", "security"]},
}


def settings(module: AnsibleModule, machine: Machine) -> dict[str, Any]:
    on = _host_settings.Context(machine, module.check_mode)
    parts = _host_settings.parts(module.params["config"], on)
    return Settings(machine, parts).result(check=module.check_mode)


def _main(module: AnsibleModule) -> dict[str, Any]:
    require_root()
    return settings(module, Machine())


def main() -> None:
    module = AnsibleModule(
        argument_spec={"config": {"type": "dict", "required": True, "options": CONFIG_SPEC}},
        supports_check_mode=True,
    )
    _errors.run(module, _main)


if __name__ == "__main__":
    main()
