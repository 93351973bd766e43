# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The identity guard, and every refusal. Nothing is ever called here: the machine's commands are an empty list."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _membership
from ansible_collections.baremetal.proxmox.plugins.module_utils._cluster_checks import Link, Plan, Wanted, plan
from ansible_collections.baremetal.proxmox.plugins.module_utils._corosync import parse_conf
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError
from ansible_collections.baremetal.proxmox.plugins.module_utils._peer import Peer

from .cluster_world import KEY, OTHER_KEY, World, conf, peer, sha
from .test_corosync import DEBIAN

OWN = ("127.0.0.1", "10.98.0.12", "10.99.0.12")


def decide(world: World, through: Peer | None = None, **wanted: Any) -> Plan:
    links = {number: Link(*link) for number, link in wanted.pop("links", {}).items()}
    local = _membership.read(world.machine)
    return plan(local, Wanted(wanted.pop("name", "prod"), links, **wanted), through, lambda: OWN)


def refusal(world: World, through: Peer | None = None, **wanted: Any) -> str:
    with pytest.raises(InputError) as caught:
        decide(world, through, **wanted)
    return str(caught.value)


# Whose cluster is it


def test_a_fresh_node_creates_or_joins(world: World) -> None:
    assert decide(world) is Plan.CREATE
    assert decide(world, peer(conf(1, 1))) is Plan.JOIN


def test_a_member_is_left_alone(world: World) -> None:
    world.join()
    assert decide(world) is Plan.NONE
    assert decide(world, peer(conf(2, 1, 2), online="12")) is Plan.NONE


@pytest.mark.parametrize("through", [None, peer(conf(1, 1))])
def test_a_member_of_another_cluster_is_refused_by_name(world: World, through: Peer | None) -> None:
    world.join()
    world.write("etc/pve/corosync.conf", conf(2, 1, 2, name="lab"))
    assert refusal(world, through).startswith("pve2 is a member of the cluster 'lab', but is wanted in 'prod'.")


def test_so_is_one_that_has_only_begun_to_enter_another(world: World) -> None:
    world.mark(cluster="lab")
    assert "has begun to enter the cluster 'lab'" in refusal(world)


def test_a_peer_of_another_cluster_is_refused_by_name(world: World) -> None:
    text = refusal(world, peer(conf(1, 1, name="lab")))
    assert text.startswith("pve2 is wanted in the cluster 'prod', but 10.99.0.11 is a member of 'lab'.")


def test_two_clusters_of_one_name_are_told_apart_by_their_key(world: World) -> None:
    world.join()
    world.write("etc/corosync/authkey", OTHER_KEY)
    assert "is the key of another cluster than the one at 10.99.0.11" in refusal(world, peer(conf(2, 1, 2)))


def test_a_key_that_was_left_over_is_not_overwritten(world: World) -> None:
    world.write("etc/corosync/authkey", OTHER_KEY)
    assert "left over from something else" in refusal(world, peer(conf(1, 1)))


def test_a_node_that_the_cluster_removed_is_refused(world: World) -> None:
    world.join()
    assert "it was removed" in refusal(world, peer(conf(3, 1)))


def test_a_key_without_being_listed_is_that_of_a_removed_node(world: World) -> None:
    world.write("etc/corosync/authkey", KEY)
    assert "it was removed" in refusal(world, peer(conf(3, 1)))


def test_a_renamed_machine_is_refused(world: World) -> None:
    world.join()
    world.write("etc/pve/corosync.conf", conf(2, 1, 3))
    assert "does not list a node of this name" in refusal(world)


def test_guests_are_refused_before_a_join_and_not_before_a_create(world: World) -> None:
    world.write("etc/pve/.vmlist", '{"ids": {"101": {"node": "pve2"}, "100": {"node": "pve2"}}}')
    assert refusal(world, peer(conf(1, 1))).startswith("pve2 has guests (100, 101) and cannot join")
    assert decide(world) is Plan.CREATE


def test_a_node_that_joined_half_does_not_create_a_cluster_of_the_same_name(world: World) -> None:
    world.mark("join")
    assert "holds a join of a cluster of that name" in refusal(world)


def test_nor_with_the_files_of_a_join(world: World) -> None:
    world.write("etc/corosync/corosync.conf", conf(2, 1, 2))
    assert "holds /etc/corosync/corosync.conf of a cluster of that name" in refusal(world)


def test_a_half_done_create_is_done_again(world: World) -> None:
    world.mark("create", key=None)
    world.write("etc/corosync/authkey", KEY)
    assert decide(world) is Plan.CREATE


def test_debians_example_is_nobodys_cluster(world: World) -> None:
    world.write("etc/corosync/corosync.conf", DEBIAN)
    assert decide(world) is Plan.CREATE
    assert decide(world, peer(conf(1, 1))) is Plan.JOIN


def test_a_corosync_that_serves_something_else_is_refused(world: World) -> None:
    world.write("etc/corosync/corosync.conf", DEBIAN.replace("127.0.0.1", "10.0.0.5"))
    assert "is that of a cluster 'debian' of node1" in refusal(world)
    assert "is that of a cluster 'debian' of node1" in refusal(world, peer(conf(1, 1)))


# Listed already: this machine, cut off, or another one


LISTED = conf(2, 1, 2)


def test_listed_and_marked_is_this_machine(world: World) -> None:
    world.mark()
    assert decide(world, peer(LISTED, certificates=frozenset({"pve1", "pve2"}))) is Plan.ENTER


def test_listed_and_marked_for_a_cluster_of_another_key_is_not(world: World) -> None:
    world.mark(key=OTHER_KEY)
    assert "it is not this machine" in refusal(world, peer(LISTED, certificates=frozenset({"pve1", "pve2"})))


def test_listed_and_the_same_key_is_this_machine(world: World) -> None:
    world.write("etc/corosync/authkey", KEY)
    assert decide(world, peer(LISTED, certificates=None)) is Plan.ENTER


def test_listed_and_never_finished_by_anybody_is_this_machine(world: World) -> None:
    assert decide(world, peer(LISTED, certificates=frozenset({"pve1"}))) is Plan.ENTER


@pytest.mark.parametrize("certificates", [None, frozenset({"pve1", "pve2"})])
def test_a_reinstalled_machine_is_told_to_remove_the_old_node(world: World, certificates: Any) -> None:
    text = refusal(world, peer(LISTED, certificates=certificates))
    assert "lists pve2 (node ID 2, offline), and it is not this machine" in text
    assert "run 'pvecm delnode pve2' on a member" in text


def test_another_machine_of_that_name_is_online(world: World) -> None:
    world.mark()
    assert "Another machine that is called pve2 is online" in refusal(world, peer(LISTED, online="12"))


def test_listed_with_an_address_that_this_machine_does_not_have(world: World) -> None:
    world.mark()
    text = refusal(world, peer(LISTED.replace("10.98.0.12", "10.98.0.77")))
    assert text.startswith("No interface of pve2 has the address of link 0: 10.98.0.77.")


def test_listed_with_other_links_than_wanted(world: World) -> None:
    world.mark()
    assert "link 0: wanted 10.99.0.12, found 10.98.0.12" in refusal(world, peer(LISTED), links={0: ("10.99.0.12",)})


# Links


def test_the_links_of_a_join_are_those_of_the_cluster(world: World) -> None:
    two = peer(conf(1, 1, links="98,99"))
    assert decide(world, two, links={0: ("10.98.0.12",), 1: ("10.99.0.12",)}) is Plan.JOIN


@pytest.mark.parametrize(
    ("links", "problem"),
    [
        ({0: ("10.98.0.12",)}, "the cluster has link 1, but no address for it is given"),
        (
            {0: ("10.98.0.12",), 1: ("10.99.0.12",), 3: ("10.97.0.12",)},
            "link 3 is wanted, but the cluster has no such link",
        ),
        ({}, "the cluster has the links 0, 1, but no addresses are given"),
        ({0: ("10.98.0.11",), 1: ("10.99.0.12",)}, "address 10.98.0.11 of link 0 is that of pve1 already"),
        ({0: ("10.98.0.12", 5), 1: ("10.99.0.12",)}, "priority of link 0: wanted 5, found 0"),
    ],
)
def test_links_that_do_not_fit_the_cluster(world: World, links: dict, problem: str) -> None:
    text = refusal(world, peer(conf(1, 1, links="98,99")), links=links)
    assert problem in text
    assert "The cluster's links are 0, 1" in text


def test_a_node_id_that_is_taken(world: World) -> None:
    assert "node ID 1 is that of pve1 already" in refusal(world, peer(conf(1, 1)), nodeid=1)


@pytest.mark.parametrize("through", [None, peer(conf(1, 1))])
def test_an_address_that_the_machine_does_not_have(world: World, through: Peer | None) -> None:
    text = refusal(world, through, links={0: ("10.98.0.99",)})
    assert text.startswith("No interface of pve2 has the address of link 0: 10.98.0.99.")
    assert "It has 127.0.0.1, 10.98.0.12, 10.99.0.12." in text


def test_a_name_as_an_address_is_resolved(world: World) -> None:
    assert decide(world, links={0: ("localhost",)}) is Plan.CREATE


# Drift of a member


@pytest.mark.parametrize(
    ("wanted", "drift"),
    [
        ({"votes": 2}, "votes: wanted 2, found 1"),
        ({"nodeid": 7}, "node ID: wanted 7, found 2"),
        ({"links": {0: ("10.97.0.12",)}}, "link 0: wanted 10.97.0.12, found 10.98.0.12"),
        ({"links": {0: ("10.98.0.12",), 1: ("10.99.0.12",)}}, "link 1: wanted 10.99.0.12, found none"),
        ({"links": {0: ("10.98.0.12", 10)}}, "priority of link 0: wanted 10, found 0"),
    ],
)
def test_drift_is_an_error_and_not_passed_over(world: World, wanted: dict, drift: str) -> None:
    world.join()
    with pytest.raises(InputError, match="with other values than wanted") as caught:
        decide(world, **wanted)
    assert caught.value.fields["drift"] == [drift]


@pytest.mark.parametrize("wanted", [{}, {"votes": 1, "nodeid": 2, "links": {0: ("10.98.0.12", 0)}}])
def test_no_drift(world: World, wanted: dict) -> None:
    world.join()
    assert decide(world, **wanted) is Plan.NONE


# Finishing


def test_a_member_that_is_not_there_is_helped(world: World) -> None:
    world.join()
    world.connect("prod", quorate=False, online="2")
    assert decide(world) is Plan.FINISH


def test_a_joined_node_that_still_has_its_mark_is_seen_through(world: World) -> None:
    world.join()
    world.mark()
    assert decide(world, peer(conf(2, 1, 2), online="12")) is Plan.FINISH


def test_peer_keeps_secrets_out_of_its_repr() -> None:
    text = repr(dataclasses.replace(peer(conf(1, 1)), authkey=KEY, conf=parse_conf(conf(1, 1))))
    assert "TICKET" not in text
    assert repr(KEY) not in text
    assert sha(KEY) in text
