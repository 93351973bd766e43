#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbs_datastore
short_description: Datastores of Proxmox Backup Server
version_added: 0.1.0
description:
  - Creates, changes and removes datastores. Creating one makes its directory, with a place for every chunk, and takes a
    while.
  - A whole list in one call. Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.backup_connection
  - baremetal.proxmox.resource
notes:
  - Removing a datastore leaves its backups where they are. Its jobs and what was granted on it go with it.
  - A file system for O(config[].path) has to be mounted before.
  - Which backups stay is said by M(baremetal.proxmox.pbs_prune_job).
options:
  config:
    description:
      - The datastores, with Proxmox's own names.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the datastore.
        type: str
        required: true
      path:
        description:
          - Its directory; of a datastore in an object store, the directory of its cache. Needed to create a datastore.
        type: str
      backend:
        description:
          - C(type) V(filesystem) or V(s3); for V(s3) also C(client), an endpoint of
            M(baremetal.proxmox.pbs_s3_endpoint), and C(bucket). Since Proxmox Backup Server 4.
        type: dict
      reuse_datastore:
        description: Take over a datastore that is in O(config[].path) already. Since Proxmox Backup Server 3.3.
        type: bool
      comment:
        description: A text about it.
        type: str
      gc_schedule:
        description: When garbage is collected, as a calendar event such as V(02:00).
        type: str
      verify_new:
        description: Verify every backup when it is done. V(false) when not given.
        type: bool
      notification_mode:
        description:
          - >-
              Who sends notifications: the system of targets and matchers, or the old way by mail.
        type: str
        choices: [legacy-sendmail, notification-system]
      notify_user:
        description: Who gets the mails of the old way, such as V(root@pam).
        type: str
      notify:
        description:
          - >-
              When the old way sends: V(never), V(always) or V(error) for C(gc), C(prune), C(sync), C(verify).
        type: dict
      tuning:
        description:
          - C(chunk_order), C(sync_level), C(gc_atime_safety_check), C(gc_atime_cutoff), C(gc_cache_capacity),
            C(default_verification_workers), C(default_verification_readers).
        type: dict
      maintenance_mode:
        description: C(type) V(read-only) or V(offline), and a C(message).
        type: dict
  allow_remove:
    description: Names of the datastores that may be removed. None is removed without being named here.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: A datastore on a disk of its own, collected every night
  baremetal.proxmox.pbs_datastore:
    config:
      - {name: store1, path: /mnt/datastore/store1, gc_schedule: '02:00', verify_new: true}

- name: A datastore in an object store
  baremetal.proxmox.pbs_datastore:
    config:
      - name: cold
        path: /var/cache/cold
        backend: {type: s3, client: cloud, bucket: backups}

- name: It is no longer a datastore, and its backups stay
  baremetal.proxmox.pbs_datastore:
    config: [{name: store1}]
    state: deleted
    allow_remove: [store1]
"""

RETURN = r"""
before:
  description: All datastores before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: store1, path: /mnt/datastore/store1, gc_schedule: '02:00'}]
after:
  description: All datastores after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: store1, path: /mnt/datastore/store1, gc_schedule: '02:00'}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: store1, set: [path]}]
gathered:
  description: The datastores that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{name: store1, path: /mnt/datastore/store1, gc_schedule: '02:00'}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_store import DATASTORE
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_words import run


def main() -> None:
    run(DATASTORE)


if __name__ == "__main__":
    main()
