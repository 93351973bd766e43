#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbs_acl
short_description: Access control list of Proxmox Backup Server
version_added: 0.1.0
description:
  - Grants roles to users and tokens on paths of a backup server, and takes them away.
  - A whole list in one call. Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.backup_connection
  - baremetal.proxmox.resource
notes:
  - What whoever asks through O(api_host) was granted is not taken away.
  - >-
      A token may do only what its user may do as well: grant both.
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
        description:
          - What it is about, such as V(/datastore/store1/site1) for a namespace, V(/datastore), V(/remote/site2) or
            V(/).
        type: str
        required: true
      ugid:
        description:
          - >-
              For whom: a user or a token, such as V(backup@pbs!rack1).
        type: str
        required: true
      roleid:
        description: The role, such as V(DatastoreBackup), V(DatastorePowerUser), V(DatastoreAudit), V(Audit), V(Admin).
        type: str
        required: true
      propagate:
        description: Whether it holds for what is below the path as well. V(true) when not given.
        type: bool
"""

EXAMPLES = r"""
- name: The cluster backs up into its namespace, and can do nothing else
  baremetal.proxmox.pbs_acl:
    config:
      - {path: /datastore/store1/site1, ugid: backup@pbs, roleid: DatastoreBackup}
      - {path: /datastore/store1/site1, ugid: 'backup@pbs!rack1', roleid: DatastoreBackup}
"""

RETURN = r"""
before:
  description: All entries before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{path: /datastore/store1/site1, ugid: backup@pbs, roleid: DatastoreBackup}]
after:
  description: All entries after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{path: /datastore/store1/site1, ugid: backup@pbs, roleid: DatastoreBackup}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: /datastore/store1/site1 backup@pbs DatastoreBackup, set: [propagate]}]
gathered:
  description: The entries that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{path: /datastore/store1/site1, ugid: backup@pbs, roleid: DatastoreBackup}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_access import ACL_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_words import run


def main() -> None:
    run(ACL_TABLE)


if __name__ == "__main__":
    main()
