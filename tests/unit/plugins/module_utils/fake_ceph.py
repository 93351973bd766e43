# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Ceph that answers only what a test announced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph


class Then:
    """Successive answers of one command; the last one stays."""

    def __init__(self, *answers: Any) -> None:
        self.left = list(answers)

    def __call__(self, _arguments: Mapping[str, Any]) -> Any:
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]


class FakeCeph(Ceph):
    """C(answers): "prefix name=value …", arguments in the order of their names → answer. "prefix *" takes any arguments.

    An answer that is an exception is raised, one that can be called is called with the arguments. C(calls) lists what
    was asked, in the form of the keys; what is not announced is an AssertionError. C(sent) has the inbufs.
    """

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.answers = dict(answers or {})
        self.calls: list[str] = []
        self.sent: list[bytes] = []
        self.closed = False

    def command(self, prefix: str, /, *, inbuf: bytes = b"", **arguments: Any) -> Any:
        given = {name: value for name, value in arguments.items() if value is not None}
        call = " ".join([prefix, *(f"{name}={_word(given[name])}" for name in sorted(given))])
        self.calls.append(call)
        if inbuf:
            self.sent.append(inbuf)
        for key in (call, f"{prefix} *"):
            if key in self.answers:
                answer = self.answers[key]
                answer = answer(given) if callable(answer) else answer
                if isinstance(answer, Exception):
                    raise answer
                return answer
        raise AssertionError(f"unexpected command of Ceph: {call}")

    def close(self) -> None:
        self.closed = True


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
