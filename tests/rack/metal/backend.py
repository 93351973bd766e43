"""The metal backend: what a rack asks, answered by QEMU machines."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rack import disks, host, machine, processes, provision
from rack.container import CLEAN_ENVIRONMENT
from rack.errors import RackError
from rack.faults import REMOTE_EDIT
from rack.image import ImageStore
from rack.machine import node_dir
from rack.metal import accelerator, burn, image, oob, qemu, qmp, switchd
from rack.metal import machine as metal_machine
from rack.model import Node, Spec
from rack.state import cache_dir, locked

TOOLS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "debugfs": "e2fsprogs",
    "mke2fs": "e2fsprogs",
    "fallocate": "util-linux",
}


class Metal:
    boot_seconds = 600.0

    def __init__(self, rack_dir: Path, spec: Spec) -> None:
        self.rack_dir = rack_dir
        self.spec = spec

    def check_host(self) -> None:
        host.check_tools(TOOLS)
        if any(node.firmware == "uefi" for node in self.spec.nodes) and not qemu.FIRMWARE[0].exists():
            raise RackError("the spec has machines with UEFI, and the host no firmware: apt-get install ovmf")

    def _store(self, mirrors: host.Mirrors) -> ImageStore:
        return ImageStore(cache_dir(), mirrors, image.flavour())

    def ensure_image(self, mirrors: host.Mirrors, say: Callable[[str], None]) -> Path:
        return self._store(mirrors).ensure(self.spec.release, say)

    def image_exists(self, mirrors: host.Mirrors) -> bool:
        return self._store(mirrors).exists(self.spec.release)

    def _disk(self, node: Node) -> Path:
        return node_dir(self.rack_dir, node.name) / "root.raw"

    def build(self, image: Path, node: Node, authorized: str, password_hash: str, with_security: bool) -> None:
        directory = node_dir(self.rack_dir, node.name)
        directory.mkdir(parents=True, exist_ok=True)
        disks.create(directory, node)
        if self.is_built(node):
            return
        kvm = accelerator.decide(cache_dir(), image / "vmlinuz")
        (directory / "accelerator").write_text("kvm\n" if kvm else "tcg\n")
        if node.firmware == "uefi":
            shutil.copyfile(qemu.FIRMWARE[1], directory / qemu.VARIABLES)
        layer = directory / "layer"
        if layer.exists():
            shutil.rmtree(layer)
        layer.mkdir()
        skeleton = provision.Layer(layer, image / "skeleton")
        provision.lay(skeleton, self.rack_dir, self.spec, node, authorized, password_hash, with_security)
        skeleton.write("etc/rack/authorized_keys", authorized + "\n")
        for service in node.services:
            wants = skeleton.directory("etc/systemd/system/multi-user.target.wants")
            (wants / f"{service}.service").symlink_to(f"/usr/lib/systemd/system/{service}.service")
        partial = directory / "root.partial"
        processes.run(
            self.rack_dir,
            ["cp", "--sparse=always", "--reflink=auto", str(image / "disk.raw"), str(partial)],
            check=True,
        )
        burn.tree(self.rack_dir, layer, partial)
        partial.rename(self._disk(node))

    def is_built(self, node: Node) -> bool:
        return self._disk(node).exists()

    def host_key(self, node: Node) -> str:
        path = node_dir(self.rack_dir, node.name) / "layer/etc/ssh/ssh_host_ed25519_key.pub"
        return " ".join(path.read_text().split()[:2])

    def grow_switch(self) -> None:
        switchd.ask(self.rack_dir, {"ask": "grow"})

    def before_start(self, node: Node) -> None:
        """Nothing outlives QEMU."""

    def leader(self, node: Node) -> int | None:
        return metal_machine.qemu_process(self.rack_dir, machine.role(node.name))

    def enter_command(self, node: Node, leader: int, command: Sequence[str]) -> list[str]:
        path = oob.ensure_master(self.rack_dir, node, leader)
        return oob.command(path, node, [*CLEAN_ENVIRONMENT, *command])

    def cut(self, node: Node) -> None:
        processes.kill_all(self.rack_dir, {machine.role(node.name)})

    def set_port(self, node: Node, interface: str, values: dict[str, Any]) -> None:
        names = [name for name, _network, _address in node.interfaces()]
        if interface not in names:
            raise RackError(f"node {node.name} has no NIC {interface!r}; it has {', '.join(names)}")
        question = {"ask": "set", "port": switchd.port_name(node.name, interface), "values": values}
        switchd.ask(self.rack_dir, question)
        if "up" in values and self.leader(node) is not None:
            with (
                locked(f"monitor-{self.rack_dir.name}-{node.name}"),
                qmp.Monitor(node_dir(self.rack_dir, node.name) / qemu.CONTROL) as monitor,
            ):
                metal_machine.set_link(monitor, node, interface, values["up"])

    def ports(self) -> dict[str, Any]:
        return switchd.ask(self.rack_dir, {"ask": "status"})

    def _run(self, node: Node, leader: int, command: Sequence[str], stdin: str | None = None) -> str:
        result = subprocess.run(
            self.enter_command(node, leader, command),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise RackError(f"node {node.name}: {command[0]} failed: {result.stderr.strip()}")
        return result.stdout

    def read(self, node: Node, path: str) -> str | None:
        leader = self.leader(node)
        if leader is None:
            with tempfile.TemporaryDirectory(prefix=".look-", dir=node_dir(self.rack_dir, node.name)) as place:
                return burn.read(self.rack_dir, self._disk(node), path, Path(place))
        absolute = "/" + path.lstrip("/")
        script = 'if [ -f "$1" ]; then echo yes; cat "$1"; fi'
        output = self._run(node, leader, ["sh", "-c", script, "sh", absolute])
        return output.partition("\n")[2] if output else None

    def edit_faults(self, node: Node, new: dict[str, Any] | None) -> None:
        leader = self.leader(node)
        if leader is None:
            raise RackError(f"node {node.name} is off")
        self._run(node, leader, ["python3", "-c", REMOTE_EDIT], json.dumps(new))

    def journal_command(self, node: Node, arguments: list[str]) -> list[str]:
        raise RackError(f"the journal of node {node.name} is on its disk; `rack start {node.name}` switches it on")

    def machine_main(self, node: str) -> int:
        return metal_machine.main([str(self.rack_dir), node])

    def switch_main(self) -> int:
        return switchd.main([str(self.rack_dir)])
