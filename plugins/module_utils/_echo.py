# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Echo requests to many addresses at once, with nothing but Python: no ping needs to be installed, and one call is enough.

Packets carry don't-fragment, and the sizes are those of IP packets, as an MTU counts them.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import select
import socket
import statistics
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

# linux/in.h, linux/in6.h; Python does not have them in all its versions
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_PROBE = 10, 23, 3
ECHO = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}
# bytes before the payload: IP header and ICMP header
HEADERS = {socket.AF_INET: 28, socket.AF_INET6: 48}
SMALL = 84  # what ping sends
# What gets through where the full size does not: Ethernet with tags and tunnels taken off, other usual sizes
LADDER = (8996, 8950, 8000, 4096, 2000, 1508, 1504, 1500, 1496, 1492, 1480, 1450, 1400, 1280)
FULL_SIZED = 3
INTERVAL = 0.005


@dataclasses.dataclass(frozen=True)
class Target:
    """From where to where, and the size of packet that should get through, None if only the latency is wanted."""

    source: str
    address: str
    mtu: int | None = None

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.address else socket.AF_INET


@dataclasses.dataclass
class _Sent:
    target: Target
    size: int
    at: float
    rtt: float | None = None


class Echo:
    """One process' echo requests. C(close) it."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._ident = int.from_bytes(os.urandom(2), "big")
        self._cookie = os.urandom(8)
        self._sockets: dict[tuple[int, str], socket.socket] = {}
        self._sent: dict[int, _Sent] = {}
        self._errors: dict[tuple[Target, int], OSError] = {}

    def close(self) -> None:
        for each in self._sockets.values():
            each.close()

    def measure(self, targets: Sequence[Target], count: int) -> list[dict[str, Any]]:
        """For each target C(sent), C(received), C(rtt_ms), C(passed) (full size; None if not tried), C(largest), C(error)."""
        for number in range(count):
            self._send((target, SMALL) for target in targets)
            self._receive(INTERVAL if number + 1 < count else self.timeout, wait=number + 1 < count)
        reached = [target for target in targets if self._rtts(target, SMALL)]
        full = [(target, target.mtu) for target in reached if target.mtu and target.mtu > SMALL]
        for _time in range(FULL_SIZED):
            self._send((target, size) for target, size in full if not self._rtts(target, size))
            self._receive(self.timeout / FULL_SIZED)
        stuck = [(target, size) for target, size in full if not self._rtts(target, size)]
        self._send((target, smaller) for target, size in stuck for smaller in LADDER if smaller < size)
        self._receive(self.timeout)
        return [self._result(target, count) for target in targets]

    def _result(self, target: Target, count: int) -> dict[str, Any]:
        rtts = self._rtts(target, SMALL)
        tried = bool(rtts and target.mtu and target.mtu > SMALL)
        sizes = {sent.size for sent in self._sent.values() if sent.target == target and sent.rtt is not None}
        error = self._errors.get((target, SMALL)) or self._errors.get((target, target.mtu or 0))
        return {
            "source": target.source,
            "address": target.address,
            "mtu": target.mtu,
            "sent": count,
            "received": len(rtts),
            "rtt_ms": {
                "min": round(min(rtts) * 1000, 3),
                "median": round(statistics.median(rtts) * 1000, 3),
                "max": round(max(rtts) * 1000, 3),
            }
            if rtts
            else None,
            "passed": bool(self._rtts(target, target.mtu or 0)) if tried else None,
            "largest": max(sizes, default=None),
            "error": error.strerror if error else None,
        }

    def _rtts(self, target: Target, size: int) -> list[float]:
        return [
            sent.rtt
            for sent in self._sent.values()
            if sent.target == target and sent.size == size and sent.rtt is not None
        ]

    def _send(self, packets: Iterable[tuple[Target, int]]) -> None:
        for target, size in packets:
            number = len(self._sent) + 1
            try:
                self._socket(target).sendto(self._packet(target.family, number, size), (target.address, 0))
            except OSError as error:
                self._errors[target, size] = error
                continue
            self._sent[number] = _Sent(target, size, time.monotonic())

    def _socket(self, target: Target) -> socket.socket:
        key = (target.family, target.source)
        if key not in self._sockets:
            v6 = target.family == socket.AF_INET6
            made = socket.socket(target.family, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
            level, option = (socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER) if v6 else (socket.IPPROTO_IP, IP_MTU_DISCOVER)
            try:
                made.setsockopt(level, option, PMTUDISC_PROBE)
                made.setblocking(False)
                made.bind((target.source, 0))
            except OSError:
                made.close()
                raise
            self._sockets[key] = made
        return self._sockets[key]

    def _packet(self, family: int, number: int, size: int) -> bytes:
        payload = self._cookie.ljust(size - HEADERS[family], b"\0")
        header = struct.pack(">BBHHH", ECHO[family][0], 0, 0, self._ident, number)
        # the kernel fills in the checksum of ICMPv6
        total = checksum(header + payload) if family == socket.AF_INET else 0
        return struct.pack(">BBHHH", ECHO[family][0], 0, total, self._ident, number) + payload

    def _receive(self, seconds: float, wait: bool = False) -> None:
        """Until everything is answered, or for so many seconds; C(wait) stays for all of them."""
        deadline = time.monotonic() + seconds
        while (rest := deadline - time.monotonic()) > 0 and (wait or self._open()):
            ready, _write, _error = select.select(list(self._sockets.values()), [], [], rest)
            for each in ready:
                for number, at in self._replies(each):
                    sent = self._sent.get(number)
                    if sent and sent.rtt is None:
                        sent.rtt = at - sent.at

    def _open(self) -> bool:
        newest = time.monotonic() - self.timeout
        return any(sent.rtt is None and sent.at > newest for sent in self._sent.values())

    def _replies(self, each: socket.socket) -> Iterator[tuple[int, float]]:
        while True:
            try:
                data = each.recv(65536)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
                    return
                continue  # an error that a router sent: the packet stays unanswered
            if each.family == socket.AF_INET:
                data = data[(data[0] & 15) * 4 :]
            if len(data) >= 16 and data[0] == ECHO[each.family][1] and data[8:16] == self._cookie:
                ident, number = struct.unpack_from(">HH", data, 4)
                if ident == self._ident:
                    yield number, time.monotonic()


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
