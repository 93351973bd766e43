#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_pool
short_description: Pools of a Ceph that Proxmox VE manages
version_added: 0.1.0
description:
  - Creates, changes and removes Ceph pools, a whole list of them in one call.
  - An erasure-coded pool is one item here, as it is for Proxmox, which makes two pools of it, C(NAME-data) and
    C(NAME-metadata).
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.resource
notes:
  - It runs on a node of the cluster, as root. Pools are written through Proxmox's API there, each task awaited, and read
    from Ceph's monitors.
  - Pools of other programs are never removed by O(state=overridden), that is those without the application C(rbd) that
    have another one. The pool C(.mgr) is never removed at all.
  - What Ceph does in consequence, such as moving data after another O(config[].size) or O(config[].crush_rule), goes on
    after the module has ended. M(baremetal.proxmox.ceph_health) waits for it.
requirements:
  - python3-proxmoxer
  - python3-rados
options:
  config:
    description:
      - The pools, with Proxmox's own names, C(_) for C(-).
      - A setting that is V(null), or, with O(state=replaced) and O(state=overridden), not written, gets its default. The
        number of placement groups, the application, the CRUSH rule and the storage are left as they are.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the pool.
        type: str
        required: true
      size:
        description:
          - Number of replicas. The default is 3.
          - Of an erasure-coded pool it is that of its metadata.
          - With 1, a single failed disk loses data. Ceph refuses it unless it was told otherwise.
        type: int
      min_size:
        description:
          - Number of replicas that have to be there for data to be written. The default is 2.
          - Of an erasure-coded pool it is that of its metadata. Ceph chooses that of the data.
        type: int
      pg_num:
        description:
          - Number of placement groups. When the pool is created, the default is 128.
          - It is compared only while the autoscaler is V(off) or V(warn). With V(on) the number is the autoscaler's.
        type: int
      pg_num_min:
        description: Least number of placement groups that the autoscaler may choose. V(0) is none.
        type: int
      pg_autoscale_mode:
        description: Whether Ceph chooses the number of placement groups. The default is V(warn).
        type: str
        choices: ['on', 'off', warn]
      target_size:
        description:
          - How much will be in the pool, for the autoscaler, such as V(500G); units of 1024. V(0) is none.
        type: str
      target_size_ratio:
        description: Which part of the space the pool will have, in relation to other pools' ratios. V(0) is none.
        type: float
      application:
        description: What the pool is used for; V(rbd) when it is created. Ceph does not change it afterwards.
        type: str
        choices: [rbd, cephfs, rgw]
      crush_rule:
        description:
          - Name of the CRUSH rule, see M(baremetal.proxmox.ceph_crush_rule).
          - Of an erasure-coded pool it is that of its metadata. The data has a rule of its own, made from the profile.
        type: str
      erasure_coding:
        description:
          - Makes an erasure-coded pool for images, and a replicated one for their metadata. It cannot be changed.
          - A dict, or Proxmox's string (C(k=2,m=1)). The keys are C(k) and C(m) (numbers of chunks with data and with
            codes, both needed), C(failure_domain) (V(host) is the default), C(device_class), and C(profile) (an erasure
            code profile that exists; without it Proxmox makes C(pve_ec_NAME)).
        type: dict
      add_storages:
        description:
          - Makes a storage definition of the pool's name, where there is none on the pool. The default is V(true) for an
            erasure-coded pool.
          - V(false) leaves a definition that exists; M(baremetal.proxmox.storage) removes it.
        type: bool
  allow_remove:
    description:
      - Names of the pools that may be removed, with all their data. Without its name here, a pool that O(state=deleted)
        or O(state=overridden) would remove is an error.
      - The storage definition of the pool's name goes with it. Other definitions on it, and images in it, are an error.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Pools for guests, a fast one by a rule of its own, and an erasure-coded one
  baremetal.proxmox.ceph_pool:
    config:
      - name: vm
        size: 3
        min_size: 2
        pg_autoscale_mode: 'on'
        target_size_ratio: 0.6
        add_storages: true
      - {name: fast, crush_rule: on_ssd, pg_num: 64, target_size: 500G}
      - name: archive
        pg_autoscale_mode: 'on'
        erasure_coding: {k: 4, m: 2, failure_domain: host, device_class: hdd}

- name: Remove a pool with everything in it
  baremetal.proxmox.ceph_pool:
    config:
      - name: fast
    state: deleted
    allow_remove: [fast]

- name: Read what exists, in the form of config
  baremetal.proxmox.ceph_pool:
    state: gathered
  register: pools
"""

RETURN = r"""
before:
  description: All pools before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: vm, size: 3, min_size: 2, pg_num: 128, pg_autoscale_mode: warn, application: rbd, crush_rule: replicated_rule}]
after:
  description: All pools after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: vm, size: 3, min_size: 2, pg_num: 128, pg_autoscale_mode: 'on', application: rbd, crush_rule: replicated_rule}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: update, item: vm, set: [pg_autoscale_mode]}]
gathered:
  description: The pools that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{name: vm, size: 3, min_size: 2, pg_num: 128, pg_autoscale_mode: warn, application: rbd, crush_rule: replicated_rule}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_tables
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_pool import POOL


def main() -> None:
    _ceph_tables.run(POOL)


if __name__ == "__main__":
    main()
