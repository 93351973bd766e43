# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.modules import ceph_health, ceph_mgr_module
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import run_module
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_ceph import FakeCeph, Then
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.test_ceph_wait import health, status

ACTIVE = {"mgr dump": {"active_name": "a", "available": True, "standbys": []}}


@pytest.fixture(autouse=True)
def root(monkeypatch: Any) -> None:
    for module in (ceph_health, ceph_mgr_module):
        monkeypatch.setattr(module._node.os, "geteuid", lambda: 0)


def run(
    monkeypatch: Any,
    module: Any,
    ceph: FakeCeph | None,
    arguments: dict[str, Any] | None = None,
    *,
    check: bool = False,
) -> dict[str, Any]:
    given = {**(arguments or {}), "_ansible_check_mode": check}
    return run_module(monkeypatch, lambda _connect: module.run(lambda _module: ceph), given)


# ceph_health


def test_a_healthy_ceph(monkeypatch: Any) -> None:
    ceph = FakeCeph({"health detail=detail": health()})
    result = run(monkeypatch, ceph_health, ceph)
    assert (result["changed"], result["health"]) == (False, {"status": "HEALTH_OK", "checks": []})
    assert ceph.closed


def test_what_is_accepted_is_told_all_the_same(monkeypatch: Any) -> None:
    ceph = FakeCeph({"health detail=detail": health("OSDMAP_FLAGS"), "status": status()})
    result = run(monkeypatch, ceph_health, ceph, {"accept": ["OSDMAP_FLAGS"], "require": ["pgs_clean"]})
    assert [one["check"] for one in result["health"]["checks"]] == ["OSDMAP_FLAGS"]
    assert ceph.calls == ["status", "health detail=detail", "health detail=detail"]


def test_an_unhealthy_ceph(monkeypatch: Any) -> None:
    ceph = FakeCeph({"health detail=detail": health("A", "B")})
    result = run(monkeypatch, ceph_health, ceph, {"timeout": 0, "accept": ["B"]})
    assert result["msg"] == "waited 0 s for HEALTH_OK, or only B; last seen: A: about A"
    assert run(monkeypatch, ceph_health, ceph, check=True)["warnings"] == [
        "Ceph: expected HEALTH_OK, found A: about A; B: about B; a run would wait for it."
    ]


def test_no_ceph_to_look_at(monkeypatch: Any) -> None:
    assert run(monkeypatch, ceph_health, None)["failed"] is True
    result = run(monkeypatch, ceph_health, None, check=True)
    assert (result["health"], len(result["warnings"])) == (None, 1)


# ceph_mgr_module


def modules(*on: str, off: str = "prometheus dashboard", broken: str = "") -> dict[str, Any]:
    rows = [{"name": name, "can_run": name not in broken, "error_string": f"no {name}"} for name in off.split()]
    return {"always_on_modules": ["balancer"], "enabled_modules": list(on), "disabled_modules": rows}


def modular(*on: str, **options: str) -> FakeCeph:
    return FakeCeph({"mgr module ls": modules(*on, **options), **ACTIVE})


def test_modules_are_turned_on_and_off(monkeypatch: Any) -> None:
    config = [{"name": "prometheus"}, {"name": "restful", "enabled": False}, {"name": "balancer"}]
    ceph = modular("iostat", "restful")
    checked = run(monkeypatch, ceph_mgr_module, ceph, {"config": config}, check=True)
    assert (checked["changed"], checked["modules"], ceph.calls) == (True, ["iostat", "prometheus"], ["mgr module ls"])
    assert checked["diff"]["before"] == {"modules": ["iostat", "restful"]}
    ceph = modular("iostat", "restful")
    ceph.answers |= {
        "mgr module ls": Then(modules("iostat", "restful"), modules("iostat", "prometheus")),
        "mgr module disable module=restful": None,
        "mgr module enable module=prometheus": None,
    }
    result = run(monkeypatch, ceph_mgr_module, ceph, {"config": config})
    assert (result["changed"], result["modules"]) == (True, ["iostat", "prometheus"])
    assert ceph.calls == [
        "mgr dump",
        "mgr module ls",
        "mgr module disable module=restful",
        "mgr module enable module=prometheus",
        "mgr dump",
        "mgr module ls",
    ]


def test_modules_as_wanted(monkeypatch: Any) -> None:
    ceph = modular("iostat", "prometheus")
    result = run(monkeypatch, ceph_mgr_module, ceph, {"config": [{"name": "prometheus"}]})
    assert (result["changed"], ceph.calls) == (False, ["mgr dump", "mgr module ls"])


def test_only_these_modules(monkeypatch: Any) -> None:
    arguments = {"config": [{"name": "prometheus"}], "state": "overridden"}
    result = run(monkeypatch, ceph_mgr_module, modular("iostat", "nfs"), arguments, check=True)
    assert result["modules"] == ["prometheus"]


def test_a_module_that_cannot_run(monkeypatch: Any) -> None:
    ceph = modular(off="dashboard", broken="dashboard")
    result = run(monkeypatch, ceph_mgr_module, ceph, {"config": [{"name": "dashboard"}]})
    assert "dashboard: expected that it can run, found: no dashboard. Is a package missing" in result["msg"]
    ceph.answers["mgr module enable force=--force module=dashboard"] = None
    assert run(monkeypatch, ceph_mgr_module, ceph, {"config": [{"name": "dashboard", "force": True}]})["changed"]


def test_without_a_manager(monkeypatch: Any) -> None:
    ceph = modular()
    ceph.answers["mgr dump"] = {"active_name": "", "available": False}
    arguments = {"config": [{"name": "prometheus"}], "timeout": 0}
    assert "waited 0 s for a manager to be active" in run(monkeypatch, ceph_mgr_module, ceph, arguments)["msg"]


def test_all_that_is_wrong_is_told_at_once(monkeypatch: Any) -> None:
    names = ["telemetri", "balancer", "iostat", "iostat"]
    config = [{"name": name, "enabled": name != "balancer"} for name in names]
    result = run(monkeypatch, ceph_mgr_module, modular(), {"config": config})
    for sentence in (
        "iostat: it is given twice",
        "telemetri: expected a module",
        "balancer: expected a module that can be",
    ):
        assert sentence in result["msg"]


def test_gathered_modules(monkeypatch: Any) -> None:
    result = run(monkeypatch, ceph_mgr_module, modular("nfs", "iostat"), {"state": "gathered"})
    assert result["config"] == [{"name": "iostat", "enabled": True}, {"name": "nfs", "enabled": True}]


def test_modules_of_a_ceph_to_come(monkeypatch: Any) -> None:
    result = run(monkeypatch, ceph_mgr_module, None, {"config": [{"name": "prometheus"}]}, check=True)
    assert (result["changed"], result["modules"], len(result["warnings"])) == (True, ["prometheus"], 1)
    assert run(monkeypatch, ceph_mgr_module, None, {"config": [{"name": "prometheus"}]})["failed"] is True
