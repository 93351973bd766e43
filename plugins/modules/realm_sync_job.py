#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: realm_sync_job
short_description: Jobs that synchronise realms of Proxmox VE
version_added: 0.1.0
description:
  - Creates, changes and removes the jobs that copy users and groups of a directory, a whole list of them in one call.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - M(baremetal.proxmox.realm) defines the realm.
options:
  config:
    description:
      - The jobs, with Proxmox's own names, C(_) for C(-).
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      id:
        description: Identifier of the job.
        type: str
        required: true
      realm:
        description: Realm, of the type C(ad) or C(ldap). Needed to create the job; cannot be changed.
        type: str
      schedule:
        description:
          - When it runs, a calendar event such as V(hourly) or V(mon..fri 02:30). Needed to create the job.
        type: str
      scope:
        description: What is copied. Needed to create the job.
        type: str
        choices: [users, groups, both]
      remove_vanished:
        description:
          - What is removed of users and groups that are no longer in the directory, some of C(acl), C(entry) and
            C(properties) with semicolons between them, or V(none).
        type: str
      enable_new:
        description: Whether new users may log in at once. V(true) is the default of Proxmox.
        type: bool
      enabled:
        description: Whether the job runs. V(true) is the default of Proxmox.
        type: bool
      comment:
        description: A text about it.
        type: str
      recreate:
        description:
          - Where the realm differs, which Proxmox cannot change, delete the job and create it anew, instead of an
            error.
        type: bool
        default: false
"""

EXAMPLES = r"""
- name: Users of the directory, every hour
  baremetal.proxmox.realm_sync_job:
    config:
      - id: corp
        realm: corp
        schedule: hourly
        scope: both
        remove_vanished: acl;entry
"""

RETURN = r"""
before:
  description: All jobs before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{id: corp, realm: corp, schedule: hourly, scope: both, enabled: true}]
after:
  description: All jobs after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{id: corp, realm: corp, schedule: hourly, scope: both, enabled: true}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: corp, set: [realm, schedule, scope]}]
gathered:
  description: The jobs that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{id: corp, realm: corp, schedule: hourly, scope: both, enabled: true}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._access_realms import SYNC_JOB_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule


def main() -> None:
    ResourceModule(SYNC_JOB_TABLE).run()


if __name__ == "__main__":
    main()
