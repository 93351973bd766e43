# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plugins of ACME in the contract of all resource modules."""

from __future__ import annotations

from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.contract import Case

CASES = {
    "acme_plugin": Case(
        items=[
            {
                "id": "cloudflare",
                "type": "dns",
                "api": "cf",
                "data": {"CF_Token": "canary-cloudflare", "CF_Zone_ID": "a=b 'c'"},
                "validation_delay": 60,
                "nodes": ["pve2", "pve1"],
                "disable": True,
            },
            {"id": "web", "type": "standalone", "nodes": ["pve1"]},
        ],
        changed={"id": "cloudflare", "data": {"CF_Token": "canary-other"}, "validation_delay": None, "disable": False},
        dropped=["validation_delay", "nodes", "disable"],
        given=["type", "api"],
        identity=["id"],
        stays=[["standalone"]],
        secrets=["canary-cloudflare", "canary-other"],
    ),
}
