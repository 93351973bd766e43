"""Proxmox VE's storage of type pbs, as its stand-in asks this one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pbsstandin import certificate, server
from pvestandin.errors import Failure
from pvestandin.storage import pbs as storage


@pytest.fixture
def section(pbs: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A storage with a token that may only back up into a namespace."""
    monkeypatch.setenv("PVE_STANDIN_UNAUTHORIZED_DELAY", "0")
    monkeypatch.setattr(certificate, "_BITS", 2048)
    running = server.create(0, "127.0.0.1")
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    pbs.datastore()
    pbs.call("POST", "/admin/datastore/store1/namespace", name="rack")
    pbs.call("POST", "/access/users", userid="backup@pbs", password="correct horse")
    made = pbs.call("POST", "/access/users/backup@pbs/token/pve")
    for who in ("backup@pbs", "backup@pbs!pve"):
        pbs.call("PUT", "/access/acl", path="/datastore/store1/rack", role="DatastoreBackup", auth_id=who)
    password = tmp_path / "etc/pve/priv/storage/bk.pw"
    password.parent.mkdir(parents=True)
    password.write_text(f"{made['value']}\n")
    yield {
        "server": "127.0.0.1",
        "port": running.server_address[1],
        "datastore": "store1",
        "namespace": "rack",
        "username": "backup@pbs!pve",
        "fingerprint": certificate.fingerprint(),
    }
    running.shutdown()
    running.server_close()
    thread.join()


def test_it_is_there_with_a_token(section: dict[str, Any]) -> None:
    storage.check("bk", section)
    assert storage.status("bk", section) == (0, 0, 0)


def test_it_is_there_with_a_password(section: dict[str, Any], pbs: Any, tmp_path: Path) -> None:
    (tmp_path / "etc/pve/priv/storage/bk.pw").write_text("correct horse\n")
    pbs.call("PUT", "/access/acl", path="/datastore/store1", role="DatastoreAudit", auth_id="backup@pbs")
    section["username"] = "backup@pbs"
    storage.check("bk", section)
    assert storage.status("bk", section)[0] > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"datastore": "nosuch"}, "Cannot find datastore 'nosuch'"),
        ({"fingerprint": ":".join(["00"] * 32)}, "fingerprint does not match"),
        ({"username": "backup@pbs!other"}, "401"),
        ({"fingerprint": None}, "certificate verify failed"),
    ],
)
def test_what_is_wrong(section: dict[str, Any], change: dict[str, Any], message: str) -> None:
    with pytest.raises(Failure, match=message):
        storage.check("bk", {**section, **change})
