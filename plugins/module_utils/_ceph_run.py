# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What the modules of monitors, managers and metadata servers have in common: who is meant, check mode, the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph, _ceph_conf, _errors, _node
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_node import IDENT, CephNode
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client, local_session
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError, NotInstalled
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "timeout": {"type": "int", "default": 300},
}
# Shorter than a wait: a command that nobody answers is asked again
ASK_SECONDS = 15.0

NEW = "planned against a new Ceph: none is installed and initialised on this machine yet"
NO_MONITOR = "planned against a new Ceph: it has no monitor yet"


def node(module: AnsibleModule) -> CephNode:
    """This node, asked as root."""
    return CephNode(
        _node.Machine(),
        Client(local_session(), local=True),
        lambda: _ceph.Ceph.from_module(module, ASK_SECONDS),
        Deadline(module.params["timeout"]),
        module.warn,
    )


def run(
    title: str,
    options: Mapping[str, dict[str, Any]],
    daemon: Callable[[CephNode, str, Mapping[str, Any]], Any],
    connect: Callable[[AnsibleModule], CephNode] = node,
) -> None:
    """A whole module. C(daemon(node, ident, params)) has present and absent; its state is in the result under C(title)."""
    module = AnsibleModule(argument_spec={**SPEC, **options}, supports_check_mode=True)
    _errors.run(module, lambda module: _converge(module, title, daemon, connect))


def _converge(
    module: AnsibleModule,
    title: str,
    daemon: Callable[[CephNode, str, Mapping[str, Any]], Any],
    connect: Callable[[AnsibleModule], CephNode],
) -> dict[str, Any]:
    _node.require_root()
    here = connect(module)
    ident, present = module.params["name"] or here.name, module.params["state"] == "present"
    if not IDENT.fullmatch(ident):
        raise InputError(f"name: expected letters, digits and inner hyphens, found '{ident}'.")
    if lack := _lacks(here, title):
        if not present:
            return _result(title, None, None, [])
        if not module.check_mode:
            raise NotInstalled(lack[0], hint=lack[1])
        module.warn(f"{here.name}: {title} {ident}: {lack[2]}")
        return _result(title, None, {"name": ident}, ["create"])
    try:
        one = daemon(here, ident, module.params)
        work = one.present if present else one.absent
        before, after, steps = work(check=module.check_mode)
    finally:
        here.close()
    old = before.view() if before.here else None
    if module.check_mode and steps:
        return _result(title, old, {"name": ident, "running": True, "enabled": True} if present else None, steps)
    return _result(title, old, after.view() if present else None, steps)


def _lacks(here: CephNode, title: str) -> tuple[str, str, str] | None:
    """(what is missing, what to do, what is said in check mode)."""
    root = here.machine.root
    if not _ceph.installed(root):
        return f"{here.name}: expected Ceph to be installed, found it missing.", "Install it (role pve_ceph).", NEW
    if not _ceph.initialised(root):
        found = f"{here.name}: expected Ceph to be initialised, found no fsid in {_ceph_conf.PATH}."
        return found, "Initialise it once (baremetal.proxmox.ceph_init).", NEW
    if title != "monitor" and not _ceph.has_monitors(root):
        found = f"{here.name}: expected Ceph to have a monitor, found none in {_ceph_conf.PATH}."
        return found, "Make the first one (baremetal.proxmox.ceph_mon).", NO_MONITOR
    return None


def _result(title: str, before: Any, after: Any, steps: list[str]) -> dict[str, Any]:
    return {
        "changed": bool(steps),
        title: after,
        "actions": steps,
        "diff": {"before": {title: before}, "after": {title: after if steps else before}},
    }
