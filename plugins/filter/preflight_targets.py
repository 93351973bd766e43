# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: preflight_targets
short_description: What a machine is to reach, and which names it is to look up
version_added: 0.1.0
description:
  - Finds, for a machine, the addresses of all other machines on every network that both have an address on now.
options:
  _input:
    description: C(hostvars).
    type: dict
    required: true
  host:
    description: The inventory name of the machine.
    type: str
    required: true
  members:
    description: Inventory names of all machines.
    type: list
    elements: str
    required: true
  facts:
    description: Name of the variable that each machine's M(baremetal.proxmox.node_facts) was registered in.
    type: str
    required: true
  networks:
    description: The variable C(pve_networks).
    type: dict
    required: true
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
wanted: >-
  {{ hostvars | baremetal.proxmox.preflight_targets(host=inventory_hostname, members=ansible_play_hosts_all, facts='machine',
     networks={'storage': {'cidr': '192.0.2.0/24', 'mtu': 9000}}) }}
"""

RETURN = r"""
_value:
  description: C(targets), C(names) and C(addresses), as M(baremetal.proxmox.node_probe) takes them.
  type: dict
"""

from typing import Any

from ansible_collections.baremetal.proxmox.plugins.plugin_utils._preflight_network import targets


def preflight_targets(hostvars: Any, host: str, members: list[str], facts: str, networks: dict) -> dict[str, Any]:
    known = {name: (hostvars[name].get(facts) or {}).get("facts") or {} for name in members}
    main = {name: hostvars[name].get("ansible_host", name) for name in members}
    links = {name: hostvars[name].get("pve_cluster_links") or [] for name in members}
    wanted = targets(host, known, networks, links, main)
    return {
        "targets": wanted,
        "names": [hostvars[name].get("pve_host_name") or name.partition(".")[0] for name in members if known[name]],
        "addresses": sorted({target["address"] for target in wanted}),
    }


class FilterModule:
    def filters(self) -> dict:
        return {"preflight_targets": preflight_targets}
