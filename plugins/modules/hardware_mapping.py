#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: hardware_mapping
short_description: Hardware mappings of a Proxmox VE cluster
version_added: 0.1.0
description:
  - Creates, changes and removes mappings of PCI devices, USB devices and directories, a whole list of them in one call.
  - A mapping gives one name to devices of several nodes, so that a guest that uses it can run on each of them.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - Proxmox does not look for the devices when a mapping is written. It compares them when a guest starts, and then a PCI
    device's C(id), C(iommugroup) and, where it has one, C(subsystem_id) have to be in the mapping.
    C(pvesh get /nodes/NODE/hardware/pci) and M(baremetal.proxmox.node_facts) show them.
  - The directory of the node that is asked has to exist.
  - Each type has identifiers of its own, so that O(config[].type) is always needed.
options:
  config:
    description:
      - The mappings, with Proxmox's own names, C(_) for C(-).
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      id:
        description: Identifier of the mapping.
        type: str
        required: true
      type:
        description: What is mapped.
        type: str
        choices: [dir, pci, usb]
      description:
        description: A text about it.
        type: str
      map:
        description:
          - What stands for it on each node; needed to create it. The list is set as a whole.
          - Each entry is a dict, or Proxmox's string (C(node=pve1,path=0000:01:00.0,id=10de:1eb8)).
          - For V(pci) it has C(node), C(path) (the address, without the function for the whole device, or several
            separated by semicolons), C(id) (vendor and device), and perhaps C(subsystem_id), C(iommugroup) and
            C(description). A node may have several entries, in the order in which they are tried.
          - For V(usb) it has C(node), C(id), and perhaps C(path) (such as C(1-2.3)) and C(description).
          - For V(dir) it has C(node) and C(path), one entry for each node.
        type: list
        elements: dict
      mdev:
        description: Whether the PCI devices provide mediated devices.
        type: bool
      live_migration_capable:
        description: Whether guests can be migrated with the PCI devices while they run.
        type: bool
"""

EXAMPLES = r"""
- name: A GPU that two nodes have, a stick for licences, and a directory for guests
  baremetal.proxmox.hardware_mapping:
    config:
      - id: gpu
        type: pci
        description: Tesla T4
        map:
          - {node: pve1, path: '0000:01:00.0', id: '10de:1eb8', subsystem_id: '10de:12a2', iommugroup: 12}
          - {node: pve2, path: '0000:81:00.0', id: '10de:1eb8', subsystem_id: '10de:12a2', iommugroup: 40}
      - id: licence
        type: usb
        map:
          - {node: pve1, id: '0529:0001'}
      - id: media
        type: dir
        map:
          - {node: pve1, path: /srv/media}
          - {node: pve2, path: /srv/media}

- name: Read what exists, in the form of config
  baremetal.proxmox.hardware_mapping:
    state: gathered
  register: mappings
"""

RETURN = r"""
before:
  description: All mappings before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{id: licence, type: usb, map: [{id: '0529:0001', node: pve1}]}]
after:
  description: All mappings after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{id: licence, type: usb, map: [{id: '0529:0001', node: pve2}]}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: update, item: 'usb:licence', set: [map]}]
gathered:
  description: The mappings that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{id: licence, type: usb, map: [{id: '0529:0001', node: pve1}]}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._mapping import MAPPING


def main() -> None:
    ResourceModule(MAPPING).run()


if __name__ == "__main__":
    main()
