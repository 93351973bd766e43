# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: ceph_plan
short_description: Who begins with Ceph, which daemons are made where, and what stands against it
version_added: 0.1.0
description:
  - Looks at all members together, before anything is changed on any of them.
  - Ceph is begun by the first monitor's host, and only if every member was read and none knows of a Ceph yet.
  - Whatever concerns all of Ceph is done through one host, one whose monitor is in quorum if there is any.
options:
  _input:
    description:
      - RV(baremetal.proxmox.node_info#module:node) of each member by its inventory name, in the order of the inventory.
      - Empty or V(none) for a member that could not be read.
    type: dict
    required: true
  ceph:
    description: RV(baremetal.proxmox.ceph_info#module:ceph) of each member by its inventory name.
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
  osds:
    description: The disks of each member for Ceph (variable C(pve_ceph_osds)) by inventory name.
    type: dict
    default: {}
  osds_remove:
    description: The disks of each member whose OSDs go (variable C(pve_ceph_osds_remove)) by inventory name.
    type: dict
    default: {}
  remove:
    description: Inventory names of the hosts that lose a daemon, by C(mons), C(mgrs) and C(mds).
    type: dict
    default: {}
  hosts:
    description: Inventory names of the members that take part in this run. Default is all of them.
    type: list
    elements: str
  network:
    description: Public network of Ceph (variable C(pve_ceph_network)).
    type: str
  cluster_network:
    description: Network for the traffic between OSDs (variable C(pve_ceph_cluster_network)).
    type: str
  networks:
    description: The declared networks (variable C(pve_networks)), which say the other two if they are not given.
    type: dict
    default: {}
  release:
    description: Name of Ceph's release (variable C(pve_ceph_release)), which Proxmox VE has to offer.
    type: str
  repository:
    description: Where the packages come from; with V(manual), any release is taken.
    type: str
  early:
    description:
      - Whether addresses are left out of account, as in check mode, where those that the run would bring are not there yet.
    type: bool
    default: false
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
plan: "{{ nodes | baremetal.proxmox.ceph_plan(ceph=known, mons=['pve1', 'pve2', 'pve3'], network='192.0.2.0/24') }}"
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    new:
      description: Whether there is no Ceph yet.
      type: bool
    first:
      description: Inventory name of the host that begins, and through which all of Ceph is administered.
      type: str
    network:
      description: Public network of Ceph.
      type: str
    cluster_network:
      description: Network of the OSDs; null if it is the public one.
      type: str
    mons:
      description: Inventory names of the hosts of this run whose monitor is made or repaired, in order.
      type: list
      elements: str
    mgrs:
      description: Inventory names of the hosts of this run with a manager.
      type: list
      elements: str
    mds:
      description: Inventory names of the hosts of this run with a metadata server.
      type: list
      elements: str
    remove:
      description: Inventory names of the hosts of this run that lose a daemon, by C(mons), C(mgrs) and C(mds).
      type: dict
    osds_remove:
      description: For each host of this run the disks whose OSDs go, as the option C(config) of the module takes them.
      type: dict
    silent:
      description: Inventory names of the members that gave no answer. Without them, Ceph may not be well.
      type: list
      elements: str
    findings:
      description: One sentence for each reason not to begin; empty if all is well.
      type: list
      elements: str
    notes:
      description: One sentence for each thing that the inventory does not speak of, and that stays as it is.
      type: list
      elements: str
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _ceph_networks

VARIABLES = {"mons": "pve_ceph_mons", "mgrs": "pve_ceph_mgrs", "mds": "pve_ceph_mds"}
# PVE/Ceph/Releases.pm: what there is for each release of Proxmox VE, by Debian's name
RELEASES = {"bookworm": ("quincy", "reef", "squid"), "trixie": ("squid", "tentacle")}
WORDS = {"mons": "a monitor", "mgrs": "a manager", "mds": "a metadata server"}


class _View:
    """What the members see of Ceph, by inventory names."""

    def __init__(self, nodes: Mapping[str, Any], ceph: Mapping[str, Any]) -> None:
        self.hosts = list(nodes)
        self.names = {host: node["hostname"] for host, node in nodes.items() if node and ceph.get(host)}
        self.ceph = {host: ceph[host] for host in self.names}
        self.unread = [host for host in nodes if host not in self.names]

    @property
    def knowing(self) -> list[str]:
        """Those that know of a Ceph."""
        return [host for host, ceph in self.ceph.items() if ceph["initialised"]]

    def daemons(self, kind: str) -> dict[str, dict[str, Any]]:
        """{node name: what is known of its daemon}, by whoever knows most."""
        known = max(self.ceph.values(), key=lambda ceph: (ceph["answers"], len(ceph[kind])), default={kind: []})
        return {entry.get("host") or entry["name"]: entry for entry in known[kind]}

    def with_daemon(self, kind: str) -> list[str]:
        known = self.daemons(kind)
        return [host for host, name in self.names.items() if name in known]

    def in_quorum(self) -> list[str]:
        known = self.daemons("mons")
        return [host for host, name in self.names.items() if known.get(name, {}).get("in_quorum")]


def _first(view: _View, mons: Sequence[str], present: Sequence[str]) -> str | None:
    """A host whose monitor is in quorum; else one that has a monitor or has begun; else the first monitor's."""
    for candidates in (view.in_quorum(), view.with_daemon("mons"), _begun(view)):
        ordered = sorted(candidates, key=lambda host: (host not in present, host not in mons))
        if ordered:
            return ordered[0]
    known = [host for host in mons if host in view.knowing]
    return next(iter([host for host in known if host in present] or known or mons), None)


def _begun(view: _View) -> list[str]:
    return [host for host, ceph in view.ceph.items() if (ceph.get("half_made") or {}).get("mon")]


def _fsids(view: _View) -> list[str]:
    owners: dict[str, list[str]] = {}
    for host in view.knowing:
        owners.setdefault(str(view.ceph[host]["fsid"]), []).append(host)
    if len(owners) < 2:
        return []
    groups = " and ".join(f"{fsid} on {', '.join(hosts)}" for fsid, hosts in owners.items())
    return [f"pve_ceph_mons: expected one Ceph on all hosts, found {len(owners)}: {groups}"]


def _beginning(view: _View, first: str | None, mons: Sequence[str], present: Sequence[str]) -> list[str]:
    """What stands against the making of a new Ceph."""
    findings = []
    if view.unread:
        findings.append(
            "pve_ceph_mons: expected all members to be reachable before Ceph is made, found no answer from"
            f" {', '.join(view.unread)}"
        )
    if first not in present:
        findings.append(
            f"pve_ceph_mons: expected {first} in this run, because it begins with Ceph,"
            f" found only {', '.join(present)} (see --limit)"
        )
    strangers = [host for host in mons if host not in view.hosts]
    findings += [f"pve_ceph_mons: expected hosts of this inventory's group, found '{host}'" for host in strangers]
    return findings


def _releases(nodes: Mapping[str, Any], hosts: Sequence[str], release: str | None) -> list[str]:
    findings = []
    for host in hosts if release else ():
        debian = nodes[host]["debian"]["release"]
        offered = RELEASES.get(debian, (release,))
        if release not in offered:
            expected = f"one of {', '.join(offered)}, which there are for Debian {debian}"
            findings.append(f"{host}: pve_ceph_release: expected {expected}, found {release}")
    return findings


def _addresses(nodes: Mapping[str, Any], hosts: Sequence[str], networks: Sequence[tuple[str, str | None]]) -> list[str]:
    """Every host with a daemon has an address in Ceph's networks."""
    findings = []
    for variable, cidr in networks:
        for host in hosts if cidr else ():
            own = nodes[host]["addresses"]
            if not _ceph_networks.inside(own, cidr):
                found = ", ".join(own) or "none"
                findings.append(f"{host}: {variable}: expected an address in {cidr}, found {found}")
    return findings


def _notes(view: _View, wanted: Mapping[str, Sequence[str]], remove: Mapping[str, Sequence[str]]) -> list[str]:
    notes = [
        f"{host}: no answer; the run does not wait until Ceph is well, as it may need this host" for host in view.unread
    ]
    for kind, variable in VARIABLES.items():
        strange = [
            host
            for host in view.with_daemon(kind)
            if host not in wanted[kind] and host not in remove.get(kind, ()) and wanted[kind]
        ]
        notes += [
            f"{host}: {variable}: {WORDS[kind]} is there that the variable does not name; it is left as it is."
            f" To take it away, name the host in {variable}_remove"
            for host in strange
        ]
    return notes


def ceph_plan(
    nodes: dict,
    ceph: dict,
    mons: list[str],
    mgrs: list[str] | None = None,
    mds: list[str] | None = None,
    osds: dict | None = None,
    osds_remove: dict | None = None,
    remove: dict | None = None,
    hosts: list[str] | None = None,
    network: str | None = None,
    cluster_network: str | None = None,
    networks: dict | None = None,
    release: str | None = None,
    repository: str | None = None,
    early: bool = False,
) -> dict:
    view = _View(nodes, ceph)
    wanted = {"mons": mons, "mgrs": mgrs or [], "mds": mds or []}
    leaving = {kind: (remove or {}).get(kind) or [] for kind in VARIABLES}
    present = [host for host in (nodes if hosts is None else hosts) if host in view.names]
    public = _ceph_networks.chosen(network, networks or {}, _ceph_networks.PUBLIC[1])
    private = _ceph_networks.chosen(cluster_network, networks or {}, _ceph_networks.CLUSTER[1])
    private = None if private == public else private
    first = _first(view, mons, present)
    new = not view.knowing
    findings = _fsids(view)
    if new:
        findings += _beginning(view, first, mons, present)
    elif first is None or first in view.unread:
        findings.append(
            f"pve_ceph_mons: expected an answer from a host that administers Ceph, found none from {', '.join(view.unread)}"
        )
    if public is None:
        findings.append(
            "pve_ceph_network: expected the public network of Ceph, or one of the pve_networks with the purpose"
            " ceph_public, found neither"
        )
    findings += _releases(nodes, present, None if repository == "manual" else release)
    with_osds = [host for host in present if (osds or {}).get(host)]
    with_mons = [host for host in present if host in (*mons, *wanted["mds"])]
    if not early:
        findings += _addresses(
            nodes, list(dict.fromkeys([*with_mons, *with_osds])), [(_ceph_networks.PUBLIC[0], public)]
        )
        findings += _addresses(nodes, with_osds, [(_ceph_networks.CLUSTER[0], private)])
    quorate = view.in_quorum()
    begun = _begun(view)
    due = [host for host in mons if host in present and (host not in quorate or host in begun)]
    return {
        "new": new,
        "first": first,
        "network": public,
        "cluster_network": private,
        "mons": sorted(due, key=lambda host: host != first),
        "mgrs": [host for host in wanted["mgrs"] if host in present],
        "mds": [host for host in wanted["mds"] if host in present],
        "remove": {
            kind: [host for host in leaving[kind] if host in present and host in view.with_daemon(kind)]
            for kind in VARIABLES
        },
        "osds_remove": {
            host: [{"device": device} for device in (osds_remove or {}).get(host) or []] for host in present
        },
        "silent": view.unread,
        "findings": findings,
        "notes": _notes(view, wanted, leaving),
    }


class FilterModule:
    def filters(self) -> dict:
        return {"ceph_plan": ceph_plan}
