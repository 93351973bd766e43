"""Validates an inventory as the action plugin does, without a process of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.baremetal.proxmox.plugins.action.validate_inventory import TRUSTED
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._validate import Source, Verdict, validate


def judge(path: Path, extra: Mapping[str, Any] | None = None, arguments: Sequence[str] = ()) -> Verdict:
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(path)])
    manager = VariableManager(loader=loader, inventory=inventory)
    manager._extra_vars = dict(extra or {})
    hostvars = HostVars(inventory, manager, loader)
    pattern = str((extra or {}).get("pve_hosts", "pve"))
    return validate(
        Source(
            pattern=pattern,
            hosts=[host.name for host in inventory.get_hosts(pattern)],
            variables={name: hostvars.raw_get(name) for name in inventory.hosts},
            groups=inventory.get_groups_dict(),
            hostvars=hostvars,
            loader=loader,
            load=lambda file: loader.load_from_file(file, **TRUSTED),
            extra=extra or {},
            omit=manager.get_vars().get("omit"),
            skipped=[argument.partition("=")[2] for argument in arguments if argument.startswith("--skip-tags=")],
        )
    )
