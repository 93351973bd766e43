# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What one machine knows of its cluster, read from files, and the mark of an unfinished create or join.

The files, and who writes them when (PVE/API2/ClusterConfig.pm, PVE/Cluster/Setup.pm, pmxcfs):

* /etc/corosync/authkey: by create first of all; by a join once the cluster has taken the node in.
* /etc/corosync/corosync.conf: by a join next; otherwise by pmxcfs, as a copy of the one in /etc/pve.
* /etc/pve/corosync.conf: by create; after a join it is the cluster's, because the node's old database is gone.
* /etc/pve/nodes/NAME/pve-ssl.pem: the last step but one of a join.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import stat
import time
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli, _corosync
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine, Unreadable
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

AUTHKEY = "/etc/corosync/authkey"
LOCAL_CONF = "/etc/corosync/corosync.conf"
CLUSTER_CONF = "/etc/pve/corosync.conf"
DATABASE = "/var/lib/pve-cluster/config.db"
MARK = "/var/lib/baremetal-proxmox/cluster.json"
# Seconds that pmxcfs may need to start or stop
PATIENCE = 10.0


@dataclasses.dataclass(frozen=True)
class Mark:
    """Our own note of a create or join that was begun: what, which cluster, by its key if known, and when."""

    action: str
    cluster: str
    authkey_sha256: str | None
    started: float


@dataclasses.dataclass(frozen=True)
class Member:
    """A node in /etc/pve/.members: what pmxcfs on this machine sees."""

    nodeid: int
    online: bool
    address: str | None


@dataclasses.dataclass(frozen=True)
class Local:
    """One reading. C(conf) is /etc/pve/corosync.conf, C(local_conf) the one in /etc/corosync.

    The latter only if it lists this machine: Debian's corosync comes with an example. Such a one is C(other_conf).
    """

    hostname: str
    mounted: bool
    writable: bool
    conf: _corosync.Conf | None
    local_conf: _corosync.Conf | None
    other_conf: _corosync.Conf | None
    authkey_sha256: str | None
    quorate: bool
    connected: bool
    members: dict[str, Member]
    guests: dict[str, str]
    database: bool
    certificate_time: float | None
    mark: Mark | None

    @property
    def known_conf(self) -> _corosync.Conf | None:
        return self.conf or self.local_conf

    @property
    def name(self) -> str | None:
        """Name of the cluster that this machine is in, or on the way into."""
        if self.known_conf:
            return self.known_conf.name
        return self.mark.cluster if self.mark else None

    @property
    def listed(self) -> bool:
        return self.known_conf is not None and self.hostname in self.known_conf.nodes

    @property
    def online(self) -> bool:
        """Whether pmxcfs here is in the cluster's group, with quorum, and may write."""
        own = self.members.get(self.hostname)
        return bool(self.listed and self.writable and self.quorate and self.connected and own and own.online)

    @property
    def stand_alone(self) -> bool:
        """pmxcfs runs for itself though a cluster is configured: it was not restarted since."""
        return self.conf is not None and self.writable and not self.connected

    @property
    def half(self) -> str | None:
        """C(create) or C(join) if one was begun and not finished, as far as the files tell; else None."""
        if self.mark:
            return self.mark.action
        if not self.mounted:
            return None if self.database or not (self.local_conf or self.authkey_sha256) else "join"
        if self.conf is None:
            return "join" if self.local_conf else "create" if self.authkey_sha256 else None
        if self.stand_alone:
            return "create"
        return "join" if self.certificate_time is None else None

    @property
    def own_guests(self) -> int:
        """Guests on this machine; outside a cluster all that its /etc/pve lists are."""
        return sum(self.conf is None or node == self.hostname for node in self.guests.values())


def read(machine: Machine, deadline: Deadline | None = None) -> Local:
    """The state, as soon as it can be read: pmxcfs gives errors for a moment while it starts or stops."""

    def readable() -> tuple[bool, Any]:
        try:
            return True, _read(machine)
        except Unreadable as error:
            return False, error

    state: Local = (deadline or Deadline(PATIENCE)).until("the files of the cluster to be readable", readable)
    return state


def _read(machine: Machine) -> Local:
    seen = parse_json(machine.read("/etc/pve/.members"))
    cluster = seen.get("cluster") or {}
    copy = _conf(machine, LOCAL_CONF)
    own_conf = copy if copy and machine.hostname in copy.nodes else None
    local = machine.lstat("/etc/pve/local")
    certificate = machine.lstat(f"/etc/pve/nodes/{machine.hostname}/pve-ssl.pem")
    return Local(
        hostname=machine.hostname,
        mounted=local is not None and stat.S_ISLNK(local.st_mode),
        # Root may write to anything, so only the bit itself tells (PVE::Cluster::check_cfs_quorum)
        writable=local is not None and bool(local.st_mode & 0o200),
        conf=_conf(machine, CLUSTER_CONF),
        local_conf=own_conf,
        other_conf=None if own_conf else copy,
        authkey_sha256=authkey_sha256(machine),
        quorate=bool(cluster.get("quorate")),
        connected=bool(cluster),
        members=members(seen),
        guests={
            vmid: str(entry.get("node", ""))
            for vmid, entry in parse_json(machine.read("/etc/pve/.vmlist")).get("ids", {}).items()
        },
        database=machine.path(DATABASE).exists(),
        certificate_time=certificate.st_mtime if certificate else None,
        mark=read_mark(machine),
    )


def members(seen: dict[str, Any]) -> dict[str, Member]:
    """The nodes in the content of /etc/pve/.members."""
    return {
        name: Member(int(entry.get("id", 0)), bool(entry.get("online")), entry.get("ip"))
        for name, entry in (seen.get("nodelist") or {}).items()
    }


def parse_json(text: str | None) -> dict[str, Any]:
    """An object. Nothing, and what a crash cut off, count as empty."""
    try:
        data = json.loads(text or "{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def authkey_sha256(machine: Machine) -> str | None:
    """Names the cluster without telling the key: 2048 random bits cannot be guessed from their hash."""
    key = machine.read_bytes(AUTHKEY)
    return hashlib.sha256(key).hexdigest() if key else None


def corosync(machine: Machine) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Links and quorum as the running corosync has them; empty if none runs."""
    if not machine.has_corosync():
        return [], None
    links = _corosync.parse_links(machine.cli.run(_cli.CFGTOOL).stdout)
    return links, _corosync.parse_quorum(machine.cli.run(_cli.QUORUMTOOL).stdout)


def facts(local: Local, links: list[dict[str, Any]], quorum: dict[str, Any] | None) -> dict[str, Any]:
    """The C(cluster) part of node_info."""
    conf = local.known_conf
    own = conf.nodes.get(local.hostname) if conf else None
    return {
        # Without /etc/pve the copy in /etc/corosync has to do: a member whose pve-cluster is down is no free node
        "member": local.listed and (local.conf is not None or not local.mounted),
        "name": local.name,
        "nodeid": own.nodeid if own else None,
        "config_version": conf.version if conf else None,
        "quorate": local.quorate if local.conf else False,
        "writable": local.writable,
        "nodes": [
            {
                "name": node.name,
                "nodeid": node.nodeid,
                "votes": node.votes,
                "online": bool((member := local.members.get(node.name)) and member.online),
                "address": member.address if member else None,
                "links": {str(number): address for number, address in sorted(node.links.items())},
            }
            for node in sorted(conf.nodes.values(), key=lambda node: node.nodeid)
        ]
        if conf
        else [],
        "links": links,
        "corosync_conf_local": local.local_conf is not None,
        "authkey_sha256": local.authkey_sha256,
        "half_joined": local.half is not None,
        "half": local.half,
        "votes": {name: (quorum or {}).get(name) for name in ("expected", "total")},
    }


def read_mark(machine: Machine) -> Mark | None:
    data = parse_json(machine.read(MARK))
    fields = {field.name for field in dataclasses.fields(Mark)}
    return Mark(**data) if set(data) == fields else None


def set_mark(machine: Machine, action: str, cluster: str, authkey: str | None) -> None:
    machine.path(MARK).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps(dataclasses.asdict(Mark(action, cluster, authkey, time.time())))
    replace(machine, MARK, text.encode(), 0o600)


def clear_mark(machine: Machine) -> None:
    machine.path(MARK).unlink(missing_ok=True)
    folder = machine.path(MARK).parent
    # The role pve_host keeps marks of its own there
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def replace(machine: Machine, absolute: str, content: bytes, mode: int) -> None:
    """Writes a file whole or not at all, on the disk before this returns: a power cut may be next."""
    path = machine.path(absolute)
    temporary = path.with_name(f".{path.name}.baremetal")
    temporary.unlink(missing_ok=True)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _conf(machine: Machine, absolute: str) -> _corosync.Conf | None:
    text = machine.read(absolute)
    return _corosync.parse_conf(text) if text else None
