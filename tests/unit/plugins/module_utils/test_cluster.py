# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create, join, and every place where a join may be cut off, each with the exact commands that finish it."""

from __future__ import annotations

import fcntl
import gzip
import os
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._cluster import OUR_LOCK, PVECM_LOCK
from ansible_collections.baremetal.proxmox.plugins.module_utils._cluster_checks import Plan
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (
    AuthError,
    CliError,
    ConnectionLost,
    InputError,
    Timeout,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Unreadable

from .cluster_world import FINGERPRINT, KEY, Call, World, conf, peer

CREATE = "pvecm create prod"
ADD = f"pvecm add 10.99.0.11 --fingerprint {FINGERPRINT}"
TICKET = "PVE:root@pam:TICKET"
RESTART_API = "systemctl reload-or-restart pvedaemon pveproxy"
UPDATECERTS = "pvecm updatecerts --force 1"
# This node's own API, then that of the only other member
ASKED = [("local", "/cluster/status"), ("10.99.0.11", FINGERPRINT, None, "/cluster/status")]
HALF = conf(2, 1, 2)


def finished(world: World) -> None:
    """The end that every way has to come to."""
    assert world.cli.expected == []
    assert world.marked is None
    assert world.text("etc/corosync/corosync.conf") == world.text("etc/pve/corosync.conf")
    assert (world.root / "etc/corosync/authkey").read_bytes() == KEY


def run(world: World, *args: Any, **wanted: Any) -> tuple[Plan, bool]:
    cluster = world.cluster(*args, **wanted)
    plan, local = cluster.run()
    assert local.online
    return plan, cluster.changed


# Create


def created(world: World) -> None:
    assert world.marked == "create"
    world.write("etc/corosync/authkey", KEY)
    world.write("etc/pve/corosync.conf", conf(1, 2))
    world.write("etc/corosync/corosync.conf", conf(1, 2))
    world.run_corosync()
    world.connect("prod", nodes="2", online="2")
    world.certify()


def test_create(world: World) -> None:
    world.expect(Call(f"{CREATE} --link0 10.98.0.12 --nodeid 2 --votes 1", lambda: created(world)))
    assert run(world, links={0: "10.98.0.12"}, nodeid=2, votes=1) == (Plan.CREATE, True)
    finished(world)
    assert world.api.calls == [("local", "/cluster/status")]


def test_create_waits_for_the_write_bit_and_the_api(world: World) -> None:
    def six_seconds() -> None:
        created(world)
        world.writable = False
        world.on_tick.append((world.now + 6, lambda: setattr(world, "writable", True)))
        world.api.answers[None, "/cluster/status"] = ConnectionLost("GET", "/cluster/status", "refused")
        world.on_tick.append((world.now + 9, world.api.answers.clear))

    world.expect(Call(CREATE, six_seconds))
    assert run(world) == (Plan.CREATE, True)
    assert world.now >= 1009


def test_a_create_that_failed_is_an_error_although_its_exit_code_is_0(world: World) -> None:
    world.expect(Call(CREATE, stdout="no address for pve2\n"))
    with pytest.raises(CliError, match="no address for pve2"):
        world.cluster().run()
    assert world.marked is None


def test_create_cut_off_after_the_key(world: World) -> None:
    world.mark("create", key=None)
    world.write("etc/corosync/authkey", KEY)
    world.expect(Call(CREATE, lambda: created(world)))
    assert run(world) == (Plan.CREATE, True)
    finished(world)


def test_create_cut_off_before_the_restart(world: World) -> None:
    world.mark("create", key=None)
    world.write("etc/corosync/authkey", KEY)
    world.write("etc/pve/corosync.conf", conf(1, 2))
    world.certify()
    world.expect(Call("systemctl restart corosync pve-cluster", lambda: created(world)))
    assert run(world) == (Plan.FINISH, True)
    finished(world)


# Join


def test_join(world: World) -> None:
    def whole() -> None:
        assert world.marked == "join"
        world.join()

    world.expect(Call(f"{ADD} --link0 10.98.0.12 --nodeid 2 --votes 1", whole, secret=TICKET))
    assert run(world, peer(conf(1, 1)), links={0: "10.98.0.12"}, nodeid=2, votes=1) == (Plan.JOIN, True)
    finished(world)
    assert world.api.calls == ASKED


def test_the_pvecm_of_a_join_holds_our_lock(world: World) -> None:
    def whole() -> None:
        with open(world.root / OUR_LOCK.lstrip("/")) as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        world.join()

    world.expect(Call(ADD, whole, secret=TICKET))
    run(world, peer(conf(1, 1)))
    assert len(world.cli.kept) == 1


def test_join_by_ssh_has_no_secret_and_no_fingerprint(world: World) -> None:
    world.expect(Call("pvecm add 10.99.0.11 --use_ssh 1", world.join))
    assert run(world, peer(conf(1, 1), use_ssh=True)) == (Plan.JOIN, True)


def test_corosync_with_debians_example_is_stopped_before_a_join(world: World) -> None:
    world.run_corosync()
    world.expect(Call("systemctl stop corosync", world.stop_corosync), Call(ADD, world.join, secret=TICKET))
    assert run(world, peer(conf(1, 1))) == (Plan.JOIN, True)


@pytest.mark.parametrize(
    ("output", "mark"),
    [
        ("Establishing API connection with host '10.99.0.11'\nfingerprint 'FF' not verified, abort!\n", None),
        ("Login succeeded.\nRequest addition of this node\n500 read timeout\n", "join"),
        ("Request addition of this node\nAn error occurred: no quorum?\nCluster join aborted!\n", None),
    ],
)
def test_a_failed_join_keeps_its_mark_only_if_the_cluster_may_know_of_it(
    world: World, output: str, mark: str | None
) -> None:
    world.expect(Call(ADD, stdout=output, secret=TICKET))
    with pytest.raises(CliError) as caught:
        world.cluster(peer(conf(1, 1))).run()
    assert caught.value.stdout == output
    assert world.marked == mark


def test_a_join_that_hangs_is_left_running_and_told(world: World) -> None:
    world.expect(Call(ADD, stdout="waiting for quorum...", secret=TICKET, hangs=True))
    with pytest.raises(Timeout, match=r"goes on as process 4711.*last seen: waiting for quorum"):
        world.cluster(peer(conf(1, 1))).run()
    assert world.marked == "join"


def test_join_waits_until_the_other_members_see_it(world: World) -> None:
    key = ("10.99.0.11", "/cluster/status")
    unseen = [{"type": "cluster", "name": "prod", "quorate": 1}, {"type": "node", "name": "pve2", "online": 0}]

    def whole() -> None:
        world.join()
        world.api.answers[key] = unseen
        world.on_tick.append((world.now + 5, world.api.answers.clear))

    world.expect(Call(ADD, whole, secret=TICKET))
    assert run(world, peer(conf(1, 1))) == (Plan.JOIN, True)
    assert world.now >= 1005


def test_a_member_that_never_sees_it_is_named(world: World) -> None:
    world.api.answers["10.99.0.11", "/cluster/status"] = AuthError("no ticket")
    world.expect(Call(ADD, world.join, secret=TICKET))
    with pytest.raises(Timeout, match="waited 60 s for pve1 to see pve2 online; last seen: no ticket"):
        world.cluster(peer(conf(1, 1))).run()
    assert world.marked == "join"


def test_a_member_that_is_down_is_not_asked(world: World) -> None:
    def whole() -> None:
        world.join()
        world.connect("prod", online="23", nodes="123")

    world.certificates["pve3"] = "33"
    world.expect(Call(ADD, whole, secret=TICKET))
    assert run(world, peer(conf(1, 1))) == (Plan.JOIN, True)
    assert [call[0] for call in world.api.calls] == ["local", "10.99.0.13"]


def test_a_member_whose_own_join_is_not_finished_is_not_asked(world: World) -> None:
    """It has no certificate yet; seen when the first node was cut off while the second joined."""
    world.mark()
    world.join()
    del world.certificates["pve1"]
    assert run(world, peer(HALF, online="12"))[0] is Plan.FINISH
    assert world.api.calls == [("local", "/cluster/status")]


def test_nobody_is_asked_about_a_member_that_was_only_away(world: World) -> None:
    world.join()
    world.connect("prod", quorate=False, online="2")
    world.on_tick.append((world.now + 3, lambda: world.connect("prod")))
    assert run(world) == (Plan.FINISH, False)
    assert world.api.calls == [("local", "/cluster/status")]


# Joins that were cut off


def before_anything(world: World) -> None:
    world.mark()


def after_the_request(world: World) -> None:
    """The cluster lists the node, which has nothing; the cluster of one has lost its quorum by that."""
    world.mark()


def after_the_key(world: World) -> None:
    world.mark()
    world.write("etc/corosync/authkey", KEY)


def after_both_files(world: World) -> None:
    after_the_key(world)
    world.write("etc/corosync/corosync.conf", HALF)


def after_the_stop(world: World) -> None:
    after_both_files(world)
    world.unmount()


def after_the_database(world: World) -> None:
    after_the_stop(world)
    world.remove("var/lib/pve-cluster/config.db")


def mount_alone(world: World) -> None:
    world.mount()
    world.connect(None)
    world.database()


def mount_imported(world: World) -> None:
    """pmxcfs makes a new database out of /etc/corosync/corosync.conf, and systemd starts corosync with it."""
    world.mount()
    world.database()
    world.join()
    world.remove("etc/pve/nodes/pve2/pve-ssl.pem")


def by_hand(world: World, *stop: str) -> list[Call]:
    return [
        Call(" ".join(["systemctl stop pve-cluster", *stop]), world.unmount),
        Call("systemctl start corosync pve-cluster", lambda: (_no_database(world), mount_imported(world))),
        Call(UPDATECERTS, world.certify),
        Call(RESTART_API),
    ]


def _no_database(world: World) -> None:
    assert not (world.root / "var/lib/pve-cluster/config.db").exists()


@pytest.mark.parametrize("state", [after_the_request, after_the_key, after_both_files])
def test_a_join_cut_off_before_pmxcfs_was_stopped_is_finished_by_hand(
    world: World, state: Callable[[World], None]
) -> None:
    state(world)
    world.expect(*by_hand(world))
    assert run(world, peer(HALF, hand_over=True)) == (Plan.ENTER, True)
    finished(world)
    assert world.api.calls == ASKED
    assert (world.root / "etc/corosync/authkey").stat().st_mode & 0o777 == 0o400


def test_a_join_cut_off_by_a_power_cut_after_both_files_has_corosync_running(world: World) -> None:
    after_both_files(world)
    world.run_corosync()
    world.expect(*by_hand(world, "corosync"))
    assert run(world, peer(HALF, hand_over=True)) == (Plan.ENTER, True)
    finished(world)


def test_the_database_is_backed_up_as_pvecm_does(world: World) -> None:
    after_the_request(world)
    world.expect(*by_hand(world))
    run(world, peer(HALF, hand_over=True))
    folder = world.root / "var/lib/pve-cluster/backup"
    (backup,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, backup.stat().st_mode & 0o777) == (0o700, 0o600)
    text = gzip.decompress(backup.read_bytes()).decode()
    assert "INSERT INTO \"tree\" VALUES('user.cfg',X'00FF');" in text


def test_a_database_that_cannot_be_read_is_kept(world: World) -> None:
    world.write("var/lib/pve-cluster/config.db", "this is no database at all, but long enough to be looked at")
    after_the_request(world)
    world.expect(
        Call("systemctl stop pve-cluster", world.unmount),
        Call("systemctl start corosync pve-cluster", lambda: (world.mount(), world.join())),
    )
    run(world, peer(HALF, hand_over=True))
    assert len(list((world.root / "var/lib/pve-cluster").glob("config.db.*.bak"))) == 1


def test_a_join_cut_off_after_the_request_takes_the_clusters_present_files(world: World) -> None:
    """Others may have joined since: corosync leaves if its configuration is older than theirs."""
    after_both_files(world)
    now = conf(5, 1, 2, 3)

    def started() -> None:
        assert world.text("etc/corosync/corosync.conf") == now
        world.mount()
        world.join(5)

    world.expect(
        Call("systemctl stop pve-cluster", world.unmount), Call("systemctl start corosync pve-cluster", started)
    )
    assert run(world, peer(now, hand_over=True)) == (Plan.ENTER, True)


def test_files_that_are_newer_than_what_the_peer_said_are_kept(world: World) -> None:
    after_both_files(world)
    world.expect(*by_hand(world))
    assert run(world, peer(conf(1, 1))) == (Plan.ENTER, True)
    finished(world)


def test_the_key_of_a_join_that_was_begun_and_is_not_listed_yet(world: World) -> None:
    after_the_key(world)
    with pytest.raises(InputError, match="did not list it when it was asked"):
        world.cluster(peer(conf(1, 1))).run()


def test_a_join_cut_off_after_the_stop_is_begun_again_at_that_point(world: World) -> None:
    after_the_stop(world)
    world.expect(Call("systemctl start pve-cluster", lambda: mount_alone(world)), *by_hand(world))
    assert run(world, peer(HALF, hand_over=True)) == (Plan.ENTER, True)
    finished(world)


def test_a_join_cut_off_after_the_database_needs_only_the_start(world: World) -> None:
    after_the_database(world)
    world.expect(
        Call("systemctl start pve-cluster", lambda: mount_imported(world)),
        Call(UPDATECERTS, world.certify),
        Call(RESTART_API),
    )
    assert run(world, peer(HALF, hand_over=True)) == (Plan.FINISH, True)
    finished(world)


def test_a_join_cut_off_before_the_request_is_an_ordinary_join(world: World) -> None:
    before_anything(world)
    world.expect(Call(ADD, world.join, secret=TICKET))
    assert run(world, peer(conf(1, 1))) == (Plan.JOIN, True)
    finished(world)


def test_without_the_key_the_cluster_is_asked_a_second_time(world: World) -> None:
    """Only for a peer that was described by hand; it needs quorum there."""
    after_the_request(world)
    world.expect(Call(f"{ADD} --force 1", world.join, secret=TICKET))
    assert run(world, peer(HALF)) == (Plan.ENTER, True)
    finished(world)


def test_a_join_that_waits_for_quorum_with_an_old_configuration(world: World) -> None:
    """Corosync said 'Received config version (4) is different than my config version (3)! Exiting'."""
    world.mark()
    world.join(3)
    world.stop_corosync()
    world.connect("prod", quorate=False, online="2")
    world.writable = False
    world.remove("etc/pve/nodes/pve2/pve-ssl.pem")
    now = conf(4, 1, 2, 3)

    def back() -> None:
        assert world.text("etc/corosync/corosync.conf") == now
        world.join(4)
        world.write("etc/corosync/corosync.conf", now)
        world.write("etc/pve/corosync.conf", now)

    world.expect(Call("systemctl start corosync", back))
    assert run(world, peer(now)) == (Plan.FINISH, True)
    finished(world)


def test_corosync_that_does_not_stay_is_started_again_and_then_told(world: World) -> None:
    world.mark()
    world.join()
    world.stop_corosync()
    world.connect("prod", quorate=False, online="2")
    world.writable = False
    failing = Call("systemctl start corosync", rc=1, stdout="Job for corosync.service failed")
    world.expect(*[failing] * 6)
    with pytest.raises(Timeout) as caught:
        world.cluster(peer(HALF)).run()
    assert "corosync does not run" in str(caught.value)
    assert "Job for corosync.service failed" in str(caught.value)
    assert world.cli.expected == []


def test_joined_but_without_a_certificate(world: World) -> None:
    world.join()
    world.mark()
    world.remove("etc/pve/nodes/pve2/pve-ssl.pem")
    world.expect(Call(UPDATECERTS, world.certify), Call(RESTART_API))
    assert run(world, peer(HALF, online="12")) == (Plan.FINISH, True)
    finished(world)


def test_a_certificate_from_before_the_join_is_that_of_an_older_node(world: World) -> None:
    world.join()
    world.now += 100
    world.mark()
    world.expect(Call(UPDATECERTS, world.certify), Call(RESTART_API))
    assert run(world, peer(HALF, online="12")) == (Plan.FINISH, True)


def test_joined_but_the_api_still_shows_the_old_certificate(world: World) -> None:
    world.mark()
    world.join()
    world.served = "OLD"
    world.expect(Call(RESTART_API, lambda: setattr(world, "served", FINGERPRINT)))
    assert run(world, peer(HALF, online="12")) == (Plan.FINISH, True)
    finished(world)


def test_joined_and_only_the_mark_is_left(world: World) -> None:
    world.mark()
    world.join()
    cluster = world.cluster(peer(HALF, online="12"))
    assert cluster.run()[0] is Plan.FINISH
    assert not cluster.changed
    assert world.marked is None


def test_files_that_cannot_be_read_for_a_moment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """pmxcfs gives I/O errors while it starts with the database of the cluster."""
    real = type(world.machine).read_bytes
    until = world.now + 4

    def read_bytes(machine: Any, path: str) -> bytes | None:
        if path.startswith("/etc/pve/") and 1001 < world.now < until:
            raise Unreadable(path, OSError(5, "Input/output error"))
        return real(machine, path)

    def whole() -> None:
        world.join()
        world.now += 1.5

    monkeypatch.setattr(type(world.machine), "read_bytes", read_bytes)
    world.expect(Call(ADD, whole, secret=TICKET))
    assert run(world, peer(conf(1, 1))) == (Plan.JOIN, True)
    assert world.now >= until


# Members


def test_a_member_is_read_and_nothing_else(world: World) -> None:
    world.join()
    assert run(world) == (Plan.NONE, False)
    assert world.api.calls == []


def test_a_member_whose_services_are_down_is_started(world: World) -> None:
    world.join()
    world.unmount()
    world.stop_corosync()
    world.writable = False

    def mounted() -> None:
        world.mount()
        world.write("etc/pve/corosync.conf", HALF)
        world.connect(None)

    world.api.answers["10.98.0.11", "/cluster/config/nodes"] = [{"node": "pve1"}, {"node": "pve2"}]
    world.expect(Call("systemctl start pve-cluster", mounted), Call("systemctl start corosync", world.join))
    assert run(world) == (Plan.FINISH, True)


def removed(world: World) -> None:
    world.join()
    world.stop_corosync()
    world.connect("prod", quorate=False, online="")
    world.writable = False


@pytest.mark.parametrize("check", [True, False])
def test_a_member_that_was_removed_is_not_started(world: World, check: bool) -> None:
    removed(world)
    world.api.answers["10.98.0.11", "/cluster/config/nodes"] = [{"node": "pve1"}, {"node": "pve3"}]
    cluster = world.cluster()
    with pytest.raises(InputError, match="pve1 does not list it: it was removed"):
        cluster.predict() if check else cluster.run()
    assert world.api.calls == [("10.98.0.11", FINGERPRINT, None, "/cluster/config/nodes")]


@pytest.mark.parametrize(
    "answer", [[{"node": "pve1"}, {"node": "pve2"}], ConnectionLost("GET", "/cluster/config/nodes", "no route")]
)
def test_a_member_that_was_not_removed_or_of_whom_nobody_tells_is_started(world: World, answer: Any) -> None:
    removed(world)
    world.api.answers["10.98.0.11", "/cluster/config/nodes"] = answer
    world.expect(Call("systemctl start corosync", world.join))
    assert run(world) == (Plan.FINISH, True)


def test_a_member_that_waits_for_quorum_times_out_with_what_it_sees(world: World) -> None:
    world.join()
    world.connect("prod", quorate=False, online="2")
    world.writable = False
    with pytest.raises(Timeout, match=r"/etc/pve is read-only, no quorum, online: pve2$"):
        world.cluster().run()


def test_a_member_that_lost_quorum_by_a_cut_off_join_does_not_wait(world: World) -> None:
    """Else the next run could not finish that join."""
    world.join()
    world.connect("prod", quorate=False, online="2")
    world.writable = False
    del world.certificates["pve1"]
    cluster = world.cluster()
    assert cluster.run()[0] is Plan.NONE
    assert not cluster.changed
    assert cluster.warnings == [
        "pve2 has no quorum in 'prod' because the join of pve1 was cut off; it comes back when that is finished."
    ]


# Others at work


@pytest.mark.parametrize("path", [OUR_LOCK, PVECM_LOCK])
def test_a_join_that_still_runs_is_waited_for(world: World, path: str) -> None:
    holder = os.open(world.root / path.lstrip("/"), os.O_RDWR | os.O_CREAT)
    fcntl.flock(holder, fcntl.LOCK_EX)
    world.on_tick.append((world.now + 20, lambda: (world.join(), os.close(holder))))
    assert run(world, peer(conf(1, 1))) == (Plan.NONE, False)
    assert world.now >= 1020


def test_a_pvecm_that_hangs_because_corosync_left_is_helped(world: World) -> None:
    holder = os.open(world.root / PVECM_LOCK.lstrip("/"), os.O_RDWR | os.O_CREAT)
    fcntl.flock(holder, fcntl.LOCK_EX)
    world.join(3)
    world.stop_corosync()
    world.connect("prod", quorate=False, online="2")
    world.writable = False
    now = conf(4, 1, 2, 3)

    def back() -> None:
        assert world.text("etc/corosync/corosync.conf") == now
        world.join(4)
        os.close(holder)

    world.expect(Call("systemctl start corosync", back))
    run(world, peer(now))
    assert world.cli.expected == []


@pytest.mark.parametrize("state", [after_both_files, after_the_stop, after_the_database])
def test_nothing_is_started_while_a_pvecm_may_have_stopped_it(world: World, state: Callable[[World], None]) -> None:
    state(world)
    holder = os.open(world.root / PVECM_LOCK.lstrip("/"), os.O_RDWR | os.O_CREAT)
    fcntl.flock(holder, fcntl.LOCK_EX)
    with pytest.raises(Timeout, match="a pvecm that was started by somebody else"):
        world.cluster(peer(HALF, hand_over=True)).run()
    os.close(holder)


def test_a_hanging_pvecm_of_another_cluster_is_not_helped(world: World) -> None:
    holder = os.open(world.root / PVECM_LOCK.lstrip("/"), os.O_RDWR | os.O_CREAT)
    fcntl.flock(holder, fcntl.LOCK_EX)
    world.join()
    with pytest.raises(InputError, match="'prod', but is wanted in 'lab'"):
        world.cluster(name="lab").run()
    os.close(holder)


# Check mode


def snapshot(world: World) -> dict[str, bytes]:
    return {
        str(path.relative_to(world.root)): path.read_bytes()
        for path in sorted(world.root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


@pytest.mark.parametrize(
    ("state", "plan"),
    [
        (lambda world: None, Plan.JOIN),
        (after_the_request, Plan.ENTER),
        (after_the_stop, Plan.FINISH),
        (World.join, Plan.NONE),
    ],
)
def test_prediction_writes_nothing_and_calls_nothing(world: World, state: Callable[[World], None], plan: Plan) -> None:
    state(world)
    before = snapshot(world)
    listing = conf(1, 1) if plan is Plan.JOIN else HALF
    cluster = world.cluster(peer(listing, online="12" if plan is Plan.NONE else "1", hand_over=True))
    assert cluster.predict()[0] is plan
    assert cluster.changed == (plan is not Plan.NONE)
    assert snapshot(world) == before
    assert world.api.calls == []
