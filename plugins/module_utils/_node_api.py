# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Ways from a node to the APIs of its cluster: its own, and those of the other members, each with a pinned certificate."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _session
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client, local_session
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import AuthError, InputError, ProxmoxError
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

PORT = 8006
# Short: whoever calls asks again until a deadline of its own
SECONDS = 10.0
# PVE/Storage.pm asks every enabled storage in turn, and a dead NFS server takes its time
STORAGE_SECONDS = 60.0


class NodeApi:
    """A new connection with new secrets each time: a join makes the old ones void."""

    def local(self) -> Client:
        return Client(local_session(), timeout=SECONDS, local=True)

    def member(self, address: str, fingerprint: str | None, secret: str | None = None) -> Client:
        """Another node, as root@pam: by C(secret) (password or ticket), else by a ticket of the cluster."""
        if fingerprint is None:
            raise AuthError(f"{address}: its certificate is not known yet.")
        pin = fingerprint.replace(":", "").lower()
        host = f"[{address}]" if ":" in address else address
        # A node of another cluster, as one to be joined is, is known by its fingerprint only
        authority = None if secret else f"{_session.PMXCFS}/pve-root-ca.pem"

        def session(identity: _session.Identity | None) -> _session.HttpSession:
            return _session.HttpSession(host, PORT, identity, fingerprint=lambda: pin, authority=authority)

        def login() -> tuple[str, str]:
            answer = session(None).send("POST", "/access/ticket", {"username": "root@pam", "password": secret}, SECONDS)
            if answer.get("NeedTFA"):
                raise InputError(
                    f"root@pam at {address} needs a second factor.",
                    hint="Give the ticket that baremetal.proxmox.cluster_join_info returns instead of a password.",
                )
            return answer["ticket"], answer["CSRFPreventionToken"]

        fetch = login if secret else _session.local_ticket
        return Client(session(_session.Ticket(fetch)), timeout=SECONDS)


def answers(machine: Machine, parts: Collection[str]) -> dict[str, Any]:
    """Whether this node's API answers, and what it says of C(parts): C(storage) of this node, C(ha) of the cluster."""
    if not machine.has_proxmox:
        return {"api": {"fingerprint": None, "answers": False, "error": "no Proxmox VE"}, "storage": [], "ha": []}
    api: dict[str, Any] = {"fingerprint": machine.certificate(machine.hostname), "answers": True, "error": None}
    readers = {"storage": _storages, "ha": _ha_services}
    try:
        client = Client(local_session(), timeout=STORAGE_SECONDS, local=True)
        read = {name: readers[name](client, machine.hostname) for name in sorted(parts)}
        if not parts:
            client.get("/version")
    except ProxmoxError as error:
        return {"api": {**api, "answers": False, "error": str(error)}, "storage": [], "ha": []}
    return {"api": api, **read}


def _storages(client: Client, node: str) -> list[dict[str, Any]]:
    return [_storage(row) for row in sorted(client.get(f"/nodes/{node}/storage"), key=lambda row: row["storage"])]


def _ha_services(client: Client, _node: str) -> list[dict[str, Any]]:
    """Guests as the HA manager sees them (PVE/API2/HA/Status.pm)."""
    rows = [row for row in client.get("/cluster/ha/status/current") if row["type"] == "service"]
    return [{"sid": row["sid"], "node": row["node"], "state": row["state"]} for row in rows]


def _storage(row: dict[str, Any]) -> dict[str, Any]:
    enabled, active = (bool(int(row.get(name) or 0)) for name in ("enabled", "active"))
    return {
        "storage": row["storage"],
        "type": row["type"],
        "enabled": enabled,
        "active": active,
        "error": "not active on this node" if enabled and not active else None,
    }
