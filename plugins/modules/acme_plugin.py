#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acme_plugin
short_description: How Proxmox VE proves to a certificate authority that a domain is its own
version_added: 0.1.0
description:
  - Creates, changes and removes the plugins for ACME's challenges, a whole list of them in one call. Which domain is proved
    by which is said by M(baremetal.proxmox.node_options).
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - The plugin C(standalone) is always there, answers on port 80, and is never removed.
  - A plugin by which a node proves a domain is not removed.
options:
  config:
    description:
      - The plugins, with Proxmox's own names, C(_) for C(-).
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      id:
        description: Name of the plugin.
        type: str
        required: true
      type:
        description: Whether it writes a record into the domain's DNS, or answers on port 80 of the node.
        type: str
        choices: [dns, standalone]
      api:
        description: Which DNS API it speaks, such as V(cf), V(ovh) or V(nsupdate). Needed for V(dns).
        type: str
      data:
        description:
          - What that API wants to know, as names of variables and their values. It is never shown, and taken for changed
            where it differs.
        type: dict
      validation_delay:
        description: Seconds between writing the record and asking the authority to look. 30 if not given.
        type: int
      nodes:
        description: Nodes on which it is used; all if not given.
        type: list
        elements: str
      disable:
        description: Whether it is switched off.
        type: bool
      recreate:
        description: Whether the plugin may be removed and made anew where its type is another one.
        type: bool
        default: false
"""

EXAMPLES = r"""
- name: Domains at Cloudflare
  baremetal.proxmox.acme_plugin:
    config:
      - id: cloudflare
        type: dns
        api: cf
        data: {CF_Token: "{{ vault_cloudflare_token }}"}
        validation_delay: 60
"""

RETURN = r"""
before:
  description: The items before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: []
after:
  description: The items after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{id: cloudflare, type: dns, api: cf, validation_delay: 60}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: cloudflare}]
gathered:
  description: The items, in the form of O(config). Secrets are not in it.
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{id: cloudflare, type: dns, api: cf, validation_delay: 60}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._acme import PLUGIN
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule


def main() -> None:
    ResourceModule(PLUGIN).run()


if __name__ == "__main__":
    main()
