#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbs_verify_job
short_description: Verification jobs of Proxmox Backup Server
version_added: 0.1.0
description:
  - Creates, changes and removes verification jobs, which read backups again and compare them with their checksums.
  - A whole list in one call. Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.backup_connection
  - baremetal.proxmox.resource
options:
  config:
    description:
      - The verification jobs, with Proxmox's own names.
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
        description: The datastore that is verified. Needed to create a job.
        type: str
      ns:
        description: The namespace, such as V(site/rack). The root namespace when not given.
        type: str
      max_depth:
        description:
          - How many levels of namespaces below O(config[].ns) belong to it; V(0) is O(config[].ns) alone. All of them
            when not given (V(7)).
        type: int
      ignore_verified:
        description: Leave out what was verified before and is not outdated. V(true) when not given.
        type: bool
      outdated_after:
        description: After how many days a verification is outdated. Never when not given.
        type: int
      comment:
        description: A text about it.
        type: str
      schedule:
        description:
          - When it runs, as a calendar event such as V(daily), V(02:00), V(sun 03:00) or V(mon..fri 22:30). Without it
            the job runs when it is told to.
        type: str
      read_threads:
        description: How many threads read. Since Proxmox Backup Server 4.
        type: int
      verify_threads:
        description: How many threads compare. Since Proxmox Backup Server 4.
        type: int
"""

EXAMPLES = r"""
- name: Everything is verified on Sundays, and again after 30 days
  baremetal.proxmox.pbs_verify_job:
    config:
      - {id: weekly, store: store1, schedule: 'sun 03:00', ignore_verified: true, outdated_after: 30}
"""

RETURN = r"""
before:
  description: All verification jobs before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{id: weekly, store: store1, schedule: 'sun 03:00', outdated_after: 30}]
after:
  description: All verification jobs after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{id: weekly, store: store1, schedule: 'sun 03:00', outdated_after: 30}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: weekly, set: [outdated_after]}]
gathered:
  description: The verification jobs that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{id: weekly, store: store1, schedule: 'sun 03:00', outdated_after: 30}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_jobs import VERIFY_JOB
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_words import run


def main() -> None:
    run(VERIFY_JOB)


if __name__ == "__main__":
    main()
