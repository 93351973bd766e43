#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbs_user
short_description: Users of Proxmox Backup Server
version_added: 0.1.0
description:
  - Creates, changes and removes users of a Proxmox Backup Server.
  - A whole list in one call. Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.backup_connection
  - baremetal.proxmox.resource
notes:
  - V(root@pam) is never removed.
  - Since Proxmox Backup Server 4 the tokens of a user and what it was granted go with it.
options:
  config:
    description:
      - The users, with Proxmox's own names.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      userid:
        description: The user with realm, such as V(backup@pbs).
        type: str
        required: true
      comment:
        description: A text about it.
        type: str
      enable:
        description: Whether the user may log in. V(true) when not given.
        type: bool
      expire:
        description: When that ends, in seconds since 1970; V(0) is never.
        type: int
      firstname:
        description: First name.
        type: str
      lastname:
        description: Last name.
        type: str
      email:
        description: Where messages for the user go.
        type: str
      password:
        description: Password of a user of the realm pbs, with 8 to 64 characters.
        type: str
      update_password:
        description: V(on_create) writes secrets only when it is created, V(always) every time.
        type: str
        choices: [on_create, always]
        default: on_create
"""

EXAMPLES = r"""
- name: A user for the cluster
  baremetal.proxmox.pbs_user:
    config:
      - {userid: backup@pbs, comment: The cluster's backups}
"""

RETURN = r"""
before:
  description: All users before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{userid: backup@pbs, comment: The cluster's backups}]
after:
  description: All users after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{userid: backup@pbs, comment: The cluster's backups}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: backup@pbs, set: [comment]}]
gathered:
  description: The users that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{userid: backup@pbs, comment: The cluster's backups}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_settings import USER
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_words import run


def main() -> None:
    run(USER)


if __name__ == "__main__":
    main()
