# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens while the module writes: lost answers, other people's edits, refusals."""

from __future__ import annotations

from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError, ConnectionLost
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.test_storage import (
    LOCAL,
    NAS,
    NODES,
    listing,
    run,
)

NEW = {"storage": "nas", "type": "nfs", "server": "10.0.0.9", "export": "/srv/pve"}
POST = ("POST", "/storage", {**NEW})
NFS = {**NEW, "content": "images", "shared": 1, "path": "/mnt/pve/nas", "digest": "d2"}


def lost(method: str) -> ConnectionLost:
    return ConnectionLost(method, "/storage", "reset", maybe_done=True)


def refusal(reason: str, status: int = 500) -> ApiError:
    return ApiError(status, "POST", "/storage", reason)


def test_lost_create_that_happened_is_not_repeated(monkeypatch: Any) -> None:
    calls = [listing(LOCAL), (*POST, lost("POST")), listing(LOCAL, NFS), listing(LOCAL, NFS)]
    assert run(monkeypatch, calls, config=[NEW])["changed"]


def test_lost_create_that_did_not_happen_is_repeated(monkeypatch: Any) -> None:
    calls = [listing(LOCAL), (*POST, lost("POST")), listing(LOCAL), (*POST, None), listing(LOCAL, NFS)]
    assert run(monkeypatch, calls, config=[NEW])["changed"]


def test_lost_delete_that_happened(monkeypatch: Any) -> None:
    calls = [listing(LOCAL, NAS), ("DELETE", "/storage/nas", {}, lost("DELETE")), listing(LOCAL), listing(LOCAL)]
    assert run(monkeypatch, calls, config=[{"storage": "nas"}], state="deleted")["changed"]


def test_somebody_else_created_it(monkeypatch: Any) -> None:
    theirs = {**NFS, "content": "iso"}
    calls = [
        listing(LOCAL),
        ("POST", "/storage", {**NEW, "content": "backup"}, refusal("storage ID 'nas' already defined")),
        listing(LOCAL, theirs),
        ("PUT", "/storage/nas", {"content": "backup", "digest": "d2"}, None),
        listing(LOCAL, {**NFS, "content": "backup"}),
    ]
    assert run(monkeypatch, calls, config=[{**NEW, "content": ["backup"]}])["changed"]


def test_stale_digest_is_planned_again(monkeypatch: Any) -> None:
    put = {"content": "backup", "disable": "1"}
    calls = [
        listing(LOCAL, NAS),
        ("PUT", "/storage/nas", {**put, "digest": "d1"}, refusal("detected modified configuration")),
        listing(LOCAL, {**NAS, "disable": 1}, digest="d2"),
        ("PUT", "/storage/nas", {"content": "backup", "digest": "d2"}, None),
        listing(LOCAL, {**NAS, "disable": 1, "content": "backup"}),
    ]
    assert run(monkeypatch, calls, config=[{"storage": "nas", "content": ["backup"], "disable": True}])["changed"]


def test_stale_digest_with_a_fixed_change_meanwhile(monkeypatch: Any) -> None:
    calls = [
        listing(LOCAL, NAS),
        ("PUT", "/storage/nas", {"disable": "1", "digest": "d1"}, refusal("detected modified configuration")),
        listing(LOCAL, {**NAS, "server": "10.0.0.77"}, digest="d2"),
    ]
    result = run(monkeypatch, calls, config=[{"storage": "nas", "server": "10.0.0.9", "disable": True}])
    assert "server is '10.0.0.77'" in result["msg"]


def test_the_second_update_reads_the_new_digest(monkeypatch: Any) -> None:
    calls = [
        listing(LOCAL, NAS),
        ("PUT", "/storage/local", {"content": "iso", "digest": "d1"}, None),
        listing(LOCAL, NAS, digest="d2"),
        ("PUT", "/storage/nas", {"disable": "1", "digest": "d2"}, None),
        listing({**LOCAL, "content": "iso"}, {**NAS, "disable": 1}),
    ]
    result = run(
        monkeypatch, calls, config=[{"storage": "local", "content": ["iso"]}, {"storage": "nas", "disable": True}]
    )
    assert [change["item"] for change in result["changes"]] == ["local", "nas"]
    assert result["warnings"] == []


def test_a_server_that_does_not_answer(monkeypatch: Any) -> None:
    calls = [
        listing(LOCAL),
        ("POST", "/storage", {"storage": "d1", "type": "dir", "path": "/d1"}, None),
        (*POST, refusal("create storage failed: storage 'nas' is not online")),
        listing(LOCAL),
    ]
    result = run(monkeypatch, calls, config=[{"storage": "d1", "type": "dir", "path": "/d1"}, NEW])
    assert result["failed"]
    assert "storage 'nas': POST /storage: create storage failed: storage 'nas' is not online" in result["msg"]
    assert result["msg"].endswith(
        "This node cannot reach 10.0.0.9. Bring it up, or define it with disable: true for now."
    )
    assert result["changed"]
    assert result["changes"] == [{"action": "create", "item": "d1", "set": ["path"]}]


def test_a_recreate_that_fails_half_way(monkeypatch: Any) -> None:
    calls = [
        listing(LOCAL, NAS),
        ("DELETE", "/storage/nas", {}, None),
        (
            "POST",
            "/storage",
            {
                **NEW,
                "server": "h",
                "content": "backup,iso",
                "nodes": "pve1,pve2",
                "options": "vers=4.2",
                "prune-backups": "keep-daily=7,keep-weekly=4",
            },
            refusal("create storage failed: storage 'nas' is not online"),
        ),
        listing(LOCAL),
    ]
    calls.insert(1, NODES)
    result = run(monkeypatch, calls, config=[{"storage": "nas", "server": "h", "recreate": True}])
    assert result["changed"]
    assert "The old definition is removed already" in result["msg"]


def test_a_refused_value(monkeypatch: Any) -> None:
    error = ApiError(400, "PUT", "/storage/nas", "Parameter verification failed.", {"options": "bad"})
    calls = [listing(LOCAL, NAS), ("PUT", "/storage/nas", {"options": "x", "digest": "d1"}, error), listing(LOCAL, NAS)]
    result = run(monkeypatch, calls, config=[{"storage": "nas", "options": "x"}])
    assert result["msg"].endswith("Parameter verification failed. (HTTP 400): options: bad")
    assert result["errors"] == {"options": "bad"}


def test_what_proxmox_makes_of_a_value_is_said(monkeypatch: Any) -> None:
    calls = [
        listing(LOCAL, NAS),
        ("PUT", "/storage/nas", {"options": "vers=3", "digest": "d1"}, None),
        listing(LOCAL, {**NAS, "options": "vers=3,x"}),
    ]
    result = run(monkeypatch, calls, config=[{"storage": "nas", "options": "vers=3"}])
    assert result["warnings"] == [
        "storage 'nas' (config[0]): after the change Proxmox still shows something else: options"
    ]


def test_secrets_are_in_no_result(monkeypatch: Any) -> None:
    smb = {"storage": "smb", "type": "cifs", "server": "h", "share": "s", "username": "u", "password": "topsecret"}
    result = run(monkeypatch, [listing(LOCAL)], config=[smb], check=True)
    assert result["diff"]["after"]["smb"]["password"] == "(secret)"
    assert "topsecret" not in str(result)
    assert "password" not in str(result["after"])
