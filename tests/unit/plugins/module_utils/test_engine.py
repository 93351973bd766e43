# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine with the plainest resource there is: one variant, no digest, no secret, nothing protected."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _engine
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError, ConnectionLost
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL, SET
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import run_module

POOLS = Resource(
    name="pool",
    path="/pools",
    key=Field("poolid"),
    fields=[Field("comment"), Field("tags", SET, since=(9, 0)), Field("kind"), Field("on-boot", BOOL, default=True)],
    variants={None: Variant(required="kind", optional="comment tags on-boot", fixed="kind")},
    fresh=[{"poolid": "first", "kind": "k"}],
)
A = {"poolid": "a", "kind": "k", "comment": "c", "tags": "y,x"}
B = {"poolid": "b", "kind": "k"}


def run(monkeypatch: Any, calls: list[Any], **arguments: Any) -> dict[str, Any]:
    options = {name: arguments.pop(name) for name in ("installed",) if name in arguments}
    if arguments.pop("check", False):
        arguments["_ansible_check_mode"] = True
    return run_module(monkeypatch, lambda connect: ResourceModule(POOLS, connect).run(), arguments, calls, **options)


def listing(*rows: dict[str, Any]) -> Any:
    return ("GET", "/pools", {}, list(rows))


@pytest.mark.parametrize(
    ("state", "config", "writes"),
    [
        ("merged", [{"poolid": "a", "comment": "c", "tags": ["x", "y"], "on_boot": True}], []),
        (
            "merged",
            [{"poolid": "a", "comment": "d", "on-boot": False}],
            [("PUT", "/pools/a", {"comment": "d", "on-boot": "0"})],
        ),
        ("merged", [{"poolid": "a", "comment": None, "tags": []}], [("PUT", "/pools/a", {"delete": "comment,tags"})]),
        ("merged", [{"poolid": "c", "kind": "k"}], [("POST", "/pools", {"poolid": "c", "kind": "k"})]),
        (
            "merged",
            [{"poolid": "b", "kind": "l", "recreate": True}],
            [("DELETE", "/pools/b", {}), ("POST", "/pools", {"poolid": "b", "kind": "l"})],
        ),
        ("replaced", [{"poolid": "a", "kind": "k"}], [("PUT", "/pools/a", {"delete": "comment,tags"})]),
        ("overridden", [{"poolid": "b", "kind": "k"}], [("DELETE", "/pools/a", {})]),
        ("deleted", [{"poolid": "a"}, {"poolid": "b"}], [("DELETE", "/pools/a", {}), ("DELETE", "/pools/b", {})]),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_states(monkeypatch: Any, state: str, config: list[Any], writes: list[Any], check: bool) -> None:
    calls = [listing(A, B)]
    if not check and writes:
        calls += [(*write, None) for write in writes] + [listing(A, B)]
    result = run(monkeypatch, calls, state=state, config=config, check=check)
    assert not result["failed"], result["msg"]
    assert result["changed"] is bool(writes)


def test_prediction_is_what_then_happens(monkeypatch: Any) -> None:
    config = [{"poolid": "a", "comment": None}, {"poolid": "c", "kind": "k", "comment": "new"}]
    before = [A, B]
    after = [{"poolid": "a", "kind": "k", "tags": "y,x"}, B, {"poolid": "c", "kind": "k", "comment": "new"}]
    predicted = run(monkeypatch, [listing(*before)], state="merged", config=config, check=True)
    calls = [
        listing(*before),
        ("PUT", "/pools/a", {"delete": "comment"}, None),
        ("POST", "/pools", {"poolid": "c", "kind": "k", "comment": "new"}, None),
        listing(*after),
    ]
    done = run(monkeypatch, calls, state="merged", config=config)
    for part in ("before", "after", "changes", "diff"):
        assert predicted[part] == done[part]
    assert predicted["diff"]["before"] == {"a": {"poolid": "a", "kind": "k", "comment": "c", "tags": ["x", "y"]}}
    assert set(predicted["diff"]["after"]) == {"a", "c"}


def test_gathered(monkeypatch: Any) -> None:
    result = run(monkeypatch, [listing(B, A)], state="gathered")
    assert result["gathered"] == [{"poolid": "a", "kind": "k", "comment": "c", "tags": ["x", "y"]}, B]


@pytest.mark.parametrize("state", ["merged", "replaced", "overridden", "deleted"])
def test_config_is_needed(monkeypatch: Any, state: str) -> None:
    result = run(monkeypatch, [], state=state)
    assert "state is" in result["msg"]
    assert "config" in result["msg"]


def test_unknown_key(monkeypatch: Any) -> None:
    result = run(monkeypatch, [], config=[{"poolid": "a", "colour": "red"}])
    assert "colour" in result["msg"]


def test_both_spellings_of_one_key(monkeypatch: Any) -> None:
    result = run(monkeypatch, [], config=[{"poolid": "a", "on-boot": True, "on_boot": False}])
    assert "on-boot" in result["msg"]


def test_no_identifier(monkeypatch: Any) -> None:
    assert "poolid" in run(monkeypatch, [], config=[{"poolid": None}])["msg"]


@pytest.mark.parametrize(
    ("debian", "tags", "failed"), [("12", ["x"], True), ("13", ["x"], False), ("14", ["x"], False)]
)
def test_versions_on_a_fresh_machine(monkeypatch: Any, debian: str, tags: list[str], failed: bool) -> None:
    monkeypatch.setattr(_engine, "_debian_release", lambda: debian)
    result = run(monkeypatch, [], config=[{"poolid": "first", "tags": tags}], check=True, installed=False)
    assert result["failed"] is failed
    if failed:
        assert "tags: needs Proxmox VE 9.0 or later, this is 8.99" in result["msg"]


def test_attempts_end(monkeypatch: Any) -> None:
    put = ("PUT", "/pools/a", {"comment": "d"}, ConnectionLost("PUT", "/pools/a", "reset", maybe_done=True))
    calls: list[Any] = [listing(A)]
    for _attempt in range(8):
        calls += [put, listing(A)]
    result = run(monkeypatch, calls, config=[{"poolid": "a", "comment": "d"}])
    assert result["failed"]
    assert "may have been carried out" in result["msg"]


def test_deleting_what_somebody_else_deleted(monkeypatch: Any) -> None:
    calls = [
        listing(A),
        ("DELETE", "/pools/a", {}, ApiError(500, "DELETE", "/pools/a", "no such pool")),
        listing(),
        listing(),
    ]
    assert run(monkeypatch, calls, config=[{"poolid": "a"}], state="deleted")["changed"]


def test_deleting_fails(monkeypatch: Any) -> None:
    calls = [listing(A), ("DELETE", "/pools/a", {}, ApiError(500, "DELETE", "/pools/a", "pool is in use")), listing(A)]
    result = run(monkeypatch, calls, config=[{"poolid": "a"}], state="deleted")
    assert result["msg"] == "pool 'a': DELETE /pools/a: pool is in use (HTTP 500)"
    assert "changed" not in result
