# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The options of one interface, as an Ansible argument spec. What they mean is in the module node_network."""

from __future__ import annotations

from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._interfaces_words import TYPES

_TEXT: dict[str, Any] = {"type": "str"}
_NUMBER: dict[str, Any] = {"type": "int"}
_FLAG: dict[str, Any] = {"type": "bool"}
_TEXTS: dict[str, Any] = {"type": "list", "elements": "str"}

INTERFACE: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "choices": list(TYPES)},
    "autostart": {"type": "bool", "default": True},
    "method": {"type": "str", "choices": ["static", "dhcp", "manual"]},
    "method6": {"type": "str", "choices": ["static", "dhcp", "auto", "manual"]},
    "bond_lacp_rate": {"type": "str", "choices": ["slow", "fast"]},
    "bridge_vids": {"type": "raw"},
    "match": {"type": "dict", "options": {"mac": _TEXT, "pci": _TEXT}},
    "routes": {
        "type": "list",
        "elements": "dict",
        "options": {
            "to": {"type": "str", "required": True},
            "via": {"type": "str", "required": True},
            "metric": {"type": "int"},
        },
    },
}
for _kind, _names in (
    (_TEXT, ("gateway", "gateway6", "comments", "bond_mode", "bond_xmit_hash_policy", "bond_primary")),
    (_TEXT, ("vlan_raw_device", "ovs_bridge", "ovs_options")),
    (_NUMBER, ("mtu", "bond_miimon", "bridge_fd", "vlan_id", "ovs_tag")),
    (_FLAG, ("bridge_vlan_aware", "bridge_stp", "pin")),
    (_TEXTS, ("addresses", "slaves", "bridge_ports", "ovs_ports", "ovs_bonds")),
    (_TEXTS, ("pre_up", "post_up", "pre_down", "post_down")),
):
    INTERFACE |= dict.fromkeys(_names, _kind)
