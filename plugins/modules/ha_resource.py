#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ha_resource
short_description: Guests that HA looks after
version_added: 0.1.0
description:
  - Gives guests to HA, changes how it treats them, and takes them away again, a whole list of them in one call.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - Proxmox VE 9 takes a guest that is removed here out of the rules, too.
  - In a list of everything (O(state=overridden)), guests that are missing stay as they run and are no longer
    restarted elsewhere.
options:
  config:
    description:
      - The guests, with Proxmox's own names, C(_) for C(-).
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      sid:
        description: V(vm:NUMBER) or V(ct:NUMBER).
        type: str
        required: true
      state:
        description: What HA tries to achieve. V(enabled) is an old name of V(started).
        type: str
        choices: [started, stopped, enabled, disabled, ignored]
      group:
        description:
          - Its group (M(baremetal.proxmox.ha_group)). Only before Proxmox VE 9, which has
            M(baremetal.proxmox.ha_rule).
        type: str
      failback:
        description:
          - Whether it goes back to a node with a higher priority. From Proxmox VE 9 on; before, it is C(nofailback)
            of the group.
        type: bool
      auto_rebalance:
        description: Whether it may be moved to balance the load. From Proxmox VE 9.2 on.
        type: bool
      max_restart:
        description: How often a start is tried on one node.
        type: int
      max_relocate:
        description: To how many other nodes it goes when it does not start.
        type: int
      comment:
        description: A text about it.
        type: str
"""

EXAMPLES = r"""
- name: A database that HA keeps running
  baremetal.proxmox.ha_resource:
    config:
      - {sid: 'vm:110', state: started, max_restart: 3, max_relocate: 2, comment: db}
      - {sid: 'ct:120'}
  run_once: true
"""

RETURN = r"""
before:
  description: All of HA's guests before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: []
after:
  description: All of HA's guests after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{sid: 'vm:110', state: started}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: 'vm:110', set: [state]}]
gathered:
  description: HA's guests, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{sid: 'vm:110', state: started}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._ha import RESOURCE


def main() -> None:
    ResourceModule(RESOURCE).run()


if __name__ == "__main__":
    main()
