# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.filter.ceph_plan import ceph_plan
from ansible_collections.baremetal.proxmox.tests.unit.plugins.filter.nodes import member

FSID = "11111111-2222-3333-4444-555555555555"
NETWORK = "10.99.0.0/24"
HOSTS = ["a", "b", "c"]


def nodes(*unread: str) -> dict[str, Any]:
    found = {host: member(number) for number, host in enumerate(HOSTS, 1)}
    return {host: {} if host in unread else node for host, node in found.items()}


def none(**changes: Any) -> dict[str, Any]:
    """What a machine without Ceph tells."""
    return {"initialised": False, "answers": False, "fsid": None, "mons": [], "mgrs": [], "mds": [], **changes}


def ceph(mons: str = "", out: str = "", mgrs: str = "", mds: str = "", **changes: Any) -> dict[str, Any]:
    """What a member of a Ceph tells: numbers of the nodes with daemons, and of monitors that are out of quorum."""
    return none(
        initialised=True,
        answers=changes.pop("answers", bool(mons)),
        fsid=FSID,
        mons=[{"name": f"pve{number}", "in_quorum": number not in out} for number in mons],
        mgrs=[{"name": f"pve{number}", "host": f"pve{number}"} for number in mgrs],
        mds=[{"name": f"pve{number}", "host": f"pve{number}"} for number in mds],
        **changes,
    )


def known(*entries: dict[str, Any]) -> dict[str, Any]:
    return dict(zip(HOSTS, entries * 3 if len(entries) == 1 else entries, strict=False))


def plan(ceph: dict[str, Any], machines: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    return ceph_plan(machines or nodes(), ceph, **{"mons": HOSTS, "network": NETWORK, **options})


def test_the_first_monitors_host_begins_and_the_others_follow_in_order():
    found = plan(known(none()), mgrs=["a", "b"], mds=["c"])
    assert (found["new"], found["first"], found["mons"]) == (True, "a", HOSTS)
    assert (found["mgrs"], found["mds"], found["findings"], found["notes"]) == (["a", "b"], ["c"], [], [])


def test_the_order_of_the_monitors_is_that_of_the_variable():
    assert plan(known(none()), mons=["c", "a", "b"])["mons"] == ["c", "a", "b"]


def test_a_running_ceph_has_no_monitor_to_make():
    found = plan(known(ceph(mons="123")))
    assert (found["new"], found["first"], found["mons"], found["findings"]) == (False, "a", [], [])


def test_a_monitor_that_is_out_of_quorum_is_due_and_another_host_administers():
    found = plan(known(ceph(mons="123", out="1")))
    assert (found["first"], found["mons"]) == ("b", ["a"])


def test_whoever_gets_an_answer_knows_more_than_ceph_conf():
    cut_off = ceph(mons="123", out="123", answers=False)
    found = plan(known(cut_off, ceph(mons="123", out="1"), ceph(mons="123", out="1")))
    assert (found["first"], found["mons"]) == ("b", ["a"])


def test_a_monitor_that_was_begun_is_finished_first():
    begun = known(ceph(), ceph(half_made={"mon": [{"name": "pve2"}]}), ceph())
    found = plan(begun)
    assert (found["new"], found["first"], found["mons"]) == (False, "b", ["b", "a", "c"])


def test_a_monitor_in_quorum_that_lacks_something_is_due():
    whole, lacking = (
        ceph(mons="123"),
        ceph(mons="123", half_made={"mon": [{"name": "pve2", "lacks": ["enabled unit"]}]}),
    )
    found = plan(known(whole, lacking, whole))
    assert (found["first"], found["mons"]) == ("a", ["b"])


def test_what_was_only_initialised_goes_on_with_the_first_monitors_host():
    assert plan(known(ceph()))["first"] == "a"


def test_a_limited_run_administers_through_a_host_outside_of_it_if_need_be():
    found = plan(known(ceph(mons="12")), hosts=["c"], mgrs=HOSTS, mds=["a"])
    assert (found["first"], found["mons"], found["mgrs"], found["mds"]) == ("a", ["c"], ["c"], [])
    assert plan(known(ceph(mons="123")), hosts=["b"])["first"] == "b"


def test_a_limited_run_does_not_begin():
    found = plan(known(none()), hosts=["b", "c"])
    assert found["findings"] == [
        "pve_ceph_mons: expected a in this run, because it begins with Ceph, found only b, c (see --limit)"
    ]


def test_a_member_that_is_down_stops_the_beginning_and_nothing_else():
    found = plan({**known(none()), "c": {}}, nodes("c"), hosts=["a", "b"])
    assert found["findings"] == [
        "pve_ceph_mons: expected all members to be reachable before Ceph is made, found no answer from c"
    ]
    found = plan({**known(ceph(mons="123", out="3")), "c": {}}, nodes("c"), hosts=["a", "b"])
    assert (found["first"], found["mons"], found["findings"], found["silent"]) == ("a", [], [], ["c"])
    assert found["notes"] == ["c: no answer; the run does not wait until Ceph is well, as it may need this host"]


def test_two_cephs_are_no_ceph():
    other = ceph(mons="3") | {"fsid": "other"}
    found = plan(known(ceph(mons="12"), ceph(mons="12"), other))
    assert found["findings"] == [
        f"pve_ceph_mons: expected one Ceph on all hosts, found 2: {FSID} on a, b and other on c"
    ]


def test_networks_come_from_what_is_declared():
    networks = {
        "one": {"cidr": "10.99.0.0/24", "purposes": ["ceph_public"]},
        "two": {"cidr": "10.98.0.0/24", "purposes": ["ceph_cluster"]},
    }
    found = plan(known(none()), network=None, networks=networks)
    assert (found["network"], found["cluster_network"]) == ("10.99.0.0/24", "10.98.0.0/24")
    both = {"one": {"cidr": "10.99.0.0/24", "purposes": ["ceph_public", "ceph_cluster"]}}
    assert plan(known(none()), network=None, networks=both)["cluster_network"] is None


def test_no_network_is_a_finding():
    assert plan(known(none()), network=None)["findings"] == [
        "pve_ceph_network: expected the public network of Ceph, or one of the pve_networks with the purpose ceph_public,"
        " found neither"
    ]


def test_every_host_with_a_daemon_has_an_address_in_the_network():
    disks = {"c": [{"device": "/dev/disk/by-id/x"}]}
    options = {"network": "10.1.0.0/16", "mons": ["a"], "osds": disks}
    assert plan(known(none()), **options)["findings"] == [
        "a: pve_ceph_network: expected an address in 10.1.0.0/16, found 10.99.0.11",
        "c: pve_ceph_network: expected an address in 10.1.0.0/16, found 10.99.0.13",
    ]
    assert plan(known(none()), early=True, **options)["findings"] == []
    assert plan(known(none()), cluster_network="10.1.0.0/16", osds=disks)["findings"] == [
        "c: pve_ceph_cluster_network: expected an address in 10.1.0.0/16, found 10.99.0.13"
    ]


@pytest.mark.parametrize(
    "release, repository, expected",
    [("squid", "enterprise", 0), ("reef", "no-subscription", 3), ("reef", "manual", 0), (None, None, 0)],
)
def test_a_release_is_one_that_proxmox_offers(release, repository, expected):
    findings = plan(known(none()), release=release, repository=repository)["findings"]
    assert len(findings) == expected
    assert all("pve_ceph_release: expected one of squid, tentacle" in finding for finding in findings)


def test_what_nobody_names_is_left_and_told():
    found = plan(known(ceph(mons="123", mds="2")), mons=["a", "b"], mds=["a"])
    assert found["notes"] == [
        "c: pve_ceph_mons: a monitor is there that the variable does not name; it is left as it is."
        " To take it away, name the host in pve_ceph_mons_remove",
        "b: pve_ceph_mds: a metadata server is there that the variable does not name; it is left as it is."
        " To take it away, name the host in pve_ceph_mds_remove",
    ]


def test_a_daemon_is_taken_away_where_there_is_one():
    found = plan(known(ceph(mons="123", mgrs="13")), mons=["a", "b"], remove={"mons": ["c"], "mgrs": ["b", "c"]})
    assert found["remove"] == {"mons": ["c"], "mgrs": ["c"], "mds": []}
    assert found["notes"] == []


def test_disks_that_go_are_given_to_the_module():
    found = plan(known(ceph(mons="123")), osds_remove={"a": ["/dev/x", "/dev/y"], "c": ["/dev/z"]}, hosts=["a", "b"])
    assert found["osds_remove"] == {"a": [{"device": "/dev/x"}, {"device": "/dev/y"}], "b": []}


def test_nobody_answers_who_could_administer():
    found = plan({"a": ceph(mons="123", out="123"), "b": {}, "c": {}}, nodes("b", "c"), hosts=["a"])
    assert (found["first"], found["findings"]) == ("a", [])
