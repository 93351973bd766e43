#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbs_traffic_control
short_description: Limits of traffic of Proxmox Backup Server
version_added: 0.1.0
description:
  - >-
      Creates, changes and removes rules of traffic control: how much clients of a network may send and fetch, and when.
  - A whole list in one call. Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.backup_connection
  - baremetal.proxmox.resource
options:
  config:
    description:
      - The rules, with Proxmox's own names.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the rule.
        type: str
        required: true
      network:
        description: Networks of the clients, such as V(10.0.0.0/8). Needed to create a rule.
        type: list
        elements: str
      timeframe:
        description: When the rule holds, such as V(mon..fri 8:00-18:00). Always when not given.
        type: list
        elements: str
      users:
        description: Users and tokens for which it holds. All when not given. Since Proxmox Backup Server 4.
        type: list
        elements: str
      comment:
        description: A text about it.
        type: str
      rate_in:
        description: How much may come in, in bytes a second with a unit, such as V(10 MB) or V(1.5GiB).
        type: str
      rate_out:
        description: The same for what goes out.
        type: str
      burst_in:
        description: How much may come in for a moment.
        type: str
      burst_out:
        description: The same for what goes out.
        type: str
"""

EXAMPLES = r"""
- name: By day the office is not slowed down
  baremetal.proxmox.pbs_traffic_control:
    config:
      - {name: office, network: [10.20.0.0/16], timeframe: ['mon..fri 8:00-18:00'], rate_in: 50 MB, rate_out: 50 MB}
"""

RETURN = r"""
before:
  description: All rules before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: office, network: [10.20.0.0/16], rate_in: 50 MB}]
after:
  description: All rules after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: office, network: [10.20.0.0/16], rate_in: 50 MB}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: office, set: [rate_in]}]
gathered:
  description: The rules that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{name: office, network: [10.20.0.0/16], rate_in: 50 MB}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_settings import TRAFFIC_CONTROL
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_words import run


def main() -> None:
    run(TRAFFIC_CONTROL)


if __name__ == "__main__":
    main()
