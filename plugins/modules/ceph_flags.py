#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_flags
short_description: Flags of Ceph such as noout
version_added: 0.1.0
description:
  - Sets and clears flags that hold for all OSDs, all of them in one call of the API.
  - A flag exists while it is set. So O(state=merged) sets the listed ones and leaves others, O(state=overridden) also
    clears those that are not listed, O(state=deleted) clears the listed ones, and O(state=gathered) tells which are set.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - While one of them is set, Ceph's health is C(HEALTH_WARN) with the check C(OSDMAP_FLAGS).
options:
  config:
    description: The flags.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the flag, one of V(nobackfill), V(nodeep-scrub), V(nodown), V(noin), V(noout), V(norebalance),
            V(norecover), V(noscrub), V(notieragent), V(noup) and V(pause). While V(pause) is set, nothing can be read or
            written.
        type: str
        required: true
      value:
        description: Whether it is to be set. The default is V(true).
        type: bool
"""

EXAMPLES = r"""
- name: Nothing is moved while a node is down for maintenance
  baremetal.proxmox.ceph_flags:
    config:
      - name: noout
      - {name: norebalance, value: false}

- name: Afterwards, no flag is left
  baremetal.proxmox.ceph_flags:
    config: []
    state: overridden
"""

RETURN = r"""
before:
  description: All flags that are set before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: noout, value: true}]
after:
  description: All flags that are set after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: noout, value: true}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: noout}]
gathered:
  description: The flags that are set that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{name: noout, value: true}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_flags import FLAG
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule


def main() -> None:
    ResourceModule(FLAG, ceph=Ceph.from_module).run()


if __name__ == "__main__":
    main()
