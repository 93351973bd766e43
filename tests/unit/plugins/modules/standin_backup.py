# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in's backup server without a machine, as the other end of a module's connection."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ansible_collections.baremetal.proxmox.plugins.module_utils._client import BACKUP_CONNECTION_SPEC
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import Repeated
from ansible_collections.baremetal.proxmox.plugins.module_utils._product import BACKUP_SERVER
from ansible_collections.baremetal.proxmox.plugins.module_utils._session import _with_digest
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import FakeClient, run_module

# Says where the stand-in's code is
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules import standin_api  # noqa: F401  pylint: disable=unused-import

from pbsstandin import dispatch, table, tasks  # isort: skip
from pbsstandin import release as releases  # isort: skip

NODE = "pbs1"


class BackupStandIn:
    """A server of a release, whose files are below C(root). C(writes): the calls that could change something.

    Calls to 4 are checked against the official schema where that is at hand.
    """

    def __init__(self, root: Path, monkeypatch: Any, release: str) -> None:
        self.root = root
        self.writes: list[tuple[str, str, dict[str, Any]]] = []
        self._monkeypatch = monkeypatch
        (root / "etc/proxmox-backup").mkdir(parents=True)
        place = root / "usr/share/pbs-standin"
        place.mkdir(parents=True)
        version = {"version": release, "release": "1", "repoid": "0123456789abcdef"}
        (place / "version.json").write_text(json.dumps(version))
        releases._read.cache_clear()
        monkeypatch.setenv("PVE_STANDIN_ROOT", str(root))
        monkeypatch.setenv("PVE_STANDIN_NODE", NODE)
        schema = _schema_file() if release.startswith("4.") else None
        if schema:
            monkeypatch.setenv("PBS_STANDIN_SCHEMA", str(schema))
        else:
            monkeypatch.delenv("PBS_STANDIN_SCHEMA", raising=False)
        table.load()

    def write(self, name: str, text: str) -> None:
        (self.root / "etc/proxmox-backup" / name).write_text(text)

    # -- the transport of a client

    def send(self, method: str, path: str, params: Any, timeout: float) -> Any:
        given = {name: list(value) if isinstance(value, Repeated) else value for name, value in params.items()}
        if method != "GET":
            self.writes.append((method, path, given))
        answer = dispatch.answer(method, unquote(path), lambda: "root@pam", lambda: (given, False))[0]
        if answer.status >= 400:
            raise ApiError(answer.status, method, path, answer.message)
        return _with_digest(json.loads(json.dumps(answer.data)), answer.attributes.get("digest"))

    def renew(self) -> bool:
        return False

    def close(self) -> None:
        pass

    # -- what a test does with it

    def call(self, method: str, path: str, /, **params: Any) -> Any:
        """A call of somebody else; a task is over when it returns. C(_) stands for C(-) in names."""
        given = {name.replace("_", "-"): value for name, value in params.items()}
        answer = dispatch.answer(method, path, lambda: "root@pam", lambda: (given, False))[0]
        assert answer.status == 200, f"{method} {path}: {answer}"
        if isinstance(answer.data, str) and answer.data.startswith("UPID:"):
            assert tasks.wait(answer.data) == "OK"
        return answer.data

    def module(self, resource: Resource, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
        """Runs the module of a table; C(writes) has the calls of this run only."""
        self.writes = []
        arguments |= {"_ansible_check_mode": True} if check else {}

        def start(_connect: Any) -> None:
            def connect(_module: Any) -> FakeClient:
                return FakeClient(self, product=BACKUP_SERVER)

            ResourceModule(resource, connect, connection=BACKUP_CONNECTION_SPEC).run()

        return run_module(self._monkeypatch, start, arguments, transport=self)


def _schema_file() -> Path | None:
    named = os.environ.get("BAREMETAL_SHARED")
    roots = [Path(named)] if named else [parent / "shared" for parent in Path(__file__).resolve().parents]
    return next((file for root in roots if (file := root / "api/pbs-4.json").is_file()), None)
