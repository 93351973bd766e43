# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""CephFS: PVE/API2/Ceph/FS.pm for making one, the monitors for what the API tells or does only in Proxmox VE 9.

- POST /nodes/NODE/ceph/fs/NAME needs an MDS that is standby, and makes the pools NAME_data and NAME_metadata. It refuses
  to go on where one of them exists already: what a dead node left is completed here.
- With add-storage, its task waits for the MDS no longer than 10 seconds. So the storage has a call of its own.
- 8.4 has no DELETE; that of 9.2 is C(fs rm), which Ceph refuses while an MDS is active, and then the pools. So it is
  C(fs fail), C(fs rm), and the pools by their own API, in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_pool
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import CephError
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_wait import CephWait
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import Timeout
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL, INT, SET
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

PATH = "/nodes/{node}/ceph/fs"
ACTIVE_SECONDS = 120
# a client that has just gone is still counted for some seconds
UNMOUNTED_SECONDS = 20


def read(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    filesystems = api.command("fs ls")
    default = _default(api) if filesystems else None
    storages = [one for one in api.get("/storage", type="cephfs") if not one.get("monhost")]
    for one in filesystems:
        on_it = [entry for entry in storages if entry.get("fs-name", default) == one["name"]]
        row = {"name": one["name"], "data_pools": one["data_pools"][1:], "pools": _pools(one), "storages": on_it}
        yield {**row, "add_storage": True} if on_it else row


def _default(api: Any) -> str | None:
    """The file system of storages that name none."""
    dump = api.command("fs dump")
    known = {one["id"]: one["mdsmap"]["fs_name"] for one in dump["filesystems"]}
    return known.get(dump.get("default_fscid"))


def _pools(filesystem: Mapping[str, Any]) -> list[str]:
    return [filesystem["metadata_pool"], *filesystem["data_pools"]]


def prepare(values: Item, present: Item | None) -> Item:
    if not values.get("add_storage"):
        # only whether to make one; a storage that is there has its own module
        values.pop("add_storage", None)
    if present is not None and "data_pools" in values:
        have, want = set(present.get("data_pools") or ()), set(values["data_pools"] or ())
        if missing := sorted(have - want):
            raise ValueError(
                f"data_pools: {', '.join(missing)} belongs to it as well; what is in a pool is lost when it is taken away,"
                " so that is left to 'ceph fs rm_data_pool'"
            )
    return values


def check(item: Item) -> Iterable[str]:
    number = item.get("pg_num") or 0
    if number >= 32 and number % 4:
        yield f"pg_num: is {number}; from 32 on it has to be a multiple of 4, because Proxmox gives the metadata a quarter"


def objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    made = [change for change in changes if change.action == "create"]
    free = len(api.command("fs dump").get("standbys", [])) if made else 0
    for change in made[free:]:
        found = f"{free} {'is' if free == 1 else 'are'} for {len(made)} new file systems" if free else "there is none"
        yield (
            f"file system '{change.key}': needs an MDS that is standby, {found}; make one first (module ceph_mds).",
            False,
        )
    for change in changes:
        wanted = change.to_set.get("data_pools") or ()
        if missing := sorted(set(wanted) - set(api.command("osd pool ls") if wanted else ())):
            yield f"file system '{change.key}': data_pools: there is no pool {', '.join(missing)}.", False
        if change.to_set.get("add_storage"):
            yield from _taken(api, change.key)
        if change.action == "delete":
            yield from _in_use(api, change)


def _taken(api: Any, name: str) -> Iterable[tuple[str, bool]]:
    for one in api.get("/storage"):
        if one["storage"] == name and not (one["type"] == "cephfs" and one.get("fs-name") == name):
            what = f"a storage {name!r} of type {one['type']} exists and is not on it"
            yield f"file system '{name}': add_storage: {what}; set it to false, or give the storage another name.", True


def _in_use(api: Any, change: Any) -> Iterable[tuple[str, bool]]:
    """As Proxmox: a storage that is still active is mounted on the nodes, and would hang there."""
    name, storages = change.key, change.present.raw["storages"]
    if enabled := sorted(one["storage"] for one in storages if not int(one.get("disable") or 0)):
        what = "disable it (module storage, disable: true), and unmount it on all nodes"
        yield f"file system '{name}': the storage {', '.join(enabled)} is on it; {what}.", True
        return
    if others := sorted(one["storage"] for one in storages if one["storage"] != name):
        yield (
            f"file system '{name}': the storage {', '.join(others)} is on it; remove that first (module storage).",
            True,
        )
    try:
        Deadline(UNMOUNTED_SECONDS).until("no client", lambda: _unmounted(api, name), interval=1.0)
    except Timeout as error:
        count = error.last_seen
        yield f"file system '{name}': {count} clients have it mounted; unmount it there (see 'ceph fs status').", True


def _unmounted(api: Any, name: str) -> tuple[bool, int]:
    """And how many clients there are. The manager is told of it by the MDS, every few seconds only."""
    count = sum(row["clients"] for row in api.command("fs status", fs=name)["clients"] if row["fs"] == name)
    return count == 0, count


def advise(_get: Any, changes: Sequence[Any]) -> Iterable[str]:
    for change in changes:
        if change.action == "delete":
            gone = ", ".join(change.present.raw["pools"])
            yield f"file system '{change.key}' is removed with everything in its pools {gone}."


def explain(item: Item, reason: str) -> str | None:
    if "Metadata Server (MDS) found" in reason:
        return "Make an MDS first (module ceph_mds); a second file system needs one more."
    if "already contains some objects" in reason:
        return (
            f"The pools of an earlier file system {item['name']} are still there. Remove them (module ceph_pool), or give"
            " the new one another name."
        )
    return None


# -- writing


def write(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    name = change.key
    if change.action == "delete":
        _remove(api, name, change.present.raw)
        return
    if change.action == "create":
        _make(api, name, form)
    have = set(change.present.values.get("data_pools") or ()) if change.present else set()
    for pool in sorted(set(change.to_set.get("data_pools") or ()) - have):
        api.tell("fs add_data_pool", fs_name=name, pool=pool)
    CephWait(api.ceph, ACTIVE_SECONDS).mds(name)
    known = api.get("/storage", type="cephfs") if change.to_set.get("add_storage") else []
    if change.to_set.get("add_storage") and not any(one["storage"] == name for one in known):
        content = "backup,iso,vztmpl"
        api.post("/storage", storage=name, type="cephfs", content=content, **{"fs-name": name})


def _make(api: Any, name: str, form: Mapping[str, Any]) -> None:
    settings = {"pg_num": form["pg_num"]} if "pg_num" in form else {}
    data, metadata = f"{name}_data", f"{name}_metadata"
    left = {data, metadata} & set(api.command("osd pool ls"))
    if not left:
        api.post(f"{PATH}/{quote(name, safe='')}", **settings)
        return
    for pool in (data, metadata):
        if pool not in left:
            api.post(_ceph_pool.PATH, name=pool, application="cephfs", **(settings if pool == data else {"pg_num": 32}))
    # Ceph itself refuses pools with something in them
    api.tell("fs new", fs_name=name, metadata=metadata, data=data)


def _remove(api: Any, name: str, row: Mapping[str, Any]) -> None:
    api.tell("fs fail", fs_name=name)
    try:
        api.tell("fs rm", fs_name=name, yes_i_really_mean_it=True)
    except CephError as error:
        # a lost answer: its pools must not stay behind
        if not error.transient or any(one["name"] == name for one in api.command("fs ls")):
            raise
    for storage in row["storages"]:
        api.delete(f"/storage/{storage['storage']}")
    for pool in row["pools"]:
        api.delete(f"{_ceph_pool.PATH}/{quote(pool, safe='')}")


FILESYSTEM = Resource(
    name="file system",
    path=PATH,
    key=Field("name", pattern=r"[^:/\s]+", meaning="a file system's name (no blanks, colons or slashes)"),
    fields=[
        Field("pg_num", INT, transient=True, limits=(8, 32768)),
        Field("data_pools", SET, generated=True),
        Field("add_storage", BOOL, generated=True),
    ],
    variants={None: Variant(optional="pg_num data_pools add_storage")},
    prepare=prepare,
    check=check,
    objections=objections,
    advise=advise,
    explain=explain,
    read=read,
    write=write,
    workers=frozenset({"cephfscreate", "cephcreatepool", "cephdestroypool"}),
    guarded=True,
)
