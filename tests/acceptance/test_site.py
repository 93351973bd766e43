"""The long tests: what a run must be, seen on real machines. Each takes minutes; `make acceptance` runs them."""

from __future__ import annotations

import random
import re
import time

import pytest
from rack.rack import Rack
from rack.spec import load_spec
from site_under_test import SPEC, Site, difference, site

KILLS = 10


@pytest.fixture(name="undisturbed", scope="module")
def fixture_undisturbed():
    """(/etc/pve, seconds) of a cluster that was made without disturbance."""
    with site("undisturbed") as fresh:
        begin = time.monotonic()
        fresh.converge()
        seconds = time.monotonic() - begin
        return fresh.cluster_files("pve1"), seconds


def test_check_mode_writes_nothing_and_the_second_run_changes_nothing():
    with site("check") as fresh:
        before = {node: fresh.snapshot(node, "/etc", "/usr/bin", "/var/lib/dpkg") for node in fresh.nodes}
        run = fresh.converge("--check", "--diff")
        assert all(changed > 0 for changed in run.changed.values()), run.output
        after = {node: fresh.snapshot(node, "/etc", "/usr/bin", "/var/lib/dpkg") for node in fresh.nodes}
        assert {node: difference(before[node], after[node]) for node in fresh.nodes} == {key: {} for key in fresh.nodes}

        fresh.converge()
        before = {node: fresh.snapshot(node, "/etc") for node in fresh.nodes}
        writes = {node: fresh.writes(node) for node in fresh.nodes}
        for arguments in (("--check", "--diff"), ()):
            run = fresh.converge(*arguments)
            assert run.changed == dict.fromkeys(fresh.nodes, 0), run.output
            after = {node: fresh.snapshot(node, "/etc") for node in fresh.nodes}
            assert {node: difference(before[node], after[node]) for node in fresh.nodes} == {
                key: {} for key in fresh.nodes
            }
            assert {node: fresh.writes(node) for node in fresh.nodes} == writes


def _moments(seconds: float) -> list[float]:
    """Random moments, one in each of as many equal parts of a run, so that every phase gets its share."""
    part = seconds / KILLS
    return [round(part * (index + random.random()), 1) for index in range(KILLS)]


@pytest.mark.parametrize("index", range(KILLS))
def test_a_run_that_was_killed_is_completed_by_the_next(undisturbed, index):
    expected, seconds = undisturbed
    moment = _moments(seconds)[index]
    print(f"killed after {moment} s of {seconds:.0f} s")
    with site("killed") as fresh:
        fresh.kill_after(moment)
        fresh.converge()
        assert difference(expected, fresh.cluster_files("pve1")) == {}
        assert fresh.converge().changed == dict.fromkeys(fresh.nodes, 0)


def _wait_for(condition, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.05)


@pytest.mark.parametrize("stage", ["/etc/corosync/authkey", "/var/lib/pve-cluster/backup"])
def test_a_node_that_was_cut_in_its_join_is_joined_by_the_next_run(undisturbed, stage):
    """The plug is pulled when pvecm add has left the named file behind."""
    expected, _seconds = undisturbed
    with site("cut") as fresh:
        process = fresh.start()
        there = ["sh", "-c", f'test -e {stage} && test -n "$(ls -A {stage})"']
        _wait_for(lambda: fresh.rack.exec("pve2", there).returncode == 0, 600, f"{stage} on pve2")
        fresh.rack.cut("pve2")
        output, _none = process.communicate(timeout=900)
        assert process.returncode != 0, output
        fresh.rack.start("pve2")
        fresh.converge()
        assert difference(expected, fresh.cluster_files("pve1")) == {}
        assert fresh.converge().changed == dict.fromkeys(fresh.nodes, 0)


def _corosync(fresh: Site, node: str) -> str:
    return fresh.run(node, ["cat", "/etc/pve/corosync.conf"])


def test_a_member_of_another_cluster_is_refused_by_name():
    with site("foreign") as fresh:
        fresh.converge("--limit", "pve3", "-e", "pve_hosts=pve3", "-e", "pve_cluster_name=lab")
        before = {node: fresh.snapshot(node, "/etc") for node in fresh.nodes}
        run = fresh.play()
        assert run.code != 0
        assert re.search(
            r"pve3: pve_cluster_name: expected .*'rack'.*cluster 'lab'", re.sub(r"\s+", " ", run.output)
        ), run.output
        assert "Traceback" not in run.output
        after = {node: fresh.snapshot(node, "/etc") for node in fresh.nodes}
        assert {node: difference(before[node], after[node]) for node in fresh.nodes} == {key: {} for key in fresh.nodes}


def test_a_member_that_is_down_is_told_and_stops_nobody_else():
    with site("down") as fresh:
        fresh.converge()
        fresh.rack.cut("pve3")
        _wait_for(
            lambda: (
                "Total votes:      2"
                in fresh.rack.exec("pve1", ["pvecm", "status"], capture_output=True, text=True).stdout
            ),
            60,
            "pve3 to leave",
        )
        run = fresh.play(playbook="verify.yml")
        output = re.sub(r"\s+", " ", run.output)
        assert run.code != 0
        assert "pve3: expected an answer over SSH, found none" in output
        assert "pve1: expected pve3 online, found it offline" in output
        assert "pve2: expected pve3 online, found it offline" in output
        assert fresh.converge("--limit", "pve1", "--tags", "host,cluster,storage").changed == {"pve1": 0}


def test_limit_does_not_make_another_machine_the_first():
    with site("limit") as fresh:
        run = fresh.play("--limit", "pve2")
        assert run.code != 0
        assert "expected pve1 in this run, because it creates the cluster" in re.sub(r"\s+", " ", run.output)


def test_a_fourth_machine_joins_and_nothing_else_changes():
    with site("grow") as fresh:
        fresh.converge()
        before = {node: fresh.snapshot(node, "/etc") for node in fresh.nodes}
        grown = Site(Rack.bring_up(load_spec(SPEC, "grow", "trixie", 4)))
        run = grown.converge()
        assert {node: run.changed[node] for node in fresh.nodes} == dict.fromkeys(fresh.nodes, 0)
        assert run.changed["pve4"] > 0
        assert all("name: pve4" in _corosync(grown, node) for node in grown.nodes)
        after = {node: grown.snapshot(node, "/etc") for node in fresh.nodes}
        for node in fresh.nodes:
            changed = {path for path in difference(before[node], after[node]) if "/nodes/pve4" not in path}
            assert changed <= {
                "/etc/corosync/corosync.conf",
                "/etc/pve/corosync.conf",
                "/etc/pve/priv/authorized_keys",
                "/etc/pve/priv/known_hosts",
                "/etc/pve/priv/pve-root-ca.srl",
            }
        assert grown.converge().changed == dict.fromkeys(grown.nodes, 0)
