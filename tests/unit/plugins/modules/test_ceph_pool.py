# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module calls, exactly, for what is wanted and what exists."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_pool import POOL, prepare
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ConnectionLost
from ansible_collections.baremetal.proxmox.plugins.modules import ceph_pool
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_ceph import Then
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.ceph_tables import World, started, task
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.test_storage_table import RELEASES, schema

POOLS = "/nodes/pve1/ceph/pool"
GIB = 2**30


def pool(name: str, **more: Any) -> dict[str, Any]:
    """An entry of C(osd dump)."""
    return {
        "pool_name": name,
        "type": 1,
        "size": 3,
        "min_size": 2,
        "crush_rule": 0,
        "pg_num": 32,
        "pg_num_target": 32,
        "pg_autoscale_mode": "warn",
        "application_metadata": {"rbd": {}},
        "options": {},
        "erasure_code_profile": "",
        **more,
    }


MGR = pool(".mgr", pg_num=1, pg_num_target=1, pg_autoscale_mode="on", application_metadata={"mgr": {}})
VM = pool("vm")
DATA = pool("ec-data", type=3, size=3, crush_rule=1, erasure_code_profile="pve_ec_ec")
METADATA = pool("ec-metadata")
FS = pool("cephfs_data", application_metadata={"cephfs": {"data": "cephfs"}})
PROFILE = {"k": "2", "m": "1", "crush-failure-domain": "host", "crush-root": "default", "plugin": "jerasure"}
STORAGES = ("GET", "/storage", {"type": "rbd"}, [])
EC_STORAGE = {"storage": "ec", "type": "rbd", "pool": "ec-metadata", "data-pool": "ec-data"}


def storages(*rows: dict[str, Any]) -> Any:
    return ("GET", "/storage", {"type": "rbd"}, list(rows))


def world(calls: Any, *states: list[dict[str, Any]], **answers: Any) -> World:
    """C(states): the pools as they are read one after the other."""
    return World(
        POOL,
        {
            "osd dump": Then(*({"pools": [MGR, *state]} for state in states)),
            "osd crush rule dump": [
                {"rule_id": 0, "rule_name": "replicated_rule"},
                {"rule_id": 1, "rule_name": "ec-data"},
                {"rule_id": 2, "rule_name": "on_ssd"},
            ],
            "osd crush rule ls": ["replicated_rule", "ec-data", "on_ssd"],
            "osd erasure-code-profile get name=pve_ec_ec": PROFILE,
            **answers,
        },
        calls,
    )


# name, pools that exist, item, what is sent (method, path, params) and the type of its task
MERGED: list[Any] = [
    ("equal", [VM], {"name": "vm", "size": 3, "min_size": 2, "application": "rbd", "pg_num": 32}, []),
    ("equal by defaults", [VM], {"name": "vm", "target_size": 0, "pg_num_min": 0, "crush_rule": "replicated_rule"}, []),
    (
        "a size in another form",
        [pool("vm", options={"target_size_bytes": 10 * GIB, "target_size_ratio": 0.30000001})],
        {"name": "vm", "target_size": "10240M", "target_size_ratio": 0.3},
        [],
    ),
    (
        "the number of the autoscaler is no drift",
        [pool("vm", pg_autoscale_mode="on", pg_num_target=128)],
        {"name": "vm", "pg_num": 32},
        [],
    ),
    (
        "nor is it set when the autoscaler is turned on",
        [VM],
        {"name": "vm", "pg_num": 64, "pg_autoscale_mode": "on"},
        [("PUT", f"{POOLS}/vm", {"pg_autoscale_mode": "on"}, "cephsetpool")],
    ),
    (
        "without the autoscaler it is drift",
        [pool("vm", pg_autoscale_mode="off")],
        {"name": "vm", "pg_num": 64},
        [("PUT", f"{POOLS}/vm", {"pg_num": "64"}, "cephsetpool")],
    ),
    (
        "what Ceph is still about to do is no drift",
        [pool("vm", pg_num=33, pg_num_target=64)],
        {"name": "vm", "pg_num": 64},
        [],
    ),
    (
        "the size resets the min_size",
        [pool("vm", size=2, min_size=1)],
        {"name": "vm", "size": 3},
        [
            ("PUT", f"{POOLS}/vm", {"size": "3"}, "cephsetpool"),
            ("PUT", f"{POOLS}/vm", {"min_size": "1"}, "cephsetpool"),
        ],
    ),
    (
        "taken away",
        [pool("vm", options={"target_size_bytes": GIB, "target_size_ratio": 0.2, "pg_num_min": 8})],
        {"name": "vm", "target_size": None, "target_size_ratio": 0, "pg_num_min": None},
        [
            (
                "PUT",
                f"{POOLS}/vm",
                {"pg_num_min": "0", "target_size": "0", "target_size_ratio": "0"},
                "cephsetpool",
            )
        ],
    ),
    (
        "created",
        [],
        {"name": "vm", "pg_autoscale_mode": "on", "target_size": "1.5G", "crush_rule": "on_ssd"},
        [
            (
                "POST",
                POOLS,
                {"name": "vm", "pg_autoscale_mode": "on", "target_size": "1536M", "crush_rule": "on_ssd"},
                "cephcreatepool",
            )
        ],
    ),
    (
        "an erasure-coded pair, of which the size is the metadata's",
        [DATA, METADATA],
        {"name": "ec", "erasure_coding": "k=2,m=1", "size": 2, "min_size": 1, "pg_num": 64, "add_storages": False},
        [
            ("PUT", f"{POOLS}/ec-metadata", {"size": "2"}, "cephsetpool"),
            ("PUT", f"{POOLS}/ec-metadata", {"min_size": "1"}, "cephsetpool"),
            ("PUT", f"{POOLS}/ec-data", {"pg_num": "64"}, "cephsetpool"),
        ],
    ),
]


@pytest.mark.parametrize(("before", "item", "writes"), [row[1:] for row in MERGED], ids=[row[0] for row in MERGED])
@pytest.mark.parametrize("check", [False, True])
def test_merged(monkeypatch: Any, before: Any, item: Any, writes: Any, check: bool) -> None:
    calls: list[Any] = [STORAGES]
    if writes and not check:
        if writes[0][0] == "POST":
            # Proxmox would reset a pool that somebody has made meanwhile
            calls.append(STORAGES)
        for number, (method, path, params, kind) in enumerate(writes):
            calls += started(method, path, params, task(kind, str(number)))
        calls.append(STORAGES)
    here = world(calls, before)
    result = here.run(monkeypatch, check, config=[item])
    assert not result["failed"], result["msg"]
    assert result["changed"] is bool(writes)
    assert here.writes == []


def test_replaced_goes_back_to_the_defaults(monkeypatch: Any) -> None:
    before = pool("vm", size=2, min_size=1, pg_autoscale_mode="on", options={"target_size_bytes": GIB})
    calls = [
        STORAGES,
        *started("PUT", f"{POOLS}/vm", {"size": "3"}, task("cephsetpool", "1")),
        *started(
            "PUT",
            f"{POOLS}/vm",
            {"min_size": "2", "pg_autoscale_mode": "warn", "target_size": "0"},
            task("cephsetpool", "2"),
        ),
        STORAGES,
    ]
    result = world(calls, [before], [VM]).run(monkeypatch, config=[{"name": "vm"}], state="replaced")
    assert result["changes"] == [
        {"action": "update", "item": "vm", "set": ["min_size", "pg_autoscale_mode", "size"], "unset": ["target_size"]}
    ]
    assert result["warnings"] == []
    assert result["diff"]["after"]["vm"] == result["after"][1]


def test_an_erasure_coded_pool_is_made_with_its_storage(monkeypatch: Any) -> None:
    post = {"name": "ec", "erasure-coding": "failure-domain=osd,k=2,m=1", "add_storages": "0"}
    storage = {"storage": "ec", "type": "rbd", "content": "images,rootdir", "krbd": "0"}
    calls = [
        STORAGES,
        ("GET", "/storage", {}, [{"storage": "local", "type": "dir"}]),
        STORAGES,
        *started("POST", POOLS, post, task("cephcreatepool")),
        STORAGES,
        ("POST", "/storage", {**storage, "pool": "ec-metadata", "data-pool": "ec-data"}, {"storage": "ec"}),
        storages(EC_STORAGE),
    ]
    profile = {"osd erasure-code-profile get name=pve_ec_ec": {**PROFILE, "crush-failure-domain": "osd"}}
    here = world(calls, [], [], [DATA, METADATA], **profile)
    config = [{"name": "ec", "erasure_coding": {"k": 2, "m": 1, "failure_domain": "osd"}}]
    result = here.run(monkeypatch, config=config)
    assert not result["failed"], result["msg"]
    assert result["warnings"] == []
    again = world([storages(EC_STORAGE)], [DATA, METADATA], **profile).run(monkeypatch, config=config)
    assert again["changed"] is False


def test_a_storage_that_is_missing_is_made(monkeypatch: Any) -> None:
    calls = [
        STORAGES,
        ("GET", "/storage", {}, []),
        STORAGES,
        (
            "POST",
            "/storage",
            {"storage": "vm", "type": "rbd", "content": "images,rootdir", "krbd": "0", "pool": "vm"},
            {"storage": "vm"},
        ),
        storages({"storage": "vm", "type": "rbd", "pool": "vm"}),
    ]
    result = world(calls, [VM]).run(monkeypatch, config=[{"name": "vm", "add_storages": True}])
    assert result["changes"] == [{"action": "update", "item": "vm", "set": ["add_storages"]}]


def test_a_storage_of_that_name_is_something_else(monkeypatch: Any) -> None:
    calls = [STORAGES, ("GET", "/storage", {}, [{"storage": "vm", "type": "dir"}])]
    result = world(calls, []).run(monkeypatch, config=[{"name": "vm", "add_storages": True}], check=True)
    assert "a storage 'vm' of type dir exists and is not on this pool" in result["msg"]


HALF = {"action": "create", "item": "ec", "set": ["add_storages", "erasure_coding"]}


def test_half_a_pair_is_completed(monkeypatch: Any) -> None:
    post = {"name": "ec", "erasure-coding": "failure-domain=host,k=2,m=1", "add_storages": "0"}
    calls = [
        STORAGES,
        ("GET", "/storage", {}, []),
        STORAGES,
        *started("POST", POOLS, post, task("cephcreatepool")),
        storages(EC_STORAGE),
        storages(EC_STORAGE),
    ]
    here = world(calls, [DATA], [DATA], [DATA, METADATA])
    result = here.run(monkeypatch, config=[{"name": "ec", "erasure_coding": {"k": 2, "m": 1}}])
    assert result["changes"] == [HALF]


def test_a_pair_is_removed_metadata_first(monkeypatch: Any) -> None:
    calls = [
        storages(EC_STORAGE),
        *started("DELETE", f"{POOLS}/ec-metadata", {"remove_storages": "1"}, task("cephdestroypool", "1")),
        *started("DELETE", f"{POOLS}/ec-data", {}, task("cephdestroypool", "2")),
        STORAGES,
    ]
    here = world(calls, [DATA, METADATA], [])
    result = here.run(monkeypatch, config=[{"name": "ec"}], state="deleted", allow_remove=["ec"])
    assert result["changes"] == [{"action": "delete", "item": "ec"}]
    assert "the storage definition 'ec' with it" in result["warnings"][0]


def test_half_a_pair_is_removed_after_its_storage(monkeypatch: Any) -> None:
    calls = [
        storages(EC_STORAGE),
        ("DELETE", "/storage/ec", {}, None),
        *started("DELETE", f"{POOLS}/ec-data", {"remove_storages": "1"}, task("cephdestroypool")),
        STORAGES,
    ]
    result = world(calls, [DATA], []).run(monkeypatch, config=[{"name": "ec"}], state="deleted", allow_remove=["ec"])
    assert result["changed"] is True


@pytest.mark.parametrize("state", ["deleted", "overridden"])
@pytest.mark.parametrize("allow", [[], ["other"]])
def test_the_name_has_to_be_repeated(monkeypatch: Any, state: str, allow: list[str]) -> None:
    config = [{"name": "vm"}] if state == "deleted" else []
    result = world([STORAGES], [VM]).run(monkeypatch, config=config, state=state, allow_remove=allow, check=True)
    assert "name it in allow_remove as well (allow_remove: ['vm'])" in result["msg"]


def test_overridden_leaves_what_belongs_to_others(monkeypatch: Any) -> None:
    rgw = pool(".rgw.root", application_metadata={"rgw": {}})
    result = world([STORAGES], [VM, FS, rgw]).run(monkeypatch, config=[{"name": "vm"}], state="overridden")
    assert result["changed"] is False


def test_no_pool_of_a_file_system_is_removed(monkeypatch: Any) -> None:
    fs = {"fs ls": [{"name": "cephfs", "metadata_pool": "cephfs_metadata", "data_pools": ["cephfs_data"]}]}
    config = [{"name": "cephfs_data"}]
    here = world([STORAGES], [FS], **fs)
    result = here.run(monkeypatch, config=config, state="deleted", allow_remove=["cephfs_data"])
    assert "is part of the CephFS cephfs and goes with it" in result["msg"]


def test_the_manager_keeps_its_pool(monkeypatch: Any) -> None:
    result = world([STORAGES], []).run(monkeypatch, config=[{"name": ".mgr"}], state="deleted", allow_remove=[".mgr"])
    assert "is built in and cannot be removed" in result["msg"]


def test_no_pool_is_removed_under_a_storage_of_another_name(monkeypatch: Any) -> None:
    calls = [storages({"storage": "slow", "type": "rbd", "pool": "vm"})]
    result = world(calls, [VM]).run(monkeypatch, config=[{"name": "vm"}], state="deleted", allow_remove=["vm"])
    assert "the storage slow would hang in the air" in result["msg"]


@pytest.mark.parametrize("reason", ["storage 'vm' is disabled", "storage 'vm' is not available on node 'pve1'"])
def test_a_storage_that_cannot_be_looked_into(monkeypatch: Any, reason: str) -> None:
    delete = ("DELETE", f"{POOLS}/vm", {"remove_storages": "1"}, task("cephdestroypool"))
    vm = storages({"storage": "vm", "type": "rbd", "pool": "vm"})
    calls = [vm, *started(*delete, reason, [f"TASK ERROR: {reason}"]), vm]
    result = world(calls, [VM]).run(monkeypatch, config=[{"name": "vm"}], state="deleted", allow_remove=["vm"])
    assert "enable it, for this node, until the pool is gone" in result["msg"]


def test_images_are_in_it(monkeypatch: Any) -> None:
    delete = ("DELETE", f"{POOLS}/vm", {"remove_storages": "1"}, task("cephdestroypool"))
    log = ["checking storage 'vm' for RBD images..", "TASK ERROR: ceph pool 'vm' still in use by storage 'vm'"]
    vm = storages({"storage": "vm", "type": "rbd", "pool": "vm"})
    calls = [vm, *started(*delete, "ceph pool 'vm' still in use by storage 'vm'", log), vm]
    result = world(calls, [VM]).run(monkeypatch, config=[{"name": "vm"}], state="deleted", allow_remove=["vm"])
    assert result["failed"]
    assert "pool 'vm': task UPID:" in result["msg"]
    assert "remove the disks of the guests first" in result["msg"]
    assert "changed" not in result


def test_a_task_that_did_half_of_it(monkeypatch: Any) -> None:
    log = ["pool vm: applying size = 2", "pool vm: applying target_size_ratio = 2", "error: bad", "TASK ERROR: x"]
    calls = [
        STORAGES,
        *started("PUT", f"{POOLS}/vm", {"size": "2"}, task("cephsetpool", "1")),
        *started(
            "PUT",
            f"{POOLS}/vm",
            {"min_size": "2", "target_size_ratio": "2.0"},
            task("cephsetpool", "2"),
            "Could not set: x",
            log,
        ),
        STORAGES,
    ]
    here = world(calls, [VM], [pool("vm", size=2)])
    result = here.run(monkeypatch, config=[{"name": "vm", "size": 2, "target_size_ratio": 2.0}])
    assert result["failed"]
    assert result["changed"] is True
    assert (
        "its log: pool vm: applying size = 2; pool vm: applying target_size_ratio = 2; error: bad; Could not set: x"
        in (result["msg"])
    )


def test_a_lost_answer_is_awaited_and_not_repeated(monkeypatch: Any) -> None:
    running = task("cephcreatepool", "vm")
    lost = ConnectionLost("POST", POOLS, "reset", maybe_done=True)
    other = {"type": "vzdump", "upid": task("vzdump")}
    calls = [
        STORAGES,
        STORAGES,
        ("POST", POOLS, {"name": "vm"}, lost),
        ("GET", "/nodes/pve1/tasks", {"source": "active"}, [{"type": "cephcreatepool", "upid": running}, other]),
        ("GET", f"/nodes/pve1/tasks/{running}/status", {}, {"status": "stopped", "exitstatus": "OK"}),
        STORAGES,
        STORAGES,
    ]
    result = world(calls, [], [], [VM]).run(monkeypatch, config=[{"name": "vm"}])
    assert result["changed"] is True


def test_what_somebody_else_has_made_meanwhile_is_not_reset(monkeypatch: Any) -> None:
    calls = [
        STORAGES,
        STORAGES,
        *started("PUT", f"{POOLS}/vm", {"pg_autoscale_mode": "on"}, task("cephsetpool")),
        STORAGES,
    ]
    theirs = pool("vm", size=2, min_size=1)
    after = pool("vm", size=2, min_size=1, pg_autoscale_mode="on")
    here = world(calls, [], [theirs], [after])
    result = here.run(monkeypatch, config=[{"name": "vm", "pg_autoscale_mode": "on"}])
    assert result["changed"] is True
    assert result["after"][1]["size"] == 2


REFUSED: dict[str, Any] = {
    "more needed than there are": (
        {"name": "x", "size": 2, "min_size": 3},
        "min_size: is 3, more than size, which is 2",
    ),
    "out of the limits": ({"name": "x", "size": 8}, "size is 8; allowed are 1 to 7"),
    "coding without m": ({"name": "x", "erasure_coding": {"k": 2}}, "erasure_coding: needs m"),
    "one chunk": ({"name": "x", "erasure_coding": {"k": 1, "m": 1}}, "key 'k' is 1; it has to be 2 or more"),
    "a name": ({"name": "a:b"}, "name is 'a:b', not a pool's name"),
    "a size": ({"name": "x", "target_size": "10X"}, "target_size is '10X', not a size such as 500G"),
    "no rule": ({"name": "x", "crush_rule": "on_sdd"}, "there is no rule 'on_sdd'"),
    "another coding": (
        {"name": "ec", "erasure_coding": {"k": 4, "m": 2}},
        "wanted is {'k': 4, 'm': 2}. This is fixed when it is created",
    ),
    "replicated made erasure-coded": ({"name": "vm", "erasure_coding": {"k": 2, "m": 1}}, "erasure_coding is not set"),
    "no storage can be called that": ({"name": "9", "add_storages": True}, "'9' cannot be the identifier of a storage"),
}


@pytest.mark.parametrize(("item", "sentence"), REFUSED.values(), ids=REFUSED)
def test_refused_before_anything_is_written(monkeypatch: Any, item: Any, sentence: str) -> None:
    early = "allowed" in sentence or "chunk" in sentence or "it has to" in sentence or ", not a" in sentence
    result = world([] if early else [STORAGES], [VM, DATA, METADATA]).run(monkeypatch, config=[item])
    assert result["failed"] is True
    assert sentence in result["msg"]
    assert "Nothing was changed" in result["msg"]


def test_a_rule_that_may_still_come_is_a_warning_in_check_mode(monkeypatch: Any) -> None:
    result = world([STORAGES], []).run(monkeypatch, config=[{"name": "x", "crush_rule": "new"}], check=True)
    assert result["changed"] is True
    assert "there is no rule 'new'" in result["warnings"][0]


def test_gathered_and_then_overridden_changes_nothing(monkeypatch: Any) -> None:
    state = [
        pool("vm", options={"target_size_bytes": 10 * GIB, "target_size_ratio": 0.2, "pg_num_min": 8}, crush_rule=2),
        DATA,
        METADATA,
        FS,
        pool("old", application_metadata={}),
        pool("loose", type=3, crush_rule=1, erasure_code_profile="mine", application_metadata={"cephfs": {}}),
        pool("odd-data", type=3, crush_rule=1, erasure_code_profile="mine"),
        pool("odd-metadata"),
    ]
    mine = {"osd erasure-code-profile get name=mine": {**PROFILE, "crush-device-class": "ssd"}}
    rbd = storages({"storage": "vm", "type": "rbd", "pool": "vm"}, {"storage": "o", "type": "rbd", "monhost": "h"})
    gathered = world([rbd], state, **mine).run(monkeypatch, state="gathered")["gathered"]
    assert [one["name"] for one in gathered] == [".mgr", "cephfs_data", "ec", "loose", "odd", "old", "vm"]
    assert gathered[2] == {
        "name": "ec",
        "size": 3,
        "min_size": 2,
        "pg_num": 32,
        "pg_autoscale_mode": "warn",
        "application": "rbd",
        "crush_rule": "replicated_rule",
        "erasure_coding": {"failure_domain": "host", "k": 2, "m": 1},
        "add_storages": False,
    }
    assert gathered[4]["erasure_coding"]["profile"] == "mine"
    assert gathered[6]["target_size"] == "10G"
    result = world([rbd], state, **mine).run(monkeypatch, config=gathered, state="overridden")
    assert not result["failed"], result["msg"]
    assert result["changed"] is False


def test_before_there_is_a_ceph(monkeypatch: Any) -> None:
    config = [{"name": "vm", "crush_rule": "on_ssd"}]
    result = World(POOL, None).run(monkeypatch, check=True, config=config)
    assert [change["action"] for change in result["changes"]] == ["create"]
    assert result["warnings"] == ["Ceph is not set up here yet: planned against what a new Ceph has for pool."]
    result = World(POOL, None).run(monkeypatch, config=config)
    assert "Ceph is not set up on this machine" in result["msg"]


def test_a_named_profile_has_the_say() -> None:
    present = {"erasure_coding": {"k": 2, "m": 1, "failure_domain": "rack", "profile": "mine"}}
    named = {"erasure_coding": {"k": 2, "m": 1, "profile": "mine"}}
    assert prepare(dict(named), present)["erasure_coding"] == present["erasure_coding"]
    unnamed = {"erasure_coding": {"k": 2, "m": 1}}
    assert prepare(dict(unnamed), present)["erasure_coding"] == unnamed["erasure_coding"]


@pytest.mark.parametrize("release", RELEASES)
def test_every_parameter_of_the_schema_is_in_the_table(release: str) -> None:
    params = schema(release)["/nodes/{node}/ceph/pool"]["POST"]["params"]
    assert set(params) - {"node", "name"} == {one.name for one in POOL.fields}
    for one in POOL.fields:
        rule = params[one.name]
        if rule.get("enum"):
            assert sorted(one.choices) == sorted(rule["enum"])
        if one.limits:
            assert one.limits[1] == rule["maximum"]
        # Proxmox leaves pg_num to Ceph afterwards
        if "default" in rule and one.default is not None:
            assert one.default == rule["default"]


def test_every_option_is_documented() -> None:
    options = yaml.safe_load(ceph_pool.DOCUMENTATION)["options"]["config"]["suboptions"]
    spec = POOL.spec()
    assert set(options) == set(spec)
    for name, rules in spec.items():
        assert options[name]["type"] == rules["type"]
        assert options[name].get("choices", []) == list(rules.get("choices", []))
