"""The container backend: systemd-nspawn machines on the host's kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rack import cgroup, faults, host, machine, network, processes, provision
from rack.errors import RackError
from rack.image import ImageStore
from rack.machine import node_dir
from rack.model import Node, Spec
from rack.state import cache_dir

SEARCH_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CLEAN_ENVIRONMENT = ("env", "--ignore-environment", SEARCH_PATH, "HOME=/root", "LC_ALL=C.UTF-8", "TERM=dumb")


class Containers:
    boot_seconds = 120.0

    def __init__(self, rack_dir: Path, spec: Spec) -> None:
        self.rack_dir = rack_dir
        self.spec = spec

    def check_host(self) -> None:
        host.check_tools()

    def ensure_image(self, mirrors: host.Mirrors, say: Callable[[str], None]) -> Path:
        return ImageStore(cache_dir(), mirrors).ensure(self.spec.release, say)

    def image_exists(self, mirrors: host.Mirrors) -> bool:
        return ImageStore(cache_dir(), mirrors).exists(self.spec.release)

    def build(self, image: Path, node: Node, authorized: str, password_hash: str, with_security: bool) -> None:
        provision.build(self.rack_dir, image, self.spec, node, authorized, password_hash, with_security)

    def is_built(self, node: Node) -> bool:
        return provision.is_built(self.rack_dir, node)

    def host_key(self, node: Node) -> str:
        return provision.host_key(self.rack_dir, node)

    def grow_switch(self) -> None:
        """Machines bring their own cables."""

    def before_start(self, node: Node) -> None:
        cgroup.remove(machine.control_group(self.rack_dir, node.name))

    def leader(self, node: Node) -> int | None:
        marked = {pid for pid, role in processes.find(self.rack_dir).items() if role == machine.role(node.name)}
        for pid in processes.children_of(marked) - marked:
            if processes.first_in_namespace(pid):
                return pid
        return None

    def enter_command(self, node: Node, leader: int, command: Sequence[str]) -> list[str]:
        return [
            # nsenter keeps our capabilities; a command in the machine shall have no more than the machine has.
            *("setpriv", f"--bounding-set={machine.WITHHELD_SETPRIV}", f"--inh-caps={machine.WITHHELD_SETPRIV}"),
            *("nsenter", f"--target={leader}"),
            *("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd", "--"),
            *CLEAN_ENVIRONMENT,
            *command,
        ]

    def cut(self, node: Node) -> None:
        network.pull(self.rack_dir, self.spec, node)
        processes.kill_all(self.rack_dir, {machine.role(node.name)})
        cgroup.remove(machine.control_group(self.rack_dir, node.name))

    def set_port(self, node: Node, interface: str, values: dict[str, Any]) -> None:
        raise RackError("a container's cables have no ports to set; bring the rack up with --backend metal")

    def ports(self) -> dict[str, Any]:
        raise RackError("a rack of containers has no switch with ports; bring it up with --backend metal")

    def layer(self, node: Node) -> Path:
        return machine.layer(node_dir(self.rack_dir, node.name))

    def _root(self, node: Node) -> Path | None:
        leader = self.leader(node)
        return Path(f"/proc/{leader}/root") if leader else None

    def read(self, node: Node, path: str) -> str | None:
        file = (self._root(node) or self.layer(node)) / path.lstrip("/")
        return file.read_text(errors="replace") if file.is_file() else None

    def edit_faults(self, node: Node, new: dict[str, Any] | None) -> None:
        root = self._root(node)
        if root is None:
            raise RackError(f"node {node.name} is off")
        if new is None:
            faults.clear(root)
        else:
            faults.add(root, new)

    def journal_command(self, node: Node, arguments: list[str]) -> list[str]:
        return [*arguments, f"--directory={self.layer(node) / 'var/log/journal'}"]

    def machine_main(self, node: str) -> int:
        return machine.main([str(self.rack_dir), node])

    def switch_main(self) -> int:
        return network.main([str(self.rack_dir)])
