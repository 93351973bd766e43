# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: ha_fencing
short_description: What is wrong with the watchdogs that HA fences nodes with
version_added: 0.1.0
description:
  - A node that has lost its cluster is reset by its watchdog. Without one that Proxmox's watchdog-mux holds, HA may run a
    guest twice.
options:
  _input:
    description: The watchdogs of each node, as RV(baremetal.proxmox.node_facts#module:facts.watchdogs) has them, by host.
    type: dict
    required: true
  wanted:
    description: The kernel module that each host is to use (variable C(pve_ha_watchdog)), by host.
    type: dict
    required: true
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
verdict: "{{ {'pve1': facts.watchdogs} | baremetal.proxmox.ha_fencing(wanted={'pve1': 'softdog'}) }}"
"""

RETURN = r"""
_value:
  description: The verdict.
  type: dict
  contains:
    findings:
      description: One sentence for each node that could not be fenced; empty if all is well.
      type: list
      elements: str
    notes:
      description: One sentence for each node that uses another watchdog than it is to, until it starts the next time.
      type: list
      elements: str
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_SEE = "See 'systemctl status watchdog-mux'"


def ha_fencing(watchdogs: Mapping[str, Sequence[Mapping[str, Any]]], wanted: Mapping[str, str]) -> dict[str, list[str]]:
    findings, notes = [], []
    for host, found in watchdogs.items():
        expected = f"{host}: pve_ha_watchdog: expected {wanted[host]}"
        drivers = {_name(one) for one in found}
        if not found:
            findings.append(f"{expected}, found no watchdog. {_SEE} and the kernel's log on it")
        elif not any(one.get("active") for one in found):
            findings.append(f"{expected} in use, found {_listed(drivers)}, which nothing has opened. {_SEE} on it")
        elif str(wanted[host]) not in drivers:
            # watchdog-mux loads a module only where there is no /dev/watchdog yet
            unless = (
                "" if drivers == {"softdog"} else ", unless another one is loaded before (pve_host_module_blacklist)"
            )
            notes.append(f"{expected}, found {_listed(drivers)}. It changes when the node starts the next time{unless}")
    return {"findings": findings, "notes": notes}


def _name(watchdog: Mapping[str, Any]) -> str:
    return str(watchdog.get("driver") or watchdog.get("identity") or watchdog.get("name"))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"ha_fencing": ha_fencing}
