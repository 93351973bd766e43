# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.baremetal.proxmox.plugins.filter.host_findings import host_findings
from ansible_collections.baremetal.proxmox.tests.unit.plugins.filter.nodes import installed, node

URL = "http://download.proxmox.com/debian/pve"
CASES = {
    "a bare machine": (node(), "pve1", "10.99.0.11", []),
    "an installed node": (installed(1), "pve1", "10.99.0.11", []),
    "a member of the wanted cluster": (installed(1, cluster__name="prod"), "pve1", "10.99.0.11", []),
    "a member of another cluster": (
        installed(1, cluster__name="lab"),
        "pve1",
        "10.99.0.11",
        [
            "h: pve_cluster_name: expected a machine that is in no cluster or in 'prod', found a member of the cluster 'lab'"
        ],
    ),
    "an installed node on another Debian": (
        installed(1, debian__release="bullseye"),
        "pve1",
        "10.99.0.11",
        ["h: expected Debian bookworm or trixie, found bullseye"],
    ),
    "an address in another form": (
        node(addresses=["2001:db8::11"]),
        "pve1",
        "2001:DB8::11",
        ["h: pve_host_address: expected '2001:db8::11', the usual form of this address, found '2001:DB8::11'"],
    ),
    "an old Debian": (
        node(debian__release="bullseye"),
        "pve1",
        "10.99.0.11",
        ["h: expected Debian bookworm or trixie, found bullseye"],
    ),
    "no Debian": (
        node(debian__release=None),
        "pve1",
        "10.99.0.11",
        ["h: expected Debian bookworm or trixie, found no Debian"],
    ),
    "another architecture": (
        node(architecture="aarch64"),
        "pve1",
        "10.99.0.11",
        ["h: expected the architecture x86_64, found aarch64"],
    ),
    "a bad name": (
        node(),
        "pve_1",
        "10.99.0.11",
        ["h: pve_host_name: expected letters, digits and hyphens (one label of at most 63), found 'pve_1'"],
    ),
    "a rename": (
        installed(1),
        "pve9",
        "10.99.0.11",
        [
            "h: pve_host_name: expected 'pve1', the name under which Proxmox VE was installed"
            " (a node cannot be renamed), found 'pve9'"
        ],
    ),
    "no address": (
        node(),
        "pve1",
        "pve1.example.org",
        ["h: pve_host_address: expected an IP address of this machine, found 'pve1.example.org'"],
    ),
    "a loopback address": (
        node(),
        "pve1",
        "127.0.0.1",
        ["h: pve_host_address: expected an address that the other nodes reach, found '127.0.0.1'"],
    ),
    "an address of another machine": (
        node(),
        "pve1",
        "10.99.0.12",
        ["h: pve_host_address: expected an address that this machine has (127.0.0.1, 10.99.0.11), found '10.99.0.12'"],
    ),
    "all at once": (
        node(architecture="armv7l", debian__release="buster"),
        "-",
        "x",
        [
            "h: expected Debian bookworm or trixie, found buster",
            "h: expected the architecture x86_64, found armv7l",
            "h: pve_host_name: expected letters, digits and hyphens (one label of at most 63), found '-'",
            "h: pve_host_address: expected an IP address of this machine, found 'x'",
        ],
    ),
}


@pytest.mark.parametrize("machine, name, address, findings", CASES.values(), ids=CASES.keys())
def test_findings(machine, name, address, findings):
    assert host_findings(machine, "h", name, address, "prod", URL, ["bookworm", "trixie"]) == findings


ENTERPRISE = "https://enterprise.proxmox.com/debian/pve"


def test_enterprise_needs_a_subscription_that_a_bare_machine_cannot_have():
    assert host_findings(node(), "h", "pve1", "10.99.0.11", "", ENTERPRISE, ["trixie"]) == [
        "h: pve_host_repository: expected 'no-subscription' for the installation, because the subscription that"
        " 'enterprise' needs can be set only afterwards, found 'enterprise'"
    ]
    assert host_findings(installed(1), "h", "pve1", "10.99.0.11", "", ENTERPRISE, ["trixie"]) == []


def test_without_a_cluster_in_the_inventory_any_cluster_will_do():
    assert host_findings(installed(1, cluster__name="lab"), "h", "pve1", "10.99.0.11", "", URL, ["trixie"]) == []
