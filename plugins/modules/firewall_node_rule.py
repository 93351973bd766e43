#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_node_rule
short_description: Rules of the firewall of one node of Proxmox VE
version_added: 0.1.0
description:
  - One call makes of the list of rules of the node that is asked the one that O(config) and O(state) say; the order counts.
  - Proxmox's rules have no names, only positions. Here two rules are the same when they differ at most in O(config[].enable),
    O(config[].log) and O(config[].comment).
  - With O(state=merged), all given rules are there in the given order; other rules stay, in their order. A new one comes right
    behind the one that is given before it; the first ones before the given one that follows, and to the top where none is
    there yet. Settings that are not written stay.
  - With O(state=replaced) or O(state=overridden), there are exactly these rules, in this order.
  - With O(state=deleted), the given rules are removed.
  - They come before those of the cluster, see M(baremetal.proxmox.firewall_rule).
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
  - baremetal.proxmox.firewall_rules
  - baremetal.proxmox.firewall_lockout
"""

EXAMPLES = r"""
- name: The exporter of this node
  baremetal.proxmox.firewall_node_rule:
    config:
      - {type: in, action: ACCEPT, proto: tcp, dport: '9100', source: monitoring}
"""

RETURN = r"""
before:
  description: All rules before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{type: in, action: ACCEPT, source: monitoring, proto: tcp, dport: '9100'}]
after:
  description: All rules after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{type: in, action: ACCEPT, source: monitoring, proto: tcp, dport: '9100'}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: update, item: rules, set: [rules]}]
gathered:
  description: All rules, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{type: in, action: ACCEPT, source: monitoring, proto: tcp, dport: '9100'}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_tables import NODE_RULES


def main() -> None:
    ResourceModule(NODE_RULES).run()


if __name__ == "__main__":
    main()
