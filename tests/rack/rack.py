"""One rack: brought up, looked at, disturbed, taken down."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rack import backend as backends
from rack import (
    cgroup,
    disks,
    faults,
    host,
    inventory,
    kernel,
    machine,
    network,
    processes,
    provision,
    proxy,
    repository,
    state,
)
from rack.backend import Backend
from rack.errors import RackError
from rack.model import Node, Spec
from rack.upstream import Upstream


def _quiet(text: str) -> None:
    """Progress that nobody asked for."""


class Rack:
    """A rack by name, whatever state it is in.

    `Rack.bring_up(spec)` makes it or completes it; `with Rack.running(spec) as rack:` also takes it down.
    Methods raise RackError with a sentence for a person.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.directory = state.racks_dir() / name

    # What exists

    @classmethod
    def names(cls) -> list[str]:
        if not state.racks_dir().is_dir():
            return []
        return sorted(path.name for path in state.racks_dir().iterdir() if path.is_dir())

    @classmethod
    def find(cls, name: str | None = None) -> Rack:
        """The rack of that name, of $RACK_NAME, or the only one there is."""
        names = cls.names()
        name = name or os.environ.get("RACK_NAME")
        if name is None and len(names) == 1:
            name = names[0]
        if name is None:
            raise RackError(
                f"there are several racks ({', '.join(names)}); name one"
                if names
                else "there is no rack; `rack up SPEC`"
            )
        if name not in names:
            raise RackError(f"there is no rack {name!r}; there are: {', '.join(names) or 'none'}")
        return cls(name)

    @property
    def spec(self) -> Spec:
        try:
            return Spec.from_dict(json.loads((self.directory / "spec.json").read_text()))
        except FileNotFoundError:
            raise RackError(
                f"rack {self.name} was never brought up completely; `rack up SPEC` or `rack down`"
            ) from None

    @property
    def backend(self) -> Backend:
        return backends.make(self.directory, self.spec)

    def check_network(self) -> Path:
        """The network namespace, for nsenter."""
        if not network.is_up(self.directory):
            raise RackError(f"rack {self.name} has no running network; `rack up SPEC` starts it")
        return network.handle(self.directory)

    # Up and down

    @classmethod
    @contextlib.contextmanager
    def running(cls, spec: Spec, say: Callable[[str], None] = _quiet) -> Iterator[Rack]:
        try:
            yield cls.bring_up(spec, say)
        finally:
            cls(spec.name).down()

    @classmethod
    def bring_up(cls, spec: Spec, say: Callable[[str], None] = _quiet) -> Rack:
        """Make everything in `spec` run; what runs already is left alone."""
        host.check_root()
        rack = cls(spec.name)
        backend = backends.make(rack.directory, spec)
        backend.check_host()
        with state.locked(f"rack-{spec.name}"):
            rack._adopt(spec)
            mirrors = host.find_mirrors()
            missing = [node for node in spec.nodes if not backend.is_built(node)]
            state.state_dir().mkdir(parents=True, exist_ok=True)
            host.check_space(state.state_dir(), len(missing), not backend.image_exists(mirrors))
            image = backend.ensure_image(mirrors, say)
            rack._write_spec(spec)
            rack._provision(spec, missing, image, mirrors)
            rack._start_switch()
            rack._start_proxy(spec, mirrors, say)
            for node in spec.nodes:
                rack._start_machine(node)
            for node in spec.nodes:
                rack.wait_for_ssh(node.name)
        return rack

    def down(self) -> None:
        """Remove every trace of the rack, in whatever state it is; cached images and packages stay."""
        host.check_root()
        with state.locked(f"rack-{self.name}"):
            self._close_ssh_masters()
            processes.kill_all(self.directory)
            cgroup.remove_all(self.directory)
            disks.detach(self.directory)
            self._unmount()
            if self.directory.exists():
                shutil.rmtree(self.directory)

    def _adopt(self, spec: Spec) -> None:
        """A rack may grow; anything else that differs needs a new one."""
        if not (self.directory / "spec.json").exists():
            return
        current = self.spec
        before, after = ((item.release, item.backend, item.networks) for item in (current, spec))
        if before != after:
            raise RackError(
                f"rack {self.name} exists with another release or backend or other networks; `rack down {self.name}` first, "
                "or give this one a name of its own (--name)"
            )
        if spec.nodes[: len(current.nodes)] != current.nodes:
            raise RackError(
                f"rack {self.name} exists with other nodes ({', '.join(node.name for node in current.nodes)}); "
                f"nodes can be added at the end, anything else needs `rack down {self.name}` first"
            )

    def _write_spec(self, spec: Spec) -> None:
        state.private_dir(self.directory)
        state.write_json(self.directory / "spec.json", spec.to_dict())

    def _provision(self, spec: Spec, nodes: list[Node], image: Path, mirrors: host.Mirrors) -> None:
        processes.kill_all(self.directory, {processes.HELPER})
        key = provision.make_key(self.directory, self.directory / "id_ed25519", f"rack {self.name}")
        password = provision.hash_password(provision.make_password(self.directory / "password"))

        backend = backends.make(self.directory, spec)

        def build(node: Node) -> None:
            backend.build(image, node, key, password, bool(mirrors.security))

        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(build, nodes))
        lines = [f"{node.address} {backend.host_key(node)}\n" for node in spec.nodes]
        state.write_atomically(self.directory / "known_hosts", "".join(lines))
        state.private_dir(self.directory / "cp")

    def _start_switch(self) -> None:
        if network.is_up(self.directory):
            self.backend.grow_switch()
            return
        # Machines of a dead switch hang on cables that no longer exist.
        processes.kill_all(self.directory)
        cgroup.remove_all(self.directory)
        log = self.directory / "switch.log"
        processes.spawn(self.directory, "switch", [str(self.directory)], log)
        processes.wait_until(
            lambda: network.is_up(self.directory), 20, f"the network of rack {self.name} is up", f"see {log}"
        )

    def _start_proxy(self, spec: Spec, mirrors: host.Mirrors, say: Callable[[str], None]) -> None:
        archives = {"debian": mirrors.debian}
        if mirrors.security:
            archives["debian-security"] = mirrors.security
        real = os.environ.get("RACK_PROXMOX_REPOSITORY", "").rstrip("/")
        directory = None
        if real:
            archives["proxmox"] = real
        else:
            directory = repository.ensure(self.directory, spec.release, state.cache_dir(), say)
        config = {
            "namespace": str(network.handle(self.directory)),
            "address": spec.management.gateway,
            "port": proxy.PORT,
            "release": spec.release,
            "cache": str(state.cache_dir() / "apt"),
            "archives": archives,
            "repository": str(directory) if directory else None,
        }
        path = self.directory / "proxy.json"
        changed = not path.exists() or json.loads(path.read_text()) != config
        if changed:
            processes.kill_all(self.directory, {"proxy"})
            state.write_json(path, config)
        if "proxy" not in processes.find(self.directory).values():
            processes.spawn(self.directory, "proxy", [str(path)], self.directory / "proxy.log")
        processes.wait_until(
            lambda: self._answers(
                spec.management.gateway, proxy.PORT, b"GET /health HTTP/1.0\r\n\r\n", b"HTTP/1.1 200"
            ),
            20,
            f"the apt proxy of rack {self.name} answers",
            f"see {self.directory / 'proxy.log'}",
        )
        known = {"keyring_sha256": self._keyring(spec, real, directory), "stand_in": not real}
        state.write_json(self.directory / "proxmox.json", known)

    def _keyring(self, spec: Spec, real: str, directory: Path | None) -> str | None:
        if directory:
            content = (directory / repository.KEYRING).read_bytes()
        elif real:
            upstream = Upstream(state.cache_dir() / "apt", {"proxmox": real})
            try:
                content = upstream.get(f"/proxmox/{proxy.real_keyring(spec.release)}").read_bytes()
            finally:
                upstream.acquirer.close()
        else:
            return None
        return hashlib.sha256(content).hexdigest()

    def _start_machine(self, node: Node) -> None:
        if machine.role(node.name) in processes.find(self.directory).values():
            return
        self.backend.before_start(node)
        processes.spawn(
            self.directory,
            machine.role(node.name),
            [str(self.directory), node.name],
            machine.node_dir(self.directory, node.name) / "console.log",
        )

    def _close_ssh_masters(self) -> None:
        for path in (self.directory / "cp").glob("*"):
            subprocess.run(
                ["ssh", "-O", "exit", "-S", str(path), "any"],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                check=False,
            )

    def _unmount(self) -> None:
        for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
            target = line.split()[4].replace("\\040", " ")
            if Path(target).is_relative_to(self.directory):
                subprocess.run(["umount", "--lazy", target], check=True)

    # Machines

    def leader(self, node: str) -> int | None:
        """PID, as the host sees it, of what lives as long as one boot: the machine's init, or its QEMU."""
        return self.backend.leader(self.spec.node(node))

    def _living(self, node: str) -> int:
        leader = self.leader(node)
        if leader is None:
            raise RackError(f"node {node} of rack {self.name} is off; `rack start {node}` switches it on")
        return leader

    def _answers(self, address: str, port: int, question: bytes, answer: bytes) -> bool:
        if not network.is_up(self.directory):
            return False
        try:
            with kernel.connect_in(network.handle(self.directory), address, port, 2) as connection:
                connection.sendall(question)
                return connection.recv(64).startswith(answer)
        except OSError:
            return False

    def ssh_answers(self, node: str) -> bool:
        return self._answers(self.spec.node(node).address, 22, b"", b"SSH-")

    def wait_for_ssh(self, node: str, timeout: float | None = None) -> None:
        timeout = timeout or self.backend.boot_seconds
        log = machine.node_dir(self.directory, node) / "console.log"

        def answers() -> bool:
            if machine.role(node) not in processes.find(self.directory).values():
                lines = log.read_text(errors="replace").splitlines()[-3:] if log.exists() else []
                raise RackError(f"node {node} went off while booting ({' / '.join(lines)}); see {log}")
            return self.ssh_answers(node)

        processes.wait_until(answers, timeout, f"node {node} answers on ssh", f"see {log}")

    def enter_command(self, node: str, command: Sequence[str]) -> list[str]:
        leader = self._living(node)
        return self.backend.enter_command(self.spec.node(node), leader, command)

    def exec(
        self, node: str, command: Sequence[str], check: bool = False, **options: Any
    ) -> subprocess.CompletedProcess[Any]:
        """Run a command in the machine without its network; options as for subprocess.run."""
        return subprocess.run(self.enter_command(node, command), check=check, **options)

    def ssh_command(self, node: str, command: Sequence[str] = ()) -> list[str]:
        return [
            *("ssh", *inventory.ssh_options(self.directory)),
            *("-i", str(self.directory / "id_ed25519"), f"root@{self.spec.node(node).address}"),
            *command,
        ]

    def reboot(self, node: str, wait: bool = True) -> None:
        before = self._living(node)
        self.exec(node, ["systemctl", "--no-block", "reboot"], check=True)
        if wait:
            processes.wait_until(
                lambda: self.leader(node) not in (before, None),
                self.backend.boot_seconds,
                f"node {node} boots again",
            )
            self.wait_for_ssh(node)

    def cut(self, node: str) -> None:
        """Power off without a word: peers hear nothing, everything in the machine is gone, its files stay."""
        self.backend.cut(self.spec.node(node))

    def start(self, node: str, wait: bool = True) -> None:
        item = self.spec.node(node)
        self.check_network()
        self._start_machine(item)
        if wait:
            self.wait_for_ssh(node)

    def set_port(self, node: str, interface: str, **values: Any) -> None:
        """Change the switch's port of a NIC: up (bool), native (VLAN), tagged (list of VLANs, None: all), mtu."""
        self.backend.set_port(self.spec.node(node), interface, values)

    def ports(self) -> dict[str, Any]:
        """The switch's ports, {NODE/INTERFACE: settings, addresses learned, frames dropped by reason, LACP}."""
        self.check_network()
        return self.backend.ports()

    # Faults

    def read(self, node: str, path: str) -> str | None:
        """Text of a file of the machine, also when it is off (on its disk); None when there is none."""
        return self.backend.read(self.spec.node(node), path)

    def fault(self, node: str, action: str, match: str, **options: Any) -> None:
        """Arm a fault: action status, drop, drop-after, delay or task-fail; options as for faults.rule."""
        rule = faults.rule(action, match, **options)
        self._living(node)
        self.backend.edit_faults(self.spec.node(node), rule)

    def faults(self, node: str) -> list[dict[str, Any]]:
        self._living(node)
        return json.loads(self.read(node, faults.FILE) or "[]")

    def clear_faults(self, node: str) -> None:
        self._living(node)
        self.backend.edit_faults(self.spec.node(node), None)

    def hold_lock(self, node: str, name: str) -> None:
        """Take a cluster lock as a process on another node would; it expires by itself as the real one does."""
        result = self.exec(node, ["mkdir", faults.lock_path(name)], capture_output=True, text=True)
        if result.returncode != 0:
            raise RackError(f"node {node}: the lock cannot be taken: {result.stderr.strip()}")

    def release_lock(self, node: str, name: str) -> None:
        result = self.exec(node, ["rmdir", faults.lock_path(name)], capture_output=True, text=True)
        if result.returncode != 0:
            raise RackError(f"node {node}: the lock cannot be released: {result.stderr.strip()}")

    # What others want to know

    def requests(self, node: str, since: float = 0) -> list[dict[str, Any]]:
        """Calls that the node's stand-in has answered since a time (seconds of the epoch); also when it is off."""
        log = self.read(node, "var/log/pve-standin/requests.jsonl") or ""
        calls = [json.loads(line) for line in log.splitlines() if line.endswith("}")]
        return [call for call in calls if call["ts"] >= since]

    def status(self) -> dict[str, Any]:
        roles = set(processes.find(self.directory).values())
        try:
            spec = self.spec
        except RackError:
            return {"name": self.name, "state": "half up", "nodes": {}}
        nodes = {}
        for node in spec.nodes:
            running = self.leader(node.name) is not None
            ssh = running and self.ssh_answers(node.name)
            nodes[node.name] = {"state": "up" if ssh else "booting" if running else "off", "address": node.address}
        complete = {"switch", "proxy"} <= roles
        return {
            "name": self.name,
            "release": spec.release,
            "state": "up" if complete else "half up",
            "directory": str(self.directory),
            "proxy": provision.proxy_url(spec),
            "nodes": nodes,
        }

    def inventory(self) -> dict[str, Any]:
        spec = self.spec
        try:
            proxmox = json.loads((self.directory / "proxmox.json").read_text())
        except FileNotFoundError:
            raise RackError(f"rack {self.name} is half up; `rack up SPEC` completes it") from None
        return inventory.build(self.directory, spec, provision.proxy_url(spec), **proxmox)
