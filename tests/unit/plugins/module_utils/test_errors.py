# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _errors as e


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (e.ProxmoxError("It broke.", hint="Mend it.", a=1, b=None), {"msg": "It broke. Mend it.", "a": 1}),
        (
            e.ApiError(400, "POST", "/x", "bad\n", {"b": "two\n", "a": "one"}),
            {
                "msg": "POST /x: bad (HTTP 400): a: one; b: two",
                "status": 400,
                "method": "POST",
                "path": "/x",
                "reason": "bad",
                "errors": {"a": "one", "b": "two"},
            },
        ),
        (
            e.ApiError(500, "GET", "/x", ""),
            {"msg": "GET /x: no reason given (HTTP 500)", "status": 500, "method": "GET", "path": "/x", "reason": ""},
        ),
        (
            e.ConnectionLost("PUT", "/x", "reset", maybe_done=True),
            {
                "msg": "PUT /x: no answer from the API (reset); the call may have been carried out all the same",
                "method": "PUT",
                "path": "/x",
            },
        ),
        (
            e.TaskError("UPID:a", "oops", ["l1"]),
            {"msg": "task UPID:a failed: oops", "upid": "UPID:a", "exitstatus": "oops", "log_tail": ["l1"]},
        ),
        (
            e.CliError(["pvecm", "add"], 2, "", "line\nlast\n"),
            {
                "msg": "pvecm add: exit code 2: last",
                "argv": ["pvecm", "add"],
                "rc": 2,
                "stdout": "",
                "stderr": "line\nlast\n",
            },
        ),
        (
            e.Timeout("quorum", 30, "Quorate: No"),
            {
                "msg": "waited 30 s for quorum; last seen: Quorate: No",
                "what": "quorum",
                "seconds": 30,
                "last_seen": "Quorate: No",
            },
        ),
    ],
)
def test_fail_args(error: e.ProxmoxError, expected: dict[str, Any]) -> None:
    assert error.fail_args() == expected


class Module:
    def __init__(self) -> None:
        self.ended: list[Any] = []

    def exit_json(self, **result: Any) -> None:
        self.ended.append(("exit", result))

    def fail_json(self, **result: Any) -> None:
        self.ended.append(("fail", result))


def test_run() -> None:
    good, bad, broken = Module(), Module(), Module()
    e.run(good, lambda _module: {"changed": True})  # type: ignore[arg-type]
    assert good.ended == [("exit", {"changed": True})]

    def fail(_module: Any) -> dict[str, Any]:
        raise e.InputError("no")

    e.run(bad, fail)  # type: ignore[arg-type]
    assert bad.ended == [("fail", {"msg": "no"})]

    # a bug of ours is not dressed up as something else
    with pytest.raises(KeyError):
        e.run(broken, lambda _module: {}["x"])  # type: ignore[arg-type]
    assert broken.ended == []
