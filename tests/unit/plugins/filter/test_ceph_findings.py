# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.baremetal.proxmox.plugins.filter.ceph_findings import ceph_findings
from ansible_collections.baremetal.proxmox.plugins.filter.verify_summary import verify_summary
from ansible_collections.baremetal.proxmox.tests.unit.plugins.filter.cephs import check, healthy, osd
from ansible_collections.baremetal.proxmox.tests.unit.plugins.filter.nodes import member

HOSTS = ["a", "b", "c"]
NAMES = {"a": "pve1", "b": "pve2", "c": "pve3"}
SILENT = healthy(answers=False, error="ceph quorum_status: no answer (ETIMEDOUT)")
OUT = [{"name": "pve1", "in_quorum": True}, {"name": "pve2", "in_quorum": False}]

CASES = {
    "healthy": ({}, []),
    "a monitor out of quorum and one that is not there": (
        {"mons": OUT},
        [
            "b: pve_ceph_mons: expected its monitor in quorum, found it out of quorum",
            "c: pve_ceph_mons: expected its monitor in quorum, found none",
        ],
    ),
    "a monitor out of quorum that nobody asked for": (
        {"mons": [*healthy()["mons"], {"name": "pve9", "in_quorum": False}]},
        ["pve9: pve_ceph_mons: expected its monitor in quorum, found it out of quorum"],
    ),
    "no manager": (
        {"mgrs": []},
        [
            *(f"{host}: pve_ceph_mgrs: expected a manager, found none that Ceph knows of" for host in HOSTS),
            "Ceph: expected an active manager, found none",
        ],
    ),
    "one metadata server": (
        {"mds": healthy()["mds"][:1]},
        ["b: pve_ceph_mds: expected a metadata server, found none that Ceph knows of"],
    ),
    "OSDs down, out and destroyed": (
        {"osds": [osd(0, up=False), osd(1, **{"in": False}), osd(2, up=False, destroyed=True)]},
        [
            "pve1: expected osd.0 up and in, found it down and in",
            "pve2: expected osd.1 up and in, found it up and out",
        ],
    ),
    "a file system without its server": (
        {"filesystems": [{"name": "cephfs", "max_mds": 2, "active": ["pve1"]}]},
        ["Ceph: expected 2 active metadata servers of the file system cephfs, found pve1"],
    ),
    "two versions": (
        {"versions": {"ceph version 19": 1, "ceph version 18": 5}},
        ["Ceph: expected one version on all nodes, found ceph version 18, ceph version 19"],
    ),
    "checks, of which one is accepted and one is muted": (
        {"health": {"status": "HEALTH_WARN", "checks": [check("A"), check("B"), check("C", muted=True)]}},
        ["Ceph: expected 11111111-2222-3333-4444-555555555555 in good health, found B: about B"],
    ),
}


def findings(*cephs: dict) -> list[str]:
    known = dict(zip(HOSTS, cephs * 3 if len(cephs) == 1 else cephs, strict=True))
    return ceph_findings(known, NAMES, HOSTS, HOSTS, HOSTS[:2], accept=["A"])


@pytest.mark.parametrize("changes, expected", CASES.values(), ids=CASES.keys())
def test_findings(changes, expected):
    assert findings(healthy(**changes)) == expected


def test_a_node_that_gets_no_answer_does_not_hide_what_others_know():
    out = healthy(mons=OUT)
    assert findings(SILENT, out, out) == [
        "a: expected Ceph to answer, found ceph quorum_status: no answer (ETIMEDOUT)",
        "b: pve_ceph_mons: expected its monitor in quorum, found it out of quorum",
        "c: pve_ceph_mons: expected its monitor in quorum, found none",
    ]


def test_nobody_gets_an_answer():
    assert len(findings(SILENT)) == 3
    assert findings({}, {}, {}) == ["Ceph: expected an answer from a node, found none"]


def test_ceph_is_not_there():
    none = healthy(installed=False, answers=False)
    assert findings(none, healthy(), {}) == ["a: expected Ceph, found it not installed"]


def test_summary():
    warned = healthy(health={"status": "HEALTH_WARN", "checks": [check("A"), check("B", muted=True)]})
    lines = verify_summary({"a": member(1)}, {"a": SILENT, "b": {}, "c": warned})
    assert [line for line in lines if line.startswith(("Ceph", "Pool"))] == [
        "Ceph     HEALTH_WARN (A)",
        "Ceph     3 of 3 monitors in quorum, manager pve1 and 2 standbys",
        "Ceph     6 of 6 OSDs up and in",
        "Pool     vms: replicated, 3/2",
        "CephFS   cephfs: active on pve1, 1 standby",
    ]
