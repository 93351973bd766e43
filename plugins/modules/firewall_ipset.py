#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_ipset
short_description: IP sets of the firewall of Proxmox VE
version_added: 0.1.0
description:
  - Creates, changes and removes sets of addresses, each with what is in it, a whole list of sets in one call.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
  - baremetal.proxmox.firewall_lockout
notes:
  - Who is in the set V(management) reaches the API, ssh, consoles and migration of every node; who is in V(blacklist) reaches
    nothing.
  - New members are added before others are removed.
  - A set that is used by a rule of the cluster, of a group or a node is not removed. Guests are not looked at.
  - While the firewall is on, what would shut out the run itself is refused, see O(allow_lockout).
options:
  config:
    description:
      - The sets.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the set, in lower case.
        type: str
        required: true
      comment:
        description: A text about it.
        type: str
      members:
        description: What is in it, as a whole.
        type: list
        elements: dict
        suboptions:
          cidr:
            description: Address, network or alias.
            type: str
            required: true
          nomatch:
            description: Leave this out of the set, though a larger network of it is in.
            type: bool
          comment:
            description: A text about it.
            type: str
"""

EXAMPLES = r"""
- name: Who administrates
  baremetal.proxmox.firewall_ipset:
    config:
      - name: management
        comment: the office
        members:
          - {cidr: 198.51.100.0/24}
          - {cidr: 198.51.100.66, nomatch: true, comment: the printer}
"""

RETURN = r"""
before:
  description: All sets before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: management, members: [{cidr: 198.51.100.0/24}]}]
after:
  description: All sets after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: management, members: [{cidr: 198.51.100.0/24}]}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: management, set: [members]}]
gathered:
  description: All sets, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{name: management, members: [{cidr: 198.51.100.0/24}]}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_names import IPSET


def main() -> None:
    ResourceModule(IPSET).run()


if __name__ == "__main__":
    main()
