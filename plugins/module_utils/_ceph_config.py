# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Settings in the monitors' configuration database: C(ceph config set), C(rm), C(dump) and C(help), in any release.

Ceph stores each value in a normal form, which depends on the type of the setting (Option::parse_value in
src/common/options.cc): true and false, sizes and durations as plain numbers, fractions with six digits. What the user
wrote is brought into that form before it is compared.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ProxmoxError
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._items import refuse
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import Kind, read_bool

# Names behind which secrets are kept, in Ceph itself and in the modules of its manager
_SECRET = re.compile(r"password|passwd|secret|token|credential|private|(?:^|[_/])(?:key|pwd)$", re.IGNORECASE)

_SI = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_IEC = {"": 1, "B": 1} | {
    f"{unit}{suffix}": 2 ** (10 * power) for power, unit in enumerate("KMGTPE", 1) for suffix in ("", "i", "B", "iB")
}
_SECONDS = {
    "": 1, "s": 1, "sec": 1, "second": 1, "seconds": 1, "m": 60, "min": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hr": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400, "days": 86400,
    "w": 604800, "wk": 604800, "week": 604800, "weeks": 604800,
}  # fmt: skip


def _read_value(value: Any) -> str:
    """As text; what YAML makes of true and of numbers is no different from the words."""
    text = str(value)
    if not text:
        raise ValueError("is empty; to have Ceph's default, remove the setting")
    return text.lower() if text in ("True", "False") else text


VALUE = Kind("value", _read_value, str, {"type": "str"})
NAME = Kind(
    "name", lambda value: re.sub(r"[ -]", "_", str(value).strip()) if "/" not in str(value) else str(value), str
)


# -- the normal form


def _number(text: str, units: Mapping[str, int], what: str) -> str:
    match = re.fullmatch(r"(-?\d+)\s*([A-Za-z]*)", text.strip())
    if match is None or match[2] not in units:
        raise ValueError(f"is {text!r}, not {what}")
    return str(int(match[1]) * units[match[2]])


def _boolean(text: str) -> str:
    return str(read_bool(text)).lower()


def _float(text: str) -> str:
    try:
        return f"{float(text):.6f}"
    except ValueError:
        raise ValueError(f"is {text!r}, not a number") from None


def _duration(text: str) -> str:
    parts = re.findall(r"(\d+)\s*([A-Za-z]*)", text)
    if (
        not parts
        or re.sub(r"\d+\s*[A-Za-z]*|\s", "", text)
        or any(unit.lower() not in _SECONDS for _count, unit in parts)
    ):
        raise ValueError(f"is {text!r}, not a duration such as 2h")
    return str(sum(int(count) * _SECONDS[unit.lower()] for count, unit in parts))


_FORMS: Mapping[str, Callable[[str], str]] = {
    "bool": _boolean,
    "int": lambda text: _number(text, _SI, "a whole number"),
    "uint": lambda text: _number(text, _SI, "a whole number"),
    "size": lambda text: _number(text, _IEC, "a size such as 4G"),
    "float": _float,
    "secs": _duration,
}


def normal(kind: str, text: str) -> str:
    """The value as Ceph stores it; other types it stores as they are written. Raises C(ValueError)."""
    return _FORMS[kind](text) if kind in _FORMS else text


def fitting(told: Mapping[str, Any], text: str) -> str:
    """The normal form, within what C(config help) says of the setting. Raises C(ValueError)."""
    value = normal(told["type"], text)
    if told["type"] in ("int", "uint", "size", "float", "secs"):
        for bound, beyond in (("min", float.__lt__), ("max", float.__gt__)):
            limit = str(told.get(bound, ""))
            if re.fullmatch(r"-?\d+(?:\.\d+)?", limit) and beyond(float(value), float(limit)):
                raise ValueError(f"is {text!r}, beyond the {bound}imum of {limit}")
    if (allowed := told.get("enum_values")) and value not in allowed:
        raise ValueError(f"is {text!r}; allowed are {', '.join(allowed)}")
    return value


def settle(api: Any, items: Sequence[Any]) -> Sequence[Any]:
    told: dict[str, Mapping[str, Any] | None] = {}
    settled, problems = [], []
    for item in items:
        name, values = SETTING.place(item.key)[1], dict(item.values)
        given = [option for option in ("value", "secret_value") if values.get(option) is not None]
        if given and name not in told:
            told[name] = _help(api, name)
        for option in given:
            about = told[name]
            if about is None or "no_mon_update" in about.get("flags", ()):
                lack = "has no such setting" if about is None else "reads it from ceph.conf only"
                problems.append(f"{item.where}: name is {name!r}, but Ceph {lack}")
                continue
            try:
                values[option] = fitting(about, values[option])
            except ValueError as error:
                # the sentence may have the value in it
                shown = str(error) if option == "value" else f"is not what a {about['type']} of this name has to be"
                problems.append(f"{item.where}: {option} {shown}")
        settled.append(replace(item, values=values))
    refuse(problems)
    return settled


def _help(api: Any, name: str) -> Mapping[str, Any] | None:
    """Type, limits and flags; None for a setting that Ceph does not know."""
    try:
        told = api.command("config help", key=name)
    except ProxmoxError as error:
        if getattr(error, "errno", None) not in (errno.ENOENT, errno.EINVAL):
            raise
        return None
    return told if isinstance(told, Mapping) else None


# -- the table


def read(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    for row in api.command("config dump"):
        name, value = str(row["name"]), str(row["value"])
        who = f"{row['section']}/{row['mask']}" if row.get("mask") else str(row["section"])
        shown = {} if _SECRET.search(name) else {"value": value}
        yield {"who": who, "name": name, "secret_value": value, **shown}


def check(item: Item) -> Iterable[str]:
    given = [option for option in ("value", "secret_value") if item.get(option) is not None]
    if len(given) == 2:
        yield "value and secret_value say the same thing; give one of them"
    elif given == ["value"] and _SECRET.search(item["name"]):
        yield "value: this looks like a secret; give it as secret_value, so that it is shown nowhere"


def prepare(values: Item, _present: Item | None) -> Item:
    if not any(value is not None for value in values.values()):
        raise ValueError("value or secret_value has to be given; state=deleted removes a setting")
    return {option: value for option, value in values.items() if value is not None}


def spares(row: Mapping[str, Any]) -> bool:
    """What was not set by an administrator: OSDs measure themselves, the manager's modules keep their settings here."""
    name = str(row["name"])
    return name.startswith(("mgr/", "osd_mclock_max_capacity_iops_")) or (row["who"], name) in _OF_PROXMOX


# Set when the first monitor is made (PVE/API2/Ceph/MON.pm)
_OF_PROXMOX = {("mon", "auth_allow_insecure_global_id_reclaim")}


def write(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    name = SETTING.place(change.key)[1]
    who = change.key[: -len(name) - 1]
    if change.action == "delete":
        api.tell("config rm", who=who, name=name)
    else:
        (value,) = form.values()
        api.tell("config set", who=who, name=name, value=value)


SETTING = Resource(
    name="setting",
    path="ceph config",
    key=Field("name", NAME, pattern=r"[A-Za-z0-9_][A-Za-z0-9_./-]*", meaning="the name of a setting"),
    scope=Field(
        "who",
        pattern=r"(?:global|mon|mgr|osd|mds|client)(?:\.[^\s/]+)?(?:/[a-z]+:[^\s/]+){0,2}",
        meaning="global, mon, mgr, osd, mds or client, perhaps with .ID, perhaps with a mask such as /class:ssd",
    ),
    fields=[Field("value", VALUE), Field("secret_value", VALUE, secret=True, readable=True, hides="value")],
    variants={None: Variant(optional="value secret_value")},
    settle=settle,
    prepare=prepare,
    check=check,
    spares=spares,
    read=read,
    write=write,
    product="Ceph",
)
