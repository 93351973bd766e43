#!/usr/bin/python

# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_probe
short_description: See how a machine reaches others, what it calls them, and what time it has
version_added: 0.1.0
description:
  - Sends echo requests to many addresses at once, at the full size that the network should carry and with don't-fragment,
    asks for names and addresses, and compares the machine's clock with that of the controller. Changes nothing.
  - The clock is read in several round trips over the connection that Ansible has. Each shows between which two moments of the
    controller's clock the machine looked at its own, so that the error is known.
options:
  targets:
    description: Addresses to reach.
    type: list
    elements: dict
    default: []
    suboptions:
      source:
        description: Own address to send from.
        type: str
        required: true
      address:
        description: Address to send to.
        type: str
        required: true
      mtu:
        description: Size of the packets that should get through, in bytes. Without it only small ones are sent.
        type: int
      about:
        description: Whatever is to be returned with the result, such as the name of the other machine.
        type: dict
        default: {}
  names:
    description: Names to look up.
    type: list
    elements: str
    default: []
  addresses:
    description: Addresses whose names to look up.
    type: list
    elements: str
    default: []
  count:
    description: How many small packets to send to each target.
    type: int
    default: 7
  timeout:
    description: Seconds to wait for replies.
    type: float
    default: 0.6
  resolve_timeout:
    description: Seconds to wait for the name service.
    type: float
    default: 3
  clock_samples:
    description: How many round trips to read the clock in; V(0) for none.
    type: int
    default: 4
  declared:
    description: Returned as it is, for whoever judges all machines together.
    type: dict
    default: {}
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: debian
seealso:
  - module: baremetal.proxmox.node_facts
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Reach the neighbour with jumbo frames
  baremetal.proxmox.node_probe:
    targets:
      - {source: 192.0.2.11, address: 192.0.2.12, mtu: 9000}
    names: [pve2]
  register: probe
"""

RETURN = r"""
probe:
  description: What was seen.
  returned: success
  type: dict
  contains:
    pings:
      description:
        - For each target C(source), C(address), C(mtu), C(about), C(sent) and C(received) small packets, C(rtt_ms) with
          C(min), C(median) and C(max).
        - C(passed) tells whether packets of the full size were answered, null if that was not tried; C(largest) is the size
          of the largest that was.
        - C(error) says why packets could not even be sent.
      type: list
      elements: dict
    names:
      description: For each name C(answer), a list of addresses that may be empty, or null and C(error).
      type: dict
    addresses:
      description: For each address C(answer), a list of names that may be empty, or null and C(error).
      type: dict
clock:
  description:
    - How far the machine's clock is ahead of the controller's, in seconds (C(offset)), by at most how much that can be wrong
      (C(error)), and in how many round trips it was found out (C(samples)). Null without samples.
  returned: success
  type: dict
declared:
  description: O(declared).
  returned: success
  type: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _echo, _errors, _node, _resolve


def main_probe(module: AnsibleModule) -> dict[str, Any]:
    _node.require_root()
    params = module.params
    echo = _echo.Echo(params["timeout"])
    try:
        targets = [_echo.Target(item["source"], item["address"], item["mtu"]) for item in params["targets"]]
        pings = [
            result | {"about": item["about"]}
            for result, item in zip(echo.measure(targets, params["count"]), params["targets"], strict=True)
        ]
    finally:
        echo.close()
    probe = {
        "pings": pings,
        "names": _resolve.all_of(_resolve.forward, params["names"], params["resolve_timeout"]),
        "addresses": _resolve.all_of(_resolve.reverse, params["addresses"], params["resolve_timeout"]),
    }
    # clock and what was declared are added by the action plugin of the same name, on the controller
    return {"changed": False, "probe": probe, "clock": None, "declared": params["declared"]}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "targets": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "source": {"type": "str", "required": True},
                    "address": {"type": "str", "required": True},
                    "mtu": {"type": "int"},
                    "about": {"type": "dict", "default": {}},
                },
            },
            "names": {"type": "list", "elements": "str", "default": []},
            "addresses": {"type": "list", "elements": "str", "default": []},
            "count": {"type": "int", "default": 7},
            "timeout": {"type": "float", "default": 0.6},
            "resolve_timeout": {"type": "float", "default": 3},
            "clock_samples": {"type": "int", "default": 4},
            "declared": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    _errors.run(module, main_probe)


if __name__ == "__main__":
    main()
