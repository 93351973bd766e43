#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_health
short_description: Wait for a healthy Ceph
version_added: 0.1.0
description:
  - A gate before and after whatever restarts something. Waits until Ceph says C(HEALTH_OK), or complains about nothing but
    what is listed in O(accept); fails when that does not come in time, with what was last seen.
  - Health checks that were muted in Ceph do not count, as they do not count for Ceph.
  - In check mode, it looks once, and says in a warning what it would wait for.
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
  accept:
    description: Names of health checks that are as they should be, such as V(OSDMAP_FLAGS) while V(noout) is set.
    type: list
    elements: str
    default: []
  require:
    description:
      - What has to be so besides, whatever O(accept) says. All monitors of the map in quorum, a manager active, all OSDs up
        and in, all placement groups active and clean, each file system with its active metadata servers.
    type: list
    elements: str
    choices: [mons_quorum, mgr_active, osds_up, pgs_clean, mds_active]
    default: []
  timeout:
    description: Seconds to wait. With V(0), it looks once.
    type: int
    default: 300
requirements:
  - python3-rados
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Wait for Ceph before the next node is restarted
  baremetal.proxmox.ceph_health:
    accept: [OSDMAP_FLAGS]
    require: [mons_quorum, osds_up, pgs_clean]
    timeout: 600
"""

RETURN = r"""
health:
  description:
    - C(status), such as V(HEALTH_WARN), and C(checks), each with check, severity, summary, detail and muted.
    - Null in check mode where there is no Ceph yet.
  returned: success
  type: dict
  sample: {status: HEALTH_OK, checks: []}
"""

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_wait, _errors, _node
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline


def gate(module: AnsibleModule, ceph: Ceph) -> dict[str, Any]:
    params = module.params
    wait = _ceph_wait.CephWait(ceph, Deadline(0 if module.check_mode else params["timeout"]))
    try:
        for name in params["require"]:
            wait.require(name)
        wait.health(params["accept"])
    except _errors.Timeout as error:
        if not module.check_mode:
            raise
        module.warn(f"Ceph: expected {error.what}, found {error.last_seen}; a run would wait for it.")
    found = ceph.command("health", detail="detail")
    return {"changed": False, "health": {"status": found["status"], "checks": _ceph_wait.checks(found)}}


def run(connect: Callable[[AnsibleModule], Ceph | None] = Ceph.from_module) -> None:
    words = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(
        argument_spec={
            "accept": words,
            "require": {**words, "choices": list(_ceph_wait.REQUIREMENTS)},
            "timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )

    def main_part(module: AnsibleModule) -> dict[str, Any]:
        _node.require_root()
        ceph = connect(module)
        if ceph is None:
            if not module.check_mode:
                raise _errors.NotInstalled(
                    "Ceph: expected monitors to ask, found none installed and initialised here.",
                    hint="Install and initialise it first (role pve_ceph).",
                )
            module.warn("Ceph: there is none yet whose health could be looked at.")
            return {"changed": False, "health": None}
        try:
            return gate(module, ceph)
        finally:
            ceph.close()

    _errors.run(module, main_part)


def main() -> None:
    run()


if __name__ == "__main__":
    main()
