# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Ceph as variables: daemons by the names of their nodes, and the OSDs of this machine."""

from __future__ import annotations

from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import (
    _ceph_info,
    _ceph_mgr_modules,
    _inventory_tables,
    _osd_cluster,
    _osd_lvm,
    _osd_show,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph
from ansible_collections.baremetal.proxmox.plugins.module_utils._inventory_tables import Found
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_disks import Disks
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_judge import Judge, storages

# on in every new Ceph (src/mon/MgrMonitor.cc, mgr_initial_modules)
_MODULES = frozenset({"iostat", "nfs", "restful"})


def osds(machine: Machine, ceph: Ceph, found: Found) -> None:
    disks = Disks(machine)
    groups = _osd_lvm.read(machine) if any(disk.groups for disk in disks.all.values()) else _osd_lvm.Groups({}, True)
    judge = Judge(_osd_cluster.read(ceph), groups, *storages(machine))
    found.add("pve_ceph_osds", _osd_show.gathered(disks, judge))


def cluster(machine: Machine, api: Any, ceph: Ceph, found: Found) -> None:
    """C(pve_ceph_mons) and the like have names of nodes here; whoever knows the inventory makes its names of them."""
    known = {**_ceph_info.local(machine), **_ceph_info.cluster(ceph)}
    for name in ("public", "cluster"):
        networks = known["networks"][name]
        variable = "pve_ceph_network" if name == "public" else "pve_ceph_cluster_network"
        if len(networks) > 1:
            found.notes.append(f"{variable}: expected one network, found {', '.join(networks)}")
        elif networks and (name == "public" or networks != known["networks"]["public"]):
            found.add(variable, networks[0])
    daemons = {kind: [one.get("host") or one["name"] for one in known[kind]] for kind in ("mons", "mgrs", "mds")}
    for kind, hosts in daemons.items():
        if kind != "mgrs" or sorted(hosts) != sorted(daemons["mons"]):
            found.add(f"pve_ceph_{kind}", hosts)
    modules = [one for one in _ceph_mgr_modules.read(ceph).on if one not in _MODULES]
    found.add("pve_ceph_mgr_modules", [{"name": one, "enabled": True} for one in modules])
    _inventory_tables.read(api, _inventory_tables.CEPH, found)
