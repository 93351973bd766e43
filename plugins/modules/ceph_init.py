#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_init
short_description: First configuration of a Proxmox VE cluster's Ceph
version_added: 0.1.0
description:
  - Makes C(/etc/pve/ceph.conf), the key of C(client.admin) and the link C(/etc/ceph/ceph.conf) on this node, as
    C(pveceph init) does.
  - It is done once in a cluster, on any node. On other nodes, it makes the link only.
  - What was cut off is completed, with the same C(fsid).
  - While there is no monitor, the networks of an existing configuration are changed. After that, other networks are an
    error, where Proxmox itself would write them into the file, under monitors that are elsewhere.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: debian
options:
  network:
    description: Public network of Ceph, that of monitors and clients. By default, Proxmox takes the address of the node.
    type: str
  cluster_network:
    description: Network between the OSDs. By default O(network).
    type: str
  size:
    description:
      - Copies of each object in pools that say nothing else. Proxmox's own choice is 3.
      - Only of a new configuration; another one in an existing one is a warning.
    type: int
  min_size:
    description: Copies that must be there for writing, in pools that say nothing else. Proxmox's own choice is 2.
    type: int
  disable_cephx:
    description: No authentication, which lets everybody in the network read and write everything. Not changed afterwards.
    type: bool
requirements:
  - python3-proxmoxer
  - python3-requests
seealso:
  - module: baremetal.proxmox.ceph_mon
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Ceph in two networks
  baremetal.proxmox.ceph_init:
    network: 10.98.0.0/24
    cluster_network: 10.97.0.0/24
  run_once: true
"""

RETURN = r"""
ceph:
  description:
    - The configuration. The keys C(fsid), C(network), C(cluster_network), C(size), C(min_size), C(cephx), and C(linked) for
      the link on this node.
  returned: success
  type: dict
  sample: {fsid: 5b5a..., network: 10.98.0.0/24, cluster_network: 10.97.0.0/24, size: 3, min_size: 2, cephx: true, linked: true}
missing:
  description: The files and options that were not as wanted before.
  returned: success
  type: list
  elements: str
  sample: [/etc/pve/ceph.conf]
"""

import ipaddress
from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph, _ceph_init, _errors, _node
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client, local_session


def converge(module: AnsibleModule, machine: _node.Machine, client: Client) -> dict[str, Any]:
    _node.require_root()
    params = module.params
    _check_options(params)
    if not _ceph.installed(machine.root):
        if not module.check_mode:
            raise _errors.NotInstalled(
                f"{machine.hostname}: expected Ceph to be installed, found it missing.",
                hint="Install it (role pve_ceph).",
            )
        module.warn(f"{machine.hostname}: ceph.conf is planned against a new Ceph: none is installed here yet.")
    before = _ceph_init.read(machine)
    for sentence in _ceph_init.check(params, before):
        module.warn(sentence)
    missing = _ceph_init.lacks(params, before)
    after = before.view()
    if missing and module.check_mode:
        after = _ceph_init.predicted(params, before)
    elif missing:
        after = _ceph_init.make(params, before, machine, client).view()
    return {
        "changed": bool(missing),
        "ceph": after,
        "missing": missing,
        "diff": {"before": {"ceph": before.view()}, "after": {"ceph": after}},
    }


def _check_options(params: dict[str, Any]) -> None:
    for name in ("network", "cluster_network"):
        try:
            ipaddress.ip_network(params[name] or "::/0", strict=False)
        except ValueError as error:
            raise _errors.InputError(
                f"{name}: expected a network such as 10.98.0.0/24, found '{params[name]}'."
            ) from error
    for name in ("size", "min_size"):
        if params[name] is not None and not 1 <= params[name] <= 7:
            raise _errors.InputError(f"{name}: expected 1 to 7, found {params[name]}.")


def run(connect: Callable[[AnsibleModule], Client] = lambda _module: Client(local_session(), local=True)) -> None:
    module = AnsibleModule(
        argument_spec={
            "network": {"type": "str"},
            "cluster_network": {"type": "str"},
            "size": {"type": "int"},
            "min_size": {"type": "int"},
            "disable_cephx": {"type": "bool"},
        },
        supports_check_mode=True,
    )

    def main_part(module: AnsibleModule) -> dict[str, Any]:
        client = connect(module)
        try:
            return converge(module, _node.Machine(), client)
        finally:
            client.close()

    _errors.run(module, main_part)


def main() -> None:
    run()


if __name__ == "__main__":
    main()
