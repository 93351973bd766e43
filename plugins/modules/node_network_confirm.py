#!/usr/bin/python

# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_network_confirm
short_description: Keep a change of a node's network, if it reaches what it should reach
version_added: 0.1.0
description:
  - Comes back to the node over a new connection after M(baremetal.proxmox.node_network) has begun a change, asks everything
    in O(pings) for an answer, and only then makes the change permanent.
  - If something does not answer, the node takes the change back at once. If the node cannot be reached, it takes the change
    back when the time is over. In both cases the task waits until the old configuration is back, and fails with the reason.
  - What the node reaches is asked again until some seconds before the time is over, because the other machines may still
    be changing.
options:
  transaction:
    description: RV(baremetal.proxmox.node_network#module:transaction).
    type: dict
    required: true
    suboptions:
      id:
        description: Which change.
        type: str
        required: true
      timeout:
        description: Seconds after which the node takes it back.
        type: int
        required: true
  pings:
    description: What has to answer one echo request of exactly its MTU, which must not be fragmented on the way.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description: The address that has to answer.
        type: str
        required: true
      mtu:
        description: Size of the packet.
        type: int
        default: 1500
      interface:
        description: The interface that the request leaves by.
        type: str
      what:
        description: What the address is, for the sentence that says that it did not answer.
        type: str
        default: the address
  look:
    description:
      - Only tells how far the change is. This is how the task first waits for the change to be made, so that the connection
        over which it is confirmed is one from after the change.
    type: bool
    default: false
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
    details: Without a change there is nothing to confirm, so that nothing is done.
  diff_mode:
    support: none
  platform:
    platforms: debian
seealso:
  - module: baremetal.proxmox.node_network
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Keep the change, if the gateway and the other node are reached
  baremetal.proxmox.node_network_confirm:
    transaction: "{{ network.transaction }}"
    pings:
      - {address: 192.0.2.1, interface: vmbr0, what: the gateway}
      - {address: 198.51.100.12, interface: bond0.40, mtu: 9000, what: pve2}
  when: network.transaction is defined
"""

RETURN = r"""
state:
  description: V(confirmed), or V(rolled_back) in a failure after which the old configuration is back.
  returned: always
  type: str
reason:
  description: Why the change was taken back.
  returned: when it was
  type: str
output:
  description: What ifreload said.
  returned: when it said something
  type: str
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _errors, _network_transaction

# left of the time when a last answer is not waited for any more: the confirmation must not race the timer
MARGIN = 8


def main_confirm(module: AnsibleModule) -> dict[str, Any]:
    change = _network_transaction.Transaction()
    identity = module.params["transaction"]["id"]
    state = _answer(change.state(), identity)
    if state["state"] == "applied" and not module.params["look"]:
        until = time.monotonic() + state["remain"] - MARGIN
        silent = _network_transaction.silent(module.params["pings"], change.ping, until)
        if silent:
            change.reject("; ".join(_network_transaction.no_answer(target) for target in silent))
        else:
            change.confirm()
        change.await_end()
    elif state["state"] == "rolling_back" or not state["remain"]:
        change.await_end()
    return {**_answer(change.state(), identity), "changed": False}


def _answer(state: dict[str, Any], identity: str) -> dict[str, Any]:
    if state["id"] != identity:
        return {
            **state,
            "state": "rolled_back",
            "reason": "the machine was restarted, or somebody else changed its network",
        }
    return state


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "transaction": {
                "type": "dict",
                "required": True,
                "options": {"id": {"type": "str", "required": True}, "timeout": {"type": "int", "required": True}},
            },
            "look": {"type": "bool", "default": False},
            "pings": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "address": {"type": "str", "required": True},
                    "mtu": {"type": "int", "default": 1500},
                    "interface": {"type": "str"},
                    "what": {"type": "str", "default": "the address"},
                },
            },
        },
        supports_check_mode=True,
    )
    _errors.run(module, main_confirm)


if __name__ == "__main__":
    main()
