# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import CephError
from ansible_collections.baremetal.proxmox.plugins.modules import ceph_mon
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.ceph_world import (
    ADDRESS,
    FSID,
    World,
    failing,
    quorum,
)
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_ceph import Then

UNIT = "ceph-mon@pve1"
STORE = "var/lib/ceph/mon/ceph-pve1"
DONE = {"name": "pve1", "address": "10.98.0.11", "in_quorum": True, "running": True, "enabled": True}
NOBODY = CephError("quorum_status", 110, "")
CREATED = [("POST", "ceph/mon/pve1", {})]
DESTROYED = [("DELETE", "ceph/mon/pve1", {})]
START = ["chown -R ceph:ceph /var/lib/ceph/mon/ceph-pve1", f"systemctl start {UNIT}.service"]
ENABLE = f"systemctl enable {UNIT}.service"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: Any) -> World:
    return World(tmp_path, monkeypatch)


def creates(world: World, *others: str) -> None:
    """POST makes the whole monitor."""

    def made() -> None:
        assert not (world.root / STORE).exists(), "Proxmox refuses a directory that is there"
        world.initialise(*others, "pve1")
        world.daemon("mon")
        world.ceph.answers["quorum_status"] = quorum(*others, "pve1")

    world.api.on["POST ceph/mon/pve1"] = made


def test_the_first_monitor(world: World) -> None:
    world.initialise()
    creates(world)
    checked = world.run(ceph_mon, check=True)
    assert (checked["changed"], checked["actions"], world.quiet()) == (True, ["create"], True)
    assert checked["diff"] == {
        "before": {"monitor": None},
        "after": {"monitor": {"name": "pve1", "running": True, "enabled": True}},
    }
    result = world.run(ceph_mon, {"address": "10.98.0.11"})
    assert result["monitor"] == DONE
    assert world.api.calls == [("POST", "ceph/mon/pve1", {"mon-address": "10.98.0.11"})]
    assert world.cli.done == []


def test_a_first_one_where_another_node_has_a_rest(world: World) -> None:
    world.initialise()
    world.api.mons = [[{"name": "pve2", "host": "pve2", "direxists": 1}]]
    result = world.run(ceph_mon, {"timeout": 0})
    assert "pve1: monitor pve1 to be the first; last seen: pve2 on pve2" in result["msg"]
    assert world.quiet()


def test_one_that_works(world: World) -> None:
    world.initialise("pve1")
    world.daemon("mon")
    world.ceph.answers["quorum_status"] = quorum("pve1")
    result = world.run(ceph_mon)
    assert (result["changed"], result["actions"], result["monitor"], world.quiet()) == (False, [], DONE, True)
    assert set(world.ceph.calls) == {"quorum_status"}


def test_another_address(world: World) -> None:
    world.initialise("pve1")
    world.daemon("mon")
    world.ceph.answers["quorum_status"] = quorum("pve1")
    assert "expected 10.97.0.11, found 10.98.0.11" in world.run(ceph_mon, {"address": "10.97.0.11"})["msg"]
    assert world.run(ceph_mon, {"address": "10.98.0.11"})["changed"] is False


def test_one_more_waits_until_it_is_in_quorum(world: World) -> None:
    world.initialise("pve2", "pve3")
    creates(world, "pve2", "pve3")
    whole, joining = quorum("pve2", "pve3", "pve1"), quorum("pve2", "pve3", out="pve1")
    made = world.api.on["POST ceph/mon/pve1"]

    def slowly() -> None:
        made()
        world.ceph.answers["quorum_status"] = Then(joining, joining, NOBODY, joining, whole)

    world.api.on["POST ceph/mon/pve1"] = slowly
    world.ceph.answers["quorum_status"] = quorum("pve2", "pve3")
    assert world.run(ceph_mon)["monitor"] == DONE
    assert world.now == 3


def test_one_that_never_joins(world: World) -> None:
    world.initialise("pve1", "pve2")
    world.daemon("mon")
    world.ceph.answers["quorum_status"] = quorum("pve2", out="pve1")
    result = world.run(ceph_mon, {"timeout": 20})
    assert "waited 20 s for pve1: monitor pve1 to be in quorum; last seen: in quorum: pve2; not: pve1" in result["msg"]
    assert result["msg"].endswith(f"{UNIT} is active: see 'journalctl -u {UNIT}'.")


def test_one_that_systemd_gives_up(world: World) -> None:
    world.initialise("pve1", "pve2")
    world.daemon("mon", state="inactive")
    world.ceph.answers["quorum_status"] = quorum("pve2", out="pve1")
    world.on_start[UNIT] = lambda: world.units.update({UNIT: "failed"})
    result = world.run(ceph_mon)
    assert f"expected {UNIT} to run, found that it ends as soon as it is started" in result["msg"]


def test_one_that_was_killed_is_started(world: World) -> None:
    world.initialise("pve1", "pve2", "pve3")
    world.daemon("mon", state="failed")
    world.ceph.answers["quorum_status"] = quorum("pve2", "pve3", out="pve1")
    world.on_start[UNIT] = lambda: world.ceph.answers.update({"quorum_status": quorum("pve1", "pve2", "pve3")})
    result = world.run(ceph_mon)
    assert (result["actions"], result["monitor"]) == (["start"], DONE)
    assert world.cli.done == [START[0], f"systemctl reset-failed {UNIT}.service", START[1]]
    assert world.api.calls == []


def test_the_first_cut_off_before_its_start(world: World) -> None:
    """ceph.conf names it, nothing runs, so nobody answers."""
    world.initialise("pve1")
    world.daemon("mon", state="inactive", enabled=False)
    (world.root / "etc/pve/ceph").mkdir()
    world.ceph.answers |= {
        "quorum_status": NOBODY,
        "config dump": [],
        "config set name=auth_allow_insecure_global_id_reclaim value=false who=mon": None,
        "auth get-or-create *": "[client.crash]\n\tkey = AQ==\n",
    }
    world.on_start[UNIT] = lambda: world.ceph.answers.update({"quorum_status": quorum("pve1")})
    result = world.run(ceph_mon)
    assert (result["actions"], result["monitor"]) == (["start", "enable"], DONE)
    assert world.cli.done == [*START, ENABLE]
    assert [call for call in world.ceph.calls if call != "quorum_status"] == [
        "config dump",
        "config set name=auth_allow_insecure_global_id_reclaim value=false who=mon",
        "auth get-or-create caps=mon,profile crash,mgr,profile crash entity=client.crash format=plain",
    ]
    assert world.conf()["client.crash"] == {"keyring": "/etc/pve/ceph/$cluster.$name.keyring"}
    assert (world.root / "etc/pve/ceph/ceph.client.crash.keyring").read_text() == "[client.crash]\n\tkey = AQ==\n"


def test_one_that_runs_and_is_not_enabled(world: World) -> None:
    world.initialise("pve1", "pve2")
    world.daemon("mon", enabled=False)
    world.ceph.answers["quorum_status"] = quorum("pve1", "pve2")
    assert (world.run(ceph_mon)["actions"], world.cli.done) == (["enable"], [ENABLE])


def test_one_that_ceph_conf_does_not_name(world: World) -> None:
    world.initialise("pve2")
    world.daemon("mon")
    world.ceph.answers["quorum_status"] = quorum("pve2", "pve1")
    assert world.run(ceph_mon)["actions"] == ["conf"]
    assert world.conf()["global"]["mon_host"] == "10.98.0.12 10.98.0.11"
    assert world.conf()["mon.pve1"] == {"public_addr": "10.98.0.11"}


@pytest.mark.parametrize("store", [False, True])
@pytest.mark.parametrize("section", [False, True])
def test_a_second_one_cut_off_before_it_joined(world: World, store: bool, section: bool) -> None:
    """It is in no map, and does not run: it is made anew, and a store is kept."""
    world.initialise("pve2", *(["pve1"] if section else []))
    world.daemon("mon", state="inactive", enabled=False, heart=store)
    world.ceph.answers["quorum_status"] = quorum("pve2")
    world.cli.answers = {"ceph-mon -i pve1 --extract-monmap": "", "monmaptool --print": f"epoch 2\nfsid {FSID}\n"}
    world.api.mons = [[{"name": "pve1", "direxists": 1}, {"name": "pve2"}], [{"name": "pve2"}]]
    creates(world, "pve2")
    result = world.run(ceph_mon)
    assert (result["actions"], result["monitor"]) == (["forget", "create"], DONE)
    assert (world.api.calls, world.cli.done, world.now) == (CREATED, [], 1)
    kept = list(world.root.glob("var/lib/ceph/set-aside/mon-pve1-*/store.db/CURRENT"))
    assert len(kept) == store
    assert len(result["warnings"]) == store


def test_the_first_cut_off_before_ceph_conf(world: World) -> None:
    world.initialise()
    world.write("etc/pve/priv/ceph.mon.keyring", "[mon.]\n\tkey = AQ==\n")
    world.daemon("mon", state="inactive", enabled=False)
    world.cli.answers = {"ceph-mon -i pve1 --extract-monmap": "", "monmaptool --print": f"epoch 0\nfsid {FSID}\n"}
    creates(world)
    result = world.run(ceph_mon)
    assert (result["actions"], result["monitor"], result["warnings"]) == (["forget", "create"], DONE, [])
    assert not (world.root / "etc/pve/priv/ceph.mon.keyring").exists(), "it lacked client.admin"


@pytest.mark.parametrize(("epoch", "fsid"), [(4, FSID), (0, "other"), (7, "other")])
def test_a_store_that_may_be_all_there_is(world: World, epoch: int, fsid: str) -> None:
    world.initialise()
    world.daemon("mon", state="inactive", enabled=False)
    world.cli.answers = {"ceph-mon -i pve1 --extract-monmap": "", "monmaptool --print": f"epoch {epoch}\nfsid {fsid}\n"}
    for arguments in ({}, {"state": "absent"}):
        result = world.run(ceph_mon, arguments)
        assert result["failed"] and f"has run (Ceph {fsid}, map {epoch})" in result["msg"]
    assert world.quiet() and (world.root / STORE / "store.db/CURRENT").exists()


def test_a_store_of_another_ceph_beside_a_quorum(world: World) -> None:
    world.initialise("pve2")
    world.daemon("mon", state="inactive", enabled=False)
    world.ceph.answers["quorum_status"] = quorum("pve2")
    world.cli.answers = {"ceph-mon -i pve1 --extract-monmap": "", "monmaptool --print": "epoch 9\nfsid other\n"}
    assert "Nothing was touched" in world.run(ceph_mon)["msg"]
    assert world.quiet() and (world.root / STORE / "store.db/CURRENT").exists()


def test_a_node_that_was_installed_anew(world: World) -> None:
    world.initialise("pve1", "pve2", "pve3")
    world.ceph.answers |= {"quorum_status": quorum("pve2", "pve3", out="pve1"), "mon remove name=pve1": None}
    creates(world, "pve2", "pve3")
    result = world.run(ceph_mon)
    assert (result["actions"], result["monitor"]) == (["forget", "create"], DONE)
    assert "mon remove name=pve1" in world.ceph.calls


def test_a_name_that_is_taken_elsewhere(world: World) -> None:
    world.initialise("pve1", "pve2")
    world.ceph.answers["quorum_status"] = quorum("pve1", "pve2")
    assert "Two monitors cannot have one name" in world.run(ceph_mon)["msg"]
    assert "found it running elsewhere" in world.run(ceph_mon, {"state": "absent"})["msg"]
    assert world.quiet()


def test_monitors_that_do_not_answer(world: World) -> None:
    world.initialise("pve2", "pve3")
    world.ceph.answers["quorum_status"] = NOBODY
    assert "expected the monitors at 10.98.0.12 10.98.0.13 to answer" in world.run(ceph_mon)["msg"]
    assert world.quiet()


def test_other_errors_of_ceph_are_not_hidden(world: World) -> None:
    world.initialise("pve2")
    world.ceph.answers["quorum_status"] = CephError("quorum_status", 13, "access denied")
    assert world.run(ceph_mon)["msg"].startswith("ceph quorum_status: access denied (EACCES)")


def test_a_monitor_without_a_configuration(world: World) -> None:
    world.initialise()
    world.daemon("mon")
    assert "Was ceph.conf replaced?" in world.run(ceph_mon)["msg"]


def test_a_task_of_a_run_that_was_killed_goes_on(world: World) -> None:
    world.initialise()
    creates(world)
    effect = world.api.on.pop("POST ceph/mon/pve1")
    row = {"type": "cephcreatemon", "id": "mon.pve1", "upid": "UPID:pve1:1:"}
    world.api.running = [{**row, "id": "mon.pve2"}, {**row, "endtime": 5}, row]
    send = world.api.send

    def watched(method: str, path: str, params: Any, timeout: float) -> Any:
        if path.endswith("UPID:pve1:1:/status"):
            effect()
        return send(method, path, params, timeout)

    world.api.send = watched  # type: ignore[method-assign]
    result = world.run(ceph_mon)
    assert (result["changed"], result["monitor"], world.api.calls) == (False, DONE, [])


def test_a_lock_that_another_node_holds(world: World) -> None:
    world.initialise("pve2")
    world.ceph.answers["quorum_status"] = quorum("pve2")
    creates(world, "pve2")
    made = world.api.on["POST ceph/mon/pve1"]
    busy = failing("cfs-lock 'file-ceph_conf' error: got lock request timeout", world.api, "ceph/mon/pve1")
    turns = [busy, busy, made]

    def turn() -> object:
        return turns.pop(0)()

    world.api.on["POST ceph/mon/pve1"] = turn
    assert world.run(ceph_mon)["monitor"] == DONE
    assert world.api.calls == CREATED * 3


def test_a_task_that_fails(world: World) -> None:
    world.initialise("pve2")
    world.ceph.answers["quorum_status"] = quorum("pve2")
    world.api.on["POST ceph/mon/pve1"] = failing("no space left", world.api, "ceph/mon/pve1")
    result = world.run(ceph_mon)
    assert result["failed"] and "no space left" in result["msg"] and result["log_tail"] == ["as in the log"]


# Removal


def three(world: World, *, out: str = "") -> None:
    world.initialise("pve1", "pve2", "pve3")
    world.daemon("mon")
    names = [name for name in ADDRESS if name not in out]
    world.ceph.answers["quorum_status"] = quorum(*names, out=out)

    def gone() -> None:
        world.initialise("pve2", "pve3")
        (world.root / STORE / "store.db/CURRENT").unlink()
        (world.root / STORE / "store.db").rmdir()
        (world.root / STORE).rmdir()
        world.systemctl("disable", UNIT)
        world.units[UNIT] = "inactive"
        world.ceph.answers["quorum_status"] = quorum("pve2", "pve3")

    world.api.on["DELETE ceph/mon/pve1"] = gone


def test_removal(world: World) -> None:
    three(world)
    checked = world.run(ceph_mon, {"state": "absent"}, check=True)
    assert (checked["actions"], checked["diff"]["after"], world.quiet()) == (["destroy"], {"monitor": None}, True)
    result = world.run(ceph_mon, {"state": "absent"})
    assert (result["changed"], result["monitor"], world.api.calls) == (True, None, DESTROYED)
    assert world.run(ceph_mon, {"state": "absent"})["changed"] is False


def test_removal_that_would_cost_the_quorum(world: World) -> None:
    three(world, out="pve3")
    result = world.run(ceph_mon, {"state": "absent"})
    assert "expected most of the other monitors in quorum, found 1 of 2 (pve2)" in result["msg"]
    assert world.quiet()


def test_removal_of_one_that_is_out_of_quorum(world: World) -> None:
    three(world, out="pve1")
    world.units[UNIT] = "failed"
    assert world.run(ceph_mon, {"state": "absent"})["actions"] == ["destroy"]


def test_removal_of_the_last(world: World) -> None:
    world.initialise("pve1")
    world.daemon("mon")
    world.ceph.answers["quorum_status"] = quorum("pve1")
    assert "found 0 of 0 (none)" in world.run(ceph_mon, {"state": "absent"})["msg"]
    assert world.quiet()


def test_removal_without_a_quorum(world: World) -> None:
    three(world)
    world.ceph.answers["quorum_status"] = NOBODY
    assert "expected a quorum that agrees" in world.run(ceph_mon, {"state": "absent"})["msg"]
    assert world.quiet()


def test_a_removal_that_was_cut_off(world: World) -> None:
    """Out of the map, and all else still there."""
    world.initialise("pve1", "pve2", "pve3")
    world.daemon("mon", state="inactive")
    world.ceph.answers["quorum_status"] = quorum("pve2", "pve3")
    world.cli.answers = {"ceph-mon -i pve1 --extract-monmap": 1}
    result = world.run(ceph_mon, {"state": "absent"})
    assert (result["actions"], world.api.calls) == (["forget"], [])
    assert world.cli.done == [f"systemctl disable {UNIT}.service"]
    assert world.conf()["global"]["mon_host"] == "10.98.0.12 10.98.0.13"
    assert "mon.pve1" not in world.conf() and not (world.root / STORE).exists()
    assert len(result["warnings"]) == 1, "what cannot be read is kept"


# Without a Ceph


def test_without_a_ceph(world: World) -> None:
    for prepare in (lambda: None, world.install):
        prepare()
        result = world.run(ceph_mon, check=True)
        assert (result["changed"], result["actions"], len(result["warnings"])) == (True, ["create"], 1)
        assert world.run(ceph_mon)["failed"] is True
        assert world.run(ceph_mon, {"state": "absent"})["changed"] is False
    assert world.quiet() and world.ceph.calls == []


def test_a_name_that_cannot_be(world: World) -> None:
    assert "found 'a/b'" in world.run(ceph_mon, {"name": "a/b"})["msg"]
