#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: token
short_description: API tokens of Proxmox VE
version_added: 0.1.0
description:
  - Creates, changes and removes API tokens, a whole list of them in one call.
  - Proxmox tells the secret of a token once, when it is made. It is written to a file (O(config[].secret_file)), or
    returned.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - Set C(no_log) on the task, or give O(config[].secret_file) for every token. RV(secrets) is a secret.
  - A token with O(config[].privsep) may do nothing until M(baremetal.proxmox.acl) grants it something.
  - The token that asks through O(api_host) is not removed.
  - Before Proxmox VE 9.2, a token gets a new secret by being made anew; what it was granted is granted again.
options:
  config:
    description:
      - The tokens, with Proxmox's own names.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      tokenid:
        description: The user and the name of the token, such as V(terraform@pve!rack1).
        type: str
        required: true
      comment:
        description: A text about it. It cannot be taken away before Proxmox VE 9.1, only changed.
        type: str
      expire:
        description: When it expires, in seconds since 1970; V(0) for never, that is with its user.
        type: int
      privsep:
        description:
          - Whether it may do only what is granted to it, and to its user as well. V(true) is the default of Proxmox;
            V(false) means all that its user may do.
        type: bool
      secret_file:
        description:
          - File for the secret, on the machine on which the module runs. Its directory has to exist. Only its owner
            may read it (mode 0600).
          - Where the token exists and the file does not, the secret is lost, and this is an error (see
            O(config[].regenerate)).
        type: str
      regenerate:
        description:
          - When a token that exists gets a new secret. Whoever uses the old one loses access.
          - V(lost), where O(config[].secret_file) is given and not there; V(always), every time.
        type: str
        choices: [never, lost, always]
"""

EXAMPLES = r"""
- name: A token for Terraform, its secret in a file on the node
  baremetal.proxmox.token:
    config:
      - tokenid: terraform@pve!rack1
        comment: Terraform
        secret_file: /root/terraform.token

- name: A token whose secret goes into a vault
  baremetal.proxmox.token:
    config:
      - tokenid: backup@pve!pbs
  register: made
  no_log: true

- name: The file is gone; make a new secret
  baremetal.proxmox.token:
    config:
      - tokenid: terraform@pve!rack1
        secret_file: /root/terraform.token
        regenerate: lost
"""

RETURN = r"""
secrets:
  description:
    - The secrets of the tokens that were made, by token. They are told only this once.
    - Also in the result when a later token could not be made.
  returned: when tokens without O(config[].secret_file) have got a secret
  type: dict
  sample: {'backup@pve!pbs': 00000000-0000-0000-0000-000000000000}
before:
  description: All tokens before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{tokenid: 'terraform@pve!rack1', comment: Terraform, expire: 0, privsep: true}]
after:
  description: All tokens after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{tokenid: 'terraform@pve!rack1', comment: Terraform, expire: 0, privsep: true}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: 'terraform@pve!rack1', set: [comment, secret_file]}]
gathered:
  description: The tokens that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{tokenid: 'terraform@pve!rack1', comment: Terraform, expire: 0, privsep: true}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._access_tokens import TOKEN_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule


def main() -> None:
    ResourceModule(TOKEN_TABLE).run()


if __name__ == "__main__":
    main()
