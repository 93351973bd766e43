#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_options
short_description: Options of the firewall of a cluster of Proxmox VE
version_added: 0.1.0
description:
  - Switches the firewall of a cluster on or off and sets its policies.
  - There is one of it, so that O(config) is a dict. With O(state=deleted) all settings are taken away,
    and O(config) is not needed.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
  - baremetal.proxmox.firewall_lockout
notes:
  - Without a policy of its own, what comes in is dropped as soon as the firewall is on. Proxmox itself lets in what corosync
    needs, and TCP 22, 8006, 3128, 5900 to 5999 and 60000 to 60050 for the nodes' own network and the IP set V(management).
    Ceph, migration over another network and everything else needs rules.
  - What would shut out the run itself is refused, see O(allow_lockout). Who else needs to get in is not known here.
  - With V(DROP) or V(REJECT) as O(config.policy_out), what the nodes themselves ask for is dropped as well, unless a rule
    accepts it, such as storage, Ceph, names and the time. Between the nodes, ssh, the API and corosync go on.
options:
  config:
    description:
      - The settings, with Proxmox's own names.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: dict
    suboptions:
      enable:
        description: Whether the firewall is on.
        type: bool
      trial:
        description:
          - Where the firewall is switched on by this call, Proxmox switches it off again after 60 seconds, unless the same is
            asked for once more without O(config.trial) until then.
          - Where it is on already, this does nothing.
          - Refused where a node uses nftables, which cannot be switched on for a time.
        type: bool
      policy_in:
        description: What becomes of what comes in and no rule is about.
        type: str
        choices: [ACCEPT, DROP, REJECT]
      policy_out:
        description: What becomes of what goes out and no rule is about.
        type: str
        choices: [ACCEPT, DROP, REJECT]
      policy_forward:
        description: What becomes of what is forwarded and no rule is about; only with nftables.
        type: str
        choices: [ACCEPT, DROP]
      ebtables:
        description: Whether there are rules for layer 2 as well.
        type: bool
      log_ratelimit:
        description: How much is logged, C(enable), C(rate) such as V(1/second) and C(burst).
        type: dict
"""

EXAMPLES = r"""
- name: On for a minute
  baremetal.proxmox.firewall_options:
    config: {enable: true, policy_in: DROP, trial: true}

- name: For good, from a new connection
  baremetal.proxmox.firewall_options:
    config: {enable: true, policy_in: DROP}
"""

RETURN = r"""
before:
  description: The settings before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: dict
  sample: {enable: true, policy_in: DROP}
after:
  description: The settings after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: dict
  sample: {enable: true, policy_in: DROP}
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: update, item: options, set: [enable]}]
gathered:
  description: The settings, in the form of O(config).
  returned: with O(state=gathered)
  type: dict
  sample: {enable: true, policy_in: DROP}
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_tables import OPTIONS_TABLE


def main() -> None:
    ResourceModule(OPTIONS_TABLE).run()


if __name__ == "__main__":
    main()
