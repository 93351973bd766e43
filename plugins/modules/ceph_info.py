#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_info
short_description: What there is of Ceph, and what is half made on this node
version_added: 0.1.0
description:
  - Reads Ceph's configuration, health, daemons, OSDs, pools and file systems over one connection, and from the files of the
    node which of its daemons are half made.
  - Works on a machine without Ceph, too, and where Ceph does not answer; RV(ceph.answers) tells.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: debian
options:
  timeout:
    description: Seconds that Ceph may take to answer a question.
    type: int
    default: 15
requirements:
  - python3-rados, where Ceph is installed
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Read Ceph
  baremetal.proxmox.ceph_info:
  register: found

- name: Name the OSDs that are down
  ansible.builtin.debug:
    msg: "{{ found.ceph.osds | rejectattr('up') | map(attribute='id') | list }}"
"""

RETURN = r"""
ceph:
  description: What was found. Lists are empty, and single values null, where there is nothing or nobody answered.
  returned: success
  type: dict
  contains:
    installed:
      description: Whether Ceph's programs are installed on this machine.
      type: bool
    version:
      description: Version of the package on this machine, such as V(19.2.3).
      type: str
    release:
      description: Its name, such as V(squid).
      type: str
    initialised:
      description: Whether there is an C(fsid) in C(/etc/pve/ceph.conf).
      type: bool
    fsid:
      description: Identifier of this Ceph.
      type: str
    networks:
      description: C(public) and C(cluster), lists of networks in ceph.conf.
      type: dict
    answers:
      description: Whether Ceph answered. What it tells is empty if not; the monitors are then those of ceph.conf.
      type: bool
    error:
      description: Why it did not answer.
      type: str
    versions:
      description: Number of daemons that run, by version.
      type: dict
    health:
      description: C(status), such as V(HEALTH_OK), and C(checks), each with check, severity, summary, detail and muted.
      type: dict
    mons:
      description: Monitors, each with name, address, and in_quorum.
      type: list
      elements: dict
    mgrs:
      description: Managers, each with name, state (V(active) or V(standby)) and host.
      type: list
      elements: dict
    mds:
      description: Metadata servers, each with name, state (such as V(up:active)) and host.
      type: list
      elements: dict
    filesystems:
      description: File systems, each with name, metadata_pool, data_pools, max_mds, and the names of the active servers.
      type: list
      elements: dict
    osds:
      description:
        - OSDs, each with id, uuid, host (where it ran last), bucket (of the CRUSH map), up, in, destroyed, device_class, weight,
          devices (kernel names when it started), device_ids, and address.
      type: list
      elements: dict
    pools:
      description: Pools, each with name, id, type, size, min_size, pg_num, pg_autoscale_mode and applications.
      type: list
      elements: dict
    pgs:
      description: Number of placement groups by state.
      type: dict
    flags:
      description: Flags that are set for all OSDs, such as V(noout).
      type: list
      elements: str
    half_made:
      description:
        - By V(mon), V(mgr) and V(mds) the daemons that have something on this node and not all of it, each with name and what
          it C(lacks). The modules M(baremetal.proxmox.ceph_mon), M(baremetal.proxmox.ceph_mgr) and
          M(baremetal.proxmox.ceph_mds) complete them.
      type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_info, _errors, _node
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph, installed


def _connect(module: AnsibleModule) -> Ceph | None:
    return Ceph.from_module(module, float(module.params["timeout"]))


def run(connect: Callable[[AnsibleModule], Ceph | None] = _connect) -> None:
    module = AnsibleModule(argument_spec={"timeout": {"type": "int", "default": 15}}, supports_check_mode=True)

    def main_part(module: AnsibleModule) -> dict[str, Any]:
        machine = _node.Machine()
        if installed(machine.root):
            _node.require_root()
        ceph = connect(module)
        try:
            return {"changed": False, "ceph": _ceph_info.read(machine, ceph)}
        finally:
            if ceph is not None:
                ceph.close()

    _errors.run(module, main_part)


def main() -> None:
    run()


if __name__ == "__main__":
    main()
