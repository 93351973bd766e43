# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""File systems: made through the API, completed, extended and removed through the monitors."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_fs
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import CephError
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_fs import FILESYSTEM
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError, ConnectionLost
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline
from ansible_collections.baremetal.proxmox.plugins.modules import ceph_fs
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_ceph import Then
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.ceph_tables import (
    World,
    documented,
    started,
    task,
)

PATH = "/nodes/pve1/ceph/fs"
POOLS = "/nodes/pve1/ceph/pool"
NONE = ("GET", "/storage", {"type": "cephfs"}, [])
FS = {"name": "cephfs", "metadata_pool": "cephfs_metadata", "data_pools": ["cephfs_data"]}
WIDE = {**FS, "data_pools": ["cephfs_data", "slow"]}
STORAGE = {"storage": "cephfs", "type": "cephfs", "fs-name": "cephfs"}
OFF = {**STORAGE, "disable": 1}


def storages(*rows: dict[str, Any]) -> Any:
    return ("GET", "/storage", {"type": "cephfs"}, list(rows))


def dump(*states: str, standbys: int = 1) -> dict[str, Any]:
    """C(fs dump) with one file system whose MDS are in these states."""
    info = {str(number): {"name": f"pve{number}", "state": state} for number, state in enumerate(states)}
    mdsmap = {"fs_name": "cephfs", "max_mds": 1, "info": info}
    filesystems = [{"id": 1, "mdsmap": mdsmap}] if states else []
    return {"standbys": [{"name": "x"}] * standbys, "filesystems": filesystems, "default_fscid": 1}


def world(calls: Any, *states: list[dict[str, Any]], **answers: Any) -> World:
    read = {
        "fs ls": Then(*states),
        "fs dump": dump("up:active") if states[0] else Then(dump(), dump("up:creating"), dump("up:active")),
        "osd pool ls": [".mgr", "slow"],
        "fs status fs=cephfs": {"clients": [{"clients": 0, "fs": "cephfs"}]},
    }
    return World(FILESYSTEM, {**read, **answers}, calls)


def test_made_with_its_storage_when_its_mds_is_active(monkeypatch: Any) -> None:
    storage = {"storage": "cephfs", "type": "cephfs", "content": "backup,iso,vztmpl", "fs-name": "cephfs"}
    calls = [
        NONE,
        ("GET", "/storage", {}, [{"storage": "local", "type": "dir"}]),
        *started("POST", f"{PATH}/cephfs", {"pg_num": "32"}, task("cephfscreate")),
        NONE,
        ("POST", "/storage", storage, {"storage": "cephfs"}),
        storages(STORAGE),
    ]
    here = world(calls, [], [FS])
    result = here.run(monkeypatch, config=[{"name": "cephfs", "pg_num": 32, "add_storage": True}])
    assert not result["failed"], result["msg"]
    assert result["after"] == [{"name": "cephfs", "add_storage": True}]
    assert here.writes == []
    assert here.ceph is not None
    assert here.ceph.calls.count("fs dump") == 4


def test_the_metadata_gets_a_quarter(monkeypatch: Any) -> None:
    """Proxmox divides, and Ceph takes no half of a placement group: the task fails and takes its pools away again."""
    result = world([NONE], []).run(monkeypatch, config=[{"name": "cephfs", "pg_num": 50}])
    assert "pg_num: is 50; from 32 on it has to be a multiple of 4" in result["msg"]


@pytest.mark.parametrize("add", [True, False, None])
def test_nothing_to_do(monkeypatch: Any, add: Any) -> None:
    config = [{"name": "cephfs", "pg_num": 16, "add_storage": add, "data_pools": ["slow"]}]
    result = world([storages(STORAGE)], [WIDE]).run(monkeypatch, config=config)
    assert not result["failed"], result["msg"]
    assert result["changed"] is False


def test_another_data_pool(monkeypatch: Any) -> None:
    command = "fs add_data_pool fs_name=cephfs pool=slow"
    here = world([NONE, NONE], [FS], [WIDE], **{command: None})
    result = here.run(monkeypatch, config=[{"name": "cephfs", "data_pools": ["slow"]}])
    assert result["changes"] == [{"action": "update", "item": "cephfs", "set": ["data_pools"]}]
    assert here.writes == [command]
    refused = world([NONE], [WIDE]).run(monkeypatch, config=[{"name": "cephfs", "data_pools": []}])
    assert "slow belongs to it as well" in refused["msg"]


@pytest.mark.parametrize("check", [False, True])
def test_no_mds(monkeypatch: Any, check: bool) -> None:
    here = world([NONE], [], **{"fs dump": dump(standbys=0)})
    result = here.run(monkeypatch, check, config=[{"name": "cephfs"}])
    sentence = "file system 'cephfs': needs an MDS that is standby, there is none; make one first (module ceph_mds)."
    if check:
        assert sentence in result["warnings"][0]
        assert result["changed"] is True
    else:
        assert sentence in result["msg"]


def test_the_mds_is_gone_meanwhile(monkeypatch: Any) -> None:
    error = ApiError(500, "POST", f"{PATH}/cephfs", "no standby Metadata Server (MDS) found!")
    result = world([NONE, ("POST", f"{PATH}/cephfs", {}, error), NONE], []).run(
        monkeypatch, config=[{"name": "cephfs"}]
    )
    assert "Make an MDS first" in result["msg"]


def test_what_a_dead_node_left_is_completed(monkeypatch: Any) -> None:
    post = {"name": "cephfs_metadata", "application": "cephfs", "pg_num": "32"}
    new = "fs new data=cephfs_data fs_name=cephfs metadata=cephfs_metadata"
    calls = [NONE, *started("POST", POOLS, post, task("cephcreatepool")), NONE]
    here = world(calls, [], [FS], **{"osd pool ls": ["cephfs_data"], new: None})
    assert here.run(monkeypatch, config=[{"name": "cephfs", "pg_num": 64}])["changed"] is True
    assert here.writes == [new]


def test_pools_with_something_in_them_are_not_taken(monkeypatch: Any) -> None:
    new = "fs new data=cephfs_data fs_name=cephfs metadata=cephfs_metadata"
    refusal = CephError(
        "fs new", 22, "pool 'cephfs_metadata' already contains some objects. Use an empty pool instead."
    )
    here = world([NONE, NONE], [], **{"osd pool ls": ["cephfs_data", "cephfs_metadata"], new: refusal})
    result = here.run(monkeypatch, config=[{"name": "cephfs"}])
    assert "The pools of an earlier file system cephfs are still there" in result["msg"]


def test_a_lost_answer(monkeypatch: Any) -> None:
    running = task("cephfscreate")
    lost = ConnectionLost("POST", f"{PATH}/cephfs", "reset", maybe_done=True)
    calls = [
        NONE,
        ("POST", f"{PATH}/cephfs", {}, lost),
        ("GET", "/nodes/pve1/tasks", {"source": "active"}, [{"type": "cephfscreate", "upid": running}]),
        ("GET", f"/nodes/pve1/tasks/{running}/status", {}, {"status": "stopped", "exitstatus": "OK"}),
        NONE,
        NONE,
    ]
    assert world(calls, [], [FS]).run(monkeypatch, config=[{"name": "cephfs"}])["changed"] is True


REMOVE = ["fs fail fs_name=cephfs", "fs rm fs_name=cephfs yes_i_really_mean_it=true"]


def remove(here: World, monkeypatch: Any, allow: Any = ("cephfs",)) -> dict[str, Any]:
    return here.run(monkeypatch, config=[{"name": "cephfs"}], state="deleted", allow_remove=list(allow))


def test_removed_with_its_pools_and_storage(monkeypatch: Any) -> None:
    calls = [
        storages(OFF),
        ("DELETE", "/storage/cephfs", {}, None),
        *started("DELETE", f"{POOLS}/cephfs_metadata", {}, task("cephdestroypool", "1")),
        *started("DELETE", f"{POOLS}/cephfs_data", {}, task("cephdestroypool", "2")),
        NONE,
    ]
    here = world(calls, [FS], [], **dict.fromkeys(REMOVE))
    result = remove(here, monkeypatch)
    assert result["changes"] == [{"action": "delete", "item": "cephfs"}]
    assert "removed with everything in its pools cephfs_metadata, cephfs_data" in result["warnings"][0]
    assert here.writes == REMOVE


def mounted(*counts: int) -> dict[str, Any]:
    """What the manager answers, one after the other."""
    return {"fs status fs=cephfs": Then(*({"clients": [{"clients": count, "fs": "cephfs"}]} for count in counts))}


class Clock:
    """Time passes only when somebody sleeps."""

    now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(seconds, clock=lambda: self.now, sleep=self.sleep)


@pytest.fixture(autouse=True)
def clock(monkeypatch: Any) -> Clock:
    here = Clock()
    monkeypatch.setattr(_ceph_fs, "Deadline", here.deadline)
    return here


def test_a_client_that_has_just_gone(monkeypatch: Any, clock: Clock) -> None:
    """The manager counts it for some seconds more."""
    calls = [
        storages(OFF),
        ("DELETE", "/storage/cephfs", {}, None),
        *started("DELETE", f"{POOLS}/cephfs_metadata", {}, task("cephdestroypool", "1")),
        *started("DELETE", f"{POOLS}/cephfs_data", {}, task("cephdestroypool", "2")),
        NONE,
    ]
    here = world(calls, [FS], [], **dict.fromkeys(REMOVE), **mounted(1, 1, 0))
    assert remove(here, monkeypatch)["changed"] is True
    assert here.writes == REMOVE
    assert clock.now == 2


@pytest.mark.parametrize(
    ("rows", "clients", "allow", "sentence"),
    [
        ([], 0, [], "name it in allow_remove as well"),
        ([STORAGE], 0, ["cephfs"], "the storage cephfs is on it; disable it"),
        ([{"storage": "old", "type": "cephfs"}], 0, ["cephfs"], "the storage old is on it; disable it"),
        ([{**OFF, "storage": "other"}], 0, ["cephfs"], "the storage other is on it; remove that first"),
        ([OFF], 2, ["cephfs"], "2 clients have it mounted"),
    ],
)
def test_not_removed(monkeypatch: Any, clock: Clock, rows: Any, clients: int, allow: Any, sentence: str) -> None:
    here = world([storages(*rows)], [FS], **mounted(clients))
    assert sentence in remove(here, monkeypatch, allow)["msg"]
    assert here.writes == []
    assert clock.now == (20 if clients else 0)


def test_gathered_and_then_overridden(monkeypatch: Any) -> None:
    gathered = world([storages(STORAGE)], [WIDE]).run(monkeypatch, state="gathered")["gathered"]
    assert gathered == [{"name": "cephfs", "data_pools": ["slow"], "add_storage": True}]
    result = world([storages(STORAGE)], [WIDE]).run(monkeypatch, config=gathered, state="overridden")
    assert result["changed"] is False


def test_every_option_is_documented() -> None:
    options = documented(ceph_fs)
    assert options["config"]["suboptions"].keys() == FILESYSTEM.spec().keys()
    assert options["allow_remove"]["default"] == []


@pytest.mark.parametrize("gone", [True, False])
def test_the_answer_to_its_removal_is_lost(monkeypatch: Any, gone: bool) -> None:
    lost = CephError("fs rm", 110, "")
    deletes = [
        *started("DELETE", f"{POOLS}/cephfs_metadata", {}, task("cephdestroypool", "1")),
        *started("DELETE", f"{POOLS}/cephfs_data", {}, task("cephdestroypool", "2")),
        NONE,
    ]
    again = [("GET", "/nodes/pve1/tasks", {"source": "active"}, []), NONE]
    calls = [NONE, *(deletes if gone else again * 8)]
    here = world(calls, [FS], [] if gone else [FS], **{REMOVE[0]: None, REMOVE[1]: lost})
    result = remove(here, monkeypatch)
    assert result["failed"] is not gone
    assert result["changed"] is True
