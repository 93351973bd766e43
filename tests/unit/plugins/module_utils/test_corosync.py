# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _corosync

from .cluster_world import conf

DEBIAN = """
# Please read the corosync.conf.5 manual page
totem {
\tversion: 2
\tcluster_name: debian
}
logging {
\tlogger_subsys {
\t\tsubsys: QUORUM
\t}
}
nodelist {
\t# Change/uncomment/add node sections to match cluster configuration
\tnode {
\t\tname: node1
\t\tnodeid: 1
\t\tring0_addr: 127.0.0.1
\t}
}
"""


def test_conf() -> None:
    text = conf(7, 1, 2, links="98,99", votes=2)
    found = _corosync.parse_conf(text)
    assert (found.name, found.version, found.text) == ("prod", 7, text)
    assert found.nodes["pve2"] == _corosync.Node("pve2", 2, 2, {0: "10.98.0.12", 1: "10.99.0.12"})
    assert found.priorities == {0: 0, 1: 0}
    assert found.links == {0, 1}


def test_debians_example() -> None:
    found = _corosync.parse_conf(DEBIAN)
    assert (found.name, found.version) == ("debian", 0)
    assert found.nodes == {"node1": _corosync.Node("node1", 1, 1, {0: "127.0.0.1"})}


def test_priorities_old_names_and_nameless_nodes() -> None:
    found = _corosync.parse_conf(
        "totem {\n interface {\n  ringnumber: 1\n  knet_link_priority: 20\n }\n}\n"
        "nodelist {\n node {\n  nodeid: 4\n  ring1_addr: fe80::1\n  ring0_addr: pve4-c\n }\n}\n"
    )
    assert found.priorities == {1: 20}
    assert found.nodes == {"pve4-c": _corosync.Node("pve4-c", 4, 1, {0: "pve4-c", 1: "fe80::1"})}


@pytest.mark.parametrize(
    "text", ["}\n", "totem {\n", "totem {\n what\n}\n", "totem {\n config_version: new\n}\n"], ids=str.strip
)
def test_a_broken_conf_says_so(text: str) -> None:
    with pytest.raises(_corosync.ParseError, match=r"corosync\.conf"):
        _corosync.parse_conf(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("fd00::1", "fd00:0:0::1", True),
        ("PVE1", "pve1", True),
        ("pve1", "10.0.0.1", False),
    ],
)
def test_same_address(one: str, other: str, same: bool) -> None:
    assert _corosync.same_address(one, other) is same


@pytest.mark.parametrize(
    ("address", "loopback"), [("127.0.1.1", True), ("::1", True), ("localhost", True), ("pve1", False)]
)
def test_loopback(address: str, loopback: bool) -> None:
    assert _corosync.is_loopback(address) is loopback


BOOKWORM = """Local node ID 1, transport knet
LINK ID 0 udp
\taddr\t= 10.98.0.11
\tstatus:
\t\tnodeid:          1:\tlocalhost
\t\tnodeid:          2:\tconnected
\t\tnodeid:          3:\tdisconnected
LINK ID 1 udp
\taddr\t= 10.99.0.11
\tstatus:
\t\tnodeid:          1:\tlocalhost
\t\tnodeid:          2:\tconnected
\t\tnodeid:          3:\tconnected
"""
TRIXIE_SCTP = BOOKWORM.replace("LINK ID 0 udp\n", "LINK ID 0 sctp\n**SCTP is deprecated and will be removed\n")


@pytest.mark.parametrize("output", [BOOKWORM, TRIXIE_SCTP], ids=["3.1.7", "3.1.9"])
def test_links(output: str) -> None:
    assert _corosync.parse_links(output) == [
        {
            "number": 0,
            "address": "10.98.0.11",
            "peers": [{"nodeid": 2, "connected": True}, {"nodeid": 3, "connected": False}],
        },
        {
            "number": 1,
            "address": "10.99.0.11",
            "peers": [{"nodeid": 2, "connected": True}, {"nodeid": 3, "connected": True}],
        },
    ]


def test_no_links_without_corosync() -> None:
    assert _corosync.parse_links("Could not initialize corosync configuration API error CS_ERR_LIBRARY\n") == []


QUORUM = """Quorum information
------------------
Date:             Fri Nov 20 11:30:00 2026
Quorum provider:  corosync_votequorum
Nodes:            2
Node ID:          1
Ring ID:          1.d
Quorate:          Yes

Votequorum information
----------------------
Expected votes:   3
Highest expected: 3
Total votes:      2
Quorum:           2 \nFlags:            Quorate \n
Membership information
----------------------
    Nodeid      Votes Name
         1          1 10.98.0.11 (local)
"""


def test_quorum() -> None:
    assert _corosync.parse_quorum(QUORUM) == {"quorate": True, "nodeid": 1, "expected": 3, "total": 2}


def test_no_quorum_and_hexadecimal_numbers() -> None:
    output = QUORUM.replace("Quorate:          Yes", "Quorate:          No").replace(
        "Node ID:          1", "Node ID: 0x0000000a"
    )
    assert _corosync.parse_quorum(output) == {"quorate": False, "nodeid": 10, "expected": 3, "total": 2}


def test_nothing_without_corosync() -> None:
    assert _corosync.parse_quorum("Cannot initialize QUORUM service\n") is None
