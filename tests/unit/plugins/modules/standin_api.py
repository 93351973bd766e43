# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in's API without a machine, as the other end of a module's connection: its own dispatcher in this process."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError, AuthError
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import Repeated
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import run_module
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.test_storage_table import schema_file

_STANDIN = str(Path(__file__).resolve().parents[3] / "rack" / "standin")
if _STANDIN not in sys.path:
    sys.path.insert(0, _STANDIN)

from pvestandin import dispatch, faults, network_sdn, peers, registry, tasks  # noqa: E402
from pvestandin.api import network  # noqa: E402

NODE = "pve1"


def _at_once(ctx: registry.Context, kind: str, ident: str, work: Callable[..., None], **arguments: Any) -> str:
    """A task that has ended when its UPID is known: a process for each takes longer than all the rest."""
    task = tasks.Task(ctx.node, 1, 1, int(time.time()), kind, ident, ctx.user)
    task.log.parent.mkdir(parents=True, exist_ok=True)
    with task.log.open("w") as log, contextlib.redirect_stdout(log):
        tasks.run(
            {
                "upid": task.upid,
                "module": work.__module__,
                "function": work.__qualname__,
                "arguments": arguments,
                "fail": faults.task_failure(kind),
                "foreground": False,
            }
        )
    return task.upid


class StandIn:
    """One node of a release, whose files are below C(root). Every call is checked against the official schema.

    C(user): who asks; C(writes): the calls that could change something, in their order.
    """

    def __init__(self, root: Path, monkeypatch: Any, release: str) -> None:
        self.root = root
        self.pve = root / "etc" / "pve"
        self.release = release
        self.user = "root@pam"
        self.writes: list[tuple[str, str, dict[str, Any]]] = []
        self._monkeypatch = monkeypatch
        for directory in ("etc/pve/priv/lock", f"etc/pve/nodes/{NODE}", "usr/share/pve-standin", "var/lib/vz"):
            (root / directory).mkdir(parents=True)
        (self.pve / "local").symlink_to(f"nodes/{NODE}")
        version = {"version": f"{release}.1", "release": release, "repoid": "0123456789abcdef"}
        (root / "usr/share/pve-standin/version.json").write_text(json.dumps(version))
        monkeypatch.setenv("PVE_STANDIN_ROOT", str(root))
        monkeypatch.setenv("PVE_STANDIN_NODE", NODE)
        monkeypatch.setenv("PVE_STANDIN_SCHEMA", str(schema_file(release)))
        monkeypatch.setattr(tasks, "start", _at_once)
        # as far as SDN comes by it; nothing is reloaded on this machine
        monkeypatch.setattr(network, "has_ifupdown2", lambda: True)
        monkeypatch.setattr(network, "reload_work", network_sdn.generate)
        peers.forget()
        registry.load()

    def write(self, name: str, text: str) -> None:
        (self.pve / name).parent.mkdir(parents=True, exist_ok=True)
        (self.pve / name).write_text(text)

    def read(self, name: str) -> str:
        return (self.pve / name).read_text()

    # -- the transport of a client

    def send(self, method: str, path: str, params: Any, timeout: float) -> Any:
        given = {name: list(value) if isinstance(value, Repeated) else value for name, value in params.items()}
        if method != "GET":
            self.writes.append((method, path, given))
        user = None if dispatch.is_open(method, unquote(path)) else self.user
        answer = dispatch.answer(dispatch.Call(method, unquote(path), given, user))
        body = json.loads(json.dumps(answer.body()))
        if answer.status == 401:
            raise AuthError(f"{method} {path}: {answer.message}")
        if answer.status >= 400:
            reason = str(body.get("message", "")).strip()
            raise ApiError(answer.status, method, path, reason, body.get("errors"))
        return body["data"]

    def renew(self) -> bool:
        return False

    def close(self) -> None:
        pass

    # -- what a test does with it

    def call(self, method: str, path: str, **params: Any) -> Any:
        """A call of somebody else."""
        answer = dispatch.answer(dispatch.Call(method, path, params, "root@pam"))
        assert answer.status == 200, f"{method} {path}: {answer}"
        return answer.data

    def module(self, resource: Resource, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
        """Runs the module of a table; C(writes) has the calls of this run only."""
        return self.run(lambda connect: ResourceModule(resource, connect).run(), check=check, **arguments)

    def run(self, start: Callable[[Any], None], *, check: bool = False, **arguments: Any) -> dict[str, Any]:
        """Runs C(start(connect))."""
        self.writes = []
        arguments |= {"_ansible_check_mode": True} if check else {}
        if self.user != "root@pam":
            arguments |= {"api_host": "pve.example.org", "api_token_id": self.user, "api_token_secret": "unused"}
        return run_module(self._monkeypatch, start, arguments, transport=self)
