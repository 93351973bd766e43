# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._interfaces_check import check_interfaces, sentences

# each: what is wrong, the interfaces, what must be said (where, a part of expected, found)
BAD = [
    ("no list", "vmbr0", ("", "a list", "'vmbr0'")),
    ("no mapping", ["vmbr0"], ("[0]", "an interface", "'vmbr0'")),
    (
        "a circle of bonds",
        [{"name": "bond0", "slaves": ["bond1"]}, {"name": "bond1", "slaves": ["bond0"]}],
        ("[bond0]", "not made of itself", "bond0 of bond1 of bond0"),
    ),
    (
        "a bridge of its own VLAN",
        [{"name": "vmbr0", "bridge_ports": ["vmbr0.5"]}],
        ("[vmbr0]", "not made of itself", "vmbr0 of vmbr0.5 of vmbr0"),
    ),
    (
        "a circle of VLANs",
        [{"name": "vlan5", "vlan_raw_device": "vlan6"}, {"name": "vlan6", "vlan_raw_device": "vlan5"}],
        ("[vlan5]", "not made of itself", "vlan5 of vlan6 of vlan5"),
    ),
    (
        "a MAC address that YAML took for a number",
        [{"name": "nic0", "match": {"mac": 9783973230}}],
        ("[nic0].match.mac", "in quotes", "'9783973230'"),
    ),
    ("no name", [{"type": "eth"}], ("[0]", "its name", "{'type': 'eth'}")),
    ("name too long", [{"name": "averyverylongname"}], ("[averyverylongname].name", "15 characters", "(17)")),
    ("name illegal", [{"name": "br-lan", "type": "bridge"}], ("[br-lan].name", "letters, digits", "'br-lan'")),
    ("loopback", [{"name": "lo"}], ("[lo].name", "other than the loopback", "'lo'")),
    ("listed twice", [{"name": "eno1"}, {"name": "eno1"}], ("[eno1]", "each interface once", "2 times")),
    ("bond by another name", [{"name": "team0", "type": "bond", "slaves": ["eno1"]}], ("[team0].name", "bondN", "'team0'")),
    ("bondN that is none", [{"name": "bond0", "type": "eth"}], ("[bond0].type", "bond or OVSBond", "'eth'")),
    ("unknown type", [{"name": "tun0", "type": "gre"}], ("[tun0].type", "one of eth", "'gre'")),
    ("typo", [{"name": "eno1", "adresses": []}], ("[eno1].adresses", "such as addresses", "'adresses'")),
    ("option of another type", [{"name": "eno1", "bond_mode": "802.3ad"}], ("[eno1].bond_mode", "bond or OVSBond", "eth")),
    ("mtu too large", [{"name": "eno1", "mtu": 70000}], ("[eno1].mtu", "1280 to 65520", "'70000'")),
    ("mtu no number", [{"name": "eno1", "mtu": "jumbo"}], ("[eno1].mtu", "1280", "'jumbo'")),
    ("two lines in one", [{"name": "eno1", "post_up": ["a\nb"]}], ("[eno1].post_up", "one line", "'a\\nb'")),
    ("command not ASCII", [{"name": "eno1", "post_up": ["echo ü"]}], ("[eno1].post_up", "ASCII", "ü")),
    ("no slaves", [{"name": "bond0"}], ("[bond0].slaves", "at least one", "none")),
    ("bond mode", [{"name": "bond0", "slaves": ["a1"], "bond_mode": "lacp"}], ("[bond0].bond_mode", "802.3ad", "'lacp'")),
    (
        "lacp rate without lacp",
        [{"name": "bond0", "slaves": ["a1"], "bond_lacp_rate": "fast"}],
        ("[bond0].bond_lacp_rate", "with bond_mode 802.3ad", "balance-rr"),
    ),
    (
        "hash policy that Proxmox would drop",
        [{"name": "bond0", "slaves": ["a1"], "bond_mode": "active-backup", "bond_xmit_hash_policy": "layer2"}],
        ("[bond0].bond_xmit_hash_policy", "balance-xor or 802.3ad", "active-backup"),
    ),
    (
        "primary that is no slave",
        [{"name": "bond0", "slaves": ["a1"], "bond_mode": "active-backup", "bond_primary": "a2"}],
        ("[bond0].bond_primary", "one of the slaves (a1)", "'a2'"),
    ),
    (
        "vids without vlan_aware",
        [{"name": "vmbr0", "bridge_ports": ["a1"], "bridge_vids": "2-4094"}],
        ("[vmbr0].bridge_vids", "bridge_vlan_aware", "not VLAN-aware"),
    ),
    (
        "vid 1",
        [{"name": "vmbr0", "bridge_ports": ["a1"], "bridge_vlan_aware": True, "bridge_vids": "1 20"}],
        ("[vmbr0].bridge_vids", "2 to 4094", "'1'"),
    ),
    (
        "range upside down",
        [{"name": "vmbr0", "bridge_ports": ["a1"], "bridge_vlan_aware": True, "bridge_vids": ["30-20"]}],
        ("[vmbr0].bridge_vids", "LOW-HIGH", "'30-20'"),
    ),
    (
        "delay with stp",
        [{"name": "vmbr0", "bridge_ports": ["a1"], "bridge_stp": True, "bridge_fd": 0}],
        ("[vmbr0].bridge_fd", "from 2 to 30", "'0'"),
    ),
    ("vlan without tag", [{"name": "stor", "type": "vlan", "vlan_raw_device": "a1"}], ("[stor].vlan_id", "the tag", "nothing")),
    ("vlan without device", [{"name": "vlan20", "type": "vlan"}], ("[vlan20].vlan_raw_device", "carries", "nothing")),
    ("tag too large", [{"name": "a1.5000"}], ("[a1.5000].vlan_id", "1 to 4094", "'5000'")),
    (
        "tag against the name",
        [{"name": "vlan20", "vlan_raw_device": "a1", "vlan_id": 30}],
        ("[vlan20].vlan_id", "20", "'30'"),
    ),
    ("alias without address", [{"name": "a1:1"}, {"name": "a1"}], ("[a1:1].addresses", "an address", "none")),
    ("alias of nothing", [{"name": "bond7:1", "addresses": ["192.0.2.1/24"]}], ("[bond7:1]", "exists", "'bond7'")),
    ("bridge over nothing", [{"name": "vmbr0", "bridge_ports": ["bond0"]}], ("[vmbr0].bridge_ports", "exist", "'bond0'")),
    ("vlan on nothing", [{"name": "bond0.20"}], ("[bond0.20]", "exists", "'bond0'")),
    (
        "port in two bridges",
        [{"name": "vmbr0", "bridge_ports": ["a1"]}, {"name": "vmbr1", "bridge_ports": ["a1"]}],
        ("[vmbr1].bridge_ports", "one place", "'a1', which vmbr0 uses already"),
    ),
    ("port of itself", [{"name": "vmbr0", "bridge_ports": ["vmbr0"]}], ("[vmbr0].bridge_ports", "than itself", "'vmbr0'")),
    (
        "bridge in a bridge",
        [{"name": "vmbr0", "bridge_ports": ["vmbr1"]}, {"name": "vmbr1", "bridge_ports": ["a1"]}],
        ("[vmbr0].bridge_ports", "of the type", "'vmbr1' of the type bridge"),
    ),
    (
        "address on a port",
        [{"name": "vmbr0", "bridge_ports": ["a1"]}, {"name": "a1", "addresses": ["192.0.2.1/24"]}],
        ("[a1].addresses", "none, because vmbr0 uses it", "192.0.2.1/24"),
    ),
    ("port of no bridge", [{"name": "in0", "type": "OVSIntPort"}], ("[in0].ovs_bridge", "the OVS bridge", "nothing")),
    (
        "port of a Linux bridge",
        [{"name": "in0", "type": "OVSIntPort", "ovs_bridge": "vmbr0"}, {"name": "vmbr0", "bridge_ports": ["a1"]}],
        ("[in0].ovs_bridge", "OVSBridge", "'vmbr0'"),
    ),
    (
        "bridge larger than its port",
        [{"name": "vmbr0", "bridge_ports": ["a1"], "mtu": 9000}, {"name": "a1"}],
        ("[vmbr0].mtu", "at most 1500, the MTU of 'a1'", "9000"),
    ),
    (
        "vlan larger than its device",
        [{"name": "a1", "mtu": 1500}, {"name": "a1.20", "mtu": 9000}],
        ("[a1.20].mtu", "at most 1500", "9000"),
    ),
    ("no prefix", [{"name": "a1", "addresses": ["192.0.2.1"]}], ("[a1].addresses", "with its prefix", "'192.0.2.1'")),
    ("no address", [{"name": "a1", "addresses": ["192.0.2.256/24"]}], ("[a1].addresses", "with its prefix", "256")),
    ("network address", [{"name": "a1", "addresses": ["192.0.2.0/24"]}], ("[a1].addresses", "a host in", "network itself")),
    ("broadcast", [{"name": "a1", "addresses": ["192.0.2.255/24"]}], ("[a1].addresses", "a host in", "broadcast")),
    ("multicast", [{"name": "a1", "addresses": ["224.0.0.1/24"]}], ("[a1].addresses", "a machine can have", "224")),
    (
        "address twice",
        [{"name": "a1", "addresses": ["192.0.2.1/24"]}, {"name": "a2", "addresses": ["192.0.2.1/25"]}],
        ("[a2].addresses", "each address once", "which 'a1' has too"),
    ),
    (
        "gateway outside",
        [{"name": "a1", "addresses": ["192.0.2.1/24"], "gateway": "198.51.100.1"}],
        ("[a1].gateway", "an address in 192.0.2.0/24", "'198.51.100.1'"),
    ),
    (
        "gateway is the interface",
        [{"name": "a1", "addresses": ["192.0.2.1/24"], "gateway": "192.0.2.1"}],
        ("[a1].gateway", "another machine", "own address"),
    ),
    ("gateway alone", [{"name": "a1", "gateway": "192.0.2.1"}], ("[a1].gateway", "an IPv4 address on the same", "none")),
    (
        "gateway of the other family",
        [{"name": "a1", "addresses": ["192.0.2.1/24"], "gateway": "2001:db8::1"}],
        ("[a1].gateway", "an IPv4 address", "2001:db8::1"),
    ),
    (
        "two gateways",
        [
            {"name": "a1", "addresses": ["192.0.2.1/24"], "gateway": "192.0.2.254"},
            {"name": "a2", "addresses": ["198.51.100.1/24"], "gateway": "198.51.100.254"},
        ],
        ("[a2].gateway", "one default gateway", "besides that of 'a1'"),
    ),
    ("static without address", [{"name": "a1", "method": "static"}], ("[a1].method", "address with static", "none")),
    (
        "dhcp with address",
        [{"name": "a1", "method": "dhcp", "addresses": ["192.0.2.1/24"]}],
        ("[a1].method", "static", "'dhcp'"),
    ),
    ("route without via", [{"name": "a1", "routes": [{"to": "10.0.0.0/8"}]}], ("[a1].routes", "as via", "None")),
    (
        "default as a route",
        [{"name": "a1", "routes": [{"to": "0.0.0.0/0", "via": "192.0.2.1"}]}],
        ("[a1].routes", "which gateway is for", "0.0.0.0/0"),
    ),
    ("match of both", [{"name": "a1", "match": {"mac": "x", "pci": "y"}}], ("[a1].match", "either mac or pci", "mac")),
    ("mac", [{"name": "a1", "match": {"mac": "52:54"}}], ("[a1].match.mac", "a MAC address", "52:54")),
    ("pin alone", [{"name": "nic0", "pin": True}], ("[nic0].pin", "with match only", "no match")),
    (
        "pin to a kernel's name",
        [{"name": "eth0", "pin": True, "match": {"mac": "52:54:00:00:00:01"}}],
        ("[eth0].name", "such as nic0", "'eth0'"),
    ),
    (
        "NIC matched twice",
        [{"name": n, "pin": True, "match": {"mac": "52:54:00:00:00:01"}} for n in ("nic0", "nic1")],
        ("[nic1].match", "each NIC once", "which is 'nic0' already"),
    ),
]  # fmt: skip

GOOD = [
    {"name": "bond0", "slaves": ["eno1", "eno2"], "bond_mode": "802.3ad", "bond_lacp_rate": "fast", "mtu": 9000},
    {
        "name": "vmbr0",
        "bridge_ports": ["bond0"],
        "bridge_vlan_aware": True,
        "bridge_vids": "2-100 200",
        "mtu": 9000,
        "addresses": ["192.0.2.11/24", "192.0.2.12/24", "2001:db8::11/64"],
        "gateway": "192.0.2.1",
        "gateway6": "fe80::1",
        "routes": [{"to": "198.51.100.0/24", "via": "192.0.2.9", "metric": 10}],
    },
    {"name": "vmbr0.20", "addresses": ["10.20.0.1/24"], "mtu": 9000},
    {"name": "stor", "vlan_raw_device": "bond0", "vlan_id": 40, "addresses": ["10.40.0.1/31"]},
    {"name": "vmbr1", "type": "OVSBridge", "ovs_ports": ["eno3"]},
    {"name": "in0", "ovs_bridge": "vmbr1", "ovs_tag": 5, "addresses": ["10.5.0.1/24"]},
    {"name": "vmbr2", "bridge_ports": []},
    {"name": "vmbr0:5", "addresses": ["10.6.0.1/24"]},
    {"name": "eno4", "method": "dhcp", "method6": "auto"},
]


@pytest.mark.parametrize(("config", "said"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_is_wrong_is_said(config: object, said: tuple[str, str, str]) -> None:
    findings = check_interfaces(config)
    where, expected, found = said
    assert [one for one in findings if one[0] == where and expected in one[1] and found in one[2]], findings


@pytest.mark.parametrize(("config", "said"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_nothing_else_is_said(config: object, said: tuple[str, str, str]) -> None:
    others = [one for one in check_interfaces(config) if one[0].partition("]")[0] != said[0].partition("]")[0]]
    assert not others


def test_a_good_list_passes() -> None:
    assert check_interfaces(GOOD) == []
    assert check_interfaces(GOOD, known=["eno1", "eno2", "eno3", "eno4"]) == []


def test_all_findings_at_once() -> None:
    config = [case[1][0] for case in BAD if isinstance(case[1], list) and len(case[1]) == 1]
    assert len(check_interfaces(config)) >= len(config)


def test_a_nic_that_the_machine_lacks() -> None:
    findings = check_interfaces([{"name": "vmbr0", "bridge_ports": ["eno9"]}], known=["eno1"])
    assert findings == [("[vmbr0].bridge_ports", "devices that exist or are listed (eno1, vmbr0)", "'eno9'")]


def test_the_sentence() -> None:
    assert sentences("pve1", "pve_network_interfaces", [("[a].mtu", "at most 1500", "9000")]) == [
        "pve1: pve_network_interfaces[a].mtu: expected at most 1500, found 9000"
    ]


def test_an_address_that_is_no_good_is_one_finding() -> None:
    found = check_interfaces([{"name": "eno1", "addresses": ["192.0.2.012/24"], "gateway": "192.0.2.1"}])
    assert [where for where, _expected, _found in found] == ["[eno1].addresses"]
