#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbs_disk
short_description: Disks of a Proxmox Backup Server as places for datastores
version_added: 0.1.0
description:
  - Has the backup server make a file system, or a ZFS pool, on empty disks and mount it below C(/mnt/datastore), now and at
    every boot. A datastore in it is made by M(baremetal.proxmox.pbs_datastore).
  - A disk that holds anything is refused by name, with what was found on it, before anything is changed. Nothing is ever
    wiped.
  - Runs on the backup server itself, as root.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
    details:
      - Where the backup server is not installed yet, the disks are looked at all the same.
  diff_mode:
    support: full
  platform:
    platforms: debian
options:
  config:
    description: The places, each with its disks.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the place; it is mounted on C(/mnt/datastore/NAME). With ZFS also the name of the pool.
        type: str
        required: true
      devices:
        description:
          - The disks, as C(/dev/disk/by-id/…), whatever the kernel calls them today. One, except with ZFS.
        type: list
        elements: path
        required: true
      filesystem:
        description: The file system. ZFS needs its tools and module, which come with Proxmox's kernel.
        type: str
        choices: [ext4, xfs, zfs]
        default: ext4
      raidlevel:
        description: How ZFS lays data out over the disks; V(single) when not given.
        type: str
        choices: [single, mirror, raid10, raidz, raidz2, raidz3]
"""

EXAMPLES = r"""
- name: A place for a datastore on a disk of its own
  baremetal.proxmox.pbs_disk:
    config:
      - {name: store1, devices: [/dev/disk/by-id/ata-SAMSUNG_S5Y1NX0], filesystem: xfs}
"""

RETURN = r"""
changes:
  description: What was made, or would be, in this order.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: store1, path: /mnt/datastore/store1, devices: [/dev/disk/by-id/ata-SAMSUNG_S5Y1NX0], filesystem: xfs}
"""

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _errors, _pbs_disk
from ansible_collections.baremetal.proxmox.plugins.module_utils._api import Api
from ansible_collections.baremetal.proxmox.plugins.module_utils._backup_server import local_session
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_disks import Disks
from ansible_collections.baremetal.proxmox.plugins.module_utils._product import BACKUP_SERVER

CONFIG_SPEC = {
    "name": {"type": "str", "required": True},
    "devices": {"type": "list", "elements": "path", "required": True},
    "filesystem": {"type": "str", "choices": ["ext4", "xfs", "zfs"], "default": "ext4"},
    "raidlevel": {"type": "str", "choices": list(_pbs_disk.RAID)},
}


def _local() -> Client:
    return Client(local_session(), local=True, product=BACKUP_SERVER)


def run(connect: Callable[[], Client] = _local, machine: Machine | None = None) -> None:
    module = AnsibleModule(
        argument_spec={"config": {"type": "list", "elements": "dict", "required": True, "options": CONFIG_SPEC}},
        supports_check_mode=True,
    )

    def converge(module: AnsibleModule) -> dict[str, Any]:
        client = connect()
        try:
            if not client.installed and not module.check_mode:
                raise _errors.NotInstalled(
                    "Proxmox Backup Server is not installed on this machine.",
                    hint="Install it first (role pbs_server).",
                )
            api = Api(client) if client.installed else None
            wanted = _pbs_disk.wishes(module.params["config"])
            converger = _pbs_disk.Converger(api, Disks(machine or Machine()))
            missing = converger.plan(wanted)
            if not module.check_mode:
                converger.make(missing)
        finally:
            client.close()
        made = [one.shown() for one in missing]
        return {"changed": bool(made), "changes": made, "diff": {"before": [], "after": made}}

    _errors.run(module, converge)


def main() -> None:
    run()


if __name__ == "__main__":
    main()
