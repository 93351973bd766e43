#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_group
short_description: Security groups of the firewall of Proxmox VE
version_added: 0.1.0
description:
  - Creates, changes and removes groups of rules that rules elsewhere can use, a whole list of groups in one call.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
  - baremetal.proxmox.firewall_lockout
notes:
  - Rules are made, moved and removed in the order that M(baremetal.proxmox.firewall_rule) describes.
  - A group that is used by a rule of the cluster or a node is not removed. Guests are not looked at.
  - While the firewall is on, what would shut out the run itself is refused, see O(allow_lockout).
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
        description: Name of the group, in lower case, of at most 18 characters.
        type: str
        required: true
      comment:
        description: A text about it.
        type: str
      rules:
        description: Its rules in their order, as a whole. None of the type V(group), and none with an interface.
        type: list
        elements: dict
        suboptions:
          type:
            description: Which packets it is about; V(group) uses a security group.
            type: str
            choices: [in, out, forward, group]
            required: true
          action:
            description: V(ACCEPT), V(DROP) or V(REJECT); with O(config[].rules[].type=group), the name of the group.
            type: str
            required: true
          macro:
            description: One of Proxmox's names for protocols and ports, such as V(SSH).
            type: str
          iface:
            description: Only packets of this interface; not in a group.
            type: str
          source:
            description:
              - Where packets come from, as an address, a network, a range, a list of addresses with commas, an alias, or V(+name)
                of an IP set.
            type: str
          dest:
            description: Where packets go to, in the same form.
            type: str
          proto:
            description: The protocol, such as V(tcp), or its number.
            type: str
          dport:
            description: Ports that packets go to, such as V(22,8000:8010).
            type: str
          sport:
            description: Ports that packets come from.
            type: str
          icmp_type:
            description: Type of ICMP packets.
            type: str
          enable:
            description: Whether the rule is on, which a new one is.
            type: bool
          log:
            description: What is logged of it.
            type: str
            choices: [emerg, alert, crit, err, warning, notice, info, debug, nolog]
          comment:
            description: A text about it.
            type: str
"""

EXAMPLES = r"""
- name: What monitoring may
  baremetal.proxmox.firewall_group:
    config:
      - group: monitoring
        rules:
          - {type: in, action: ACCEPT, proto: tcp, dport: '9100,9221', source: monitoring}
          - {type: in, action: ACCEPT, macro: Ping, source: monitoring}
"""

RETURN = r"""
before:
  description: All groups before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{group: web, rules: [{type: in, action: ACCEPT, macro: Web}]}]
after:
  description: All groups after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{group: web, rules: [{type: in, action: ACCEPT, macro: Web}]}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: web, set: [rules]}]
gathered:
  description: All groups, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{group: web, rules: [{type: in, action: ACCEPT, macro: Web}]}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_names import GROUP


def main() -> None:
    ResourceModule(GROUP).run()


if __name__ == "__main__":
    main()
