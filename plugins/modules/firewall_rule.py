#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_rule
short_description: Rules of the firewall of a cluster of Proxmox VE
version_added: 0.4.0
description:
  - One call makes of the list of rules of the cluster the one that O(config) and O(state) say; the order counts.
  - Proxmox's rules have no names, only positions. Here two rules are the same when they differ at most in O(config[].enable),
    O(config[].log) and O(config[].comment).
  - With O(state=merged), all given rules are there in the given order; other rules stay, in their order. A new one comes right
    behind the one that is given before it; the first ones before the given one that follows, and to the top where none is
    there yet. Settings that are not written stay.
  - With O(state=replaced) or O(state=overridden), there are exactly these rules, in this order.
  - With O(state=deleted), the given rules are removed.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - Each call of Proxmox's API changes one rule, and the firewall may load any state in between. What accepts is made before what
    was there is removed; what blocks is made switched off, and switched on when everything is in its place. Rules are moved
    in such a way that none that blocks comes before one that accepts where that is so neither before nor after.
  - A new rule that accepts works from the moment on when it is made, at first before all others.
  - Before each call the list is read again, and its digest is sent. When somebody else has changed it, everything is planned
    anew.
  - While the firewall is on, what would shut out the run itself is refused, see O(allow_lockout).
options:
  config:
    description:
      - The rules, with Proxmox's own names, C(_) for C(-).
    type: list
    elements: dict
    suboptions:
      type:
        description: Which packets it is about; V(group) uses a security group.
        type: str
        choices: [in, out, forward, group]
        required: true
      action:
        description: V(ACCEPT), V(DROP) or V(REJECT); with O(config[].type=group), the name of the group.
        type: str
        required: true
      macro:
        description: One of Proxmox's names for protocols and ports, such as V(SSH).
        type: str
      iface:
        description: Only packets of this interface; a rule with it does not count as a way in.
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
  allow_lockout:
    description:
      - Do it even though an address from which there is an ssh connection to this node now, or from which the API is asked,
        could no longer reach a node by it.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Who gets in
  baremetal.proxmox.firewall_rule:
    config:
      - {type: group, action: monitoring}
      - {type: in, action: ACCEPT, macro: Ceph, source: ceph}
      - {type: in, action: ACCEPT, macro: SSH, source: +admins, log: info, comment: also from home}
      - {type: in, action: DROP, source: 203.0.113.0/24}
    state: overridden
"""

RETURN = r"""
before:
  description: All rules before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{type: in, action: ACCEPT, macro: SSH, source: +admins}]
after:
  description: All rules after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{type: in, action: ACCEPT, macro: SSH, source: +admins}]
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
  sample: [{type: in, action: ACCEPT, macro: SSH, source: +admins}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_tables import CLUSTER_RULES


def main() -> None:
    ResourceModule(CLUSTER_RULES).run()


if __name__ == "__main__":
    main()
