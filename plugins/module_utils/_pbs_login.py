# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What a cluster keeps for its storages of the type pbs: PVE/Storage/PBSPlugin.pm.

The password is the first line of /etc/pve/priv/storage/ID.pw, the key is in ID.enc. The API tells of neither, but shows
the fingerprint of the key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import AuthError, NotInstalled, ProxmoxError
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine
from ansible_collections.baremetal.proxmox.plugins.module_utils._product import BACKUP_SERVER
from ansible_collections.baremetal.proxmox.plugins.module_utils._session import HttpSession, Token

_KEPT = "/etc/pve/priv/storage"
_SECONDS = 10.0


def read(client: Client, config: Sequence[Mapping[str, Any]], machine: Machine | None = None) -> dict[str, Any]:
    """By storage. Where Proxmox VE is not installed yet, none is defined."""
    rows = {row["storage"]: row for row in client.get("/storage")} if client.installed else {}
    return {one["storage"]: _one(one, rows.get(one["storage"]), machine or Machine()) for one in config}


def _one(wanted: Mapping[str, Any], row: Mapping[str, Any] | None, machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = {"defined": row is not None, "secret": "none", "reason": None, "encryption_key": None}
    if row is None:
        return found
    found["encryption_key"] = str(row["encryption-key"]) if row.get("encryption-key") else None
    lines = (machine.read(f"{_KEPT}/{wanted['storage']}.pw") or "").splitlines()
    if lines and lines[0]:
        found["secret"], found["reason"] = _login(wanted, lines[0])
    return found


def _login(wanted: Mapping[str, Any], secret: str) -> tuple[str, str | None]:
    host, pin = wanted["server"], wanted.get("fingerprint")
    session = HttpSession(
        f"[{host}]" if ":" in host and not host.startswith("[") else host,
        wanted["port"],
        Token(wanted["username"], secret, BACKUP_SERVER),
        fingerprint=pin.replace(":", "").lower().__str__ if pin else None,
        product=BACKUP_SERVER,
    )
    try:
        session.send("GET", "/version", {}, _SECONDS)
    except AuthError as error:
        return "refused", error.message
    except NotInstalled:
        raise
    except ProxmoxError as error:
        return "unreachable", error.message
    finally:
        session.close()
    return "works", None
