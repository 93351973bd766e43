# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster_plan
short_description: Who creates the cluster, who joins it, and what stands against it
version_added: 0.1.0
description:
  - Looks at all members together, as M(baremetal.proxmox.node_info) read them, before anything is changed on any of them.
  - The cluster is created by the first member, and only if every member was read and none is in a cluster.
  - Whoever is in the cluster already is left in it; the others join through a member that has quorum.
options:
  _input:
    description:
      - RV(baremetal.proxmox.node_info#module:node) of each member by its inventory name, in the order of the inventory.
      - Empty or V(none) for a member that could not be read.
    type: dict
    required: true
  name:
    description: Name of the cluster (variable C(pve_cluster_name)).
    type: str
    required: true
  hosts:
    description: Inventory names of the members that take part in this run. Default is all of them.
    type: list
    elements: str
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
plan: "{{ nodes | baremetal.proxmox.cluster_plan(name='prod') }}"
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    names:
      description: Node names of all members; empty if not all could be read.
      type: list
      elements: str
    creator:
      description: Inventory name of the member that creates the cluster, or null if it exists.
      type: str
    seed:
      description: Inventory name of the member through which the others join.
      type: str
    members:
      description: Inventory names of those that are in the cluster.
      type: list
      elements: str
    joiners:
      description: Inventory names of those that join, or finish a join that was cut off, in order.
      type: list
      elements: str
    findings:
      description: One sentence for each reason not to begin; empty if all is well.
      type: list
      elements: str
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils import _names


def _state(node: dict | None, name: str) -> str:
    """One of unread, foreign, member, half (a create or join of this cluster that was cut off), alone."""
    if not node:
        return "unread"
    cluster = node["cluster"]
    if cluster["name"] and cluster["name"] != name:
        return "foreign"
    if cluster["half_joined"]:
        return "half"
    return "member" if cluster["member"] else "alone"


def _findings(nodes: dict, name: str, states: dict[str, str], members: list[str]) -> list[str]:
    findings = []
    if not _names.CLUSTER.fullmatch(name):
        findings.append(f"pve_cluster_name: expected {_names.CLUSTER_MEANING}, found '{name}'")
    findings += [
        f"{host}: pve_cluster_name: expected a machine that is in no cluster or in '{name}',"
        f" found a member of the cluster '{nodes[host]['cluster']['name']}'"
        for host, state in states.items()
        if state == "foreign"
    ]
    keys: dict[str, list[str]] = {}
    for host in members:
        keys.setdefault(nodes[host]["cluster"]["authkey_sha256"] or "unknown", []).append(host)
    if len(keys) > 1:
        groups = " and ".join(", ".join(hosts) for hosts in keys.values())
        findings.append(
            f"pve_cluster_name: expected one cluster '{name}', found {len(keys)} different ones of this name: {groups}"
        )
    unread = [host for host, state in states.items() if state == "unread"]
    if unread and not members:
        findings.append(
            f"pve_cluster_members: expected all members to be reachable before the cluster '{name}' is created,"
            f" found no answer from {', '.join(unread)}"
        )
    return findings


def _name_findings(nodes: dict) -> list[str]:
    hosts: dict[str, list[str]] = {}
    for host, node in nodes.items():
        if node:
            hosts.setdefault(node["hostname"], []).append(host)
    return [
        f"pve_host_name: expected a name of its own for each node, found '{name}' on {', '.join(users)}"
        for name, users in hosts.items()
        if len(users) > 1
    ]


def _listed(nodes: dict, members: list[str]) -> set[str]:
    return {node["name"] for host in members for node in nodes[host]["cluster"]["nodes"]}


def cluster_plan(nodes: dict, name: str, hosts: list[str] | None = None) -> dict:
    states = {host: _state(node, name) for host, node in nodes.items()}
    members = [host for host, state in states.items() if state == "member"]
    half = [host for host, state in states.items() if state == "half"]
    alone = [host for host, state in states.items() if state == "alone"]
    findings = _findings(nodes, name, states, members) + _name_findings(nodes)
    creator = None if members else next(iter(half + alone), None)
    seed = next((host for host in members if nodes[host]["cluster"]["quorate"]), creator)
    present = list(nodes) if hosts is None else hosts
    joiners = [host for host in nodes if host in half + alone and host != creator and host in present]
    if creator and creator not in present:
        findings.append(
            f"pve_cluster_members: expected {creator} in this run, because it creates the cluster '{name}',"
            f" found only {', '.join(present)} (see --limit)"
        )
    if members and seed is None:
        # The cluster counts a node from the first moment of its join, so a join that was cut off takes the quorum of
        # a small one away; the end of that join gives it back, and any member can help with that
        waiting = [host for host in joiners if host in half or nodes[host]["hostname"] in _listed(nodes, members)]
        seed = members[0] if waiting else None
        joiners.sort(key=lambda host: host not in waiting)
    if members and joiners and seed is None:
        findings.append(
            f"pve_cluster_members: expected a member of '{name}' with quorum, through which {', '.join(joiners)} can join,"
            f" found none among {', '.join(members)}"
        )
    names = [node["hostname"] for node in nodes.values() if node]
    if len(names) < len(nodes):
        names = []
    return {
        "names": names,
        "creator": creator,
        "seed": seed,
        "members": members,
        "joiners": joiners,
        "findings": findings,
    }


class FilterModule:
    def filters(self) -> dict:
        return {"cluster_plan": cluster_plan}
