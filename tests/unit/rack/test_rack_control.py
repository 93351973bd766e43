"""Processes, state, faults and the command line, without a machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from rack import cli, faults, network, processes, state
from rack.errors import RackError
from rack.rack import Rack
from rack.spec import parse_spec

SPEC = parse_spec({"nodes": 2}, "test", name="lab")


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("RACK_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("RACK_NAME", raising=False)


def make_rack(name: str) -> Rack:
    rack = Rack(name)
    rack.directory.mkdir(parents=True)
    state.write_json(rack.directory / "spec.json", {**SPEC.to_dict(), "name": name})
    return rack


@pytest.fixture
def sleeper(tmp_path):
    environment = {**os.environ, processes.MARKER: processes.marker(tmp_path, "helper")}
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment)
    yield process
    process.kill()
    process.wait()


def test_processes_are_found_by_what_they_carry(tmp_path, sleeper):
    processes.wait_until(lambda: processes.find(tmp_path), 5, "the process shows its environment")
    assert processes.find(tmp_path) == {sleeper.pid: "helper"}
    assert processes.find(tmp_path / "other") == {}
    assert sleeper.pid in processes.children_of({os.getpid()})
    assert not processes.first_in_namespace(sleeper.pid)


def test_killing_is_by_rack_and_role(tmp_path, sleeper):
    processes.wait_until(lambda: processes.find(tmp_path), 5, "the process shows its environment")
    processes.kill_all(tmp_path / "other")
    processes.kill_all(tmp_path, {"switch"})
    assert sleeper.poll() is None
    processes.kill_all(tmp_path)
    assert sleeper.wait(5) == -signal.SIGKILL


def test_a_wait_that_fails_says_for_what():
    with pytest.raises(RackError, match="pve1 answers: not so after 0 s; see the log"):
        processes.wait_until(lambda: False, 0, "pve1 answers", "see the log")


@pytest.mark.parametrize("shared", [False, True])
def test_a_lock_is_held_against_others(tmp_path, monkeypatch, shared):
    """That of a cache also against whoever has another state directory."""
    order = []
    place = tmp_path / "cache" if shared else None

    def other():
        with state.locked("x", place):
            order.append("other")

    with state.locked("x", place):
        if shared:
            monkeypatch.setenv("RACK_STATE", str(tmp_path / "another"))
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        order.append("first")
    thread.join(5)
    assert order == ["first", "other"]


def test_faults_are_added_listed_and_cleared(tmp_path):
    (tmp_path / "run").mkdir()
    assert faults.listed(tmp_path) == []
    faults.add(tmp_path, faults.rule("status", "POST /storage$", times=2, status=596))
    faults.add(tmp_path, faults.rule("delay", "GET /", times=None, seconds=1.5))
    assert faults.listed(tmp_path) == [
        {"match": "POST /storage$", "action": "status", "times": 2, "status": 596},
        {"match": "GET /", "action": "delay", "seconds": 1.5},
    ]
    faults.clear(tmp_path)
    assert faults.listed(tmp_path) == []


def test_faults_that_make_no_sense_are_refused():
    with pytest.raises(RackError, match="no regular expression"):
        faults.rule("drop", "(")
    with pytest.raises(RackError, match="200 is no HTTP error"):
        faults.rule("status", "x", status=200)
    with pytest.raises(RackError, match="no lock name"):
        faults.lock_path("../x")
    assert faults.lock_path("file-storage_cfg") == "/etc/pve/priv/lock/file-storage_cfg"


def test_the_rack_meant_is_named_chosen_or_the_only_one(monkeypatch):
    with pytest.raises(RackError, match="there is no rack"):
        Rack.find()
    make_rack("one")
    assert Rack.find().name == "one"
    make_rack("two")
    with pytest.raises(RackError, match=r"several racks \(one, two\)"):
        Rack.find()
    assert Rack.find("two").name == "two"
    monkeypatch.setenv("RACK_NAME", "one")
    assert Rack.find().name == "one"
    with pytest.raises(RackError, match="no rack 'three'; there are: one, two"):
        Rack.find("three")


def test_a_rack_may_grow_and_nothing_else():
    rack = make_rack("lab")
    rack._adopt(parse_spec({"nodes": 3}, "test", name="lab"))
    with pytest.raises(RackError, match="nodes can be added at the end"):
        rack._adopt(parse_spec({"nodes": 1}, "test", name="lab"))
    with pytest.raises(RackError, match="other nodes"):
        rack._adopt(parse_spec({"nodes": 2, "defaults": {"disks": [{"size": "1G"}]}}, "test", name="lab"))
    with pytest.raises(RackError, match="another release"):
        rack._adopt(parse_spec({"nodes": 2, "release": "bookworm"}, "test", name="lab"))


def test_a_rack_that_is_off_says_so():
    rack = make_rack("lab")
    assert {node["state"] for node in rack.status()["nodes"].values()} == {"off"}
    assert rack.status()["state"] == "half up"
    with pytest.raises(RackError, match="node pve1 of rack lab is off; `rack start pve1`"):
        rack.exec("pve1", ["true"])
    with pytest.raises(RackError, match="no running network"):
        rack.start("pve1")
    with pytest.raises(RackError, match="half up"):
        rack.inventory()


def test_a_command_in_a_machine_has_no_more_rights_than_the_machine(monkeypatch):
    rack = make_rack("lab")
    monkeypatch.setattr(rack, "leader", lambda node: 4711)
    command = rack.enter_command("pve1", ["date"])
    assert "--bounding-set=-sys_time,-sys_module" in command[: command.index("nsenter")]
    assert "--target=4711" in command and command[-1] == "date"


def test_a_link_to_a_process_that_is_no_switch_of_this_rack_is_not_followed():
    rack = make_rack("lab")
    network.handle(rack.directory).symlink_to(f"/proc/{os.getpid()}/ns/net")
    assert network.handle(rack.directory).exists() and not network.is_up(rack.directory)
    with pytest.raises(RackError, match="no running network"):
        rack.check_network()
    network.pull(rack.directory, SPEC, SPEC.nodes[0])
    assert rack.ssh_answers("pve1") is False


def test_requests_are_read_from_the_disk_of_a_machine_that_is_off():
    rack = make_rack("lab")
    log = rack.backend.layer(SPEC.nodes[0]) / "var/log/pve-standin/requests.jsonl"
    assert rack.requests("pve1") == []
    log.parent.mkdir(parents=True)
    log.write_text('{"ts": 1.5, "method": "GET"}\n{"ts": 3, "method": "PUT"}\n{"ts": 4, "me')
    assert [call["method"] for call in rack.requests("pve1")] == ["GET", "PUT"]
    assert [call["method"] for call in rack.requests("pve1", since=2)] == ["PUT"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["up", "none.yml"], "none.yml: cannot be read"),
        (["exec", "pve1"], "there is no rack"),
        (["status", "lab"], "there is no rack 'lab'"),
        (["inventory"], "there is no rack"),
    ],
)
def test_refusals_are_one_line_and_no_traceback(arguments, message, capsys):
    assert cli.main(arguments) == 1
    error = capsys.readouterr().err
    assert message in error and error.startswith("rack: ") and error.count("\n") == 1


def test_status_and_down_of_nothing_are_no_fault(capsys):
    assert cli.main(["status"]) == 0
    assert cli.main(["down"]) == 0
    assert cli.main(["down", "lab"]) == 0
    assert cli.main(["down", "../lab"]) == 0
    assert "no rack" in capsys.readouterr().out


def test_status_and_inventory_are_json(capsys):
    rack = make_rack("lab")
    state.write_json(rack.directory / "proxmox.json", {"keyring_sha256": None, "stand_in": True})
    assert cli.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["nodes"]["pve2"]["address"] == "10.99.0.12"
    assert cli.main(["inventory", "--list"]) == 0
    assert json.loads(capsys.readouterr().out)["all"]["vars"]["rack_name"] == "lab"
    assert cli.main(["inventory", "--host", "pve2"]) == 0
    assert json.loads(capsys.readouterr().out)["ansible_host"] == "10.99.0.12"


def test_a_command_is_wanted(capsys):
    make_rack("lab")
    assert cli.main(["net", "--"]) == 1
    error = capsys.readouterr().err
    assert "no running network" in error or "no command given" in error


def test_down_of_a_rack_that_never_ran_removes_it():
    rack = make_rack("lab")
    if os.geteuid() != 0:
        with pytest.raises(RackError, match="root"):
            rack.down()
        return
    rack.down()
    assert not rack.directory.exists() and Rack.names() == []
