#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: inventory_info
short_description: What is there, as the variables of an inventory
version_added: 0.1.0
description:
  - Reads a machine and its cluster in one execution, and returns the variables with which the roles of this collection would
    find nothing to change.
  - What every installation has is left out, and so is what cannot be said without a change; RV(inventory.notes) tells of the
    latter.
  - "Secrets are neither read nor returned. RV(inventory.secrets) says where one belongs."
  - The role C(baremetal.proxmox.pve_gather) makes files of it.
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: debian
options:
  gather:
    description:
      - V(host) are the machine's own settings, its network and its disks for Ceph; only where the module runs on the node.
      - V(cluster) is what there is once in a cluster of Proxmox VE. It is enough to ask one of its nodes.
      - V(backup_server) is what a Proxmox Backup Server has.
      - What is not installed has nothing. With O(api_host), V(backup_server) has to be alone, because its API is another one.
    type: list
    elements: str
    choices: [host, cluster, backup_server]
    default: [host, cluster, backup_server]
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Read a node and its cluster
  baremetal.proxmox.inventory_info:
  register: found

- name: Show the storages as the inventory would have them
  ansible.builtin.debug:
    var: found.inventory.cluster.pve_storage_config
"""

RETURN = r"""
inventory:
  description: What was found.
  returned: success
  type: dict
  contains:
    name:
      description: C(hostname), C(domain), and the addresses that the name resolves to (C(resolves_to)). Empty without V(host).
      type: dict
    products:
      description: Which of V(pve) and V(pbs) are there.
      type: list
      elements: str
    host:
      description: Variables of this machine.
      type: dict
    cluster:
      description: Variables of the cluster. In those that name hosts of the inventory are the names of nodes.
      type: dict
    secrets:
      description:
        - Secrets that are set, each with C(scope) (V(host) or V(cluster)), C(variable), C(index) (which item of the list, null
          if it is none), C(option), and C(table) and C(item), what it is of.
      type: list
      elements: dict
    notes:
      description: What is left out, each with C(scope) and C(text), which begins with the variable.
      type: list
      elements: dict
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import (
    _errors,
    _inventory_ceph,
    _inventory_host,
    _inventory_tables,
    _membership,
    _network_node,
    _node,
    _session,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._api import Api
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import CONNECTION_SPEC, Client, asking
from ansible_collections.baremetal.proxmox.plugins.module_utils._inventory_tables import Found
from ansible_collections.baremetal.proxmox.plugins.module_utils._product import (
    BACKUP_SERVER,
    VIRTUAL_ENVIRONMENT,
    Product,
)


def connect(module: AnsibleModule, product: Product) -> Client:
    """Nothing is written, so that it works without the HTTP library as well."""
    if not module.params["api_host"] and _session.HttpSession.missing_library():
        return Client(_session.PveshReader(product), local=True, product=product)
    return Client.from_module(module, product)


@contextmanager
def opened(module: AnsibleModule, product: Product, ceph: Ceph | None = None) -> Iterator[Api]:
    api = Api(connect(module, product), ceph)
    api.user = asking(module.params)
    try:
        yield api
    finally:
        api.client.close()


def own(machine: _node.Machine, ceph: Ceph | None, found: Found) -> dict[str, Any]:
    """Fills in what the machine tells without any API; returns its name."""
    about = machine.host()
    if machine.has_proxmox:
        _inventory_host.network(_network_node.Node(), found)
        _inventory_host.settings(machine, found)
        _inventory_host.repositories(machine, about, found)
        _inventory_host.membership(_membership.read(machine), found)
        _inventory_host.certificate(machine, found)
        if _session.HttpSession.missing_library():
            found.notes.append("pve_host: python3-proxmoxer or python3-requests is not there; the role will install it")
    if any(map(os.path.exists, BACKUP_SERVER.installed)):
        _inventory_host.backup_repository(machine, about, found)
    if ceph is not None:
        _inventory_ceph.osds(machine, ceph, found)
    return _inventory_host.who(about)


def gather(module: AnsibleModule, ceph: Ceph | None) -> dict[str, Any]:
    asked, here = set(module.params["gather"]), not module.params["api_host"]
    machine, host, cluster = _node.Machine(), Found(), Found()
    name = own(machine, ceph, host) if "host" in asked and here else {}
    products = []
    if not here and "backup_server" in asked and len(asked) > 1:
        raise _errors.InputError("gather: with api_host, expected backup_server alone, because its API is another one.")
    with opened(module, VIRTUAL_ENVIRONMENT, ceph) as api:
        if api.installed and asked != {"backup_server"}:
            products.append("pve")
            if "host" in asked:
                _inventory_tables.read(api, _inventory_tables.NODE, host)
            if "cluster" in asked:
                _inventory_tables.cluster(api, cluster)
                if ceph is not None:
                    _inventory_ceph.cluster(machine, api, ceph, cluster)
    if "backup_server" in asked:
        with opened(module, BACKUP_SERVER) as api:
            if api.installed:
                products.append("pbs")
                _inventory_tables.read(api, _inventory_tables.BACKUP_SERVER, host)
    secrets = [
        {"scope": scope, **one} for scope, part in (("host", host), ("cluster", cluster)) for one in part.secrets
    ]
    return {
        "name": name,
        "products": products,
        "host": host.variables,
        "cluster": cluster.variables,
        "secrets": secrets,
        "notes": [
            {"scope": scope, "text": text}
            for scope, part in (("host", host), ("cluster", cluster))
            for text in part.notes
        ],
    }


def _main(module: AnsibleModule) -> dict[str, Any]:
    here = not module.params["api_host"]
    if here:
        _node.require_root()
    # Ansible may start the module again under another Python for this, so it comes first
    ceph = Ceph.from_module(module) if here else None
    try:
        return {"changed": False, "inventory": gather(module, ceph)}
    finally:
        if ceph is not None:
            ceph.close()


def main() -> None:
    choices = ["host", "cluster", "backup_server"]
    module = AnsibleModule(
        argument_spec={
            "gather": {"type": "list", "elements": "str", "choices": choices, "default": choices},
            **CONNECTION_SPEC,
        },
        supports_check_mode=True,
        no_log=True,
    )
    _errors.run(module, _main)


if __name__ == "__main__":
    main()
