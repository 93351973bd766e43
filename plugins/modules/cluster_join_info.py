#!/usr/bin/python

# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_join_info
short_description: What a node needs to join the cluster through this member
version_added: 0.1.0
description:
  - Runs on a member of a cluster, as root, and returns what O(baremetal.proxmox.cluster#module:peer) takes.
  - Instead of the root password it returns a ticket of root@pam, which Proxmox VE takes in its place for two hours. So a
    join needs neither password nor ssh keys between the nodes.
  - Changes nothing.
notes:
  - The result is secret. Set C(no_log=true) on the task.
  - In check mode there is no ticket, and a node that is in no cluster yet is no error; RV(join.name) is then null.
options:
  joining:
    description:
      - Host names of the nodes that are going to join.
      - If one of them is listed in the cluster and is not online, its join was cut off, and the result also holds
        corosync's key (RV(join.corosync_authkey)), with which M(baremetal.proxmox.cluster) finishes it. This works even if
        the cluster has lost its quorum by that join, as a cluster of one does.
    type: list
    elements: str
    default: []
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
  - module: baremetal.proxmox.cluster
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Ask the first node
  baremetal.proxmox.cluster_join_info:
    joining: [pve2]
  delegate_to: pve1
  register: info
  no_log: true

- name: Join
  baremetal.proxmox.cluster:
    name: prod
    links:
      - {number: 0, address: 10.98.0.12}
    peer: "{{ info.join }}"
"""

RETURN = r"""
join:
  description: Goes into O(baremetal.proxmox.cluster#module:peer) as it is.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the cluster.
      type: str
    node:
      description: Name of this node.
      type: str
    address:
      description: Address of this node's API.
      type: str
    fingerprint:
      description: SHA-256 fingerprint of the certificate of this node's API.
      type: str
    ticket:
      description: Short-lived ticket of root@pam.
      type: str
    authkey_sha256:
      description: SHA-256 of corosync's key, by which clusters of one name are told apart.
      type: str
    corosync_conf:
      description: The cluster's corosync.conf.
      type: str
    corosync_authkey:
      description: Corosync's key in Base64, only if the join of one of O(joining) was cut off; else null.
      type: str
    online:
      description: Names of the nodes that are online.
      type: list
      elements: str
    certificates:
      description: Names of the nodes that have a certificate of the cluster, which is the end of a join.
      type: list
      elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _errors, _membership, _node, _peer, _session


def main_info(module: AnsibleModule) -> dict[str, Any]:
    _node.require_root()
    machine = _node.Machine()
    if module.check_mode and not _membership.read(machine).listed:
        module.warn(f"{machine.hostname} is in no cluster yet.")
        empty = dict.fromkeys(("name", "address", "fingerprint", "ticket"))
        return {"changed": False, "join": {**empty, "node": machine.hostname}}
    join = _peer.info(machine, module.params["joining"])
    ticket = None if module.check_mode else _session.local_ticket()[0]
    return {"changed": False, "join": {**join, "ticket": ticket}}


def main() -> None:
    module = AnsibleModule(
        argument_spec={"joining": {"type": "list", "elements": "str", "default": []}}, supports_check_mode=True
    )
    _errors.run(module, main_info)


if __name__ == "__main__":
    main()
