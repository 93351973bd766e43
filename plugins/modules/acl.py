#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acl
short_description: Access control list of Proxmox VE
version_added: 0.1.0
description:
  - Grants roles to users, groups and tokens on paths, a whole list of entries in one call.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - An entry is known by its path, whom it is for, and its role; only O(config[].propagate) can be changed.
  - C(root@pam) may do everything without any entry, and Proxmox stores none for it.
  - Entries for whoever asks through O(api_host), and for the groups of that user, are not removed.
options:
  config:
    description:
      - The entries, with Proxmox's own names.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      path:
        description: Path such as V(/), V(/vms/100), V(/storage/local), V(/pool/prod) or V(/sdn/zones/z1).
        type: str
        required: true
      ugid:
        description:
          - A user (V(alice@pve)), a group (V(operators)) or a token (V(terraform@pve!rack1)); it has to exist.
        type: str
        required: true
      roleid:
        description: Role; it has to exist.
        type: str
        required: true
      propagate:
        description: Whether it holds for everything below the path as well. V(true) is the default of Proxmox.
        type: bool
"""

EXAMPLES = r"""
- name: Operators see everything and run the guests of one pool
  baremetal.proxmox.acl:
    config:
      - {path: /, ugid: operators, roleid: PVEAuditor}
      - {path: /pool/prod, ugid: operators, roleid: PVEVMUser}
      - {path: /, ugid: 'terraform@pve!rack1', roleid: PVEAdmin}
"""

RETURN = r"""
before:
  description: All entries before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{path: /pool/prod, ugid: operators, roleid: PVEVMUser, propagate: true}]
after:
  description: All entries after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{path: /pool/prod, ugid: operators, roleid: PVEVMUser, propagate: true}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: /pool/prod operators PVEVMUser}]
gathered:
  description: The entries that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{path: /pool/prod, ugid: operators, roleid: PVEVMUser, propagate: true}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._access_acl import ACL_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule


def main() -> None:
    ResourceModule(ACL_TABLE).run()


if __name__ == "__main__":
    main()
