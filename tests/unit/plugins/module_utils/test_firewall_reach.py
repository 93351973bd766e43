# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who gets through a firewall, and who is there to be asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _firewall_watch
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_reach import Firewall, Node, newly_shut
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_rules import (
    addresses,
    check,
    key,
    port_problems,
    read_rule,
    shown,
)

NODE = Node("pve1", "192.0.2.11", ["192.0.2.0/24"])
ON = Firewall(on=True, nodes=[NODE])
HOME = "198.51.100.7"


def rule(text: str, **more: Any) -> dict[str, Any]:
    kind, action_, *words = text.split()
    return read_rule({"type": kind, "action": action_, **dict(word.split("=") for word in words), **more})


WAYS: list[tuple[str, Firewall, int, bool]] = [
    ("nothing accepts it", ON, 22, False),
    ("off", replace(ON, on=False), 22, True),
    ("open", replace(ON, policy="ACCEPT"), 22, True),
    ("the node takes no part", replace(ON, nodes=[replace(NODE, on=False)]), 22, True),
    ("management", replace(ON, ipsets={"management": [{"cidr": "198.51.100.0/24"}]}), 8006, True),
    ("management has not every port", replace(ON, ipsets={"management": [{"cidr": HOME}]}), 2222, False),
    (
        "left out of it",
        replace(ON, ipsets={"management": [{"cidr": "198.51.100.0/24"}, {"cidr": HOME, "nomatch": 1}]}),
        22,
        False,
    ),
    ("an alias in it", replace(ON, ipsets={"management": [{"cidr": "dc/Home"}]}, aliases={"home": HOME}), 22, True),
    ("another local network", replace(ON, aliases={"local_network": "198.51.100.0/24"}), 22, True),
    ("a rule", replace(ON, rules=[rule("in ACCEPT proto=tcp dport=20:23")]), 22, True),
    ("a rule for everything", replace(ON, rules=[rule("in ACCEPT source=198.51.100.1-198.51.100.9")]), 22, True),
    ("a rule for another port", replace(ON, rules=[rule("in ACCEPT proto=tcp dport=80,443")]), 22, False),
    ("a rule for another protocol", replace(ON, rules=[rule("in ACCEPT proto=udp dport=22")]), 22, False),
    ("a rule for another source", replace(ON, rules=[rule("in ACCEPT macro=SSH source=10.0.0.0/8")]), 22, False),
    ("a rule that is off", replace(ON, rules=[rule("in ACCEPT macro=SSH enable=0")]), 22, False),
    ("a rule for one interface", replace(ON, rules=[rule("in ACCEPT macro=SSH iface=vmbr9")]), 22, False),
    ("a rule for what goes out", replace(ON, rules=[rule("out ACCEPT macro=SSH")]), 22, False),
    ("to this node", replace(ON, rules=[rule("in ACCEPT macro=SSH dest=192.0.2.11")]), 22, True),
    ("to another one", replace(ON, rules=[rule("in ACCEPT macro=SSH dest=192.0.2.12")]), 22, False),
    ("by name", replace(ON, rules=[rule("in ACCEPT proto=tcp dport=ssh")]), 22, True),
    ("the first one counts", replace(ON, rules=[rule("in DROP"), rule("in ACCEPT")]), 22, False),
    (
        "the node's come first",
        replace(ON, rules=[rule("in DROP")], nodes=[replace(NODE, rules=[rule("in ACCEPT macro=ssh")])]),
        22,
        True,
    ),
    (
        "a group",
        replace(ON, rules=[rule("group web")], groups={"web": [rule("in DROP proto=udp"), rule("in ACCEPT")]}),
        22,
        True,
    ),
    ("a group that is not there", replace(ON, rules=[rule("group web")]), 22, False),
    (
        "a set",
        replace(ON, rules=[rule("in ACCEPT source=+admins")], ipsets={"admins": [{"cidr": "198.51.100.0/24"}]}),
        22,
        True,
    ),
    ("dropped on some interface", replace(ON, policy="ACCEPT", rules=[rule("in DROP iface=vmbr9")]), 22, False),
    ("blacklisted", replace(ON, policy="ACCEPT", ipsets={"blacklist": [{"cidr": HOME}]}), 22, False),
]


@pytest.mark.parametrize(("_what", "firewall", "port", "through"), WAYS, ids=[way[0] for way in WAYS])
def test_who_gets_through(_what: str, firewall: Firewall, port: int, through: bool) -> None:
    assert (not list(firewall.shut(HOME, port))) == through


def test_the_nodes_own_network_always_does() -> None:
    assert not list(ON.shut("192.0.2.200", 22))
    assert list(ON.shut("2001:db8::1", 22))


def test_only_what_is_lost_is_told_once_for_all_nodes() -> None:
    nodes = [replace(NODE, name=name) for name in ("pve1", "pve2")]
    off, on = Firewall(nodes=nodes), Firewall(on=True, nodes=nodes)
    assert list(newly_shut(on, on, [HOME], [22])) == []
    (sentence,) = newly_shut(off, on, [HOME], [22])
    assert sentence.startswith(f"{HOME} would no longer reach TCP port 22 of pve1, pve2: no rule accepts it")


TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 0B0200C0:0016 076433C6:D2F0 01 00000000:00000000 02:00000000 00000000     0        0 2
   2: 0B0200C0:1F46 086433C6:D2F0 01 00000000:00000000 02:00000000 00000000     0        0 3
   3: 0B0200C0:0016 096433C6:D2F0 06 00000000:00000000 02:00000000 00000000     0        0 4
"""
TCP6 = """  sl  local_address                         remote_address                        st
   0: 0000000000000000FFFF00000B0200C0:0016 0000000000000000FFFF0000076433C6:D2F0 01
   1: B80D0120000000000000000001000000:0016 B80D0120000000000000000002000000:D2F0 01
"""


def test_who_is_connected() -> None:
    assert list(_firewall_watch.parse_connections(TCP, 22)) == [HOME]
    assert list(_firewall_watch.parse_connections(TCP6, 22)) == [HOME, "2001:db8::2"]
    assert list(_firewall_watch.parse_connections("", 22)) == []


def test_the_port_that_the_run_came_by(monkeypatch: Any) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "198.51.100.7 40000 192.0.2.11 2222")
    assert _firewall_watch.ssh_port() == 2222
    monkeypatch.delenv("SSH_CONNECTION")
    assert _firewall_watch.ssh_port("/nowhere") == 22


def test_the_port_that_sudo_does_not_tell(monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    monkeypatch.setattr(_firewall_watch.os, "getppid", lambda: 30)
    above = {
        30: (20, ""),
        20: (10, "SUDO_USER=admin\0"),
        10: (1, "A=b\0SSH_CONNECTION=198.51.100.7 40000 192.0.2.11 2222\0"),
    }
    for process, (parent, environment) in above.items():
        (tmp_path / str(process)).mkdir()
        (tmp_path / str(process) / "status").write_text(f"Name:\tsh\nPPid:\t{parent}\n")
        (tmp_path / str(process) / "environ").write_text(environment)
    assert _firewall_watch.ssh_port(str(tmp_path)) == 2222
    (tmp_path / "10" / "environ").write_text("A=b\0")
    assert _firewall_watch.ssh_port(str(tmp_path)) == 22


def test_a_rule_as_it_is_shown_and_known() -> None:
    one = read_rule({"type": "IN", "action": "accept", "macro": "ssh", "source": "10.0.0.1, 10.0.0.2", "icmp-type": ""})
    assert one == {"type": "in", "action": "ACCEPT", "macro": "SSH", "source": "10.0.0.1,10.0.0.2"}
    assert shown(one) == "in ACCEPT SSH source=10.0.0.1,10.0.0.2"
    assert key({**one, "source": "dc/LAN", "comment": "x"}) == key({**one, "source": "lan", "enable": False})
    assert key({**one, "source": "+dc/lan"}) != key({**one, "source": "lan"})


@pytest.mark.parametrize("text", ["22", "22,80", "8000:8010", "ssh", "1:65535", "netbios-ns"])
def test_good_ports(text: str) -> None:
    assert list(port_problems(text)) == []


@pytest.mark.parametrize("text", ["", "22,", "65536", "2:1", "80-90", ",".join(["1:2"] * 8), "a b"])
def test_bad_ports(text: str) -> None:
    assert list(port_problems(text))


@pytest.mark.parametrize(
    "text", ["10.0.0.1", "10.0.0.0/8,192.0.2.1", "10.0.0.1-10.0.0.9", "lan", "+dc/set", "fd00::/8"]
)
def test_good_addresses(text: str) -> None:
    assert addresses(text)[1] == []


@pytest.mark.parametrize(
    "text", ["10.0.0.256", "10.0.0.9-10.0.0.1", "10.0.0.1-10.0.0.2,10.0.0.5", "10.0.0.1,fd00::1", "+"]
)
def test_bad_addresses(text: str) -> None:
    assert addresses(text)[1]


def test_macros() -> None:
    assert list(check(rule("in ACCEPT macro=Ping proto=icmp"))) == []
    assert list(check(rule("in ACCEPT macro=DNS proto=udp")))
    assert list(check(rule("in ACCEPT macro=HTTP proto=tcp dport=80"))) == []
