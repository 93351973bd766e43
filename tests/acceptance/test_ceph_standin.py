"""The stand-in's Ceph is Ceph: what was recorded of Proxmox's, made again with real daemons; and what they must survive."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from ceph_under_test import DISKS, SPARE, Ceph, ceph, wait_for

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))
import compare
import golden

# Commands of the record whose output is the machine's, not Proxmox's; those that make OSDs have tests of their own.
NOT_REPLAYED = re.compile(
    r"pveceph (?:osd|install)|pvesh set /cluster/ceph/flags --noout|pvesh get /cluster/ceph/flags "
)
API = [*range(98, 112), *range(114, 130), 187, 188]
"""Numbers of the recorded API calls about Ceph."""
OF_THE_MOMENT = {"checks", "services", "children"}
MORE_OSDS = frozenset("345")
"""The record has three."""


@pytest.fixture(name="running", scope="module")
def fixture_running():
    with ceph("ceph-standin", os.environ.get("RACK_RELEASE", "trixie")) as made:
        yield made


@pytest.fixture(name="shared")
def fixture_shared():
    return golden.shared()


def _lines(text: str) -> list[str]:
    return [re.sub(r"\s+", " ", line).strip() for line in text.strip().splitlines()]


def test_daemons(running: Ceph):
    status = running.json("status")
    assert sorted(status["quorum_names"]) == running.nodes
    assert status["osdmap"]["num_up_osds"] == status["osdmap"]["num_in_osds"] == 6
    assert status["mgrmap"]["num_standbys"] == 2
    health = running.json("health", "detail")
    assert health["status"] == "HEALTH_OK", health


def test_configuration_has_the_recorded_form(running: Ceph, shared: Path):
    recorded = (shared / "golden/etc-pve/ceph.conf").read_text()
    recorded = re.sub(r"\[mds.*?(?=\[mon\.)", "", recorded, flags=re.DOTALL)
    written = running.run("pve1", "cat /etc/pve/ceph.conf")
    assert re.sub(r"fsid = \S+", "fsid", written) == re.sub(r"fsid = \S+", "fsid", recorded)
    assert running.run("pve3", "readlink /etc/ceph/ceph.conf").strip() == "/etc/pve/ceph.conf"
    made = running.run("pve2", "cd /etc/pve; find ceph priv/ceph* -type f").split()
    assert set(made) >= {"ceph/ceph.client.crash.keyring", "priv/ceph.mon.keyring", "priv/ceph.client.admin.keyring"}


@pytest.mark.skipif(os.environ.get("RACK_RELEASE") == "bookworm", reason="recorded with Ceph 18")
def test_recorded_commands(running: Ceph, shared: Path):
    """Word for word, exit codes included. They are made on pve1 in the order of the record."""
    wrong = []
    for run in golden.command_runs(shared, "4-cluster-ceph"):
        if not re.match(r"pveceph |pvesh \S+ \S*ceph", run.words) or NOT_REPLAYED.match(run.words):
            continue
        output, code = running.command("pve1", run.words.split())
        expected, found = _lines(run.output), _lines(output)
        if code != run.code or (found != expected and not (expected and found[0].startswith(expected[0]))):
            wrong.append((run.words, (run.code, expected), (code, found)))
    assert wrong == []
    running.run("pve1", "ceph fs fail cephfs")
    for path in ("fs/cephfs?remove-pools", "pool/ec1-data", "pool/ec1-metadata", "mds/pve1"):
        name, _unused, option = path.partition("?")
        status, body = running.call("pve1", "DELETE", f"/nodes/pve1/ceph/{name}", **({option: 1} if option else {}))
        assert (status, running.finish("pve1", body["data"])) == (200, "OK")
    running.settle()


@pytest.mark.skipif(os.environ.get("RACK_RELEASE") == "bookworm", reason="recorded with Ceph 18")
def test_recorded_calls(running: Ceph, shared: Path):
    """The same keys and types; the same values where they are no measurements."""
    running.run("pve1", "pveceph pool create rbdpool --pg_num 16")
    running.settle()
    known = {call.number: call for call in golden.api_calls(shared)}
    wrong, upid = [], ""
    for number in API:
        call = known[number]
        status, body = running.call("pve1", call.method, call.path.replace("{upid}", upid), **call.params)
        data = body.get("data")
        if isinstance(data, str) and data.startswith("UPID:"):
            upid = data
            result = running.finish("pve1", upid)
            # Where the record was made no CephFS could be mounted; here ceph-fuse mounts it.
            assert result == "OK", (call.name, result)
        differing = status != call.status or (status >= 400 and body != call.answer)
        exact = call.path.endswith(("/fs", "/rules", "/flags", "/value"))
        recorded = _steady(call.answer.get("data"))
        found = compare.differences(recorded, _steady(data), exact=exact, ignored=MORE_OSDS)
        if call.path.endswith("/ceph/osd") and call.method == "GET":
            found += compare.differences(_nodes(call.answer["data"]["root"]), _nodes(data["root"]), exact=False)
        if differing or (status < 400 and found):
            wrong.append((call.name, status, found))
    assert wrong == []


def _steady(data: object) -> object:
    """Without what comes and goes with the load, and numbers that Ceph gave its pools."""
    if isinstance(data, dict):
        return {
            key: _steady(value)
            for key, value in data.items()
            if key not in OF_THE_MOMENT and not key.endswith(("_sec", "pool_id", "pool_ids"))
        }
    return [_steady(entry) for entry in data] if isinstance(data, list) else data


def _nodes(node: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """One of each type (host, osd, …) of the CRUSH tree, without its children."""
    found = {node.get("type", "top"): {key: value for key, value in node.items() if key != "children"}}
    for child in node.get("children", []):
        found |= _nodes(child)
    return found


def test_storages_are_used(running: Ceph):
    """RBD by its own tools, CephFS mounted: what one node writes the others read."""
    for node in running.nodes[1:]:
        running.run(node, "pveceph mds create")
    if "cephfs" not in running.run("pve1", "cat /etc/pve/storage.cfg"):
        running.run("pve1", "pveceph fs create --add-storage 1 --pg_num 16")
    running.run("pve1", "pveceph pool create images --add_storages 1 --pg_num 16")
    for node in running.nodes:
        states = dict(line.split()[:3:2] for line in running.run(node, "pvesm status").splitlines()[1:])
        assert {states["cephfs"], states["images"]} == {"active"}, (node, states)
    running.run("pve1", "echo written on pve1 > /mnt/pve/cephfs/note")
    assert running.run("pve3", "cat /mnt/pve/cephfs/note") == "written on pve1\n"
    running.run("pve2", "rbd -p images create vm-100-disk-0 --size 64M")
    assert "images:vm-100-disk-0" in running.run("pve3", "pvesm list images")
    output, code = running.command("pve1", ["pveceph", "pool", "destroy", "images"])
    assert (code, "ceph pool 'images' still in use by storage 'images'" in output) == (0, True)
    assert "images" in running.run("pve1", "ceph osd pool ls").split()


HASH = f"head -c 16M {SPARE} | sha256sum; tail -c 16M {SPARE} | sha256sum"


@pytest.mark.parametrize(
    "spoil",
    [
        f"mkfs.ext4 -q {SPARE}",
        f"mkfs.ext4 -q {SPARE} && mkdir -p /mnt/spare && mount {SPARE} /mnt/spare",
        f"sgdisk -n 1:0:0 {SPARE}",
        f"dd if={DISKS[0]} of={SPARE} bs=1M count=1 status=none",
    ],
    ids=["ext4", "mounted", "partitions", "osd"],
)
def test_used_disks_are_refused_and_not_touched(running: Ceph, spoil: str):
    running.run("pve3", f"wipefs -qaf {SPARE} && {spoil} && sync")
    before = running.run("pve3", HASH)
    try:
        output, code = running.command("pve3", ["pveceph", "osd", "create", SPARE])
        assert (output.strip(), code) == (f"device '{SPARE}' is already in use", 25)
        assert running.run("pve3", HASH) == before
        listed = running.call("pve3", "GET", "/nodes/pve3/disks/list")[1]["data"]
        assert [disk["used"] for disk in listed if disk["devpath"] == SPARE] != []
    finally:
        running.run("pve3", f"umount /mnt/spare 2>/dev/null; wipefs -qaf {SPARE}")


def test_an_osd_is_replaced_and_the_data_is_whole(running: Ceph):
    running.run("pve1", "pveceph pool create keep --pg_num 16")
    running.run(
        "pve1",
        "for n in 1 2 3 4; do head -c 1M /dev/urandom > /tmp/o$n; rados -p keep put o$n /tmp/o$n; done",
    )
    tree = running.json("osd", "tree")["nodes"]
    ident = next(node["children"][0] for node in tree if node["name"] == "pve2")
    output, code = running.command("pve2", ["pveceph", "osd", "destroy", str(ident)])
    assert (output.strip(), code) == ("osd is in use (in == 1)", 255)
    assert running.call("pve2", "POST", f"/nodes/pve2/ceph/osd/{ident}/out")[0] == 200
    output, code = running.command("pve2", ["pveceph", "osd", "destroy", str(ident)])
    assert (output.strip(), code) == ("osd is still running (up == 1)", 255)
    safe = ["ceph", "osd", "safe-to-destroy", str(ident)]
    wait_for(lambda: running.command("pve1", safe)[1] == 0, "data that has moved off the OSD", 300)
    running.run("pve2", f"pveceph stop --service osd.{ident}")
    wait_for(lambda: _down(running, ident), "the end of the OSD", 60)
    device = running.run("pve2", f"readlink /var/lib/ceph/osd/ceph-{ident}/block").strip()
    running.run("pve2", f"pveceph osd destroy {ident} --cleanup 1")
    assert running.json("osd", "stat")["num_osds"] == 5
    running.run("pve2", f"pveceph osd create {device}")
    running.settle(seconds=300)
    assert running.json("osd", "stat")["num_up_osds"] == 6
    check = "for n in 1 2 3 4; do rados -p keep get o$n - | cmp - /tmp/o$n || exit 1; done"
    running.run("pve1", check)


def _down(running: Ceph, ident: int) -> bool:
    return not next(osd["up"] for osd in running.json("osd", "dump")["osds"] if osd["osd"] == ident)


def test_a_node_that_was_cut_comes_back_with_its_daemons(running: Ceph):
    running.site.rack.cut("pve3")
    wait_for(lambda: len(running.json("status")["quorum"]) == 2, "a quorum of two", 60)
    running.site.rack.start("pve3")
    running.settle("Ceph with all of its daemons", 300)


def test_a_monitor_is_removed_and_made_again(running: Ceph):
    running.run("pve3", "pveceph mon destroy pve3")
    written = running.run("pve1", "cat /etc/pve/ceph.conf")
    assert "mon_host = 10.98.0.11 10.98.0.12\n" in written
    assert "[mon.pve3]" not in written
    running.run("pve3", "pveceph mon create")
    running.settle()
    assert sorted(running.json("status")["quorum_names"]) == running.nodes
