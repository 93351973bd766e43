# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: backup_definitions
short_description: The storage definitions of a cluster's backup servers
version_added: 0.1.0
description:
  - The definitions as O(baremetal.proxmox.storage#module:config) takes them. A password is in those whose token has just got
    a secret, an encryption key in those that have none yet.
options:
  _input:
    description: The storages (variable C(pve_backup_storages)).
    type: list
    elements: dict
    required: true
  hostvars:
    description: The variables of all hosts.
    type: dict
    required: true
  user:
    description: The user on the backup server, where a storage names none.
    type: str
    required: true
  servers:
    description: Results of M(baremetal.proxmox.pbs_info), one for each server.
    type: list
    elements: dict
    required: true
  known:
    description: RV(baremetal.proxmox.storage_pbs_info#module:storages).
    type: dict
    required: true
  tokens:
    description: Results of M(baremetal.proxmox.pbs_token), one for each server.
    type: list
    elements: dict
    required: true
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
config: >-
  {{ pve_backup_storages | baremetal.proxmox.backup_definitions(hostvars=hostvars, user='rack@pbs', servers=servers.results,
     known=known.storages, tokens=tokens.results) }}
"""

RETURN = r"""
_value:
  description: The definitions. There are secrets in them.
  type: list
  elements: dict
"""

import base64
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.baremetal.proxmox.plugins.filter.backup_plan import fingerprints, read
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._backup import Storage


def backup_definitions(
    config: Any,
    hostvars: Mapping[str, Any],
    user: str,
    servers: Sequence[Mapping[str, Any]],
    known: Mapping[str, Any],
    tokens: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    pins = fingerprints(servers)
    secrets = {
        (str(one["item"]), token): secret for one in tokens for token, secret in (one.get("secrets") or {}).items()
    }
    return [
        one.definition(pins.get(one.server.name))
        | _secret(secrets.get((one.server.name, one.token)))
        | _keys(one, known.get(one.name) or {})
        for one in read(config, hostvars, user)
    ]


def _secret(secret: str | None) -> dict[str, str]:
    return {"password": secret, "update_password": "always"} if secret else {}


def _keys(one: Storage, known: Mapping[str, Any]) -> dict[str, str]:
    """Only for a storage that has none: the cluster never gets another one."""
    found = {}
    if one.key_file and not known.get("encryption_key"):
        found["encryption_key"] = one.key() or "autogen"
    if one.get("master_pubkey_file") and not known.get("defined"):
        found["master_pubkey"] = _encoded(one.get("master_pubkey_file"))
    return found


def _encoded(path: str) -> str:
    try:
        with open(os.path.expanduser(path), "rb") as file:
            return base64.b64encode(file.read()).decode()
    except OSError as error:
        raise AnsibleFilterError(f"master_pubkey_file: {path} cannot be read: {error.strerror}") from error


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"backup_definitions": backup_definitions}
