# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: verify_summary
short_description: A cluster in a few lines that a person can read
version_added: 0.1.0
description:
  - Puts what M(baremetal.proxmox.node_info) read on every node into lines of text.
options:
  _input:
    description: RV(baremetal.proxmox.node_info#module:node) of each node by its inventory name.
    type: dict
    required: true
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
lines: "{{ nodes | baremetal.proxmox.verify_summary }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""


def _links(node: dict) -> list[str]:
    lines = []
    for link in node["cluster"]["links"]:
        connected = sum(1 for peer in link["peers"] if peer["connected"])
        lines.append(
            f"Link     {link['number']} of {node['hostname']}: {link['address']}, {connected} of {len(link['peers'])} peers"
        )
    return lines


def verify_summary(nodes: dict) -> list[str]:
    known = {host: node for host, node in nodes.items() if node and node["proxmox"]["installed"]}
    if not known:
        return ["No Proxmox VE node yet."]
    first = next(iter(known.values()))
    cluster = first["cluster"]
    lines = []
    if cluster["member"]:
        votes = cluster["votes"]
        lines.append(
            f"Cluster  {cluster['name']}: {'quorate' if cluster['quorate'] else 'WITHOUT QUORUM'},"
            f" {votes['total']} of {votes['expected']} votes"
        )
    for node in known.values():
        address = next(iter(node["resolves_to"]), "?")
        address = f"[{address}]" if ":" in address else address
        lines.append(f"Node     {node['hostname']}: Proxmox VE {node['proxmox']['version']}, https://{address}:8006")
    for node in known.values():
        lines += _links(node)
    for storage in first["storage"]:
        state = "disabled" if not storage["enabled"] else "active" if storage["active"] else "INACTIVE"
        lines.append(f"Storage  {storage['storage']} ({storage['type']}): {state}")
    lines.append("Log in   as root@pam, with the root password of the node")
    return lines


class FilterModule:
    def filters(self) -> dict:
        return {"verify_summary": verify_summary}
