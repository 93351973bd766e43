# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules of the firewall in the contract of all resource modules."""

from __future__ import annotations

from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.contract import Case

ALIASES = "[ALIASES]\n\nceph 10.10.20.0/24\nlan 192.0.2.0/24\n\n[IPSET admins]\n\n192.0.2.5\n\n"

CASES = {
    "firewall_alias": Case(
        items=[
            {"name": "monitoring", "cidr": "192.0.2.5", "comment": "the prober"},
            {"name": "v6", "cidr": "2001:db8::/64"},
        ],
        changed={"name": "monitoring", "cidr": "192.0.2.0/24"},
        dropped=["comment"],
        given=["cidr"],
        identity=["name"],
    ),
    "firewall_ipset": Case(
        items=[
            {
                "name": "management",
                "comment": "who administrates: all",
                "members": [
                    {"cidr": "198.51.100.0/24"},
                    {"cidr": "198.51.100.66", "nomatch": True, "comment": "the printer"},
                    {"cidr": "lan"},
                ],
            },
            {"name": "empty"},
        ],
        changed={
            "name": "management",
            "members": [
                {"cidr": "198.51.100.66", "comment": "gone"},
                {"cidr": "2001:db8::/64"},
                {"cidr": "lan", "nomatch": True},
            ],
        },
        dropped=["comment", "members"],
        identity=["name"],
        files={"firewall/cluster.fw": "[ALIASES]\n\nlan 192.0.2.0/24\n\n"},
    ),
    "firewall_group": Case(
        items=[
            {
                "group": "web",
                "comment": "what a server lets in",
                "rules": [
                    {"type": "in", "action": "ACCEPT", "macro": "Web", "comment": "the world"},
                    {"type": "in", "action": "ACCEPT", "source": "+admins", "proto": "tcp", "dport": "22,8000:8010"},
                    {"type": "in", "action": "DROP", "source": "ceph", "log": "info", "enable": False},
                    {"type": "out", "action": "REJECT", "proto": "icmp", "icmp_type": "echo-request"},
                ],
            },
            {"group": "empty"},
        ],
        changed={
            "group": "web",
            "rules": [
                {"type": "out", "action": "REJECT", "proto": "icmp", "icmp_type": "echo-request"},
                {"type": "in", "action": "DROP", "source": "ceph"},
                {"type": "in", "action": "ACCEPT", "macro": "Web"},
                {"type": "forward", "action": "DROP", "proto": "udp", "sport": "53"},
            ],
        },
        dropped=["comment", "rules"],
        identity=["group"],
        files={"firewall/cluster.fw": ALIASES},
    ),
}
