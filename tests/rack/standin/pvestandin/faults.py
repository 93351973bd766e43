"""Faults on demand, for tests: /run/pve-standin/faults.json, a list of rules that are used up as they strike.

    {"match": "POST /storage", "times": 2, "action": "status", "status": 596, "message": "…"}

`match` is a regular expression over `METHOD /path`. Actions: status (that answer), drop (the connection is closed before
the call is done), drop-after (… after it was done), delay (seconds, then as usual), task-fail (the next task whose type
matches ends with the message). Without `times` a rule stays.
"""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterable
from typing import Any

from . import paths

Rule = dict[str, Any]


def take(method: str, path: str) -> Rule | None:
    """The first rule for a call, or None; its count goes down."""
    return _take(f"{method} {path}", ("status", "drop", "drop-after", "delay"))


def task_failure(kind: str) -> str | None:
    """The error that a task of this type has to end with, or None."""
    rule = _take(kind, ("task-fail",))
    return rule.get("message", "fault injected by the rack") if rule else None


def _take(subject: str, actions: Iterable[str]) -> Rule | None:
    path = paths.at("/run/pve-standin/faults.json")
    if not path.exists():
        return None
    with path.open("r+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        rules: list[Rule] = json.loads(stream.read() or "[]")
        for rule in rules:
            if rule["action"] in actions and re.search(rule["match"], subject):
                _count(rules, rule)
                stream.seek(0)
                stream.truncate()
                json.dump(rules, stream)
                return rule
    return None


def _count(rules: list[Rule], rule: Rule) -> None:
    if "times" in rule:
        rule["times"] -= 1
        if rule["times"] <= 0:
            rules.remove(rule)
