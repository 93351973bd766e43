#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_options
short_description: Settings of one node of Proxmox VE
version_added: 0.1.0
description:
  - Sets what C(/etc/pve/nodes/NODE/config) holds, of the node that is asked.
  - There is one of it on each node, so that O(config) is a dict. With O(state=deleted) all settings are taken away,
    and O(config) is not needed.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - The plugin of a domain has to exist.
options:
  config:
    description:
      - The settings, with Proxmox's own names, C(_) for C(-).
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
      - A setting that is itself a dict is given as a whole, as a dict or as Proxmox's own string
        (C(type=secure,network=10.0.0.0/24)).
    type: dict
    suboptions:
      acme:
        description: C(account) and C(domains) (a list) of the certificate.
        type: dict
      acmedomain0:
        description: A domain for this node's certificate, C(domain), and perhaps C(plugin) and C(alias).
        type: dict
      acmedomain1:
        description: A domain for this node's certificate, C(domain), and perhaps C(plugin) and C(alias).
        type: dict
      acmedomain2:
        description: A domain for this node's certificate, C(domain), and perhaps C(plugin) and C(alias).
        type: dict
      acmedomain3:
        description: A domain for this node's certificate, C(domain), and perhaps C(plugin) and C(alias).
        type: dict
      acmedomain4:
        description: A domain for this node's certificate, C(domain), and perhaps C(plugin) and C(alias).
        type: dict
      acmedomain5:
        description: A domain for this node's certificate, C(domain), and perhaps C(plugin) and C(alias).
        type: dict
      ballooning_target:
        description: Share of the memory in percent up to which guests may grow into what they were promised at most.
        type: int
      description:
        description: Notes that the web interface shows; Markdown.
        type: str
      location:
        description: Where it is, C(latitude), C(longitude) and perhaps C(name). From Proxmox VE 9.2 on.
        type: dict
      startall_onboot_delay:
        description: Seconds between the node's start and the start of its guests.
        type: int
      wakeonlan:
        description: How it is woken, C(mac), and perhaps C(bind_interface) and C(broadcast_address).
        type: dict
"""

EXAMPLES = r"""
- name: Notes, the card that wakes the node, and time for the storage to come up
  baremetal.proxmox.node_options:
    config:
      description: Rack 4, unit 12
      wakeonlan: {mac: '52:54:00:12:34:56'}
      startall_onboot_delay: 60
"""

RETURN = r"""
before:
  description: The settings before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: dict
  sample: {startall_onboot_delay: 60}
after:
  description: The settings after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: dict
  sample: {startall_onboot_delay: 30}
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: update, item: node, set: [startall_onboot_delay]}]
gathered:
  description: The settings, in the form of O(config).
  returned: with O(state=gathered)
  type: dict
  sample: {startall_onboot_delay: 30}
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._node_options import NODE_OPTIONS


def main() -> None:
    ResourceModule(NODE_OPTIONS).run()


if __name__ == "__main__":
    main()
