# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client for Proxmox Backup Server: in what it differs, and how root gets in."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _backup_server, _session
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import BACKUP_CONNECTION_SPEC, Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError, AuthError, InputError
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import Repeated
from ansible_collections.baremetal.proxmox.plugins.module_utils._product import BACKUP_SERVER, VIRTUAL_ENVIRONMENT
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import FakeTransport

TICKET = "PBS:root@pam:6740AAAA::a+b/c"


def client(*calls: Any) -> Client:
    return Client(FakeTransport(calls), product=BACKUP_SERVER)


class Module:
    def __init__(self, check_mode: bool = False, **params: Any) -> None:
        self.check_mode = check_mode
        self.params = {name: spec.get("default") for name, spec in BACKUP_CONNECTION_SPEC.items()} | params


def transport(check_mode: bool = False, **params: Any) -> Any:
    return Client.backup_server(Module(check_mode, **params))._transport  # type: ignore[arg-type]


def test_lists_are_not_joined() -> None:
    sent = {"delete": Repeated(["comment", "ns"]), "disable": "0"}
    client(("PUT", "/config/prune/a", sent, None)).put("/config/prune/a", delete=["comment", "ns"], disable=False)


def test_version_and_node() -> None:
    told = {"version": "4.1", "release": "1", "repoid": "x"}
    asked = client(("GET", "/version", {}, told))
    assert (asked.version, asked.node) == ((4, 1, 1), "localhost")


def test_a_lock_that_was_not_had_is_asked_for_again(monkeypatch: Any) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    text = 'Unable to acquire lock "/etc/proxmox-backup/.prune.lck" - Interrupted system call (os error 4)'
    busy = ApiError(400, "POST", "/config/prune", text)
    calls = [("POST", "/config/prune", {}, busy), ("POST", "/config/prune", {}, None)]
    client(*calls).post("/config/prune")


def test_tokens_and_tickets() -> None:
    token = transport(api_host="pbs", api_token_id="backup@pbs!pve", api_token_secret="s")
    assert token._base == "https://pbs:8007/api2/json"
    assert token._identity.headers("POST") == {"Authorization": "PBSAPIToken=backup@pbs!pve:s"}
    ticket = _session.Ticket(lambda: (TICKET, "csrf"), BACKUP_SERVER)
    assert ticket.headers("GET") == {"Cookie": "PBSAuthCookie=PBS%3Aroot%40pam%3A6740AAAA%3A%3Aa%2Bb%2Fc"}


def test_a_second_factor(monkeypatch: Any) -> None:
    monkeypatch.setattr(_session.HttpSession, "send", lambda *_arguments: {"ticket": "PBS:!tfa!x", "username": "a@pbs"})
    session = transport(api_host="pbs", api_user="a@pbs", api_password="p")
    with pytest.raises(AuthError, match="Use an API token"):
        session._identity.headers("GET")
    with pytest.raises(InputError, match="api_password: without api_host"):
        transport(api_password="p")


def test_in_check_mode_without_the_library(monkeypatch: Any) -> None:
    monkeypatch.setattr(_session.HttpSession, "missing_library", staticmethod(lambda: "gone"))
    reader = transport(check_mode=True)
    argv = reader._command.argv({"path": "/config/prune", "format": "json", "options": {"store": "a"}})
    assert argv == ["proxmox-backup-debug", "api", "get", "/config/prune", "--output-format", "json", "--store", "a"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("no such prune 'x'", "no such prune 'x'"),
        ("", "Bad Request"),
        ("<html>gateway</html>", "Bad Request"),
    ],
)
def test_a_refusal_is_its_body(body: str, reason: str) -> None:
    response = SimpleNamespace(text=body, content=body.encode(), reason="Bad Request")
    assert _session._refusal(response, plain=True) == (reason, {})


def test_the_digest_is_in_every_item() -> None:
    session = _session.HttpSession("pbs", 8007, None, product=BACKUP_SERVER)
    response = SimpleNamespace(content=b'{"data": [{"id": "a"}], "digest": "d"}', status_code=200)
    assert session.loads(response) == [{"id": "a", "digest": "d"}]
    response.content = b'{"data": {"id": "a"}, "digest": "d"}'
    assert session.loads(response) == {"id": "a", "digest": "d"}
    response.content = b'{"data": null}'
    assert session.loads(response) is None
    response.content = b'{"data": [{"id": "a"}], "digest": "d"}'
    other = _session.HttpSession("pve", 8006, None, product=VIRTUAL_ENVIRONMENT)
    assert other.loads(response) == [{"id": "a"}]


# ---- on the server itself


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("algorithm", [("ed25519",), ("rsa", "-pkeyopt", "rsa_keygen_bits:2048")])
def test_a_ticket_is_signed_with_the_servers_key(monkeypatch: Any, tmp_path: Path, algorithm: tuple[str, ...]) -> None:
    key, public = tmp_path / "authkey.key", tmp_path / "authkey.pub"
    subprocess.run(["openssl", "genpkey", "-algorithm", *algorithm, "-out", key], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
    monkeypatch.setattr(_backup_server, "CONFIG", str(tmp_path))
    ticket = _backup_server.signed_ticket()
    match = re.fullmatch(r"(PBS:root@pam:[0-9A-F]{8})::([A-Za-z0-9+/]+)", ticket)
    assert match
    (tmp_path / "text").write_text(match[1])
    (tmp_path / "signature").write_bytes(base64.b64decode(match[2] + "=" * (-len(match[2]) % 4)))
    command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "authkey.pub", "-in", "text"]
    subprocess.run([*command, "-sigfile", "signature"], cwd=tmp_path, check=True, capture_output=True)


def test_no_key(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(_backup_server, "CONFIG", str(tmp_path))
    monkeypatch.setattr(_backup_server.os, "geteuid", lambda: 0)
    with pytest.raises(AuthError, match="systemctl status proxmox-backup"):
        _backup_server.signed_ticket()
    with pytest.raises(_session.TrustError, match=r"proxy\.pem cannot be read"):
        _backup_server.local_fingerprint()
    monkeypatch.setattr(_backup_server.os, "geteuid", lambda: 1000)
    with pytest.raises(AuthError, match="set become: true"):
        _backup_server.signed_ticket()
