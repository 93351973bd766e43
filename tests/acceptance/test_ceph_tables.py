"""The modules for pools, rules, settings, flags and file systems against real daemons: what was read is what is there."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest
from ceph_under_test import Ceph, ceph
from site_under_test import ROOT

TABLES = ("ceph_pool", "ceph_crush_rule", "ceph_config", "ceph_flags", "ceph_fs")
FAULTS = "/run/pve-standin/faults.json"


@pytest.fixture(name="running", scope="module")
def fixture_running():
    with ceph("ceph-tables", os.environ.get("RACK_RELEASE", "trixie")) as made:
        for node in made.nodes[:2]:
            made.run(node, "pveceph mds create")
        yield made


def call(running: Ceph, module: str, check: bool = False, **arguments: Any) -> dict[str, Any]:
    """The result of a module on the first node; C(warnings) is what Ansible prints of them."""
    settings = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_STDOUT_CALLBACK": "minimal", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
    environment = {**os.environ, **settings, "RACK_NAME": running.site.rack.name}
    words = ["ansible", "-i", "inventories/rack", running.nodes[0], "--become", "-m", f"baremetal.proxmox.{module}"]
    words += ["-a", json.dumps(arguments), *(["--check"] if check else [])]
    done = subprocess.run(
        words, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    head, arrow, text = done.stdout.partition(" => ")
    assert arrow, done.stdout + done.stderr
    warnings = [line for line in done.stderr.splitlines() if line.startswith("[WARNING]")]
    return {**json.JSONDecoder().raw_decode(text)[0], "failed": "FAILED" in head, "warnings": warnings}


def converge(running: Ceph, module: str, **arguments: Any) -> dict[str, Any]:
    """Predicted, done, and then nothing left to do."""
    predicted = call(running, module, check=True, **arguments)
    done = call(running, module, **arguments)
    assert not done["failed"], done
    assert not done.get("warnings"), done
    assert [predicted["changed"], predicted["changes"]] == [True, done["changes"]]
    again = call(running, module, **arguments)
    assert [again["failed"], again.get("changed")] == [False, False], again
    return done


def gathered(running: Ceph, module: str) -> list[dict[str, Any]]:
    return call(running, module, state="gathered")["gathered"]


def test_rules(running: Ceph):
    running.run(running.nodes[0], "ceph osd erasure-code-profile set p k=2 m=1 crush-failure-domain=osd")
    config = [
        {"name": "by_class", "type": "replicated", "device_class": device_class(running)},
        {"name": "by_osd", "type": "replicated", "failure_domain": "osd"},
        {"name": "coded", "type": "erasure", "profile": "p"},
    ]
    converge(running, "ceph_crush_rule", config=config)
    converge(running, "ceph_crush_rule", config=[{"name": "by_osd", "failure_domain": "host", "recreate": True}])
    refused = call(running, "ceph_crush_rule", config=[{"name": "x", "type": "replicated", "device_class": "floppy"}])
    assert refused["failed"]
    assert "device class" in refused["msg"], refused["msg"]
    converge(running, "ceph_crush_rule", config=[{"name": "coded"}, {"name": "by_osd"}], state="deleted")


def device_class(running: Ceph) -> str:
    return str(running.json("osd", "crush", "class", "ls")[0])


def test_pools(running: Ceph):
    config = [
        {"name": "vm", "size": 3, "min_size": 2, "pg_num": 16, "target_size": "1G", "add_storages": True},
        {"name": "auto", "pg_num": 8, "pg_autoscale_mode": "on", "target_size_ratio": 0.2, "crush_rule": "by_class"},
        {"name": "ec", "pg_num": 16, "erasure_coding": {"k": 2, "m": 1}},
    ]
    done = converge(running, "ceph_pool", config=config)
    assert [change["item"] for change in done["changes"]] == ["vm", "auto", "ec"]
    storages = running.run(running.nodes[0], "cat /etc/pve/storage.cfg")
    assert "rbd: vm" in storages
    assert "data-pool ec-data" in storages
    running.settle()
    # shown, and put right
    running.run(running.nodes[0], "ceph osd pool set vm size 2; ceph osd pool set ec-data pg_num 32")
    drift = call(running, "ceph_pool", check=True, config=config)
    assert [(change["item"], change["set"]) for change in drift["changes"]] == [("vm", ["size"]), ("ec", ["pg_num"])]
    converge(running, "ceph_pool", config=config)
    found = {pool["pool_name"]: pool for pool in running.json("osd", "dump")["pools"]}
    assert (found["vm"]["size"], found["vm"]["min_size"]) == (3, 2)


def test_sizes_and_what_ceph_makes_of_them(running: Ceph):
    converge(running, "ceph_pool", config=[{"name": "vm", "size": 2, "min_size": 1}])
    converge(running, "ceph_pool", config=[{"name": "vm", "size": 3}])
    found = {pool["pool_name"]: pool for pool in running.json("osd", "dump")["pools"]}
    assert (found["vm"]["size"], found["vm"]["min_size"]) == (3, 1)
    converge(running, "ceph_pool", config=[{"name": "vm", "min_size": 2, "target_size": 0}])
    refused = call(running, "ceph_pool", config=[{"name": "vm", "size": 1, "min_size": 1}])
    assert refused["failed"]
    assert "size" in refused["msg"], refused["msg"]
    converge(running, "ceph_pool", config=[{"name": "vm", "size": 3, "min_size": 2, "target_size": "2G"}]) if (
        call(running, "ceph_pool", check=True, config=[{"name": "vm", "size": 3, "min_size": 2, "target_size": "2G"}])[
            "changed"
        ]
    ) else None


def test_settings(running: Ceph):
    config = [
        {"who": "osd", "name": "osd_memory_target", "value": "1G"},
        {"who": f"osd/class:{device_class(running)}", "name": "osd_max_backfills", "value": 2},
        {"who": "global", "name": "mon_allow_pool_size_one", "value": "yes"},
        {"who": "mgr", "name": "target_max_misplaced_ratio", "value": 0.08},
        {"who": "client.rgw", "name": "rgw_keystone_admin_password", "secret_value": "not-for-logs"},
        {"who": "mgr", "name": "mgr_tick_period", "value": "3s"},
    ]
    done = converge(running, "ceph_config", config=config)
    assert "not-for-logs" not in json.dumps(done).replace('"secret_value": "not-for-logs"', "")
    dump = {row["name"]: row["value"] for row in running.json("config", "dump")}
    assert dump["rgw_keystone_admin_password"] == "not-for-logs"
    assert [dump["osd_memory_target"], dump["target_max_misplaced_ratio"]] == ["1073741824", "0.080000"]
    running.run(running.nodes[0], "ceph config set osd osd_memory_target 2G")
    drift = call(running, "ceph_config", check=True, config=config)
    assert [change["item"] for change in drift["changes"]] == ["osd osd_memory_target"]
    converge(running, "ceph_config", config=config)
    unknown = call(running, "ceph_config", config=[{"who": "osd", "name": "osd_memory_targt", "value": 1}])
    assert "name is 'osd_memory_targt', but Ceph has no such setting" in unknown["msg"]
    elsewhere = call(running, "ceph_config", config=[{"who": "mon", "name": "mon_osd_nearfull_ratio", "value": 0.8}])
    assert "Ceph reads it from ceph.conf only" in elsewhere["msg"]
    little = call(running, "ceph_config", config=[{"who": "osd", "name": "osd_memory_target", "value": "1M"}])
    assert "beyond the minimum of" in little["msg"]
    converge(running, "ceph_config", config=[config[2], config[4], config[5]], state="deleted")


def test_flags(running: Ceph):
    converge(running, "ceph_flags", config=[{"name": "noout"}, {"name": "pause"}])
    converge(running, "ceph_flags", config=[{"name": "nodeep-scrub"}, {"name": "pause", "value": False}])
    assert gathered(running, "ceph_flags") == [
        {"name": "nodeep-scrub", "value": True},
        {"name": "noout", "value": True},
    ]
    converge(running, "ceph_flags", config=[], state="overridden")


def test_a_file_system(running: Ceph):
    converge(running, "ceph_pool", config=[{"name": "wide", "pg_num": 8, "application": "cephfs"}])
    converge(running, "ceph_fs", config=[{"name": "cephfs", "pg_num": 16, "data_pools": ["wide"]}])
    states = [mds["state"] for mds in running.json("fs", "dump")["filesystems"][0]["mdsmap"]["info"].values()]
    assert states == ["up:active"]
    refused = call(running, "ceph_pool", config=[{"name": "wide"}], state="deleted", allow_remove=["wide"])
    assert "is part of the CephFS cephfs" in refused["msg"]


def test_what_was_gathered_is_what_is_there(running: Ceph):
    for module in TABLES:
        found = gathered(running, module)
        if module == "ceph_config":
            found = [one for one in found if "value" in one and not one["name"].startswith("mgr/")]
        again = call(running, module, check=True, config=found, state="overridden")
        assert [again["failed"], again.get("changed")] == [False, False], again


@pytest.mark.parametrize("action", ["drop", "drop-after"])
def test_a_lost_answer(running: Ceph, action: str):
    name = f"lost-{action}"
    fault = [{"match": "POST /nodes/.*/ceph/pool", "action": action, "times": 1}]
    running.run(running.nodes[0], f"mkdir -p $(dirname {FAULTS}); cat > {FAULTS}", stdin=json.dumps(fault))
    done = call(running, "ceph_pool", config=[{"name": name, "pg_num": 8}])
    assert not done["failed"], done
    assert running.run(running.nodes[0], f"cat {FAULTS}").strip() == "[]"
    tasks = running.call("pve1", "GET", "/nodes/pve1/tasks", source="all", typefilter="cephcreatepool")[1]["data"]
    assert len([task for task in tasks if task["id"] == name]) == 1
    assert call(running, "ceph_pool", config=[{"name": name, "pg_num": 8}])["changed"] is False


def test_what_a_dead_node_left_is_completed(running: Ceph):
    pair = {"config": [{"name": "half", "pg_num": 8, "erasure_coding": {"k": 2, "m": 1}}]}
    converge(running, "ceph_pool", **pair)
    remove = "ceph osd pool rm {0} {0} --yes-i-really-really-mean-it"
    running.run(running.nodes[0], remove.format("half-metadata"))
    assert converge(running, "ceph_pool", **pair)["changes"][0]["action"] == "create"
    running.run(running.nodes[0], remove.format("half-metadata"))
    gone = {"config": [{"name": "half"}], "state": "deleted", "allow_remove": ["half"]}
    assert call(running, "ceph_pool", **gone)["changed"]
    assert not [name for name in running.json("osd", "pool", "ls") if name.startswith("half")]
    running.run(running.nodes[0], "ceph osd pool create cut_data 8")
    converge(running, "ceph_fs", config=[{"name": "cut", "pg_num": 8}])
    gone = {"config": [{"name": "cut"}], "state": "deleted", "allow_remove": ["cut"]}
    assert call(running, "ceph_fs", **gone)["changed"]


def test_removal(running: Ceph):
    for state, config in (("deleted", [{"name": "vm"}]), ("overridden", [])):
        refused = call(running, "ceph_pool", config=config, state=state)
        assert "name it in allow_remove as well" in refused["msg"]
    running.run(running.nodes[0], "rbd create vm/vm-100-disk-0 --size 1M")
    used = call(running, "ceph_pool", config=[{"name": "vm"}], state="deleted", allow_remove=["vm"])
    assert "still in use by storage 'vm'" in used["msg"], used["msg"]
    running.run(running.nodes[0], "rbd rm vm/vm-100-disk-0 --no-progress")
    names = ["vm", "ec", "auto", "lost-drop", "lost-drop-after"]
    arguments = {"config": [{"name": name} for name in names], "state": "deleted", "allow_remove": names}
    assert call(running, "ceph_pool", **arguments)["changed"]
    assert call(running, "ceph_pool", **arguments)["changed"] is False
    assert "rbd:" not in running.run(running.nodes[0], "cat /etc/pve/storage.cfg")
    assert "pve_ec_ec" not in running.json("osd", "erasure-code-profile", "ls")
    assert "ec-data" not in running.json("osd", "crush", "rule", "ls")
    gone = {"config": [{"name": "cephfs"}], "state": "deleted", "allow_remove": ["cephfs"]}
    assert call(running, "ceph_fs", **gone)["changed"]
    assert call(running, "ceph_fs", **gone)["changed"] is False
    assert running.json("osd", "pool", "ls") == [".mgr"]
