# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_file as file
from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_plan as interfaces

NICS = ["eno1", "eno2", "eno3", "eno4"]
# as the installer of Proxmox leaves it
FRESH = """\
auto lo
iface lo inet loopback

iface eno1 inet manual

auto vmbr0
iface vmbr0 inet static
\taddress 10.0.0.1/24
\tgateway 10.0.0.254
\tbridge-ports eno1
\tbridge-stp off
\tbridge-fd 0

iface eno2 inet manual

iface eno3 inet manual

iface eno4 inet manual

source /etc/network/interfaces.d/*
"""
CONFIG: list[dict[str, Any]] = [
    {
        "name": "bond0",
        "slaves": ["eno2", "eno1"],
        "bond_mode": "802.3ad",
        "bond_lacp_rate": "fast",
        "bond_xmit_hash_policy": "layer3+4",
        "mtu": 9000,
    },
    {
        "name": "vmbr0",
        "bridge_ports": ["bond0"],
        "addresses": ["10.0.0.1/24", "10.0.0.2/24", "fd00::1/64", "fd00::2/64"],
        "gateway": "10.0.0.254",
        "gateway6": "fd00::ff",
        "bridge_vlan_aware": True,
        "mtu": 9000,
        "comments": "two lines\nof words",
        "routes": [{"to": "10.9.0.0/16", "via": "10.0.0.9"}, {"to": "fd09::/32", "via": "fd00::9", "metric": 5}],
        "post_up": ["echo up"],
    },
    {"name": "vmbr0.20", "addresses": ["10.20.0.1/24"], "mtu": 9000},
    {"name": "vlan30", "vlan_raw_device": "bond0", "addresses": ["10.30.0.1/24"]},
    {"name": "stor", "vlan_raw_device": "bond0", "vlan_id": 40, "addresses": ["fd40::1/64"]},
    {"name": "vmbr1", "type": "OVSBridge", "ovs_ports": ["eno3"], "mtu": 9000},
    {"name": "mgmt", "ovs_bridge": "vmbr1", "ovs_tag": 50, "addresses": ["10.50.0.1/24"]},
    {"name": "eno4", "method": "dhcp"},
]
WRITTEN = """\
auto lo
iface lo inet loopback

auto eno1
iface eno1 inet manual

auto eno2
iface eno2 inet manual

auto eno3
iface eno3 inet manual
\tovs_type OVSPort
\tovs_bridge vmbr1

auto eno4
iface eno4 inet dhcp

auto mgmt
iface mgmt inet static
\taddress 10.50.0.1/24
\tovs_type OVSIntPort
\tovs_bridge vmbr1
\tovs_options tag=50

auto bond0
iface bond0 inet manual
\tbond-slaves eno1 eno2
\tbond-miimon 100
\tbond-mode 802.3ad
\tbond-xmit-hash-policy layer3+4
\tmtu 9000
\tbond-lacp-rate fast

auto vmbr0
iface vmbr0 inet static
\taddress 10.0.0.1/24
\tgateway 10.0.0.254
\tbridge-ports bond0
\tbridge-stp off
\tbridge-fd 0
\tbridge-vlan-aware yes
\tbridge-vids 2-4094
\tmtu 9000
\tpost-up ip route replace 10.9.0.0/16 via 10.0.0.9 dev vmbr0
#two lines
#of words

iface vmbr0 inet6 static
\taddress fd00::1/64
\tgateway fd00::ff
\tpost-up ip -6 route replace fd09::/32 via fd00::9 dev vmbr0 metric 5
\tpost-up echo up

auto vmbr1
iface vmbr1 inet manual
\tovs_type OVSBridge
\tovs_ports eno3 mgmt
\tovs_mtu 9000

auto vmbr0.20
iface vmbr0.20 inet static
\taddress 10.20.0.1/24
\tmtu 9000

auto vmbr0:1
iface vmbr0:1 inet static
\taddress 10.0.0.2/24

iface vmbr0:1 inet6 static
\taddress fd00::2/64

auto stor
iface stor inet6 static
\taddress fd40::1/64
\tvlan-id 40
\tvlan-raw-device bond0

auto vlan30
iface vlan30 inet static
\taddress 10.30.0.1/24
\tvlan-raw-device bond0

source /etc/network/interfaces.d/*
"""


def plan(text: str, config: list[dict[str, Any]], *, overridden: bool = False, **more: Any) -> interfaces.Plan:
    return interfaces.plan(text, config, overridden=overridden, physical=NICS, known=NICS, **more)


def test_the_file_is_the_one_that_proxmox_writes() -> None:
    # compared with PVE::Network::Interfaces 9.2 and PVE::INotify 8.4, which write it back byte for byte
    made = plan(FRESH, CONFIG)
    assert made.text == WRITTEN
    assert made.findings == []


@pytest.mark.parametrize("overridden", [False, True])
def test_again_changes_nothing(overridden: bool) -> None:
    assert plan(WRITTEN, CONFIG, overridden=overridden).text == WRITTEN


def test_what_is_gathered_makes_the_same_file() -> None:
    gathered, kept = interfaces.gathered(WRITTEN, NICS)
    assert kept == {}
    assert plan(WRITTEN, gathered, overridden=True).text == WRITTEN
    assert plan("", gathered, overridden=True).text.split() and not plan("", gathered, overridden=True).findings


def test_gathered_has_the_words_of_config() -> None:
    found = {item["name"]: item for item in interfaces.gathered(WRITTEN, NICS)[0]}
    for item in CONFIG:
        name = item["name"]
        wanted = {**item, "ovs_ports": ["eno3", "mgmt"]} if name == "vmbr1" else item
        wanted = {**wanted, "slaves": ["eno1", "eno2"]} if name == "bond0" else wanted
        assert wanted.items() <= found[name].items()


HAND_WRITTEN = """\
# the loopback
auto lo
iface lo inet loopback

# uplink, do not touch
allow-hotplug eno1
iface eno1 inet static
    address 192.0.2.5
    netmask 255.255.255.0
    hwaddress 52:54:00:00:00:01

    dns-nameservers 192.0.2.53
    # a comment in the middle
    up ip route add 10.0.0.0/8 via 192.0.2.9
    post-up iptables -A FORWARD \\
        -j ACCEPT

mapping eno3
    script /usr/local/bin/which
    map home

# storage
auto eno2
iface eno2 inet static
  address 198.51.100.5/24
  address 198.51.100.6/24
  ethernet-wol g
"""


def test_hand_written_stanzas_stay_to_the_byte() -> None:
    text = plan(HAND_WRITTEN, [{"name": "vmbr5", "bridge_ports": []}]).text
    for part in HAND_WRITTEN.split("\n\n"):
        assert part.rstrip("\n") in text
    assert text.index("auto eno2") < text.index("auto vmbr5")
    assert text.endswith(f"\n{file.SOURCE}\n")


def test_nothing_listed_nothing_changed() -> None:
    assert plan(HAND_WRITTEN, []).text == HAND_WRITTEN


def test_what_is_already_so_stays_in_its_form() -> None:
    with_source = f"{HAND_WRITTEN}\n{file.SOURCE}\n"
    listed = {
        "name": "eno1",
        "addresses": ["192.0.2.5/24"],
        "routes": [{"to": "10.0.0.0/8", "via": "192.0.2.9"}],
        "post_up": ["iptables -A FORWARD -j ACCEPT"],
    }
    assert plan(with_source, [listed]).text == with_source


def test_a_listed_interface_keeps_what_there_is_no_word_for() -> None:
    text = plan(HAND_WRITTEN, [{"name": "eno1", "addresses": ["192.0.2.7/24"]}]).text
    assert (
        "# uplink, do not touch\nauto eno1\niface eno1 inet static\n\taddress 192.0.2.7/24\n"
        "\thwaddress 52:54:00:00:00:01\n\tdns-nameservers 192.0.2.53\n# a comment in the middle\n\n"
    ) in text


def test_overridden_forgets_the_rest() -> None:
    made = plan(HAND_WRITTEN, [{"name": "eno1", "addresses": ["192.0.2.7/24"]}], overridden=True)
    assert "hwaddress" not in made.text and "mapping" not in made.text
    assert "iface eno2 inet manual\n" in made.text and "auto eno2" not in made.text
    assert "auto lo" in made.text and file.SOURCE in made.text


def test_several_addresses_in_one_stanza_are_spread_when_it_is_listed() -> None:
    text = plan(HAND_WRITTEN, [{"name": "eno2", "addresses": ["198.51.100.5/24", "198.51.100.6/24"]}]).text
    assert "iface eno2 inet static\n\taddress 198.51.100.5/24\n\tethernet-wol g\n\n" in text
    assert "auto eno2:1\niface eno2:1 inet static\n\taddress 198.51.100.6/24\n" in text


def test_an_address_less_is_an_alias_less() -> None:
    fewer = [{**item, "addresses": item["addresses"][:1]} if item["name"] == "vmbr0" else item for item in CONFIG]
    text = plan(WRITTEN, fewer).text
    assert "vmbr0:1" not in text and "iface vmbr0 inet6" not in text


def test_conflicts_with_what_is_not_listed_are_found() -> None:
    assert plan(FRESH, [{"name": "vmbr1", "bridge_ports": ["eno1"]}]).findings == [
        ("[vmbr1].bridge_ports", "each port in one place", "'eno1', which vmbr0 uses already")
    ]
    found = plan(FRESH, [{"name": "eno2", "addresses": ["10.1.0.1/24"], "gateway": "10.1.0.2"}]).findings
    assert [one[1:] for one in found] == [("one default gateway", "a second one, besides that of 'vmbr0'")]


def test_old_trouble_elsewhere_is_none_of_ours() -> None:
    broken = FRESH.replace("bridge-ports eno1", "bridge-ports eno1 eno9")
    assert plan(broken, [{"name": "eno2", "addresses": ["10.1.0.1/24"]}]).findings == []
    assert plan(broken, [{"name": "vmbr0", "bridge_ports": ["eno1", "eno9"]}]).findings != []


def test_a_renamed_nic_is_renamed_everywhere() -> None:
    made = interfaces.plan(
        FRESH + "iface eno1.30 inet manual\n",
        [{"name": "nic0"}],
        overridden=False,
        physical=["nic0", "eno2"],
        known=["nic0", "eno2"],
        moved={"eno1": "nic0"},
    )
    assert "eno1" not in made.text
    assert "bridge-ports nic0" in made.text and "iface nic0.30 inet manual" in made.text


def test_garbage_is_no_reason_to_fail() -> None:
    for text in (
        "iface\n",
        "iface eno1\n address banana\n netmask 300\n",
        "iface eno1 inet static\n\taddress 2001:db8::5\n\tnetmask 255.255.255.0\n",
        "iface bond1 inet manual\n\tvlan-raw-device\n\tbond-slaves\n",
        "\tpost-up x\nauto\n",
        "iface stor inet auto\n\tvlan-raw-device eno1\n",
    ):
        assert "vmbr5" in plan(text, [{"name": "vmbr5", "bridge_ports": []}]).text


def _random_config(pick: random.Random) -> list[dict[str, Any]]:
    nics = [f"eno{number}" for number in range(1, 9)]
    pick.shuffle(nics)
    config: list[dict[str, Any]] = []

    def address() -> dict[str, Any]:
        four = [
            f"10.{pick.randrange(250)}.{pick.randrange(250)}.{pick.randrange(1, 250)}/24"
            for _n in range(pick.randrange(4))
        ]
        six = [
            f"fd{pick.randrange(16, 99)}:{pick.randrange(999)}::{pick.randrange(1, 999)}/64"
            for _n in range(pick.randrange(3))
        ]
        return {"addresses": four + six} if four or six else {}

    for number in range(pick.randrange(3)):
        slaves = [nics.pop(), nics.pop()]
        config.append(
            {"name": f"bond{number}", "slaves": slaves, "bond_mode": pick.choice(["802.3ad", "active-backup"])}
        )
        port = f"bond{number}"
        kind = pick.choice(["bridge", "vlan", "plain"])
        if kind == "bridge":
            aware = pick.choice([True, False])
            config.append({"name": f"vmbr{number}", "bridge_ports": [port], "bridge_vlan_aware": aware, **address()})
            config.append({"name": f"vmbr{number}.{pick.randrange(2, 4000)}", **address()})
        elif kind == "vlan":
            config.append(
                {"name": f"stor{number}", "vlan_raw_device": port, "vlan_id": pick.randrange(2, 4000), **address()}
            )
        else:
            config[-1] |= address()
    if pick.random() < 0.5:
        config += [
            {"name": "vmbr9", "type": "OVSBridge", "ovs_ports": [nics.pop()]},
            {"name": "in9", "type": "OVSIntPort", "ovs_bridge": "vmbr9", "ovs_tag": pick.randrange(2, 99), **address()},
        ]
    config.append({"name": nics.pop(), **address(), "comments": pick.choice([None, "some words", "two\nlines"])})
    pick.shuffle(config)
    return [{name: value for name, value in item.items() if value is not None} for item in config]


@pytest.mark.parametrize("seed", range(150))
def test_any_list_is_stable(seed: int) -> None:
    pick = random.Random(seed)
    config, nics = _random_config(pick), [f"eno{number}" for number in range(1, 9)]
    first = interfaces.plan("", config, overridden=True, physical=nics, known=nics)
    assert first.findings == []
    assert file.compose(file.parse(first.text), nics) == first.text
    for overridden in (True, False):
        assert interfaces.plan(first.text, config, overridden=overridden, physical=nics, known=nics).text == first.text
    gathered, kept = interfaces.gathered(first.text, nics)
    assert kept == {}
    assert interfaces.plan(first.text, gathered, overridden=True, physical=nics, known=nics).text == first.text
    # another interface moves nothing and touches nothing
    more = interfaces.plan(
        first.text, [{"name": "vmbr77", "bridge_ports": []}], overridden=False, physical=nics, known=nics
    )
    chunks = first.text.split("\n\n")
    assert [chunk for chunk in more.text.split("\n\n") if "vmbr77" not in chunk] == chunks
