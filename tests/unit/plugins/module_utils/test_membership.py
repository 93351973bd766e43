# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every state that a create or join passes through, and what the files tell of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _membership
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine, Unreadable

from .cluster_world import KEY, World, conf, sha
from .test_corosync import DEBIAN, QUORUM


def read(world: World) -> _membership.Local:
    return _membership.read(world.machine)


def bare(world: World) -> None:
    world.unmount()
    world.remove("etc/pve/.vmlist")
    world.remove("var/lib/pve-cluster/config.db")


def debians_example(world: World) -> None:
    world.write("etc/corosync/corosync.conf", DEBIAN)


def key_made_by_create(world: World) -> None:
    world.write("etc/corosync/authkey", KEY)


def created_not_restarted(world: World) -> None:
    key_made_by_create(world)
    world.write("etc/pve/corosync.conf", conf(1, 2))
    world.certify()


def files_written_by_join(world: World) -> None:
    world.write("etc/corosync/authkey", KEY)
    world.write("etc/corosync/corosync.conf", conf(2, 1, 2))


def stopped_with_old_database(world: World) -> None:
    files_written_by_join(world)
    world.unmount()


def database_gone(world: World) -> None:
    stopped_with_old_database(world)
    world.remove("var/lib/pve-cluster/config.db")


def waiting_for_quorum(world: World) -> None:
    files_written_by_join(world)
    world.write("etc/pve/corosync.conf", conf(2, 1, 2))
    world.connect("prod", quorate=False, online="2")
    world.writable = False


def without_certificate(world: World) -> None:
    world.join()
    world.remove("etc/pve/nodes/pve2/pve-ssl.pem")


def joined(world: World) -> None:
    world.join()


def member_whose_pmxcfs_is_down(world: World) -> None:
    world.join()
    world.unmount()


@pytest.mark.parametrize(
    ("state", "name", "half", "online"),
    [
        (bare, None, None, False),
        (debians_example, None, None, False),
        (key_made_by_create, None, "create", False),
        (created_not_restarted, "prod", "create", False),
        (files_written_by_join, "prod", "join", False),
        (stopped_with_old_database, "prod", None, False),
        (database_gone, "prod", "join", False),
        (waiting_for_quorum, "prod", "join", False),
        (without_certificate, "prod", "join", True),
        (joined, "prod", None, True),
        (member_whose_pmxcfs_is_down, "prod", None, False),
    ],
)
def test_states_without_a_mark(
    world: World, state: Callable[[World], None], name: str | None, half: str | None, online: bool
) -> None:
    state(world)
    local = read(world)
    assert (local.name, local.half, local.online) == (name, half, online)


@pytest.mark.parametrize("state", [bare, files_written_by_join, stopped_with_old_database, joined])
def test_the_mark_of_an_unfinished_join_counts_in_every_state(world: World, state: Callable[[World], None]) -> None:
    state(world)
    world.mark()
    local = read(world)
    assert (local.name, local.half) == ("prod", "join")


def test_a_member_that_lost_quorum_is_no_half_joined_one(world: World) -> None:
    world.join()
    world.connect("prod", quorate=False, online="2")
    world.writable = False
    local = read(world)
    assert (local.half, local.online, local.quorate) == (None, False, False)


def test_the_write_bit_comes_after_quorum(world: World) -> None:
    world.join()
    world.writable = False
    assert not read(world).online


def test_a_member_whose_pmxcfs_is_down_is_no_free_node(world: World) -> None:
    member_whose_pmxcfs_is_down(world)
    facts = _membership.facts(read(world), [], None)
    assert (facts["member"], facts["name"]) == (True, "prod")


def test_facts(world: World) -> None:
    world.join()
    links = [{"number": 0, "address": "10.98.0.12", "peers": []}]
    facts = _membership.facts(read(world), links, {"expected": 2, "total": 2, "quorate": True, "nodeid": 2})
    assert facts == {
        "member": True,
        "name": "prod",
        "nodeid": 2,
        "config_version": 2,
        "quorate": True,
        "writable": True,
        "nodes": [
            {
                "name": f"pve{n}",
                "nodeid": n,
                "votes": 1,
                "online": True,
                "address": f"10.99.0.1{n}",
                "links": {"0": f"10.98.0.1{n}"},
            }
            for n in (1, 2)
        ],
        "links": links,
        "corosync_conf_local": True,
        "authkey_sha256": sha(KEY),
        "half_joined": False,
        "half": None,
        "votes": {"expected": 2, "total": 2},
    }


def test_facts_of_a_bare_machine(world: World) -> None:
    bare(world)
    facts = _membership.facts(read(world), [], None)
    assert {name: facts[name] for name in ("member", "name", "nodeid", "nodes", "half_joined", "votes")} == {
        "member": False,
        "name": None,
        "nodeid": None,
        "nodes": [],
        "half_joined": False,
        "votes": {"expected": None, "total": None},
    }


def test_corosync_is_asked_only_if_it_runs(world: World) -> None:
    assert _membership.corosync(world.machine) == ([], None)
    world.run_corosync()
    from .cluster_world import Call

    world.expect(Call("corosync-cfgtool -s"), Call("corosync-quorumtool -s", stdout=QUORUM, rc=2))
    assert _membership.corosync(world.machine)[1] == {"quorate": True, "nodeid": 1, "expected": 3, "total": 2}


def test_guests_of_this_node(world: World) -> None:
    world.write("etc/pve/.vmlist", '{"ids": {"100": {"node": "pve2"}, "101": {"node": "pve1"}}}')
    assert read(world).own_guests == 2
    world.join()
    assert read(world).own_guests == 1


@pytest.mark.parametrize("content", ["", '{"act', "[]", '{"action": "join"}'])
def test_a_mark_that_a_crash_cut_off_is_none(world: World, content: str) -> None:
    world.write("var/lib/baremetal-proxmox/cluster.json", content)
    assert read(world).mark is None


def test_the_mark_is_private_and_leaves_nothing_behind(world: World) -> None:
    world.mark()
    path = world.root / "var/lib/baremetal-proxmox/cluster.json"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    _membership.clear_mark(world.machine)
    assert not path.parent.exists()
    _membership.clear_mark(world.machine)


def test_replace_is_whole_and_keeps_the_mode(world: World) -> None:
    _membership.replace(world.machine, "/etc/corosync/authkey", KEY, 0o400)
    path = world.root / "etc/corosync/authkey"
    assert path.read_bytes() == KEY
    assert path.stat().st_mode & 0o777 == 0o400
    assert [entry.name for entry in path.parent.iterdir()] == ["authkey"]


def test_a_reading_is_whole_when_pmxcfs_ends_while_it_is_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting_for_quorum(world)
    real, asked = type(world.machine).read_bytes, []

    def read_bytes(machine: Machine, path: str) -> bytes | None:
        asked.append(path)
        if path == "/etc/pve/corosync.conf" and asked.count(path) == 1:
            raise Unreadable(path, OSError(103, "Software caused connection abort"))
        return real(machine, path)

    monkeypatch.setattr(type(world.machine), "read_bytes", read_bytes)
    local = read(world)
    assert local.conf is not None and local.connected
    assert asked.count("/etc/pve/.members") == 2
