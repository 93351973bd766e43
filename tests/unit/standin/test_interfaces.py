"""/etc/network/interfaces as Proxmox reads and writes it. What is expected was seen of Proxmox's own code."""

from __future__ import annotations

from typing import Any

import pytest
from pvestandin import interfaces
from pvestandin.errors import Failure
from pvestandin.links import Link, Links


def cards(*names: str, **altnames: str) -> Links:
    """Physical cards, set up; `eth0="enp1s0"` has another name."""
    made = {name: Link(name, True, True) for name in names}
    return made | {name: Link(name, True, True, tuple(other.split())) for name, other in altnames.items()}


def parse(text: str, links: Links | None = None, *, wide: bool = True) -> dict[str, Any]:
    return interfaces.parse(text.encode().decode("latin-1"), links or {}, wide=wide).interfaces


def rewritten(text: str, links: Links | None = None, *, ifupdown2: bool = True) -> str:
    """The text after one turn through the reader and the writer, without the header."""
    config = interfaces.parse(text.encode().decode("latin-1"), links or {})
    return interfaces.render(config, ifupdown2=ifupdown2).split("\n\n", 1)[1]


def types(text: str, links: Links | None = None) -> dict[str, str | None]:
    return {name: found.get("type") for name, found in parse(text, links).items() if name != "lo"}


class TestReading:
    def test_a_bridge_on_a_bond(self) -> None:
        found = parse(
            """auto lo
iface lo inet loopback

iface eno1 inet manual

auto bond0
iface bond0 inet manual
\tbond-slaves eno2 eno1
\tbond-mode 4
\tbond-lacp-rate fast

auto vmbr0
iface vmbr0 inet static
\taddress 10.0.0.2
\tnetmask 255.255.255.0
\tgateway 10.0.0.1
\tbridge-ports bond0
\tbridge-vlan-aware no
\tup ip route add 10.9.0.0/16   via 10.0.0.9
#for guests

iface vmbr0 inet6 static
\taddress fd00::2/64
#and IPv6

source /etc/network/interfaces.d/*
""",
            cards("eno1", "eno2"),
        )
        assert found["eno1"] == {
            **{"type": "eth", "priority": 3, "families": ["inet"], "method": "manual", "method6": "manual"},
            **{"exists": 1, "active": 1},
        }
        assert "priority" not in found["eno2"]
        assert (found["bond0"]["slaves"], found["bond0"]["bond_mode"]) == ("eno1 eno2", "802.3ad")
        assert found["bond0"]["options"] == ["bond-lacp-rate fast"]
        bridge = found["vmbr0"]
        assert (bridge["cidr"], bridge["address"], bridge["netmask"]) == ("10.0.0.2/24", "10.0.0.2", "24")
        assert (bridge["cidr6"], bridge["families"], bridge["method6"]) == ("fd00::2/64", ["inet", "inet6"], "static")
        assert (bridge["bridge_vlan_aware"], bridge["bridge_stp"], bridge["bridge_fd"]) == (1, "off", 0)
        assert bridge["options"] == ["up ip route add 10.9.0.0/16   via 10.0.0.9"]
        assert bridge["comments"] == "for guests\nand IPv6\n"

    @pytest.mark.parametrize(
        ("head", "options", "kind"),
        [
            ("eth7", "", "eth"),
            ("enp1s0f0np0", "", "eth"),
            ("nic3", "", "eth"),
            ("ib0", "", "eth"),
            ("wlan0", "", "unknown"),
            ("bond12", "", "bond"),
            ("bond12", "bridge-ports none", "bridge"),
            ("bonding", "slaves eth0", "unknown"),
            ("vmbr0", "ovs_type OVSBridge", "OVSBridge"),
            ("eth0:1", "", "alias"),
            ("eth0.12", "", "vlan"),
            ("eth0.12", "ovs_type OVSIntPort", "vlan"),
            ("vlan12", "vlan-raw-device eth0", "vlan"),
            ("vlan12", "", "unknown"),
            ("storage", "vlan-raw-device eth0", "vlan"),
            ("eth0", "ovs_type OVSPort", "OVSPort"),
            ("eth0", "ovs_type OVSIntPort", "unknown"),
            ("in1", "ovs_type OVSIntPort", "OVSIntPort"),
            ("in1", "ovs_type OVSPort", "unknown"),
            ("vx1", "vxlan-id 5", "vxlan"),
            ("dum1", "link-type dummy", "dummy"),
            ("dum1", "link-type bond", "unknown"),
        ],
    )
    def test_type(self, head: str, options: str, kind: str) -> None:
        assert types(f"iface {head} inet manual\n\t{options}\n")[head] == kind

    def test_a_card_of_any_name_and_by_another_name(self) -> None:
        found = parse("iface uplink inet manual\niface enp9s0 inet manual\n", cards("uplink", eth0="enx1 enp9s0"))
        assert (found["uplink"]["type"], found["enp9s0"]["type"]) == ("eth", "eth")
        assert found["enp9s0"]["exists"] == 1
        assert "eth0" not in found
        assert "active" not in found["enp9s0"]  # that goes by the kernel's name only

    def test_what_is_no_card(self) -> None:
        assert parse("iface eth0 inet manual\n", {"eth0": Link("eth0", False, True)})["eth0"].get("exists") is None

    def test_a_vlan_and_an_alias_of_nothing_leave_something_bare(self) -> None:
        found = parse("iface eth5.7 inet manual\n\niface eth6:1 inet manual\n")
        assert (found["eth5"], found["eth6"]) == ({"exists": 0}, {"exists": 0})
        assert (found["eth5.7"]["vlan-raw-device"], found["eth5.7"]["vlan-id"]) == ("eth5", "7")
        assert (found["eth5.7"]["exists"], found["eth6:1"]["exists"]) == (0, 0)

    def test_the_last_of_several_addresses_is_all_that_is_seen(self) -> None:
        found = parse("iface eth0 inet static\n\taddress 10.0.0.2/24\n\taddress 10.0.1.2/24\n")
        assert found["eth0"]["cidr"] == "10.0.1.2/24"

    @pytest.mark.parametrize(
        ("mask", "cidr"),
        [
            ("24", "10.0.0.2/24"),
            ("255.255.254.0", "10.0.0.2/23"),
            ("0.0.0.255", "10.0.0.2/32"),
            ("0", "10.0.0.2/32"),
            ("nonsense", "10.0.0.2/32"),
        ],
    )
    def test_masks(self, mask: str, cidr: str) -> None:
        assert parse(f"iface eth0 inet static\n\taddress 10.0.0.2\n\tnetmask {mask}\n")["eth0"]["cidr"] == cidr

    def test_without_a_family(self) -> None:
        found = parse("iface eth0\n\taddress 10.0.0.2/24\n\taddress fd00::2/64\n\tgateway fd00::1\n\tup true\n#x\n")
        eth0 = found["eth0"]
        assert (eth0["cidr"], eth0["cidr6"], eth0["gateway6"]) == ("10.0.0.2/24", "fd00::2/64", "fd00::1")
        assert (eth0["families"], eth0["method"], eth0["method6"]) == ([None], "manual", "manual")
        assert (eth0["options"], eth0["comments"]) == (["up true"], "x\n")

    def test_open_vswitch(self) -> None:
        found = parse(
            """allow-vmbr1 bond0 in1 eth9
iface bond0 inet manual
\tovs_bonds eth0 eth1
\tovs_type OVSBond
\tovs_bridge vmbr1
\tovs_options tag=7 bond_mode=balance-tcp lacp=active other_config:x=1
iface in1 inet manual
\tovs_type OVSIntPort
\tovs_bridge vmbr1
\tovs_options tag=50 vlan_mode=access
iface vmbr1 inet manual
\tovs_type OVSBridge
\tovs_ports bond0 in1
"""
        )
        bond = found["bond0"]
        assert (bond["bond_mode"], bond["ovs_tag"], bond["ovs_options"]) == (
            "lacp-balance-tcp",
            "7",
            "other_config:x=1",
        )
        assert (found["in1"]["ovs_tag"], found["in1"]["ovs_options"]) == ("50", "vlan_mode=access")

    def test_where_a_stanza_ends(self) -> None:
        config = interfaces.parse(
            "iface eth0 inet manual\n\tmtu 9000\n\tup\n\tmtu 1500\niface eth1 inet bad word\n", {}
        )
        assert config.interfaces["eth0"]["mtu"] == "9000"
        assert [line for _unused, line in config.lines] == ["\tup", "\tmtu 1500", "iface eth1 inet bad word"]

    @pytest.mark.parametrize(("wide", "comment"), [(True, "caf\N{REPLACEMENT CHARACTER}\n"), (False, "caf\u00e0\n")])
    def test_a_letter_that_ends_like_a_blank(self, wide: bool, comment: str) -> None:
        assert parse("iface eth0 inet manual\n#caf\u00e0\n", wide=wide)["eth0"]["comments"] == comment

    def test_an_empty_file(self) -> None:
        assert parse("", cards("eth0")) == {
            "eth0": {
                **{"type": "eth", "exists": 1, "active": 1, "families": ["inet"]},
                **{"method": "manual", "method6": "manual"},
            },
            "lo": {
                **{"type": "loopback", "priority": 1, "autostart": 1, "families": ["inet"]},
                **{"method": "loopback", "method6": "manual"},
            },
        }


WRITTEN = """auto lo
iface lo inet loopback

iface eth0 inet manual

iface eth1 inet manual
#second

auto eth2
iface eth2 inet static
\taddress 10.7.0.2/24
\tmtu 9000
\tup ip route add 10.9.0.0/16 via 10.7.0.9

auto eth3
iface eth3 inet manual

auto bond0
iface bond0 inet manual
\tbond-slaves eth3
\tbond-miimon 100
\tbond-mode active-backup
\tbond-primary eth3
\tbond-lacp-rate fast

auto vmbr0
iface vmbr0 inet static
\taddress 10.0.0.2/24
\tgateway 10.0.0.1
\tbridge-ports bond0
\tbridge-stp off
\tbridge-fd 0
\tbridge-vlan-aware yes
\tbridge-vids 2-4094
#main

iface vmbr0 inet6 static
\taddress fd00::2/64

auto vmbr0.5
iface vmbr0.5 inet6 static
\taddress fd05::2/64
#only six

auto store
iface store inet dhcp
\tvlan-id 7
\tvlan-raw-device bond0

source /etc/network/interfaces.d/*
"""


class TestWriting:
    def test_what_proxmox_writes_stays_as_it_is(self) -> None:
        assert rewritten(WRITTEN, cards("eth0", "eth1", "eth2", "eth3")) == WRITTEN

    def test_spelling_order_and_defaults(self) -> None:
        text = """source-directory /etc/network/extra
iface vmbr0 inet static
\tbridge_ports eth1
\taddress 10.0.0.2
\tnetmask 255.255.0.0
iface bond0 inet manual
\tslaves none
# free
iface eth1 inet manual
\tmtu 1500
"""
        assert rewritten(text, cards("eth0", "eth1")) == (
            "auto lo\niface lo inet loopback\n\n"
            "source-directory /etc/network/extra\n\n"
            "iface eth1 inet manual\n\tmtu 1500\n\n"
            "iface eth0 inet manual\n\n"
            "iface bond0 inet manual\n\tbond-slaves none\n\tbond-miimon 100\n\tbond-mode balance-rr\n# free\n\n"
            "iface vmbr0 inet static\n\taddress 10.0.0.2/16\n\tbridge-ports eth1\n\tbridge-stp off\n\tbridge-fd 0\n\n"
        )

    @pytest.mark.parametrize(
        ("ifupdown2", "port", "bridge"), [(True, "auto", "auto"), (False, "allow-vmbr1", "allow-ovs")]
    )
    def test_open_vswitch(self, ifupdown2: bool, port: str, bridge: str) -> None:
        text = (
            "iface in1 inet static\n\taddress 10.0.0.2/24\n\tovs_type OVSIntPort\n\tovs_bridge vmbr1\n"
            "\tovs_options tag=5 vlan_mode=access\n\n"
            "auto vmbr1\niface vmbr1 inet manual\n\tovs_type OVSBridge\n\tovs_ports eth0 in1\n\tovs_mtu 9000\n"
        )
        assert rewritten(text, cards("eth0"), ifupdown2=ifupdown2) == (
            "auto lo\niface lo inet loopback\n\n"
            f"{port} eth0\niface eth0 inet manual\n\tovs_type OVSPort\n\tovs_bridge vmbr1\n\n"
            f"{port} in1\niface in1 inet static\n\taddress 10.0.0.2/24\n\tovs_type OVSIntPort\n\tovs_bridge vmbr1\n"
            "\tovs_options vlan_mode=access tag=5\n\n"
            f"{bridge} vmbr1\niface vmbr1 inet manual\n\tovs_type OVSBridge\n\tovs_ports eth0 in1\n\tovs_mtu 9000\n\n"
        )

    def test_a_port_that_left_its_bridge_is_a_card_again(self) -> None:
        text = "iface eth0 inet manual\n\tovs_type OVSPort\n\tovs_bridge vmbr1\n"
        assert rewritten(text) == "auto lo\niface lo inet loopback\n\niface eth0 inet manual\n\n"

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            (
                "iface vmbr0 inet manual\n\tbridge-ports eth0\niface vmbr1 inet manual\n\tbridge-ports eth0\n",
                "port 'eth0' is already used on interface 'vmbr0'",
            ),
            ("iface vmbr0 inet manual\n\tbridge-ports tap0\n", "bridge 'vmbr0' - unable to find bridge port 'tap0'"),
            (
                "iface eth0 inet static\n\taddress 10.0.0.2/24\niface vmbr0 inet manual\n\tbridge-ports eth0\n",
                "iface eth0 - ip address can't be set on interface if bridged in vmbr0",
            ),
            (
                "iface vmbr0 inet manual\n\tbridge-ports eth0\n\tmtu 9000\n",
                "interface 'eth0' - mtu 1500 is lower than 'vmbr0' - mtu 9000",
            ),
            (
                "iface bond0 inet manual\n\tbond-slaves gone\n",
                "bond 'bond0' - wrong interface type on slave 'gone' ('' != 'eth or bond')",
            ),
            (
                "iface bond0 inet manual\n\tbond-slaves eth0\n\tbond-mode 1\n\tbond-primary eth1\n",
                "bond 'bond0' - bond-primary interface is not a slave",
            ),
            ("iface eth0.4095 inet manual\n", "vlan 'eth0.4095' - vlan-id 4095 should be <= 4094"),
            (
                "iface eth5.7 inet manual\n",
                "vlan 'eth5.7' - wrong interface type on parent 'eth5' ('' != 'eth|bond|bridge|vlan' )",
            ),
            ("iface store inet manual\n\tvlan-raw-device eth0\n", "missing vlan-id option"),
            (
                "iface vmbr1 inet manual\n\tovs_type OVSBridge\n\tovs_ports gone\n",
                "OVS bridge 'vmbr1' - unable to find port 'gone'",
            ),
            (
                "iface bond0 inet manual\n\tbond-slaves eth0\niface vmbr1 inet manual\n\tovs_type OVSBridge\n\tovs_ports bond0\n",
                "interface 'bond0' is not defined as OVS port/bond",
            ),
            (
                "iface eth0 inet manual\n\tbridge-learning off\n",
                "iface eth0 - bridge-learning: bridge port specific options can be used only on interfaces attached "
                "to a bridge",
            ),
            (
                "iface v1 inet manual\n\tvxlan-id 5\niface v2 inet manual\n\tvxlan-id 5\n",
                "iface v2 - duplicate vxlan-id 5 already used in v1",
            ),
        ],
    )
    def test_refused(self, text: str, sentence: str) -> None:
        with pytest.raises(Failure) as caught:
            rewritten(text, cards("eth0", "eth1"))
        assert caught.value.message == sentence

    def test_a_vlan_comes_into_being_as_a_port(self) -> None:
        text = "iface vmbr0 inet manual\n\tbridge-ports eth0.5\n"
        assert "bridge-ports eth0.5\n" in rewritten(text, cards("eth0"))

    def test_reading_what_was_written_changes_nothing_more(self) -> None:
        links = cards("eth0", "eth1", "eth2", "eth3")
        assert rewritten(rewritten(WRITTEN, links), links) == WRITTEN
