# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""Backup servers, and clusters that back up to them: what one list names is in another, and retention has one place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.baremetal.proxmox.plugins.filter.backup_stagger import backup_stagger
from ansible_collections.baremetal.proxmox.plugins.module_utils import _pbs_disk
from ansible_collections.baremetal.proxmox.plugins.module_utils._backup_job import BACKUP_JOB
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_access import ACL_TABLE, TOKEN_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_jobs import PRUNE_JOB, SYNC_JOB, VERIFY_JOB
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_settings import (
    REMOTE,
    S3_ENDPOINT,
    TRAFFIC_CONTROL,
    USER,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_store import DATASTORE, NAMESPACE_TABLE
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _backup
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, nearest
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Host, Inventory
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import Place

STATE = "pbs_server_state"
JOBS = "pve_backup_jobs"
TABLES: Mapping[str, tuple[Resource, str]] = {
    "pbs_server_s3_endpoints": (S3_ENDPOINT, STATE),
    "pbs_server_datastores": (DATASTORE, STATE),
    "pbs_server_namespaces": (NAMESPACE_TABLE, STATE),
    "pbs_server_prune_jobs": (PRUNE_JOB, STATE),
    "pbs_server_verify_jobs": (VERIFY_JOB, STATE),
    "pbs_server_remotes": (REMOTE, STATE),
    "pbs_server_sync_jobs": (SYNC_JOB, STATE),
    "pbs_server_traffic_controls": (TRAFFIC_CONTROL, STATE),
    "pbs_server_users": (USER, STATE),
    "pbs_server_tokens": (TOKEN_TABLE, STATE),
    "pbs_server_acls": (ACL_TABLE, STATE),
    JOBS: (BACKUP_JOB, "pve_backup_jobs_state"),
}
# What belongs to the cluster, not to a node
COMMON = (_backup.STORAGES, JOBS, "pve_backup_jobs_state", "pve_backup_window")

_DATASTORES = ("pbs_server_datastores", "name", "datastore")
# In which list what is named, and what it has to be in
_NAMES = (
    ("pbs_server_namespaces", "ns", "store", _DATASTORES),
    ("pbs_server_prune_jobs", "id", "store", _DATASTORES),
    ("pbs_server_verify_jobs", "id", "store", _DATASTORES),
    ("pbs_server_sync_jobs", "id", "store", _DATASTORES),
    ("pbs_server_sync_jobs", "id", "remote", ("pbs_server_remotes", "name", "remote")),
    ("pbs_server_datastores", "name", "backend.client", ("pbs_server_s3_endpoints", "id", "client")),
    ("pbs_server_tokens", "tokenid", "tokenid", ("pbs_server_users", "userid", "user")),
)
_OBJECTION = re.compile(
    r"disk of the datastore '(?P<name>.*)': (?P<key>\w+): expected (?P<expected>.*), found (?P<found>.*)"
)


def stagger(host: Host) -> Iterator[Finding]:
    """Gives the jobs the times that the role gives them."""
    window, jobs = host.get("pve_backup_window"), host.get(JOBS)
    if not window or not jobs or {"pve_backup_window", JOBS} & host.broken:
        return
    try:
        host.values[JOBS] = backup_stagger(jobs, **window)
    except AnsibleFilterError as error:
        yield host.place("pve_backup_window").finding("a window that the jobs fit in", str(error).rstrip("."))


def names(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory.servers.values():
        for variable, key, option, target in _NAMES:
            for index, item in enumerate(host.get(variable, ())):
                if isinstance(item, Mapping):
                    place = Place(host.name, f"{variable}[{item.get(key) or index}].{option}")
                    yield from _judge(host, place, _named(item, option), target)


def _named(item: Mapping[str, Any], option: str) -> str:
    value: Any = item
    for part in option.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return str(value or "").partition("!")[0]


def _judge(host: Host, place: Place, name: str, target: tuple[str, str, str]) -> Iterator[Finding]:
    variable, key, what = target
    rows = host.get(variable)
    # a list that is not there says nothing of what the server has, and other types are told elsewhere
    if not name or rows is None or variable in host.broken:
        return
    listed = {str(row.get(key)) for row in rows if isinstance(row, Mapping)} | {"root@pam"}
    if name not in listed:
        near = nearest(name, sorted(listed))
        hint = f" (nearest: {near})" if near else ""
        only = host.get(STATE) == "overridden"
        advice = "" if only else "It has to be on the server already"
        yield place.finding(f"a {what} that {variable} has{hint}", f"'{name}'", advice, warning=not only)


def places(inventory: Inventory) -> Iterator[Finding]:
    """Disks, mounts, and the datastores in them."""
    for host in inventory.servers.values():
        disks = [one for one in host.get("pbs_server_disks", ()) if isinstance(one, Mapping)]
        wanted = _pbs_disk.wishes([one for one in disks if one.get("name") and one.get("devices")])
        for text in _pbs_disk.objections(wanted):
            told = _OBJECTION.fullmatch(text)
            variable = f"pbs_server_disks[{told['name']}].{told['key']}" if told else "pbs_server_disks"
            expected, found = (told["expected"], told["found"]) if told else ("each once", text)
            yield Finding(host.name, variable, expected, found)
        for index, one in enumerate(disks):
            place = Place(host.name, f"pbs_server_disks[{one.get('name') or index}].devices")
            for device in one.get("devices") or ():
                if not str(device).startswith("/dev/disk/by-"):
                    yield place.finding("a name that stays (/dev/disk/by-id/…)", f"'{device}'")
        yield from _secret(host)
        yield from _outside(host, [one.path for one in wanted])


def _secret(host: Host) -> Iterator[Finding]:
    """Everybody may read /etc/fstab."""
    for index, one in enumerate(host.get("pbs_server_mounts", ())):
        words = str(one.get("opts") or "").split(",") if isinstance(one, Mapping) else ()
        if any(word.partition("=")[0].strip() in ("password", "pass", "passwd") for word in words):
            place = Place(host.name, f"pbs_server_mounts[{index}].opts")
            yield place.finding("credentials=FILE, because everybody may read /etc/fstab", "a password")


def _outside(host: Host, made: Iterable[str]) -> Iterator[Finding]:
    """A path below /mnt/datastore that nothing is mounted on is mostly a slip."""
    mounts = [str(one.get("path")) for one in host.get("pbs_server_mounts", ()) if isinstance(one, Mapping)]
    known = [*made, *mounts]
    for one in host.get("pbs_server_datastores", ()):
        path = str(one.get("path") or "") if isinstance(one, Mapping) else ""
        inside = any(path == place or path.startswith(f"{place}/") for place in known)
        if path.startswith(f"{_pbs_disk.PLACE}/") and known and not inside:
            place = Place(host.name, f"pbs_server_datastores[{one.get('name')}].path")
            near = nearest(path, known)
            hint = f" (nearest: {near})" if near else ""
            expected = f"a path on a disk of pbs_server_disks or in pbs_server_mounts{hint}"
            yield place.finding(expected, f"'{path}'", "It would be on the disk of the system", warning=True)


def clusters(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        config = host.get(_backup.STORAGES)
        if not config or _backup.STORAGES in host.broken:
            continue
        servers = {name: _server(inventory, name) for name in {str(one.get("host")) for one in config if one}}
        wanted = _backup.storages(config, servers, str(host.get("pve_backup_user")))
        yield from _backup.findings(host.name, wanted, host.values)


def _server(inventory: Inventory, name: str) -> _backup.Server:
    host = inventory.servers.get(name)
    if host is None:
        return _backup.Server.read(name, {} if name in inventory.everyone else None)
    return _backup.Server.read(name, {**host.connection, **host.values})


RULES = (names, places, clusters)
