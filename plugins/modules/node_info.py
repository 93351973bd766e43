#!/usr/bin/python

# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_info
short_description: Read a node, from bare machine to cluster member
version_added: 0.1.0
description:
  - Reads what a machine is (host, kernel, Proxmox VE version), and what it sees of its cluster, its services, its storages
    and its API. Runs on the machine itself and changes nothing.
  - On a machine without Proxmox VE it needs nothing but Python, and answers that there is no Proxmox VE.
  - It reads files and starts few processes, so that asking for V(host) and V(cluster) costs about a tenth of a second.
options:
  gather:
    description:
      - What to read.
      - V(storage), V(ha) and V(api) call the API of this node, and need C(python3-proxmoxer) and C(python3-requests) there.
      - V(packages) needs O(packages).
    type: list
    elements: str
    choices: [host, packages, cluster, services, storage, ha, api]
    default: [host, packages, cluster, services, storage, ha, api]
  packages:
    description: Names of Debian packages whose versions are wanted.
    type: list
    elements: str
    default: []
  services:
    description: Names of the services whose state is wanted, without C(.service).
    type: list
    elements: str
    default:
      - corosync
      - pve-cluster
      - pvedaemon
      - pveproxy
      - pvestatd
      - pvescheduler
      - pve-ha-lrm
      - pve-ha-crm
  python:
    description: Names of Python modules; whether the node's Python finds them.
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
  - module: baremetal.proxmox.cluster_join_info
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Read the machine and its cluster
  baremetal.proxmox.node_info:
    gather: [host, cluster]
  register: own

- name: Stop without quorum
  ansible.builtin.assert:
    that: own.node.cluster.quorate
    fail_msg: "{{ own.node.hostname }} has no quorum in {{ own.node.cluster.name }}"

- name: Read versions and services
  baremetal.proxmox.node_info:
    gather: [packages, services]
    packages: [pve-manager, pve-cluster, corosync]
    services: [pveproxy, corosync]
"""

RETURN = r"""
node:
  description: The machine. A part that was not asked for is not there.
  returned: success
  type: dict
  contains:
    hostname:
      description: Host name up to the first dot; Proxmox VE's node name. Always there.
      type: str
    proxmox:
      description: C(installed), and C(version) and C(release), such as V(9.2.11) and V(9.2). Always there.
      type: dict
    python:
      description: For each name in O(python), whether it can be imported.
      type: dict
    fqdn:
      description: Full name. With V(host).
      type: str
    resolves_to:
      description: Addresses that the machine's own host name resolves to. With V(host).
      type: list
      elements: str
    addresses:
      description: All addresses that are configured on the machine's interfaces. With V(host).
      type: list
      elements: str
    unfinished:
      description:
        - What roles have begun and not finished; pve_host the installation (C(install)) and the replacement of Debian's
          kernel (C(kernel)), pve_ceph the installation of Ceph (C(ceph)), pbs_server that of the backup server
          (C(backup_server)). With V(host).
      type: dict
    debian:
      description: C(release), such as V(trixie), and C(version), such as V(13.1). With V(host).
      type: dict
    architecture:
      description: Such as V(x86_64). With V(host).
      type: str
    cpu:
      description:
        - C(vendor), such as V(GenuineIntel), and whether the processor is one that a hypervisor shows to its guest
          (C(virtual)). With V(host).
      type: dict
    container:
      description: Whether the machine is a container. With V(host).
      type: bool
    kernel:
      description:
        - C(running), whether that is Proxmox's (C(proxmox)), and Proxmox's kernels in C(/boot) (C(installed_proxmox)).
        - With V(host).
      type: dict
    guests:
      description: Number of guests that are configured on this node. With V(host) or V(cluster).
      type: int
    packages:
      description: Version of each package, null if it is not installed.
      type: dict
    dpkg_unfinished:
      description: Whether a run of dpkg was cut off and left packages half done. With V(packages).
      type: bool
    cluster:
      description: What this node sees of its cluster.
      type: dict
      contains:
        member:
          description: Whether the cluster's configuration lists this node.
          type: bool
        half_joined:
          description: Whether a create or join was begun and not finished; M(baremetal.proxmox.cluster) finishes it.
          type: bool
        half:
          description: V(create) or V(join) when RV(node.cluster.half_joined), else null.
          type: str
        name:
          description: Name of the cluster that the node is in, or has begun to enter. Null if there is none.
          type: str
        nodeid:
          description: Corosync's number of this node.
          type: int
        config_version:
          description: Version of corosync.conf.
          type: int
        quorate:
          description: Whether the cluster file system has quorum. False outside a cluster.
          type: bool
        writable:
          description: Whether C(/etc/pve) can be written to, which comes some seconds after quorum.
          type: bool
        nodes:
          description: All nodes in corosync.conf by number, each with name, nodeid, votes, online, address and links.
          type: list
          elements: dict
        links:
          description: Corosync's links, each with number, own address, and for every other node whether it is connected.
          type: list
          elements: dict
        corosync_conf_local:
          description: Whether C(/etc/corosync/corosync.conf) exists.
          type: bool
        authkey_sha256:
          description: SHA-256 of corosync's key. The same on all members of a cluster, and only there.
          type: str
        votes:
          description: C(expected) and C(total) votes, null if corosync does not run.
          type: dict
    services:
      description: State of each service, such as V(active), V(inactive), V(failed), or V(missing).
      type: dict
    storage:
      description: Storages of this node, each with storage, type, active, enabled, and error if enabled but not active.
      type: list
      elements: dict
    ha:
      description:
        - Guests that HA looks after in the cluster, each with sid, node and state, such as V(started), V(queued) or
          V(error).
      type: list
      elements: dict
    api:
      description:
        - C(fingerprint) (SHA-256) of the certificate of this node's API, and whether it answers (C(answers)).
        - C(error) says why not.
      type: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _errors, _membership, _node


def main_info(module: AnsibleModule) -> dict[str, Any]:
    asked, machine = set(module.params["gather"]), _node.Machine()
    if machine.has_proxmox:
        _node.require_root()
    node: dict[str, Any] = {"hostname": machine.hostname, "proxmox": machine.proxmox()}
    node["python"] = machine.python(module.params["python"])
    if "host" in asked:
        node |= machine.host()
    if asked & {"host", "cluster"}:
        local = _membership.read(machine)
        node["guests"] = local.own_guests
        if "cluster" in asked:
            node["cluster"] = _membership.facts(local, *_membership.corosync(machine))
    if "packages" in asked:
        node["packages"] = machine.packages(module.params["packages"])
        node["dpkg_unfinished"] = machine.dpkg_unfinished()
    if "services" in asked:
        node["services"] = machine.services(module.params["services"])
    if asked & {"storage", "ha", "api"}:
        node |= _api(machine, asked)
    return {"changed": False, "node": node}


def _api(machine: _node.Machine, asked: set[str]) -> dict[str, Any]:
    # Not at the top: the bare-machine part must not pay for the client, nor need its libraries
    from ansible_collections.baremetal.proxmox.plugins.module_utils import _node_api

    found = _node_api.answers(machine, asked & {"storage", "ha"})
    return {name: part for name, part in found.items() if name in asked}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "gather": {
                "type": "list",
                "elements": "str",
                "choices": ["host", "packages", "cluster", "services", "storage", "ha", "api"],
                "default": ["host", "packages", "cluster", "services", "storage", "ha", "api"],
            },
            "packages": {"type": "list", "elements": "str", "default": []},
            "services": {"type": "list", "elements": "str", "default": list(_node.SERVICES)},
            "python": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    _errors.run(module, main_info)


if __name__ == "__main__":
    main()
