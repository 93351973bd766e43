# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Ceph pools: the table of PVE/API2/Ceph/Pool.pm, the same in Proxmox VE 8.4 and 9.2.

Written through Proxmox's API, read from the monitors: Proxmox's own list leaves out target_size, target_size_ratio and
pg_num_min wherever the autoscaler has no answer (no manager, overlapping CRUSH roots), and never tells erasure coding.

What the handlers do, and is reckoned with here:

- POST for a pool that exists succeeds and resets its size, min_size and autoscaling (PVE/Ceph/Tools.pm, create_pool).
- An erasure-coded pool NAME is two: NAME-data, and NAME-metadata, which has the size, min_size and CRUSH rule that were
  given, and 32 placement groups. Its profile is C(pve_ec_NAME), or one that exists.
- set_pool sets the size first, upon which Ceph sets min_size anew, but it skips a min_size that the pool had before: so
  the size has a call of its own.
- A pool is not removed while an RBD storage on it has images; with remove_storages, all definitions on it go as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL, INT, STR, Kind, properties

PATH = "/nodes/{node}/ceph/pool"
APPLICATIONS = ("rbd", "cephfs", "rgw")

_REPLICATED, _ERASURE = 1, 3
# These of an erasure-coded pool are about its metadata
_OF_METADATA = frozenset({"size", "min_size", "crush_rule"})
# What Ceph takes for "not set" (OSDMonitor, pool_opts_t)
_NOTHING = {"pg_num_min": "0", "target_size": "0", "target_size_ratio": "0"}
_STORAGE_ID = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9]")

_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGT])?")
_UNITS = ("", "K", "M", "G", "T")


def _read_bytes(value: Any) -> str | None:
    """As PVE::JSONSchema::parse_size: units of 1024. The canonical form has the greatest unit without a fraction."""
    match = _SIZE.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"is {value!r}, not a size such as 500G")
    size, unit = int(float(match[1]) * 1024 ** _UNITS.index(match[2] or "")), 0
    while size and size % 1024 == 0 and unit < len(_UNITS) - 1:
        size, unit = size // 1024, unit + 1
    return f"{size}{_UNITS[unit]}" if size else None


def _read_ratio(value: Any) -> float | None:
    try:
        ratio = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"is {value!r}, not a number") from None
    if isinstance(value, bool) or not 0 <= ratio < float("inf"):
        raise ValueError(f"is {value!r}, not a number of 0 or more")
    return round(ratio, 6) or None


def _read_least(value: Any) -> int | None:
    return INT.read(value) or None


def _chunks(least: int) -> Any:
    def read(value: Any) -> int:
        number = INT.read(value)
        if number < least:
            raise ValueError(f"is {number}; it has to be {least} or more")
        return number

    return read


BYTES = Kind("size in bytes", _read_bytes, str)
RATIO = Kind("ratio", _read_ratio, str, {"type": "float"})
LEAST = Kind("whole number or 0 for none", _read_least, str, {"type": "int"})
CODING = properties(
    "erasure coding",
    {"k": _chunks(2), "m": _chunks(1), "failure-domain": STR.read, "device-class": STR.read, "profile": STR.read},
)

FIELDS = [
    Field("size", INT, default=3, limits=(1, 7)),
    Field("min_size", INT, default=2, limits=(1, 7)),
    Field("pg_num", INT, generated=True, limits=(1, 32768)),
    Field("pg_num_min", LEAST, limits=(1, 32768)),
    Field("pg_autoscale_mode", default="warn", choices=["on", "off", "warn"]),
    Field("target_size", BYTES),
    Field("target_size_ratio", RATIO),
    Field("application", generated=True, choices=list(APPLICATIONS)),
    Field("crush_rule", generated=True),
    Field("erasure-coding", CODING),
    Field("add_storages", BOOL, generated=True),
]


# -- reading


def read(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    pools = {pool["pool_name"]: pool for pool in api.command("osd dump")["pools"]}
    rules = {rule["rule_id"]: rule["rule_name"] for rule in api.command("osd crush rule dump")}
    storages = [one for one in api.get("/storage", type="rbd") if not one.get("monhost")]
    parts = {}
    for name in [name for name in pools if name.endswith("-data")]:
        base = name.removesuffix("-data")
        if _is_pair(pools, base):
            parts[base] = [f"{base}-metadata", name]
        elif _is_half(pools, base):
            parts[base] = [name]
    used = {name for names in parts.values() for name in names}
    for name in pools:
        if name not in used:
            parts[name] = [name]
    for name, names in parts.items():
        yield _row(api, name, [pools[one] for one in names], rules, storages)


def _is_pair(pools: Mapping[str, Any], base: str) -> bool:
    metadata = pools.get(f"{base}-metadata", {}).get("type")
    return base not in pools and metadata == _REPLICATED and pools[f"{base}-data"]["type"] == _ERASURE


def _is_half(pools: Mapping[str, Any], base: str) -> bool:
    """What is left when a node died in between: Proxmox makes the data first, and the metadata is removed first."""
    data = pools[f"{base}-data"]
    ours = data["type"] == _ERASURE and data.get("erasure_code_profile") == f"pve_ec_{base}"
    return ours and base not in pools and f"{base}-metadata" not in pools


def _row(
    api: Any, name: str, pools: Sequence[Mapping[str, Any]], rules: Mapping[int, str], storages: Sequence[Any]
) -> dict[str, Any]:
    """One item; of a pair, the first pool has the metadata and the last one the data."""
    first, last = pools[0], pools[-1]
    options = last.get("options", {})
    names = [pool["pool_name"] for pool in pools]
    known = [one for one in APPLICATIONS if one in last.get("application_metadata", {})]
    found = sorted(one["storage"] for one in storages if {one.get("pool", "rbd"), one.get("data-pool")} & set(names))
    row = {
        "name": name,
        "pg_num": last.get("pg_num_target", last["pg_num"]),
        "pg_num_min": options.get("pg_num_min"),
        "pg_autoscale_mode": last.get("pg_autoscale_mode"),
        "target_size": options.get("target_size_bytes"),
        "target_size_ratio": options.get("target_size_ratio"),
        "application": known[0] if known else None,
        "pools": names,
        "storages": found,
        "applications": sorted(last.get("application_metadata", {})),
        "half": len(pools) == 1 and name not in names,
    }
    if first["type"] == _REPLICATED:
        sizes = {"size": first["size"], "min_size": first["min_size"]}
        row |= {**sizes, "crush_rule": rules.get(first["crush_rule"])}
    if last["type"] == _ERASURE:
        row["erasure-coding"] = _coding(api, name, last["erasure_code_profile"])
    if found or row["half"] or len(pools) == 2:
        row["add_storages"] = bool(found)
    return row


def _coding(api: Any, name: str, profile: str) -> dict[str, Any]:
    """A profile in the form of the option; the name that Proxmox gave it is left out."""
    told = api.command("osd erasure-code-profile get", name=profile)
    coding = {"k": told["k"], "m": told["m"], "failure-domain": told.get("crush-failure-domain", "host")}
    if told.get("crush-device-class"):
        coding["device-class"] = told["crush-device-class"]
    return coding if profile == f"pve_ec_{name}" else {**coding, "profile": profile}


# -- planning


def prepare(values: Item, present: Item | None) -> Item:
    coding, storages = values.get("erasure_coding"), values.get("add_storages")
    if storages is None and "add_storages" in values:
        del values["add_storages"]
    if coding and "add_storages" not in values and (present is None or "add_storages" in present):
        # as Proxmox does: nobody else uses such a pair
        values["add_storages"] = True
    if present is None:
        if coding and "profile" not in coding:
            values["erasure_coding"] = {"failure_domain": "host", **coding}
        return values
    if not values.get("add_storages"):
        # only whether to make one; a storage that is there has its own module
        values.pop("add_storages", None)
    if coding and _same(coding, present.get("erasure_coding") or {}):
        values["erasure_coding"] = present["erasure_coding"]
    if values.get("pg_autoscale_mode", present.get("pg_autoscale_mode")) == "on":
        # the number is the autoscaler's from then on
        values.pop("pg_num", None)
    return values


def _same(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> bool:
    """A named profile has the say over everything but k and m that is not written."""
    implied = {} if "profile" in wanted else {"failure_domain": "host", "device_class": None}
    return all(present.get(key) == value for key, value in {**implied, **wanted}.items())


def check(item: Item) -> Iterable[str]:
    coding, name = item.get("erasure_coding"), item["name"]
    if coding is not None and (missing := [key for key in ("k", "m") if key not in coding]):
        yield f"erasure_coding: needs {' and '.join(missing)}, also with a profile, and then as the profile has it"
    # an erasure-coded pool that is no pair has no size of its own to set
    if "size" in item or coding is None or "add_storages" in item:
        size, least = item.get("size", 3), item.get("min_size", 2)
        if least > size:
            yield f"min_size: is {least}, more than size, which is {size}"
    if item.get("add_storages") and not _STORAGE_ID.fullmatch(name):
        yield f"add_storages: {name!r} cannot be the identifier of a storage"


def spares(row: Mapping[str, Any]) -> bool:
    """CephFS, the manager and the object gateway make pools for themselves."""
    return bool(row["applications"]) and "rbd" not in row["applications"]


def objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    rules = {change.key: change.to_set["crush_rule"] for change in changes if "crush_rule" in change.to_set}
    known = api.command("osd crush rule ls") if rules else []
    for key, rule in rules.items():
        if rule not in known:
            yield f"pool '{key}': crush_rule: there is no rule {rule!r}; there are {', '.join(sorted(known))}.", False
    for change in changes:
        if change.to_set.get("add_storages"):
            yield from _taken(api, change.key)
        if change.action == "delete":
            yield from _in_use(api, change.key, change.present.raw)


def _taken(api: Any, name: str) -> Iterable[tuple[str, bool]]:
    for one in api.get("/storage"):
        if one["storage"] == name and not _is_on(one, name):
            what = f"a storage {name!r} of type {one['type']} exists and is not on this pool"
            yield f"pool '{name}': add_storages: {what}; set it to false, or give the storage another name.", True


def _is_on(storage: Mapping[str, Any], name: str) -> bool:
    return storage["type"] == "rbd" and not storage.get("monhost") and storage.get("pool") in (name, f"{name}-metadata")


def _in_use(api: Any, name: str, row: Mapping[str, Any]) -> Iterable[tuple[str, bool]]:
    for one in api.command("fs ls") if "cephfs" in row["applications"] else ():
        if set(row["pools"]) & {one["metadata_pool"], *one["data_pools"]}:
            yield f"pool '{name}': is part of the CephFS {one['name']} and goes with it (module ceph_fs).", True
    if others := [one for one in row["storages"] if one != name]:
        what = "the storage" if len(others) == 1 else "the storages"
        yield (
            f"pool '{name}': {what} {', '.join(others)} would hang in the air; remove that first (module storage).",
            True,
        )


def advise(_get: Any, changes: Sequence[Any]) -> Iterable[str]:
    for change in changes:
        if change.action == "delete" and change.key in change.present.raw["storages"]:
            yield f"pool '{change.key}' is removed with everything in it, and the storage definition '{change.key}' with it."


def explain(_item: Item, reason: str) -> str | None:
    if "still in use by storage" in reason:
        return "Images are left in it; remove the disks of the guests first."
    if re.search(r"storage '.*' is (?:disabled|not available on node)", reason):
        return "Proxmox looks for images through it: enable it, for this node, until the pool is gone (module storage)."
    if "yes-i-really-mean-it" in reason and "application" in reason:
        return "Ceph does not change what a pool is used for."
    return None


# -- writing


def write(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    if change.action == "delete":
        if change.present.raw["half"] and change.present.raw["storages"]:
            # its images are gone with the metadata, and without those Proxmox cannot list them
            api.delete(f"/storage/{change.key}")
        # the first one holds the images that storages list, and so the refusal while there are any
        for number, pool in enumerate(change.present.raw["pools"]):
            api.delete(f"{PATH}/{quote(pool, safe='')}", **({"remove_storages": True} if number == 0 else {}))
        return
    settings = {name: value for name, value in form.items() if name != "add_storages"}
    if change.action == "create":
        # a storage that could not be made would let the task fail though the pool is there: it has its own call
        extra = {"add_storages": False} if "erasure-coding" in settings else {}
        api.post(PATH, name=change.key, **settings, **extra)
    else:
        settings |= {name: _NOTHING[name] for name in change.to_unset}
        pools = change.present.raw["pools"]
        for pool in dict.fromkeys([pools[0], pools[-1]]):
            of_this = settings
            if len(pools) == 2:
                of_this = {k: v for k, v in settings.items() if (k in _OF_METADATA) == (pool == pools[0])}
            _set(api, pool, of_this, change.present.values)
    if change.to_set.get("add_storages") and not any(
        one["storage"] == change.key for one in api.get("/storage", type="rbd")
    ):
        _add_storage(api, change)


def _set(api: Any, pool: str, settings: Mapping[str, Any], present: Item) -> None:
    path = f"{PATH}/{quote(pool, safe='')}"
    rest = dict(settings)
    if "size" in rest:
        api.put(path, size=rest.pop("size"))
        rest.setdefault("min_size", str(present["min_size"]))
    if rest:
        api.put(path, **rest)


def _add_storage(api: Any, change: Any) -> None:
    """As $add_storage in Pool.pm."""
    known = {**(change.present.values if change.present else {}), **change.to_set}
    pair = "erasure_coding" in known or "erasure-coding" in known
    pools = {"pool": f"{change.key}-metadata", "data-pool": f"{change.key}-data"} if pair else {"pool": change.key}
    api.post("/storage", storage=change.key, type="rbd", content="images,rootdir", krbd=False, **pools)


POOL = Resource(
    name="pool",
    path=PATH,
    key=Field("name", pattern=r"[^:/\s]+", meaning="a pool's name (no blanks, colons or slashes)"),
    fields=FIELDS,
    variants={
        None: Variant(
            optional="size min_size pg_num pg_num_min pg_autoscale_mode target_size target_size_ratio application"
            " crush_rule erasure-coding add_storages",
            fixed="erasure-coding",
        )
    },
    protected=frozenset({".mgr"}),
    prepare=prepare,
    check=check,
    explain=explain,
    advise=advise,
    objections=objections,
    read=read,
    write=write,
    workers=frozenset({"cephcreatepool", "cephsetpool", "cephdestroypool"}),
    overwrites=True,
    resets=True,
    guarded=True,
    recreatable=False,
    spares=spares,
    broken=lambda row: bool(row["half"]),
)
