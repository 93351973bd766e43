#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_mgr
short_description: A manager of Ceph on this node
version_added: 0.1.0
description:
  - Makes a manager on the node that it runs on, or removes it, and waits until Ceph sees it as active or standby.
  - A manager whose making was cut off is completed; one that has stopped is started; a key that is not Ceph's is replaced.
  - The last manager is not removed unless O(allow_last) says so.
notes:
  - Needs a monitor. Proxmox makes a manager together with the first monitor, which is then left as it is.
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
    description: Name of the manager. By default that of the node.
    type: str
  state:
    description: Whether there is to be one.
    type: str
    choices: [present, absent]
    default: present
  allow_last:
    description: Remove it even if no other manager is there.
    type: bool
    default: false
  timeout:
    description: Seconds that all of it may take, together with waiting for Ceph.
    type: int
    default: 300
seealso:
  - module: baremetal.proxmox.ceph_mon
  - module: baremetal.proxmox.ceph_mgr_module
requirements:
  - python3-proxmoxer
  - python3-requests
  - python3-rados
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: A manager
  baremetal.proxmox.ceph_mgr:

- name: No manager
  baremetal.proxmox.ceph_mgr:
    state: absent
"""

RETURN = r"""
manager:
  description: The manager, null if there is none. Its C(state) is V(active) or V(standby).
  returned: success
  type: dict
  sample: {name: pve1, state: active, running: true, enabled: true}
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
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_keyed import MGR, Daemon
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_node import CephNode


def daemon(node: CephNode, ident: str, params: Mapping[str, Any]) -> Daemon:
    return Daemon(MGR, node, ident, allow_last=params["allow_last"])


def run(connect: Callable[[AnsibleModule], CephNode] = _ceph_run.node) -> None:
    _ceph_run.run("manager", {"allow_last": {"type": "bool", "default": False}}, daemon, connect)


def main() -> None:
    run()


if __name__ == "__main__":
    main()
