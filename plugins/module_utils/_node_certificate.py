# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The certificate that a node shows on port 8006: PVE/API2/Certificates.pm, PVE/API2/ACME.pm, PVE/CertHelpers.pm.

What the handlers do, and is reckoned with here:

- A certificate of one's own, and one that was ordered by ACME, are the same file: pveproxy-ssl.pem beside its key. Without
  it the node shows the one that the cluster's CA has signed.
- GET tells of the first certificate in that file only, and nothing of the key.
- pveproxy goes on with the old one until it is restarted. A restart ends kept connections, perhaps the one in use.
- An order and a renewal are tasks that restart pveproxy at their end. A renewal also revokes the old certificate. POST
  refuses where there is a certificate, PUT where it is good for 30 days more, each unless C(force) is set.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _certificate, _pem, _session
from ansible_collections.baremetal.proxmox.plugins.module_utils._acme import ACCOUNTS, Configured, configured
from ansible_collections.baremetal.proxmox.plugins.module_utils._api import Api, said
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (
    ConnectionLost,
    InputError,
    ProxmoxError,
    TaskError,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._pem import Pair
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

CUSTOM = "pveproxy-ssl.pem"
OF_CLUSTER = "pve-ssl.pem"
SHOWN = ("subject", "issuer", "san", "notbefore", "notafter", "fingerprint")
DAY = 86400
PORT = 8006
# As long as pveproxy may take to start on a machine that has much to do
RESTART_SECONDS = 120.0


def served(host: str | None = None, port: int = PORT) -> str | None:
    """Fingerprint of what is shown there now, by default by this machine's pveproxy; None while nothing answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(OSError):
        address = ((host or _session.local_address()).strip("[]"), port)
        with socket.create_connection(address, 5) as plain, context.wrap_socket(plain) as secure:
            return _certificate.of_der(secure.getpeercert(binary_form=True) or b"")
    return None


def on_disk(node: str) -> list[str] | None:
    """Fingerprints of all certificates in the file on this machine; empty where certificate or key is missing."""
    folder = f"{_session.PMXCFS}/nodes/{node}"
    if not all(os.path.isfile(f"{folder}/pveproxy-ssl.{end}") for end in ("pem", "key")):
        return []
    with open(f"{folder}/{CUSTOM}", encoding="ascii", errors="replace") as file:
        return [str(_certificate.fingerprint(block)) for block in _pem.blocks(file.read(), "CERTIFICATE")]


@dataclass(frozen=True)
class Place:
    """What the API does not tell: what is shown where it is asked, and, C(local), what this machine's file holds."""

    served: Callable[[], str | None] = served
    on_disk: Callable[[str], list[str]] = on_disk
    local: bool = True

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Place:
        host, port = params["api_host"], params["api_port"]
        return cls(lambda: served(host, port), local=False) if host else cls()


@dataclass(frozen=True)
class Plan:
    """What is to do, why, and what is there afterwards as far as that is known."""

    action: str
    reason: str
    after: Mapping[str, Any]


def shown(row: Mapping[str, Any] | None) -> dict[str, Any]:
    """What may be seen of a certificate, in one form for Proxmox's answers and for what was given."""
    if not row:
        return {}
    found = {name: row[name] for name in SHOWN if row.get(name) is not None}
    return {**found, "san": [_name(str(one)) for one in row.get("san") or ()]}


def _name(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text.lower()


def of_pair(pair: Pair) -> dict[str, Any]:
    first = pair.chain[0]
    names = {"san": first.names, **{name: getattr(first, name) for name in SHOWN if name != "san"}}
    return shown({name: names[name] for name in SHOWN})


class Node:
    """One node's certificate, through its API."""

    def __init__(self, client: Client, place: Place, *, timeout: float, warn: Callable[[str], None]) -> None:
        self._client = client
        self._place = place
        self._timeout = timeout
        self._warn = warn
        self._path = f"/nodes/{client.node}/certificates"

    def rows(self) -> dict[str, Mapping[str, Any]]:
        """The certificates by the names of their files."""
        return {str(row["filename"]): row for row in self._client.get(f"{self._path}/info")}

    def current(self) -> dict[str, Any]:
        """The node's own certificate; empty where it has that of the cluster."""
        return shown(self.rows().get(CUSTOM))

    # -- planning

    def plan_own(self, pair: Pair, before: Mapping[str, Any]) -> Plan | None:
        after, wanted = of_pair(pair), [one.fingerprint for one in pair.chain]
        local = self._place.local
        if before.get("fingerprint") != wanted[0]:
            return Plan(
                "upload", "the node has another certificate" if before else "the node has none of its own", after
            )
        if local and self._place.on_disk(self._client.node) != wanted:
            return Plan("upload", "the chain or the key beside it is another one", after)
        if local and self._place.served() not in (None, wanted[0]):
            return Plan("upload", "pveproxy still shows another certificate", after)
        return None

    def plan_acme(
        self, expected: list[str] | None, min_days: int, force: bool, before: Mapping[str, Any], now: float, check: bool
    ) -> Plan | None:
        found = self._configured(expected, check)
        names = sorted(found.domains)
        after = {"san": names}
        if not before:
            return Plan("order", "the node has no certificate of its own", after)
        if sorted(before["san"]) != names:
            return Plan("order", f"the certificate is for {', '.join(sorted(before['san'])) or 'no name'}", after)
        left = (before["notafter"] - now) / DAY
        if left < min_days:
            return Plan("renew", f"it ends in {max(0, int(left))} days", after)
        return Plan("renew", "it was asked for", after) if force else None

    def _configured(self, expected: list[str] | None, check: bool) -> Configured:
        found = configured(self._client.get(f"/nodes/{self._client.node}/config"))
        wanted = sorted({name.lower() for name in expected or ()})
        if expected is not None and wanted != sorted(found.domains):
            text = f"domains: expected {', '.join(wanted)} in the node's options, found {_listed(found.domains)}."
            if not check:
                raise InputError(f"{text} Nothing was changed.", hint="Set acme and acmedomain0 by node_options first.")
            self._warn(f"{text} It is refused where that is still so when it is done.")
            return Configured(found.account, dict.fromkeys(wanted, ""))
        if not found.domains:
            raise InputError(
                "expected ACME domains in the node's options, found none. Nothing was changed.",
                hint="Set acme and acmedomain0 by baremetal.proxmox.node_options first.",
            )
        known = sorted(str(row["name"]) for row in self._client.get(ACCOUNTS))
        if found.account not in known:
            text = f"acme: expected an account of the cluster, found '{found.account}'; there are {_listed(known)}."
            if not check:
                raise InputError(f"{text} Nothing was changed.", hint="Register it by acme_account first.")
            self._warn(f"{text} It is refused where that is still so when it is done.")
        return found

    # -- doing

    def make(self, plan: Plan, pair: Pair | None) -> dict[str, Any]:
        """Carries it out; the certificate afterwards, shown by a pveproxy that has come back."""
        # an API by another name may be that of another node, or behind a proxy that shows a certificate of its own
        direct = self._place.local or self._place.served() == self._effective(self.rows())
        try:
            if plan.action == "upload" and pair:
                row = self._client.post(f"{self._path}/custom", **_upload(pair))
                return self._back(shown(row), shown(row).get("fingerprint"), direct)
            if plan.action == "remove":
                self._client.delete(f"{self._path}/custom", restart=True)
            elif plan.action == "revoke":
                self._task("acmerevoke", lambda: self._client.delete(f"{self._path}/acme/certificate"))
            elif plan.action == "renew":
                self._task("acmerenew", lambda: self._client.put(f"{self._path}/acme/certificate", force=True))
            else:
                self._task("acmenewcert", lambda: self._client.post(f"{self._path}/acme/certificate", force=True))
        except ConnectionLost as error:
            # pveproxy restarts while it answers
            if not error.maybe_done or not self._reached(plan, self.current()):
                raise
        rows = self.rows()
        return self._back(shown(rows.get(CUSTOM)), self._effective(rows), direct)

    @staticmethod
    def _effective(rows: Mapping[str, Mapping[str, Any]]) -> str | None:
        return (rows.get(CUSTOM) or rows.get(OF_CLUSTER) or {}).get("fingerprint")

    @staticmethod
    def _reached(plan: Plan, found: Mapping[str, Any]) -> bool:
        if plan.action == "upload":
            return found.get("fingerprint") == plan.after["fingerprint"]
        return not found if plan.action in ("remove", "revoke") else False

    def _task(self, kind: str, start: Callable[[], str]) -> None:
        before = self.current().get("fingerprint")
        try:
            upid = start()
        except ConnectionLost as error:
            Api(self._client).finish({kind})
            if not error.maybe_done or self.current().get("fingerprint") == before:
                raise
            return
        try:
            self._client.task(upid, self._timeout)
        except TaskError as error:
            error.message = f"{error.message}; its log: {said(error)}"
            raise

    def _back(self, found: dict[str, Any], expected: str | None, direct: bool) -> dict[str, Any]:
        """Waits until pveproxy shows what the file has."""
        # the old connection would go on with the old certificate
        self._client.close()
        if direct:
            look = self._place.served
            Deadline(RESTART_SECONDS).until(
                "pveproxy to show its new certificate", lambda: ((seen := look()) == expected, seen)
            )
        if not self._place.local:
            try:
                self._client.get("/version")
            except ProxmoxError as error:
                self._warn(f"The certificate is set, but this connection does not trust it: {error}")
        return found


def _upload(pair: Pair) -> dict[str, Any]:
    return {"certificates": pair.pem, "key": f"{pair.key}\n", "force": True, "restart": True}


def _listed(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"
