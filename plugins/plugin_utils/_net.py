# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""Addresses and networks as text, read strictly: no short forms, no names."""

from __future__ import annotations

from typing import Any

try:
    from netaddr import AddrFormatError, IPAddress, IPNetwork
except ImportError:
    HAS_NETADDR = False
else:
    HAS_NETADDR = True


def address(text: Any) -> IPAddress | None:
    """An address without a prefix, or None."""
    try:
        return IPAddress(str(text))
    except (AddrFormatError, ValueError):
        return None


def network(text: Any) -> IPNetwork | None:
    """An address with its prefix, or None. C(.ip) is the address as written, C(.cidr) the network."""
    try:
        return IPNetwork(str(text)) if "/" in str(text) else None
    except (AddrFormatError, ValueError):
        return None


def reserved(ip: IPAddress, net: IPNetwork) -> str | None:
    """What makes an address of this network none for a host, or None. RFC 3021 and RFC 6164 leave the smallest ones."""
    last = 32 if net.version == 4 else 128
    if net.prefixlen >= last - 1:
        return None
    if ip == net.network:
        return "the address of the network itself" if net.version == 4 else "the anycast address of its routers"
    return "its broadcast address" if net.version == 4 and ip == net.broadcast else None
