#!/usr/bin/python
# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: validate_inventory
short_description: Everything that is wrong with the inventory of a Proxmox VE cluster
version_added: 0.1.0
description:
  - Looks at the variables of all hosts together and returns all findings at once.
  - Works on the controller only. No connection is opened to any machine.
  - What is looked at are the argument specs of the collection's roles, names that no role knows, names that Proxmox does
    not take, addresses, networks, interfaces, corosync links and votes, Ceph's monitors and disks, and the lists that
    the collection's modules take.
  - It finds but does not fail; the role C(pve_validate) does that.
options:
  pattern:
    description: The group, or pattern, that the playbooks work on, for the sentences.
    type: str
    required: true
  hosts:
    description: Inventory names of the hosts that the pattern stands for, without regard to C(--limit).
    type: list
    elements: str
    required: true
  prefixes:
    description: A variable that begins with one of these has to be known to a role of the collection.
    type: list
    elements: str
    default: [pve_, pbs_]
notes:
  - Needs the Python library netaddr on the controller.
attributes:
  action:
    description: Indicates that this has a corresponding action plugin so that it runs on the controller.
    support: full
  check_mode:
    description: Can run in check mode, in which it does the same.
    support: full
  diff_mode:
    description: Returns details on what has changed.
    support: none
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Look at the inventory
  baremetal.proxmox.validate_inventory:
    pattern: pve
    hosts: "{{ query('ansible.builtin.inventory_hostnames', 'pve') }}"
  run_once: true
  register: inventory_findings

- name: Show what is wrong
  ansible.builtin.debug:
    var: inventory_findings.errors
"""

RETURN = r"""
findings:
  description: Each finding of each host.
  type: list
  elements: dict
  returned: always
  contains:
    host:
      description: Inventory name.
      type: str
      sample: pve2
    variable:
      description: The variable, and where in it.
      type: str
      sample: pve_cluster_links[0].address
    expected:
      description: What would be right.
      type: str
      sample: an address in cluster (198.51.100.0/24)
    found:
      description: What is there. Values of secrets are never shown.
      type: str
      sample: "'198.51.10.12'"
    advice:
      description: What to do, or empty.
      type: str
    warning:
      description: Whether the run may go on all the same.
      type: bool
errors:
  description: The findings that stop a run, as sentences with their hosts.
  type: list
  elements: str
  returned: always
  sample: ["pve2: pve_cluster_links[0].address: expected an address in cluster (198.51.100.0/24), found '198.51.10.12'"]
"""
