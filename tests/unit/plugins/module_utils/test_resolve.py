# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import threading
import time

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _resolve


def test_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [
        (2, 1, 6, "", ("10.0.0.1", 0)),
        (10, 1, 6, "", ("fe80::1%eth0", 0, 0, 2)),
        (2, 1, 6, "", ("10.0.0.1", 0)),
    ]
    monkeypatch.setattr(_resolve.socket, "getaddrinfo", lambda *_arguments, **_options: answers)
    assert _resolve.forward("pve1") == ["10.0.0.1", "fe80::1"]


@pytest.mark.parametrize("code", [socket.EAI_NONAME, socket.EAI_NODATA])
def test_no_such_name_is_an_answer(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def nothing(*_arguments: object, **_options: object) -> None:
        raise socket.gaierror(code, "not known")

    monkeypatch.setattr(_resolve.socket, "getaddrinfo", nothing)
    monkeypatch.setattr(_resolve.socket, "getnameinfo", nothing)
    assert (_resolve.forward("pve1"), _resolve.reverse("10.0.0.1")) == ([], [])


def test_reverse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_resolve.socket, "getnameinfo", lambda *_arguments: ("pve1.example.org", "0"))
    assert _resolve.reverse("10.0.0.1") == ["pve1.example.org"]


def test_one_that_hangs_holds_up_no_other() -> None:
    released = threading.Event()

    def question(item: str) -> list[str]:
        if item == "slow":
            released.wait(10)
        if item == "broken":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure")
        return [item.upper()]

    begin = time.monotonic()
    found = _resolve.all_of(question, ["a", "slow", "broken", "a"], 0.2)
    released.set()
    assert time.monotonic() - begin < 5
    assert found == {
        "a": {"answer": ["A"], "error": None},
        "slow": {"answer": None, "error": "no answer within 0.2 s"},
        "broken": {"answer": None, "error": "Temporary failure"},
    }
