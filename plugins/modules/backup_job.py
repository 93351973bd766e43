#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_job
short_description: Backup jobs of Proxmox VE
version_added: 0.1.0
description: Creates, changes and removes jobs that back up guests, a whole list of them in one call.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - What a job does not say comes from C(/etc/vzdump.conf) of the node.
  - O(config[].all), O(config[].pool) and O(config[].vmid) are three ways to select guests. Giving one takes the place
    of another.
  - The filter P(baremetal.proxmox.backup_stagger#filter) spreads the jobs of a list over a night.
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
        description: Name of the job.
        type: str
        required: true
      schedule:
        description:
          - When it runs, a calendar event such as V(mon..fri 02:30), V(sun 04:00) or V(*-*-1 03:00). Needed to create
            it.
        type: str
      enabled:
        description: Whether it runs at all.
        type: bool
      repeat_missed:
        description: Whether it runs as soon as possible when it was missed.
        type: bool
      comment:
        description: A text about it.
        type: str
      all:
        description: All guests, but for O(config[].exclude).
        type: bool
      vmid:
        description: Numbers of the guests.
        type: list
        elements: int
      exclude:
        description: Numbers of the guests that are left out, of all.
        type: list
        elements: int
      pool:
        description: The guests of this pool.
        type: str
      node:
        description: Only the guests on this node.
        type: str
      storage:
        description: Where the backups go; its content has to include C(backup).
        type: str
      mode:
        description: How a running guest is backed up.
        type: str
        choices: [snapshot, suspend, stop]
      compress:
        description: How it is compressed. V('0') is not at all.
        type: str
        choices: ['0', '1', gzip, lzo, zstd]
      zstd:
        description: Threads of Zstandard; V(0) is half of the cores.
        type: int
      pigz:
        description: Threads of gzip; V(0) is gzip itself.
        type: int
      prune_backups:
        description:
          - 'What is kept of a guest''s backups, as for M(baremetal.proxmox.storage), such as C({keep_daily: 7,
            keep_weekly: 4}). Without it the storage''s own is taken.'
        type: dict
      remove:
        description: Whether old backups are removed at all.
        type: bool
      protected:
        description: Whether the backups are protected from removal.
        type: bool
      notes_template:
        description: Notes of the backups, with C({{cluster}}), C({{guestname}}), C({{node}}) and C({{vmid}}) in it.
        type: str
      fleecing:
        description: C(enabled) and C(storage) of a place for what guests overwrite while they are backed up.
        type: dict
      performance:
        description: C(max_workers) and C(pbs_entries_max).
        type: dict
      pbs_change_detection_mode:
        description: How changed files of containers are found, for Proxmox Backup Server.
        type: str
        choices: [legacy, data, metadata]
      notification_mode:
        description: How the end is notified.
        type: str
        choices: [auto, legacy-sendmail, notification-system]
      mailnotification:
        description: When a mail is sent, the old way.
        type: str
        choices: [always, failure]
      mailto:
        description: Who gets a mail, the old way.
        type: list
        elements: str
      bwlimit:
        description: Limit in KiB/s.
        type: int
      ionice:
        description: Priority of its input and output; V(8) is only when nothing else is done.
        type: int
      lockwait:
        description: Minutes to wait for another backup to end.
        type: int
      stopwait:
        description: Minutes to wait for a guest to stop.
        type: int
      stop:
        description: Whether running backups of the node are stopped.
        type: bool
      quiet:
        description: Whether it says less.
        type: bool
      stdexcludes:
        description: Whether temporary files and logs are left out.
        type: bool
      exclude_path:
        description: Files and directories of containers that are left out.
        type: list
        elements: str
      tmpdir:
        description: Directory for temporary files. Only root@pam itself may set it.
        type: str
      dumpdir:
        description: Directory for the backups. Only root@pam itself may set it.
        type: str
      script:
        description: Script that is called on the way. Only root@pam itself may set it.
        type: str
"""

EXAMPLES = r"""
- name: All guests every night, but for a test machine; the databases on Sunday as well, and kept for longer
  baremetal.proxmox.backup_job:
    config:
      - id: nightly
        schedule: '02:30'
        storage: backup
        exclude: [900]
        prune_backups: {keep_daily: 7, keep_weekly: 4}
      - id: databases
        schedule: sun 04:00
        storage: backup
        vmid: [110, 111]
        prune_backups: {keep_monthly: 12}
        fleecing: {enabled: true, storage: local-lvm}
  run_once: true

- name: Jobs for several pools, spread over the night
  baremetal.proxmox.backup_job:
    config: "{{ backup_jobs | baremetal.proxmox.backup_stagger(start='22:00', end='05:00') }}"
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
  sample: [{id: nightly, all: true, schedule: '02:30', storage: backup}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: nightly, set: [all, schedule, storage]}]
gathered:
  description: The jobs that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{id: nightly, all: true, schedule: '02:30', storage: backup}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._backup_job import BACKUP_JOB
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule


def main() -> None:
    ResourceModule(BACKUP_JOB).run()


if __name__ == "__main__":
    main()
