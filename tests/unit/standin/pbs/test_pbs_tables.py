"""The collection's tables against the stand-in: many at once, and somebody else at work. The rest is in the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

standin_backup = pytest.importorskip("ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_backup")
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_jobs import PRUNE_JOB  # noqa: E402


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    return standin_backup.BackupStandIn(tmp_path / "server", monkeypatch, "4.1")


def test_fifty_items_are_one_call(server: Any) -> None:
    items = [{"id": f"job{number}", "store": "store1", "schedule": "daily", "keep_last": 3} for number in range(50)]
    assert server.module(PRUNE_JOB, config=items)["changed"]
    assert [method for method, _path, _params in server.writes] == ["POST"] * 50
    more = [{**item, "keep_last": 4} for item in items]
    assert server.module(PRUNE_JOB, config=more)["changed"]
    assert [method for method, _path, _params in server.writes] == ["PUT"] * 50
    assert not server.module(PRUNE_JOB, config=more, state="overridden")["changed"]


def test_somebody_else_writes_meanwhile(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest is that of the whole file: a change of another item means to read again, and no more."""
    server.module(PRUNE_JOB, config=[{"id": "first", "store": "store1", "schedule": "daily", "keep_daily": 7}])
    real = type(server).send

    def send(self: Any, method: str, path: str, params: Any, timeout: float) -> Any:
        if method == "PUT" and not self.writes:
            self.call("POST", "/config/prune", id="other", store="store1", schedule="daily", keep_last="1")
        return real(self, method, path, params, timeout)

    monkeypatch.setattr(type(server), "send", send)
    assert server.module(PRUNE_JOB, config=[{"id": "first", "keep_daily": 14}])["changed"]
    assert [path for _method, path, _params in server.writes] == ["/config/prune/first"] * 2
    assert server.call("GET", "/config/prune/first")["keep-daily"] == 14
