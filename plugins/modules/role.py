#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: role
short_description: Roles of Proxmox VE
version_added: 0.1.0
description:
  - Creates, changes and removes roles, which are sets of privileges, a whole list of them in one call.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - Proxmox's own roles (V(Administrator), V(PVEAdmin) and others) can be neither changed nor removed. They are listed
    by O(state=gathered) only where they are named, and O(state=overridden) leaves them alone.
  - What a removed role has granted goes with it; a warning names it.
  - The role of whoever asks through O(api_host) is not removed.
options:
  config:
    description:
      - The roles, with Proxmox's own names.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      roleid:
        description: Name of the role. Names that begin with C(PVE) are Proxmox's own.
        type: str
        required: true
      privs:
        description:
          - Privileges of the role, set as a whole. Those of a release are the ones of its role C(Administrator).
        type: list
        elements: str
"""

EXAMPLES = r"""
- name: A role for operators
  baremetal.proxmox.role:
    config:
      - roleid: Operator
        privs: [VM.Audit, VM.PowerMgmt, VM.Console, Datastore.Audit]

- name: Read Proxmox's own role, too
  baremetal.proxmox.role:
    config:
      - roleid: PVEAuditor
    state: gathered
  register: auditor
"""

RETURN = r"""
before:
  description: All roles before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{roleid: Operator, privs: [VM.Audit, VM.PowerMgmt]}]
after:
  description: All roles after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{roleid: Operator, privs: [VM.Audit, VM.PowerMgmt]}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: Operator, set: [privs]}]
gathered:
  description: The roles that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{roleid: Operator, privs: [VM.Audit, VM.PowerMgmt]}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._access_users import ROLE_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule


def main() -> None:
    ResourceModule(ROLE_TABLE).run()


if __name__ == "__main__":
    main()
