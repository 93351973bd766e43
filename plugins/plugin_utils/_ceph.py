# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""Ceph, which is on where C(pve_ceph_mons) names its monitors: its hosts, its networks, its disks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.baremetal.proxmox.plugins.module_utils import _osd_wish
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _addresses, _ceph_networks, _net
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, listed, nearest
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Host, Inventory
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import Place

MONS = "pve_ceph_mons"
MDS = "pve_ceph_mds"
OSDS = "pve_ceph_osds"
OSDS_REMOVE = "pve_ceph_osds_remove"
POOLS = "pve_ceph_pools"
FILESYSTEMS = "pve_ceph_filesystems"
# What belongs to Ceph as a whole, not to a node
COMMON = (
    MONS, "pve_ceph_mgrs", MDS, "pve_ceph_mons_remove", "pve_ceph_mgrs_remove", "pve_ceph_mds_remove",
    "pve_ceph_release", "pve_ceph_network", "pve_ceph_cluster_network", "pve_ceph_size", "pve_ceph_min_size",
    "pve_ceph_crush_rules", POOLS, "pve_ceph_pools_state", "pve_ceph_pools_remove", FILESYSTEMS,
    "pve_ceph_filesystems_remove", "pve_ceph_config", "pve_ceph_flags", "pve_ceph_mgr_modules", "pve_ceph_external",
)  # fmt: skip
# Kernel names such as /dev/sdb go to another disk when one more is put in
STABLE = re.compile(r"/dev/disk/by-(?:id|path)/[^/\s]+")
_STABLE_MEANING = "a stable name, /dev/disk/by-id/… or /dev/disk/by-path/…"
_DEVICES = ("device", "db_device", "wal_device")
_DAEMONS = {MONS: "monitor", "pve_ceph_mgrs": "manager", MDS: "metadata server"}
# as _osd_wish words it
_PROBLEM = re.compile(r"config\[(?P<index>\d+)\] \(.*?\): (?P<key>\w+): expected (?P<rest>.*)\.")


def mons(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        named = [name for name in host.get(MONS, ()) if name is not None]
        if named and (len(named) < 3 or len(named) % 2 == 0):
            yield host.place(MONS).finding("an odd number of monitors, 3 or more", f"{len(named)} ({listed(named)})")


def daemons(inventory: Inventory) -> Iterator[Finding]:
    """Lists of hosts, and of those that lose what others have."""
    for host in inventory:
        for variable, what in _DAEMONS.items():
            # a default repeats what was said already
            if variable in host.given:
                yield from _hosts(host, variable, what, inventory)
            leaving = f"{variable}_remove"
            yield from _hosts(host, leaving, what, inventory)
            for index, name in enumerate(host.get(leaving, ())):
                if name is not None and name in host.get(variable, ()):
                    expected = f"a host that {variable} does not name"
                    yield host.place(leaving).item(index).finding(expected, f"'{name}'")


def _hosts(host: Host, variable: str, what: str, inventory: Inventory) -> Iterator[Finding]:
    names = host.get(variable, [])
    for index, name in enumerate(names):
        if name is None:
            continue
        if name not in inventory.hosts:
            near = nearest(name, list(inventory.hosts))
            expected = f"a host of {inventory.pattern}" + (f" (nearest: {near})" if near else "")
            yield host.place(variable).item(index).wrong(expected, name)
        elif name in names[:index]:
            yield host.place(variable).item(index).finding(f"each {what} once", f"'{name}' a second time")


def networks(inventory: Inventory) -> Iterator[Finding]:
    """Each of Ceph's networks is said once, and every host with a daemon that uses it has an address there."""
    for host in inventory:
        if not host.get(MONS):
            continue
        public, private = (
            host.get(OSDS) or host.name in (*host.get(MONS), *host.get(MDS, ())),
            bool(host.get(OSDS)),
        )
        told = None
        for (variable, purpose), takes_part in ((_ceph_networks.PUBLIC, public), (_ceph_networks.CLUSTER, private)):
            if variable in host.broken or _addresses.VARIABLE in host.broken:
                continue
            place, given = host.place(variable), host.get(variable)
            found = [one for one in host.networks.values() if purpose in one.purposes]
            net = _net.network(given) if given is not None else found[0].net if len(found) == 1 else None
            if given is not None:
                yield from _given(place, given)
            elif len(found) > 1:
                expected = f"one network, or one of the {_addresses.VARIABLE} with the purpose {purpose}"
                yield place.finding(expected, f"{len(found)}: {listed(found)}")
            elif not found and variable == _ceph_networks.PUBLIC[0]:
                expected = f"the public network of Ceph, or one of the {_addresses.VARIABLE} with the purpose {purpose}"
                yield place.finding(expected, "neither")
            if net is not None and takes_part and net.cidr != told:
                told = net.cidr
                yield from _own_address(host, place, net)


def _given(place: Place, text: str) -> Iterator[Finding]:
    net = _net.network(text)
    if net is None:
        yield place.wrong("a network with its prefix, such as 192.0.2.0/24", text)
    elif net.ip != net.network:
        yield place.wrong(f"the network itself, {net.cidr}", text)


def _own_address(host: Host, place: Place, net: object) -> Iterator[Finding]:
    interfaces = _addresses.interfaces(host)
    dynamic = any(one.get(method) in ("dhcp", "auto") for one in interfaces for method in ("method", "method6"))
    if not interfaces or dynamic or _addresses.INTERFACES in host.broken:
        return
    own = list(dict.fromkeys(str(use.ip) for use in _addresses.uses(host)))
    if not any(use.ip in net.cidr for use in _addresses.uses(host)):
        expected = f"an address of this host in {net.cidr}, because it has daemons of Ceph"
        # others may be there that the inventory does not name
        yield place.finding(expected, listed(own), warning=host.get("pve_network_state") != "overridden")


def osds(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        data: dict[str, str] = {}
        for place, osd in host.items(OSDS):
            for key in _DEVICES:
                device = osd.get(key)
                if device is not None and not STABLE.fullmatch(device):
                    yield place.inside(key).wrong(_STABLE_MEANING, device)
            device = osd["device"]
            if device in data:
                yield place.inside("device").finding("each disk once", f"'{device}', which {data[device]} has already")
            data.setdefault(device, place.path)
            if osd.get("wipe") and not host.get("ceph_allow_wipe"):
                advice = "Nothing is wiped in this run; take the word out of the inventory when it has been"
                yield place.inside("wipe").finding(
                    "-e ceph_allow_wipe=true in the run that wipes", "a run without it", advice, warning=True
                )
        yield from _entries(host)
        for place, osd in host.items(OSDS):
            for key in _DEVICES[1:]:
                if osd.get(key) in data:
                    found = f"'{osd[key]}', which is the data disk of {data[osd[key]]}"
                    yield place.inside(key).finding("a disk that no OSD has for its data", found)
        for place, device in host.items(OSDS_REMOVE):
            if not STABLE.fullmatch(device):
                yield place.wrong(_STABLE_MEANING, device)
            elif device in data:
                yield place.finding(f"a disk that {OSDS} does not name", f"'{device}', which {data[device]} has")


def _entries(host: Host) -> Iterator[Finding]:
    """What the module would say of each entry by itself."""
    entries = list(host.items(OSDS))
    for problem in _osd_wish.problems(_osd_wish.wishes([osd for _place, osd in entries])):
        match = _PROBLEM.fullmatch(problem)
        if match is None:
            raise ValueError(
                f"expected a sentence like 'config[0] (device): key: expected …, found ….', found {problem!r}"
            )
        expected, comma, found = match["rest"].rpartition(", found ")
        place, osd = entries[int(match["index"])]
        inner = place.inside(match["key"])
        yield inner.finding(expected, found) if comma else inner.wrong(match["rest"], osd.get(match["key"]))


def replacements(inventory: Inventory) -> Iterator[Finding]:
    """A dead OSD is replaced by one disk."""
    owners: dict[int, Place] = {}
    for host in inventory:
        for place, osd in host.items(OSDS):
            for number in osd.get("replaces") or ():
                where = place.inside("replaces")
                other = owners.setdefault(number, where)
                if other is not where:
                    yield where.finding("each OSD once", f"{number}, which {other.path} of {other.host} has already")


def together(inventory: Inventory) -> Iterator[Finding]:
    """Disks or pools without monitors are a mistake, monitors without disks perhaps a beginning."""
    if any(variable in host.broken for host in inventory for variable in (MONS, OSDS)):
        return
    for host in inventory:
        for variable in (OSDS, POOLS, FILESYSTEMS):
            if host.get(variable) and not host.get(MONS):
                yield host.place(MONS).finding(f"the monitors of Ceph, because {variable} is set", "nothing")
                break
    first = next(iter(inventory), None)
    if first and first.get(MONS) and not any(host.get(OSDS) for host in inventory):
        yield first.place(OSDS).finding(f"disks for Ceph, because {MONS} is set", "none on any host", warning=True)


RULES = (mons, daemons, networks, osds, replacements, together)
