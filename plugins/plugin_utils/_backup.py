# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""A cluster and its backup servers, as data: what each storage needs on which server, and what stands against it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import PRUNE, option_name
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, nearest

STORAGES = "pve_backup_storages"
# datastore.rs: who backs up may not prune, unless by a role that says so
WRITES, WRITES_AND_PRUNES = "DatastoreBackup", "DatastorePowerUser"
# What a storage passes on to the definition in the cluster
PASSED = ("nodes", "disable", "prune_backups", "max_protected_backups")
_PORT = 8007
_DEEPEST = 7


@dataclass(frozen=True)
class Server:
    """What the inventory says of a backup server; C(known): whether it has such a host. None is "not said"."""

    name: str
    known: bool = True
    address: str = ""
    state: str = "merged"
    datastores: Sequence[Mapping[str, Any]] | None = None
    prune_jobs: Sequence[Mapping[str, Any]] = ()
    lists: frozenset[str] = frozenset()

    @classmethod
    def read(cls, name: str, variables: Mapping[str, Any] | None) -> Server:
        """C(variables): of the host, None if there is no such host."""
        if variables is None:
            return cls(name, known=False)
        lists = ("namespaces", "users", "tokens", "acls")
        return cls(
            name,
            address=str(variables.get("pbs_server_address") or variables.get("ansible_host") or name),
            state=str(variables.get("pbs_server_state") or "merged"),
            datastores=_list(variables.get("pbs_server_datastores")),
            prune_jobs=_list(variables.get("pbs_server_prune_jobs")) or (),
            lists=frozenset(one for one in lists if variables.get(f"pbs_server_{one}") is not None),
        )

    def pruning(self, datastore: str, namespace: str) -> list[str]:
        """Names of the prune jobs that remove backups there."""
        return [str(job.get("id")) for job in self.prune_jobs if _covers(job, datastore, namespace)]


@dataclass(frozen=True)
class Storage:
    """One item of pve_backup_storages with everything that it does not say."""

    item: Mapping[str, Any]
    server: Server
    user: str
    cluster: str = ""

    def get(self, key: str) -> str:
        return str(self.item.get(key) or "")

    @property
    def name(self) -> str:
        return self.get("storage")

    @property
    def address(self) -> str:
        return self.get("server") or self.server.address

    @property
    def token(self) -> str:
        return f"{self.get('user') or self.user}!{self.get('token') or self.name}"

    @property
    def mark(self) -> str:
        """The comment of its token, by which another cluster's is told from it."""
        return f"Storage {self.name} of the cluster {self.cluster}"

    @property
    def path(self) -> str:
        return "/".join(["/datastore", self.get("datastore"), *filter(None, [self.get("namespace")])])

    @property
    def key_file(self) -> str:
        return os.path.expanduser(self.get("encryption_key_file"))

    def key(self) -> str | None:
        """The encryption key that is in the file on the controller."""
        return _text(self.key_file) if self.key_file else None

    def grants(self, role: str) -> list[dict[str, Any]]:
        """A token has no more rights than its user. The root namespace must not bring those of others along."""
        whole = {} if self.get("namespace") else {"propagate": False}
        user = self.token.partition("!")[0]
        return [{"path": self.path, "ugid": who, "roleid": role, **whole} for who in (user, self.token)]

    def namespaces(self) -> list[dict[str, str]]:
        parts = self.get("namespace").split("/") if self.get("namespace") else []
        return [{"store": self.get("datastore"), "ns": "/".join(parts[: end + 1])} for end in range(len(parts))]

    def definition(self, fingerprint: str | None) -> dict[str, Any]:
        """As the module storage takes it, without secrets."""
        found: dict[str, Any] = {
            "storage": self.name,
            "type": "pbs",
            "server": self.address,
            "datastore": self.get("datastore"),
            "username": self.token,
            "content": ["backup"],
        }
        found |= {"namespace": self.get("namespace")} if self.get("namespace") else {}
        found |= {"port": int(self.item["port"])} if self.item.get("port") else {}
        found |= {"fingerprint": fingerprint} if fingerprint and self.pinned else {}
        return found | {name: self.item[name] for name in PASSED if self.item.get(name) is not None}

    @property
    def pinned(self) -> bool:
        return self.item.get("pin") is not False


def storages(config: Any, servers: Mapping[str, Server], user: str, cluster: str = "") -> list[Storage]:
    """The items that can be read at all; a specification says what is wrong with the others."""
    found = []
    for item in _list(config) or ():
        pairs = {option_name(str(key)): value for key, value in item.items()}
        host = str(pairs.get("host") or "")
        if pairs.get("storage") and host:
            found.append(Storage(pairs, servers.get(host) or Server(host, known=False), user, cluster))
    return found


def _list(value: Any) -> list[Mapping[str, Any]] | None:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, (list, tuple)) else None


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return None


# -- retention


def _covers(job: Mapping[str, Any], datastore: str, namespace: str) -> bool:
    """src/server/prune_job.rs: namespaces below C(ns) as deep as C(max-depth). A job that keeps nothing removes nothing."""
    pairs = {option_name(str(key)): value for key, value in job.items()}
    if pairs.get("store") != datastore or pairs.get("disable") is True:
        return False
    if not any(key.startswith("keep_") and value for key, value in pairs.items()):
        return False
    above, below = ([part for part in str(ns or "").split("/") if part] for ns in (pairs.get("ns"), namespace))
    depth = pairs.get("max_depth")
    deepest = int(depth) if isinstance(depth, int) or str(depth).isdigit() else _DEEPEST
    return below[: len(above)] == above and len(below) - len(above) <= deepest


def prunes(item: Mapping[str, Any]) -> bool:
    """Whether a storage or a backup job of Proxmox VE removes backups."""
    value = item.get("prune_backups", item.get("prune-backups"))
    if not value:
        return False
    try:
        return not (PRUNE.read(value) or {"keep_all": True}).get("keep_all")
    except ValueError:
        return True


def pruners(storage: Storage, jobs: Mapping[str, Any]) -> list[str]:
    """The variables with which Proxmox VE prunes what is on a storage. C(jobs): lists of jobs by their variable."""
    found = [f"{STORAGES}[{storage.name}].prune_backups"] if prunes(storage.item) else []
    for variable, rows in jobs.items():
        for job in _list(rows) or ():
            if job.get("storage") == storage.name and prunes(job):
                found.append(f"{variable}[{job.get('id')}].prune_backups")
    return found


# -- what stands against it


def findings(host: str, wanted: Sequence[Storage], variables: Mapping[str, Any]) -> Iterator[Finding]:
    """Of the inventory alone. C(variables): of the cluster's host; jobs and storages of other roles are in it."""
    jobs = {"pve_backup_jobs": variables.get("pve_backup_jobs")}
    defined = {str(one.get("storage")) for one in _list(variables.get("pve_storage_config")) or ()}
    if wanted and variables.get("pve_storage_state") == "overridden":
        yield Finding(
            host,
            "pve_storage_state",
            f"merged or replaced, because overridden removes what {STORAGES} defines",
            "'overridden'",
        )
    for one in wanted:
        yield from _of_storage(host, one, defined)
        yield from _of_server(host, one)
        yield from _retention(host, one, jobs)
    for what, values in (
        ("storage", [one.name for one in wanted]),
        ("token", [f"{one.server.name} {one.token}" for one in wanted]),
        ("encryption_key_file", [one.key_file for one in wanted if one.key_file]),
    ):
        for index, value in enumerate(values):
            if value in values[:index]:
                yield Finding(host, f"{STORAGES}[{wanted[index].name}].{what}", "each once", f"'{value}' a second time")


def _of_storage(host: str, one: Storage, defined: Iterable[str]) -> Iterator[Finding]:
    place = f"{STORAGES}[{one.name}]"
    if one.name in defined:
        yield Finding(host, f"{place}.storage", "a storage that pve_storage_config does not define", f"'{one.name}'")
    for key in ("encryption_key_file", "master_pubkey_file"):
        path = one.get(key)
        if path and not os.path.isabs(os.path.expanduser(path)):
            yield Finding(
                host, f"{place}.{key}", "an absolute path on the controller, or one that begins with ~", f"'{path}'"
            )


def _of_server(host: str, one: Storage) -> Iterator[Finding]:
    place, server = f"{STORAGES}[{one.name}]", one.server
    if not server.known:
        yield Finding(host, f"{place}.host", "a host of the inventory", f"'{server.name}'")
        return
    stores = [str(store.get("name")) for store in server.datastores or ()]
    if server.datastores is not None and one.get("datastore") not in stores:
        near = nearest(one.get("datastore"), stores)
        expected = f"a datastore of pbs_server_datastores of {server.name}" + (f" (nearest: {near})" if near else "")
        yield Finding(host, f"{place}.datastore", expected, f"'{one.get('datastore')}'")
    if server.state == "overridden" and server.lists:
        lists = ", ".join(f"pbs_server_{name}" for name in sorted(server.lists))
        yield Finding(
            server.name,
            "pbs_server_state",
            f"merged or replaced, because overridden removes what pve_backup makes for {one.name} ({lists})",
            "'overridden'",
        )


def _retention(host: str, one: Storage, jobs: Mapping[str, Any]) -> Iterator[Finding]:
    here = pruners(one, jobs)
    there = one.server.pruning(one.get("datastore"), one.get("namespace"))
    if here and there:
        named = ", ".join(f"pbs_server_prune_jobs[{job}] of {one.server.name}" for job in there)
        yield Finding(
            host,
            here[0],
            f"retention in one place: {named} prunes {one.path} already",
            "it here as well",
            "Take one of them away",
        )
    elif not here and not there and one.server.known:
        yield Finding(
            host,
            f"{STORAGES}[{one.name}]",
            f"something that prunes {one.path}: a job in pbs_server_prune_jobs of {one.server.name}, or prune_backups",
            "nothing",
            "Backups stay for ever",
            warning=True,
        )


def met(host: str, one: Storage, known: Mapping[str, Any], tokens: Mapping[str, str]) -> Iterator[Finding]:
    """What only the machines tell. C(known): what M(storage_pbs_info) says of this storage; C(tokens): of the server."""
    place = f"{STORAGES}[{one.name}]"
    if known.get("secret") not in ("works", "unreachable") and tokens.get(one.token, one.mark) != one.mark:
        yield Finding(
            host,
            f"{place}.token",
            f"{one.token} on {one.server.name} to be this cluster's own ('{one.mark}')",
            f"one that somebody else may use ({tokens[one.token] or 'no comment'})",
            "A new secret would shut them out: say another user or token, or remove that one",
        )
    if known.get("secret") == "unreachable":
        found = str(known.get("reason") or "no answer").rstrip(".")
        yield Finding(host, f"{place}.server", f"the backup server to answer on {one.address}", found)
    folder = os.path.dirname(one.key_file)
    if one.key_file and not os.path.isdir(folder):
        yield Finding(host, f"{place}.encryption_key_file", "a path in a directory of the controller", f"no {folder}")
        return
    text = one.key()
    if text is not None and known.get("encryption_key"):
        own = _fingerprint(text)
        if own != str(known["encryption_key"]):
            yield Finding(
                host,
                f"{place}.encryption_key_file",
                f"the key that the cluster encrypts with ({known['encryption_key']})",
                f"another one ({own or 'none of Proxmox'})",
                "With another key the backups that exist cannot be read: nothing replaces it",
            )


def _fingerprint(key: str) -> str | None:
    try:
        return str(json.loads(key).get("fingerprint") or 1)
    except (ValueError, AttributeError):
        return None
