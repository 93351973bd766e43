"""Hyper-converged Ceph by site.yml, with real daemons: the whole of it, drift, a swapped disk, used disks, a dead monitor.

Kills on the way are in test_ceph_kills. What is expected is read from the rack's inventory, so that the demo and these
tests cannot differ.
"""

from __future__ import annotations

import base64
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
from ceph_under_test import Ceph, disks_of, machines, osds, unchanged, wait_for, whole, wishes, write_objects
from rack import contents
from site_under_test import Run, difference

RELEASE = os.environ.get("RACK_RELEASE", "trixie")
WATCHED = ("/etc", "/usr/bin", "/var/lib/dpkg", "/var/lib/ceph")
SPARE = "/dev/sdd"
HASH = f"head -c 16M {SPARE} | sha256sum; tail -c 16M {SPARE} | sha256sum"


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


def again(made: Ceph, *arguments: str) -> Run:
    """The phase of Ceph, which must succeed."""
    return made.site.converge(*arguments, playbook="ceph.yml")


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
    unchanged(made, "site.yml")


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
    run = again(made, "--check", "--diff")
    for word in (pool, flag, config["name"]):
        assert re.search(
            rf"^[-+].*{re.escape(word)}|{re.escape(word)}.*\n(?:.*\n){{0,30}}[-+] ", run.output, re.MULTILINE
        )
    assert sum(run.changed.values()) == 3, run.output
    assert made.json("osd", "pool", "get", pool, "size")["size"] == 2, "check mode has changed it"
    run = again(made)
    assert sum(run.changed.values()) == 3, run.output
    assert made.json("osd", "pool", "get", pool, "size")["size"] == 3
    assert made.run("pve1", f"ceph config get {config['who']} {config['name']}").strip() == value
    assert (flag in made.json("osd", "dump")["flags"].split(",")) is wanted
    made.settle()
    unchanged(made)


# -- data


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
    made.run(node, f"rm -rf /var/lib/ceph/osd/ceph-{dead}; blkdiscard --force {device}; wipefs -a {device}")
    wait_for(lambda: not next(row["up"] for row in osds(made) if row["osd"] == dead), "the end of the OSD", 120)
    made.run("pve1", check)
    disks = [{**mine[0], "replaces": [dead]}, *mine[1:]]
    run = again(made, *at_node(made, node, disks, tmp_path))
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


USES = {
    "ext4": f"mkfs.ext4 -q {SPARE}",
    "mounted": f"mkfs.ext4 -q {SPARE} && mkdir -p /mnt/spare && mount -o ro,noload {SPARE} /mnt/spare",
    "LVM": f"base64 -d | dd of={SPARE} conv=notrunc status=none",
    "OSD": f"dd if=DATA of={SPARE} bs=1M count=16 status=none",
}


# what may be wiped with consent is in test_a_disk_is_wiped_with_consent
@pytest.mark.parametrize(("use", "wipe"), [*((use, False) for use in USES), ("mounted", True), ("OSD", True)])
def test_a_used_disk_is_refused(made: Ceph, tmp_path: Path, use: str, wipe: bool):
    """By name, bytes unchanged. With consent, what is mounted or belongs to another OSD is refused all the same."""
    node = "pve3"
    mine = disks_of(made, node)
    data = made.run(node, f"readlink -f {mine[0]['device']}").strip()
    spare = made.variables(node)["rack_disks"][2]
    made.run(node, USES[use].replace("DATA", data), physical_volume(tmp_path))
    before = made.run(node, HASH)
    known = [row["uuid"] for row in osds(made)]
    consent = ["-e", "ceph_allow_wipe=true"] if wipe else []
    disks = [*mine, {"device": spare, **({"wipe": True} if wipe else {})}]
    try:
        run = made.site.play(*consent, *at_node(made, node, disks, tmp_path), playbook="ceph.yml")
        assert run.code != 0, run.output
        refused(run, node, spare, use)
        assert made.run(node, HASH) == before
        assert [row["uuid"] for row in osds(made)] == known
    finally:
        made.run(node, f"umount /mnt/spare 2>/dev/null; wipefs -qaf {SPARE}; blkdiscard -f {SPARE}")


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
    again(made, "-e", "ceph_allow_wipe=true", *disks)
    assert len(osds(made)) == 7
    check = write_objects(made)
    again(made, "-e", json.dumps({"pve_ceph_osds_remove": [spare]}), "--limit", node)
    assert len(osds(made)) == 6
    made.settle(seconds=300)
    made.run("pve1", check)
    unchanged(made)


# -- daemons


def test_a_monitor_that_was_killed_comes_back(made: Ceph):
    made.run("pve3", "systemctl mask --runtime ceph-mon@pve3; systemctl kill -s KILL ceph-mon@pve3")
    wait_for(lambda: len(made.json("status")["quorum"]) == 2, "a quorum of two", 60)
    made.run("pve3", "systemctl stop ceph-mon@pve3; systemctl unmask --runtime ceph-mon@pve3")
    run = again(made)
    assert run.changed["pve3"] > 0, run.output
    made.settle()
    whole(made)
    unchanged(made)
