"""The switch's half of LACP (IEEE 802.1AX, clause 6), as far as a machine's 802.3ad bond needs a partner."""

from __future__ import annotations

import struct
from dataclasses import dataclass

LACP_ADDRESS = bytes.fromhex("0180c2000002")
SLOW_PROTOCOLS = b"\x88\x09"
SYSTEM = bytes.fromhex("02ac0ffee001")
PRIORITY = 32768
ACTIVE, SHORT, AGGREGATION, SYNC, COLLECTING, DISTRIBUTING = 1, 2, 4, 8, 16, 32
# The switch asks for a word every second; an emulated machine may be late with it.
SILENCE_SECONDS = 10
SLOW_SECONDS = 30
_INFO = struct.Struct("!H6sHHHB3x")


@dataclass(frozen=True)
class Info:
    """What a side says about one of its ports."""

    priority: int
    system: bytes
    key: int
    port_priority: int
    port: int
    state: int

    def pack(self) -> bytes:
        return _INFO.pack(self.priority, self.system, self.key, self.port_priority, self.port, self.state)


UNKNOWN = Info(0, bytes(6), 0, 0, 0, 0)


def parse(frame: bytes) -> tuple[Info, Info] | None:
    """(the sender about itself, the sender about us), or None when the frame is no LACPDU."""
    body = frame[14:]
    if len(body) < 42 or body[0] != 1 or body[2:4] != b"\x01\x14" or body[22:24] != b"\x02\x14":
        return None
    return Info(*_INFO.unpack(body[4:22])), Info(*_INFO.unpack(body[24:42]))


def build(source: bytes, actor: Info, partner: Info) -> bytes:
    body = b"\x01\x01" + b"\x01\x14" + actor.pack() + b"\x02\x14" + partner.pack() + b"\x03\x10" + bytes(14)
    return LACP_ADDRESS + source + SLOW_PROTOCOLS + body.ljust(110, b"\0")


@dataclass
class _Member:
    group: str
    number: int
    partner: Info = UNKNOWN
    heard: float = 0
    sent: float = 0
    said: tuple[Info, Info] | None = None


class Lacp:
    """The groups of a switch and what the machines' bonds have said."""

    def __init__(self) -> None:
        self._members: dict[str, _Member] = {}
        self._keys: dict[str, int] = {}
        self._active: dict[str, tuple[str, ...]] = {}

    def add(self, port: str, group: str) -> None:
        self._keys.setdefault(group, len(self._keys) + 1)
        self._members.setdefault(port, _Member(group, len(self._members) + 1))

    def members(self, group: str) -> tuple[str, ...]:
        """Ports of the group that carry frames now."""
        return self._active.get(group, ())

    def forget(self, port: str) -> None:
        member = self._members.get(port)
        if member:
            member.partner, member.said = UNKNOWN, None
            self._settle(member.group)

    def partner(self, port: str) -> str | None:
        """The address of the bond behind the port."""
        member = self._members.get(port)
        return member.partner.system.hex(":") if member and member.partner is not UNKNOWN else None

    def _settle(self, group: str) -> None:
        """One bond per group: cables to another one, or to another aggregator of it, carry nothing."""
        inside = {name: member for name, member in self._members.items() if member.group == group}
        speaking = [member.partner for member in inside.values() if member.partner.state & SYNC]
        chosen = (speaking[0].system, speaking[0].key) if speaking else None
        self._active[group] = tuple(
            name
            for name, member in inside.items()
            if member.partner.state & SYNC and (member.partner.system, member.partner.key) == chosen
        )

    def receive(self, port: str, frame: bytes, now: float) -> list[tuple[str, bytes]]:
        """Take in a LACPDU; an answer when there is something new to say or the bond has us wrong."""
        member = self._members[port]
        parsed = parse(frame)
        if parsed is None:
            return []
        member.partner, told = parsed
        member.heard = now
        self._settle(member.group)
        ours = self._actor(port, member)
        if member.said == (ours, member.partner) and told == ours:
            return []
        if member.said and now - member.sent < 0.1:
            return []
        return [(port, self._speak(port, member, now))]

    def _actor(self, port: str, member: _Member) -> Info:
        state = ACTIVE | SHORT | AGGREGATION | SYNC
        if port in self.members(member.group):
            state |= COLLECTING | DISTRIBUTING
        return Info(PRIORITY, SYSTEM, self._keys[member.group], PRIORITY, member.number, state)

    def _speak(self, port: str, member: _Member, now: float) -> bytes:
        ours = self._actor(port, member)
        member.said, member.sent = (ours, member.partner), now
        source = SYSTEM[:4] + member.number.to_bytes(2, "big")
        return build(source, ours, member.partner)

    def tick(self, now: float) -> list[tuple[str, bytes]]:
        out = []
        for port, member in self._members.items():
            if member.partner is not UNKNOWN and now - member.heard > SILENCE_SECONDS:
                self.forget(port)
            pause = 1 if member.partner.state & SHORT or not member.said else SLOW_SECONDS
            changed = member.said is not None and member.said != (self._actor(port, member), member.partner)
            if changed or now - member.sent >= pause * 0.9:
                out.append((port, self._speak(port, member, now)))
        return out
