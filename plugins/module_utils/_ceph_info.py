# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What there is of Ceph, read over one connection, and what is half made on this node, read from its files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import (
    _ceph,
    _ceph_conf,
    _ceph_keyed,
    _ceph_mon,
    _ceph_wait,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph, CephError
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

# Ceph's releases by their first number
RELEASES = {"16": "pacific", "17": "quincy", "18": "reef", "19": "squid", "20": "tentacle"}
KINDS = ("mon", "mgr", "mds")
# always in force, and no flag that anybody sets (OSDMap.h)
_INTERNAL = frozenset({"sortbitwise", "recovery_deletes", "purged_snapdirs", "pglog_hardlimit"})
_POOL_TYPES = {1: "replicated", 3: "erasure"}


def local(machine: Machine) -> dict[str, Any]:
    """What needs no Ceph that answers."""
    conf = _ceph_conf.parse(machine.read(_ceph.PVE_CONF) or "")
    part = conf.get("global", {})
    found = machine.packages(["ceph-mon"])["ceph-mon"] if _ceph.installed(machine.root) else None
    number = re.search(r"(?:\d+:)?(\d+(?:\.\d+)+)", found or "")
    version = number[1] if number else None
    named = [name.removeprefix("mon.") for name in sorted(conf) if name.startswith("mon.")]
    mons = [{"name": name, "address": conf[f"mon.{name}"].get("public_addr"), "in_quorum": False} for name in named]
    return {
        "installed": _ceph.installed(machine.root),
        "version": version,
        "release": RELEASES.get(version.split(".")[0]) if version else None,
        "initialised": "fsid" in part,
        "fsid": part.get("fsid"),
        "networks": {
            "public": _ceph_conf.networks(part.get("public_network")),
            "cluster": _ceph_conf.networks(part.get("cluster_network")),
        },
        "answers": False,
        "error": None,
        "versions": {},
        "health": {"status": None, "checks": []},
        "mons": mons,
        "mgrs": [],
        "mds": [],
        "filesystems": [],
        "osds": [],
        "pools": [],
        "pgs": {},
        "flags": [],
    }


def cluster(ceph: Ceph) -> dict[str, Any]:
    """What Ceph itself tells. Raises CephError."""
    quorum = ceph.command("quorum_status")
    health = ceph.command("health", detail="detail")
    mgr, fs, osd = ceph.command("mgr dump"), ceph.command("fs dump"), ceph.command("osd dump")
    tree = ceph.command("osd tree")
    about = {int(one["id"]): one for one in ceph.command("osd metadata")}
    return {
        "answers": True,
        "fsid": quorum["monmap"]["fsid"],
        "versions": ceph.command("versions").get("overall", {}),
        "health": {"status": health["status"], "checks": _ceph_wait.checks(health)},
        "mons": [
            {
                "name": one["name"],
                "address": next(iter(_ceph_mon.addresses_of(one)), None),
                "in_quorum": one["name"] in quorum["quorum_names"],
            }
            for one in quorum["monmap"]["mons"]
        ],
        "mgrs": _daemons(_ceph_keyed.states(_ceph_keyed.MGR, mgr), ceph.command("mgr metadata")),
        "mds": _daemons(_ceph_keyed.states(_ceph_keyed.MDS, fs), ceph.command("mds metadata")),
        "filesystems": [_filesystem(one, osd["pools"]) for one in fs["filesystems"]],
        "osds": [_osd(one, tree, about.get(int(one["osd"]), {})) for one in osd["osds"]],
        "pools": [_pool(one) for one in osd["pools"]],
        "pgs": {one["state_name"]: one["count"] for one in ceph.command("status")["pgmap"].get("pgs_by_state", [])},
        "flags": sorted(set(filter(None, osd["flags"].split(","))) - _INTERNAL),
    }


def _daemons(states: Mapping[str, str], metadata: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    hosts = {one.get("name"): one.get("hostname") for one in metadata}
    return [{"name": name, "state": state, "host": hosts.get(name)} for name, state in sorted(states.items())]


def _filesystem(one: Mapping[str, Any], pools: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    names, mdsmap = {pool["pool"]: pool["pool_name"] for pool in pools}, one["mdsmap"]
    return {
        "name": mdsmap["fs_name"],
        "metadata_pool": names.get(mdsmap["metadata_pool"]),
        "data_pools": [names.get(number) for number in mdsmap["data_pools"]],
        "max_mds": mdsmap["max_mds"],
        "active": sorted(mds["name"] for mds in mdsmap["info"].values() if mds["state"] == "up:active"),
    }


def _osd(one: Mapping[str, Any], tree: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    number = int(one["osd"])
    nodes = {int(node["id"]): node for node in [*tree["nodes"], *tree.get("stray", [])]}
    bucket = next((node["name"] for node in tree["nodes"] if number in node.get("children", [])), None)
    return {
        "id": number,
        "uuid": one["uuid"],
        "host": about.get("hostname") or bucket,
        "bucket": bucket,
        "up": bool(one["up"]),
        "in": bool(one["in"]),
        "destroyed": "destroyed" in one.get("state", []),
        "device_class": nodes.get(number, {}).get("device_class"),
        "weight": nodes.get(number, {}).get("crush_weight"),
        "devices": [name for name in about.get("devices", "").split(",") if name],
        "device_ids": dict(pair.split("=", 1) for pair in about.get("device_ids", "").split(",") if "=" in pair),
        "address": next(iter(_ceph_conf.addresses(str(one.get("public_addr", "")))), None),
    }


def _pool(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": one["pool_name"],
        "id": one["pool"],
        "type": _POOL_TYPES.get(one["type"], str(one["type"])),
        "size": one["size"],
        "min_size": one["min_size"],
        "pg_num": one["pg_num"],
        "pg_autoscale_mode": one.get("pg_autoscale_mode"),
        "applications": sorted(one.get("application_metadata", {})),
    }


def half_made(machine: Machine, known: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """{mon, mgr, mds: [{name, lacks}]}: daemons that have something on this node, and not all of it."""
    conf = _ceph_conf.parse(machine.read(_ceph.PVE_CONF) or "")
    idents = {kind: _idents(machine, kind) for kind in KINDS}
    units = machine.services([f"ceph-{kind}@{ident}" for kind in KINDS for ident in idents[kind]])
    found: dict[str, list[dict[str, Any]]] = {}
    for kind in KINDS:
        rows = [{"name": one, "lacks": _lacks(machine, kind, one, conf, units, known)} for one in idents[kind]]
        found[kind] = [row for row in rows if row["lacks"]]
    return found


def _idents(machine: Machine, kind: str) -> list[str]:
    """As get_local_services in PVE/Ceph/Services.pm finds them."""
    wants = machine.path(f"/etc/systemd/system/ceph-{kind}.target.wants")
    enabled = {path.name.partition("@")[2].removesuffix(".service") for path in wants.glob(f"ceph-{kind}@*.service")}
    folders = {path.name.removeprefix("ceph-") for path in machine.path(f"/var/lib/ceph/{kind}").glob("ceph-*")}
    return sorted(enabled | folders)


def _lacks(
    machine: Machine,
    kind: str,
    ident: str,
    conf: Mapping[str, Any],
    units: Mapping[str, str],
    known: Mapping[str, Any],
) -> list[str]:
    folder, unit = f"/var/lib/ceph/{kind}/ceph-{ident}", f"ceph-{kind}@{ident}"
    heart = f"{folder}/store.db/CURRENT" if kind == "mon" else f"{folder}/keyring"
    link = f"/etc/systemd/system/ceph-{kind}.target.wants/{unit}.service"
    seen = known[{"mon": "mons", "mgr": "mgrs", "mds": "mds"}[kind]]
    lacks = [
        ("store" if kind == "mon" else "key", machine.lstat(heart) is not None),
        ("section in ceph.conf", kind == "mgr" or f"{kind}.{ident}" in conf),
        ("enabled unit", machine.lstat(link) is not None),
        ("running unit", units.get(unit) in _ceph_mon.RUNS),
        ("seen by Ceph", not known["answers"] or ident in [one["name"] for one in seen]),
    ]
    return [name for name, there in lacks if not there]


def read(machine: Machine, ceph: Ceph | None) -> dict[str, Any]:
    """All of it. That Ceph does not answer is C(error), and no error."""
    found = local(machine)
    if ceph is not None:
        try:
            found |= cluster(ceph)
        except CephError as error:
            if not error.transient:
                raise
            found["error"] = str(error)
    return {**found, "half_made": half_made(machine, found)}
