# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the secret that a cluster keeps still opens its backup server; the secret itself is in no answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _pbs_login
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import AuthError, ConnectionLost
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

ASKED = {"storage": "pbs", "server": "2001:db8::5", "port": 8007, "username": "rack@pbs!pbs", "fingerprint": "AA:BB"}
DEFINED = [{"storage": "local"}, {"storage": "pbs", "encryption-key": "e5:99"}]


class FakeClient:
    def __init__(self, rows: list[dict[str, Any]], installed: bool = True) -> None:
        self.rows = rows
        self.installed = installed

    def get(self, path: str) -> list[dict[str, Any]]:
        assert self.installed
        assert path == "/storage"
        return self.rows


@pytest.fixture
def asked(monkeypatch: Any) -> dict[str, Any]:
    """What the session is made with; C(answer) is raised by the call."""
    seen: dict[str, Any] = {}

    class Session:
        def __init__(self, host: str, port: int, identity: Any, *, fingerprint: Any, product: Any) -> None:
            seen.update(
                host=host,
                port=port,
                headers=identity.headers("GET"),
                pin=fingerprint and fingerprint(),
                title=product.title,
            )

        def send(self, method: str, path: str, params: Any, timeout: float) -> Any:
            assert (method, path) == ("GET", "/version")
            for error in filter(None, [seen.get("answer")]):
                raise error

        def close(self) -> None:
            seen["closed"] = True

    monkeypatch.setattr(_pbs_login, "HttpSession", Session)
    return seen


def read(tmp_path: Path, rows: list[dict[str, Any]], secret: str | None = "canary", **more: Any) -> dict[str, Any]:
    kept = tmp_path / "etc/pve/priv/storage"
    kept.mkdir(parents=True, exist_ok=True)
    if secret is not None:
        (kept / "pbs.pw").write_text(f"{secret}\n")
    found = _pbs_login.read(FakeClient(rows, **more), [ASKED], Machine(tmp_path))
    assert "canary" not in json.dumps(found)
    return found["pbs"]


def test_it_works(tmp_path: Path, asked: dict[str, Any]):
    found = read(tmp_path, DEFINED)
    assert found == {"defined": True, "secret": "works", "reason": None, "encryption_key": "e5:99"}
    assert asked["headers"] == {"Authorization": "PBSAPIToken=rack@pbs!pbs:canary"}
    assert (asked["host"], asked["port"], asked["pin"], asked["closed"]) == ("[2001:db8::5]", 8007, "aabb", True)


def test_it_is_refused(tmp_path: Path, asked: dict[str, Any]):
    asked["answer"] = AuthError("GET /version: authentication failed (HTTP 401)")
    found = read(tmp_path, DEFINED)
    assert (found["secret"], found["reason"]) == ("refused", "GET /version: authentication failed (HTTP 401)")


def test_nobody_answers(tmp_path: Path, asked: dict[str, Any]):
    asked["answer"] = ConnectionLost("GET", "/version", "no route to host")
    found = read(tmp_path, DEFINED)
    assert (found["secret"], found["reason"]) == (
        "unreachable",
        "GET /version: no answer from the API (no route to host)",
    )


@pytest.mark.parametrize("rows, secret", [(DEFINED, None), (DEFINED, ""), ([], "canary of one that is gone")])
def test_none_is_kept_and_nobody_is_asked(
    tmp_path: Path, asked: dict[str, Any], rows: list[dict[str, Any]], secret: str | None
):
    assert read(tmp_path, rows, secret)["secret"] == "none"
    assert "host" not in asked


def test_before_there_is_a_cluster(tmp_path: Path, asked: dict[str, Any]):
    assert read(tmp_path, [], installed=False)["defined"] is False
