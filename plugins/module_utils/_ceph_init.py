# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Ceph's first configuration: what C(pveceph init) makes, and what it would silently ignore or overwrite.

The init call of PVE/API2/Ceph.pm writes C(fsid), authentication and sizes only into a configuration that has no
C([global]) yet, but the networks always, also under monitors that live in others. It makes the key of client.admin only
where there is no such file, and the link /etc/ceph/ceph.conf on the node that it runs on.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph, _ceph_conf
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError, ProxmoxError
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

ADMIN_KEYRING = "/etc/pve/priv/ceph.client.admin.keyring"
FOLDER = "/etc/pve/ceph"
DEFAULTS = {"size": 3, "min_size": 2}


@dataclass(frozen=True)
class State:
    """C(admin): whether the key file is there (None: half). C(link): what /etc/ceph/ceph.conf is, None for nothing."""

    conf: Mapping[str, Mapping[str, str]]
    folder: bool
    admin: bool | None
    link: str | None

    @property
    def part(self) -> Mapping[str, str]:
        return self.conf.get("global", {})

    @property
    def made(self) -> bool:
        return "fsid" in self.part

    @property
    def used(self) -> bool:
        return bool(self.part.get("mon_host"))

    def view(self) -> dict[str, Any] | None:
        if not self.made:
            return None
        return {
            "fsid": self.part["fsid"],
            "network": ", ".join(_ceph_conf.networks(self.part.get("public_network"))) or None,
            "cluster_network": ", ".join(_ceph_conf.networks(self.part.get("cluster_network"))) or None,
            "size": int(self.part.get("osd_pool_default_size", DEFAULTS["size"])),
            "min_size": int(self.part.get("osd_pool_default_min_size", DEFAULTS["min_size"])),
            "cephx": self.part.get("auth_client_required", "cephx") != "none",
            "linked": self.link == _ceph.PVE_CONF,
        }


def read(machine: Machine) -> State:
    key = machine.lstat(ADMIN_KEYRING)
    found = machine.lstat(_ceph.CONF)
    link = None
    if found is not None:
        link = os.readlink(machine.path(_ceph.CONF)) if stat.S_ISLNK(found.st_mode) else "a file"
    sections = _ceph_conf.parse(machine.read(ADMIN_KEYRING) or "")
    whole = "key" in sections.get("client.admin", {})
    return State(
        conf=_ceph_conf.parse(machine.read(_ceph.PVE_CONF) or ""),
        folder=machine.lstat(FOLDER) is not None,
        admin=(whole or None) if key is not None else False,
        link=link,
    )


def check(params: Mapping[str, Any], now: State) -> list[str]:
    """Raises what stands against it; returns what is not as wanted and cannot be changed here, in words."""
    if now.link not in (None, _ceph.PVE_CONF):
        raise ProxmoxError(
            f"{_ceph.CONF}: expected nothing, or a link to {_ceph.PVE_CONF}, found {now.link}.",
            hint="It belongs to a Ceph that Proxmox does not manage. Move it away if it is no longer needed.",
        )
    if params["cluster_network"] and not params["network"]:
        raise InputError("cluster_network: expected network beside it, found none.")
    if not now.made:
        return []
    view = now.view() or {}
    wanted_cephx = not params["disable_cephx"]
    if params["disable_cephx"] is not None and view["cephx"] != wanted_cephx:
        raise _fixed("disable_cephx", params["disable_cephx"], not view["cephx"])
    if now.used:
        for option, key in (("network", "public_network"), ("cluster_network", "cluster_network")):
            if params[option] and not _same(params[option], now.part.get(key)):
                raise _fixed(option, params[option], now.part.get(key) or "none")
    return [
        f"{option}: expected {params[option]}, found {view[option]} in {_ceph.PVE_CONF}. Only new pools without a size of"
        " their own are concerned; Proxmox does not change it afterwards."
        for option in DEFAULTS
        if params[option] not in (None, view[option])
    ]


def _fixed(option: str, wanted: Any, found: Any) -> ProxmoxError:
    return ProxmoxError(
        f"{option}: expected {wanted}, found {found} in {_ceph.PVE_CONF}, and monitors live by it.",
        hint="Nothing was changed. Moving a living Ceph is done step by step: see Ceph's manual on monitor addresses.",
    )


def _same(wanted: str, found: str | None) -> bool:
    return set(_ceph_conf.networks(wanted)) == set(_ceph_conf.networks(found))


def lacks(params: Mapping[str, Any], now: State) -> list[str]:
    """What is still to be made, by the names of files and options."""
    found = [] if now.made else [_ceph.PVE_CONF]
    if now.made:
        pairs = (("network", "public_network"), ("cluster_network", "cluster_network"))
        found += [name for name, key in pairs if params[name] and not _same(params[name], now.part.get(key))]
    cephx = now.part.get("auth_client_required", "none" if params["disable_cephx"] else "cephx") != "none"
    found += [ADMIN_KEYRING] if cephx and now.admin is not True else []
    found += [] if now.folder else [FOLDER]
    found += [] if now.link else [_ceph.CONF]
    return found


def make(params: Mapping[str, Any], now: State, machine: Machine, client: Client) -> State:
    """Calls init, once more after it was cut off. Reads again, and raises if something still lacks."""
    if now.admin is None:
        if now.used:
            raise ProxmoxError(
                f"{ADMIN_KEYRING}: expected the key of client.admin, found none in it, and there are monitors.",
                hint="Write it anew from a monitor's own key: 'ceph auth get client.admin' as mon. on a monitor's node.",
            )
        machine.path(ADMIN_KEYRING).unlink()
    form = {
        "cluster-network": params["cluster_network"],
        **{name: params[name] for name in ("network", "size", "min_size")},
    }
    if now.used:
        # the networks are as wanted, and init without them leaves them alone
        form = {}
    if params["disable_cephx"] or (now.made and now.part.get("auth_client_required") == "none"):
        form["disable_cephx"] = True
    client.post(f"/nodes/{machine.hostname}/ceph/init", **form)
    after = read(machine)
    if rest := lacks(params, after):
        raise ProxmoxError(
            f"Ceph's configuration: expected {', '.join(rest)} after init, found it missing or otherwise."
        )
    return after


def predicted(params: Mapping[str, Any], now: State) -> dict[str, Any]:
    """The view of what init would make."""
    old = now.view() or {"fsid": None, **DEFAULTS, "cephx": True, "network": None, "cluster_network": None}
    given = {name: params[name] for name in ("network", "cluster_network") if params[name]}
    if "network" in given:
        given.setdefault("cluster_network", given["network"])
    sizes = {} if now.made else {name: params[name] for name in DEFAULTS if params[name] is not None}
    cephx = old["cephx"] if now.made else not params["disable_cephx"]
    new = {name: ", ".join(_ceph_conf.networks(value)) for name, value in given.items()} if not now.used else {}
    return {**old, **sizes, **new, "cephx": cephx, "linked": True}
