# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.baremetal.proxmox.plugins.filter.verify_findings import verify_findings
from ansible_collections.baremetal.proxmox.plugins.filter.verify_summary import verify_summary
from ansible_collections.baremetal.proxmox.tests.unit.plugins.filter.nodes import BARE, installed, member, node


def rack(**changes):
    return {"pve1": member(1, **changes), "pve2": member(2), "pve3": member(3)}


OFFLINE = [{"name": f"pve{n}", "nodeid": n, "online": n != 3, "address": "", "links": {}} for n in (1, 2, 3)]
CASES = {
    "all is well": (rack(), []),
    "no quorum": (
        rack(cluster__quorate=False, cluster__votes={"expected": 3, "total": 1}),
        ["pve1: expected quorum, found 1 of 3 votes"],
    ),
    "no corosync": (
        rack(cluster__quorate=False, cluster__votes={"expected": None, "total": None}),
        ["pve1: expected quorum, found no corosync"],
    ),
    "read-only": (rack(cluster__writable=False), ["pve1: expected /etc/pve to be writable, found it read-only"]),
    "one offline": (rack(cluster__nodes=OFFLINE), ["pve1: expected pve3 online, found it offline"]),
    "a node of the cluster that the inventory does not know": (
        {"pve1": member(1, cluster__nodes=OFFLINE)},
        ["pve1: expected pve3 online, found it offline"],
    ),
    "one missing": (rack(cluster__nodes=OFFLINE[:2]), ["pve1: expected pve3 online, found it not in the cluster"]),
    "a link down": (
        rack(cluster__links=[{"number": 1, "address": "10.9.0.1", "peers": [{"nodeid": 2, "connected": False}]}]),
        ["pve1: expected corosync link 1 (10.9.0.1) to reach pve2, found it disconnected"],
    ),
    "a service down": (
        rack(services={"pveproxy": "failed", "corosync": "active"}),
        ["pve1: expected the service pveproxy active, found it failed"],
    ),
    "a storage down, a disabled one does not count": (
        rack(
            storage=[
                {"storage": "nas", "type": "nfs", "enabled": True, "active": False, "error": "not online"},
                {"storage": "old", "type": "nfs", "enabled": False, "active": False, "error": None},
            ]
        ),
        ["pve1: expected the storage nas active, found it inactive: not online"],
    ),
    "no API": (rack(api__answers=False), ["pve1: expected the API to answer on port 8006, found no answer"]),
    "silent": ({"pve1": None}, ["pve1: expected an answer over SSH, found none"]),
    "bare": ({"pve1": BARE}, ["pve1: expected Proxmox VE, found it not installed"]),
    "outside": ({"pve1": installed(1)}, ["pve1: expected a member of the cluster 'prod', found none"]),
    "mixed releases": (
        rack(proxmox__release="8.4"),
        ["expected one major release of Proxmox VE on all nodes, found pve1 8.4, pve2 9.2, pve3 9.2"],
    ),
    "every finding, not just the first": (
        {"pve1": None, "pve2": BARE, "pve3": member(3, api__answers=False)},
        [
            "pve1: expected an answer over SSH, found none",
            "pve2: expected Proxmox VE, found it not installed",
            "pve3: expected the API to answer on port 8006, found no answer",
        ],
    ),
}


@pytest.mark.parametrize("nodes, findings", CASES.values(), ids=CASES.keys())
def test_findings(nodes, findings):
    assert verify_findings(nodes, "prod") == findings


GUESTS = [{"sid": f"vm:{110 + n}", "node": "pve1", "state": state} for n, state in enumerate(["started", "error"])]


def test_ha_is_asked_of_the_first_node_that_answers():
    nodes = {"pve1": member(1, ha=[], api__answers=False), "pve2": member(2, ha=GUESTS), "pve3": member(3)}
    assert verify_findings(nodes, "prod", ["vm:110", "vm:112"]) == [
        "pve1: expected the API to answer on port 8006, found no answer",
        "pve2: expected HA to look after vm:112, found it not among its resources",
        "pve2: expected vm:111 on pve1 to be in order for HA, found it in the state error",
    ]


def test_ha_without_any_answer():
    assert verify_findings({"pve1": None}, "prod", ["vm:110"]) == ["pve1: expected an answer over SSH, found none"]


def test_a_node_without_a_cluster():
    assert verify_findings({"pve1": installed(1)}, "") == []


def test_summary():
    assert verify_summary(rack(ha=GUESTS[:1])) == [
        "Cluster  prod: quorate, 3 of 3 votes",
        "Node     pve1: Proxmox VE 9.2.11, https://10.99.0.11:8006",
        "Node     pve2: Proxmox VE 9.2.11, https://10.99.0.12:8006",
        "Node     pve3: Proxmox VE 9.2.11, https://10.99.0.13:8006",
        "Link     0 of pve1: 10.98.0.11, 2 of 2 peers",
        "Link     0 of pve2: 10.98.0.12, 2 of 2 peers",
        "Link     0 of pve3: 10.98.0.13, 2 of 2 peers",
        "Storage  local (dir): active",
        "HA       vm:110 on pve1: started",
        "Log in   as root@pam, with the root password of the node",
    ]


def test_summary_of_a_bare_rack():
    assert verify_summary({"pve1": node(), "pve2": None}) == ["No Proxmox VE node yet."]
