# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
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
"""
