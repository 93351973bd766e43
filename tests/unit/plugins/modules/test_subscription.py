# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError, ConnectionLost
from ansible_collections.baremetal.proxmox.plugins.modules import subscription
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import run_module

KEY = "pve2c-0123456789"
PATH = "/nodes/pve1/subscription"
WHO = ("GET", "/cluster/status", {}, [{"type": "node", "name": "pve1", "local": 1}])
NONE = {"status": "notfound", "message": "There is no subscription key", "serverid": "AB"}
ACTIVE = {"status": "active", "key": KEY, "level": "c", "serverid": "AB", "nextduedate": "2099-01-01"}
PUT = ("PUT", PATH, {"key": KEY})


def read(answer: dict[str, Any]) -> tuple[str, str, dict[str, Any], Any]:
    return ("GET", PATH, {}, answer)


def run(monkeypatch: Any, *calls: Any, key: str = KEY, **options: Any) -> dict[str, Any]:
    check = options.pop("check", False)
    arguments = {"key": key, "_ansible_check_mode": check}
    return run_module(monkeypatch, subscription.run, arguments, calls, **options)


@pytest.mark.parametrize("before", [NONE, {**ACTIVE, "key": "pve2c-aaaaaaaaaa"}])
def test_another_key_is_set(monkeypatch: Any, before: dict[str, Any]) -> None:
    assert run(monkeypatch, WHO, read(before), check=True)["changed"] is True
    result = run(monkeypatch, WHO, read(before), (*PUT, None), read(ACTIVE))
    assert result["changed"] is True
    assert result["subscription"] == {"status": "active", "level": "c", "nextduedate": "2099-01-01"}
    assert KEY not in str(result) and "pve2c" not in str(result)
    assert result["warnings"] == []


def test_the_same_key_is_left_alone(monkeypatch: Any) -> None:
    assert run(monkeypatch, WHO, read(ACTIVE), key=f" {KEY}\n")["changed"] is False


def test_what_is_wrong_with_it_is_told(monkeypatch: Any) -> None:
    ended = {**ACTIVE, "status": "expired", "message": "it has ended"}
    result = run(monkeypatch, WHO, read(ended))
    assert result["warnings"] == ["subscription: expected it to be active, found expired: it has ended"]


def test_a_shop_that_does_not_answer(monkeypatch: Any) -> None:
    error = ApiError(500, "PUT", PATH, "connection refused")
    result = run(monkeypatch, WHO, read(NONE), (*PUT, error))
    assert result["failed"] is True
    assert "see its way to the internet" in result["msg"]


def test_a_lost_answer(monkeypatch: Any) -> None:
    lost = ConnectionLost("PUT", PATH, "reset", maybe_done=True)
    assert run(monkeypatch, WHO, read(NONE), (*PUT, lost), read(ACTIVE), read(ACTIVE))["changed"] is True
    assert run(monkeypatch, WHO, read(NONE), (*PUT, lost), read(NONE))["failed"] is True


def test_something_that_is_no_key(monkeypatch: Any) -> None:
    result = run(monkeypatch, key="hunter2")
    assert result["failed"] is True
    assert "hunter2" not in result["msg"]


def test_before_proxmox_is_installed(monkeypatch: Any) -> None:
    assert run(monkeypatch, installed=False, check=True)["changed"] is True
    assert "not installed" in run(monkeypatch, installed=False)["msg"]
