"""A way into a machine that needs no network: ssh over a virtio port, one connection that every command shares.

The port carries one connection at a time, so the first command leaves ssh's master running and the others go through it.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rack import processes, state
from rack.errors import RackError
from rack.machine import node_dir
from rack.metal import qemu
from rack.model import Node

FDPASS = Path(__file__).resolve().parents[1] / "fdpass.py"
WAIT_SECONDS = 300


def control_path(rack_dir: Path, node: Node) -> Path:
    return rack_dir / "cp" / f"oob-{node.name}"


def _options(rack_dir: Path, node: Node) -> list[str]:
    proxy = shlex.join(
        [sys.executable, "-I", "-S", str(FDPASS), "--unix", str(node_dir(rack_dir, node.name) / qemu.OOB)]
    )
    settings = [
        f"UserKnownHostsFile={rack_dir}/known_hosts",
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=yes",
        f"HostKeyAlias={node.address}",
        "IdentitiesOnly=yes",
        "BatchMode=yes",
        "ConnectTimeout=30",
        # Under TCG the port sometimes keeps the last bytes of one side until the other side says something
        "ServerAliveInterval=1",
        "ServerAliveCountMax=3600",
        f"ProxyCommand={proxy}",
        "ProxyUseFdpass=yes",
    ]
    return ["-F", "none", *(part for setting in settings for part in ("-o", setting))]


def _lives(path: Path, node: Node) -> bool:
    command = ["ssh", "-F", "none", "-O", "check", "-S", str(path), node.name]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def ensure_master(rack_dir: Path, node: Node, still_on: int) -> Path:
    """The master's socket; waits for a machine that boots. `still_on`: the process whose end ends the wait."""
    path = control_path(rack_dir, node)
    if _lives(path, node):
        return path
    with state.locked(f"oob-{rack_dir.name}-{node.name}"):

        def connected() -> bool:
            if not Path(f"/proc/{still_on}").exists():
                raise RackError(f"node {node.name} went off")
            if _lives(path, node):
                return True
            path.unlink(missing_ok=True)
            key = str(rack_dir / "id_ed25519")
            command = ["ssh", "-fNM", "-S", str(path), *_options(rack_dir, node), "-i", key, f"root@{node.name}"]
            result = processes.run(rack_dir, command, stdin=subprocess.DEVNULL)
            return result.returncode == 0

        processes.wait_until(connected, WAIT_SECONDS, f"node {node.name} answers on its virtio port", interval=0.5)
    return path


def command(path: Path, node: Node, words: Sequence[str]) -> list[str]:
    return [
        "ssh",
        "-F",
        "none",
        "-S",
        str(path),
        "-o",
        "ControlMaster=no",
        f"root@{node.name}",
        "--",
        shlex.join(words),
    ]
