# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.filter.network_pings import network_pings


def rack(mtu: int | None = None, **fields: Any) -> dict[str, list[dict[str, Any]]]:
    def machine(number: int) -> list[dict[str, Any]]:
        storage = {"name": "bond0.40", "addresses": [f"10.40.0.{number}/24"], **({"mtu": mtu} if mtu else {})}
        management = {
            "name": "vmbr0",
            "bridge_ports": ["a2"],
            "addresses": [f"192.0.2.{number}/24", f"2001:db8::{number}/64"],
            "gateway": "192.0.2.254",
        }
        return [management, storage, {"name": "bond0", "mtu": 9000, "slaves": ["a1"]}]

    return {f"pve{number}": machine(number) for number in (1, 2, 3)}


def said(pings: list[dict[str, Any]]) -> list[str]:
    return [f"{one['what']} {one['address']} {one['interface']} {one['mtu']}" for one in pings]


def test_gateway_and_peers_in_every_network() -> None:
    assert said(network_pings(rack(), host="pve1", present={})) == [
        "the gateway 192.0.2.254 vmbr0 1500",
        "pve2 192.0.2.2 vmbr0 1500",
        "pve3 192.0.2.3 vmbr0 1500",
        "pve2 2001:db8::2 vmbr0 1500",
        "pve3 2001:db8::3 vmbr0 1500",
        "pve2 10.40.0.2 bond0.40 9000",
        "pve3 10.40.0.3 bond0.40 9000",
    ]


def test_members_of_a_cluster_ask_whom_they_can() -> None:
    present = {"pve3": ["192.0.2.3"]}
    found = said(network_pings(rack(), host="pve2", present=present, one_by_one=True, gateways=False))
    assert found == [
        "pve1 192.0.2.1 vmbr0 1500",
        "pve3 192.0.2.3 vmbr0 1500",
        "pve1 2001:db8::1 vmbr0 1500",
        "pve1 10.40.0.1 bond0.40 9000",
    ]


@pytest.mark.parametrize(
    ("own", "theirs", "networks", "mtu"),
    [
        ({"mtu": 9000}, {"mtu": 9000}, {}, 9000),
        ({"mtu": 9000}, {"mtu": 1500}, {}, 1500),
        ({}, {}, {}, 1500),
        ({}, {}, {"storage": {"cidr": "10.40.0.0/24", "mtu": 9000}}, 9000),
        ({}, {}, {"other": {"cidr": "10.41.0.0/24", "mtu": 9000}}, 1500),
        ({"mtu": 1400}, {}, {"storage": {"cidr": "10.40.0.0/24", "mtu": 9000}}, 1400),
    ],
)
def test_the_mtu_is_the_smaller_one(own: dict, theirs: dict, networks: dict, mtu: int) -> None:
    wanted = {
        "pve1": [{"name": "eno1", "addresses": ["10.40.0.1/24"], **own}],
        "pve2": [{"name": "eno1", "addresses": ["10.40.0.2/24"], **theirs}],
    }
    assert [one["mtu"] for one in network_pings(wanted, "pve1", {}, networks)] == [mtu]


def test_an_alias_is_asked_over_its_device() -> None:
    wanted = {
        "pve1": [{"name": "vmbr0:1", "addresses": ["10.0.0.1/24"]}, {"name": "vmbr0", "bridge_ports": ["a1"]}],
        "pve2": [{"name": "vmbr0", "bridge_ports": ["a1"], "addresses": ["10.0.0.2/24"]}],
    }
    assert said(network_pings(wanted, "pve1", {})) == ["pve2 10.0.0.2 vmbr0 1500"]


def test_others_without_interfaces() -> None:
    assert network_pings({"pve1": [{"name": "eno1", "method": "dhcp"}], "pve2": []}, "pve1", {}) == []


@pytest.mark.parametrize(
    "behind",
    [
        [{"name": "vmbr1", "bridge_ports": []}],
        [{"name": "vmbr1"}, {"name": "vmbr1.7"}],
        [{"name": "vmbr1", "type": "OVSBridge", "ovs_ports": ["int1"]}, {"name": "int1", "ovs_bridge": "vmbr1"}],
    ],
    ids=lambda behind: behind[-1]["name"],
)
def test_nobody_is_asked_over_a_bridge_without_ports(behind: list[dict[str, Any]]) -> None:
    def machine(number: int) -> list[dict[str, Any]]:
        return [*behind[:-1], behind[-1] | {"addresses": [f"10.10.0.{number}/24"]}]

    rack = {"pve1": machine(1), "pve2": machine(2)}
    assert network_pings(rack, host="pve1", present={}) == []
    # what is declared is meant to be reached: a port that was forgotten is found
    declared = {"guests": {"cidr": "10.10.0.0/24"}}
    assert len(network_pings(rack, host="pve1", present={}, networks=declared)) == 1
    plugged = {name: [one | {"bridge_ports": ["a1"], "type": "bridge"} if one["name"] == "vmbr1" else one for one in has]
               for name, has in rack.items()}  # fmt: skip
    assert len(network_pings(plugged, host="pve1", present={})) == 1
