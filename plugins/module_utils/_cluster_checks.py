# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Decides what has to happen for a machine to be in the wanted cluster, or refuses. Changes nothing.

The identity guard is here: a machine is created into, joined to, or helped back into the wanted cluster only if
everything that it holds already is of that cluster.
"""

from __future__ import annotations

import dataclasses
import enum
import socket
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from ansible_collections.baremetal.proxmox.plugins.module_utils import _corosync
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError
from ansible_collections.baremetal.proxmox.plugins.module_utils._membership import AUTHKEY, LOCAL_CONF, Local
from ansible_collections.baremetal.proxmox.plugins.module_utils._peer import Peer


class Plan(enum.Enum):
    """NONE: it is in. FINISH: it is listed, and has to be helped in. ENTER: listed, but all files are still its own."""

    NONE = "none"
    CREATE = "create"
    JOIN = "join"
    ENTER = "enter"
    FINISH = "finish"


@dataclasses.dataclass(frozen=True)
class Link:
    address: str
    priority: int | None = None

    def __str__(self) -> str:
        return self.address if self.priority is None else f"address={self.address},priority={self.priority}"


@dataclasses.dataclass(frozen=True)
class Wanted:
    name: str
    links: dict[int, Link] = dataclasses.field(default_factory=dict)
    votes: int | None = None
    nodeid: int | None = None


def plan(local: Local, wanted: Wanted, peer: Peer | None, own_addresses: Callable[[], Iterable[str]]) -> Plan:
    """The one next thing to do. C(own_addresses) is asked only if something is to be done."""
    guard(local, wanted, peer)
    peer = fresher(local, peer)
    if local.conf is None and not (local.local_conf and not local.mounted):
        if peer is None:
            return _plan_create(local, wanted, own_addresses)
        return _plan_join(local, wanted, peer, own_addresses)
    if not local.listed:
        raise InputError(
            f"The cluster '{wanted.name}' on {local.hostname} does not list a node of this name.",
            hint="Proxmox does not allow a member to be renamed: give the machine its old host name back.",
        )
    if peer and local.hostname not in peer.conf.nodes:
        _refuse_removed(local, peer)
    _refuse_drift(local.hostname, wanted, peer.conf if peer else local.known_conf)
    return Plan.NONE if local.online and local.half is None else Plan.FINISH


def fresher(local: Local, peer: Peer | None) -> Peer | None:
    """The peer with the cluster's newest configuration that is at hand.

    What the peer said may be old: a join that ran all the while may have come to its end since. Only after guard().
    """
    known = local.known_conf
    if peer and known and known.version > peer.conf.version:
        return dataclasses.replace(peer, conf=known)
    return peer


def guard(local: Local, wanted: Wanted, peer: Peer | None) -> None:
    """Refuses every machine and every peer that has to do with another cluster."""
    if local.name is not None and local.name != wanted.name:
        what = "is a member of" if local.listed and not local.half else "has begun to enter"
        raise InputError(
            f"{local.hostname} {what} the cluster '{local.name}', but is wanted in '{wanted.name}'.",
            hint="Nothing was changed. A node is never moved between clusters: reinstall it, or correct the name.",
            node=local.hostname,
            found=local.name,
            wanted=wanted.name,
        )
    if peer is None:
        return
    if peer.conf.name != wanted.name:
        raise InputError(
            f"{local.hostname} is wanted in the cluster '{wanted.name}', but {peer.address} is a member of"
            f" '{peer.conf.name}'.",
            hint="Nothing was changed.",
            node=local.hostname,
            found=peer.conf.name,
            wanted=wanted.name,
        )
    if local.authkey_sha256 and peer.authkey_sha256 and local.authkey_sha256 != peer.authkey_sha256:
        raise InputError(
            f"{AUTHKEY} on {local.hostname} is the key of another cluster than the one at {peer.address}, though both go"
            f" by '{wanted.name}'."
            if local.name
            else f"{AUTHKEY} on {local.hostname} is left over from something else than the {peer.where}.",
            hint="Nothing was changed. If that other cluster is no more, delete the file.",
            node=local.hostname,
            wanted=wanted.name,
        )


def _refuse_other_corosync(local: Local) -> None:
    """Corosync may be in use for something that is not Proxmox. Debian's example, on loopback only, is not in use."""
    conf = local.other_conf
    addresses = [address for node in conf.nodes.values() for address in node.links.values()] if conf else []
    if conf and not all(_corosync.is_loopback(address) for address in addresses):
        raise InputError(
            f"{LOCAL_CONF} on {local.hostname} is that of a cluster '{conf.name}' of {', '.join(sorted(conf.nodes))}.",
            hint="Nothing was changed. If that cluster is no more, delete the file.",
            node=local.hostname,
            found=conf.name,
        )


def _plan_create(local: Local, wanted: Wanted, own_addresses: Callable[[], Iterable[str]]) -> Plan:
    begun = "a join" if local.mark and local.mark.action == "join" else LOCAL_CONF if local.local_conf else None
    if begun:
        raise InputError(
            f"{local.hostname} is to create the cluster '{wanted.name}', but holds {begun} of a cluster of that name.",
            hint="It exists already on another node. Finish the join by giving a peer.",
            node=local.hostname,
        )
    _refuse_other_corosync(local)
    _refuse_foreign_addresses(local, {number: link.address for number, link in wanted.links.items()}, own_addresses)
    return Plan.CREATE


def _plan_join(local: Local, wanted: Wanted, peer: Peer, own_addresses: Callable[[], Iterable[str]]) -> Plan:
    if local.guests:
        raise InputError(
            f"{local.hostname} has guests ({', '.join(sorted(local.guests))}) and cannot join {peer.where}: its own"
            " /etc/pve would be replaced.",
            hint="Nothing was changed. Move the guests away (backup, remove, join, restore) first.",
            node=local.hostname,
            guests=sorted(local.guests),
        )
    _refuse_other_corosync(local)
    listed = peer.conf.nodes.get(local.hostname)
    if listed:
        _refuse_stranger(local, wanted, peer)
        _refuse_foreign_addresses(local, listed.links, own_addresses)
        _refuse_drift(local.hostname, wanted, peer.conf)
        return Plan.ENTER
    if local.authkey_sha256:
        _refuse_removed(local, peer)
    _refuse_links(local, wanted, peer)
    _refuse_foreign_addresses(local, {number: link.address for number, link in wanted.links.items()}, own_addresses)
    return Plan.JOIN


def _refuse_stranger(local: Local, wanted: Wanted, peer: Peer) -> None:
    """The cluster lists a node of this name. Is it this machine, cut off while it joined, or another one?"""
    node = peer.conf.nodes[local.hostname]
    if local.hostname in peer.online:
        raise InputError(
            f"Another machine that is called {local.hostname} is online in the {peer.where}.",
            hint="Nothing was changed. Give this machine another host name.",
            node=local.hostname,
        )
    same_key = local.authkey_sha256 is not None and local.authkey_sha256 == peer.authkey_sha256
    mark = local.mark
    begun_here = mark is not None and mark.action == "join" and mark.cluster == wanted.name
    if begun_here and mark and mark.authkey_sha256 and peer.authkey_sha256:
        begun_here = mark.authkey_sha256 == peer.authkey_sha256
    never_finished = peer.certificates is not None and local.hostname not in peer.certificates
    if not (same_key or begun_here or never_finished):
        raise InputError(
            f"The {peer.where} lists {local.hostname} (node ID {node.nodeid}, offline), and it is not this machine, which"
            " has never been in that cluster: it was reinstalled, or took the name of another.",
            hint=f"Nothing was changed. If the old machine is gone for good, run 'pvecm delnode {local.hostname}' on a"
            f" member, delete /etc/pve/nodes/{local.hostname} when nothing in it is needed, and run this again.",
            node=local.hostname,
        )


def _refuse_removed(local: Local, peer: Peer) -> NoReturn:
    if local.mark:
        raise InputError(
            f"{local.hostname} has begun to join the {peer.where}, which did not list it when it was asked.",
            hint="Ask a member again (baremetal.proxmox.cluster_join_info), and run this again.",
            node=local.hostname,
        )
    raise InputError(
        f"{local.hostname} holds the key and the files of the {peer.where}, but that does not list it: it was removed.",
        hint="Nothing was changed. Reinstall the machine before it joins again, as Proxmox asks for.",
        node=local.hostname,
    )


def _refuse_links(local: Local, wanted: Wanted, peer: Peer) -> None:
    """What the cluster would refuse half-way through pvecm add, and what it would take and break on."""
    there = peer.conf.links
    if wanted.links:
        problems = [f"link {n} is wanted, but the cluster has no such link" for n in sorted(set(wanted.links) - there)]
        problems += [
            f"the cluster has link {n}, but no address for it is given" for n in sorted(there - set(wanted.links))
        ]
    else:
        problems = (
            [f"the cluster has the links {_numbers(there)}, but no addresses are given"] if len(there) != 1 else []
        )
    for node in peer.conf.nodes.values():
        problems += [
            f"address {link.address} of link {number} is that of {node.name} already"
            for number, link in sorted(wanted.links.items())
            if any(_corosync.same_address(link.address, used) for used in node.links.values())
        ]
        if wanted.nodeid == node.nodeid:
            problems.append(f"node ID {node.nodeid} is that of {node.name} already")
    problems += _priority_drift(wanted, peer.conf)
    if problems:
        raise InputError(
            f"{local.hostname} cannot join the {peer.where}: {'; '.join(problems)}.",
            hint=f"Nothing was changed. The cluster's links are {_numbers(there)}; each needs an address of this node.",
            node=local.hostname,
            problems=problems,
        )


def _refuse_foreign_addresses(local: Local, links: dict[int, str], own_addresses: Callable[[], Iterable[str]]) -> None:
    if not links:
        return
    own = list(own_addresses())
    missing = [
        f"link {number}: {address}"
        for number, address in sorted(links.items())
        if not any(_corosync.same_address(found, have) for found in _resolved(address) for have in own)
    ]
    if missing:
        raise InputError(
            f"No interface of {local.hostname} has the address of {', '.join(missing)}.",
            hint=f"Nothing was changed. It has {', '.join(own)}.",
            node=local.hostname,
        )


def _refuse_drift(hostname: str, wanted: Wanted, conf: _corosync.Conf | None) -> None:
    """A running cluster's addresses and votes are not changed here, and not passed over in silence either."""
    if conf is None:
        return
    own = conf.nodes[hostname]
    found = []
    if wanted.votes is not None and wanted.votes != own.votes:
        found.append(f"votes: wanted {wanted.votes}, found {own.votes}")
    if wanted.nodeid is not None and wanted.nodeid != own.nodeid:
        found.append(f"node ID: wanted {wanted.nodeid}, found {own.nodeid}")
    if wanted.links:
        for number in sorted(set(wanted.links) | set(own.links)):
            want, have = wanted.links.get(number), own.links.get(number)
            if not (want and have and _corosync.same_address(want.address, have)):
                found.append(f"link {number}: wanted {want.address if want else 'none'}, found {have or 'none'}")
        found += _priority_drift(wanted, conf)
    if found:
        raise InputError(
            f"{hostname} is in the cluster '{conf.name}' with other values than wanted: {'; '.join(found)}.",
            hint="They are not changed in a running cluster. Write into the inventory what the cluster has, or edit"
            " /etc/pve/corosync.conf by hand as Proxmox's manual tells.",
            node=hostname,
            drift=found,
        )


def _priority_drift(wanted: Wanted, conf: _corosync.Conf) -> list[str]:
    return [
        f"priority of link {number}: wanted {link.priority}, found {conf.priorities.get(number, 0)}"
        for number, link in sorted(wanted.links.items())
        if link.priority is not None and number in conf.links and link.priority != conf.priorities.get(number, 0)
    ]


def _numbers(links: Iterable[int]) -> str:
    return ", ".join(str(number) for number in sorted(links)) or "none"


def _resolved(address: str) -> list[str]:
    """Addresses that a link's address, which may be a name, stands for."""
    try:
        answers: list[Any] = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return [str(answer[4][0]) for answer in answers]
