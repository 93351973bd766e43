# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.baremetal.proxmox.plugins.filter.host_findings import host_findings
from ansible_collections.baremetal.proxmox.tests.unit.plugins.filter.nodes import installed, node

CASES = {
    "a bare machine": (node(), "pve1", "10.99.0.11", []),
    "an installed node": (installed(1), "pve1", "10.99.0.11", []),
    "a future Debian with Proxmox on it": (installed(1, debian__release="forky"), "pve1", "10.99.0.11", []),
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
    assert host_findings(machine, "h", name, address, ["bookworm", "trixie"]) == findings
