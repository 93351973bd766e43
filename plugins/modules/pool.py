#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pool
short_description: Resource pools of Proxmox VE
version_added: 0.1.0
description:
  - Creates, changes and removes pools of guests and storages, a whole list of them in one call.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - This is about pools for permissions; those of Ceph are made by M(baremetal.proxmox.ceph_pool).
  - With a removed pool, its guests and storages stay. What was granted on it goes with it.
  - A guest is in one pool at most. Where the list itself moves one from pool to pool, nothing has to be said.
options:
  config:
    description:
      - The pools, with Proxmox's own names, C(_) for C(-).
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      poolid:
        description:
          - Name of the pool. Pools can be in each other, V(prod/web) in V(prod), three deep; the outer ones are made
            first.
        type: str
        required: true
      comment:
        description: A text about it.
        type: str
      vms:
        description: Numbers of the guests in it, set as a whole; they have to exist.
        type: list
        elements: int
      storage:
        description: Storages in it, set as a whole; they have to exist.
        type: list
        elements: str
      allow_move:
        description: Take guests out of pools that are not listed.
        type: bool
"""

EXAMPLES = r"""
- name: Pools of a rack
  baremetal.proxmox.pool:
    config:
      - {poolid: prod, comment: Production, storage: [ceph]}
      - {poolid: prod/web, vms: [100, 101]}
"""

RETURN = r"""
before:
  description: All pools before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{poolid: prod/web, vms: [100, 101]}]
after:
  description: All pools after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{poolid: prod/web, vms: [100, 101]}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: prod/web, set: [vms]}]
gathered:
  description: The pools that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{poolid: prod/web, vms: [100, 101]}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._access_pools import POOL_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule


def main() -> None:
    ResourceModule(POOL_TABLE).run()


if __name__ == "__main__":
    main()
