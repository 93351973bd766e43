# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: backup_plan
short_description: What a cluster's storages need on their backup servers
version_added: 0.1.0
description:
  - From the storages of the role C(pve_backup), what each backup server has to have for them, what the cluster has to be
    asked, and what stands against it. There is no secret in it.
options:
  _input:
    description: The storages (variable C(pve_backup_storages)).
    type: list
    elements: dict
    required: true
  host:
    description: Inventory name of the cluster's host, for the sentences.
    type: str
    required: true
  hostvars:
    description: The variables of all hosts.
    type: dict
    required: true
  user:
    description: The user on the backup server, where a storage names none (variable C(pve_backup_user)).
    type: str
    required: true
  servers:
    description: Results of M(baremetal.proxmox.pbs_info), one for each server, with its inventory name as C(item).
    type: list
    elements: dict
    default: []
  known:
    description: RV(baremetal.proxmox.storage_pbs_info#module:storages), when it is known.
    type: dict
    default: {}
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
plan: "{{ pve_backup_storages | baremetal.proxmox.backup_plan(host='pve1', hostvars=hostvars, user='rack@pbs') }}"
"""

RETURN = r"""
_value:
  description:
    - C(findings), sentences about what stands against it.
    - C(servers), by inventory name, each with C(namespaces), C(users), C(tokens), C(acls) as the modules take them.
    - C(asked), what M(baremetal.proxmox.storage_pbs_info) is to be asked.
    - C(new), the storages that need a new secret; C(save), those whose encryption key is not on the controller yet.
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _backup


def backup_plan(
    config: Any,
    host: str,
    hostvars: Mapping[str, Any],
    user: str,
    servers: Sequence[Mapping[str, Any]] = (),
    known: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    variables = hostvars[host]
    wanted = read(config, hostvars, user, str(variables.get("pve_cluster_name") or host))
    jobs = {"pve_backup_jobs": variables.get("pve_backup_jobs")}
    told = {name: one for name, one in (known or {}).items() if isinstance(one, Mapping)}
    tokens = {str(one["item"]): one.get("tokens") or {} for one in servers}
    found = [one for one in _backup.findings(host, wanted, variables) if not one.warning]
    found += [
        finding
        for one in wanted
        for finding in _backup.met(host, one, told.get(one.name, {}), tokens.get(one.server.name, {}))
    ]
    pins = fingerprints(servers)
    new = [one.name for one in wanted if told.get(one.name, {}).get("secret") != "works"]
    return {
        "findings": [f"{one.host}: {one.sentence}" for one in found],
        "servers": {
            name: _needs([one for one in wanted if one.server.name == name], jobs, new) for name in _hosts(wanted)
        },
        "asked": [
            {
                "storage": one.name,
                "server": one.address,
                "username": one.token,
                **({"port": one.item["port"]} if one.item.get("port") else {}),
                **({"fingerprint": pins[one.server.name]} if one.pinned and pins.get(one.server.name) else {}),
            }
            for one in wanted
        ],
        "new": new,
        "save": [{"storage": one.name, "path": one.key_file} for one in wanted if one.key_file and one.key() is None],
    }


def read(config: Any, hostvars: Mapping[str, Any], user: str, cluster: str = "") -> list[_backup.Storage]:
    rows = [one for one in config if isinstance(one, Mapping)]
    names = {str(one["host"]) for one in rows if one.get("host")}
    # hostvars has an undefined value, and no KeyError, for a host that there is not
    servers = {
        name: _backup.Server.read(name, hostvars[name] if name in hostvars else None)  # noqa: SIM401
        for name in names
    }
    return _backup.storages(rows, servers, user, cluster)


def fingerprints(servers: Sequence[Mapping[str, Any]]) -> dict[str, str | None]:
    return {str(one["item"]): one.get("fingerprint") for one in servers}


def _hosts(wanted: Sequence[_backup.Storage]) -> list[str]:
    return list(dict.fromkeys(one.server.name for one in wanted))


def _needs(wanted: Sequence[_backup.Storage], jobs: Mapping[str, Any], new: Sequence[str]) -> dict[str, Any]:
    grants: list[dict[str, Any]] = []
    for one in wanted:
        role = _backup.WRITES_AND_PRUNES if _backup.pruners(one, jobs) else _backup.WRITES
        # two storages of one user may be in the same place
        grants += [grant for grant in one.grants(role) if grant not in grants]
    spaces = [space for one in wanted for space in one.namespaces()]
    return {
        "namespaces": [space for index, space in enumerate(spaces) if space not in spaces[:index]],
        "users": [{"userid": name} for name in dict.fromkeys(one.token.split("!")[0] for one in wanted)],
        "tokens": [
            {"tokenid": one.token, "comment": one.mark, "regenerate": "always" if one.name in new else "never"}
            for one in wanted
        ],
        "acls": grants,
    }


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"backup_plan": backup_plan}
