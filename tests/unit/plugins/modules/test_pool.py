# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pools against the stand-in: nested ones, and guests that go from one to another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_pools import POOL_TABLE
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_api import StandIn

WORLD = """user:root@pam:1:0::::::


pool:a:First:100,101:local:
pool:b::102::
pool:b/c::103::
"""


@pytest.fixture(params=["8.4", "9.2"])
def api(request: Any, tmp_path: Path, monkeypatch: Any) -> StandIn:
    made = StandIn(tmp_path / "node", monkeypatch, request.param)
    made.write("user.cfg", WORLD)
    ids = {str(vmid): {"node": "pve1", "type": "qemu", "version": 1} for vmid in range(100, 105)}
    made.write(".vmlist", json.dumps({"version": 1, "ids": ids}))
    return made


def members(api: StandIn) -> dict[str, list[int]]:
    found = api.module(POOL_TABLE, state="gathered")["gathered"]
    return {item["poolid"]: item.get("vms", []) for item in found}


def run(api: StandIn, *config: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    result = api.module(POOL_TABLE, config=list(config), **arguments)
    assert not result["failed"], result["msg"]
    return result


def test_members_are_set_as_a_whole(api: StandIn) -> None:
    run(api, {"poolid": "a", "vms": [101, "104"], "storage": [], "comment": "Other"})
    assert api.writes == [
        ("PUT", "/pools", {"poolid": "a", "delete": "1", "vms": "100", "storage": "local"}),
        ("PUT", "/pools", {"poolid": "a", "comment": "Other", "vms": "104", "allow-move": "1"}),
    ]
    run(api, {"poolid": "a", "comment": None})
    assert api.writes == [("PUT", "/pools", {"poolid": "a", "comment": ""})]


@pytest.mark.parametrize("order", [1, -1])
def test_guests_change_places_in_one_run(api: StandIn, order: int) -> None:
    config = [{"poolid": "a", "vms": [102, 101]}, {"poolid": "b", "vms": [100]}][::order]
    result = run(api, *config)
    assert members(api) == {"a": [101, 102], "b": [100], "b/c": [103]}
    assert result["warnings"] == []
    assert not run(api, *config)["changed"]


def test_guests_of_a_pool_that_goes(api: StandIn) -> None:
    run(api, {"poolid": "a", "vms": [100, 103], "comment": "First", "storage": ["local"]}, state="overridden")
    assert members(api) == {"a": [100, 103]}


def test_a_guest_of_somebody_else(api: StandIn) -> None:
    result = api.module(POOL_TABLE, config=[{"poolid": "a", "vms": [100, 102]}])
    assert "guest 102 is in the pool 'b'; allow_move: true takes it out of there" in result["msg"]
    assert api.writes == []
    run(api, {"poolid": "a", "vms": [100, 102], "allow_move": True})
    assert members(api)["b"] == []
    assert not run(api, {"poolid": "a", "vms": [100, 102], "allow_move": True})["changed"]


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ([{"poolid": "a", "vms": [999]}], "vms: there is no guest 999"),
        ([{"poolid": "a", "vms": [1]}], "vms is 1; allowed are 100 to"),
        ([{"poolid": "a", "storage": ["nas"]}], "storage: there is no storage nas"),
        ([{"poolid": "x/y"}], "there is no pool x for it to be in"),
        ([{"poolid": "a/b/c/d"}], "not the name of a pool"),
        ([{"poolid": "a", "vms": [104]}, {"poolid": "b", "vms": [104]}], "guest 104 is wanted in b as well"),
    ],
)
def test_refused(api: StandIn, config: list[dict[str, Any]], sentence: str) -> None:
    result = api.module(POOL_TABLE, config=config)
    assert sentence in result["msg"]
    assert api.writes == []


def test_a_digit_first_is_of_8_4(tmp_path: Path, monkeypatch: Any) -> None:
    """Such a pool is still there after an upgrade, and is managed as any other."""
    old = StandIn(tmp_path / "old", monkeypatch, "8.4")
    assert not old.module(POOL_TABLE, config=[{"poolid": "1a"}])["failed"]
    new = StandIn(tmp_path / "new", monkeypatch, "9.2")
    assert "the name of a pool begins with a letter" in new.module(POOL_TABLE, config=[{"poolid": "1a"}])["msg"]
    new.write("user.cfg", old.read("user.cfg"))
    done = new.module(POOL_TABLE, config=[{"poolid": "1a", "comment": "x"}])
    assert [change["action"] for change in done["changes"]] == ["update"]
    found = new.module(POOL_TABLE, state="gathered")["gathered"]
    assert not new.module(POOL_TABLE, config=found, state="overridden")["changed"]


def test_outer_pools_are_made_first_and_removed_last(api: StandIn) -> None:
    run(api, {"poolid": "x/y/z"}, {"poolid": "x/y"}, {"poolid": "x"})
    assert [params["poolid"] for _method, _path, params in api.writes] == ["x", "x/y", "x/y/z"]
    run(api, {"poolid": "x"}, {"poolid": "x/y"}, {"poolid": "x/y/z"}, state="deleted")
    assert [params["poolid"] for _method, _path, params in api.writes] == ["x/y/z", "x/y", "x"]


def test_an_outer_pool_is_not_removed_alone(api: StandIn) -> None:
    result = api.module(POOL_TABLE, config=[{"poolid": "b"}], state="deleted")
    assert "pool 'b' cannot be deleted: 'b/c' is built on it" in result["msg"]
    assert api.writes == []


def test_a_pool_with_members_is_emptied_first(api: StandIn) -> None:
    run(api, {"poolid": "a"}, state="deleted")
    assert api.writes == [
        ("PUT", "/pools", {"poolid": "a", "delete": "1", "vms": "100,101", "storage": "local"}),
        ("DELETE", "/pools", {"poolid": "a"}),
    ]
