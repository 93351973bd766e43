"""A backup server without a machine: the stand-in's files below a temporary directory, calls without HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pbsstandin import dispatch, lay, release, stores, table, tasks


class Server:
    """`etc` is its /etc/proxmox-backup. A datastore's path is below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.etc = root / "etc/proxmox-backup"
        self.etc.mkdir(parents=True)
        self.set_release("4.1.1")

    def set_release(self, version: str) -> None:
        place = self.root / "usr/share/pbs-standin"
        place.mkdir(parents=True, exist_ok=True)
        told = {
            "version": version.rpartition(".")[0],
            "release": version.rpartition(".")[2],
            "repoid": "0123456789abcdef",
        }
        (place / "version.json").write_text(json.dumps(told))
        release._read.cache_clear()

    def write(self, name: str, text: str) -> None:
        (self.etc / name).write_text(text)

    def read(self, name: str) -> str:
        return (self.etc / name).read_text()

    def answer(
        self, method: str, path: str, /, user: str = "root@pam", typed: bool = False, **params: Any
    ) -> dispatch.Answer:
        """Parameters as a form has them; `_` stands for `-` in their names."""
        given = {name.replace("_", "-"): value for name, value in params.items()}
        return dispatch.answer(method, path, lambda: user, lambda: (given, typed))[0]

    def call(self, method: str, path: str, /, user: str = "root@pam", **params: Any) -> Any:
        """The data of a call that succeeds."""
        answer = self.answer(method, path, user=user, **params)
        assert answer.status == 200, answer
        return answer.data

    def refusal(self, method: str, path: str, /, user: str = "root@pam", **params: Any) -> tuple[int, str]:
        answer = self.answer(method, path, user=user, **params)
        return answer.status, answer.message

    def task(self, upid: str) -> tuple[str, str]:
        """Result and log of a task, without its times."""
        result = tasks.wait(upid)
        lines = tasks.decode(upid).log.read_text().splitlines()
        return result, "\n".join(line.split(": ", 1)[1] for line in lines)

    def datastore(self, name: str = "store1", path: str = "/srv/store1", **params: Any) -> stores.Store:
        settings = {"name": name, "path": path, **params}
        result = self.task(self.call("POST", "/config/datastore", **settings))
        assert result[0] == "OK", result
        return stores.lookup(name)

    def snapshots(self, store: stores.Store, group: str, times: list[int], **options: Any) -> None:
        kind, _unused, ident = group.partition("/")
        lay.snapshots(store, kind, ident, times, **options)


@pytest.fixture
def pbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("PVE_STANDIN_ROOT", str(tmp_path))
    monkeypatch.setenv("PVE_STANDIN_NODE", "pbs1")
    monkeypatch.delenv("PBS_STANDIN_SCHEMA", raising=False)
    table.load()
    return Server(tmp_path)
