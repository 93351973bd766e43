#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: replication_job
short_description: Replication of guests to other nodes
version_added: 0.1.0
description:
  - Creates, changes and removes jobs that copy a guest's disks on ZFS to another node, a whole list of them in one
    call.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - A removed job takes away the copies and then itself, in the background. One of the same name can be made after
    that.
options:
  config:
    description:
      - The jobs.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      id:
        description: The guest's number, a hyphen and a number, such as V(100-0).
        type: str
        required: true
      type:
        description: The kind of job. Needed to create it.
        type: str
        choices: [local]
      target:
        description: The node that gets the copy. Fixed when it is created.
        type: str
      schedule:
        description: When it runs, a calendar event such as V(*/15).
        type: str
      rate:
        description: Limit in MB/s.
        type: float
      disable:
        description: Whether it is switched off.
        type: bool
      comment:
        description: A text about it.
        type: str
"""

EXAMPLES = r"""
- name: The database's disks every five minutes
  baremetal.proxmox.replication_job:
    config:
      - {id: 110-0, type: local, target: pve2, schedule: '*/5', rate: 50}
  run_once: true
"""

RETURN = r"""
before:
  description: All jobs before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: []
after:
  description: All jobs after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{id: 110-0, type: local, target: pve2}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: 110-0, set: [target]}]
gathered:
  description: The jobs that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{id: 110-0, type: local, target: pve2}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._replication_job import REPLICATION_JOB


def main() -> None:
    ResourceModule(REPLICATION_JOB).run()


if __name__ == "__main__":
    main()
