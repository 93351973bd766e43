"""Hyper-converged Ceph by site.yml, with real daemons: the whole of it, a swapped disk, kills, used disks, drift.

What is expected is read from the rack's inventory, so that the demo and these tests cannot differ.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
import time
from pathlib import Path
from typing import Any

import pytest
from ceph_under_test import Ceph, machines, wait_for
from rack import contents
from site_under_test import Run, difference

RELEASE = os.environ.get("RACK_RELEASE", "trixie")
KILLS = 10
WATCHED = ("/etc", "/usr/bin", "/var/lib/dpkg", "/var/lib/ceph")
SPARE = "/dev/sdd"
HASH = f"head -c 16M {SPARE} | sha256sum; tail -c 16M {SPARE} | sha256sum"
OBJECTS = range(8)


@pytest.fixture(name="fresh", scope="module")
def fixture_fresh():
    """Machines on which nothing of Proxmox is."""
    with machines("ceph", RELEASE) as rack:
        yield rack


@pytest.fixture(name="made", scope="module")
def fixture_made(fresh: Ceph):
    """The same machines after site.yml, which was tried in check mode before."""
    before = {node: fresh.site.snapshot(node, *WATCHED) for node in fresh.nodes}
    run = fresh.site.converge("--check", "--diff")
    assert all(changed > 0 for changed in run.changed.values()), run.output
    for node in fresh.nodes:
        assert difference(before[node], fresh.site.snapshot(node, *WATCHED)) == {}
    begin = time.monotonic()
    fresh.site.converge()
    print(f"site.yml with Ceph: {time.monotonic() - begin:.0f} s")
    return fresh


def wishes(made: Ceph, name: str) -> list[dict[str, Any]]:
    return made.variables(made.nodes[0]).get(name, [])


def disks_of(made: Ceph, node: str) -> list[dict[str, Any]]:
    """What the inventory gives to Ceph, the names of disks filled in; the third disk is not among them."""
    return [{"device": name} for name in made.variables(node)["rack_disks"][:2]]


def osds(made: Ceph) -> list[dict[str, Any]]:
    """Rows of the OSD map: osd, uuid, up, in."""
    return made.json("osd", "dump")["osds"]


def unchanged(made: Ceph) -> None:
    """The next run finds nothing to do, and sends no request that is not a read."""
    writes = {node: made.site.writes(node) for node in made.nodes}
    run = made.site.converge()
    assert run.changed == dict.fromkeys(made.nodes, 0), run.output
    assert {node: made.site.writes(node) for node in made.nodes} == writes


def whole(made: Ceph) -> None:
    """Everything that the inventory asks for is there and works."""
    status = made.json("status")
    nodes, disks = made.nodes, [disk for node in made.nodes for disk in disks_of(made, node)]
    assert sorted(status["quorum_names"]) == nodes
    managers = made.json("mgr", "dump")
    assert sorted([managers["active_name"], *(row["name"] for row in managers["standbys"])]) == nodes
    assert [(row["up"], row["in"]) for row in osds(made)] == [(1, 1)] * len(disks)
    assert sorted(row["osd"] for row in osds(made)) == list(range(len(disks))), "no number is lost or doubled"
    pools = {row["pool_name"]: row for row in made.json("osd", "pool", "ls", "detail")}
    for wish in wishes(made, "pve_ceph_pools"):
        if "erasure_coding" in wish:
            assert {f"{wish['name']}-data", f"{wish['name']}-metadata"} <= pools.keys()
            assert pools[f"{wish['name']}-data"]["erasure_code_profile"]
        else:
            row = pools[wish["name"]]
            assert (row["size"], row["min_size"]) == (wish.get("size", 3), wish.get("min_size", 2))
    filesystems = {row["mdsmap"]["fs_name"]: row["mdsmap"] for row in made.json("fs", "dump")["filesystems"]}
    assert filesystems.keys() == {wish["name"] for wish in wishes(made, "pve_ceph_filesystems")}
    for mdsmap in filesystems.values():
        assert [entry["state"] for entry in mdsmap["info"].values()] == ["up:active"]
    standbys = made.json("fs", "dump")["standbys"]
    assert len(standbys) == len(wishes(made, "pve_ceph_mds")) - len(filesystems)
    accepted = set(made.variables(nodes[0]).get("pve_ceph_health_accept", []))
    assert set(made.json("health", "detail")["checks"]) <= accepted


def test_a_whole_ceph(made: Ceph):
    made.settle()
    whole(made)
    assert len(osds(made)) == 6
    assert any("erasure_coding" in wish for wish in wishes(made, "pve_ceph_pools"))
    for node in made.nodes:
        rows = [line.split() for line in made.run(node, "pvesm status").splitlines()[1:]]
        kinds = {row[1] for row in rows}
        assert {"rbd", "cephfs"} <= kinds, rows
        assert all(row[2] == "active" for row in rows if row[1] in ("rbd", "cephfs")), (node, rows)


def test_the_second_run_changes_nothing(made: Ceph):
    run = made.site.converge("--check", "--diff")
    assert run.changed == dict.fromkeys(made.nodes, 0), run.output
    unchanged(made)


# -- drift


def test_drift_is_shown_and_repaired(made: Ceph):
    """What was changed by hand: a pool's size, a flag that the inventory rules, a key of the configuration."""
    pool = next(wish["name"] for wish in wishes(made, "pve_ceph_pools") if "erasure_coding" not in wish)
    config = next(iter(wishes(made, "pve_ceph_config")))
    flag, wanted = next(iter(made.variables(made.nodes[0])["pve_ceph_flags"].items()))
    value = made.run("pve1", f"ceph config get {config['who']} {config['name']}").strip()
    made.run("pve1", f"ceph osd pool set {pool} size 2")
    made.run("pve1", f"ceph osd {'unset' if wanted else 'set'} {flag}")
    made.run("pve1", f"ceph config rm {config['who']} {config['name']}")
    run = made.site.converge("--check", "--diff")
    for word in (pool, flag, config["name"]):
        assert re.search(
            rf"^[-+].*{re.escape(word)}|{re.escape(word)}.*\n(?:.*\n){{0,30}}[-+] ", run.output, re.MULTILINE
        )
    assert sum(run.changed.values()) == 3, run.output
    assert made.json("osd", "pool", "get", pool, "size")["size"] == 2, "check mode has changed it"
    run = made.site.converge()
    assert sum(run.changed.values()) == 3, run.output
    assert made.json("osd", "pool", "get", pool, "size")["size"] == 3
    assert made.run("pve1", f"ceph config get {config['who']} {config['name']}").strip() == value
    assert (flag in made.json("osd", "dump")["flags"].split(",")) is wanted
    made.settle()
    unchanged(made)


# -- data


def write_objects(made: Ceph) -> str:
    """Objects in a replicated pool of the inventory; the command that compares them all."""
    pool = next(wish["name"] for wish in wishes(made, "pve_ceph_pools") if "erasure_coding" not in wish)
    made.run(
        "pve1",
        "mkdir -p /root/objects; for n in "
        + " ".join(map(str, OBJECTS))
        + f"; do head -c 1M /dev/urandom > /root/objects/$n; rados -p {pool} put object-$n /root/objects/$n; done;"
        + " cd /root/objects; sha256sum * > /root/objects.sha256",
    )
    reads = " ".join(map(str, OBJECTS))
    return (
        "mkdir -p /root/again; cd /root/again; rm -f *;"
        f" for n in {reads}; do rados -p {pool} get object-$n $n; done; sha256sum -c --quiet /root/objects.sha256"
    )


def at_node(made: Ceph, node: str, disks: list[dict[str, Any]], tmp_path: Path) -> list[str]:
    """Extra variables that give one machine other disks, the others those of the inventory."""
    table = {name: disks_of(made, name) for name in made.nodes} | {node: disks}
    text = json.dumps({"disks_of_test": table, "pve_ceph_osds": "{{ disks_of_test[inventory_hostname] }}"})
    file = tmp_path / "disks.json"
    file.write_text(text)
    return ["-e", f"@{file}"]


def test_a_swapped_disk(made: Ceph, tmp_path: Path):
    check = write_objects(made)
    node = "pve2"
    mine = disks_of(made, node)
    device = made.run(node, f"readlink -f {mine[0]['device']}").strip()
    numbers = [row["id"] for row in made.json("osd", "metadata") if row["hostname"] == node]
    dead = next(n for n in numbers if made.run(node, f"readlink -f /var/lib/ceph/osd/ceph-{n}/block").strip() == device)
    others = {row["osd"]: row["uuid"] for row in osds(made) if row["osd"] != dead}
    # The disk dies with its daemon, and an empty one takes its place
    made.run(node, f"systemctl kill -s KILL ceph-osd@{dead}; systemctl stop ceph-osd@{dead}")
    made.run(node, f"rm -rf /var/lib/ceph/osd/ceph-{dead}; blkdiscard --force --zeroout {device}; wipefs -a {device}")
    wait_for(lambda: not next(row["up"] for row in osds(made) if row["osd"] == dead), "the end of the OSD", 120)
    made.run("pve1", check)
    disks = [{**mine[0], "replaces": [dead]}, *mine[1:]]
    run = made.site.converge(*at_node(made, node, disks, tmp_path))
    assert run.changed[node] > 0, run.output
    made.settle(seconds=300)
    assert {row["osd"]: row["uuid"] for row in osds(made) if row["osd"] in others} == others, "another OSD was touched"
    whole(made)
    made.run("pve1", check)
    unchanged(made)


# -- used disks


def physical_volume(tmp_path: Path) -> str:
    """The beginning of one, in base64: a container has no device mapper for pvcreate."""
    file = tmp_path / "volume"
    file.write_bytes(bytes(8192))
    contents.lvm(file, 2**30)
    return base64.b64encode(file.read_bytes()).decode()


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (f"mkfs.ext4 -q {SPARE}", "ext4"),
        (f"mkfs.ext4 -q {SPARE} && mkdir -p /mnt/spare && mount -o ro,noload {SPARE} /mnt/spare", "mounted"),
        (f"base64 -d | dd of={SPARE} conv=notrunc status=none", "LVM"),
        ("dd if=DATA of=" + SPARE + " bs=1M count=16 status=none", "OSD"),
    ],
    ids=["ext4", "mounted", "lvm", "osd"],
)  # fmt: skip
@pytest.mark.parametrize("wipe", [False, True], ids=["", "wipe"])
def test_a_used_disk_is_refused(made: Ceph, tmp_path: Path, spoil: str, found: str, wipe: bool):
    """By name, bytes unchanged. With consent, what is mounted or belongs to another OSD is refused all the same."""
    node = "pve3"
    mine = disks_of(made, node)
    data = made.run(node, f"readlink -f {mine[0]['device']}").strip()
    spare = made.variables(node)["rack_disks"][2]
    made.run(node, spoil.replace("DATA", data), physical_volume(tmp_path))
    before = made.run(node, HASH)
    known = [row["uuid"] for row in osds(made)]
    consent = ["-e", "ceph_allow_wipe=true"] if wipe else []
    disks = [*mine, {"device": spare, **({"wipe": True} if wipe else {})}]
    try:
        if wipe and found in ("ext4", "LVM"):
            pytest.skip("with consent it is wiped: test_a_disk_is_wiped_with_consent")
        run = made.site.play(*consent, *at_node(made, node, disks, tmp_path), playbook="ceph.yml")
        assert run.code != 0, run.output
        refused(run, node, spare, found)
        assert made.run(node, HASH) == before
        assert [row["uuid"] for row in osds(made)] == known
    finally:
        made.run(node, f"umount /mnt/spare 2>/dev/null; wipefs -qaf {SPARE}; blkdiscard -zf -l 32M {SPARE}")


def refused(run: Run, node: str, device: str, found: str) -> None:
    said = re.sub(r"\s+", " ", run.output)
    assert "Traceback" not in said
    assert re.search(rf"{node}.{{0,200}}{re.escape(device)}.{{0,400}}{found}", said, re.IGNORECASE), run.output


def test_a_disk_is_wiped_with_consent(made: Ceph, tmp_path: Path):
    """Both are needed, the word in the inventory and the one of the run; then the OSD goes as it came."""
    node = "pve3"
    mine, spare = disks_of(made, node), made.variables(node)["rack_disks"][2]
    made.run(node, f"mkfs.ext4 -q {SPARE}")
    before = made.run(node, HASH)
    for arguments, wipe in (([], True), (["-e", "ceph_allow_wipe=true"], False)):
        disks = at_node(made, node, [*mine, {"device": spare, "wipe": wipe}], tmp_path)
        run = made.site.play(*arguments, *disks, playbook="ceph.yml")
        assert run.code != 0, run.output
        assert made.run(node, HASH) == before
    disks = at_node(made, node, [*mine, {"device": spare, "wipe": True}], tmp_path)
    made.site.converge("-e", "ceph_allow_wipe=true", *disks)
    assert len(osds(made)) == 7
    check = write_objects(made)
    made.site.converge("-e", json.dumps({"pve_ceph_osds_remove": [spare]}), "--limit", node)
    assert len(osds(made)) == 6
    made.settle(seconds=300)
    made.run("pve1", check)
    unchanged(made)


# -- kills


def test_a_monitor_that_was_killed_comes_back(made: Ceph):
    made.run("pve3", "systemctl mask --runtime ceph-mon@pve3; systemctl kill -s KILL ceph-mon@pve3")
    wait_for(lambda: len(made.json("status")["quorum"]) == 2, "a quorum of two", 60)
    made.run("pve3", "systemctl stop ceph-mon@pve3; systemctl unmask --runtime ceph-mon@pve3")
    run = made.site.converge()
    assert run.changed["pve3"] > 0, run.output
    made.settle()
    whole(made)
    unchanged(made)


def test_runs_of_the_ceph_phase_that_were_killed():
    """One machine after another would take hours: the same machines are killed ten times on their way."""
    with machines("ceph-killed", RELEASE) as fresh:
        fresh.site.converge("--skip-tags", "ceph")
        moments = [round(random.uniform(5, 60), 1) for _kill in range(KILLS)]
        print(f"killed after {moments} s")
        for moment in moments:
            fresh.site.kill_after(moment, playbook="ceph.yml")
        fresh.site.converge()
        fresh.settle(seconds=300)
        whole(fresh)
        unchanged(fresh)


def test_a_node_that_was_cut_while_its_osds_were_made():
    with machines("ceph-cut", RELEASE) as fresh:
        fresh.site.converge("--skip-tags", "ceph")
        process = fresh.site.start(playbook="ceph.yml")
        begun = ["sh", "-c", 'test -n "$(ls -A /var/lib/ceph/osd 2>/dev/null)"']
        wait_for(lambda: fresh.site.rack.exec("pve2", begun).returncode == 0, "the first OSD on pve2", 900)
        fresh.site.rack.cut("pve2")
        output, _none = process.communicate(timeout=1200)
        assert process.returncode != 0, output
        fresh.site.rack.start("pve2")
        fresh.site.converge()
        fresh.settle(seconds=300)
        whole(fresh)
        unchanged(fresh)
