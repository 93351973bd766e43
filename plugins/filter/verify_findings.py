# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: verify_findings
short_description: Everything that is wrong with a running cluster
version_added: 0.1.0
description:
  - Compares what M(baremetal.proxmox.node_info) read on every node with what a healthy cluster shows.
  - Quorum, membership as each node sees it, corosync links, services, storage, HA and the API are looked at.
options:
  _input:
    description:
      - RV(baremetal.proxmox.node_info#module:node) of each node by its inventory name, V(none) for one that gave no answer.
    type: dict
    required: true
  cluster_name:
    description: Name of the cluster; empty for nodes that stand alone.
    type: str
    required: true
  ha_guests:
    description: Guests that HA has to look after, such as V(vm:110).
    type: list
    elements: str
    default: []
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
findings: "{{ nodes | baremetal.proxmox.verify_findings(cluster_name='prod') }}"
"""

RETURN = r"""
_value:
  description: One sentence for each finding; empty if all is well.
  type: list
  elements: str
"""


def _cluster(host: str, cluster: dict, cluster_name: str, names: dict[str, str]) -> list[str]:
    if not cluster["member"] or cluster["name"] != cluster_name:
        return [f"{host}: expected a member of the cluster '{cluster_name}', found {cluster['name'] or 'none'}"]
    findings = []
    if not cluster["quorate"]:
        votes = cluster["votes"]
        found = "no corosync" if votes["total"] is None else f"{votes['total']} of {votes['expected']} votes"
        findings.append(f"{host}: expected quorum, found {found}")
    if not cluster["writable"]:
        findings.append(f"{host}: expected /etc/pve to be writable, found it read-only")
    online = {node["name"]: node["online"] for node in cluster["nodes"]}
    findings += [
        f"{host}: expected {name} online, found it {'offline' if name in online else 'not in the cluster'}"
        for name in sorted({*names.values(), *online})
        if not online.get(name)
    ]
    node_ids = {node["nodeid"]: node["name"] for node in cluster["nodes"]}
    findings += [
        f"{host}: expected corosync link {link['number']} ({link['address']}) to reach"
        f" {node_ids.get(peer['nodeid'], peer['nodeid'])}, found it disconnected"
        for link in cluster["links"]
        for peer in link["peers"]
        if not peer["connected"]
    ]
    return findings


def _node(host: str, node: dict) -> list[str]:
    findings = [
        f"{host}: expected the service {service} active, found it {state}"
        for service, state in node["services"].items()
        if state != "active"
    ]
    findings += [
        f"{host}: expected the storage {storage['storage']} active, found it inactive"
        + (f": {storage['error']}" if storage.get("error") else "")
        for storage in node["storage"]
        if storage["enabled"] and not storage["active"]
    ]
    if not node["api"]["answers"]:
        findings.append(f"{host}: expected the API to answer on port 8006, found no answer")
    return findings


def _ha(nodes: dict, wanted: list[str]) -> list[str]:
    """HA is the cluster's: the first node that answers tells. States from PVE/HA/Manager.pm of pve-ha-manager."""
    host, node = next(((host, node) for host, node in nodes.items() if node and node["api"]["answers"]), (None, None))
    if node is None:
        return []
    states = {guest["sid"]: guest for guest in node["ha"]}
    missing = [f"{host}: expected HA to look after {sid}, found it not among its resources" for sid in wanted]
    return [finding for sid, finding in zip(wanted, missing, strict=True) if sid not in states] + [
        f"{host}: expected {sid} on {guest['node']} to be in order for HA, found it in the state {guest['state']}"
        for sid, guest in states.items()
        if guest["state"] in ("error", "fence", "recovery")
    ]


def verify_findings(nodes: dict, cluster_name: str, ha_guests: list[str] | None = None) -> list[str]:
    findings = []
    names = {host: node["hostname"] for host, node in nodes.items() if node}
    for host, node in nodes.items():
        if not node:
            findings.append(f"{host}: expected an answer over SSH, found none")
        elif not node["proxmox"]["installed"]:
            findings.append(f"{host}: expected Proxmox VE, found it not installed")
        else:
            if cluster_name:
                findings += _cluster(host, node["cluster"], cluster_name, names)
            findings += _node(host, node)
    findings += _ha(nodes, ha_guests or [])
    releases = {
        host: node["proxmox"]["release"] for host, node in nodes.items() if node and node["proxmox"]["installed"]
    }
    if len({(release or "").split(".")[0] for release in releases.values()}) > 1:
        found = ", ".join(f"{host} {release}" for host, release in releases.items())
        findings.append(f"expected one major release of Proxmox VE on all nodes, found {found}")
    return findings


class FilterModule:
    def filters(self) -> dict:
        return {"verify_findings": verify_findings}
