# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""Which networks Ceph uses: its own variables, or else the declared networks with Ceph's purposes."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

PUBLIC = ("pve_ceph_network", "ceph_public")
CLUSTER = ("pve_ceph_cluster_network", "ceph_cluster")


def declared(networks: Mapping[str, Any], purpose: str) -> dict[str, str]:
    """{name: CIDR} of the entries of C(pve_networks) with a purpose; entries that are no good are left out."""
    return {
        str(name): str(entry["cidr"])
        for name, entry in networks.items()
        if isinstance(entry, Mapping) and entry.get("cidr") and purpose in (entry.get("purposes") or ())
    }


def chosen(given: str | None, networks: Mapping[str, Any], purpose: str) -> str | None:
    """The CIDR of one of Ceph's networks; None where the inventory does not say it, or says it twice."""
    if given:
        return given
    found = declared(networks, purpose)
    return next(iter(found.values())) if len(found) == 1 else None


def inside(addresses: Iterable[str], cidr: str) -> list[str]:
    """The addresses that are in a network. Raises ValueError for a CIDR that is none."""
    network = ipaddress.ip_network(cidr, strict=False)
    return [text for text in addresses if ipaddress.ip_address(text.partition("%")[0]) in network]
