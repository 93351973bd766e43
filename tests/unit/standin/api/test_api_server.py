"""The server itself: connections, authentication, faults, tasks, over real TLS."""

from __future__ import annotations

import gzip
import http.client
import json
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import selfsigned
from pvestandin import auth, registry, server, tasks
from task_work import bad_work, ok_work


@pytest.fixture()
def api(node: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("PVE_STANDIN_UNAUTHORIZED_DELAY", "0")
    (node.pve / "nodes/pve1").mkdir(parents=True)
    (node.pve / "local").symlink_to("nodes/pve1")
    selfsigned.make(node.pve / "local/pve-ssl.pem", node.pve / "local/pve-ssl.key", subject="/CN=pve1")
    node.write("pve-www.key", "key\n")
    node.write("user.cfg", "user:root@pam:1:0::::::\ntoken:root@pam!robot:0:0::\n")
    node.write("priv/token.cfg", "root@pam!robot s-robot\n")
    auth.create_key()
    running = server.create(0, "127.0.0.1")
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield Client(node, running)
    running.shutdown()
    running.server_close()
    thread.join()


class Client:
    def __init__(self, node: Any, running: server.Server) -> None:
        self.node = node
        self.server = running
        context = ssl.create_default_context(cafile=str(node.pve / "local/pve-ssl.pem"))
        self.connection = http.client.HTTPSConnection(
            "127.0.0.1", running.server_address[1], timeout=10, context=context
        )
        self.ticket = {
            "Cookie": f"PVEAuthCookie={quote(auth.create_ticket('root@pam'), safe='')}",
            "CSRFPreventionToken": auth.create_csrf_token("root@pam"),
        }

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str, Any, str]:
        """(status, reason, JSON, Connection header)"""
        headers = {name: value for name, value in {**self.ticket, **headers}.items() if value}
        kind = "application/x-www-form-urlencoded" if isinstance(body, str) else "application/json"
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        self.connection.request(method, f"/api2/json{path}", text, {**headers, "Content-Type": kind})
        response = self.connection.getresponse()
        raw = response.read()
        return response.status, response.reason, json.loads(raw) if raw else None, response.headers["Connection"]


def test_a_connection_is_kept_and_ends_with_an_error(api: Client) -> None:
    assert api.call("GET", "/version")[3] == "Keep-Alive"
    socket = api.connection.sock
    assert api.call("GET", "/storage")[0] == 200
    assert api.connection.sock is socket
    status, reason, body, connection = api.call("GET", "/storage/nosuch")
    assert (status, reason, connection) == (500, "storage 'nosuch' does not exist", "close")
    assert body == {"data": None, "message": "storage 'nosuch' does not exist\n"}
    assert api.connection.sock is None


def test_a_connection_serves_a_hundred_requests(api: Client) -> None:
    assert [api.call("GET", "/version")[3] for _unused in range(101)].index("close") == 99


def test_long_answers_are_packed_for_those_who_can_unpack(api: Client) -> None:
    plain = api.call("GET", "/access/roles")[2]
    api.connection.request("GET", "/api2/json/access/roles", headers={**api.ticket, "Accept-Encoding": "gzip, deflate"})
    response = api.connection.getresponse()
    assert response.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(response.read())) == plain


def test_too_long_a_body(api: Client) -> None:
    # only announced: a body that is sent while the server closes is a race
    assert api.call("POST", "/pools", "comment=x", **{"Content-Length": "600000"})[:2] == (501, "for data too large")


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"Cookie": ""}, "No ticket"),
        ({"Cookie": "PVEAuthCookie=nonsense"}, "Authentication failed!"),
        ({"CSRFPreventionToken": ""}, "Permission denied - invalid csrf token"),
        ({"Cookie": "", "Authorization": "PVEAPIToken=root@pam!robot=wrong"}, "Authentication failed!"),
    ],
)
def test_without_authentication(api: Client, headers: dict[str, str], sentence: str) -> None:
    assert api.call("POST", "/pools", "poolid=x", **headers) == (401, sentence, None, "close")


def test_a_token_needs_no_csrf_token_and_is_not_root_itself(api: Client) -> None:
    token = {"Cookie": "", "CSRFPreventionToken": "", "Authorization": "PVEAPIToken=root@pam!robot=s-robot"}
    assert api.call("POST", "/pools", "poolid=x", **token)[0] == 200
    status, reason, body, _unused = api.call("POST", "/cluster/config", "clustername=x", **token)
    assert (status, reason) == (403, "Permission check failed (user != root@pam)")
    assert body["message"] == "Permission check failed (user != root@pam)\n"
    assert api.call("PUT", "/access/password", "userid=root@pam&password=12345678", **token)[0] == 403


def test_forms_and_json(api: Client) -> None:
    assert api.call("POST", "/access/groups", "groupid=ops&comment=a%20b")[0] == 200
    assert api.call("PUT", "/access/groups/ops", {"comment": "c"})[0] == 200
    assert api.call("POST", "/access/users", {"userid": "x@pve", "enable": False, "groups": ["ops"]})[0] == 200
    assert api.call("GET", "/access/users/x@pve")[2]["data"]["enable"] == 0
    status, _unused, body, _unused = api.call("POST", "/access/users", "userid=y@pve&enable=yes")
    assert (status, body["errors"]) == (400, {"enable": "type check ('boolean') failed - got 'yes'"})
    status, _unused, body, _unused = api.call("PUT", "/access/groups/ops", "groupid=other")
    assert (status, list(body["errors"])) == (400, ["groupid"])


def test_a_ticket_is_taken_as_password(api: Client) -> None:
    ticket = auth.create_ticket("root@pam")
    nobody = {"Cookie": "", "CSRFPreventionToken": ""}
    status, _unused, body, _unused = api.call(
        "POST", "/access/ticket", {"username": "root@pam", "password": ticket}, **nobody
    )
    assert (status, body["data"]["username"]) == (200, "root@pam")
    assert auth.verify_ticket(body["data"]["ticket"]) == "root@pam"
    status, reason, body, _unused = api.call(
        "POST", "/access/ticket", {"username": "root@pam", "password": "x"}, **nobody
    )
    assert (status, reason, body) == (
        401,
        "authentication failure",
        {"data": None, "message": "authentication failure\n"},
    )


def test_injected_faults(api: Client) -> None:
    path = api.node.root / "run/pve-standin/faults.json"
    path.parent.mkdir(parents=True)
    path.write_text(
        json.dumps(
            [
                {"match": "GET /version", "times": 1, "action": "status", "status": 596, "message": "x"},
                {"match": "POST /pools", "times": 1, "action": "drop"},
                {"match": "POST /pools", "times": 1, "action": "drop-after"},
            ]
        )
    )
    assert api.call("GET", "/version")[:2] == (596, "x")
    assert api.call("GET", "/version")[0] == 200
    for expected in ([], [{"poolid": "p"}]):
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            api.call("POST", "/pools", "poolid=p")
        api.connection.close()
        assert api.call("GET", "/pools")[2]["data"] == expected


def test_no_answer_while_the_cluster_file_system_is_away(api: Client) -> None:
    assert api.call("GET", "/version")[0] == 200
    (api.node.pve / "local").unlink()
    for _unused in range(2):
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError, ssl.SSLError)):
            api.call("GET", "/version")
        api.connection.close()


def test_requests_are_logged(api: Client) -> None:
    api.call("POST", "/pools", "poolid=p")
    api.call("GET", "/nosuch")
    lines = (api.node.root / "var/log/pve-standin/requests.jsonl").read_text().splitlines()
    assert [(entry["method"], entry["path"], entry["status"], entry["user"]) for entry in map(json.loads, lines)] == [
        ("POST", "/pools", 200, "root@pam"),
        ("GET", "/nosuch", 501, "root@pam"),
    ]


class TestTasks:
    def finished(self, upid: str) -> tasks.Task:
        task = tasks.decode(upid)
        deadline = time.monotonic() + 20
        while task.running:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return task

    @pytest.fixture(autouse=True)
    def importable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The worker process imports what it has to do."""
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))

    @pytest.mark.parametrize(
        ("work", "arguments", "result", "log"),
        [
            (ok_work, {"word": "it"}, "OK", "doing it\nTASK OK\n"),
            (bad_work, {}, "it did not work at all", "TASK ERROR: it did not work at all\n"),
        ],
    )
    def test_result_and_log(self, api: Client, work: Any, arguments: dict[str, str], result: str, log: str) -> None:
        upid = tasks.start(registry.Context("root@pam!robot", "pve1"), "demo", "x", work, **arguments)
        task = self.finished(upid)
        assert (task.result(), task.log.read_text()) == (result, log)
        data = api.call("GET", f"/nodes/pve1/tasks/{upid}/status")[2]["data"]
        assert (data["status"], data["exitstatus"], data["user"], data["tokenid"]) == (
            "stopped",
            result,
            "root@pam",
            "robot",
        )
        listed = api.call("GET", "/nodes/pve1/tasks")[2]
        assert [(entry["upid"], entry["status"]) for entry in listed["data"]] == [(upid, result)]
        assert api.call("GET", f"/nodes/pve1/tasks/{upid}/log")[2]["data"][-1]["t"] == log.splitlines()[-1]

    def test_its_process_belongs_to_pvedaemon(self, api: Client) -> None:
        group = api.node.root / "sys/fs/cgroup/system.slice/pvedaemon.service/cgroup.procs"
        group.parent.mkdir(parents=True)
        group.write_text("")
        upid = tasks.start(registry.Context("root@pam", "pve1"), "demo", "", ok_work, word="x")
        assert group.read_text() == str(self.finished(upid).pid)

    def test_in_the_foreground(self, api: Client, capsys: pytest.CaptureFixture[str]) -> None:
        upid = tasks.start(registry.Context("root@pam", "pve1", cli=True), "demo", "", bad_work)
        assert capsys.readouterr().err == "it did not work at all\n"
        assert tasks.decode(upid).result() == "it did not work at all"
        tasks.start(registry.Context("root@pam", "pve1", cli=True), "demo", "", ok_work, word="so")
        assert capsys.readouterr().out == "doing so\n"

    def test_a_fault_of_the_rack(self, api: Client) -> None:
        path = api.node.root / "run/pve-standin/faults.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps([{"match": "demo", "action": "task-fail", "message": "as told", "times": 1}]))
        upid = tasks.start(registry.Context("root@pam", "pve1"), "demo", "", ok_work, word="x")
        assert self.finished(upid).result() == "as told"

    @pytest.mark.parametrize(
        ("upid", "error"),
        [
            ("nonsense", "unable to parse worker upid"),
            ("UPID:pve1:00000001:00000001:00000001:demo::root@pam:", "no such task"),
        ],
    )
    def test_unknown_tasks(self, api: Client, upid: str, error: str) -> None:
        status, _unused, body, _unused = api.call("GET", f"/nodes/pve1/tasks/{upid}/status")
        assert (status, body["errors"]) == (400, {"upid": error})
