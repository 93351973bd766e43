# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Certificates: which one pveproxy serves for a node, and SHA-256 fingerprints as Proxmox writes them."""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Callable


def serving(folder: str, exists: Callable[[str], object]) -> str:
    """Path in a node's folder of /etc/pve: its custom certificate if that has its key, else the one of the cluster's CA."""
    custom = all(exists(f"{folder}/pveproxy-ssl.{end}") for end in ("pem", "key"))
    return f"{folder}/{'pveproxy-ssl' if custom else 'pve-ssl'}.pem"


def fingerprint(pem: str) -> str | None:
    """SHA-256 of the first certificate in a PEM text, as C(AA:BB:…), or None if there is none."""
    match = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", pem, re.DOTALL)
    return of_der(ssl.PEM_cert_to_DER_cert(match[0])) if match else None


def of_der(der: bytes) -> str:
    return hashlib.sha256(der).digest().hex(":").upper()
