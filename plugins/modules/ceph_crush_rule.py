#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_crush_rule
short_description: CRUSH rules of Ceph
version_added: 0.1.0
description:
  - Creates and removes CRUSH rules, a whole list of them in one call. A rule says where the copies of a pool's data are.
  - Nothing changes a rule. O(config[].recreate) makes one anew that no pool uses.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.resource
notes:
  - It runs on a node of the cluster, as root, and asks Ceph's monitors. Proxmox has no API for it.
  - Rules of another form than these, such as those with several steps, are left alone.
  - The rule C(replicated_rule), and the rules that Ceph makes for erasure-coded pools by the pool's name, are never
    removed by O(state=overridden).
requirements:
  - python3-rados
options:
  config:
    description: The rules.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the rule.
        type: str
        required: true
      type:
        description: For which pools it is. Needed to create it.
        type: str
        choices: [replicated, erasure]
      root:
        description: The bucket of the CRUSH map below which data is placed. The default is V(default).
        type: str
      failure_domain:
        description: Type of the buckets over which copies are spread, such as V(host), V(rack) or V(osd). The default is V(host).
        type: str
      device_class:
        description: Only OSDs of this class, such as V(ssd). Not set is all.
        type: str
      profile:
        description:
          - Erasure code profile that a rule with O(config[].type=erasure) is made from; needed to create it. The profile
            says what the three settings above are.
        type: str
      recreate:
        description: Where a setting differs, remove the rule and create it anew, instead of an error.
        type: bool
        default: false
"""

EXAMPLES = r"""
- name: Rules for the fast and for the slow disks
  baremetal.proxmox.ceph_crush_rule:
    config:
      - {name: on_ssd, type: replicated, device_class: ssd}
      - {name: on_hdd, type: replicated, device_class: hdd, failure_domain: rack}

- name: Remove a rule that no pool uses
  baremetal.proxmox.ceph_crush_rule:
    config:
      - name: on_hdd
    state: deleted
"""

RETURN = r"""
before:
  description: All rules before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: on_ssd, type: replicated, root: default, failure_domain: host, device_class: ssd}]
after:
  description: All rules after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: on_ssd, type: replicated, root: default, failure_domain: host, device_class: ssd}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: on_ssd, set: [device_class]}]
gathered:
  description: The rules that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{name: on_ssd, type: replicated, root: default, failure_domain: host, device_class: ssd}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_tables
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_crush import RULE


def main() -> None:
    _ceph_tables.run(RULE)


if __name__ == "__main__":
    main()
