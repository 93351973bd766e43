"""Pools: making, changing and removing (PVE/Ceph/Tools.pm, PVE/API2/Ceph/Pool.pm)."""

from __future__ import annotations

import re
from typing import Any

from .. import paths
from ..cluster import say, warn
from ..errors import Failure
from ..section import Section
from ..storage import config
from ..text import split_list, truth
from . import images, rados

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_FIXED_FOR_ERASURE = ("size", "crush_rule")


def size_in_bytes(text: str) -> int:
    """`10.5G` in bytes (PVE::JSONSchema::parse_size)."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT])?", text)
    if not match:
        raise Failure(f"unable to parse size '{text}'")
    return int(float(match[1]) * _UNITS[match[2] or ""])


def settings(params: dict[str, Any]) -> dict[str, Any]:
    """What is to be set, from the parameters of a call: Ceph's own names."""
    values = {key: value for key, value in params.items() if key not in ("node", "name")}
    if values.get("target_size") is not None:
        values["target_size_bytes"] = size_in_bytes(str(values.pop("target_size")))
    return values


def properties(mon: rados.Rados, pool: str) -> dict[str, Any]:
    return mon.mon_command("osd pool get", pool=pool, var="all", format="json")


def change(mon: rados.Rados, pool: str, values: dict[str, Any]) -> None:
    """Set what differs; size first, because it resets min_size. Raises with the names of what could not be set."""
    current = properties(mon, pool)
    wanted = dict(values)
    if current.get("erasure_code_profile"):
        for name in _FIXED_FOR_ERASURE:
            if wanted.pop(name, None):
                say(f"cannot set '{name}' for erasure coded pool")
    failed = []
    for name in sorted(wanted, key=lambda key: (key != "size", key)):
        value = wanted[name]
        if current.get(name) is not None and str(value) == str(current[name]):
            say(f"skipping '{name}', did not change")
            continue
        say(f"pool {pool}: applying {name} = {value}")
        try:
            if name == "application":
                mon.mon_command("osd pool application enable", pool=pool, app=str(value))
            else:
                mon.mon_command("osd pool set", pool=pool, var=name, val=str(value), format="plain")
        except Failure as error:
            say(error.message)
            failed.append(name)
    if failed:
        raise Failure(f"Could not set: {', '.join(sorted(failed))}")


def create(mon: rados.Rados, pool: str, values: dict[str, Any]) -> None:
    """Also for a pool that exists: Ceph says yes, and the settings are set anew."""
    wanted = dict(values)
    special = {key: wanted.pop(key) for key in ("pool_type", "erasure_code_profile") if wanted.get(key)}
    mon.mon_command("osd pool create", pool=pool, pg_num=int(wanted.get("pg_num") or 128), format="plain", **special)
    change(mon, pool, wanted)


def delete(mon: rados.Rados, pool: str) -> None:
    mon.mon_command("osd pool delete", pool=pool, pool2=pool, yes_i_really_really_mean_it=True, format="plain")


def names(mon: rados.Rados) -> list[str]:
    return [entry["poolname"] for entry in mon.mon_command("osd lspools")]


# -- erasure coding


def coding(text: str | None, mon: rados.Rados) -> dict[str, str] | None:
    """`k=2,m=1,…` as a map, the profile checked."""
    if not text:
        return None
    found = dict(item.split("=", 1) for item in text.split(",") if "=" in item)
    if found.get("profile") and found["profile"] not in mon.mon_command("osd erasure-code-profile ls"):
        raise Failure(f"Erasure code profile '{found['profile']}' does not exist.")
    return found


def make_profile(mon: rados.Rados, name: str, wanted: dict[str, str]) -> None:
    profile = [f"crush-failure-domain={wanted.get('failure-domain') or 'host'}", f"k={wanted['k']}", f"m={wanted['m']}"]
    if wanted.get("device-class"):
        profile.append(f"crush-device-class={wanted['device-class']}")
    try:
        mon.mon_command("osd erasure-code-profile set", name=name, profile=profile)
    except Failure as error:
        raise Failure(f"could not create erasure code profile '{name}': {error.message}") from error
    say(f"created new erasure code profile '{name}'")


# -- the tasks


def create_work(name: str, values: dict[str, Any], erasure: dict[str, str] | None, storage: bool) -> None:
    pool, data_pool = name, None
    with rados.connect(rados.LONG) as mon:
        if erasure:
            profile = erasure.get("profile") or f"pve_ec_{name}"
            if not erasure.get("profile"):
                make_profile(mon, profile, erasure)
            data = {key: value for key, value in values.items() if key not in ("size", "min_size", "crush_rule")}
            data |= {"pool_type": "erasure", "allow_ec_overwrites": "true", "erasure_code_profile": profile}
            pool, data_pool = f"{name}-metadata", f"{name}-data"
            values = {**values, "pg_num": 32}
            create(mon, data_pool, data)
        create(mon, pool, values)
    if storage:
        definition = {"type": "rbd", "pool": pool, "storage": name, "krbd": 0, "content": "rootdir,images"}
        add_storage({**definition, **({"data-pool": data_pool} if data_pool else {})}, f"ceph pool '{name}'")


def add_storage(definition: dict[str, Any], what: str) -> None:
    from ..api import storage as definitions  # which imports this package

    try:
        definitions.create(_as_root(), definition)
    except Failure as error:
        raise Failure(f"adding PVE storage for {what} failed: {error.message}") from error


def remove_storages(found: dict[str, Section]) -> None:
    """Those that the cluster's own Ceph gives; of other clusters none."""
    from ..api import storage as definitions

    failed = False
    for name, section in found.items():
        if section.get("monhost"):
            continue
        try:
            definitions.delete(_as_root(), {"storage": name})
        except Failure as error:
            warn(f"failed to remove storage '{name}': {error.message}")
            failed = True
    if failed:
        raise Failure("failed to remove (some) storages - check log and remove manually!")


def _as_root() -> Any:
    from ..registry import Context

    return Context(user="root@pam", node=paths.node_name())


def change_work(name: str, values: dict[str, Any]) -> None:
    with rados.connect() as mon:
        change(mon, name, values)


def storages(pool: str) -> dict[str, Section]:
    """The RBD storages whose images or data are in the pool."""
    return {
        name: section
        for name, section in config.read().ids.items()
        if section["type"] == "rbd" and pool in (section.get("pool", "rbd"), section.get("data-pool"))
    }


def destroy_work(name: str, force: bool, with_storages: bool, with_profile: bool) -> None:
    found = storages(name)
    if not force:
        for storage, section in found.items():
            say(f"checking storage '{storage}' for RBD images..")
            _assert_usable(storage, section)
            if images.listed(storage, section):
                raise Failure(f"ceph pool '{name}' still in use by storage '{storage}'")
    with rados.connect() as mon:
        current = properties(mon, name)
        delete(mon, name)
        if current.get("erasure_code_profile"):
            _forget_coding(mon, current, with_profile)
    if with_storages:
        remove_storages(found)


def _assert_usable(storage: str, section: Section) -> None:
    if truth(section.get("disable")):
        raise Failure(f"storage '{storage}' is disabled")
    name = paths.node_name()
    if section.get("nodes") and name not in split_list(str(section["nodes"])):
        raise Failure(f"storage '{storage}' is not available on node '{name}'")


def _forget_coding(mon: rados.Rados, current: dict[str, Any], with_profile: bool) -> None:
    profile, rule = current["erasure_code_profile"], current["crush_rule"]
    say(f"found erasure coded profile '{profile}', destroying its CRUSH rule")
    try:
        mon.mon_command("osd crush rule rm", name=rule, format="plain")
    except Failure as error:
        warn(f"removing crush rule '{rule}' failed: {error.message}")
    if with_profile:
        say(f"destroying erasure coded profile '{profile}'")
        try:
            mon.mon_command("osd erasure-code-profile rm", name=profile, format="plain")
        except Failure as error:
            warn(f"removing EC profile '{profile}' failed: {error.message}")


# -- what there is


def listed(mon: rados.Rados) -> list[dict[str, Any]]:
    stats = {entry["id"]: entry["stats"] for entry in mon.mon_command("df")["pools"] if entry.get("stats")}
    dump = mon.mon_command("osd dump")["pools"]
    rules = {rule["rule_id"]: rule["rule_name"] for rule in mon.mon_command("osd crush rule dump")}
    try:
        scaled = autoscale(mon)
    except Failure:
        scaled = None  # the manager has no answer: it is starting, or there is none
    return [described(pool, stats, rules, scaled) for pool in dump]


def autoscale(mon: rados.Rados) -> dict[str, Any]:
    return {entry["pool_name"]: entry for entry in mon.mon_command("osd pool autoscale-status")}


def described(
    pool: dict[str, Any], stats: dict[int, Any], rules: dict[int, str], scaled: dict[str, Any] | None
) -> dict[str, Any]:
    """One entry of the list of pools, from `osd dump`, `df`, `osd crush rule dump` and the autoscaler's status."""
    wanted = ("pool", "pool_name", "size", "min_size", "pg_num", "crush_rule", "pg_autoscale_mode")
    entry = {key: pool[key] for key in (*wanted, "application_metadata") if pool.get(key) is not None}
    entry["type"] = {1: "replicated", 3: "erasure"}.get(pool["type"], "unknown")
    if scaled:
        options = pool.get("options", {})
        entry["autoscale_status"] = scaled.get(pool["pool_name"], {})
        entry["pg_num_final"] = entry["autoscale_status"].get("pg_num_final")
        entry["pg_num_min"] = options.get("pg_num_min")
        entry["target_size"] = options.get("target_size_bytes")
        entry["target_size_ratio"] = options.get("target_size_ratio")
    if pool["crush_rule"] in rules:
        entry["crush_rule_name"] = rules[pool["crush_rule"]]
    if pool["pool"] in stats:
        entry |= {key: stats[pool["pool"]][key] for key in ("bytes_used", "percent_used")}
    if paths.release()[0] < 9:
        # numbers that Perl has looked up are texts
        entry |= {key: str(entry[key]) for key in ("pool", "crush_rule")}
    return entry


_PLAIN = ("size", "min_size", "pg_num", "pg_num_min", "pgp_num", "crush_rule", "pg_autoscale_mode", "target_size_ratio")
_FLAGS = (
    "noscrub",
    "nodeep-scrub",
    "nodelete",
    "nopgchange",
    "nosizechange",
    "write_fadvise_dontneed",
    "hashpspool",
    "use_gmt_hitset",
    "fast_read",
)


def _flag(value: object) -> bool | str:
    """8.4 puts it into quotes, and what Ceph does not tell is empty."""
    if paths.release()[0] >= 9:
        return truth(value)
    return "" if value is None else str(int(truth(value)))


def status(mon: rados.Rados, name: str, verbose: bool) -> dict[str, Any]:
    found = mon.mon_command("osd pool get", pool=name, var="all")
    answer = {
        "id": found["pool_id"],
        "name": name,
        **{key: found.get(key) for key in _PLAIN},
        **{key: _flag(found.get(key)) for key in _FLAGS},
        "target_size": found.get("target_size_bytes"),
    }
    if verbose:
        try:
            answer["autoscale_status"] = autoscale(mon).get(name)
        except Failure as error:
            warn(error.message)
        for entry in mon.mon_command("df")["pools"]:
            # 8.4 means the pool, too, and takes the last one
            if entry.get("stats") and (entry["name"] == name or paths.release()[0] < 9):
                answer["statistics"] = entry["stats"]
        answer["application_list"] = list(mon.mon_command("osd pool application get", pool=name))
    return answer
