#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_mon
short_description: A monitor of Ceph on this node
version_added: 0.1.0
description:
  - Makes a monitor on the node that it runs on, or removes it, and waits until it is in quorum.
  - A monitor whose making was cut off is completed. What works is left alone; a monitor that has stopped is started.
  - A monitor is removed only if most of the others are in quorum without it.
  - No store of a monitor is destroyed that may be all that is left of a Ceph. What is cleared away beside a working
    quorum, and holds more than Proxmox has just put there, is kept below C(/var/lib/ceph/set-aside).
notes:
  - Proxmox makes a manager together with the first monitor. M(baremetal.proxmox.ceph_mgr) waits for that.
  - Monitors of one cluster are made one by one (C(throttle) or C(serial)). Those made at once wait for each other.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
    description: Runs without changing anything, and tells what would be done first. What that uncovers is not foreseen.
  diff_mode:
    support: full
  platform:
    platforms: debian
options:
  name:
    description: Name of the monitor. By default that of the node.
    type: str
  state:
    description: Whether there is to be one.
    type: str
    choices: [present, absent]
    default: present
  address:
    description:
      - Its address, in a public network of Ceph, where the node has more than one there.
      - That of an existing monitor is not changed. Another one is an error.
    type: str
  timeout:
    description: Seconds that all of it may take, together with waiting for Ceph.
    type: int
    default: 300
seealso:
  - module: baremetal.proxmox.ceph_init
  - module: baremetal.proxmox.ceph_mgr
requirements:
  - python3-proxmoxer
  - python3-requests
  - python3-rados
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: A monitor
  baremetal.proxmox.ceph_mon:

- name: A monitor where the public network has several addresses of the node
  baremetal.proxmox.ceph_mon:
    address: 10.98.0.11

- name: No monitor
  baremetal.proxmox.ceph_mon:
    state: absent
"""

RETURN = r"""
monitor:
  description: The monitor, null if there is none.
  returned: success
  type: dict
  sample: {name: pve1, address: 10.98.0.11, in_quorum: true, running: true, enabled: true}
actions:
  description:
    - What was done, or in check mode would be done, in order. V(create) and V(destroy) are Proxmox's own tasks; the others
      complete or clear what such a task left half done.
  returned: success
  type: list
  elements: str
  sample: [create]
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_run
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_mon import Monitor
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_node import CephNode


def daemon(node: CephNode, ident: str, params: Mapping[str, Any]) -> Monitor:
    return Monitor(node, ident, params["address"])


def run(connect: Callable[[AnsibleModule], CephNode] = _ceph_run.node) -> None:
    _ceph_run.run("monitor", {"address": {"type": "str"}}, daemon, connect)


def main() -> None:
    run()


if __name__ == "__main__":
    main()
