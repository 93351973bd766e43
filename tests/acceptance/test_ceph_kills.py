"""The phase of Ceph killed and cut on its way: the next run is enough, and no OSD is lost or doubled."""

from __future__ import annotations

import os
import random
import time

import pytest
from ceph_under_test import DISKS, Ceph, cluster, unchanged, wait_for, whole, wishes, write_objects

KILLS = 10
STOP = """
umount -q /mnt/pve/* || true
for unit in $(systemctl list-units --plain --no-legend --all 'ceph-*@*' | cut -d' ' -f1); do
  systemctl disable -q --now $unit
done
"""
PURGE = f"""
pveceph purge
rm -rf /var/lib/ceph/mon/* /var/lib/ceph/mgr/* /var/lib/ceph/mds/* /var/lib/ceph/osd/* /etc/systemd/system/ceph-osd@*.d
systemctl daemon-reload
for disk in {" ".join(DISKS)}; do wipefs -qa $disk; blkdiscard -f $disk; done
"""


@pytest.fixture(name="fresh", scope="module")
def fixture_fresh():
    """Machines with a cluster, and no Ceph."""
    with cluster("ceph-killed", os.environ.get("RACK_RELEASE", "trixie")) as fresh:
        yield fresh


def undo(fresh: Ceph) -> None:
    """No Ceph again; its packages stay."""
    for line in fresh.run("pve1", "pvesm status").splitlines()[1:]:
        name, kind = line.split()[:2]
        if kind in ("rbd", "cephfs"):
            fresh.run("pve1", f"pvesm remove {name}")
    fresh.everywhere("stop", lambda node: fresh.run(node, STOP))
    fresh.everywhere("purge", lambda node: fresh.run(node, PURGE))


def converged(fresh: Ceph) -> None:
    fresh.site.converge()
    fresh.settle(seconds=300)
    whole(fresh)
    unchanged(fresh, "site.yml")


def test_ten_runs_that_were_killed(fresh: Ceph):
    """One machine after another would take hours: the same machines are killed ten times on their way.

    Half of what a run takes to see that all is to be done, to two and a half times that, however slow the machine is.
    """
    begin = time.monotonic()
    fresh.site.converge("--check", playbook="ceph.yml")
    look = time.monotonic() - begin
    killed: list[str] = []
    check = ""
    while len(killed) < KILLS or not check:
        moment = round(look * random.uniform(0.5, 2.5), 1)
        task = fresh.site.kill_after(moment, playbook="ceph.yml")
        print(f"killed after {moment} s at: {task}" if task else f"done before {moment} s, and undone")
        if task:
            killed.append(task)
            check = check or (write_objects(fresh) if has_pool(fresh) else "")
        else:
            undo(fresh)
            check = ""
    converged(fresh)
    fresh.run("pve1", check)


def has_pool(fresh: Ceph) -> bool:
    pool = next(wish["name"] for wish in wishes(fresh, "pve_ceph_pools") if "erasure_coding" not in wish)
    output, code = fresh.command("pve1", ["ceph", "osd", "pool", "ls", "--connect-timeout", "5"])
    return code == 0 and pool in output.split()


def test_a_node_that_was_cut_while_its_osds_were_made(fresh: Ceph):
    undo(fresh)
    process = fresh.site.start(playbook="ceph.yml")
    begun = ["sh", "-c", 'test -n "$(ls -A /var/lib/ceph/osd 2>/dev/null)"']
    wait_for(lambda: fresh.site.rack.exec("pve2", begun).returncode == 0, "the first OSD on pve2", 900)
    fresh.site.rack.cut("pve2")
    output, _none = process.communicate(timeout=1200)
    assert process.returncode != 0, output
    fresh.site.rack.start("pve2")
    converged(fresh)
