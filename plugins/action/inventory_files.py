# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _inventory_files as inventory
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import plain

SPEC = {
    "directory": {"type": "path", "required": True},
    "groups": {"type": "dict", "required": True},
    "found": {"type": "str", "required": True},
    "keep": {"type": "list", "elements": "str", "default": []},
    "overwrite": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Works on the controller; asks no machine."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _result, given = self.validate_argument_spec(SPEC)
        arguments = _data(given)
        hostvars = (task_vars or {})["hostvars"]
        groups = {
            str(group): [_machine(str(name), hostvars[name], arguments) for name in names]
            for group, names in arguments["groups"].items()
        }
        directory = Path(arguments["directory"])
        made = inventory.files(groups)
        present = {name: _read(directory / name) for name in made}
        changed = [name for name, text in made.items() if present[name] != text]
        in_the_way = [name for name in changed if present[name] is not None]
        if in_the_way and not arguments["overwrite"]:
            raise AnsibleActionFail(
                f"pve_gather_directory: expected no other inventory in {directory}, found {', '.join(in_the_way)}. Choose"
                " another directory, or set pve_gather_overwrite. Nothing was written."
            )
        if not self._task.check_mode:
            for name in changed:
                _write(directory / name, made[name])
        notes = [
            f"{machine.name}: {note}"
            for machine in {one.name: one for some in groups.values() for one in some}.values()
            for scope in ("host", "cluster")
            for note in inventory.notes(machine, scope)
        ]
        result |= {
            "changed": bool(changed),
            "files": changed,
            "others": _others(directory, set(made)),
            "notes": notes,
            "diff": [
                {
                    "before_header": str(directory / name),
                    "after_header": str(directory / name),
                    "before": present[name] or "",
                    "after": made[name],
                }
                for name in changed
            ],
        }
        return result


def _machine(name: str, variables: Any, arguments: dict[str, Any]) -> inventory.Machine:
    found = _data(variables.get(arguments["found"], {})).get("inventory")
    if found is None:
        raise AnsibleActionFail(f"{name}: expected an answer of inventory_info in {arguments['found']}, found none.")

    def known(names: Any) -> dict[str, Any]:
        return {one: _data(variables[one]) for one in names if one in variables}

    secret = [one for one in inventory.CONNECTION_SECRETS if one in variables]
    return inventory.Machine(name, found, known(inventory.CONNECTION), secret, known(arguments["keep"]))


def _data(value: Any) -> Any:
    """Nothing but data: numbers are wrapped as well, from ansible-core 2.19 on."""
    return json.loads(json.dumps(plain(value)))


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AnsibleActionFail(f"pve_gather_directory: {path} cannot be read: {error.strerror}.") from error


def _write(path: Path, text: str) -> None:
    """Whole or not at all, for its owner only."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            file.write(text)
        os.replace(file.name, path)
    except OSError as error:
        raise AnsibleActionFail(f"pve_gather_directory: {path} cannot be written: {error.strerror}.") from error


def _others(directory: Path, made: set[str]) -> list[str]:
    """Files of an inventory that are there and were not made now; Ansible reads them as well."""
    there = {str(path.relative_to(directory)) for path in directory.glob("*_vars/**/*") if path.is_file()}
    return sorted(there - made)
