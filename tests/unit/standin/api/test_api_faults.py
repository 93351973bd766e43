"""Faults on demand, and the request log."""

from __future__ import annotations

import json
from typing import Any

from pvestandin import faults, requestlog


def write(node: Any, *rules: dict[str, Any]) -> None:
    path = node.root / "run/pve-standin/faults.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rules))


def test_no_file_no_fault(node: Any) -> None:
    assert faults.take("GET", "/version") is None
    assert faults.task_failure("clusterjoin") is None


def test_a_rule_is_used_up(node: Any) -> None:
    write(node, {"match": "POST /storage", "times": 2, "action": "status", "status": 596})
    assert faults.take("GET", "/storage") is None
    assert [faults.take("POST", "/storage") is None for _unused in range(3)] == [False, False, True]
    assert json.loads((node.root / "run/pve-standin/faults.json").read_text()) == []


def test_a_rule_without_times_stays(node: Any) -> None:
    write(node, {"match": "GET .*", "action": "delay", "seconds": 0})
    assert all(faults.take("GET", "/x") for _unused in range(5))


def test_the_first_rule_that_matches_strikes(node: Any) -> None:
    write(node, {"match": "GET /a", "action": "drop", "times": 1}, {"match": "GET", "action": "status", "status": 500})
    assert [faults.take("GET", "/a")["action"] for _unused in range(2)] == ["drop", "status"]


def test_failing_tasks_are_chosen_by_their_type(node: Any) -> None:
    write(node, {"match": "clusterjoin", "action": "task-fail", "message": "no luck", "times": 1})
    assert faults.take("POST", "/cluster/config/clusterjoin") is None
    assert [faults.task_failure(kind) for kind in ("clustercreate", "clusterjoin", "clusterjoin")] == [
        None,
        "no luck",
        None,
    ]


def test_the_log_has_no_secrets(node: Any) -> None:
    requestlog.write(
        peer="10.0.0.1",
        user="root@pam",
        method="POST",
        path="/access/ticket",
        status=200,
        params={"username": "root@pam", "password": "hunter22", "client-key": "k", "comment": "c"},
    )
    text = (node.root / "var/log/pve-standin/requests.jsonl").read_text()
    assert "hunter22" not in text
    entry = json.loads(text)
    assert entry["params"] == {"username": "root@pam", "password": "***", "client-key": "***", "comment": "c"}
    assert (entry["method"], entry["path"], entry["status"], entry["user"]) == (
        "POST",
        "/access/ticket",
        200,
        "root@pam",
    )
