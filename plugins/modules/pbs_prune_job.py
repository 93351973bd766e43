#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbs_prune_job
short_description: Prune jobs of Proxmox Backup Server
version_added: 0.1.0
description:
  - >-
      Creates, changes and removes prune jobs: which backups of a datastore stay, and which go.
  - The rules are applied one after the other, from O(config[].keep_last) to O(config[].keep_yearly). Each keeps the
    newest backup of its next periods, and a period of which an earlier rule has kept one does not count.
  - A whole list in one call. Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.backup_connection
  - baremetal.proxmox.resource
notes:
  - A prune job removes what it does not keep. A job without any C(keep_) option keeps everything.
  - >-
      Either the backup server prunes, or Proxmox VE does (C(prune-backups) of its storage): not both.
options:
  config:
    description:
      - The prune jobs, with Proxmox's own names.
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
        description: The datastore that is pruned. Needed to create a job.
        type: str
      schedule:
        description:
          - When it runs, as a calendar event such as V(daily), V(02:00), V(sun 03:00) or V(mon..fri 22:30). Needed to
            create a job.
        type: str
      disable:
        description: Whether the job does not run by itself. V(false) when not given.
        type: bool
      comment:
        description: A text about it.
        type: str
      ns:
        description: The namespace, such as V(site/rack). The root namespace when not given.
        type: str
      max_depth:
        description:
          - How many levels of namespaces below O(config[].ns) belong to it; V(0) is O(config[].ns) alone. All of them
            when not given (V(7)).
        type: int
      keep_last:
        description: How many of the newest backups stay.
        type: int
      keep_hourly:
        description: Of how many hours with backups the newest backup stays.
        type: int
      keep_daily:
        description: Of how many days.
        type: int
      keep_weekly:
        description: Of how many weeks; a week begins on Monday.
        type: int
      keep_monthly:
        description: Of how many months.
        type: int
      keep_yearly:
        description: Of how many years.
        type: int
"""

EXAMPLES = r"""
- name: 7 days, 4 weeks and 3 months of backups stay
  baremetal.proxmox.pbs_prune_job:
    config:
      - {id: nightly, store: store1, schedule: daily, keep_daily: 7, keep_weekly: 4, keep_monthly: 3}
"""

RETURN = r"""
before:
  description: All prune jobs before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{id: nightly, store: store1, schedule: daily, keep_daily: 7}]
after:
  description: All prune jobs after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{id: nightly, store: store1, schedule: daily, keep_daily: 7}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: nightly, set: [keep_daily]}]
gathered:
  description: The prune jobs that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{id: nightly, store: store1, schedule: daily, keep_daily: 7}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_jobs import PRUNE_JOB
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_words import run


def main() -> None:
    run(PRUNE_JOB)


if __name__ == "__main__":
    main()
