"""Compares an answer with a recorded one: the same keys and JSON types everywhere, the same values where they must be.

Proxmox prints several lists from unordered hashes; their order is not compared.
"""

from __future__ import annotations

import re
from typing import Any

IDENTITIES = (
    "id",
    "storage",
    "userid",
    "groupid",
    "roleid",
    "realm",
    "poolid",
    "ugid",
    "iface",
    "node",
    "name",
    "subdir",
    "tokenid",
    "filename",
)
VOLATILE = {
    "digest",
    "value",
    "upid",
    "pid",
    "pstart",
    "starttime",
    "endtime",
    "uptime",
    "cpu",
    "maxcpu",
    "mem",
    "maxmem",
    "disk",
    "maxdisk",
    "avail",
    "used",
    "total",
    "used_fraction",
    "free",
    "available",
    "shared_memory",
    "loadavg",
    "wait",
    "idle",
    "cpuinfo",
    "boot-info",
    "current-kernel",
    "kversion",
    "localtime",
    "next-run",
    "time",
    "serverid",
    "url",
    "ssl_fingerprint",
    "issuer",
    "subject",
    "notafter",
    "notbefore",
    "pem",
    "san",
    "public-key-bits",
    "pve_fp",
    "pve_addr",
    "config_digest",
    "ip",
    "saved",
}
UNORDERED = {"content", "nodes", "privs"}
# Whatever is made anew by every run, wherever it is written.
MADE = re.compile(
    r"(?<=^UPID:)(\w+:)[0-9A-F:]{26,27}(?=:)|(?<=ctime=)\d+|(?:[0-9A-F]{2}:){5}[0-9A-F]{2}"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
CUT = re.compile(r"… \d+ more")


def differences(
    recorded: Any, answered: Any, where: str = "data", *, exact: bool = True, ignored: frozenset[str] = frozenset()
) -> list[str]:
    """What differs, as sentences. `ignored` are identities of list entries that another part of Proxmox makes."""
    if isinstance(recorded, dict) and isinstance(answered, dict):
        found = (
            [f"{where}: keys {sorted(set(recorded) ^ set(answered))} are on one side only"]
            if set(recorded) != set(answered)
            else []
        )
        for key in sorted(set(recorded) & set(answered)):
            volatile = key in VOLATILE or (key == "fingerprint" and "pem" in recorded)
            found += differences(
                recorded[key], answered[key], f"{where}.{key}", exact=exact and not volatile, ignored=ignored
            )
        return found
    if isinstance(recorded, list) and isinstance(answered, list):
        return _lists(recorded, answered, where, exact=exact, ignored=ignored)
    if _kind(recorded) != _kind(answered):
        return [f"{where}: {_kind(recorded)} in the record ({recorded!r}), {_kind(answered)} here ({answered!r})"]
    if not exact or isinstance(recorded, (dict, list)):
        return []
    if where.rpartition(".")[2] in UNORDERED and isinstance(recorded, str):
        recorded, answered = sorted(recorded.split(",")), sorted(answered.split(","))
    return (
        [] if _lasting(recorded) == _lasting(answered) else [f"{where}: {recorded!r} in the record, {answered!r} here"]
    )


def _lasting(value: Any) -> Any:
    return MADE.sub(r"\1", value) if isinstance(value, str) else value


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return {int: "number", float: "number", str: "string", dict: "object", list: "array", type(None): "null"}[
        type(value)
    ]


def _identity(entry: Any) -> str | None:
    if not isinstance(entry, dict):
        return None
    if "upid" in entry:
        return None
    return next(
        (
            f"{key}={entry[key]}" + f"/{entry.get('path', '')}{entry.get('ugid', '')}"
            for key in IDENTITIES
            if key in entry
        ),
        None,
    )


def _lists(recorded: list[Any], answered: list[Any], where: str, *, exact: bool, ignored: frozenset[str]) -> list[str]:
    cut = any(isinstance(entry, str) and CUT.fullmatch(entry) for entry in recorded)
    recorded = [entry for entry in recorded if not (isinstance(entry, str) and CUT.fullmatch(entry))]
    if any(_identity(entry) is None for entry in recorded + answered):
        return (
            _shapes(recorded, answered, where)
            if any(isinstance(entry, dict) for entry in recorded)
            else _plain(recorded, answered, where, exact=exact)
        )
    left = {str(_identity(entry)): entry for entry in recorded if _wanted(entry, ignored)}
    right = {str(_identity(entry)): entry for entry in answered if _wanted(entry, ignored)}
    found = [f"{where}: {name} is missing" for name in left.keys() - right.keys()]
    if not cut:
        found += [f"{where}: {name} is not in the record" for name in right.keys() - left.keys()]
    for name in sorted(left.keys() & right.keys()):
        found += differences(left[name], right[name], f"{where}[{name}]", exact=exact, ignored=ignored)
    return found


def _wanted(entry: dict[str, Any], ignored: frozenset[str]) -> bool:
    return not any(str(entry.get(key)) in ignored for key in (*IDENTITIES, "type", "storage"))


def _plain(recorded: list[Any], answered: list[Any], where: str, *, exact: bool) -> list[str]:
    if exact and sorted(map(str, recorded)) != sorted(map(str, answered)):
        return [f"{where}: {recorded} in the record, {answered} here"]
    return []


def _shapes(recorded: list[Any], answered: list[Any], where: str) -> list[str]:
    """Entries that come and go, such as tasks: each of ours must look like one of the record."""
    known = [{key: _kind(value) for key, value in entry.items() if key != "saved"} for entry in recorded]
    return [
        f"{where}: no entry of the record has the shape of {entry}"
        for entry in answered
        if {key: _kind(value) for key, value in entry.items() if key != "saved"} not in known
    ]
