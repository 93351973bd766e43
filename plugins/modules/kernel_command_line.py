#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_command_line
short_description: Words on the kernel command line of a node, whichever boot loader it has
version_added: 0.1.0
description:
  - Adds, replaces and removes words of the kernel command line; others are left.
  - Finds out by itself whether the machine boots with GRUB or with systemd-boot. With GRUB, the words are changed where they
    stand in C(/etc/default/grub) and C(/etc/default/grub.d), and C(update-grub) runs. With systemd-boot it is
    C(/etc/kernel/cmdline). Where C(proxmox-boot-tool) keeps the EFI system partitions, C(proxmox-boot-tool refresh) runs.
  - When that command fails, the files are as before again.
  - Nothing is rebooted. RV(reboot_required) says what the running kernel does not have yet.
notes:
  - In a container nothing is done.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: debian
options:
  words:
    description:
      - The words to have. A word replaces all words with the same key, the part before C(=), so that V(iommu=pt) takes the
        place of C(iommu=soft); where there are to be several words of one key, such as consoles, all of them are named.
    type: list
    elements: str
    default: []
  absent:
    description: The words not to have. A key alone, such as V(iommu), stands for all words with it.
    type: list
    elements: str
    default: []
seealso:
  - module: baremetal.proxmox.node_settings
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: IOMMU, with pass-through for the host's own devices
  baremetal.proxmox.kernel_command_line:
    words: [intel_iommu=on, iommu=pt]
    absent: [quiet]
  register: cmdline

- name: Reboot for it
  ansible.builtin.reboot:
  when: cmdline.reboot_required | length > 0
"""

RETURN = r"""
files:
  description: The files that were, or would be, written.
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
from ansible_collections.baremetal.proxmox.plugins.module_utils import _boot, _errors, _host_settings
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine, require_root
from ansible_collections.baremetal.proxmox.plugins.module_utils._settings import Settings


def command_line(module: AnsibleModule, machine: Machine) -> dict[str, Any]:
    wish = _boot.Wish(module.params["words"], module.params["absent"])
    parts = _host_settings.command_line(wish, _host_settings.Context(machine, module.check_mode))
    return Settings(machine, parts).result(check=module.check_mode)


def _main(module: AnsibleModule) -> dict[str, Any]:
    require_root()
    return command_line(module, Machine())


def main() -> None:
    words = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(argument_spec={"words": words, "absent": words}, supports_check_mode=True)
    _errors.run(module, _main)


if __name__ == "__main__":
    main()
