#!/usr/bin/python

# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster
short_description: Create a Proxmox VE cluster, or join this node to one
version_added: 0.1.0
description:
  - Runs on the node, as root. Without O(peer) it creates the cluster with this node as its first member; with O(peer) it
    joins this node to the cluster of that member.
  - It returns when the node can be worked with. C(/etc/pve) is writable, the cluster has quorum, the API is back with a new
    ticket and shows the cluster's certificate, and every other member that is online sees this node online.
  - A node that is in the cluster already is left as it is; if its corosync or cluster file system does not run, it is started.
  - A create or join that was cut off, by a crash or a power cut at any moment, is finished by the next run.
  - Joins must not run side by side. Proxmox VE 8.4 and 9 lose nodes that way, so take one node after the other.
notes:
  - Identity is guarded. Nothing is changed on any node if this node, or its peer, has to do with another cluster, by name or
    by corosync's key; if the cluster lists another machine by this node's name; if it removed this node; or if this node has
    guests, whose configuration a join would replace.
  - A node of this name that the cluster lists as offline is taken for this machine only if this machine has begun that join
    (it notes that in C(/var/lib/baremetal-proxmox) until the join is verified), or holds the cluster's key, or if no node of
    that name has ever finished a join. Otherwise it is an error, and the old node has to be removed by hand.
  - Links, votes and node ID of a member that differ from what is wanted are an error, before anything is done. They are not
    changed in a running cluster.
  - Proxmox's C(pvecm) goes on if this module is killed or times out. The next run waits for it, and helps it if it hangs.
options:
  name:
    description: Name of the cluster. At most 15 letters, digits and hyphens.
    type: str
    required: true
  links:
    description:
      - Corosync's links, each with the address of this node. All nodes of a cluster have the same link numbers.
      - By default there is one link, on the address that the host name resolves to.
    type: list
    elements: dict
    default: []
    suboptions:
      number:
        description: Number of the link, 0 to 7.
        type: int
        required: true
        choices: [0, 1, 2, 3, 4, 5, 6, 7]
      address:
        description: Address of this node on the link. One of its interfaces has to have it.
        type: str
        required: true
      priority:
        description: Priority of the link in the whole cluster, 0 to 255. Set when the cluster is created, only compared later.
        type: int
  votes:
    description: Votes of this node. Proxmox VE gives 1.
    type: int
  nodeid:
    description: Corosync's number of this node. By default the lowest that is free.
    type: int
  peer:
    description:
      - A member of the cluster to join. M(baremetal.proxmox.cluster_join_info) returns all of it.
      - By hand give O(peer.address), and O(peer.fingerprint) with O(peer.password), or O(peer.use_ssh).
    type: dict
    suboptions:
      address:
        description: Address of its API.
        type: str
      fingerprint:
        description: SHA-256 fingerprint of the certificate of its API.
        type: str
      ticket:
        description: Ticket of root@pam.
        type: str
      password:
        description: Password of root. Goes to C(pvecm) on stdin.
        type: str
      use_ssh:
        description: Join by ssh. The key of root on this node has to be authorized on the peer, whose host key is known here.
        type: bool
        default: false
      name:
        description: Name of its cluster.
        type: str
      node:
        description: Its node name.
        type: str
      authkey_sha256:
        description: SHA-256 of corosync's key.
        type: str
      corosync_conf:
        description: The cluster's corosync.conf. Without it the peer is asked.
        type: str
      corosync_authkey:
        description: Corosync's key in Base64, to finish a join that was cut off.
        type: str
      online:
        description: Names of the nodes that are online.
        type: list
        elements: str
      certificates:
        description: Names of the nodes that have finished a join.
        type: list
        elements: str
  members:
    description: Names of the nodes that the cluster is to have in the end. Any other that it has gives a warning.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds for everything together.
    type: int
    default: 300
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: debian
seealso:
  - module: baremetal.proxmox.cluster_join_info
  - module: baremetal.proxmox.node_info
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Create a cluster with two links
  baremetal.proxmox.cluster:
    name: prod
    links:
      - {number: 0, address: 10.98.0.11}
      - {number: 1, address: 10.99.0.11}

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
      - {number: 1, address: 10.99.0.12}
    peer: "{{ info.join }}"

- name: Join with a password and a fingerprint that were told otherwise
  baremetal.proxmox.cluster:
    name: prod
    peer:
      address: 10.99.0.11
      fingerprint: "{{ fingerprint }}"
      password: "{{ root_password }}"
"""

RETURN = r"""
cluster:
  description: The cluster as this node sees it in the end.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    node:
      description: Name of this node.
      type: str
    nodeid:
      description: Number of this node, null if it is not known yet.
      type: int
    action:
      description:
        - What was done, or would be in check mode. V(none), V(create), V(join), V(enter) (a cut-off join whose last part was
          still to be done), or V(finish) (the end of a create or join that was cut off, or a member that was down).
      type: str
    nodes:
      description: Names of all nodes.
      type: list
      elements: str
    quorate:
      description: Whether there is quorum.
      type: bool
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import (
    _cluster,
    _errors,
    _membership,
    _names,
    _node,
    _peer,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._cluster_checks import Link, Plan, Wanted
from ansible_collections.baremetal.proxmox.plugins.module_utils._module import Module
from ansible_collections.baremetal.proxmox.plugins.module_utils._node_api import NodeApi
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

ARGUMENTS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "links": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "number": {"type": "int", "required": True, "choices": list(range(8))},
            "address": {"type": "str", "required": True},
            "priority": {"type": "int"},
        },
    },
    "votes": {"type": "int"},
    "nodeid": {"type": "int"},
    "peer": {
        "type": "dict",
        "options": {
            "address": {"type": "str"},
            "fingerprint": {"type": "str"},
            "ticket": {"type": "str", "no_log": True},
            "password": {"type": "str", "no_log": True},
            "use_ssh": {"type": "bool", "default": False},
            "name": {"type": "str"},
            "node": {"type": "str"},
            "authkey_sha256": {"type": "str", "no_log": False},
            "corosync_conf": {"type": "str"},
            "corosync_authkey": {"type": "str", "no_log": True},
            "online": {"type": "list", "elements": "str"},
            "certificates": {"type": "list", "elements": "str"},
        },
    },
    "members": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "int", "default": 300},
}


def converge(module: AnsibleModule) -> dict[str, Any]:
    _node.require_root()
    params, machine, api = module.params, _node.Machine(), NodeApi()
    wanted = _wanted(params)
    before = _membership.read(machine)
    if not machine.has_proxmox and not module.check_mode:
        raise _errors.NotInstalled(f"Proxmox VE is not installed on {machine.hostname}.")
    given = params["peer"]
    unborn = given is not None and not given["address"]
    if module.check_mode and (unborn or not machine.has_proxmox):
        module.warn(f"{machine.hostname}: the cluster '{wanted.name}' cannot be looked at yet; this is a prediction.")
        return _result(wanted, Plan.JOIN if given else Plan.CREATE, before, before, changed=True, members=[])
    if unborn:
        raise _errors.InputError("peer: the member to join through has no address.")
    peer = _peer.look(given, machine, api) if given else None
    run = _cluster.Cluster(machine, api, wanted, peer, Deadline(params["timeout"]))
    step, after = run.predict() if module.check_mode else run.run()
    if params["members"] and (strangers := sorted(set(after.members) - set(params["members"]))):
        run.warnings.append(f"The cluster '{wanted.name}' has nodes that are not wanted: {', '.join(strangers)}.")
    for warning in run.warnings:
        module.warn(warning)
    return _result(wanted, step, before, after, changed=run.changed, members=list(peer.conf.nodes) if peer else [])


def _wanted(params: dict[str, Any]) -> Wanted:
    links = {link["number"]: Link(link["address"], link["priority"]) for link in params["links"]}
    problems = []
    if not _names.CLUSTER.fullmatch(params["name"]):
        problems.append("name: has to be at most 15 letters, digits and hyphens, with no hyphen at either end")
    if len(links) != len(params["links"]):
        problems.append("links: a number is given twice")
    problems += [
        f"links: priority {link.priority} is not within 0 and 255"
        for link in links.values()
        if link.priority is not None and not 0 <= link.priority <= 255
    ]
    problems += [
        f"{key}: has to be 1 or more" for key in ("votes", "nodeid") if params[key] is not None and params[key] < 1
    ]
    if problems:
        raise _errors.InputError("; ".join(problems) + ".")
    return Wanted(params["name"], links, params["votes"], params["nodeid"])


def _result(
    wanted: Wanted,
    step: Plan,
    before: _membership.Local,
    after: _membership.Local,
    *,
    changed: bool,
    members: list[str],
) -> dict[str, Any]:
    conf = after.known_conf
    nodes = sorted({*(conf.nodes if conf else members), *([after.hostname] if step is not Plan.NONE else [])})
    return {
        "changed": changed,
        "cluster": {
            "name": wanted.name,
            "node": after.hostname,
            "nodeid": conf.nodes[after.hostname].nodeid if conf and after.listed else None,
            "action": step.value,
            "nodes": nodes,
            "quorate": after.quorate,
        },
        "diff": {
            "before": _view(before, sorted(before.known_conf.nodes) if before.known_conf else []),
            "after": {"cluster": wanted.name, "nodes": nodes, "ready": True} if changed else _view(before, nodes),
        },
    }


def _view(local: _membership.Local, nodes: list[str]) -> dict[str, Any]:
    return {"cluster": local.name, "nodes": nodes, "ready": local.online and local.half is None}


def main() -> None:
    _errors.run(Module(argument_spec=ARGUMENTS, supports_check_mode=True, no_log=True), converge)


if __name__ == "__main__":
    main()
