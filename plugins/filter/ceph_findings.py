# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: ceph_findings
short_description: Everything that is wrong with a running Ceph
version_added: 0.1.0
description:
  - Compares what M(baremetal.proxmox.ceph_info) read on every node with what the inventory asks for and a healthy Ceph shows.
  - Monitors in quorum, managers and metadata servers, OSDs up and in, file systems with their active servers, versions, and
    every health check that is not accepted.
options:
  _input:
    description:
      - RV(baremetal.proxmox.ceph_info#module:ceph) of each node by its inventory name, empty for one that gave no answer.
    type: dict
    required: true
  names:
    description: Node name of each node by its inventory name.
    type: dict
    required: true
  mons:
    description: Inventory names of the hosts with a monitor (variable C(pve_ceph_mons)).
    type: list
    elements: str
    required: true
  mgrs:
    description: Inventory names of the hosts with a manager.
    type: list
    elements: str
    default: []
  mds:
    description: Inventory names of the hosts with a metadata server.
    type: list
    elements: str
    default: []
  accept:
    description: Names of health checks that are as they should be (variable C(pve_ceph_health_accept)).
    type: list
    elements: str
    default: []
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
findings: "{{ known | baremetal.proxmox.ceph_findings(names=names, mons=['pve1', 'pve2', 'pve3']) }}"
"""

RETURN = r"""
_value:
  description: One sentence for each finding; empty if all is well.
  type: list
  elements: str
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

Ceph = Mapping[str, Any]


def _monitors(ceph: Ceph, names: Mapping[str, str], mons: Sequence[str]) -> Iterator[str]:
    quorum = {mon["name"]: mon["in_quorum"] for mon in ceph["mons"]}
    wanted = {names[host]: host for host in mons if host in names}
    for name in dict.fromkeys([*wanted, *quorum]):
        if not quorum.get(name):
            found = "it out of quorum" if name in quorum else "none"
            yield f"{wanted.get(name, name)}: pve_ceph_mons: expected its monitor in quorum, found {found}"


def _daemons(ceph: Ceph, kind: str, what: str, names: Mapping[str, str], wanted: Sequence[str]) -> Iterator[str]:
    there = {daemon["host"] or daemon["name"] for daemon in ceph[kind]}
    for host in wanted:
        if host in names and names[host] not in there:
            yield f"{host}: pve_ceph_{kind}: expected a {what}, found none that Ceph knows of"


def _osds(ceph: Ceph) -> Iterator[str]:
    for osd in ceph["osds"]:
        if not (osd["up"] and osd["in"]) and not osd["destroyed"]:
            found = f"{'up' if osd['up'] else 'down'} and {'in' if osd['in'] else 'out'}"
            yield f"{osd['host'] or osd['bucket'] or 'Ceph'}: expected osd.{osd['id']} up and in, found it {found}"


def _rest(ceph: Ceph, accept: Collection[str]) -> Iterator[str]:
    if not any(mgr["state"] == "active" for mgr in ceph["mgrs"]):
        yield "Ceph: expected an active manager, found none"
    for one in ceph["filesystems"]:
        if len(one["active"]) < one["max_mds"]:
            found = ", ".join(one["active"]) or "none"
            yield f"Ceph: expected {one['max_mds']} active metadata servers of the file system {one['name']}, found {found}"
    if len(ceph["versions"]) > 1:
        yield f"Ceph: expected one version on all nodes, found {', '.join(sorted(ceph['versions']))}"
    for check in ceph["health"]["checks"]:
        if not check["muted"] and check["check"] not in accept:
            yield f"Ceph: expected {ceph['fsid']} in good health, found {check['check']}: {check['summary']}"


def ceph_findings(
    ceph: dict,
    names: dict,
    mons: list[str],
    mgrs: list[str] | None = None,
    mds: list[str] | None = None,
    accept: list[str] | None = None,
) -> list[str]:
    known = {host: one for host, one in ceph.items() if one}
    findings = [
        f"{host}: expected Ceph, found it not installed"
        for host in dict.fromkeys([*mons, *(mgrs or []), *(mds or [])])
        if host in known and not known[host]["installed"]
    ]
    silent = [host for host, one in known.items() if one["installed"] and not one["answers"]]
    findings += [
        f"{host}: expected Ceph to answer, found {known[host]['error'] or 'that it is not set up'}" for host in silent
    ]
    best = next((one for one in known.values() if one["answers"]), None)
    if best is None:
        return findings or ["Ceph: expected an answer from a node, found none"]
    return [
        *findings,
        *_monitors(best, names, mons),
        *_daemons(best, "mgrs", "manager", names, mgrs or []),
        *_daemons(best, "mds", "metadata server", names, mds or []),
        *_osds(best),
        *_rest(best, accept or []),
    ]


class FilterModule:
    def filters(self) -> dict:
        return {"ceph_findings": ceph_findings}
