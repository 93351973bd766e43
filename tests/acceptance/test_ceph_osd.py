"""ceph_osd on real disks with real daemons: used disks, kills in the middle of a creation, a dead disk, many at once."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess

import pytest
from ceph_under_test import Ceph, wait_for
from osd_under_test import EMPTY, NODE, call, device, entries, gone, made, node, rows, start, twelve
from rack import disks as names
from site_under_test import kill

USED = {12: "ext4", 13: "partition", 14: "LVM", 15: "OSD"}
ROUNDS = 10
# whatever makes an OSD on the machine, by its command line; our own process is not among them
KILLER = r"""
import os, signal
words = (b"pvestandin.worker", b"--mkfs", b"ceph-volume")
module = b"/usr/bin/python3\0"  # it came through standard input
for name in os.listdir("/proc"):
    try:
        command = open(f"/proc/{name}/cmdline", "rb").read() if name.isdigit() and int(name) != os.getpid() else b""
        if command == module or any(word in command for word in words):
            os.kill(int(name), signal.SIGKILL)
    except OSError:
        pass
"""


@pytest.fixture(name="ceph", scope="module")
def fixture_ceph():
    with node("ceph-osd", os.environ.get("RACK_RELEASE", "trixie")) as made:
        yield made


def ends(ceph: Ceph, index: int) -> str:
    """Hash of the first and the last 16 MiB of a disk."""
    path = names.device_name(index)
    return ceph.run(NODE, f"(head -c 16M {path}; tail -c 16M {path}) | sha256sum")


def creations(ceph: Ceph) -> int:
    return ceph.site.writes(NODE).count(f"POST /nodes/{NODE}/ceph/osd")


def test_used_disks_are_refused(ceph: Ceph):
    before = {index: ends(ceph, index) for index in USED}
    for flags in (["--check"], []):
        result = call(ceph, *flags, config=entries(ceph, [0, *USED]))
        assert result["failed"]
        assert len(result["problems"]) == len(USED)
        for index, word in USED.items():
            assert [text for text in result["problems"] if device(ceph, index) in text and word in text], result
    assert {index: ends(ceph, index) for index in USED} == before
    assert rows(ceph) == {}


def test_an_osd_of_an_unknown_cluster_is_never_wiped(ceph: Ceph):
    before = ends(ceph, 15)
    config = [{"device": device(ceph, 15), "wipe": True}]
    result = call(ceph, config=config, allow_wipe=True)
    assert result["failed"]
    assert "unknown cluster" in result["msg"]
    assert ends(ceph, 15) == before


def test_both_words_wipe(ceph: Ceph):
    config = [{"device": device(ceph, index), "wipe": True} for index in (13, 14)]
    before = ends(ceph, 13)
    assert call(ceph, config=config)["failed"]
    assert [one["action"] for one in made(ceph, "--check", config=config, allow_wipe=True)["changes"]] == [
        *("wipe", "wipe", "create", "create")
    ]
    assert ends(ceph, 13) == before
    assert made(ceph, config=config, allow_wipe=True)["changed"]
    assert len(rows(ceph)) == 2
    assert made(ceph, config=config, allow_wipe=True)["changed"] is False
    gone(ceph, (13, 14))


@pytest.mark.parametrize("index", range(ROUNDS))
def test_killed_in_the_middle(ceph: Ceph, index: int):
    """Ansible, the module, Proxmox's task and what it runs are killed, or the plug is pulled; the next run is enough."""
    config = entries(ceph, EMPTY[:3])
    config[2]["db_device"] = device(ceph, 3)
    moment = round(random.uniform(0, 15), 1)
    how = ("ansible alone", "everything", "plug")[index % 3]
    print(f"{how}, {moment} s after the first request")
    asked = creations(ceph)
    process = start(ceph, config=config)
    wait_for(lambda: creations(ceph) > asked, "the first request", 120)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=moment)
    if process.poll() is None:
        kill(process.pid)
        process.communicate()
    if how == "everything":
        ceph.site.run(NODE, ["python3", "-c", KILLER])
    elif how == "plug":
        ceph.site.rack.cut(NODE)
        ceph.site.rack.start(NODE)
    wait_for(lambda: ceph.command(NODE, ["ceph", "-s", "--connect-timeout", "5"])[1] == 0, "an answer of Ceph", 120)
    print({number: (row["state"], row["uuid"]) for number, row in rows(ceph).items()})
    result = made(ceph, config=config)
    print([one["action"] for one in result["changes"]] if "changes" in result else result)
    assert sorted(rows(ceph)) == [0, 1, 2], "no number is lost or doubled"
    assert all(row["up"] and row["in"] for row in rows(ceph).values())
    assert made(ceph, config=config)["changed"] is False
    gone(ceph, EMPTY[:3])


def test_a_dead_disk(ceph: Ceph):
    """What was written is there afterwards; the new disk has another name, in the same bay."""
    config = entries(ceph, EMPTY[:4])
    made(ceph, config=config)
    ceph.run(NODE, "ceph osd pool create data 8 8 replicated osds; ceph osd pool set data size 3")
    ceph.run(NODE, "mkdir -p /root/o; for n in 1 2 3 4 5 6; do head -c 3M /dev/urandom > /root/o/$n; done")
    ceph.run(NODE, "cd /root/o; sha256sum * > /root/sums; for n in *; do rados -p data put object-$n $n; done")
    check = "cd /root/o; for n in 1 2 3 4 5 6; do rados -p data get object-$n $n; done; sha256sum -c --quiet /root/sums"
    path = device(ceph, 1)
    number = next(one["id"] for one in made(ceph, state="gathered")["osds"] if one["device"] == path)
    before = rows(ceph)
    ceph.run(NODE, f"systemctl kill -s KILL ceph-osd@{number}; systemctl stop ceph-osd@{number}")
    ceph.run(NODE, f"blkdiscard --force {path}; ln -s $(readlink -f {path}) {path}-new; rm {path}")
    wait_for(lambda: not rows(ceph)[number]["up"], "the end of the OSD", 120)
    config[1] = {"device": f"{path}-new"}
    config[1]["replaces"] = [number]
    changes = made(ceph, config=config)["changes"]
    assert [one["action"] for one in changes] == ["destroy", "create"]
    ceph.settle(seconds=300)
    after = rows(ceph)
    assert sorted(after) == sorted(before)
    assert [key for key in after if after[key]["uuid"] != before[key]["uuid"]] == [number]
    ceph.run(NODE, check)
    assert made(ceph, config=config)["changed"] is False
    ceph.run(NODE, f"ln -s $(readlink -f {path}-new) {path}; rm {path}-new")


def test_one_is_emptied_and_goes(ceph: Ceph):
    """After the one before: four OSDs, three copies."""
    if len(rows(ceph)) != 4:
        pytest.skip("needs the OSDs of the test before")
    result = made(ceph, config=entries(ceph, [0]), state="absent", cleanup=True, drain_timeout=300)
    assert [one["action"] for one in result["changes"]] == ["destroy"]
    assert len(rows(ceph)) == 3
    assert ceph.run(NODE, f"wipefs --noheadings {device(ceph, 0)}") == ""
    ceph.settle()
    # three copies on three OSDs: no further one can go
    refused = call(ceph, config=entries(ceph, [1]), state="absent", drain_timeout=5)
    assert "the OSDs would never be safe to destroy: the pool" in refused["msg"]
    assert len(rows(ceph)) == 3
    ceph.run(
        NODE, "ceph config set mon mon_allow_pool_delete true; ceph osd pool rm data data --yes-i-really-really-mean-it"
    )
    gone(ceph, EMPTY[:4])


def test_twelve_at_once(ceph: Ceph):
    found = twelve(ceph)
    print(f"12 OSDs: {found} (seconds, calls of the API)")
    assert found["again, unchanged"][1] < found["in one call"][1] < found["one by one"][1]
    assert found["in one call"][0] < found["one by one"][0]
