# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""pve1 in a folder, with Ceph's files and units, Proxmox's API and Ceph itself as lists of what was called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph, _cli, _node
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_node import CephNode
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import CliError
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import FakeClient, run_module
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_ceph import FakeCeph

FSID = "11111111-2222-3333-4444-555555555555"
ADDRESS = {"pve1": "10.98.0.11", "pve2": "10.98.0.12", "pve3": "10.98.0.13"}


def upid(words: str) -> str:
    """Of the task that a call starts."""
    return f"UPID:pve1:{words.replace('/', '-')}:"


class Cli(_cli.Cli):
    """systemctl on units that are states in a dict; C(done) lists what was run, without what only reads."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.done: list[str] = []
        self.answers: dict[str, str | int] = {}

    def run(self, command: _cli.Command, *, timeout: float = 60, **given: Any) -> _cli.Output:
        argv = command.argv(given)
        if argv[:2] == ["systemctl", "show"]:
            return _cli.Output(argv, 0, self._show(argv[4:]))
        line = " ".join(argv).replace(str(self.world.root), "")
        for words, answer in self.answers.items():
            if line.startswith(words):
                if isinstance(answer, int):
                    raise CliError(argv, answer, "")
                return _cli.Output(argv, 0, answer)
        self.done.append(line)
        if argv[0] == "systemctl":
            self.world.systemctl(argv[1], argv[2].removesuffix(".service"))
        elif argv[0] != "chown":
            raise AssertionError(f"unexpected: {line}")
        return _cli.Output(argv, 0, "")

    def _show(self, units: list[str]) -> str:
        states = [(unit, self.world.units.get(unit.removesuffix(".service"), "inactive")) for unit in units]
        return "\n".join(f"Id={unit}\nNames={unit}\nLoadState=loaded\nActiveState={state}\n" for unit, state in states)


class Api:
    """Tasks end at once, with the effect that C(on) has for their call. C(running) are those that run already."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.on: dict[str, Callable[[], Any]] = {}
        self.running: list[dict[str, Any]] = []
        self.mons: list[list[dict[str, Any]]] = [[]]
        self.ends: dict[str, str] = {}

    def send(self, method: str, path: str, params: Mapping[str, Any], timeout: float) -> Any:
        words = path.removeprefix("/nodes/pve1/")
        if words == "tasks":
            assert params["source"] == "active"
            rows = [row for row in self.running if row["type"] == params["typefilter"]]
            self.running = [row for row in self.running if row not in rows]
            return rows
        if words.startswith("tasks/"):
            if words.endswith("/log"):
                return [{"n": 1, "t": "as in the log"}]
            return {"status": "stopped", "exitstatus": self.ends.pop(words.split("/")[1], "OK")}
        if (method, words) == ("GET", "ceph/mon"):
            return self.mons.pop(0) if len(self.mons) > 1 else self.mons[0]
        self.calls.append((method, words, dict(params)))
        effect = self.on.get(f"{method} {words}")
        if effect is None:
            raise AssertionError(f"unexpected call {method} {words} {params}")
        found = effect()
        if isinstance(found, Exception):
            raise found
        return upid(words) if found is None else found

    def renew(self) -> bool:
        return False

    def close(self) -> None:
        pass


class World:
    def __init__(self, root: Path, monkeypatch: Any) -> None:
        self.root = root
        self.monkeypatch = monkeypatch
        self.units: dict[str, str] = {}
        self.on_start: dict[str, Callable[[], Any]] = {}
        self.cli = Cli(self)
        self.api = Api()
        self.ceph = FakeCeph()
        self.now = 0.0
        self.machine = _node.Machine(root, self.cli)
        self.machine.__dict__["hostname"] = "pve1"
        self.write("etc/os-release", "ID=debian\n")
        (root / "etc/pve/priv").mkdir(parents=True)
        monkeypatch.setattr(_node.os, "geteuid", lambda: 0)

    def install(self) -> World:
        self.write("usr/bin/ceph", "")
        self.write("usr/bin/ceph-mon", "")
        return self

    def initialise(self, *mons: str, sections: str = "") -> World:
        """A configuration with the addresses of monitors."""
        self.install()
        hosts = f"\tmon_host = {' '.join(ADDRESS[name] for name in mons)}\n" if mons else ""
        text = "".join(f"[mon.{name}]\n\tpublic_addr = {ADDRESS[name]}\n\n" for name in mons)
        self.write("etc/pve/ceph.conf", f"[global]\n\tfsid = {FSID}\n{hosts}\n{text}{sections}")
        return self

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def conf(self) -> dict[str, dict[str, str]]:
        return _ceph._ceph_conf.read(self.root)

    def daemon(self, kind: str, *, state: str = "active", enabled: bool = True, heart: bool = True) -> None:
        """What there is of this node's daemon: the directory, its store or key, the unit."""
        folder = self.root / f"var/lib/ceph/{kind}/ceph-pve1"
        folder.mkdir(parents=True, exist_ok=True)
        if heart and kind == "mon":
            self.write(f"var/lib/ceph/{kind}/ceph-pve1/store.db/CURRENT", "MANIFEST\n")
        elif heart:
            self.write(f"var/lib/ceph/{kind}/ceph-pve1/keyring", f"[{kind}.pve1]\n\tkey = AQ==\n")
        self.units[f"ceph-{kind}@pve1"] = state
        if enabled:
            self.systemctl("enable", f"ceph-{kind}@pve1")

    def systemctl(self, verb: str, unit: str) -> None:
        link = self.root / f"etc/systemd/system/{unit.partition('@')[0]}.target.wants/{unit}.service"
        if verb == "enable":
            link.parent.mkdir(parents=True, exist_ok=True)
            link.touch()
        elif verb == "disable":
            link.unlink(missing_ok=True)
        else:
            self.units[unit] = {"start": "active", "restart": "active", "stop": "inactive"}.get(verb, "inactive")
            if verb == "start":
                self.on_start.get(unit, lambda: None)()

    def connect(self) -> FakeCeph | None:
        return self.ceph if _ceph.has_monitors(self.root) else None

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def node(self, module: Any) -> CephNode:
        deadline = Deadline(module.params["timeout"], clock=lambda: self.now, sleep=self.sleep)
        return CephNode(self.machine, FakeClient(self.api, timeout=5.0), self.connect, deadline, module.warn)

    def run(self, module: Any, arguments: dict[str, Any] | None = None, *, check: bool = False) -> dict[str, Any]:
        """Runs one of the modules of daemons; C(failed) and C(warnings) are in its result."""
        given = {**(arguments or {}), "_ansible_check_mode": check}
        return run_module(self.monkeypatch, lambda _connect: module.run(self.node), given)

    def quiet(self) -> bool:
        """Nothing that writes was called."""
        return not (self.api.calls or self.cli.done)


def quorum(*names: str, out: str = "", addresses: Mapping[str, str] | None = None) -> dict[str, Any]:
    """quorum_status; C(out) are monitors of the map, by blanks, that are not in quorum."""
    known = {**ADDRESS, **(addresses or {})}
    mons = [
        {"name": name, "rank": rank, "public_addrs": {"addrvec": [{"type": "v2", "addr": f"{known[name]}:3300"}]}}
        for rank, name in enumerate([*names, *out.split()])
    ]
    return {"quorum_names": list(names), "monmap": {"fsid": FSID, "epoch": 3, "mons": mons}}


def failing(exitstatus: str, api: Api, words: str) -> Callable[[], None]:
    """The next task of this call ends so."""

    def effect() -> None:
        api.ends[upid(words)] = exitstatus

    return effect
