#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbs_token
short_description: API tokens of Proxmox Backup Server
version_added: 0.1.0
description:
  - Creates, changes and removes API tokens of a backup server.
  - The secret of a token is told once, when it is made. It is written to a file (O(config[].secret_file)), or returned.
  - A whole list in one call. Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.backup_connection
  - baremetal.proxmox.resource
notes:
  - Set C(no_log) on the task, or give O(config[].secret_file) for every token. RV(secrets) is a secret.
  - A token may do nothing until M(baremetal.proxmox.pbs_acl) grants it something, and never more than its user.
  - The token that asks through O(api_host) is not removed.
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
        description: The user and the name of the token, such as V(backup@pbs!rack1).
        type: str
        required: true
      comment:
        description: A text about it.
        type: str
      enable:
        description: Whether the token may be used. V(true) when not given.
        type: bool
      expire:
        description: When it expires, in seconds since 1970; V(0) for never.
        type: int
      secret_file:
        description:
          - File for the secret, on the machine on which the module runs. Its directory has to exist. Only its owner may
            read it (mode 0600). Where the token exists and the file does not, the secret is lost, and this is an error
            (see O(config[].regenerate)).
        type: str
      regenerate:
        description:
          - When a token that exists gets a new secret. Whoever uses the old one loses access. V(lost), where
            O(config[].secret_file) is given and not there; V(always), every time.
        type: str
        choices: [never, lost, always]
"""

EXAMPLES = r"""
- name: A token for the cluster, its secret in a file on the server
  baremetal.proxmox.pbs_token:
    config:
      - tokenid: backup@pbs!rack1
        comment: The cluster of rack 1
        secret_file: /root/rack1.token
"""

RETURN = r"""
secrets:
  description:
    - The secrets of the tokens that were made, by token. They are told only this once.
    - Also in the result when a later token could not be made.
  returned: when tokens without O(config[].secret_file) have got a secret
  type: dict
  sample: {'backup@pbs!rack1': 00000000-0000-0000-0000-000000000000}
before:
  description: All tokens before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{tokenid: 'backup@pbs!rack1', comment: Rack 1}]
after:
  description: All tokens after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{tokenid: 'backup@pbs!rack1', comment: Rack 1}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: 'backup@pbs!rack1', set: [comment]}]
gathered:
  description: The tokens that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{tokenid: 'backup@pbs!rack1', comment: Rack 1}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_access import TOKEN_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_words import run


def main() -> None:
    run(TOKEN_TABLE)


if __name__ == "__main__":
    main()
