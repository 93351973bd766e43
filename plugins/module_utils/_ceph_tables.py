# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""How the modules for pools, CRUSH rules, file systems and settings of Ceph start: the engine with the node's monitors."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _session
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client, local_session
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource


def run(resource: Resource) -> None:
    """A whole module that works on a node."""
    ResourceModule(resource, client, Ceph.from_module, {}).run()


def client(module: AnsibleModule) -> Client:
    """The API of this node; opens nothing yet. In check mode, reading works without the HTTP library as well."""
    if module.check_mode and _session.HttpSession.missing_library():
        return Client(_session.PveshReader(), local=True)
    return Client(local_session(), local=True)
