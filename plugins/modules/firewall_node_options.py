#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_node_options
short_description: Options of the firewall of one node of Proxmox VE
version_added: 0.1.0
description:
  - Sets the options of the firewall of the node that is asked.
  - There is one of it on each node, so that O(config) is a dict. With O(state=deleted) all settings are taken away,
    and O(config) is not needed.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
  - baremetal.proxmox.firewall_lockout
notes:
  - Nothing of it works unless the firewall of the cluster is on, see M(baremetal.proxmox.firewall_options).
options:
  config:
    description:
      - The settings, with Proxmox's own names.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: dict
    suboptions:
      enable:
        description: Whether the firewall of this node is on, where that of the cluster is.
        type: bool
      log_level_forward:
        description: What is logged of what is forwarded.
        type: str
        choices: [emerg, alert, crit, err, warning, notice, info, debug, nolog]
      log_level_in:
        description: What is logged of what comes in.
        type: str
        choices: [emerg, alert, crit, err, warning, notice, info, debug, nolog]
      log_level_out:
        description: What is logged of what goes out.
        type: str
        choices: [emerg, alert, crit, err, warning, notice, info, debug, nolog]
      log_nf_conntrack:
        description: Whether connections are logged.
        type: bool
      ndp:
        description: Whether IPv6 may look for its neighbours.
        type: bool
      nf_conntrack_allow_invalid:
        description: Whether packets without a known connection may pass.
        type: bool
      nf_conntrack_helpers:
        description: Protocols whose further connections are recognised.
        type: list
        elements: str
        choices: [amanda, ftp, irc, netbios-ns, pptp, sane, sip, snmp, tftp]
      nf_conntrack_max:
        description: How many connections are known at most.
        type: int
      nf_conntrack_tcp_timeout_established:
        description: Seconds after which a connection without packets is forgotten.
        type: int
      nf_conntrack_tcp_timeout_syn_recv:
        description: Seconds after which a half-open connection is forgotten.
        type: int
      nftables:
        description: Whether the firewall is made of nftables, which Proxmox calls a preview.
        type: bool
      nosmurfs:
        description: Whether packets that claim to come from a broadcast address are dropped.
        type: bool
      protection_synflood:
        description: Whether one address may open so many connections only.
        type: bool
      protection_synflood_burst:
        description: How many connections it may open at once.
        type: int
      protection_synflood_rate:
        description: How many connections a second it may open.
        type: int
      smurf_log_level:
        description: What is logged of such packets from broadcast addresses.
        type: str
        choices: [emerg, alert, crit, err, warning, notice, info, debug, nolog]
      tcp_flags_log_level:
        description: What is logged of packets with contradictory flags.
        type: str
        choices: [emerg, alert, crit, err, warning, notice, info, debug, nolog]
      tcpflags:
        description: Whether packets with contradictory flags are dropped.
        type: bool
"""

EXAMPLES = r"""
- name: Log what is dropped
  baremetal.proxmox.firewall_node_options:
    config: {log_level_in: info, tcpflags: true}
"""

RETURN = r"""
before:
  description: The settings before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: dict
  sample: {log_level_in: info}
after:
  description: The settings after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: dict
  sample: {log_level_in: info}
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: update, item: options, set: [log_level_in]}]
gathered:
  description: The settings, in the form of O(config).
  returned: with O(state=gathered)
  type: dict
  sample: {log_level_in: info}
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_tables import NODE_OPTIONS_TABLE


def main() -> None:
    ResourceModule(NODE_OPTIONS_TABLE).run()


if __name__ == "__main__":
    main()
