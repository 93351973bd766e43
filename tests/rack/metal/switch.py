"""An Ethernet switch: frames in, frames out. No sockets here; rack.metal.switchd has those."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from rack.metal.lacp import LACP_ADDRESS, SLOW_PROTOCOLS, Lacp

TAG = b"\x81\x00"
# A network whose ports are looped together would otherwise take a processor of the host.
STORM_FRAMES = 5000


@dataclass
class Port:
    """One socket for a cable.

    group: ports that a machine may aggregate (None: none). native: the VLAN of untagged frames; tagged: the VLANs that
    pass with a tag, None for all of them. mtu: the largest payload, without a tag, that passes in either direction.
    """

    name: str
    fabric: str
    native: int = 1
    tagged: frozenset[int] | None = None
    mtu: int = 1500
    up: bool = True
    group: str | None = None
    dropped: dict[str, int] = field(default_factory=dict)

    def takes(self, vlan: int) -> bool:
        return vlan == self.native or self.tagged is None or vlan in self.tagged

    def drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1


class Switch:
    """Learns addresses per network and VLAN; `receive` says which frame leaves by which port."""

    def __init__(self) -> None:
        self.ports: dict[str, Port] = {}
        self.lacp = Lacp()
        # Where an address was seen: the name of a port, or of the group that it is a member of.
        self.table: dict[tuple[str, int, bytes], str] = {}
        self._flooded: dict[str, tuple[int, int]] = {}

    def add(self, port: Port) -> None:
        self.ports[port.name] = port
        if port.group:
            self.lacp.add(port.name, port.group)

    def set_up(self, name: str, up: bool) -> None:
        """A cable goes in or out: what was learned behind it is forgotten."""
        self.ports[name].up = up
        if not up:
            self.lacp.forget(name)
        self.forget(name)

    def forget(self, name: str) -> None:
        places = (name, f"group {self.ports[name].group}")
        self.table = {key: where for key, where in self.table.items() if where not in places}

    def _known(self, fabric: str, vlan: int, target: bytes) -> str | None:
        """Where the address is, unless it is nobody's, or behind a group that nobody speaks for any more."""
        where = None if target[0] & 1 else self.table.get((fabric, vlan, target))
        if where and where.startswith("group ") and not self.lacp.members(where.removeprefix("group ")):
            return None
        return where

    def _place(self, port: Port) -> str:
        """What the port counts as: its group, when the machine has aggregated it."""
        if port.group and self.lacp.members(port.group):
            return f"group {port.group}"
        return port.name

    def receive(self, name: str, frame: bytes, now: float) -> list[tuple[str, bytes]]:
        port = self.ports[name]
        if not port.up or len(frame) < 14:
            port.drop("down" if not port.up else "short")
            return []
        target, source = frame[:6], frame[6:12]
        if target.startswith(b"\x01\x80\xc2\x00\x00") and target[5] < 16:
            # Link-local: never forwarded by any switch.
            if port.group and target == LACP_ADDRESS and frame[12:14] == SLOW_PROTOCOLS:
                return self.lacp.receive(name, frame, now)
            return []
        place = self._place(port)
        if place != name and name not in self.lacp.members(port.group or ""):
            port.drop("not aggregated")
            return []
        return self._forward(port, place, target, source, frame, now)

    def _forward(
        self, port: Port, place: str, target: bytes, source: bytes, frame: bytes, now: float
    ) -> list[tuple[str, bytes]]:
        vlan, priority, inner = port.native, 0, frame[12:]
        if inner[:2] == TAG:
            tci = int.from_bytes(inner[2:4], "big")
            # A tag with VLAN 0 carries a priority only.
            vlan, priority, inner = (tci & 0xFFF) or port.native, tci & 0xF000, inner[4:]
            if not port.takes(vlan):
                port.drop("vlan")
                return []
        if len(inner) - 2 > port.mtu:
            port.drop("mtu")
            return []
        if not source[0] & 1:
            self.table[port.fabric, vlan, source] = place
        known = self._known(port.fabric, vlan, target)
        if known is None and self._storms(place, now):
            port.drop("storm")
            return []
        out = []
        addresses = target + source
        for other in self._exits(port, place, known, vlan, addresses):
            if len(inner) - 2 > other.mtu:
                other.drop("mtu")
                continue
            tag = b"" if vlan == other.native else TAG + (priority | vlan).to_bytes(2, "big")
            out.append((other.name, addresses + tag + inner))
        return out

    def _exits(self, port: Port, place: str, known: str | None, vlan: int, addresses: bytes) -> Iterator[Port]:
        """Ports that a frame leaves by: one of a group, none of the group that it came from."""
        seen = {place}
        for other in self.ports.values():
            if other.fabric != port.fabric or other is port:
                continue
            there = self._place(other)
            if there in seen or (known is not None and there != known):
                continue
            chosen = self._member(other, addresses) if there != other.name else other
            if not chosen.up or not chosen.takes(vlan):
                continue
            if there != other.name:
                seen.add(there)
            yield chosen

    def _member(self, port: Port, addresses: bytes) -> Port:
        """The cable of a group that frames between two addresses take."""
        members = self.lacp.members(port.group or "")
        return self.ports[members[zlib.crc32(addresses) % len(members)]]

    def _storms(self, place: str, now: float) -> bool:
        second, count = self._flooded.get(place, (0, 0))
        count = count + 1 if second == int(now) else 1
        self._flooded[place] = (int(now), count)
        return count > STORM_FRAMES

    def tick(self, now: float) -> list[tuple[str, bytes]]:
        """What the switch sends by itself; to be called about once a second."""
        return [(name, frame) for name, frame in self.lacp.tick(now) if self.ports[name].up]
