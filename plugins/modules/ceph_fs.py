#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_fs
short_description: CephFS file systems of a Ceph that Proxmox VE manages
version_added: 0.1.0
description:
  - Creates, extends and removes file systems, a whole list of them in one call, and waits until each has its MDS.
  - The pools are Proxmox's, C(NAME_data) and C(NAME_metadata); M(baremetal.proxmox.ceph_pool) changes their settings.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.resource
notes:
  - It runs on a node of the cluster, as root. It writes through Proxmox's API, and through Ceph's monitors where Proxmox has
    no API for it, or, in Proxmox VE 8, only a command that does not tell whether it failed.
  - A new file system needs an MDS that is standby, see M(baremetal.proxmox.ceph_mds).
requirements:
  - python3-proxmoxer
  - python3-rados
options:
  config:
    description: The file systems.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the file system.
        type: str
        required: true
      pg_num:
        description:
          - Number of placement groups of the first data pool when it is created, V(128) by default. The metadata has a
            quarter of it.
          - Afterwards it is a setting of the pool.
        type: int
      data_pools:
        description:
          - Pools for data besides the first one, which exist already. Directories are placed there by their layout.
          - A pool that belongs to the file system and is not listed is an error; what is in it would be lost.
        type: list
        elements: str
      add_storage:
        description:
          - Makes a storage definition of the file system's name, where there is none on it.
          - V(false) leaves a definition that exists; M(baremetal.proxmox.storage) removes it.
        type: bool
  allow_remove:
    description:
      - Names of the file systems that may be removed, with their pools and all data. Without its name here, a file system
        that O(state=deleted) or O(state=overridden) would remove is an error.
      - Its storage definition has to be disabled, and unmounted on all nodes, and is then removed as well.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: A file system for templates and backups, as a storage
  baremetal.proxmox.ceph_fs:
    config:
      - {name: cephfs, pg_num: 64, add_storage: true}

- name: Remove it with everything in it
  baremetal.proxmox.ceph_fs:
    config:
      - name: cephfs
    state: deleted
    allow_remove: [cephfs]
"""

RETURN = r"""
before:
  description: All file systems before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: cephfs, add_storage: true}]
after:
  description: All file systems after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: cephfs, data_pools: [archive], add_storage: true}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: cephfs, set: [add_storage, pg_num]}]
gathered:
  description: The file systems that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{name: cephfs, add_storage: true}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_tables
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_fs import FILESYSTEM


def main() -> None:
    _ceph_tables.run(FILESYSTEM)


if __name__ == "__main__":
    main()
