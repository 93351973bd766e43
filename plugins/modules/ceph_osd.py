#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_osd
short_description: Ceph's OSDs on the disks of a node
version_added: 0.1.0
description:
  - Makes OSDs on a list of disks in one call, through Proxmox's API, and waits until they are up and in.
  - "Disks are sacred. A disk that holds anything is refused by name, with what was found on it, before anything is changed.
    It is wiped only with O(config[].wipe=true) on that very entry and O(allow_wipe=true) for the run; and never when it is
    mounted, held, in use as swap, in RAID or ZFS, a storage of Proxmox, what the machine boots from, an OSD of another
    or an unknown Ceph cluster, or when it cannot be read."
  - An OSD is recognised by what is on its disk (the tags of its volume, or its label), whatever the kernel calls the disk today.
  - What a run that was killed has left by half is found and made anew. An OSD that was ever up is never touched for that.
  - Runs on the node itself, as root.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
    details:
      - Where Ceph is not installed yet, the disks are looked at all the same, and planned against a new Ceph.
  diff_mode:
    support: full
    details:
      - Shows each disk and OSD that changes; what a wipe takes away is in it.
  platform:
    platforms: debian
options:
  config:
    description:
      - The disks, each with the OSDs to have on it.
    type: list
    elements: dict
    default: []
    suboptions:
      device:
        description:
          - The disk, a whole one, by a name that stays such as C(/dev/disk/by-id/…) or C(/dev/disk/by-path/…).
        type: path
        required: true
      db_device:
        description:
          - Disk for the OSD's database. Several OSDs can share one. It has to be empty, or to hold DBs and WALs of this Ceph
            only. It is never wiped.
          - Fixed when the OSD is made.
        type: path
      db_size:
        description: GiB for it. By default what Ceph's C(bluestore_block_db_size) says, else 10 % of the OSD.
        type: float
      wal_device:
        description: As O(config[].db_device), for the write-ahead log. It is on the DB's disk anyway if not given.
        type: path
      wal_size:
        description: GiB for it. By default what Ceph's C(bluestore_block_wal_size) says, else 1 % of the OSD.
        type: float
      device_class:
        description:
          - CRUSH device class, such as V(hdd), V(ssd) or V(nvme). By default what Ceph takes the disk for.
          - Another one than an OSD has is set.
        type: str
      encrypted:
        description: Whether the OSD is encrypted. Fixed when it is made.
        type: bool
        default: false
      osds_per_device:
        description: How many OSDs to make on the disk. Not together with O(config[].db_device) and O(config[].wal_device).
        type: int
      crush_location:
        description:
          - "Where in the CRUSH tree the OSD is to be, as V({rack: r1}) or V({root: fast}). What is given is compared and set."
          - Types above C(host) move the node with all its OSDs. Missing buckets are made.
          - Another C(host) than the node's name moves the OSD alone, and stays over restarts; only C(root) goes with it.
        type: dict
      wipe:
        description:
          - Whether what is on this disk may be wiped, if the run has O(allow_wipe), too. It does nothing where the disk is
            an OSD of this cluster.
        type: bool
        default: false
      replaces:
        description:
          - Numbers of dead OSDs of this node whose place this disk takes. They are removed from the cluster before the new one
            is made, provided that they are down, their disk is gone, and no placement group needs them to be served.
          - Nothing happens when the disk has its OSD already.
        type: list
        elements: int
        default: []
  state:
    description:
      - V(present) makes what is missing, starts what is down, and sets class and place.
      - V(absent) removes the OSDs of the listed disks and of O(osds); they are emptied first.
      - V(gathered) changes nothing and returns the OSDs of the node as O(config) takes them.
    type: str
    choices: [present, absent, gathered]
    default: present
  allow_wipe:
    description: The second word that a wipe needs, for the run. See O(config[].wipe).
    type: bool
    default: false
  osds:
    description:
      - With O(state=absent), numbers of dead OSDs of this node whose disk is gone. An OSD whose disk is there is named by it.
    type: list
    elements: int
    default: []
  cleanup:
    description:
      - With O(state=absent), whether the disks of the OSDs that go are emptied for other uses. It is the word for those disks,
        because they were OSDs of this cluster. A disk from which a run that was killed has removed the OSD already is emptied
        as well.
      - Without it their volumes stay, and Proxmox overwrites the beginning of what is in them all the same.
    type: bool
    default: false
  force:
    description:
      - Numbers of OSDs that may go though Ceph does not say that it is safe. Data may be lost.
    type: list
    elements: int
    default: []
  timeout:
    description: Seconds to wait for OSDs to be up and in, for tasks of others on the node's disks, and the like.
    type: int
    default: 300
  drain_timeout:
    description: Seconds to wait until OSDs that go are empty, and Ceph says that they are safe to destroy.
    type: int
    default: 3600
requirements:
  - python3-rados (where Ceph is installed, it is)
  - python3-proxmoxer
  - python3-requests
notes:
  - Proxmox makes the OSDs of a node one after the other, because of its lock on the disks. Nodes work at the same time.
  - An OSD that is out stays out, with a warning; somebody may be emptying it.
seealso:
  - module: baremetal.proxmox.node_facts
    description: What is on each disk.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Two disks with their DBs on one NVMe, and an NVMe with two OSDs
  baremetal.proxmox.ceph_osd:
    config:
      - device: /dev/disk/by-id/ata-ST8000_A1
        db_device: /dev/disk/by-id/nvme-P4800_X
        db_size: 200
      - device: /dev/disk/by-id/ata-ST8000_A2
        db_device: /dev/disk/by-id/nvme-P4800_X
        db_size: 200
      - {device: /dev/disk/by-id/nvme-PM1733_Y, osds_per_device: 2, device_class: nvme}

- name: A used disk, which was looked at and may be wiped
  baremetal.proxmox.ceph_osd:
    config:
      - {device: /dev/disk/by-id/ata-ST8000_B7, wipe: true}
    allow_wipe: "{{ ceph_allow_wipe | default(false) }}"

- name: The disk of osd.3 died, and there is a new one in its bay
  baremetal.proxmox.ceph_osd:
    config:
      - {device: /dev/disk/by-id/ata-ST8000_C9, replaces: [3]}

- name: A disk goes, once its data is elsewhere
  baremetal.proxmox.ceph_osd:
    config:
      - device: /dev/disk/by-id/ata-ST8000_A1
    state: absent
    cleanup: true
    drain_timeout: 86400
"""

RETURN = r"""
osds:
  description: The OSDs of this node, in check mode as they are.
  returned: success
  type: list
  elements: dict
  sample:
    - id: 0
      uuid: 11111111-2222-4333-8444-555555555555
      device: /dev/disk/by-id/ata-ST8000_A1
      path: /dev/sdb
      up: true
      in: true
      device_class: hdd
      location: {host: pve1, root: default}
changes:
  description:
    - What was done, or would be, in this order. V(purge) and V(clean) take away what a killed run left, V(complete) makes the
      rest of several OSDs on a disk, V(forget) removes a volume that no OSD has.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, device: /dev/disk/by-id/ata-ST8000_A1}]
gathered:
  description: The OSDs on this node's disks, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{device: /dev/disk/by-id/ata-ST8000_A1, device_class: hdd}]
problems:
  description: One sentence for each thing that stands against it.
  returned: when something does
  type: list
  elements: str
  sample:
    - "config[0] (/dev/disk/by-id/ata-ST8000_B7): expected an empty disk, found filesystem ext4 (data). Set wipe: true on this
      entry and allow_wipe: true for the run to wipe it."
"""

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _errors, _session
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client, local_session
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine, require_root
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd import Run
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_wish import ARGUMENTS


def local(module: AnsibleModule) -> Run:
    """This node. Without the library for HTTP, check mode reads through pvesh."""
    require_root()
    ceph = Ceph.from_module(module)
    bare = module.check_mode and _session.HttpSession.missing_library()
    client = Client(_session.PveshReader() if bare else local_session(), local=True)
    return Run(module, client, ceph, Machine())


def run(connect: Callable[[AnsibleModule], Run] = local) -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)

    def main_part(module: AnsibleModule) -> dict[str, Any]:
        made = connect(module)
        try:
            return made.result()
        finally:
            made.close()

    _errors.run(module, main_part)


def main() -> None:
    run()


if __name__ == "__main__":
    main()
