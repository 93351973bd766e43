# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is asked to reach whom, and which NICs carry what."""

from __future__ import annotations

from typing import Any

from ansible_collections.baremetal.proxmox.plugins.filter.preflight_targets import preflight_targets
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _preflight_network as network

from . import preflight_racks as racks


def known(*numbers: int) -> dict[str, Any]:
    return {f"pve{number}": racks.facts(number) for number in numbers}


def test_a_link_on_a_network_is_asked_once() -> None:
    links = {host: [{"number": 0, "address": f"10.99.0.1{host[-1]}"}] for host in ("pve1", "pve2")}
    found = network.targets("pve1", known(1, 2), racks.NETWORKS, links, {})
    assert found == [
        {
            "source": "10.99.0.11",
            "address": "10.99.0.12",
            "mtu": 1500,
            "about": {"host": "pve2", "networks": ["management"], "links": [0]},
        },
        {
            "source": "10.97.0.11",
            "address": "10.97.0.12",
            "mtu": 9000,
            "about": {"host": "pve2", "networks": ["storage"], "links": []},
        },
    ]


def test_links_without_declared_networks() -> None:
    links = {host: [{"number": 1, "address": f"10.97.0.1{host[-1]}"}] for host in ("pve1", "pve2")}
    (found,) = network.targets("pve1", known(1, 2), {}, links, {})
    assert (found["address"], found["mtu"], found["about"]["links"]) == ("10.97.0.12", 9000, [1])


def test_nothing_declared_at_all() -> None:
    main = {"pve1": "10.99.0.11", "pve2": "10.99.0.12", "pve3": "pve3.example.org"}
    found = network.targets("pve1", known(1, 2, 3), {}, {}, main)
    assert [target["address"] for target in found] == ["10.99.0.12"]


def test_a_machine_that_could_not_be_read_is_left_out() -> None:
    assert network.targets("pve1", {**known(1), "pve2": {}}, racks.NETWORKS, {}, {}) == []
    assert network.targets("pve2", {**known(1), "pve2": {}}, racks.NETWORKS, {}, {}) == []


def test_nics_below_an_interface() -> None:
    facts = racks.facts(1)
    facts["interfaces"] = [
        {"name": "bond0", "mtu": 9000, "lower": ["eno1", "eno2"]},
        {"name": "vmbr0", "mtu": 9000, "lower": ["bond0", "tap100i0"]},
        {"name": "tap100i0", "mtu": 1500, "lower": []},
        {"name": "vmbr0.30", "mtu": 1500, "lower": ["vmbr0"]},
        {"name": "loop", "mtu": 1500, "lower": ["loop"]},
    ]
    assert [nic["name"] for nic in network.carriers(facts, "vmbr0.30")] == ["eno1", "eno2"]
    assert [nic["name"] for nic in network.carriers(facts, "eno2")] == ["eno2"]
    assert network.carriers(facts, "loop") == []
    assert (network.interface_mtu(facts, "bond0"), network.interface_mtu(facts, "gone")) == (9000, 1500)


def test_blame() -> None:
    def pairs(*names: str) -> dict[frozenset[str], None]:
        return {frozenset(name.split()): None for name in names}

    order = ["a", "b", "c", "d"]
    assert list(network.blame(pairs("a b", "b c", "b d"), order)) == [("b", ["a", "c", "d"])]
    assert list(network.blame(pairs("a b", "c d"), order)) == [("a", ["b"]), ("c", ["d"])]
    everything = list(network.blame(pairs("a b", "a c", "a d", "b c", "b d", "c d"), order))
    assert sum(len(peers) for _host, peers in everything) == 6


def test_the_filter() -> None:
    hostvars: dict[str, Any] = {
        "pve1": {"m": {"facts": racks.facts(1)}, "pve_cluster_links": [{"number": 0, "address": "10.99.0.11"}]},
        "pve2.example.org": {"m": {"facts": racks.facts(2)}, "ansible_host": "10.99.0.12"},
        "pve3": {"m": {"unreachable": True}, "pve_host_name": "three"},
    }
    found = preflight_targets(hostvars, "pve1", list(hostvars), "m", racks.NETWORKS)
    assert found["names"] == ["pve1", "pve2"]
    assert found["addresses"] == ["10.97.0.12", "10.99.0.12"]
    assert {target["about"]["host"] for target in found["targets"]} == {"pve2.example.org"}
