#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acme_account
short_description: Accounts with certificate authorities in Proxmox VE
version_added: 0.1.0
description:
  - Registers, changes and deactivates the accounts by which the nodes of a cluster order certificates (ACME), a whole list
    of them in one call.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - Whoever asks has to be root@pam itself, as it is without O(api_host); Proxmox refuses a token.
  - The authority is asked from the node; it needs a way to it, or http_proxy of M(baremetal.proxmox.datacenter_options).
  - A deactivated account cannot be activated again, so that O(allow_remove) has to name it. What an account that is gone
    has ordered stays valid.
  - An account that a node uses for its certificate is not removed.
options:
  config:
    description:
      - The accounts, with Proxmox's own names, C(_) for C(-).
      - A setting that is not written is not touched.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the account in the cluster; nodes use V(default) where their options name none.
        type: str
        required: true
      contact:
        description: Addresses to which the authority writes. Needed to register it.
        type: list
        elements: str
      directory:
        description:
          - Address of the authority's directory. It is fixed when the account is registered.
          - Let's Encrypt's where it is not given.
        type: str
      tos_url:
        description:
          - Address of the authority's terms of service, which says that they are accepted. Where the authority has any, no
            account is registered without just that address, and the error names it.
        type: str
      eab_kid:
        description: Identifier of an external account, where the authority wants one. Only used to register it.
        type: str
      eab_hmac_key:
        description: Key of the external account. Only used to register it.
        type: str
  allow_remove:
    description: Names of the accounts that may be deactivated.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: An account with Let's Encrypt
  baremetal.proxmox.acme_account:
    config:
      - name: default
        contact: [admin@example.org]
        tos_url: https://letsencrypt.org/documents/LE-SA-v1.5-February-24-2025.pdf

- name: One with an authority of our own that wants an external account
  baremetal.proxmox.acme_account:
    config:
      - name: internal
        contact: [admin@example.org]
        directory: https://ca.example.org/acme/directory
        eab_kid: "{{ vault_acme_kid }}"
        eab_hmac_key: "{{ vault_acme_key }}"
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
  sample: [{name: default, contact: [admin@example.org], directory: "https://acme-v02.api.letsencrypt.org/directory"}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: default}]
gathered:
  description: The items, in the form of O(config). Secrets are not in it.
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{name: default, contact: [admin@example.org], directory: "https://acme-v02.api.letsencrypt.org/directory"}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._acme import ACCOUNT
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule


def main() -> None:
    ResourceModule(ACCOUNT).run()


if __name__ == "__main__":
    main()
