# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.baremetal.proxmox.plugins.filter.cluster_plan import cluster_plan
from ansible_collections.baremetal.proxmox.tests.unit.plugins.filter.nodes import installed, member

HALF = {"cluster__half_joined": True, "cluster__name": "prod"}
LISTED = [{"name": "pve1"}, {"name": "pve3"}]
PLANS = {
    "the first creates, the others join in order": (
        {"a": installed(1), "b": installed(2), "c": installed(3)},
        ("a", "a", [], ["b", "c"]),
    ),
    "a running cluster stays as it is": (
        {"a": member(1), "b": member(2), "c": member(3)},
        (None, "a", ["a", "b", "c"], []),
    ),
    "a fourth machine joins through the first member": (
        {"a": member(1), "b": member(2), "d": installed(4)},
        (None, "a", ["a", "b"], ["d"]),
    ),
    "a new first machine joins and does not create": (
        {"a": installed(1), "b": member(2), "c": member(3)},
        (None, "b", ["b", "c"], ["a"]),
    ),
    "the seed is a member with quorum": (
        {"a": member(1, cluster__quorate=False), "b": member(2), "c": installed(3)},
        (None, "b", ["a", "b"], ["c"]),
    ),
    "a cut-off create is finished by the machine that began it": (
        {"a": installed(1), "b": installed(2, **HALF)},
        ("b", "b", [], ["a"]),
    ),
    "a cut-off join is finished": (
        {"a": member(1), "b": installed(2, **HALF), "c": installed(3)},
        (None, "a", ["a"], ["b", "c"]),
    ),
    "a cut-off join that took the quorum away is finished first": (
        {"a": member(1, 1, cluster__quorate=False), "b": installed(2), "c": installed(3, **HALF)},
        (None, "a", ["a"], ["c", "b"]),
    ),
    "a node that is listed without knowing it gives the quorum back": (
        {"a": member(1, cluster__quorate=False, cluster__nodes=LISTED), "b": installed(2), "c": installed(3)},
        (None, "a", ["a"], ["c", "b"]),
    ),
    "a member that gives no answer does not stop the others": (
        {"a": None, "b": member(2), "c": installed(3)},
        (None, "b", ["b"], ["c"]),
    ),
    "one machine alone": ({"a": installed(1)}, ("a", "a", [], [])),
}


@pytest.mark.parametrize("nodes, expected", PLANS.values(), ids=PLANS.keys())
def test_plan(nodes, expected):
    plan = cluster_plan(nodes, "prod")
    assert (plan["creator"], plan["seed"], plan["members"], plan["joiners"]) == expected
    assert plan["findings"] == []


FINDINGS = {
    "a member of another cluster": (
        {"a": member(1), "b": member(2, cluster__name="lab")},
        "prod",
        [
            "b: pve_cluster_name: expected a machine that is in no cluster or in 'prod', found a member of the cluster 'lab'"
        ],
    ),
    "a half-made other cluster": (
        {"a": installed(1, cluster__name="lab", cluster__half_joined=True)},
        "prod",
        [
            "a: pve_cluster_name: expected a machine that is in no cluster or in 'prod', found a member of the cluster 'lab'"
        ],
    ),
    "two clusters of one name": (
        {"a": member(1), "b": member(2, cluster__authkey_sha256="k2")},
        "prod",
        ["pve_cluster_name: expected one cluster 'prod', found 2 different ones of this name: a and b"],
    ),
    "nothing is created while a member is silent": (
        {"a": installed(1), "b": None},
        "prod",
        [
            "pve_cluster_members: expected all members to be reachable before the cluster 'prod' is created,"
            " found no answer from b"
        ],
    ),
    "no quorum to join": (
        {"a": member(1, 1, cluster__quorate=False), "b": installed(2)},
        "prod",
        ["pve_cluster_members: expected a member of 'prod' with quorum, through which b can join, found none among a"],
    ),
    "one node name twice": (
        {"a": installed(1), "b": installed(1)},
        "prod",
        ["pve_host_name: expected a name of its own for each node, found 'pve1' on a, b"],
    ),
    "a name that Proxmox refuses": (
        {"a": installed(1)},
        "my_cluster",
        [
            "pve_cluster_name: expected at most 15 letters, digits and hyphens,"
            " not beginning or ending with a hyphen, found 'my_cluster'"
        ],
    ),
    "a name that is too long": (
        {"a": installed(1)},
        "sixteen-letters-",
        [
            "pve_cluster_name: expected at most 15 letters, digits and hyphens,"
            " not beginning or ending with a hyphen, found 'sixteen-letters-'"
        ],
    ),
}


@pytest.mark.parametrize("nodes, name, findings", FINDINGS.values(), ids=FINDINGS.keys())
def test_findings(nodes, name, findings):
    assert cluster_plan(nodes, name)["findings"] == findings


def test_the_creator_must_take_part():
    plan = cluster_plan({"a": installed(1), "b": installed(2), "c": installed(3)}, "prod", ["b"])
    assert plan["findings"] == [
        "pve_cluster_members: expected a in this run, because it creates the cluster 'prod', found only b (see --limit)"
    ]


def test_who_does_not_take_part_does_not_join():
    plan = cluster_plan({"a": member(1), "b": installed(2), "c": installed(3)}, "prod", ["c"])
    assert (plan["seed"], plan["joiners"], plan["findings"]) == ("a", ["c"], [])


def test_names_only_if_all_were_read():
    assert cluster_plan({"a": member(1), "b": member(2)}, "prod")["names"] == ["pve1", "pve2"]
    assert cluster_plan({"a": member(1), "b": {}}, "prod")["names"] == []
