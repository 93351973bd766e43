# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""CRUSH rules, for which Proxmox has no API: Ceph's own commands C(osd crush rule ...) (src/mon/MonCommands.h).

C(create-replicated) and C(create-erasure) say yes to a name that exists, whatever its rule is; nothing changes a rule.
Removing one that a pool uses is refused by Ceph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant

_TYPES = {1: "replicated", 3: "erasure"}
_STRANGE = "another kind"
_CHOOSE = {"replicated": ("choose_firstn", "chooseleaf_firstn"), "erasure": ("choose_indep", "chooseleaf_indep")}
_TUNING = ("set_choose_tries", "set_chooseleaf_tries")


def read(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    users: dict[int, list[str]] = {}
    for pool in api.command("osd dump")["pools"]:
        users.setdefault(int(pool["crush_rule"]), []).append(pool["pool_name"])
    for rule in api.command("osd crush rule dump"):
        yield {**parsed(rule), "pools": sorted(users.get(int(rule["rule_id"]), []))}


def parsed(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as Ceph's two commands make it; any other has a type that the table does not know."""
    kind = _TYPES.get(rule["type"], _STRANGE)
    steps = [step for step in rule["steps"] if step["op"] not in _TUNING]
    row: dict[str, Any] = {"name": rule["rule_name"], "type": kind}
    if [step["op"] for step in steps][::2] != ["take", "emit"] or len(steps) != 3:
        return {**row, "type": _STRANGE}
    take, choose, _emit = steps
    if choose["op"] not in _CHOOSE.get(kind, ()) or choose["num"] != 0:
        return {**row, "type": _STRANGE}
    root, _tilde, device_class = take["item_name"].partition("~")
    return {**row, "root": root, "failure_domain": choose["type"], "device_class": device_class or None}


def settle(api: Any, items: Sequence[Any]) -> Sequence[Any]:
    """A profile stands for root, failure domain and device class, so that a rule can be compared with it."""
    for item in items:
        if name := item.values.get("profile"):
            if name not in api.command("osd erasure-code-profile ls"):
                raise InputError(
                    f"{item.where}: profile: there is no erasure code profile {name!r}. Nothing was changed."
                )
            profile = api.command("osd erasure-code-profile get", name=name)
            told = {
                "root": profile.get("crush-root", "default"),
                "failure_domain": profile.get("crush-failure-domain", "host"),
                "device_class": profile.get("crush-device-class") or None,
            }
            for option, value in told.items():
                given = item.values.get(option, value)
                if given != value:
                    what = f"{option} is {given!r}, but the profile {name!r} has {value or 'none'}"
                    raise InputError(f"{item.where}: {what}. Nothing was changed.")
            item.values.update(told)
    return items


def spares(row: Mapping[str, Any]) -> bool:
    """Proxmox and Ceph make a rule for each erasure-coded pool, by the name of the pool."""
    return row["name"] in row["pools"]


def keep(row: Mapping[str, Any]) -> str | None:
    return f"it is the rule of the pool {', '.join(row['pools'])}" if row["pools"] else None


def objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    for change in changes:
        if change.action in ("delete", "recreate") and (pools := change.present.raw["pools"]):
            what = "removed" if change.action == "delete" else "made anew"
            instead = "; give the pools another rule first (crush_rule of module ceph_pool)"
            yield (
                f"CRUSH rule '{change.key}' cannot be {what}: it is the rule of the pool {', '.join(pools)}{instead}.",
                True,
            )


def explain(_item: Item, reason: str) -> str | None:
    if "does not exist" in reason and ("class" in reason or "root" in reason):
        return "Roots are buckets of the CRUSH map, and device classes come with the OSDs: see 'ceph osd crush tree'."
    return None


def write(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    if change.action == "delete":
        api.tell("osd crush rule rm", name=change.key)
    elif change.goal.label == "erasure":
        api.tell("osd crush rule create-erasure", name=change.key, profile=form["profile"])
    else:
        given = {"root": "default", "failure_domain": "host", **form}
        extra = {"class": given["device_class"]} if "device_class" in given else {}
        api.tell(
            "osd crush rule create-replicated",
            name=change.key,
            root=given["root"],
            type=given["failure_domain"],
            **extra,
        )


_PARTS = "root failure_domain device_class"

RULE = Resource(
    name="CRUSH rule",
    path="CRUSH rules",
    key=Field("name", pattern=r"[A-Za-z0-9_.-]+", meaning="a rule's name (letters, digits, _, . and -)"),
    discriminator=Field("type", choices=["replicated", "erasure"]),
    fields=[
        Field("root", default="default"),
        Field("failure_domain", default="host"),
        Field("device_class"),
        Field("profile", transient=True),
    ],
    variants={
        "replicated": Variant(optional=_PARTS, fixed=_PARTS),
        "erasure": Variant(optional=f"{_PARTS} profile", at_creation="profile", fixed=_PARTS),
    },
    # what Ceph makes for itself, and takes for pools that name no rule
    protected=frozenset({"replicated_rule"}),
    fresh=[{"name": "replicated_rule", "type": "replicated", "root": "default", "failure_domain": "host", "pools": []}],
    settle=settle,
    objections=objections,
    explain=explain,
    keep=keep,
    spares=spares,
    read=read,
    write=write,
    product="Ceph",
)
