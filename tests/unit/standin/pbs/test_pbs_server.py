"""The server on its port: TLS, cookies, tokens, bodies, errors, and what the log keeps."""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from pbsstandin import certificate, server

FORM = "application/x-www-form-urlencoded"


class Client:
    def __init__(self, pbs: Any, port: int) -> None:
        self.pbs = pbs
        context = ssl.create_default_context(cafile=str(pbs.etc / "proxy.pem"))
        self.connection = http.client.HTTPSConnection("localhost", port, timeout=10, context=context)

    def call(self, method: str, path: str, body: Any = None, kind: str = FORM, **headers: str) -> tuple[int, str]:
        text = body if isinstance(body, str) or body is None else urlencode(body, doseq=True)
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, text, {**told, **({"Content-Type": kind} if text else {})})
        response = self.connection.getresponse()
        return response.status, response.read().decode()

    def login(self, **who: str) -> dict[str, str]:
        status, text = self.call("POST", "/api2/json/access/ticket", who)
        assert status == 200, text
        data = json.loads(text)["data"]
        cookie = f"PBSAuthCookie={quote(data['ticket'], safe='')}"
        return {"Cookie": cookie, "CSRFPreventionToken": data["CSRFPreventionToken"]}


@pytest.fixture
def api(pbs: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("PVE_STANDIN_UNAUTHORIZED_DELAY", "0")
    monkeypatch.setattr(certificate, "_BITS", 2048)
    running = server.create(0, "127.0.0.1")
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    pbs.call("POST", "/access/users", userid="ops@pbs", password="correct horse")
    pbs.call("PUT", "/access/acl", path="/", role="Admin", auth_id="ops@pbs")
    yield Client(pbs, running.server_address[1])
    running.shutdown()
    running.server_close()
    thread.join()


def test_a_ticket_with_its_csrf_token(api: Client) -> None:
    login = api.login(username="ops@pbs", password="correct horse")
    assert api.call("GET", "/api2/json/version", **login)[0] == 200
    status, text = api.call(
        "PUT", "/api2/json/access/users/ops@pbs", {"comment": "x"}, **{**login, "CSRFPreventionToken": ""}
    )
    assert (status, text) == (401, "authentication failed - missing CSRF prevention token")
    assert api.call("PUT", "/api2/json/access/users/ops@pbs", {"comment": "x"}, **login) == (200, '{"data":null}')


def test_a_token_on_a_connection_that_stays(api: Client) -> None:
    made = api.pbs.call("POST", "/access/users/ops@pbs/token/robot")
    api.pbs.call("PUT", "/access/acl", path="/", role="Admin", auth_id="ops@pbs!robot")
    header = {"Authorization": f"PBSAPIToken=ops@pbs!robot:{made['value']}"}
    assert api.call("GET", "/api2/json/version", **header)[0] == 200
    socket = api.connection.sock
    assert api.call("GET", "/api2/json/config/remote/nosuch", **header) == (400, "no such remote 'nosuch'")
    assert api.connection.sock is socket
    refused = api.call("GET", "/api2/json/version", Authorization="PBSAPIToken=ops@pbs!robot:wrong")
    assert refused == (401, "authentication failed - invalid credentials")
    assert api.call("GET", "/api2/json/version")[1] == "authentication failed - no authentication credentials provided."


def test_bodies_and_formats(api: Client) -> None:
    login = api.login(username="ops@pbs", password="correct horse")
    job = {"id": "nightly", "store": "store1", "schedule": "daily", "keep-last": 3}
    status, text = api.call("POST", "/api2/json/config/prune", json.dumps(job), "application/json", **login)
    assert (status, text) == (200, '{"data":null}')
    changed = {"keep-daily": "7", "delete": ["keep-last", "comment"]}
    assert api.call("PUT", "/api2/json/config/prune/nightly", changed, **login)[0] == 200
    answer = json.loads(api.call("GET", "/api2/json/config/prune/nightly", **login)[1])
    assert answer["data"] == {"id": "nightly", "store": "store1", "schedule": "daily", "keep-daily": 7}
    assert len(answer["digest"]) == 64
    status, text = api.call("PUT", "/api2/extjs/config/prune/nightly", {"nosuch": "1"}, **login)
    assert status == 200
    assert json.loads(text) == {
        "message": "parameter verification errors",
        "errors": {"nosuch": "schema does not allow additional properties"},
        "success": False,
    }
    assert api.call("GET", "/api2/json/nosuch", **login) == (404, "Path '/nosuch' not found.")
    assert api.call("POST", "/api2/json/config/prune", "x", "text/plain", **login)[0] == 400


def test_the_certificate_is_signed_by_itself(api: Client) -> None:
    api.call("GET", "/api2/json/ping")
    assert isinstance(api.connection.sock, ssl.SSLSocket)
    shown = hashlib.sha256(api.connection.sock.getpeercert(binary_form=True) or b"").hexdigest()
    assert certificate.fingerprint().replace(":", "") == shown
    (info,) = api.pbs.call("GET", "/nodes/localhost/certificates/info")
    assert info["fingerprint"] == certificate.fingerprint()
    assert "O=Proxmox Backup Server" in info["subject"]
    assert info["san"][:1] == ["127.0.0.1"]
    assert (api.pbs.etc / "proxy.key").stat().st_mode & 0o777 == 0o640
    assert (api.pbs.etc).stat().st_mode & 0o777 == 0o700


def test_what_the_request_log_keeps(api: Client) -> None:
    login = api.login(username="ops@pbs", password="correct horse")
    remote = {"name": "away", "host": "pbs2", "auth-id": "sync@pbs", "password": "canary"}
    api.call("POST", "/api2/json/config/remote", remote, **login)
    s3 = {"id": "cloud", "endpoint": "s3.example.org", "access-key": "a", "secret-key": "canary"}
    api.call("POST", "/api2/json/config/s3", s3, **login)
    log = (api.pbs.root / "var/log/pve-standin/requests.jsonl").read_text()
    assert "canary" not in log and "correct horse" not in log
    entries = [json.loads(line) for line in log.splitlines()]
    assert [(entry["method"], entry["path"], entry["user"]) for entry in entries] == [
        ("POST", "/access/ticket", None),
        ("POST", "/config/remote", "ops@pbs"),
        ("POST", "/config/s3", "ops@pbs"),
    ]


def test_faults(api: Client) -> None:
    faults = api.pbs.root / "run/pve-standin/faults.json"
    faults.parent.mkdir(parents=True)
    rules = [
        {"match": "GET /version", "times": 1, "action": "status", "status": 503, "message": "busy"},
        {"match": "garbage_collection", "times": 1, "action": "task-fail", "message": "disk gone"},
    ]
    faults.write_text(json.dumps(rules))
    assert api.call("GET", "/api2/json/version") == (503, "busy")
    api.pbs.datastore()
    assert api.pbs.task(api.pbs.call("POST", "/admin/datastore/store1/gc"))[0] == "disk gone"


def test_tasks_and_their_logs(api: Client) -> None:
    login = api.login(username="ops@pbs", password="correct horse")
    form = {"name": "store1", "path": "/srv/store1"}
    _status, text = api.call("POST", "/api2/json/config/datastore", form, **login)
    upid = json.loads(text)["data"]
    assert upid.startswith("UPID:pbs1:") and upid.endswith(":create-datastore:store1:ops@pbs:")
    assert api.pbs.task(upid)[0] == "OK"
    where = f"/api2/json/nodes/localhost/tasks/{quote(upid, safe='')}"
    found = json.loads(api.call("GET", f"{where}/status", **login)[1])["data"]
    assert (found["status"], found["exitstatus"], found["type"]) == ("stopped", "OK", "create-datastore")
    log = json.loads(api.call("GET", f"{where}/log?limit=2", **login)[1])
    assert log["total"] > 50
    assert [line["n"] for line in log["data"]] == [1, 2]
    assert log["data"][0]["t"].endswith(": Chunkstore create: 1%")
    (task,) = json.loads(api.call("GET", "/api2/json/nodes/localhost/tasks", **login)[1])["data"]
    assert (task["worker_type"], task["worker_id"], task["status"]) == ("create-datastore", "store1", "OK")
    assert upid in (api.pbs.root / "var/log/proxmox-backup/tasks/archive").read_text()


def test_a_sync_job_asks_its_remote(api: Client) -> None:
    """The server is its own remote here."""
    api.pbs.datastore()
    port = str(api.connection.port)
    remote = {"name": "away", "host": "localhost", "auth_id": "ops@pbs", "password": "correct horse", "port": port}
    api.pbs.call("POST", "/config/remote", fingerprint=certificate.fingerprint(), **remote)
    assert [entry["store"] for entry in api.pbs.call("GET", "/config/remote/away/scan")] == ["store1"]
    job = {"id": "pull1", "store": "store1", "remote": "away"}
    api.pbs.call("POST", "/config/sync", remote_store="store1", **job)
    assert api.pbs.task(api.pbs.call("POST", "/admin/sync/pull1/run"))[0] == "WARNINGS: 1"
    api.pbs.call("PUT", "/config/sync/pull1", remote_store="nosuch")
    result = api.pbs.task(api.pbs.call("POST", "/admin/sync/pull1/run"))[0]
    assert result == "remote 'away' has no datastore 'nosuch'"
    api.pbs.call("PUT", "/config/remote/away", fingerprint=":".join(["00"] * 32))
    status, message = api.pbs.refusal("GET", "/config/remote/away/scan")
    assert (status, "fingerprint does not match" in message) == (400, True)
