"""proxmox-backup-manager and proxmox-backup-debug."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from pbsstandin import certificate
from pbsstandin.cli import proxmox_backup_debug, proxmox_backup_manager


@pytest.fixture
def run(pbs: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setattr(certificate, "_BITS", 2048)

    def run(*arguments: str, command: Any = proxmox_backup_manager) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        code = command.main()
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_a_datastore_with_its_task(run: Any) -> None:
    code, out, _unused = run("datastore", "create", "store1", "/srv/store1", "--gc-schedule", "daily")
    assert code == 0
    assert out.splitlines()[-2:] == ["Chunkstore create: 99%", "TASK OK"]
    code, out, _unused = run("datastore", "list", "--output-format", "json")
    assert json.loads(out) == [{"gc-schedule": "daily", "name": "store1", "path": "/srv/store1"}]
    code, _unused, err = run("datastore", "create", "store1", "/srv/other")
    assert code == 255
    assert err == "Error: parameter verification failed - 'name': datastore 'store1' already exists.\n"
    assert run("datastore", "create", "store1")[2] == "Error: missing argument: <path>\n"


def test_a_task_that_fails(run: Any, pbs: Any) -> None:
    (pbs.root / "srv/full").mkdir(parents=True)
    (pbs.root / "srv/full/file").touch()
    code, _unused, err = run("datastore", "create", "full", "/srv/full")
    assert (code, err) == (255, "Error: datastore path not empty\n")


def test_a_token_and_its_rights(run: Any, pbs: Any) -> None:
    run("user", "create", "backup@pbs", "--comment", "for the cluster")
    code, out, _unused = run("user", "generate-token", "backup@pbs", "pve")
    assert code == 0
    assert json.loads(out.removeprefix("Result: "))["tokenid"] == "backup@pbs!pve"
    assert run("acl", "update", "/datastore", "DatastoreBackup", "--auth-id", "backup@pbs!pve")[0] == 0
    assert pbs.read("acl.cfg") == "acl:1:/datastore:backup@pbs!pve:DatastoreBackup\n"


def test_the_certificate(run: Any) -> None:
    out = run("cert", "info")[1]
    assert f"Fingerprint (sha256): {certificate.fingerprint()}\n" in out
    assert "    DNS:pbs1\n" in out and "    IP:127.0.0.1\n" in out


def test_any_call(run: Any) -> None:
    debug = proxmox_backup_debug
    name = "/config/prune/nightly"
    options = ("--id", "nightly", "--store", "store1", "--schedule", "daily", "--keep-last", "3", "--disable")
    assert run("api", "create", "/config/prune", *options, command=debug)[0] == 0
    assert run("api", "set", name, "--delete", "disable", "--delete", "comment", command=debug)[0] == 0
    out = run("api", "get", name, "--output-format", "json", command=debug)[1]
    assert json.loads(out) == {"id": "nightly", "keep-last": 3, "schedule": "daily", "store": "store1"}
    assert run("api", "delete", name, command=debug)[0] == 0
    assert run("api", "get", name, command=debug)[2] == "Error: no such prune 'nightly'\n"
