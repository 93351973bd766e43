# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real HTTPS to a real socket: what is sent, whom we trust, and what every kind of answer becomes."""

from __future__ import annotations

import hashlib
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _session
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (
    ApiError,
    AuthError,
    ConnectionLost,
    NotInstalled,
    ProxmoxError,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._session import HttpSession, Ticket, Token, TrustError
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.tls_server import (
    Server,
    answer,
    make_certificate,
)

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")

TICKET = "PVE:root@pam:6740AAAA::a+b/c=="
CSRF = "6740AAAA:x+y/z="


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def serve(certificates: tuple[Path, Path]) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*answers: bytes | None) -> Server:
        servers.append(Server(*certificates, list(answers)))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def fingerprint(certificate: Path) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()


@pytest.fixture
def session(certificates: tuple[Path, Path]) -> Callable[..., HttpSession]:
    def make(server: Server, identity: Any = None, **options: Any) -> HttpSession:
        options = options or {"fingerprint": lambda: fingerprint(certificates[0])}
        return HttpSession("localhost", server.port, identity, **options)

    return make


def test_get_and_its_headers(serve: Any, session: Any) -> None:
    server = serve(answer(200, {"data": [1]}))
    assert session(server, Ticket(lambda: (TICKET, CSRF))).send("GET", "/nodes/a/b", {"type": "vm"}, 5) == [1]
    method, path, headers, body = server.requests[0]
    assert (method, path, body) == ("GET", "/api2/json/nodes/a/b?type=vm", "")
    assert headers["cookie"] == "PVEAuthCookie=PVE%3Aroot%40pam%3A6740AAAA%3A%3Aa%2Bb%2Fc%3D%3D"
    assert "csrfpreventiontoken" not in headers


def test_a_write_is_a_form_with_csrf(serve: Any, session: Any) -> None:
    server = serve(answer(200, {"data": None}))
    params = {"path": "/srv/ä b", "prune-backups": "keep-last=1,keep-daily=2", "disable": "1"}
    assert session(server, Ticket(lambda: (TICKET, CSRF))).send("POST", "/storage", params, 5) is None
    method, path, headers, body = server.requests[0]
    assert (method, path) == ("POST", "/api2/json/storage")
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert headers["csrfpreventiontoken"] == CSRF
    assert body == "path=%2Fsrv%2F%C3%A4+b&prune-backups=keep-last%3D1%2Ckeep-daily%3D2&disable=1"


def test_delete_has_its_parameters_in_the_address(serve: Any, session: Any) -> None:
    server = serve(answer(200, {"data": None}))
    session(server).send("DELETE", "/cluster/x", {"force": "1"}, 5)
    assert server.requests[0][:2] == ("DELETE", "/api2/json/cluster/x?force=1")


def test_a_token(serve: Any, session: Any) -> None:
    server = serve(answer(200, {"data": 1}))
    session(server, Token("root@pam!ci", "s")).send("PUT", "/x", {}, 5)
    assert server.requests[0][2]["authorization"] == "PVEAPIToken=root@pam!ci=s"


def test_one_connection_for_many_calls(serve: Any, session: Any) -> None:
    server = serve(*[answer(200, {"data": number}) for number in range(5)])
    one = session(server)
    assert [one.send("GET", "/x", {}, 5) for _call in range(5)] == [0, 1, 2, 3, 4]
    assert server.connections == 1


def test_after_a_refusal_the_connection_is_a_new_one(serve: Any, session: Any) -> None:
    server = serve(answer(500, {"data": None}, "no"), answer(200, {"data": 1}))
    one = session(server)
    with pytest.raises(ApiError):
        one.send("POST", "/x", {}, 5)
    assert one.send("POST", "/x", {}, 5) == 1
    assert server.connections == 2


@pytest.mark.parametrize(
    ("status", "body", "reason", "expected"),
    [
        (
            500,
            {"data": None, "message": "storage ID 'x' already defined\n"},
            "storage ID",
            "storage ID 'x' already defined",
        ),
        (500, {"data": None}, "storage ID 'x' already defined", "storage ID 'x' already defined"),
        (403, {"data": None}, "Permission check failed (/storage, Datastore.Allocate)", "Permission check failed"),
        (
            400,
            {"data": None, "errors": {"type": "bad\n", "a": "b"}},
            "Parameter verification failed.",
            "Parameter verification failed. (HTTP 400): a: b; type: bad",
        ),
        (501, None, "Method 'GET /x' not implemented", "Method 'GET /x' not implemented"),
        (595, {"data": None}, "Connection refused", "Connection refused"),
    ],
)
def test_refusals(serve: Any, session: Any, status: int, body: Any, reason: str, expected: str) -> None:
    with pytest.raises(ApiError) as caught:
        session(serve(answer(status, body, reason))).send("PUT", "/x", {}, 5)
    assert caught.value.status == status
    assert expected in str(caught.value)
    assert "PUT /x" in str(caught.value)


def test_a_page_that_is_no_api(serve: Any, session: Any) -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"
    with pytest.raises(ApiError, match="not one of a Proxmox API"):
        session(serve(page)).send("GET", "/x", {}, 5)


@pytest.mark.parametrize(("method", "perhaps"), [("GET", False), ("POST", True), ("PUT", True), ("DELETE", True)])
def test_a_dropped_connection(serve: Any, session: Any, method: str, perhaps: bool) -> None:
    with pytest.raises(ConnectionLost) as caught:
        session(serve(None)).send(method, "/x", {}, 5)
    assert caught.value.maybe_done is perhaps


def test_a_write_has_a_new_connection_where_one_was_dropped(serve: Any, session: Any) -> None:
    data = answer(200, {"data": None})
    server = serve(None, data, data, data)
    one = session(server)
    with pytest.raises(ConnectionLost):
        one.send("GET", "/x", {}, 5)
    for method, connections in (("GET", 2), ("PUT", 3), ("GET", 3)):
        one.send(method, "/x", {}, 5)
        assert server.connections == connections


def test_nobody_listens(serve: Any, session: Any) -> None:
    server = serve()
    server.close()
    # the accepting thread may hold the socket for one more connection
    one = HttpSession("127.0.0.1", 1, None, fingerprint=lambda: "0" * 64)
    with pytest.raises(ConnectionLost) as caught:
        one.send("POST", "/x", {}, 5)
    assert not caught.value.maybe_done
    assert "refused" in str(caught.value)


def test_no_such_name() -> None:
    with pytest.raises(ProxmoxError, match="cannot be resolved") as caught:
        HttpSession("nothing.invalid", 8006, None).send("GET", "/x", {}, 5)
    assert not isinstance(caught.value, ConnectionLost)


def test_a_wrong_pin(serve: Any, session: Any) -> None:
    server = serve(answer(200, {"data": 1}))
    with pytest.raises(TrustError, match="not trusted"):
        session(server, fingerprint=lambda: "0" * 64).send("POST", "/x", {}, 5)
    assert server.requests == []


def test_an_unknown_authority(serve: Any, session: Any) -> None:
    server = serve(answer(200, {"data": 1}))
    with pytest.raises(TrustError, match="not trusted"):
        session(server, verify=True).send("GET", "/x", {}, 5)
    assert server.requests == []


def test_a_known_authority(serve: Any, session: Any, certificates: Any) -> None:
    server = serve(answer(200, {"data": 1}))
    assert session(server, verify=str(certificates[0])).send("GET", "/x", {}, 5) == 1


def test_verification_off(serve: Any, session: Any) -> None:
    assert session(serve(answer(200, {"data": 1})), verify=False).send("GET", "/x", {}, 5) == 1


def test_a_ticket_that_expired_is_renewed_once(serve: Any, session: Any) -> None:
    made: list[str] = []

    def fetch() -> tuple[str, str]:
        made.append(f"T{len(made)}")
        return made[-1], "c"

    server = serve(
        answer(401, {"data": None}, "invalid PVE ticket"),
        answer(200, {"data": 7}),
        answer(401, {"data": None}, "no"),
        answer(401, {"data": None}, "permission denied"),
    )
    client = Client(session(server, Ticket(fetch)))
    assert client.post("/x") == 7
    with pytest.raises(AuthError, match="permission denied"):
        client.post("/x")
    assert [request[2]["cookie"] for request in server.requests] == [
        "PVEAuthCookie=T0",
        "PVEAuthCookie=T1",
        "PVEAuthCookie=T1",
        "PVEAuthCookie=T2",
    ]


def test_a_lost_login_is_repeated(serve: Any, session: Any) -> None:
    server = serve(answer(200, {"data": 7}))
    pairs: list[Any] = [ConnectionLost("POST", "/access/ticket", "dropped", maybe_done=True), ("T", "c")]

    def fetch() -> tuple[str, str]:
        pair = pairs.pop(0)
        if isinstance(pair, Exception):
            raise pair
        return pair

    assert Client(session(server, Ticket(fetch))).post("/x") == 7
    assert len(server.requests) == 1


def test_a_new_certificate_is_seen(serve: Any, session: Any, certificates: Any) -> None:
    pins = iter(["0" * 64, fingerprint(certificates[0])])
    client = Client(session(serve(answer(200, {"data": 1})), fingerprint=lambda: next(pins)), timeout=5, local=True)
    assert client.post("/x") == 1


def test_the_clusters_authority_vouches_too(serve: Any, session: Any, certificates: Any, tmp_path: Path) -> None:
    """A renewed certificate that pveproxy does not serve yet; and one that neither knows."""
    wrong, _key = make_certificate(tmp_path, "wrong")
    one = session(serve(answer(200, {"data": 1})), fingerprint=lambda: "0" * 64, authority=str(certificates[0]))
    assert Client(one, timeout=5, local=True).post("/x") == 1
    for authority in (str(wrong), str(tmp_path / "missing.pem")):
        server = serve(answer(200, {"data": 1}))
        one = session(server, fingerprint=lambda: "0" * 64, authority=authority)
        with pytest.raises(TrustError):
            Client(one, timeout=1, local=True).post("/x")
        assert server.requests == []


def test_the_environment_is_not_asked_on_the_node(serve: Any, session: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert session(serve(answer(200, {"data": 1}))).send("GET", "/x", {}, 5) == 1


@pytest.mark.parametrize(
    "trust",
    [
        {"verify": False},
        {"fingerprint": "its own"},
        {"verify": "its own"},
    ],
)
def test_the_environment_does_not_change_whom_we_trust(
    serve: Any, session: Any, monkeypatch: Any, certificates: Any, tmp_path: Path, trust: dict[str, Any]
) -> None:
    other, _key = make_certificate(tmp_path, "other")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    own = {"verify": str(certificates[0]), "fingerprint": lambda: fingerprint(certificates[0])}
    options = {name: own[name] if value == "its own" else value for name, value in trust.items()}
    one = session(serve(answer(200, {"data": 1})), use_environment=True, **options)
    assert one.send("GET", "/x", {}, 5) == 1


def test_a_missing_library(monkeypatch: Any) -> None:
    monkeypatch.setattr(HttpSession, "missing_library", staticmethod(lambda: "No module named 'proxmoxer'"))
    with pytest.raises(NotInstalled, match=r"No module named 'proxmoxer'.*python3-proxmoxer"):
        HttpSession("localhost", 1, None).send("GET", "/x", {}, 1)


# ---- the ticket on the node

GOOD = f"{TICKET}\n{CSRF}\n"


def fake_run(monkeypatch: Any, **result: Any) -> list[Any]:
    seen: list[Any] = []

    def run(argv: list[str], **options: Any) -> Any:
        seen.append((argv, options))
        texts = {name: result.get(name, "").encode() for name in ("stdout", "stderr")}
        return SimpleNamespace(returncode=result.get("returncode", 0), **texts)

    monkeypatch.setattr(subprocess, "run", run)
    return seen


def test_local_ticket(monkeypatch: Any) -> None:
    seen = fake_run(monkeypatch, stdout=GOOD)
    assert _session.local_ticket() == (TICKET, CSRF)
    argv, options = seen[0]
    assert argv[:2] == ["perl", "-MPVE::AccessControl"]
    assert options["env"]["LC_ALL"] == "C"
    assert "/usr/sbin" in options["env"]["PATH"]
    assert not any("6740AAAA" in word for word in argv)


@pytest.mark.parametrize(
    ("result", "root", "mounted", "message"),
    [
        ({"returncode": 2, "stderr": "x\nCan't open perl script\n"}, True, True, "exit code 2, Can't open perl script"),
        ({"stdout": TICKET + "\n"}, True, True, "it said nothing"),
        ({"stdout": "warning\n" + GOOD}, True, True, "made no ticket"),
        ({"returncode": 13, "stderr": "permission denied"}, False, True, "This has to run as root: set become: true."),
        ({"returncode": 111, "stderr": "Connection refused"}, True, False, "is pve-cluster running?"),
    ],
)
def test_no_local_ticket(monkeypatch: Any, result: Any, root: bool, mounted: bool, message: str) -> None:
    fake_run(monkeypatch, **result)
    monkeypatch.setattr(_session.os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.setattr(_session.os.path, "lexists", lambda _path: mounted)
    with pytest.raises(AuthError) as caught:
        _session.local_ticket()
    assert message in str(caught.value)
    assert "6740AAAA" not in str(caught.value.fail_args())


@pytest.mark.parametrize(("custom", "expected"), [((), "own"), (("pem",), "own"), (("pem", "key"), "custom")])
def test_local_fingerprint(monkeypatch: Any, tmp_path: Path, custom: tuple[str, ...], expected: str) -> None:
    local = tmp_path / "local"
    local.mkdir()
    own, _key = make_certificate(tmp_path, "own")
    other, _key = make_certificate(tmp_path, "custom")
    # ACME certificates come with their chain; the first one is the server's
    (local / "pve-ssl.pem").write_text(own.read_text())
    for end in custom:
        (local / f"pveproxy-ssl.{end}").write_text(other.read_text() + own.read_text())
    monkeypatch.setattr(_session, "PMXCFS", str(tmp_path))
    found = _session.local_fingerprint()
    assert found.replace(":", "").lower() == fingerprint({"own": own, "custom": other}[expected])


def test_no_local_certificate(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(_session, "PMXCFS", str(tmp_path))
    monkeypatch.setattr(_session.os, "geteuid", lambda: 0)
    with pytest.raises(TrustError, match="is pve-cluster running"):
        _session.local_fingerprint()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "localhost"),
        ("", "localhost"),
        ("#LISTEN_IP=1.2.3.4\n", "localhost"),
        ('LISTEN_IP="10.0.0.1"\n', "10.0.0.1"),
        ("ALLOW_FROM=all\nLISTEN_IP=fd00::1\n", "[fd00::1]"),
        ("LISTEN_IP=0.0.0.0", "localhost"),
        ("LISTEN_IP=::", "localhost"),
        ("LISTEN_IP=$(hostname -i)", "localhost"),
    ],
)
def test_local_address(monkeypatch: Any, tmp_path: Path, text: str | None, expected: str) -> None:
    file = tmp_path / "pveproxy"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(_session, "PVEPROXY_DEFAULTS", str(file))
    assert _session.local_address() == expected


# ---- pvesh, in check mode without the library


def test_pvesh_reads(monkeypatch: Any) -> None:
    seen = fake_run(monkeypatch, stdout='[{"storage":"local"}]')
    assert _session.PveshReader().send("GET", "/storage", {"type": "dir"}, 5) == [{"storage": "local"}]
    assert seen[0][0] == ["pvesh", "get", "/storage", "--output-format", "json", "--type", "dir"]


def test_pvesh_writes_nothing(monkeypatch: Any) -> None:
    seen = fake_run(monkeypatch)
    with pytest.raises(NotInstalled):
        _session.PveshReader().send("POST", "/storage", {}, 5)
    assert seen == []


def test_pvesh_fails(monkeypatch: Any) -> None:
    fake_run(monkeypatch, returncode=255, stderr="ipcc_send_rec[1] failed: Connection refused\n")
    with pytest.raises(ApiError, match="ipcc_send_rec"):
        _session.PveshReader().send("GET", "/storage", {}, 5)
