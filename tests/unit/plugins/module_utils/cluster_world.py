# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine in a folder, whose commands are a list of what may be called. Anything else called is an AssertionError."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli, _membership, _node
from ansible_collections.baremetal.proxmox.plugins.module_utils._cluster import Cluster
from ansible_collections.baremetal.proxmox.plugins.module_utils._cluster_checks import Link, Wanted
from ansible_collections.baremetal.proxmox.plugins.module_utils._corosync import parse_conf
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import CliError
from ansible_collections.baremetal.proxmox.plugins.module_utils._peer import Peer
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

KEY = bytes(range(256))
OTHER_KEY = bytes(reversed(range(256)))
FINGERPRINT = ":".join(["AB"] * 32)
ADDRESSES = json.dumps([{"addr_info": [{"local": "127.0.0.1"}]}, {"addr_info": [{"local": "10.98.0.12"}]}])


def conf(version: int, *nodes: int, name: str = "prod", links: str = "98", votes: int = 1) -> str:
    """A corosync.conf with nodes pve1, pve2, …; C(links) are the third octets of the networks, comma separated."""
    networks = links.split(",")
    entries = "".join(
        f"  node {{\n    name: pve{n}\n    nodeid: {n}\n    quorum_votes: {votes}\n"
        + "".join(f"    ring{i}_addr: 10.{octet}.0.1{n}\n" for i, octet in enumerate(networks))
        + "  }\n"
        for n in nodes
    )
    interfaces = "".join(f"  interface {{\n    linknumber: {i}\n  }}\n" for i in range(len(networks)))
    return (
        f"nodelist {{\n{entries}}}\n\ntotem {{\n  cluster_name: {name}\n  config_version: {version}\n{interfaces}"
        "  secauth: on\n  version: 2\n}\n"
    )


def sha(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()


@dataclasses.dataclass
class Call:
    """An expected command. C(effect) is what it does to the machine; C(secret) is expected on stdin."""

    argv: str
    effect: Callable[[], Any] = lambda: None
    stdout: str = ""
    rc: int = 0
    secret: str | None = None
    hangs: bool = False


class FakeJob:
    pid = 4711

    def __init__(self, call: Call) -> None:
        self.call = call
        self.argv = call.argv.split()

    def output(self) -> str:
        return self.call.stdout

    def wait(self, _seconds: float) -> _cli.Output | None:
        return None if self.call.hangs else _cli.Output(self.argv, self.call.rc, self.call.stdout)


class FakeCli(_cli.Cli):
    def __init__(self) -> None:
        self.expected: list[Call] = []
        self.kept: list[int] = []

    def _next(self, command: _cli.Command, given: dict[str, Any]) -> Call:
        argv = " ".join(command.argv(given))
        if argv == "ip -json address show":
            return Call(argv, stdout=ADDRESSES)
        if not self.expected or self.expected[0].argv != argv:
            raise AssertionError(f"unexpected: {argv}; expected {[call.argv for call in self.expected]}")
        call = self.expected.pop(0)
        call.effect()
        return call

    def run(self, command: _cli.Command, *, timeout: float = 60, **given: Any) -> _cli.Output:
        call = self._next(command, given)
        if call.rc not in command.ok:
            raise CliError(call.argv.split(), call.rc, call.stdout)
        return _cli.Output(call.argv.split(), call.rc, call.stdout)

    def start(self, command: _cli.Command, *, secret: str | None = None, keep: Any = (), **given: Any) -> Any:
        call = self._next(command, given)
        assert secret == call.secret
        self.kept = list(keep)
        return FakeJob(call)


class FakeApi:
    """Answers to GET by (address, path); every call is listed. C(None) as an address is this node."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.calls: list[tuple[Any, ...]] = []
        self.answers: dict[tuple[str | None, str], Any] = {}

    def local(self) -> Any:
        return self._session(None, "local")

    def member(self, address: str, fingerprint: str | None, secret: str | None = None) -> Any:
        return self._session(address, address, fingerprint, secret)

    def _session(self, address: str | None, *who: Any) -> Any:
        api = self

        class Session:
            def get(self, path: str, **_params: Any) -> Any:
                api.calls.append((*who, path))
                answer = api.answers.get((address, path), api.world.status())
                if isinstance(answer, Exception):
                    raise answer
                return answer

        return Session()


class World:
    """pve2, by default stand-alone with a database of its own."""

    def __init__(self, root: Path, monkeypatch: Any) -> None:
        self.root = root
        self.cli = FakeCli()
        self.machine = _node.Machine(root, self.cli)
        self.machine.__dict__["hostname"] = "pve2"
        self.api = FakeApi(self)
        self.writable = True
        self.now = 1000.0
        self.on_tick: list[tuple[float, Callable[[], Any]]] = []
        for folder in ("proc", "run/lock", "var/lock", "usr/bin", "etc/corosync", "var/lib/pve-cluster"):
            (root / folder).mkdir(parents=True)
        self.write("usr/bin/pveversion", "")
        self.write("usr/share/perl5/PVE/pvecfg.pm", "sub version {\n    return '9.2.11';\n}\n")
        self.mount()
        self.connect(None)
        self.write("etc/pve/.vmlist", '{"version": 1, "ids": {}}')
        self.database()
        self.served: str | None = FINGERPRINT
        self.certificates = {"pve1": FINGERPRINT, "pve2": FINGERPRINT}
        monkeypatch.setattr(_node.Machine, "certificate", lambda _self, node: self.certificates.get(node))
        # A symlink has no mode of its own outside pmxcfs
        real = _node.Machine.lstat
        monkeypatch.setattr(_node.Machine, "lstat", lambda machine, path: self._lstat(real, machine, path))
        monkeypatch.setattr(_membership.time, "time", lambda: self.now)

    def _lstat(self, real: Callable[..., Any], machine: Any, path: str) -> Any:
        found = real(machine, path)
        if found is None or path != "/etc/pve/local":
            return found
        return os.stat_result((found.st_mode if self.writable else found.st_mode & ~0o222, *tuple(found)[1:]))

    # Its state

    def write(self, path: str, content: str | bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    def text(self, path: str) -> str | None:
        target = self.root / path
        return target.read_text() if target.exists() else None

    def remove(self, path: str) -> None:
        (self.root / path).unlink()

    def mount(self) -> None:
        (self.root / "etc/pve/nodes/pve2").mkdir(parents=True, exist_ok=True)
        (self.root / "etc/pve/local").symlink_to("nodes/pve2")

    def unmount(self) -> None:
        for path in ("local", ".members", "corosync.conf"):
            (self.root / "etc/pve" / path).unlink(missing_ok=True)

    def connect(self, name: str | None, quorate: bool = True, online: str = "12", nodes: str = "12") -> None:
        """What pmxcfs sees of the cluster: the numbers of its nodes, and of those online."""
        seen: dict[str, Any] = {"nodename": "pve2", "version": 1}
        if name:
            seen["cluster"] = {"name": name, "version": 2, "nodes": len(nodes), "quorate": int(quorate)}
            seen["nodelist"] = {
                f"pve{n}": {"id": int(n), "online": int(n in online), "ip": f"10.99.0.1{n}"} for n in nodes
            }
        self.write("etc/pve/.members", json.dumps(seen))

    def database(self) -> None:
        path = self.root / "var/lib/pve-cluster/config.db"
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS tree (name TEXT, data BLOB)")
            connection.execute("INSERT INTO tree VALUES ('user.cfg', x'00ff')")
        connection.close()

    def certify(self) -> None:
        self.write("etc/pve/nodes/pve2/pve-ssl.pem", "")
        os.utime(self.root / "etc/pve/nodes/pve2/pve-ssl.pem", (self.now, self.now))

    def run_corosync(self) -> None:
        self.write("run/corosync.pid", "321\n")
        self.write("proc/321/comm", "corosync\n")

    def stop_corosync(self) -> None:
        self.remove("proc/321/comm")

    def join(self, version: int = 2) -> None:
        """The state after a whole join."""
        self.write("etc/corosync/authkey", KEY)
        self.write("etc/corosync/corosync.conf", conf(version, 1, 2))
        self.write("etc/pve/corosync.conf", conf(version, 1, 2))
        self.run_corosync()
        self.connect("prod")
        self.writable = True
        self.certify()

    def mark(self, action: str = "join", key: bytes | None = KEY, cluster: str = "prod") -> None:
        _membership.set_mark(self.machine, action, cluster, sha(key) if key else None)

    @property
    def marked(self) -> str | None:
        found = _membership.read_mark(self.machine)
        return found.action if found else None

    def status(self) -> list[dict[str, Any]]:
        return [
            {"type": "cluster", "name": "prod", "quorate": 1},
            {"type": "node", "name": "pve2", "online": 1},
        ]

    # Running

    def expect(self, *calls: Call) -> None:
        self.cli.expected += calls

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.05)
        due = [entry for entry in self.on_tick if entry[0] <= self.now]
        self.on_tick = [entry for entry in self.on_tick if entry[0] > self.now]
        for _when, what in due:
            what()

    def cluster(self, peer: Peer | None = None, seconds: float = 60, **wanted: Any) -> Cluster:
        links = {number: Link(address) for number, address in wanted.pop("links", {}).items()}
        return Cluster(
            self.machine,
            self.api,
            Wanted(wanted.pop("name", "prod"), links, **wanted),
            peer,
            Deadline(seconds, clock=lambda: self.now, sleep=self.sleep),
            served=lambda: self.served,
            clock=lambda: self.now,
        )


def peer(text: str, online: str = "1", key: bytes | None = KEY, hand_over: bool = False, **given: Any) -> Peer:
    """pve1, as cluster_join_info describes it."""
    return Peer(
        **{
            "address": "10.99.0.11",
            "fingerprint": FINGERPRINT,
            "secret": "PVE:root@pam:TICKET",
            "use_ssh": False,
            "conf": parse_conf(text),
            "online": frozenset(f"pve{n}" for n in online),
            "certificates": frozenset({"pve1"}),
            "authkey_sha256": sha(key) if key else None,
            "authkey": key if hand_over else None,
            **given,
        }
    )


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()
