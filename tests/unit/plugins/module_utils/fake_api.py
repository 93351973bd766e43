# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An API that answers only what a test announced, and a way to run a module against it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client

Call = tuple[str, str, dict[str, Any], Any]


class FakeTransport:
    """Gives the announced answers in the announced order. An exception as an answer is raised."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self.expected = list(calls)
        self.renewed = 0
        self.can_renew = False

    def send(self, method: str, path: str, params: Any, timeout: float) -> Any:
        made = (method, path, dict(params))
        if not self.expected:
            raise AssertionError(f"unexpected call {made}")
        *wanted, answer = self.expected.pop(0)
        if made != tuple(wanted):
            raise AssertionError(f"call {made}, expected {tuple(wanted)}")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def renew(self) -> bool:
        self.renewed += 1
        return self.can_renew

    def close(self) -> None:
        pass

    def finished(self) -> None:
        if self.expected:
            raise AssertionError(f"never called: {self.expected}")


class FakeClient(Client):
    def __init__(self, transport: Any, *, installed: bool = True, **options: Any) -> None:
        super().__init__(transport, **options)
        self._installed = installed

    @property
    def installed(self) -> bool:
        return self._installed


class Left(BaseException):
    """How a module ended; no part of any error tree."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(json.dumps(result, default=str))
        self.result = result


def run_module(
    monkeypatch: Any,
    start: Callable[[Callable[[Any], Client]], None],
    arguments: dict[str, Any],
    calls: Sequence[Call] = (),
    *,
    installed: bool = True,
    timeout: float = 5.0,
    transport: Any = None,
) -> dict[str, Any]:
    """Runs C(start(connect)) with these module arguments. Returns the result, C(warnings) among it."""
    fake = FakeTransport(calls) if transport is None else transport
    warnings: list[str] = []

    def leave(failed: bool) -> Callable[..., None]:
        def end(_module: Any, **result: Any) -> None:
            raise Left({"failed": failed, **result})

        return end

    monkeypatch.setattr(basic.AnsibleModule, "exit_json", leave(False))
    monkeypatch.setattr(basic.AnsibleModule, "fail_json", leave(True))
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _module, text, **_more: warnings.append(text))
    try:
        with patch_module_args(arguments):
            start(lambda _module: FakeClient(fake, installed=installed, timeout=timeout))
    except Left as left:
        if transport is None and not left.result["failed"]:
            fake.finished()
        return {**left.result, "warnings": warnings}
    raise AssertionError("the module never ended")
