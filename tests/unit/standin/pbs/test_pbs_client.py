"""The collection's client against the stand-in: the one place where both meet without a machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pbsstandin import certificate, server

pytest.importorskip("proxmoxer")
_client = pytest.importorskip("ansible_collections.baremetal.proxmox.plugins.module_utils._client")
from ansible_collections.baremetal.proxmox.plugins.module_utils import _backup_server, _session  # noqa: E402
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (  # noqa: E402
    ApiError,
    AuthError,
    TaskError,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._product import BACKUP_SERVER  # noqa: E402


@pytest.fixture
def port(pbs: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setenv("PVE_STANDIN_UNAUTHORIZED_DELAY", "0")
    monkeypatch.setattr(certificate, "_BITS", 2048)
    running = server.create(0, "127.0.0.1")
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield running.server_address[1]
    running.shutdown()
    running.server_close()
    thread.join()


class Module:
    check_mode = False

    def __init__(self, port: int, **params: Any) -> None:
        known = {name: spec.get("default") for name, spec in _client.BACKUP_CONNECTION_SPEC.items()}
        pin = {"api_host": "127.0.0.1", "api_port": port, "api_fingerprint": certificate.fingerprint()}
        self.params = {**known, **pin, **params}


@pytest.fixture
def root(pbs: Any, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The client as it is on the server itself, with the key and the certificate in their files."""
    monkeypatch.setattr(_backup_server, "CONFIG", str(pbs.etc))
    real = _session.HttpSession.__init__

    def there(self: Any, _host: str, _port: int, *arguments: Any, **options: Any) -> None:
        real(self, "127.0.0.1", port, *arguments, **options)

    monkeypatch.setattr(_session.HttpSession, "__init__", there)
    client = _client.Client(_backup_server.local_session(), local=True, product=BACKUP_SERVER)
    yield client
    client.close()


def test_root_on_the_server_needs_no_password(root: Any) -> None:
    assert root.version == (4, 1, 1)
    upid = root.post("/config/datastore", name="store1", path="/srv/store1")
    assert root.task(upid) == "OK"
    root.post("/config/prune", id="nightly", store="store1", schedule="daily", **{"keep-daily": 7, "disable": True})
    (job,) = root.get("/config/prune")
    assert len(job.pop("digest")) == 64
    assert job == {"id": "nightly", "store": "store1", "schedule": "daily", "keep-daily": 7, "disable": True}
    root.put("/config/prune/nightly", delete=["disable", "comment"], **{"keep-last": 3})
    assert "disable" not in root.get("/config/prune/nightly")
    root.delete("/config/prune/nightly")
    assert root.get("/config/prune") == []


def test_refusals_and_failed_tasks(root: Any, pbs: Any) -> None:
    with pytest.raises(ApiError, match=r"no such prune 'nosuch' \(HTTP 400\)"):
        root.get("/config/prune/nosuch")
    with pytest.raises(ApiError, match="'keep-daily': value must have a minimum value of 1"):
        root.post("/config/prune", id="nightly", store="store1", schedule="daily", **{"keep-daily": 0})
    (pbs.root / "srv/full").mkdir(parents=True)
    (pbs.root / "srv/full/file").touch()
    with pytest.raises(TaskError, match="datastore path not empty") as caught:
        root.task(root.post("/config/datastore", name="full", path="/srv/full"))
    assert caught.value.log_tail[-1].endswith("TASK ERROR: datastore path not empty")


def test_a_task_with_a_colon_in_its_name(root: Any) -> None:
    root.task(root.post("/config/datastore", name="store1", path="/srv/store1"))
    upid = root.post("/admin/datastore/store1/prune-datastore", **{"keep-last": 3})
    assert r":prune:store1\x3a:" in upid
    assert root.task(upid) == "OK"


def test_from_elsewhere(pbs: Any, port: int) -> None:
    pbs.call("POST", "/access/users", userid="ops@pbs", password="correct horse")
    pbs.call("PUT", "/access/acl", path="/", role="Admin", auth_id="ops@pbs")
    made = pbs.call("POST", "/access/users/ops@pbs/token/robot")
    pbs.call("PUT", "/access/acl", path="/", role="Audit", auth_id="ops@pbs!robot")
    password = _client.Client.backup_server(Module(port, api_user="ops@pbs", api_password="correct horse"))
    password.post("/access/users", userid="new@pbs")
    named = {"api_token_id": "ops@pbs!robot", "api_token_secret": made["value"]}
    token = _client.Client.backup_server(Module(port, **named))
    assert {user["userid"] for user in token.get("/access/users")} == {"root@pam", "ops@pbs", "new@pbs"}
    with pytest.raises(ApiError, match="permission check failed"):
        token.delete("/access/users/new@pbs")
    wrong = _client.Client.backup_server(Module(port, **{**named, "api_token_secret": "wrong"}))
    with pytest.raises(AuthError, match="authentication failed - invalid credentials"):
        wrong.get("/access/users")
    other = _client.Client.backup_server(Module(port, api_fingerprint="AB:" * 31 + "AB", **named))
    with pytest.raises(_session.TrustError):
        other.get("/version")
