#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_alias
short_description: Aliases of the firewall of Proxmox VE
version_added: 0.1.0
description:
  - Creates, changes and removes names for addresses and networks, a whole list of them in one call.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - Names are in lower case here; Proxmox takes no notice of it.
  - The alias V(local_network) replaces the network that Proxmox finds for each node by itself, and with it who gets in.
  - An alias that is used by a rule of the cluster, of a group or a node, or by an IP set, is not removed. Guests are not
    looked at.
  - While the firewall is on, what would shut out the run itself is refused, see O(allow_lockout).
options:
  config:
    description:
      - The aliases.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the alias.
        type: str
        required: true
      cidr:
        description: Address or network; needed to create it.
        type: str
      comment:
        description: A text about it.
        type: str
  allow_lockout:
    description:
      - Do it even though an address from which there is an ssh connection to this node now, or from which the API is asked,
        could no longer reach a node by it.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Names for the networks
  baremetal.proxmox.firewall_alias:
    config:
      - {name: ceph, cidr: 10.10.20.0/24, comment: storage}
      - {name: monitoring, cidr: 192.0.2.5}
"""

RETURN = r"""
before:
  description: All aliases before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: monitoring, cidr: 192.0.2.5}]
after:
  description: All aliases after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: monitoring, cidr: 192.0.2.5}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: monitoring, set: [cidr]}]
gathered:
  description: All aliases, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{name: monitoring, cidr: 192.0.2.5}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_names import ALIAS


def main() -> None:
    ResourceModule(ALIAS).run()


if __name__ == "__main__":
    main()
