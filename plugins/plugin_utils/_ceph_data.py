# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""Pools and file systems against the hosts and disks that the inventory gives to Ceph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_flags import FLAGS
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_pool import CODING
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._ceph import FILESYSTEMS, MDS, OSDS, POOLS
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, listed, nearest
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Host, Inventory
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import Place

RULES_VARIABLE = "pve_ceph_crush_rules"
# PVE/Ceph/Tools.pm and PVE/API2/Ceph.pm: what Proxmox takes where nothing is said
SIZE = 3
DEFAULT_RULE = "replicated_rule"
# of Ceph's health checks
NO_STANDBY = "MDS_INSUFFICIENT_STANDBY"


def pools(inventory: Inventory) -> Iterator[Finding]:
    """Each copy, and each part of an erasure coded object, has a host (or disk) of its own to be on."""
    if any(OSDS in host.broken for host in inventory):
        return
    homes = {
        "host": sum(1 for host in inventory if host.get(OSDS)),
        "osd": sum((osd.get("osds_per_device") or 1) for host in inventory for _place, osd in host.items(OSDS)),
    }
    for host in inventory if homes["host"] else ():
        for place, pool in _named(host, POOLS):
            if pool.get("erasure_coding"):
                yield from _coded(place.inside("erasure_coding"), pool["erasure_coding"], homes)
            else:
                yield from _replicated(place, pool, host, homes)


def _named(host: Host, variable: str) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    for item in host.get(variable, ()):
        if isinstance(item, Mapping) and item.get("name"):
            yield Place(host.name, f"{variable}[{item['name']}]"), item


def _coded(place: Place, given: Any, homes: Mapping[str, int]) -> Iterator[Finding]:
    try:
        coding = CODING.read(given) or {}
    except ValueError:  # which the table of pools tells
        return
    k, m = coding.get("k"), coding.get("m")
    domain = coding.get("failure_domain") or "host"
    # a profile of its own says it elsewhere
    if coding.get("profile") or k is None or m is None or domain not in homes:
        return
    if k + m > homes[domain]:
        yield place.finding(f"k and m of {_limit(homes, domain)} together", f"{k + m} (k={k}, m={m})")


def _replicated(place: Place, pool: Mapping[str, Any], host: Host, homes: Mapping[str, int]) -> Iterator[Finding]:
    domain = _domain(pool.get("crush_rule"), host)
    size, least = pool.get("size", host.get("pve_ceph_size", SIZE)), pool.get("min_size")
    if not isinstance(size, int):
        return
    if domain in homes and size > homes[domain]:
        yield place.inside("size").finding(
            _limit(homes, domain), str(size) if "size" in pool else f"{size}, the default"
        )
    if isinstance(least, int) and least > size:
        yield place.inside("min_size").finding(f"at most {size}, the number of copies", str(least))


def _domain(rule: Any, host: Host) -> str | None:
    """None for a rule that the inventory does not describe."""
    if rule in (None, DEFAULT_RULE):
        return "host"
    found = next((one for _place, one in _named(host, RULES_VARIABLE) if one["name"] == rule), None)
    return None if found is None else str(found.get("failure_domain") or "host")


def _limit(homes: Mapping[str, int], domain: str) -> str:
    what = {"host": "hosts with OSDs", "osd": "OSDs"}[domain]
    return f"at most {homes[domain]}, the number of {what}"


def names(inventory: Inventory) -> Iterator[Finding]:
    """A name that is listed is not removed."""
    for host in inventory:
        for variable in (POOLS, FILESYSTEMS):
            listed = {item["name"] for _place, item in _named(host, variable)}
            for place, name in host.items(f"{variable}_remove"):
                if name in listed:
                    yield place.finding(f"a name that {variable} does not list", f"'{name}'")


def filesystems(inventory: Inventory) -> Iterator[Finding]:
    """Each file system has a server, and one stands by: without it, Ceph is never well."""
    for host in inventory:
        wanted, servers = len(host.get(FILESYSTEMS, ())), len(host.get(MDS, ()))
        if not wanted or MDS in host.broken:
            continue
        if not servers:
            expected = f"hosts with a metadata server, because {FILESYSTEMS} is set"
            yield host.place(MDS).finding(expected, "none")
        elif servers <= wanted and NO_STANDBY not in host.get("pve_ceph_health_accept", ()):
            expected = f"{wanted + 1} hosts or more, so that one stands by"
            yield host.place(MDS).finding(expected, str(servers), f"Or name {NO_STANDBY} in pve_ceph_health_accept")


def flags(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        for name, value in host.get("pve_ceph_flags", {}).items():
            place = host.place("pve_ceph_flags").inside(name)
            if name not in FLAGS:
                near = nearest(name, FLAGS)
                yield place.finding(
                    f"one of the flags {listed(FLAGS)}" if near is None else f"a flag (nearest: {near})", "another"
                )
            elif not isinstance(value, bool):
                yield place.wrong("true or false", value)


RULES = (pools, names, filesystems, flags)
