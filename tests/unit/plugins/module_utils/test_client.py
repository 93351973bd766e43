# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is repeated, what never is, how tasks end, and which connections the options describe."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _client, _session
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import CONNECTION_SPEC, Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (
    ApiError,
    AuthError,
    ConnectionLost,
    InputError,
    TaskError,
    Timeout,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._product import VIRTUAL_ENVIRONMENT
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import FakeTransport


@pytest.fixture(autouse=True)
def clock(monkeypatch: Any) -> Iterator[list[float]]:
    """Time passes only when somebody sleeps."""
    slept: list[float] = []
    monkeypatch.setattr(_client.time, "sleep", slept.append)
    monkeypatch.setattr(_client.time, "monotonic", lambda: 1000.0 + sum(slept))
    yield slept


def refused(status: int, reason: str) -> ApiError:
    return ApiError(status, "PUT", "/x", reason)


LOCK = refused(500, "create storage failed: cfs-lock 'file-storage_cfg' error: got lock request timeout")
FILE_LOCK = refused(500, "can't lock file '/var/lock/x.lck' - got timeout")
UNSENT = ConnectionLost("PUT", "/x", "refused")
PERHAPS = ConnectionLost("PUT", "/x", "reset", maybe_done=True)
DROPPED_READ = ConnectionLost("GET", "/x", "reset")

REPEATED = [
    ("GET", DROPPED_READ),
    ("GET", refused(596, "timed out")),
    ("GET", refused(503, "busy")),
    *itertools.product(("GET", "POST", "PUT", "DELETE"), (LOCK, FILE_LOCK, UNSENT, refused(595, "refused"))),
]


@pytest.mark.parametrize(("method", "error"), REPEATED)
def test_repeated(method: str, error: Exception) -> None:
    fake = FakeTransport([(method, "/x", {}, error), (method, "/x", {}, error), (method, "/x", {}, 5)])
    assert Client(fake).call(method, "/x") == 5
    fake.finished()


NOT_REPEATED = [
    ("POST", PERHAPS, ConnectionLost),
    ("POST", refused(596, "timed out"), ConnectionLost),
    ("PUT", refused(599, "x"), ConnectionLost),
    ("DELETE", refused(502, "x"), ConnectionLost),
    ("GET", refused(500, "storage 'x' does not exist"), ApiError),
    ("PUT", refused(400, "bad"), ApiError),
    ("POST", refused(403, "Permission check failed"), ApiError),
    ("POST", refused(500, "cfs-lock 'file-storage_cfg' error: no quorum!"), ApiError),
    ("POST", AuthError("no"), AuthError),
    ("POST", _session.TrustError("no"), _session.TrustError),
]


@pytest.mark.parametrize(("method", "error", "kind"), NOT_REPEATED)
def test_not_repeated(method: str, error: Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        Client(FakeTransport([(method, "/x", {}, error)])).call(method, "/x")
    if isinstance(caught.value, ConnectionLost):
        assert caught.value.maybe_done


def test_repeating_ends(clock: list[float]) -> None:
    class Busy:
        def send(self, *_arguments: Any) -> Any:
            raise LOCK

    with pytest.raises(ApiError, match="got lock request timeout"):
        Client(Busy(), timeout=10).get("/x")  # type: ignore[arg-type]
    assert 5 < sum(clock) < 10


def test_nobody_listens_on_the_node() -> None:
    class Down:
        def send(self, *_arguments: Any) -> Any:
            raise ConnectionLost("GET", "/x", "refused")

    with pytest.raises(ConnectionLost, match="systemctl status pveproxy"):
        Client(Down(), timeout=5, local=True).get("/x")  # type: ignore[arg-type]
    with pytest.raises(ConnectionLost, match=r"refused\)$"):
        Client(Down(), timeout=5).get("/x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("present", "local", "installed"),
    [
        (False, True, False),
        (True, True, True),
        (False, False, True),
    ],
)
def test_installed(tmp_path: Any, present: bool, local: bool, installed: bool) -> None:
    file = tmp_path / "pvesh"
    if present:
        file.write_text("")
    product = replace(VIRTUAL_ENVIRONMENT, installed=(str(tmp_path / "pveversion"), str(file)))
    assert Client(FakeTransport([]), local=local, product=product).installed is installed


def test_parameters_in_forms() -> None:
    wanted = {"a": "1", "b": "0", "c": "x,y", "d": "3", "path": "/p"}
    fake = FakeTransport([("POST", "/x", wanted, None)])
    Client(fake).call("POST", "/x", {"a": True, "b": False, "c": ["x", "y"], "d": 3, "e": None, "path": "/p"})
    fake.finished()


def test_version_is_asked_once() -> None:
    fake = FakeTransport([("GET", "/version", {}, {"version": "9.2.11", "release": "9.2", "repoid": "x"})])
    client = Client(fake)
    assert (client.version, client.version) == ((9, 2, 11), (9, 2, 11))


def test_node_of_a_remote_api() -> None:
    rows = [
        {"type": "cluster"},
        {"type": "node", "name": "pve1", "local": 0},
        {"type": "node", "name": "pve2", "local": 1},
    ]
    assert Client(FakeTransport([("GET", "/cluster/status", {}, rows)])).node == "pve2"


# ---- tasks

UPID = "UPID:pve2:0000AAAA:00BBBBBB:6740AAAA:vzdump::root@pam:"
STATUS = f"/nodes/pve2/tasks/{UPID}/status"
RUNNING = ("GET", STATUS, {}, {"status": "running"})


@pytest.mark.parametrize("end", ["OK", "WARNINGS: 2"])
def test_task(end: str) -> None:
    fake = FakeTransport([RUNNING, RUNNING, ("GET", STATUS, {}, {"status": "stopped", "exitstatus": end})])
    assert Client(fake).task(UPID) == end
    fake.finished()


def test_task_that_failed() -> None:
    log = [{"n": number, "t": f"line {number}"} for number in range(1, 41)]
    fake = FakeTransport(
        [
            ("GET", STATUS, {}, {"status": "stopped", "exitstatus": "command failed"}),
            ("GET", f"/nodes/pve2/tasks/{UPID}/log", {"start": "0", "limit": "100000"}, log),
        ]
    )
    with pytest.raises(TaskError) as caught:
        Client(fake).task(UPID)
    assert caught.value.exitstatus == "command failed"
    assert caught.value.log_tail[0] == "line 21"
    assert caught.value.log_tail[-1] == "line 40"


def test_task_that_does_not_end() -> None:
    class Endless:
        def send(self, *_arguments: Any) -> Any:
            return {"status": "running"}

    with pytest.raises(Timeout) as caught:
        Client(Endless()).task(UPID, timeout=30)  # type: ignore[arg-type]
    assert "waited 30 s for task UPID:pve2" in str(caught.value)
    assert "running" in str(caught.value)


# ---- connections


class Module:
    def __init__(self, check_mode: bool = False, **params: Any) -> None:
        self.check_mode = check_mode
        self.params = {name: spec.get("default") for name, spec in CONNECTION_SPEC.items()} | params


def transport(**params: Any) -> Any:
    return Client.from_module(Module(**params))._transport  # type: ignore[arg-type]


def test_on_the_node() -> None:
    session = transport()
    assert session._base == "https://localhost:8006/api2/json"
    assert session._fingerprint is _session.local_fingerprint
    assert session._identity._fetch is _session.local_ticket


def test_in_check_mode_without_the_library(monkeypatch: Any) -> None:
    monkeypatch.setattr(_session.HttpSession, "missing_library", staticmethod(lambda: "gone"))
    assert isinstance(transport(check_mode=True), _session.PveshReader)
    assert isinstance(transport(), _session.HttpSession)


@pytest.mark.parametrize(
    ("params", "header"),
    [
        ({"api_token_id": "root@pam!ci", "api_token_secret": "s"}, "PVEAPIToken=root@pam!ci=s"),
        ({"api_user": "a@pve", "api_token_id": "ci", "api_token_secret": "s"}, "PVEAPIToken=a@pve!ci=s"),
    ],
)
def test_remote_token(params: dict[str, Any], header: str) -> None:
    session = transport(api_host="fd00::1", **params)
    assert session._base == "https://[fd00::1]:8006/api2/json"
    assert session._verify is True
    assert session._identity.headers("POST") == {"Authorization": header}


def test_remote_password(monkeypatch: Any) -> None:
    sent: list[Any] = []

    def send(self: Any, method: str, path: str, params: Any, timeout: float) -> Any:
        sent.append((self._identity, method, path, params))
        return {"ticket": "T", "CSRFPreventionToken": "C"}

    monkeypatch.setattr(_session.HttpSession, "send", send)
    session = transport(api_host="pve", api_user="root@pam", api_password="p", validate_certs=False)
    assert session._verify is False
    assert session._identity.headers("POST") == {"Cookie": "PVEAuthCookie=T", "CSRFPreventionToken": "C"}
    assert sent == [(None, "POST", "/access/ticket", {"username": "root@pam", "password": "p"})]


def test_second_factor(monkeypatch: Any) -> None:
    monkeypatch.setattr(_session.HttpSession, "send", lambda *_arguments: {"ticket": "T", "NeedTFA": 1})
    session = transport(api_host="pve", api_user="root@pam", api_password="p")
    with pytest.raises(AuthError, match="Use an API token"):
        session._identity.headers("GET")


def test_trust(tmp_path: Any) -> None:
    token = {"api_host": "pve", "api_token_id": "root@pam!ci", "api_token_secret": "s"}
    assert transport(api_fingerprint="AB:" * 31 + "AB", **token)._fingerprint() == "ab" * 32
    assert transport(api_ca_path=str(tmp_path), **token)._verify == str(tmp_path)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"api_password": "p"}, "api_password: without api_host there is nothing that uses this"),
        ({"api_host": "pve"}, "needs api_token_id and api_token_secret, or api_user and api_password"),
        ({"api_host": "pve", "api_user": "root", "api_password": "p"}, "'root' has no realm"),
        ({"api_host": "pve", "api_token_id": "ci", "api_token_secret": "s"}, "has to be USER@REALM!NAME"),
        ({"api_host": "pve", "api_fingerprint": "AB"}, "'AB' is not a SHA-256 fingerprint"),
        ({"api_host": "pve", "api_ca_path": "/nowhere/at/all"}, "/nowhere/at/all does not exist on this machine"),
    ],
)
def test_contradicting_options(params: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        transport(**params)
    assert message in str(caught.value)
