# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What a node that joins knows of the cluster, by way of one member of it (the peer)."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli, _corosync, _membership
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import AuthError, InputError
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine
from ansible_collections.baremetal.proxmox.plugins.module_utils._session import TrustError


class Session(Protocol):
    """The part of the API client that is used here."""

    def get(self, path: str, /, **params: Any) -> Any: ...


class Api(Protocol):
    """Ways to the API: this node's own, with a ticket made just now, and another node's."""

    def local(self) -> Session: ...

    def member(self, address: str, fingerprint: str | None, secret: str | None = None) -> Session: ...


@dataclasses.dataclass(frozen=True)
class Peer:
    """A member, and the cluster as it sees it.

    C(certificates) names the nodes that have a certificate in the cluster, which means that their join was finished
    once; None where that cannot be read. C(authkey) is there only for a node that has to finish its join.
    """

    address: str
    fingerprint: str | None
    secret: str | None = dataclasses.field(repr=False)
    use_ssh: bool
    conf: _corosync.Conf
    online: frozenset[str]
    certificates: frozenset[str] | None = None
    authkey_sha256: str | None = None
    authkey: bytes | None = dataclasses.field(default=None, repr=False)

    @property
    def where(self) -> str:
        return f"cluster '{self.conf.name}' (seen from {self.address})"


def info(machine: Machine, joining: Sequence[str]) -> dict[str, Any]:
    """What M(cluster_join_info) hands over, ticket excepted; for a member to call on itself.

    The key of corosync goes along only if one of C(joining) is listed already and offline: then a join was cut off.
    """
    local = _membership.read(machine)
    if local.conf is None or not local.listed:
        raise InputError(f"{local.hostname} is in no cluster, so nothing can join through it.")
    own = local.members.get(local.hostname)
    key = machine.read_bytes(_membership.AUTHKEY)
    online = {name for name, member in local.members.items() if member.online}
    waiting = (set(joining) & set(local.conf.nodes)) - online
    return {
        "name": local.conf.name,
        "node": local.hostname,
        "address": own.address
        if own and own.address
        else local.conf.nodes[local.hostname].links[min(local.conf.links)],
        "fingerprint": machine.certificate(local.hostname),
        "authkey_sha256": local.authkey_sha256,
        "corosync_conf": local.conf.text,
        "corosync_authkey": base64.b64encode(key).decode() if key and waiting else None,
        "online": sorted(online),
        "certificates": sorted(name for name in local.conf.nodes if machine.certificate(name)),
    }


def from_info(given: Mapping[str, Any]) -> Peer:
    """From what cluster_join_info handed over."""
    key = given.get("corosync_authkey")
    return Peer(
        address=given["address"],
        fingerprint=given.get("fingerprint"),
        secret=given.get("password") or given.get("ticket"),
        use_ssh=bool(given.get("use_ssh")),
        conf=_corosync.parse_conf(given["corosync_conf"]),
        online=frozenset(given.get("online") or ()),
        certificates=None if given.get("certificates") is None else frozenset(given["certificates"]),
        authkey_sha256=given.get("authkey_sha256"),
        authkey=base64.b64decode(key) if key else None,
    )


def over_ssh(machine: Machine, address: str) -> Peer:
    """By ssh as root, whose keys are in place: pvecm add --use_ssh fetches the same files the same way."""

    def remote(*words: str) -> str:
        return machine.cli.run(_cli.PEER_READ, peer=address, remote=words).stdout

    conf = _corosync.parse_conf(remote("cat", _membership.CLUSTER_CONF))
    members = _membership.members(_membership.parse_json(remote("cat", "/etc/pve/.members")))
    key = base64.b64decode(remote("base64", _membership.AUTHKEY))
    folders = remote("find", "/etc/pve/nodes", "-mindepth", "2", "-maxdepth", "2", "-name", "pve-ssl.pem")
    return Peer(
        address=address,
        fingerprint=None,
        secret=None,
        use_ssh=True,
        conf=conf,
        online=frozenset(name for name, member in members.items() if member.online),
        certificates=frozenset(path.split("/")[-2] for path in folders.split()),
        authkey_sha256=hashlib.sha256(key).hexdigest(),
        authkey=key if machine.hostname in conf.nodes else None,
    )


def over_api(api: Api, address: str, fingerprint: str | None, secret: str | None) -> Peer:
    """By the peer's API. Not GET /cluster/config/join: that answers 500 while any node has no certificate yet."""
    session = api.member(address, fingerprint, secret)
    try:
        totem = session.get("/cluster/config/totem")
    except AuthError as error:
        raise InputError(
            f"{address} does not take the password or ticket that was given for root@pam.", hint="Nothing was changed."
        ) from error
    except TrustError as error:
        raise InputError(
            f"The API of {address} does not show the certificate with the fingerprint {fingerprint}.",
            hint="Nothing was changed. That node's web interface shows it: Datacenter, Cluster, Join Information.",
        ) from error
    nodes = {
        entry["node"]: _corosync.Node(
            entry["node"],
            int(entry["nodeid"]),
            int(entry.get("quorum_votes", 1)),
            _corosync.addresses(entry),
        )
        for entry in session.get("/cluster/config/nodes")
    }
    status = session.get("/cluster/status")
    priorities = {
        int(number): int(entry.get("knet_link_priority", 0)) for number, entry in (totem.get("interface") or {}).items()
    }
    return Peer(
        address=address,
        fingerprint=fingerprint,
        secret=secret,
        use_ssh=False,
        conf=_corosync.Conf(totem["cluster_name"], int(totem["config_version"]), nodes, priorities),
        online=frozenset(
            entry["name"] for entry in status if entry["type"] == "node" and int(entry.get("online") or 0)
        ),
    )


def look(given: Mapping[str, Any], machine: Machine, api: Api) -> Peer:
    """The peer that a user, or cluster_join_info, described."""
    if given.get("corosync_conf"):
        return from_info(given)
    if given.get("use_ssh"):
        return over_ssh(machine, given["address"])
    secret = given.get("password") or given.get("ticket")
    if not secret or not given.get("fingerprint"):
        raise InputError(
            f"The join through {given['address']} needs a fingerprint and a ticket or password, or use_ssh.",
            hint="baremetal.proxmox.cluster_join_info returns all of it when run on a member.",
        )
    return over_api(api, given["address"], given["fingerprint"], secret)
