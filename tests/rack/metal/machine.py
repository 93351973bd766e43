"""The mains of one metal machine: a process that runs QEMU for every boot, and ends when the machine is off."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from rack import processes
from rack.errors import RackError
from rack.machine import node_dir
from rack.metal import accelerator, qemu, qmp, switchd
from rack.model import Node, Spec

# From the machine's directory, which QEMU runs in.
CABLES = "../../cables"
RESETS = {"guest-reset", "host-qmp-system-reset"}


def set_link(monitor: qmp.Monitor, node: Node, interface: str, up: bool) -> None:
    """Let the machine see its carrier go or come."""
    slot = [name for name, _network, _address in node.interfaces()].index(interface)
    monitor.command("set_link", name=qemu.nic_id(slot), up=up)


def _monitor(process: subprocess.Popen[bytes], path: Path) -> qmp.Monitor | None:
    """A connection as soon as QEMU listens; None when it ended instead."""
    deadline = time.monotonic() + 30
    while process.poll() is None:
        try:
            return qmp.Monitor(path)
        except OSError:
            if time.monotonic() > deadline:
                raise RackError(f"QEMU does not open {path}") from None
            time.sleep(0.02)
    return None


def run(rack_dir: Path, spec: Spec, node: Node) -> str:
    """One boot to its end; why it ended, in QEMU's words."""
    directory = node_dir(rack_dir, node.name)
    command = qemu.command(spec, node, directory, CABLES, accelerator.kvm_works(directory))
    for name in (qemu.EVENTS, qemu.CONTROL, qemu.OOB):
        (directory / name).unlink(missing_ok=True)
    process = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL)
    reason = "QEMU ended"
    monitor = _monitor(process, directory / qemu.EVENTS)
    if monitor:
        with monitor:
            changed: dict[str, Any] = switchd.settings(rack_dir)
            for interface, _network, _address in node.interfaces():
                if not changed.get(switchd.port_name(node.name, interface), {}).get("up", True):
                    set_link(monitor, node, interface, False)
            for event in monitor.events():
                if event["event"] == "SHUTDOWN":
                    reason = event["data"]["reason"]
    code = process.wait()
    return reason if code == 0 else f"QEMU ended with code {code}"


def qemu_process(rack_dir: Path, role: str) -> int | None:
    """PID of the machine's QEMU."""
    for pid, found in processes.find(rack_dir).items():
        if found == role:
            try:
                name = Path(f"/proc/{pid}/comm").read_text()
            except OSError:
                continue
            if name.startswith("qemu-system"):
                return pid
    return None


def main(arguments: list[str]) -> int:
    rack_dir, name = Path(arguments[0]), arguments[1]
    while True:
        # Read at every boot: a rack that grew has a new spec.
        spec = Spec.from_dict(json.loads((rack_dir / "spec.json").read_text()))
        reason = run(rack_dir, spec, spec.node(name))
        print(f"-- {name} ended: {reason}", flush=True)
        if reason not in RESETS:
            return 0 if reason.startswith("guest-") else 1
