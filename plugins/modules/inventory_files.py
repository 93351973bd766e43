#!/usr/bin/python

# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: inventory_files
short_description: Write what M(baremetal.proxmox.inventory_info) found as an inventory
version_added: 0.1.0
description:
  - Makes C(hosts.yml), C(group_vars) and C(host_vars) of it. Runs on the controller and asks no machine.
  - A secret becomes a variable C(vault_…), and C(vault.yml.example) beside the group's variables says which there are. As long
    as such a variable is not set, the option that it belongs to is left out.
  - Texts with braces in them, such as templates of Proxmox's, are written so that Ansible leaves them alone (C(!unsafe)).
  - Files are readable for their owner only. The order of everything is always the same.
options:
  directory:
    description: Where to write, on the controller.
    type: path
    required: true
  groups:
    description: Inventory names by group. A cluster is that of the first group with one.
    type: dict
    required: true
  found:
    description: Name of the variable that each machine's M(baremetal.proxmox.inventory_info) was registered in.
    type: str
    required: true
  keep:
    description: Names of variables that no machine can tell, and that are taken over from the inventory of this run.
    type: list
    elements: str
    default: []
  overwrite:
    description: Whether files that are there and say something else are replaced. Otherwise nothing is written.
    type: bool
    default: false
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: all
seealso:
  - module: baremetal.proxmox.inventory_info
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Read the machines
  baremetal.proxmox.inventory_info:
    gather: "{{ ['host', 'cluster'] if inventory_hostname == groups['pve'][0] else ['host'] }}"
  register: machine

- name: Write the inventory
  baremetal.proxmox.inventory_files:
    directory: "{{ playbook_dir }}/gathered"
    groups:
      pve: "{{ groups['pve'] }}"
    found: machine
  run_once: true
"""

RETURN = r"""
files:
  description: Files that were (or in check mode would be) written, below O(directory).
  type: list
  elements: str
  returned: always
others:
  description: Files that are there as well, and that Ansible reads with them.
  type: list
  elements: str
  returned: always
notes:
  description: One sentence for each thing that is not in the inventory.
  type: list
  elements: str
  returned: always
"""
