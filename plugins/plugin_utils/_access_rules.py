# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""Access: what one list names is in another. What may already be in the cluster is a warning; what C(overridden) removes is not.

The modules look again, at what there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _access
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_acl import ACL_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_pools import POOL_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_realms import REALM_TABLE, SYNC_JOB_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_tokens import TOKEN_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_users import (
    GROUP_TABLE,
    ROLE_TABLE,
    USER_TABLE,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, listed, nearest
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Host, Inventory
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import Place

STATE = "pve_access_state"
TABLES: Mapping[str, tuple[Resource, str]] = {
    "pve_access_realms": (REALM_TABLE, STATE),
    "pve_access_realm_sync_jobs": (SYNC_JOB_TABLE, STATE),
    "pve_access_roles": (ROLE_TABLE, STATE),
    "pve_access_groups": (GROUP_TABLE, STATE),
    "pve_access_users": (USER_TABLE, STATE),
    "pve_access_tokens": (TOKEN_TABLE, STATE),
    "pve_access_pools": (POOL_TABLE, STATE),
    "pve_access_acls": (ACL_TABLE, STATE),
}
# What belongs to the cluster, not to a node
COMMON = (STATE, *TABLES)

# Which lists have the names of what, and what there is without them
_LISTS = {
    "realm": ("pve_access_realms", "realm", frozenset({"pam", "pve"})),
    "role": ("pve_access_roles", "roleid", frozenset({"Administrator", "NoAccess"})),
    "group": ("pve_access_groups", "groupid", frozenset()),
    "user": ("pve_access_users", "userid", frozenset({_access.ROOT})),
    "token": ("pve_access_tokens", "tokenid", frozenset()),
    "pool": ("pve_access_pools", "poolid", frozenset()),
}


def names(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        for place, what, name in _named(host):
            yield from _judge(host, place, what, name)


def _named(host: Host) -> Iterator[tuple[Place, str, str]]:
    for place, item in _items(host, "pve_access_realm_sync_jobs", "id"):
        yield place.inside("realm"), "realm", item.get("realm", "")
    for place, item in _items(host, "pve_access_users", "userid"):
        name, _at, realm = str(item.get("userid", "")).rpartition("@")
        yield place.inside("userid"), "realm", realm if name else ""
        groups = item.get("groups")
        for name in groups if isinstance(groups, list) else ():
            yield place.inside("groups"), "group", name
    for place, item in _items(host, "pve_access_tokens", "tokenid"):
        yield place.inside("tokenid"), "user", _access.split_token(str(item.get("tokenid", "")))[0]
    for place, item in _items(host, "pve_access_acls", "ugid"):
        ugid, role = item.get("ugid"), item.get("roleid")
        yield place.inside("ugid"), _access.kind(str(ugid)), ugid
        yield place.inside("roleid"), "role", role
    for place, item in _items(host, "pve_access_pools", "poolid"):
        yield place.inside("poolid"), "pool", str(item.get("poolid", "")).rpartition("/")[0]


def _items(host: Host, variable: str, key: str) -> Iterable[tuple[Place, Mapping[str, Any]]]:
    for index, item in enumerate(host.get(variable, ())):
        if isinstance(item, Mapping):
            yield Place(host.name, f"{variable}[{item.get(key) or index}]"), item


def _judge(host: Host, place: Place, what: str, name: Any) -> Iterator[Finding]:
    variable, key, always = _LISTS[what]
    rows = host.get(variable)
    # a list that is not there says nothing of what the cluster has, and other types are told elsewhere
    if rows is None or variable in host.broken or not isinstance(name, str) or not name:
        return
    listed = {str(row.get(key)) for row in rows if isinstance(row, Mapping)} | always
    if name in listed or (what == "role" and name.startswith("PVE")):
        return
    near = nearest(name, sorted(listed))
    hint = f" (nearest: {near})" if near else ""
    only = host.get(STATE) == "overridden"
    advice = "" if only else "It has to be in the cluster already"
    yield place.finding(f"a {what} that {variable} has{hint}", f"'{name}'", advice, warning=not only)


def passwords(inventory: Inventory) -> Iterator[Finding]:
    """Only pam and pve keep passwords (PVE/Auth/Plugin.pm); the others ask their directory or provider."""
    for host in inventory:
        for place, item in _items(host, "pve_access_users", "userid"):
            realm = str(item.get("userid", "")).rpartition("@")[2]
            if item.get("password") is not None and realm not in ("pam", "pve"):
                found = f"one in the realm '{realm}'"
                yield place.inside("password").finding("no password but in the realms pam and pve", found)


def directories(inventory: Inventory) -> Iterator[Finding]:
    """What is synchronised is a directory, and one realm at most is the first choice of the login page."""
    for host in inventory:
        realms = [item for _place, item in _items(host, "pve_access_realms", "realm")]
        types = {str(item.get("realm")): item.get("type") for item in realms} | {"pam": "pam", "pve": "pve"}
        for place, item in _items(host, "pve_access_realm_sync_jobs", "id"):
            name = str(item.get("realm"))
            if types.get(name) not in (None, "ad", "ldap"):
                expected = "a realm of the type ad or ldap"
                yield place.inside("realm").finding(expected, f"'{name}', which has the type {types[name]}")
        first = [str(item.get("realm")) for item in realms if item.get("default") is True]
        if len(first) > 1:
            yield host.place("pve_access_realms").finding(
                "default: true at one realm at most", f"it at {listed(first)}"
            )


def files(inventory: Inventory) -> Iterator[Finding]:
    """A file for each secret: a second one would take the place of the first."""
    for host in inventory:
        owners: dict[str, str] = {}
        for place, item in _items(host, "pve_access_tokens", "tokenid"):
            file = item.get("secret_file")
            if not isinstance(file, str):
                continue
            other = owners.setdefault(file, str(item.get("tokenid")))
            if other != item.get("tokenid"):
                yield place.inside("secret_file").finding("a file of its own", f"that of {other}, {file}")


RULES = (names, passwords, directories, files)
