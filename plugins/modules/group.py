#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: group
short_description: Groups of users of Proxmox VE
version_added: 0.1.0
description:
  - Creates, changes and removes groups of users, a whole list of them in one call.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - Who is in a group is said by O(baremetal.proxmox.user#module:config[].groups).
  - What a removed group was granted goes with it. Its users stay.
  - A group of the user that asks through O(api_host) is not removed.
options:
  config:
    description:
      - The groups, with Proxmox's own names.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      groupid:
        description: Name of the group.
        type: str
        required: true
      comment:
        description: A text about it.
        type: str
"""

EXAMPLES = r"""
- name: Groups of a rack
  baremetal.proxmox.group:
    config:
      - {groupid: operators, comment: On call}
      - {groupid: auditors}
"""

RETURN = r"""
before:
  description: All groups before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{groupid: operators, comment: On call}]
after:
  description: All groups after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{groupid: operators, comment: On call}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: operators, set: [comment]}]
gathered:
  description: The groups that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{groupid: operators, comment: On call}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._access_users import GROUP_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule


def main() -> None:
    ResourceModule(GROUP_TABLE).run()


if __name__ == "__main__":
    main()
