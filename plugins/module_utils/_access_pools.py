# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Resource pools: the table of PVE/API2/Pool.pm, the same in Proxmox VE 8.4 and 9.2.

What the handlers do, and is reckoned with here:

- Pools are nested (a/b), which only C(/pools?poolid=) understands; a pool is made after the one it is in.
- POST takes no members. PUT adds members, or with C(delete) removes them; adding one that is there, and removing one that
  is not, is an error.
- Members that do not exist are taken, and then not shown.
- A guest is in one pool only; C(allow-move) takes it out of another. A storage may be in several.
- Only an empty pool is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _access
from ansible_collections.baremetal.proxmox.plugins.module_utils._access import NAME
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL, SET, VMIDS

PATH = "/pools"
_MEMBERS = ("vms", "storage")


def read(api: Any, identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    for row in api.get(PATH):
        if identity in (None, row["poolid"]):
            yield {**row, **_members(api, row["poolid"])}


def _members(api: Any, pool: str) -> dict[str, list[Any]]:
    (row,) = api.get(PATH, poolid=pool)
    members = row["members"]
    return {
        "vms": [one["vmid"] for one in members if one["type"] != "storage"],
        "storage": [one["storage"] for one in members if one["type"] == "storage"],
    }


def depends(item: Item) -> Iterable[str]:
    parent = str(item["poolid"]).rpartition("/")[0]
    return [parent] if parent else []


def objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    wanted = {change.key: change for change in changes if change.action != "delete"}
    made = {change.key for change in changes if change.action == "create"}
    if api.client.version >= (9, 0):
        # before that there may be others, which stay
        for key in sorted(key for key in made if not key.rpartition("/")[2][:1].isalpha()):
            yield f"pool '{key}': the name of a pool begins with a letter.", True
    if made and any(depends({"poolid": key}) for key in made):
        known = {row["poolid"] for row in api.get(PATH)} | made
        for key in sorted(made):
            for parent in set(depends({"poolid": key})) - known:
                yield f"pool '{key}': there is no pool {parent} for it to be in.", False
    if any(change.to_set.get("vms") for change in wanted.values()):
        yield from _guests(api, wanted, changes)
    named = {key: change.to_set["storage"] for key, change in wanted.items() if change.to_set.get("storage")}
    storages = {row["storage"] for row in api.get("/storage")} if named else set()
    for key, names in named.items():
        if strange := sorted(set(names) - storages):
            yield f"pool '{key}': storage: there is no storage {', '.join(strange)}.", False


def _guests(api: Any, wanted: Mapping[str, Any], changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    pools = {int(row["vmid"]): row.get("pool") for row in api.get("/cluster/resources", type="vm")}
    owners: dict[int, list[str]] = {}
    for key, change in wanted.items():
        for vmid in change.to_set.get("vms") or ():
            owners.setdefault(vmid, []).append(key)
            if vmid not in pools:
                yield f"pool '{key}': vms: there is no guest {vmid}.", False
            elif pools[vmid] not in (None, key) and not _moves(change, vmid, str(pools[vmid]), changes):
                what = f"guest {vmid} is in the pool '{pools[vmid]}'"
                yield f"pool '{key}': vms: {what}; allow_move: true takes it out of there.", False
    for vmid, keys in owners.items():
        if len(keys) > 1:
            yield f"pool '{keys[0]}': vms: guest {vmid} is wanted in {', '.join(keys[1:])} as well.", True


def _moves(change: Any, vmid: int, pool: str, changes: Sequence[Any]) -> bool:
    """Whether the guest may be taken: because it is allowed, or because this very run gives it away there."""
    if change.goal.values.get("allow_move"):
        return True
    other = next((one for one in changes if one.key == pool), None)
    if other is None:
        return False
    return other.action == "delete" or "vms" in other.to_unset or vmid not in other.to_set.get("vms", [vmid])


def write(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    pool = change.key
    # another pool may have taken a guest in the meantime
    stale = change.present and (change.action == "delete" or {"vms", *change.to_unset, *change.to_set} & set(_MEMBERS))
    present = {name: list(map(str, rows)) for name, rows in _members(api, pool).items()} if stale else {}
    touched = [
        name for name in _MEMBERS if change.action == "delete" or name in change.to_set or name in change.to_unset
    ]
    wanted = {name: list(map(str, change.to_set.get(name) or ())) for name in touched}
    gone = {name: ",".join(one for one in present.get(name, ()) if one not in wanted[name]) for name in touched}
    added = {name: ",".join(one for one in wanted[name] if one not in present.get(name, ())) for name in touched}
    if any(gone.values()):
        api.put(PATH, poolid=pool, delete=True, **_some(gone))
    if change.action == "delete":
        api.delete(PATH, poolid=pool)
        return
    settings = {name: value for name, value in form.items() if name == "comment"}
    settings |= {"comment": ""} if "comment" in change.to_unset else {}
    if change.action == "create":
        api.post(PATH, poolid=pool, **settings)
        settings = {}
    move = {"allow-move": True} if added.get("vms") else {}
    if settings or any(added.values()):
        api.put(PATH, poolid=pool, **settings, **_some(added), **move)


def _some(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


POOL_TABLE = Resource(
    name="pool",
    path=PATH,
    key=Field(
        "poolid",
        pattern=rf"{NAME}(?:/{NAME}){{0,2}}",
        meaning="the name of a pool (letters, digits and ._-), perhaps inside others (a/b/c)",
    ),
    fields=[
        Field("comment"),
        Field("vms", VMIDS, limits=(100, 999999999)),
        Field("storage", SET),
        Field("allow-move", BOOL, transient=True),
    ],
    variants={None: Variant(optional="comment vms storage allow-move")},
    depends=depends,
    objections=objections,
    explain=_access.explain,
    read=read,
    write=write,
)
