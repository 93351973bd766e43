# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Comes back to a node whose network is changing. The module of the same name does the work there.

It runs on the controller because only that can know whether a *new* connection comes about, and because it has to wait,
and to say what happened, when none does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

MODULE = "baremetal.proxmox.node_network_confirm"
# what a node may take, beyond its time, to bring the old configuration up again
GRACE = 300
PAUSE = 1


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        if self._task.check_mode:
            return {**result, "changed": False, "skipped": True, "msg": "without a change there is nothing to confirm"}
        transaction = self._task.args.get("transaction") or {}
        timeout = int(transaction.get("timeout", 60))
        variables = task_vars or {}
        deadline = time.monotonic() + timeout + GRACE
        answer = self._come_back(lambda: self._ask(variables, look=True), deadline)
        if answer["state"] == "applied":
            # only now: a connection from before the change proves nothing
            answer = self._come_back(lambda: self._ask(variables, look=False), deadline, answer["lost"])
        return {**result, **verdict(answer, variables.get("inventory_hostname", "the node"), timeout)}

    def _ask(self, task_vars: dict[str, Any], *, look: bool) -> dict[str, Any]:
        self._connection.reset()
        arguments = {**self._task.args, "look": look}
        return self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)

    def _come_back(self, ask: Callable[[], dict[str, Any]], deadline: float, lost: str = "") -> dict[str, Any]:
        """The answer of the node when it has stopped changing, with C(lost), what attempts before it died of."""
        while True:
            try:
                answer = ask()
                if answer.get("state") not in (None, "armed", "applying"):
                    return {**answer, "lost": lost}
                if answer.get("failed") and "invocation" in answer:
                    return {"state": None, **answer, "lost": lost}
                # cut off in the middle, it left no state behind
                lost = lost if "state" in answer else str(answer.get("msg") or "").strip()
            except (AnsibleConnectionFailure, AnsibleError, OSError) as error:
                lost = str(error).strip()
            if time.monotonic() > deadline:
                return {"state": "lost", "lost": lost}
            time.sleep(PAUSE)


def verdict(answer: dict[str, Any], host: str, timeout: int) -> dict[str, Any]:
    """The result of the task, from what the node said in the end."""
    state, lost = answer.get("state"), answer.pop("lost", "")
    if state == "confirmed":
        return {**answer, "changed": False}
    if state == "lost":
        sentence = (
            f"{host}: expected the node to be back after its network was changed and, {timeout} s later, changed back;"
            f" found no connection: {lost}. See its console: the old configuration is in /etc/network/interfaces."
        )
        return {"failed": True, "state": state, "msg": sentence}
    if state != "rolled_back":
        return {**answer, "failed": True}
    reason = str(answer.get("reason") or "no reason was noted")
    if reason == "it was not confirmed in time" and lost:
        reason = f"no new connection came about within {timeout} s ({' '.join(lost.split())[:300]})"
    if answer.get("without_carrier"):
        reason += f"; no carrier on {', '.join(answer['without_carrier'])}"
    sentence = f"{host}: the new network configuration was taken back: {reason}. The old configuration is back."
    return {**answer, "failed": True, "reason": reason, "msg": sentence}
