#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: user
short_description: Users of Proxmox VE
version_added: 0.1.0
description:
  - Creates, changes and removes users, a whole list of them in one call.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - C(root@pam) is never removed, and neither is the user that asks through O(api_host).
  - A user of the realm C(pam) has to be a user of each node as well; this module does not make one.
  - With a removed user go their tokens, their places in groups, and what they were granted.
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
        description: The user and the realm, such as V(alice@pve).
        type: str
        required: true
      enable:
        description: Whether the user may log in. V(true) is the default of Proxmox.
        type: bool
      expire:
        description: When the account expires, in seconds since 1970; V(0) for never.
        type: int
      firstname:
        description: First name.
        type: str
      lastname:
        description: Last name.
        type: str
      email:
        description: E-mail address.
        type: str
      comment:
        description: A text about the user.
        type: str
      groups:
        description: Groups that the user is in, set as a whole; they have to exist.
        type: list
        elements: str
      keys:
        description:
          - Keys for an old form of second factors. The API tells them, so that they are compared; they are never
            shown.
        type: str
      password:
        description:
          - Password, 8 to 64 characters. Only the realms C(pam) and C(pve) keep one. It cannot be read, so that it is
            compared with nothing.
          - Changing it later (O(config[].update_password=always)) is not possible through an API token.
        type: str
      update_password:
        description:
          - Secrets cannot be read back. V(on_create) writes them when the item is created; V(always) writes them
            every time, which is then a change.
        type: str
        choices: [on_create, always]
        default: on_create
"""

EXAMPLES = r"""
- name: Users of a rack
  baremetal.proxmox.user:
    config:
      - userid: alice@pve
        firstname: Alice
        email: alice@example.org
        groups: [operators]
        password: "{{ vault_alice }}"
      - userid: terraform@pve
        comment: Only through tokens

- name: A new password
  baremetal.proxmox.user:
    config:
      - {userid: alice@pve, password: "{{ vault_alice }}", update_password: always}
"""

RETURN = r"""
before:
  description: All users before the call, in the form of O(config); secrets are never among them.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{userid: alice@pve, enable: true, expire: 0, firstname: Alice, groups: [operators]}]
after:
  description: All users after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{userid: alice@pve, enable: true, expire: 0, firstname: Alice, groups: [operators]}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: alice@pve, set: [firstname, groups, password]}]
gathered:
  description: The users that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{userid: alice@pve, enable: true, expire: 0, firstname: Alice, groups: [operators]}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._access_users import USER_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule


def main() -> None:
    ResourceModule(USER_TABLE).run()


if __name__ == "__main__":
    main()
