#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_mgr_module
short_description: Modules of Ceph's managers
version_added: 0.1.0
description:
  - Turns modules of the managers on and off, such as C(dashboard), C(prometheus) or C(telemetry), all of them in one call.
  - After a change, the active manager begins anew; the module waits until a manager is active again.
notes:
  - Some modules cannot be turned off, among them C(balancer). Whether it balances, and how, are settings; see
    C(mgr/balancer/active) and C(mgr/balancer/mode) with M(baremetal.proxmox.ceph_config).
  - Proxmox has no API for this. The module runs on a node, as root.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: debian
options:
  config:
    description: The modules. Required unless O(state=gathered).
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the module.
        type: str
        required: true
      enabled:
        description: Whether it is to be on.
        type: bool
        default: true
      force:
        description: Turn it on even if the manager that is active now says that it cannot run it.
        type: bool
        default: false
  state:
    description:
      - V(merged) leaves other modules alone, V(overridden) turns them off. V(gathered) changes nothing, and returns the
        modules that are on, in the form of O(config).
      - For V(overridden), modules that Ceph itself turns on in a new cluster (C(iostat), C(nfs), C(restful)) are others, too.
    type: str
    choices: [merged, overridden, gathered]
    default: merged
  timeout:
    description: Seconds to wait for a manager that is active, before and after a change.
    type: int
    default: 120
requirements:
  - python3-rados
seealso:
  - module: baremetal.proxmox.ceph_mgr
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Metrics, and no telemetry of the old interface
  baremetal.proxmox.ceph_mgr_module:
    config:
      - name: prometheus
      - name: restful
        enabled: false
"""

RETURN = r"""
modules:
  description: Names of the modules that are on in the end, without those that cannot be turned off.
  returned: success
  type: list
  elements: str
  sample: [iostat, nfs, prometheus]
config:
  description: The modules that are on, in the form of O(config).
  returned: when O(state=gathered)
  type: list
  elements: dict
  sample: [{name: iostat, enabled: true}]
"""

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_mgr_modules, _errors, _node
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_wait import CephWait

ITEM = {
    "name": {"type": "str", "required": True},
    "enabled": {"type": "bool", "default": True},
    "force": {"type": "bool", "default": False},
}


def converge(module: AnsibleModule, ceph: Ceph | None) -> dict[str, Any]:
    params, config = module.params, module.params["config"] or []
    if ceph is None:
        if not module.check_mode:
            raise _errors.NotInstalled(
                "Ceph: expected monitors to ask, found none installed and initialised here.",
                hint="Install and initialise it first (role pve_ceph).",
            )
        module.warn("Modules of the manager are planned against a new Ceph: there is none yet.")
    elif not module.check_mode:
        # without a manager, Ceph knows of no modules
        CephWait(ceph, params["timeout"]).manager()
    known = _ceph_mgr_modules.read(ceph)
    if params["state"] == "gathered":
        return {"changed": False, "modules": known.on, "config": [{"name": one, "enabled": True} for one in known.on]}
    steps = _ceph_mgr_modules.plan(known, config, only=params["state"] == "overridden")
    after = sorted({*known.on, *steps.on} - {*steps.off})
    if ceph is not None and not module.check_mode and (steps.on or steps.off):
        after = _ceph_mgr_modules.apply(ceph, steps, params["timeout"]).on
    return {
        "changed": bool(steps.on or steps.off),
        "modules": after,
        "diff": {"before": {"modules": known.on}, "after": {"modules": after}},
    }


def run(connect: Callable[[AnsibleModule], Ceph | None] = Ceph.from_module) -> None:
    module = AnsibleModule(
        argument_spec={
            "config": {"type": "list", "elements": "dict", "options": ITEM},
            "state": {"type": "str", "choices": ["merged", "overridden", "gathered"], "default": "merged"},
            "timeout": {"type": "int", "default": 120},
        },
        required_if=[("state", "merged", ["config"]), ("state", "overridden", ["config"])],
        supports_check_mode=True,
    )

    def main_part(module: AnsibleModule) -> dict[str, Any]:
        _node.require_root()
        ceph = connect(module)
        try:
            return converge(module, ceph)
        finally:
            if ceph is not None:
                ceph.close()

    _errors.run(module, main_part)


def main() -> None:
    run()


if __name__ == "__main__":
    main()
