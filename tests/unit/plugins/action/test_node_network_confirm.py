# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.baremetal.proxmox.plugins.action import node_network_confirm as plugin

INVOCATION = {"invocation": {}}
DONE = {"state": "confirmed", "remain": 40.0}
BACK = {"state": "rolled_back", "reason": "it was not confirmed in time", "without_carrier": ["bond0"]}


class Task:
    check_mode = False
    async_val = 0

    def __init__(self) -> None:
        self.args = {"transaction": {"id": "x", "timeout": 60}, "pings": [{"address": "192.0.2.1"}]}


class Connection:
    def __init__(self) -> None:
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1


@pytest.fixture(name="ask")
def fixture_ask(monkeypatch: Any) -> Any:
    """A function that runs the action against answers of the node, and gives its result and what the node was asked."""
    monkeypatch.setattr(plugin.time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(plugin.ActionBase, "run", lambda *_arguments, **_options: {})

    def run(answers: list[Any], *, check_mode: bool = False) -> tuple[dict[str, Any], list[bool], Connection]:
        action = plugin.ActionModule.__new__(plugin.ActionModule)
        action._task, action._connection = Task(), Connection()
        action._task.check_mode = check_mode
        left, looks = list(answers), []

        def execute(*, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
            assert module_name == "baremetal.proxmox.node_network_confirm"
            looks.append(module_args["look"])
            answer = left.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return dict(answer)

        action._execute_module = execute
        result = action.run(task_vars={"inventory_hostname": "pve1"})
        assert left == []
        return result, looks, action._connection

    return run


def test_confirmed_over_a_connection_from_after_the_change(ask: Any) -> None:
    result, looks, connection = ask([{"state": "armed"}, {"state": "applying"}, {"state": "applied"}, DONE])
    assert looks == [True, True, True, False]
    assert connection.resets == 4
    assert result["state"] == "confirmed" and not result["changed"] and "failed" not in result


def test_lost_while_it_changed_and_back(ask: Any) -> None:
    result, looks, _connection = ask([AnsibleConnectionFailure("timed out"), {"state": "applied"}, DONE])
    assert looks == [True, True, False]
    assert result["state"] == "confirmed"


def test_cut_off_until_the_node_took_it_back(ask: Any) -> None:
    result, _looks, _connection = ask([{"state": "armed"}, *[AnsibleConnectionFailure("No route to host")] * 5, BACK])
    assert result["failed"]
    assert result["msg"] == (
        "pve1: the new network configuration was taken back: no new connection came about within 60 s (No route to host);"
        " no carrier on bond0. The old configuration is back."
    )


def test_cut_off_in_the_middle_of_the_module(ask: Any) -> None:
    broken = {"failed": True, "module_stdout": "", "msg": "MODULE FAILURE"}
    result, looks, _connection = ask([{"state": "applied"}, broken, BACK])
    assert looks == [True, False, False]
    assert result["failed"]


def test_what_did_not_answer_is_said(ask: Any) -> None:
    reason = "the gateway 192.0.2.1 on vmbr0 did not answer at MTU 1500"
    result, _looks, _connection = ask([{"state": "applied"}, {"state": "rolled_back", "reason": reason}])
    assert (
        result["msg"] == f"pve1: the new network configuration was taken back: {reason}. The old configuration is back."
    )


def test_an_error_of_the_module_is_an_error(ask: Any) -> None:
    result, _looks, _connection = ask([{"failed": True, "msg": "root's", **INVOCATION}])
    assert result["failed"] and result["msg"] == "root's"


def test_never_back(ask: Any, monkeypatch: Any) -> None:
    clock = iter([0, 10, 1000])
    monkeypatch.setattr(plugin.time, "monotonic", lambda: next(clock))
    result, _looks, _connection = ask([AnsibleConnectionFailure("no"), AnsibleConnectionFailure("No route to host")])
    assert result["failed"] and result["state"] == "lost"
    assert "found no connection: No route to host" in result["msg"]


def test_check_mode_asks_nothing(ask: Any) -> None:
    result, looks, connection = ask([], check_mode=True)
    assert looks == [] and connection.resets == 0 and result["skipped"]
