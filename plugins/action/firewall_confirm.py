# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Comes back to a node whose firewall was just switched on; only the controller can tell whether a new connection comes about."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

MODULE = "baremetal.proxmox.firewall_confirm"
PAUSE = 1


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        if self._task.check_mode:
            return {**result, "changed": False, "skipped": True, "msg": "without a change there is nothing to confirm"}
        timeout = int(self._task.args.get("timeout", 45))
        variables = task_vars or {}
        host = variables.get("inventory_hostname", "the node")
        return {**result, **self._come_back(variables, host, timeout)}

    def _come_back(self, task_vars: dict[str, Any], host: str, timeout: int) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while True:
            try:
                self._connection.reset()
                answer = self._execute_module(
                    module_name=MODULE, module_args=dict(self._task.args), task_vars=task_vars
                )
            except (AnsibleConnectionFailure, AnsibleError, OSError) as error:
                answer, found = {}, f"no new connection: {' '.join(str(error).split())[:300]}"
            else:
                if answer.get("failed") and "invocation" in answer:
                    return answer
                found = str(answer.get("status") or answer.get("msg") or "no answer")
            late = time.monotonic() > deadline
            if answer.get("ready") and not late:
                return answer
            if late:
                # by now Proxmox may have switched it off, and then anybody comes back
                return {"failed": True, "changed": False, "msg": sentence(host, timeout, found)}
            time.sleep(PAUSE)


def sentence(host: str, timeout: int, found: str) -> str:
    return (
        f"{host}: expected the node's firewall to be on, and a new connection through it, within {timeout} s, found {found}."
        " Nobody has confirmed it, so that Proxmox switches it off again 60 s after it was switched on. Look whether"
        " pve_firewall_rules or the IP set management let this controller in"
    )
