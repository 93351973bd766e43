"""The process of a metal rack's switch: cables are datagram sockets, the rack's own addresses are on TAPs.

It holds the rack's network namespace as the containers' switch does, so whatever finds the one finds the other.
"""

from __future__ import annotations

import fcntl
import json
import os
import selectors
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rack import kernel, network, state
from rack.errors import RackError
from rack.metal import qemu, sockets
from rack.metal.switch import Port, Switch
from rack.model import Spec

CONTROL = "control"
SETTINGS = "ports.json"
FRAMES_AT_A_TIME = 64
_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000


def cables(rack_dir: Path) -> Path:
    return rack_dir / "cables"


def port_name(node: str, interface: str) -> str:
    return f"{node}/{interface}"


def settings(rack_dir: Path) -> dict[str, dict[str, Any]]:
    """What was changed at ports since the rack was made: {port: {up, native, tagged, mtu}}."""
    path = rack_dir / SETTINGS
    return json.loads(path.read_text()) if path.exists() else {}


def ask(rack_dir: Path, question: dict[str, Any]) -> Any:
    """One request to the running switch: {"ask": "status" | "set" | "grow", …}."""
    with sockets.connect(cables(rack_dir) / CONTROL, 10) as connection:
        connection.sendall(json.dumps(question).encode() + b"\n")
        answer = json.loads(connection.makefile().readline())
    if "error" in answer:
        raise RackError(answer["error"])
    return answer["answer"]


def open_tap(name: str) -> int:
    handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(handle, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
    return handle


class Daemon:
    def __init__(self, rack_dir: Path) -> None:
        self.rack_dir = rack_dir
        self.switch = Switch()
        self.selector = selectors.DefaultSelector()
        self.send: dict[str, Callable[[bytes], object]] = {}

    def _write(self, name: str, frame: bytes) -> None:
        try:
            self.send[name](frame)
        except (BlockingIOError, ConnectionRefusedError, FileNotFoundError):
            self.switch.ports[name].drop("not taken")
        except OSError as error:
            self.switch.ports[name].drop(error.strerror or "error")

    def _work(self, name: str, read: Callable[[], bytes]) -> None:
        for _frame in range(FRAMES_AT_A_TIME):
            try:
                frame = read()
            except BlockingIOError:
                return
            for target, out in self.switch.receive(name, frame, time.monotonic()):
                self._write(target, out)

    def _listen(self, port: Port, handle: int, read: Callable[[], bytes], send: Callable[[bytes], object]) -> None:
        self.switch.add(port)
        self.send[port.name] = send
        self.selector.register(handle, selectors.EVENT_READ, lambda: self._work(port.name, read))

    def add_networks(self, spec: Spec) -> None:
        commands = ["link set dev lo up"]
        for item in spec.networks:
            name = network.bridge(spec, item.name)
            tap = open_tap(name)
            port = Port(f"rack/{item.name}", item.parent or item.name, item.vlan or 1, frozenset(), max(item.mtu, 9216))
            self._listen(port, tap, lambda tap=tap: os.read(tap, 65536), lambda frame, tap=tap: os.write(tap, frame))
            commands += [
                f"address add {item.gateway}/{item.network.prefixlen} dev {name}",
                f"link set dev {name} mtu {item.mtu} up",
            ]
        network.run_ip(commands)

    def add_cables(self, spec: Spec) -> None:
        """A port for every NIC that has none yet."""
        changed = settings(self.rack_dir)
        for node in spec.nodes:
            for slot, (nic, (interface, _network, _address)) in enumerate(
                zip(node.nics, node.interfaces(), strict=True)
            ):
                name = port_name(node.name, interface)
                if name in self.switch.ports:
                    continue
                port = Port(
                    name,
                    nic.network,
                    nic.native,
                    None if nic.tagged is None else frozenset(nic.tagged),
                    nic.mtu or spec.network(nic.network).mtu,
                    group=f"{node.name}/{nic.lag}" if nic.lag else None,
                )
                self._add_cable(port, qemu.port_of(node, slot), qemu.socket_of(node, slot))
                self._change(name, changed.get(name, {}))

    def _add_cable(self, port: Port, ours: str, theirs: str) -> None:
        end = sockets.bind(cables(self.rack_dir) / ours, socket.SOCK_DGRAM)
        end.setblocking(False)
        # The working directory is the one of the cables: an address is short.
        self._listen(port, end.fileno(), lambda: end.recv(65536), lambda frame: end.sendto(frame, theirs))

    def _change(self, name: str, values: dict[str, Any]) -> None:
        port = self.switch.ports.get(name)
        if port is None:
            raise RackError(f"the switch has no port {name!r}; it has {', '.join(sorted(self.switch.ports))}")
        for key in ("native", "mtu"):
            if key in values:
                setattr(port, key, values[key])
        if "tagged" in values:
            port.tagged = None if values["tagged"] is None else frozenset(values["tagged"])
        self.switch.set_up(name, values.get("up", port.up))

    def _answer(self, question: dict[str, Any]) -> Any:
        if question["ask"] == "status":
            return self.status()
        if question["ask"] == "grow":
            self.add_cables(_spec(self.rack_dir))
            return None
        self._change(question["port"], question["values"])
        kept = settings(self.rack_dir)
        kept.setdefault(question["port"], {}).update(question["values"])
        state.write_json(self.rack_dir / SETTINGS, kept)
        return None

    def status(self) -> dict[str, Any]:
        ports = {}
        for name, port in self.switch.ports.items():
            place = f"group {port.group}"
            seen = sorted(
                f"{address.hex(':')} vlan {vlan}"
                for (_fabric, vlan, address), where in self.switch.table.items()
                if where in (name, place)
            )
            ports[name] = {
                **asdict(port),
                "tagged": None if port.tagged is None else sorted(port.tagged),
                "addresses": seen,
                "lacp_partner": self.switch.lacp.partner(name),
                "aggregated": name in self.switch.lacp.members(port.group or ""),
            }
        return ports

    def _serve(self, listener: socket.socket) -> None:
        connection, _address = listener.accept()
        with connection:
            connection.settimeout(2)
            try:
                answer = {"answer": self._answer(json.loads(connection.makefile().readline()))}
            except (RackError, OSError, ValueError, KeyError) as error:
                answer = {"error": str(error)}
            connection.sendall(json.dumps(answer).encode() + b"\n")

    def run(self) -> None:
        listener = sockets.bind(cables(self.rack_dir) / CONTROL, socket.SOCK_STREAM)
        listener.listen(8)
        self.selector.register(listener, selectors.EVENT_READ, lambda: self._serve(listener))
        network.publish(self.rack_dir)
        due = time.monotonic()
        while True:
            for key, _events in self.selector.select(max(0.0, due - time.monotonic())):
                key.data()
            if time.monotonic() >= due:
                due = time.monotonic() + 1
                for name, frame in self.switch.tick(time.monotonic()):
                    self._write(name, frame)


def _spec(rack_dir: Path) -> Spec:
    return Spec.from_dict(json.loads((rack_dir / "spec.json").read_text()))


def main(arguments: list[str]) -> int:
    rack_dir = Path(arguments[0])
    spec = _spec(rack_dir)
    kernel.unshare(kernel.CLONE_NEWNET)
    cables(rack_dir).mkdir(exist_ok=True)
    os.chdir(cables(rack_dir))
    daemon = Daemon(rack_dir)
    daemon.add_networks(spec)
    daemon.add_cables(spec)
    daemon.run()
    return 0
