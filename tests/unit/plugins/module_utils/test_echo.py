# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Echo requests over a wire that the test holds both ends of."""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _echo
from ansible_collections.baremetal.proxmox.plugins.module_utils._echo import Echo, Target


class Wire:
    """Stands for a raw socket. Packets larger than C(limit) are lost, than C(own) cannot be sent."""

    def __init__(self, family: int, limit: int = 65535, own: int = 65535, lose: int = 0, strange: bytes = b"") -> None:
        self.family = family
        self.limit, self.own, self.lose = limit, own, lose
        self.replies: list[bytes] = [strange] if strange else []
        self.sent: list[int] = []
        self.options: list[tuple[int, int, int]] = []
        self.bound: Any = None

    def setsockopt(self, *option: int) -> None:
        self.options.append(option)

    def setblocking(self, _flag: bool) -> None:
        pass

    def bind(self, address: Any) -> None:
        self.bound = address

    def close(self) -> None:
        pass

    def sendto(self, data: bytes, _address: Any) -> None:
        size = len(data) + _echo.HEADERS[self.family] - 8
        if size > self.own:
            raise OSError(errno.EMSGSIZE, "Message too long")
        self.sent.append(size)
        if self.lose:
            self.lose -= 1
        elif size <= self.limit:
            kind = _echo.ECHO[self.family][1]
            header = b"\x45" + bytes(19) if self.family == socket.AF_INET else b""
            self.replies.append(header + bytes([kind]) + data[1:])

    def recv(self, _size: int) -> bytes:
        if not self.replies:
            raise BlockingIOError(errno.EAGAIN, "nothing")
        return self.replies.pop(0)


def measure(monkeypatch: pytest.MonkeyPatch, wire: Wire, target: Target, count: int = 3) -> dict[str, Any]:
    monkeypatch.setattr(_echo.socket, "socket", lambda *_arguments: wire)
    monkeypatch.setattr(
        _echo.select, "select", lambda sockets, *_rest: ([one for one in sockets if one.replies], [], [])
    )
    echo = Echo(0.05)
    (result,) = echo.measure([target], count)
    echo.close()
    return result


V4 = Target("10.0.0.1", "10.0.0.2", 9000)
V6 = Target("fd00::1", "fd00::2", 9000)


@pytest.mark.parametrize("target", [V4, V6])
def test_the_full_size_gets_through(monkeypatch: pytest.MonkeyPatch, target: Target) -> None:
    wire = Wire(target.family)
    result = measure(monkeypatch, wire, target)
    assert (result["sent"], result["received"], result["passed"], result["largest"], result["error"]) == (
        3,
        3,
        True,
        9000,
        None,
    )
    assert wire.sent == [84, 84, 84, 9000], "one packet of the full size is enough"
    assert wire.bound == (target.source, 0)
    assert result["rtt_ms"]["min"] <= result["rtt_ms"]["median"] <= result["rtt_ms"]["max"]
    # never in pieces
    assert [option[1:] for option in wire.options] == [(10 if target is V4 else 23, 3)]


def test_a_switch_that_takes_less(monkeypatch: pytest.MonkeyPatch) -> None:
    result = measure(monkeypatch, Wire(socket.AF_INET, limit=1500), V4)
    assert (result["received"], result["passed"], result["largest"]) == (3, False, 1500)


def test_an_interface_that_takes_less(monkeypatch: pytest.MonkeyPatch) -> None:
    result = measure(monkeypatch, Wire(socket.AF_INET, own=1500), V4)
    assert (result["passed"], result["largest"], result["error"]) == (False, 1500, "Message too long")


def test_a_packet_of_the_full_size_may_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(socket.AF_INET)
    first = wire.sendto

    def lossy(data: bytes, address: Any) -> None:
        if len(data) > 1000 and wire.sent.count(9000) == 0:
            wire.lose = 1
        first(data, address)

    monkeypatch.setattr(wire, "sendto", lossy)
    assert measure(monkeypatch, wire, V4)["passed"] is True


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    result = measure(monkeypatch, Wire(socket.AF_INET, limit=0), V4)
    assert (result["received"], result["passed"], result["rtt_ms"], result["largest"]) == (0, None, None, None)


def test_only_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(socket.AF_INET)
    assert measure(monkeypatch, wire, Target("10.0.0.1", "10.0.0.2"))["passed"] is None
    assert wire.sent == [84, 84, 84]


def test_replies_to_others_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    strange = b"\x45" + bytes(19) + struct.pack(">BBHHH", 0, 0, 0, 1, 1) + b"not ours"
    assert measure(monkeypatch, Wire(socket.AF_INET, limit=0, strange=strange), V4)["received"] == 0


def test_an_address_that_cannot_be_sent_from(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(socket.AF_INET)

    def bind(_address: Any) -> None:
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    monkeypatch.setattr(wire, "bind", bind)
    result = measure(monkeypatch, wire, V4)
    assert (result["received"], result["error"]) == (0, "Cannot assign requested address")


def test_checksum() -> None:
    """The example of RFC 1071, 3."""
    assert _echo.checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2
    assert _echo.checksum(b"\x01") == _echo.checksum(b"\x01\x00")
