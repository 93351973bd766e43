#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ha_rule
short_description: Rules of HA, from Proxmox VE 9 on
version_added: 0.1.0
description:
  - Creates, changes and removes rules by which HA chooses nodes for guests, a whole list of them in one call.
  - Before anything is written, all rules are looked at together. What Proxmox would refuse, or what cannot be, is
    refused with the reason, such as a guest that HA does not look after, guests to be kept apart on fewer nodes than
    guests, or two rules that contradict each other.
  - The changes are made in an order in which Proxmox refuses none on the way.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - Before Proxmox VE 9 there are groups instead (M(baremetal.proxmox.ha_group)). There this module refuses to do
    anything, and O(state=gathered) finds none.
  - On a cluster that was upgraded, groups become rules with C(ha-group-) before their names as soon as all nodes run
    Proxmox VE 9. Before that Proxmox takes no rules.
options:
  config:
    description:
      - The rules.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      rule:
        description: Name of the rule.
        type: str
        required: true
      type:
        description:
          - V(node-affinity) says on which nodes guests run, V(resource-affinity) whether guests run together or
            apart. Fixed when it is created.
        type: str
        choices: [node-affinity, resource-affinity]
      resources:
        description:
          - The guests, V(vm:NUMBER) or V(ct:NUMBER), which HA has to look after (M(baremetal.proxmox.ha_resource)).
        type: list
        elements: str
      nodes:
        description:
          - The nodes of V(node-affinity), each C(NODE) or C(NODE:PRIORITY). The highest priority is taken first.
        type: list
        elements: str
      strict:
        description: Whether the guests run on no other nodes, for V(node-affinity).
        type: bool
      affinity:
        description:
          - Of V(resource-affinity), whether the guests run on one node (V(positive)) or each on another
            (V(negative)).
        type: str
        choices: [positive, negative]
      disable:
        description: Whether the rule is switched off.
        type: bool
      comment:
        description: A text about it.
        type: str
      recreate:
        description: Whether it is deleted and made anew where a change needs that.
        type: bool
        default: false
"""

EXAMPLES = r"""
- name: Two databases apart, each on a node with fast disks
  baremetal.proxmox.ha_rule:
    config:
      - {rule: databases, type: resource-affinity, affinity: negative, resources: ['vm:110', 'vm:111']}
      - {rule: fast, type: node-affinity, resources: ['vm:110', 'vm:111'], nodes: [pve1, pve2], strict: true}
  run_once: true
"""

RETURN = r"""
before:
  description: All rules before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: []
after:
  description: All rules after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{rule: fast, type: node-affinity, nodes: [pve1], resources: ['vm:110']}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: fast, set: [nodes, resources]}]
gathered:
  description: The rules that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{rule: fast, type: node-affinity, nodes: [pve1], resources: ['vm:110']}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._ha import RULE


def main() -> None:
    ResourceModule(RULE).run()


if __name__ == "__main__":
    main()
