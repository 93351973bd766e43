# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: host_findings
short_description: What stands against making this machine a Proxmox VE node
version_added: 0.1.0
description:
  - Compares what M(baremetal.proxmox.node_info) read with what the inventory asks for, before anything is changed.
options:
  _input:
    description: RV(baremetal.proxmox.node_info#module:node) of the machine.
    type: dict
    required: true
  host:
    description: The inventory name, for the sentences.
    type: str
    required: true
  name:
    description: The node name that the machine is to have (variable C(pve_host_name)).
    type: str
    required: true
  address:
    description: The address that the name is to resolve to (variable C(pve_host_address)).
    type: str
    required: true
  cluster_name:
    description: Name of the cluster that the node is to be in (variable C(pve_host_cluster_name)); empty for none.
    type: str
    required: true
  repository_url:
    description: URI of the repository that Proxmox VE is installed from.
    type: str
    required: true
  releases:
    description: The Debian releases that can become Proxmox VE, by code name.
    type: list
    elements: str
    required: true
  prefix:
    description: How the variables begin that the sentences name.
    type: str
    default: pve_host
  installed:
    description: Whether the product is installed already. Proxmox VE itself when not given.
    type: bool
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
findings: >-
  {{ machine.node | baremetal.proxmox.host_findings(host=inventory_hostname, name='pve1', address='192.0.2.11',
     cluster_name='prod', repository_url='http://download.proxmox.com/debian/pve', releases=['bookworm', 'trixie']) }}
"""

RETURN = r"""
_value:
  description: One sentence for each finding, with host, variable, what was expected and what was found; empty if all is well.
  type: list
  elements: str
"""

import ipaddress

from ansible_collections.baremetal.proxmox.plugins.module_utils import _names


def _address_finding(host: str, variable: str, address: str, node: dict) -> str | None:
    try:
        wanted = ipaddress.ip_address(address)
    except ValueError:
        return f"{host}: {variable}: expected an IP address of this machine, found '{address}'"
    if str(wanted) != address:
        return f"{host}: {variable}: expected '{wanted}', the usual form of this address, found '{address}'"
    if wanted.is_loopback or wanted.is_unspecified:
        return f"{host}: {variable}: expected an address that the other nodes reach, found '{address}'"
    owned = node.get("addresses") or []
    if str(wanted) not in owned:
        return (
            f"{host}: {variable}: expected an address that this machine has"
            f" ({', '.join(owned) or 'it has none'}), found '{address}'"
        )
    return None


def host_findings(
    node: dict,
    host: str,
    name: str,
    address: str,
    cluster_name: str,
    repository_url: str,
    releases: list[str],
    prefix: str = "pve_host",
    installed: bool | None = None,
) -> list[str]:
    findings = []
    installed = node["proxmox"]["installed"] if installed is None else installed
    found = node["cluster"]["name"]
    if cluster_name and found and found != cluster_name:
        findings.append(
            f"{host}: pve_cluster_name: expected a machine that is in no cluster or in '{cluster_name}',"
            f" found a member of the cluster '{found}'"
        )
    if "://enterprise.proxmox.com/" in repository_url and not installed:
        findings.append(
            f"{host}: {prefix}_repository: expected 'no-subscription' for the installation, because the subscription that"
            " 'enterprise' needs can be set only afterwards, found 'enterprise'"
        )
    release = node["debian"]["release"]
    if release not in releases:
        findings.append(f"{host}: expected Debian {' or '.join(releases)}, found {release or 'no Debian'}")
    if node["architecture"] != "x86_64":
        findings.append(f"{host}: expected the architecture x86_64, found {node['architecture']}")
    if not _names.NODE.fullmatch(name):
        findings.append(f"{host}: {prefix}_name: expected {_names.NODE_MEANING}, found '{name}'")
    elif node["proxmox"]["installed"] and node["hostname"] != name:
        findings.append(
            f"{host}: {prefix}_name: expected '{node['hostname']}', the name under which Proxmox VE was installed"
            f" (a node cannot be renamed), found '{name}'"
        )
    finding = _address_finding(host, f"{prefix}_address", address, node)
    return [*findings, finding] if finding else findings


class FilterModule:
    def filters(self) -> dict:
        return {"host_findings": host_findings}
