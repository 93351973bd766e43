#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbs_sync_job
short_description: Sync jobs of Proxmox Backup Server
version_added: 0.1.0
description:
  - Creates, changes and removes sync jobs, which copy backups between datastores of one server or of two.
  - A whole list in one call. Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.backup_connection
  - baremetal.proxmox.resource
notes:
  - The other server is a remote, see M(baremetal.proxmox.pbs_remote).
options:
  config:
    description:
      - The sync jobs, with Proxmox's own names.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      id:
        description: Name of the job.
        type: str
        required: true
      store:
        description: The datastore of this server. Needed to create a job.
        type: str
      remote_store:
        description: The datastore of the other side. Needed to create a job.
        type: str
      remote:
        description: The other server, as a remote of this one. The other datastore is on this server when not given.
        type: str
      sync_direction:
        description: V(pull) copies to O(config[].store), V(push) from it. V(pull) when not given.
        type: str
        choices: [pull, push]
      ns:
        description: The namespace in O(config[].store). The root namespace when not given.
        type: str
      remote_ns:
        description: The namespace on the other side.
        type: str
      owner:
        description:
          - >-
              Who owns what is copied: a user or token. V(root@pam) when not given.
        type: str
      remove_vanished:
        description: Remove what is no longer on the side that is copied from. V(false) when not given.
        type: bool
      max_depth:
        description: How many levels of namespaces are copied as well. All of them when not given (V(7)).
        type: int
      comment:
        description: A text about it.
        type: str
      schedule:
        description:
          - When it runs, as a calendar event such as V(daily), V(02:00), V(sun 03:00) or V(mon..fri 22:30). Without it
            the job runs when it is told to.
        type: str
      group_filter:
        description:
          - Which groups are copied, such as V(type:vm), V(group:vm/100), V(regex:^ct/1), with V(exclude:) in front for
            what is left out. All when not given.
        type: list
        elements: str
      rate_in:
        description: How much may come in, in bytes a second with a unit, such as V(10 MB) or V(1.5GiB).
        type: str
      rate_out:
        description: The same for what goes out.
        type: str
      burst_in:
        description: How much may come in for a moment.
        type: str
      burst_out:
        description: The same for what goes out.
        type: str
      transfer_last:
        description: Copy only so many of the newest backups of each group.
        type: int
      encrypted_only:
        description: Copy only encrypted backups. Since Proxmox Backup Server 3.4.
        type: bool
      verified_only:
        description: Copy only verified backups. Since Proxmox Backup Server 3.4.
        type: bool
      resync_corrupt:
        description: Copy anew what a verification found damaged. Since Proxmox Backup Server 3.3.
        type: bool
      run_on_mount:
        description: Run when a removable datastore is mounted. Since Proxmox Backup Server 4.
        type: bool
      unmount_on_done:
        description: Unmount a removable datastore afterwards. Since Proxmox Backup Server 4.
        type: bool
      worker_threads:
        description: How many groups are copied at once. Since Proxmox Backup Server 4.
        type: int
"""

EXAMPLES = r"""
- name: Every hour the virtual machines of the other site are fetched
  baremetal.proxmox.pbs_sync_job:
    config:
      - id: site2
        store: store1
        remote: site2
        remote_store: main
        schedule: hourly
        group_filter: ['type:vm', 'exclude:group:vm/100']
        rate_in: 100 MB
"""

RETURN = r"""
before:
  description: All sync jobs before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{id: site2, store: store1, remote: site2, remote_store: main, schedule: hourly}]
after:
  description: All sync jobs after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{id: site2, store: store1, remote: site2, remote_store: main, schedule: hourly}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: site2, set: [schedule]}]
gathered:
  description: The sync jobs that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{id: site2, store: store1, remote: site2, remote_store: main, schedule: hourly}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_jobs import SYNC_JOB
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_words import run


def main() -> None:
    run(SYNC_JOB)


if __name__ == "__main__":
    main()
