#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_config
short_description: Settings in the configuration database of Ceph
version_added: 0.1.0
description:
  - Sets and removes settings in the monitors' configuration database, a whole list of them in one call.
  - Values are compared in the form in which Ceph stores them, so that V(4G) and V(4294967296), or V(yes) and V(true), are
    the same where the setting is a size or a boolean.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.resource
notes:
  - It runs on a node of the cluster, as root, and asks Ceph's monitors. Proxmox has no API for it.
  - What is in C(/etc/pve/ceph.conf) has precedence over the database, and is not looked at here.
  - O(state=overridden) leaves what nobody set by hand, that is what OSDs measured (C(osd_mclock_max_capacity_iops_*)), what
    belongs to modules of the manager (C(mgr/*)), and what Proxmox sets with the first monitor
    (C(auth_allow_insecure_global_id_reclaim)).
  - Settings whose names look like those of secrets are never shown with their values, whoever set them.
requirements:
  - python3-rados
options:
  config:
    description: The settings.
    type: list
    elements: dict
    suboptions:
      who:
        description:
          - For whom it is. V(global), V(mon), V(mgr), V(osd), V(mds) or V(client), perhaps with an identifier (V(osd.3),
            V(client.rgw)), and perhaps with a mask (V(osd/class:ssd), V(osd/host:pve1)).
        type: str
        required: true
      name:
        description: Name of the setting, such as V(osd_memory_target). C(-) and blanks count as C(_).
        type: str
        required: true
      value:
        description: The value.
        type: str
      secret_value:
        description: The value, where it is a secret. It is compared, but shown nowhere.
        type: str
"""

EXAMPLES = r"""
- name: Memory of OSDs, more of it on fast disks; and how fast data is moved
  baremetal.proxmox.ceph_config:
    config:
      - {who: osd, name: osd_memory_target, value: 4G}
      - {who: 'osd/class:ssd', name: osd_memory_target, value: 8G}
      - {who: osd, name: osd_mclock_profile, value: high_client_ops}
      - {who: client.rgw, name: rgw_keystone_admin_password, secret_value: "{{ vault_keystone_password }}"}

- name: Ceph's default again
  baremetal.proxmox.ceph_config:
    config:
      - {who: osd, name: osd_mclock_profile}
    state: deleted
"""

RETURN = r"""
before:
  description: All settings before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{who: osd, name: osd_memory_target, value: '4294967296'}]
after:
  description: All settings after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{who: osd, name: osd_memory_target, value: '8589934592'}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: update, item: osd osd_memory_target, set: [value]}]
gathered:
  description: The settings that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{who: osd, name: osd_memory_target, value: '4294967296'}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_tables
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_config import SETTING


def main() -> None:
    _ceph_tables.run(SETTING)


if __name__ == "__main__":
    main()
