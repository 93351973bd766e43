# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Runs the module, and keeps a result with secrets in it from being shown; a registered variable has it whole."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        result |= self._execute_module(module_name="baremetal.proxmox.token", task_vars=task_vars)
        if result.get("secrets"):
            # Ansible 2.19 and later ask for it; before, only no_log of the task counts
            result["_ansible_no_log"] = True
        return result
