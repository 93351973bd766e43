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
  ceph:
    description: RV(baremetal.proxmox.ceph_info#module:ceph) of each node by its inventory name, if there is Ceph.
    type: dict
    default: {}
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


def _standbys(count: int) -> str:
    return "1 standby" if count == 1 else f"{count} standbys"


def _ceph(ceph: dict) -> list[str]:
    checks = [check["check"] for check in ceph["health"]["checks"] if not check["muted"]]
    quorum = sum(1 for mon in ceph["mons"] if mon["in_quorum"])
    active = [mgr["name"] for mgr in ceph["mgrs"] if mgr["state"] == "active"]
    good = sum(1 for osd in ceph["osds"] if osd["up"] and osd["in"])
    lines = [
        f"Ceph     {ceph['health']['status']}{' (' + ', '.join(checks) + ')' if checks else ''}",
        f"Ceph     {quorum} of {len(ceph['mons'])} monitors in quorum, manager {', '.join(active) or 'NONE'} and"
        f" {_standbys(len(ceph['mgrs']) - len(active))}",
        f"Ceph     {good} of {len(ceph['osds'])} OSDs up and in",
    ]
    for pool in ceph["pools"]:
        lines.append(f"Pool     {pool['name']}: {pool['type']}, {pool['size']}/{pool['min_size']}")
    spare = sum(1 for mds in ceph["mds"] if mds["state"] == "up:standby")
    for one in ceph["filesystems"]:
        lines.append(f"CephFS   {one['name']}: active on {', '.join(one['active']) or 'NONE'}, {_standbys(spare)}")
    return lines


def verify_summary(nodes: dict, ceph: dict | None = None) -> list[str]:
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
    answer = next((one for one in (ceph or {}).values() if one and one["answers"]), None)
    lines += _ceph(answer) if answer else []
    for storage in first["storage"]:
        state = "disabled" if not storage["enabled"] else "active" if storage["active"] else "INACTIVE"
        lines.append(f"Storage  {storage['storage']} ({storage['type']}): {state}")
    lines += [f"HA       {guest['sid']} on {guest['node']}: {guest['state']}" for guest in first["ha"]]
    lines.append("Log in   as root@pam, with the root password of the node")
    return lines


class FilterModule:
    def filters(self) -> dict:
        return {"verify_summary": verify_summary}
