# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Coming back to a node whose firewall was just switched on."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.action import firewall_confirm as action
from ansible_collections.baremetal.proxmox.plugins.modules import firewall_confirm


@pytest.mark.parametrize(
    ("status", "ready"),
    [("enabled/running", True), ("enabled/running (pending changes)", False), ("enabled/stopped", False)],
)
def test_what_pve_firewall_says(status: str, ready: bool) -> None:
    assert firewall_confirm.ready(status) == ready


class Connection:
    def __init__(self) -> None:
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1


def come_back(monkeypatch: Any, answers: list[Any], timeout: int = 45) -> tuple[dict[str, Any], int]:
    """With a clock that only waiting moves."""
    now = [0.0]
    monkeypatch.setattr(action.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(action.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + 20 * seconds))
    plugin = action.ActionModule.__new__(action.ActionModule)
    plugin._connection = Connection()
    plugin._task = type("Task", (), {"args": {}})()

    def execute(**_arguments: Any) -> Any:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(plugin, "_execute_module", execute)
    return plugin._come_back({}, "pve1", timeout), plugin._connection.resets


def test_each_look_is_over_a_new_connection(monkeypatch: Any) -> None:
    pending = {"ready": False, "status": "enabled/running (pending changes)"}
    result, resets = come_back(monkeypatch, [pending, OSError("gone"), {"ready": True, "changed": False}])
    assert result["ready"]
    assert resets == 3


def test_nobody_comes_back(monkeypatch: Any) -> None:
    result, resets = come_back(monkeypatch, [OSError("timed out")])
    assert result["failed"]
    assert resets == 4
    assert "pve1: expected the node's firewall to be on, and a new connection through it, within 45 s" in result["msg"]
    assert "found no new connection: timed out. Nobody has confirmed it" in result["msg"]


def test_who_comes_back_too_late_has_not_come_through_it(monkeypatch: Any) -> None:
    """As after a connection that was tried for so long that Proxmox has switched the firewall off meanwhile."""
    gone = OSError("timed out")
    result, resets = come_back(monkeypatch, [gone, gone, gone, {"ready": True, "status": "disabled/running"}])
    assert (result["failed"], resets) == (True, 4)
    assert "found disabled/running. Nobody has confirmed it" in result["msg"]


@pytest.mark.parametrize(
    ("text", "over"),
    [
        ("[OPTIONS]\n\nenable: 1000\n", True),
        ("[OPTIONS]\n\npolicy_in: DROP\nenable: 1041\n", False),
        ("[OPTIONS]\n\nenable: 1\n", False),
        ("[RULES]\n\nIN ACCEPT # enable: 1000\n", False),
        ("", False),
    ],
)
def test_a_trial_that_is_over(text: str, over: bool) -> None:
    assert firewall_confirm.over(text, now=1100.0) == over


def test_what_the_node_refuses_ends_it(monkeypatch: Any) -> None:
    result, resets = come_back(monkeypatch, [{"failed": True, "msg": "no", "invocation": {}}])
    assert (result["msg"], resets) == ("no", 1)
