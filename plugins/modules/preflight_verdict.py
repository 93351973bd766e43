#!/usr/bin/python

# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_verdict
short_description: Judge machines before anything is changed on them
version_added: 0.1.0
description:
  - Compares what M(baremetal.proxmox.node_facts) and M(baremetal.proxmox.node_probe) read on all machines with what the
    inventory requires, and the machines with each other. Runs on the controller and asks no machine.
  - It never fails because of what it finds; RV(refusals) says why a play should. What it found is also given as
    C(ansible_stats), which AWX keeps as the artifacts of a job.
  - The names of findings, and the limits, are in the role C(baremetal.proxmox.pve_preflight).
options:
  members:
    description: Inventory names of the machines.
    type: list
    elements: str
    required: true
  rack:
    description: Inventory names of all machines, also of those that are not looked at now.
    type: list
    elements: str
    default: []
  facts:
    description: Name of the variable that each machine's M(baremetal.proxmox.node_facts) was registered in.
    type: str
    required: true
  probe:
    description: Name of the variable that each machine's M(baremetal.proxmox.node_probe) was registered in.
    type: str
    required: true
  artifact:
    description: Path of a JSON file on the controller that is to hold everything, also in check mode. None if it is empty.
    type: str
    default: ""
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: all
seealso:
  - module: baremetal.proxmox.node_facts
  - module: baremetal.proxmox.node_probe
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Judge the machines
  baremetal.proxmox.preflight_verdict:
    members: "{{ ansible_play_hosts_all }}"
    facts: machine
    probe: probe
  run_once: true
  register: verdict

- name: Stop if anything stands against it
  ansible.builtin.assert:
    that: verdict.refusals | length == 0
    fail_msg: "{{ verdict.refusals }}"
  run_once: true
"""

RETURN = r"""
lines:
  description: The machines and the verdict for people, line by line.
  returned: always
  type: list
  elements: str
refusals:
  description: One sentence for each finding of the level V(fail) that nobody has accepted, and for each error in the inventory.
  returned: always
  type: list
  elements: str
preflight:
  description:
    - C(verdict) V(pass) or V(fail), C(errors) in the inventory, C(failures), C(warnings), C(accepted), and C(machines) in a
      few words each.
    - A finding has C(host), C(name), C(level), C(expected), C(found), C(advice), C(sentence), and the C(reason) for which it
      was accepted.
  returned: always
  type: dict
"""
