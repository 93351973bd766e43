# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flags: all changes in one call, whose task may fail in the middle."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_flags import FLAG, FLAGS
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ConnectionLost
from ansible_collections.baremetal.proxmox.plugins.modules import ceph_flags
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import FakeClient, run_module
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.ceph_tables import (
    World,
    documented,
    started,
    task,
)
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.test_storage_table import RELEASES, schema

PATH = "/cluster/ceph/flags"


def listing(*names: str) -> Any:
    return ("GET", PATH, {}, [{"name": flag, "description": "d", "value": int(flag in names)} for flag in FLAGS])


def put(status: str = "OK", log: Any = (), **flags: str) -> list[Any]:
    return started(
        "PUT",
        PATH,
        {name.replace("_", "-"): value for name, value in flags.items()},
        task("cephsetflags", ""),
        status,
        log,
    )


STATES: list[Any] = [
    ("merged", [{"name": "noout"}], ["noout", "noup"], None, ["noout", "noup"]),
    ("merged", [{"name": "noout"}, {"name": "nodeep-scrub"}], ["noup"], {"noout": "1", "nodeep_scrub": "1"}, None),
    ("merged", [{"name": "noout", "value": False}, {"name": "noin"}], ["noout"], {"noin": "1", "noout": "0"}, None),
    ("merged", [{"name": "noout", "value": False}], [], None, None),
    ("replaced", [{"name": "noout", "value": True}], ["noout", "noup"], None, None),
    ("overridden", [{"name": "noout"}], ["noup", "pause"], {"noout": "1", "noup": "0", "pause": "0"}, None),
    ("overridden", [], ["noup"], {"noup": "0"}, None),
    ("overridden", [], [], None, None),
    ("deleted", [{"name": "noup"}, {"name": "noout"}], ["noup"], {"noup": "0"}, None),
]


@pytest.mark.parametrize(("state", "config", "now", "sent", "_after"), STATES)
@pytest.mark.parametrize("check", [False, True])
def test_states(monkeypatch: Any, state: str, config: Any, now: Any, sent: Any, _after: Any, check: bool) -> None:
    calls = [listing(*now)]
    if sent and not check:
        then = ({*now} | {k.replace("_", "-") for k, v in sent.items() if v == "1"}) - {
            k for k, v in sent.items() if v == "0"
        }
        calls += [*put(**sent), listing(*then)]
    result = World(FLAG, {}, calls).run(monkeypatch, check, config=config, state=state)
    assert not result["failed"], result["msg"]
    assert result["changed"] is bool(sent)
    assert result["warnings"] == []


def test_the_diff_has_what_is_set(monkeypatch: Any) -> None:
    config = [{"name": "noout"}, {"name": "noup", "value": False}]
    result = World(FLAG, {}, [listing("noup")]).run(monkeypatch, True, config=config)
    assert result["diff"]["before"] == {"noup": {"name": "noup", "value": True}}
    assert result["diff"]["after"] == {"noout": {"name": "noout"}}


def test_gathered_and_then_overridden(monkeypatch: Any) -> None:
    gathered = World(FLAG, {}, [listing("noup", "pause")]).run(monkeypatch, state="gathered")["gathered"]
    assert gathered == [{"name": "noup", "value": True}, {"name": "pause", "value": True}]
    again = World(FLAG, {}, [listing("noup", "pause")]).run(monkeypatch, config=gathered, state="overridden")
    assert again["changed"] is False


def test_a_flag_that_there_is_not(monkeypatch: Any) -> None:
    result = World(FLAG, {}).run(monkeypatch, config=[{"name": "noot"}])
    assert "name is 'noot', not one of nobackfill, nodeep-scrub" in result["msg"]


def test_a_task_that_fails_in_the_middle(monkeypatch: Any) -> None:
    log = ["set noin", "set noout", "error with noout: 'no quorum'", "TASK ERROR: could not set/unset 1 flags"]
    calls = [listing(), *put("could not set/unset 1 flags", log, noin="1", noout="1"), listing("noin")]
    result = World(FLAG, {}, calls).run(monkeypatch, config=[{"name": "noin"}, {"name": "noout"}])
    assert result["failed"]
    assert result["changed"] is True
    assert "error with noout: 'no quorum'" in result["msg"]


def test_a_lost_answer(monkeypatch: Any) -> None:
    running = task("cephsetflags", "")
    lost = ConnectionLost("PUT", PATH, "reset", maybe_done=True)
    calls = [
        listing(),
        ("PUT", PATH, {"noin": "1"}, lost),
        ("GET", "/nodes/pve1/tasks", {"source": "active"}, [{"type": "cephsetflags", "upid": running}]),
        ("GET", f"/nodes/pve1/tasks/{running}/status", {}, {"status": "stopped", "exitstatus": "OK"}),
        listing("noin"),
        listing("noin"),
    ]
    assert World(FLAG, {}, calls).run(monkeypatch, config=[{"name": "noin"}])["changed"]


def test_from_elsewhere_no_monitor_is_asked(monkeypatch: Any) -> None:
    monkeypatch.setattr(FakeClient, "node", "pve1")

    def nobody(_module: Any) -> None:
        raise AssertionError("there is no Ceph here")

    arguments = {"api_host": "pve1", "api_user": "root@pam", "api_password": "x", "config": [{"name": "noin"}]}
    calls = [listing(), *put(noin="1"), listing("noin")]
    result = run_module(monkeypatch, lambda connect: ResourceModule(FLAG, connect, nobody).run(), arguments, calls)
    assert result["changed"]


@pytest.mark.parametrize("release", RELEASES)
def test_every_flag_of_the_schema(release: str) -> None:
    assert sorted(schema(release)[PATH]["PUT"]["params"]) == list(FLAGS)


def test_every_option_is_documented() -> None:
    suboptions = documented(ceph_flags)["config"]["suboptions"]
    assert suboptions.keys() == FLAG.spec().keys()
    for flag in FLAGS:
        assert f"V({flag})" in " ".join(suboptions["name"]["description"])
