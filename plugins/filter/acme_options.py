# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: acme_options
short_description: A node's options for the domains of its certificate
version_added: 0.1.0
description:
  - Puts domains into C(acmedomain0) to C(acmedomain5), and takes the other of these settings away.
positional: _input
options:
  _input:
    description: The domains, each with C(domain) and perhaps C(plugin) and C(alias) (variable C(pve_certificate_domains)).
    type: list
    elements: dict
    required: true
  account:
    description: The account by which the certificate is ordered.
    type: str
    default: default
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Write the domains
  baremetal.proxmox.node_options:
    config: "{{ [{'domain': 'pve1.example.org', 'plugin': 'cloudflare'}] | baremetal.proxmox.acme_options }}"
"""

RETURN = r"""
_value:
  description: What the option C(config) of M(baremetal.proxmox.node_options) takes.
  type: dict
  sample: {acme: {account: default}, acmedomain0: {domain: pve1.example.org, plugin: cloudflare}, acmedomain1: null}
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.baremetal.proxmox.plugins.module_utils._node_options import SLOTS


def acme_options(domains: Sequence[Mapping[str, Any]], account: str = "default") -> dict[str, Any]:
    """Without domains the account goes as well: it is only there for them."""
    if len(domains) > len(SLOTS):
        raise AnsibleFilterError(f"pve_certificate_domains: expected {len(SLOTS)} at most, found {len(domains)}.")
    rows: list[dict[str, Any] | None] = [
        {name: one[name] for name in ("domain", "plugin", "alias") if one.get(name)} for one in domains
    ]
    rows += [None] * (len(SLOTS) - len(rows))
    return {"acme": {"account": account} if domains else None, **dict(zip(SLOTS, rows, strict=True))}


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"acme_options": acme_options}
