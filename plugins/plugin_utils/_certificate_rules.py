# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""Certificates: one way to get one, a key that belongs to it, and names that are proved by what there is.

The module looks again, on the node. Where the controller has no openssl, only the form of the texts is judged here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _pem
from ansible_collections.baremetal.proxmox.plugins.module_utils._acme import ACCOUNT, PLUGIN
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError, NotInstalled
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource
from ansible_collections.baremetal.proxmox.plugins.module_utils._node_options import SLOTS
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, nearest
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Host, Inventory
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import Place

STATE = "pve_certificate_state"
ACCOUNTS, PLUGINS = "pve_certificate_accounts", "pve_certificate_plugins"
TABLES: Mapping[str, tuple[Resource, str]] = {ACCOUNTS: (ACCOUNT, STATE), PLUGINS: (PLUGIN, STATE)}
# What belongs to the cluster, not to a node
COMMON = (STATE, "pve_certificate_allow_remove", *TABLES)
PEM, KEY, DOMAINS = "pve_certificate_pem", "pve_certificate_key", "pve_certificate_domains"
_OF_MODULE = {"certificate": PEM, "key": KEY}


def own(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        pem, key = host.get(PEM), host.get(KEY)
        if (pem is None) != (key is None):
            there, missing = (PEM, KEY) if key is None else (KEY, PEM)
            yield host.place(missing).finding(f"a value, because there is {there}", "nothing")
        elif pem is not None and not {PEM, KEY} & set(host.broken):
            yield from _judge(host, pem, key)


def _judge(host: Host, pem: str, key: str) -> Iterator[Finding]:
    try:
        _pem.read_pair(pem, key, time.time())
    except InputError as error:
        told = error.fields
        yield host.place(_OF_MODULE[told["option"]]).finding(told["expected"], told["found"], error.hint or "")
    except NotInstalled:
        return


def ways(inventory: Inventory) -> Iterator[Finding]:
    """Its own, an ordered one, or that of the cluster."""
    for host in inventory:
        asked = {
            PEM: host.get(PEM),
            DOMAINS: host.get(DOMAINS),
            "pve_certificate_absent": host.get("pve_certificate_absent"),
        }
        given = [name for name, value in asked.items() if value]
        if len(given) > 1:
            yield host.place(given[0]).finding("one way to a certificate", f"{' and '.join(given[1:])} as well")


def domains(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        rows = [row for row in host.get(DOMAINS, ()) if isinstance(row, Mapping)]
        if len(rows) > len(SLOTS):
            yield host.place(DOMAINS).finding(f"{len(SLOTS)} names at most", str(len(rows)))
        seen: set[str] = set()
        for row in rows:
            name = str(row.get("domain", ""))
            place = Place(host.name, f"{DOMAINS}[{name}]")
            if name.lower() in seen:
                yield place.inside("domain").finding("each name once", f"'{name}' again")
            seen.add(name.lower())
            yield from _known(host, place.inside("plugin"), "plugin", str(row.get("plugin") or "standalone"))
            if name.startswith("*.") and not row.get("plugin"):
                yield place.inside("plugin").finding("a plugin of the type dns, as a wildcard needs", "none")
        if rows:
            place = host.place("pve_certificate_account")
            yield from _known(host, place, "account", str(host.get("pve_certificate_account", "default")))


_LISTS: Mapping[str, tuple[str, str, frozenset[str]]] = {
    "plugin": (PLUGINS, "id", frozenset({"standalone"})),
    "account": (ACCOUNTS, "name", frozenset()),
}


def _known(host: Host, place: Place, what: str, name: str) -> Iterator[Finding]:
    variable, key, always = _LISTS[what]
    rows: Any = host.get(variable)
    # a list that is not there says nothing of what the cluster has
    if rows is None or variable in host.broken:
        return
    names = {str(row.get(key)) for row in rows if isinstance(row, Mapping)} | always
    if name in names:
        return
    near = nearest(name, sorted(names))
    only = host.get(STATE) == "overridden"
    hint = f" (nearest: {near})" if near else ""
    advice = "" if only else "It has to be in the cluster already"
    article = "an" if what == "account" else "a"
    yield place.finding(f"{article} {what} that {variable} has{hint}", f"'{name}'", advice, warning=not only)


RULES = (own, ways, domains)
