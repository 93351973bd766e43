# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is trusted, and which secret goes where."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _node_api
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import AuthError, InputError

from .cluster_world import FINGERPRINT

PIN = "ab" * 32


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []

    class Session:
        answer: dict[str, Any] = {"ticket": "new", "CSRFPreventionToken": "csrf"}

        def __init__(self, host: str, port: int, identity: Any, **trust: Any) -> None:
            self.identity = identity
            made.append({"host": host, "port": port, "pin": trust["fingerprint"](), "authority": trust["authority"]})

        def send(self, method: str, path: str, params: Any, _timeout: float) -> Any:
            if path == "/access/ticket":
                made.append({"sent": (method, path, params)})
                return self.answer
            made.append({"called": (method, path), "headers": self.identity.headers(method)})
            return {}

    monkeypatch.setattr(_node_api._session, "HttpSession", Session)
    monkeypatch.setattr(_node_api._session, "local_ticket", lambda: ("own", "own-csrf"))
    return made


def test_a_member_gets_a_ticket_of_the_cluster(sessions: list) -> None:
    _node_api.NodeApi().member("10.99.0.11", FINGERPRINT).get("/version")
    assert sessions == [
        {"host": "10.99.0.11", "port": 8006, "pin": PIN, "authority": "/etc/pve/pve-root-ca.pem"},
        {"called": ("GET", "/version"), "headers": {"Cookie": "PVEAuthCookie=own"}},
    ]


def test_a_peer_gets_its_password_and_is_known_by_its_fingerprint_only(sessions: list) -> None:
    _node_api.NodeApi().member("fd00::1", FINGERPRINT, "secret").get("/version")
    trust = {"host": "[fd00::1]", "port": 8006, "pin": PIN, "authority": None}
    assert sessions == [
        trust,
        trust,
        {"sent": ("POST", "/access/ticket", {"username": "root@pam", "password": "secret"})},
        {"called": ("GET", "/version"), "headers": {"Cookie": "PVEAuthCookie=new"}},
    ]


def test_nothing_is_sent_to_a_member_whose_certificate_is_not_known(sessions: list) -> None:
    with pytest.raises(AuthError, match="its certificate is not known yet"):
        _node_api.NodeApi().member("10.99.0.11", None)
    assert sessions == []


def test_a_second_factor_is_refused_with_a_way_out(sessions: list, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_node_api._session.HttpSession, "answer", {"ticket": "PVE:!tfa!x", "NeedTFA": 1})
    with pytest.raises(InputError, match=r"second factor.*cluster_join_info"):
        _node_api.NodeApi().member("10.99.0.11", FINGERPRINT, "secret").get("/version")
