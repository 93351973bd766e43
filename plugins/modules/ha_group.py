#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ha_group
short_description: Groups of nodes for HA, before Proxmox VE 9
version_added: 0.1.0
description: Creates, changes and removes groups of nodes, in which HA keeps guests.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - From Proxmox VE 9 on there are rules instead (M(baremetal.proxmox.ha_rule)). There this module refuses to do
    anything, and O(state=gathered) finds none.
options:
  config:
    description:
      - The groups.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      group:
        description: Name of the group.
        type: str
        required: true
      nodes:
        description: The nodes, each C(NODE) or C(NODE:PRIORITY). The highest priority is taken first.
        type: list
        elements: str
      restricted:
        description: Whether its guests run on no other nodes.
        type: bool
      nofailback:
        description: Whether guests stay where they are when a node with a higher priority comes back.
        type: bool
      comment:
        description: A text about it.
        type: str
"""

EXAMPLES = r"""
- name: Guests that need the fast nodes, and prefer the first
  baremetal.proxmox.ha_group:
    config:
      - {group: fast, nodes: ['pve1:2', pve2], restricted: true}
  run_once: true
"""

RETURN = r"""
before:
  description: All groups before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: []
after:
  description: All groups after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{group: fast, nodes: ['pve1:2', pve2]}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: fast, set: [nodes]}]
gathered:
  description: The groups that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{group: fast, nodes: ['pve1:2', pve2]}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._ha import GROUP


def main() -> None:
    ResourceModule(GROUP).run()


if __name__ == "__main__":
    main()
