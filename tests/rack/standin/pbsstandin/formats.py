"""What the official schema does not say about texts: schedules, rates and property strings, by the parameter's name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import calendar

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGTP]?i?)B?", re.IGNORECASE)
_RATES = ("rate-in", "rate-out", "burst-in", "burst-out")
_NOTIFY = {"enum": ["never", "always", "error"]}

PROPERTY_STRINGS: dict[str, dict[str, dict[str, Any]]] = {
    "tuning": {
        "chunk-order": {"enum": ["none", "inode"]},
        "sync-level": {"enum": ["none", "file", "filesystem"]},
        "gc-atime-safety-check": {"pattern": "true|false|0|1|yes|no|on|off"},
        "gc-atime-cutoff": {"pattern": r"\d+"},
        "gc-cache-capacity": {"pattern": r"\d+"},
        "default-verification-workers": {"pattern": r"\d+"},
        "default-verification-readers": {"pattern": r"\d+"},
    },
    "notify": {"gc": _NOTIFY, "verify": _NOTIFY, "sync": _NOTIFY, "prune": {"enum": ["never", "always", "error"]}},
    "maintenance-mode": {
        "type": {"enum": ["read-only", "offline", "delete", "unmount", "s3-refresh"], "default": True},
        "message": {"pattern": r"[^\x00-\x1f\x7f]{0,64}"},
    },
    "backend": {
        "type": {"enum": ["filesystem", "s3"], "default": True},
        "client": {"pattern": r"[A-Za-z0-9_][A-Za-z0-9._\-]{2,31}"},
        "bucket": {"pattern": r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]"},
        "max-cache-size": {"pattern": _SIZE.pattern},
    },
}


def property_string(name: str, text: str) -> dict[str, str]:
    """`a=1,b="x,y"`. Raises ValueError with proxmox-schema's sentence."""
    known = PROPERTY_STRINGS[name]
    default = next((key for key, schema in known.items() if schema.get("default")), None)
    found: dict[str, str] = {}
    for part in re.findall(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+', text):
        key, equals, value = part.strip().partition("=")
        if not equals:
            if default is None:
                raise ValueError(f"Value without key, but schema does not define a default key: {part}")
            key, value = default, part.strip()
        if key not in known:
            raise ValueError(f"'{key}': schema does not allow additional properties")
        if key in found:
            raise ValueError(f"duplicate property '{key}'")
        found[key] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        choices, pattern = known[key].get("enum"), known[key].get("pattern")
        if choices and found[key] not in choices:
            raise ValueError(f"'{key}': value '{found[key]}' is not defined in the enumeration.")
        if pattern and not re.fullmatch(pattern, found[key], re.IGNORECASE):
            raise ValueError(f"'{key}': value does not match the regex pattern")
    return found


def _schedule(text: str) -> None:
    calendar.parse(text)


def _rate(text: str) -> None:
    if not _SIZE.fullmatch(text.strip()):
        raise ValueError(f"unable to parse byte size '{text}'")


def _group_filter(text: str) -> None:
    """`[include:|exclude:]` then type:, group: or regex: (pbs-api-types, jobs.rs)."""
    kind, colon, value = re.sub(r"^(include|exclude):", "", text).partition(":")
    if not colon:
        raise ValueError("input doesn't match expected format '[<exclude:|include:>]<type:...>'")
    if kind == "type" and value not in ("vm", "ct", "host"):
        raise ValueError("value must be 'vm', 'ct' or 'host'.")
    if kind == "group" and not re.fullmatch(r"(?:vm|ct|host)/[A-Za-z0-9_][A-Za-z0-9._\-]*", value):
        raise ValueError(f"unable to parse backup group '{value}'")
    if kind == "regex":
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"regex parse error: {error}") from error
    if kind not in ("type", "group", "regex"):
        raise ValueError(f"unknown filter type '{kind}'")


_DAYS = "mon|tue|wed|thu|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_TIMEFRAME = re.compile(
    rf"(?:(?:{_DAYS})(?:(?:\.\.|,)(?:{_DAYS}))*\s+)?\d{{1,2}}(?::\d{{1,2}})?\s*-\s*\d{{1,2}}(?::\d{{1,2}})?",
    re.IGNORECASE,
)


def _timeframe(text: str) -> None:
    """`mon..wed 8:00-16:30` (proxmox-time, daily_duration.rs)."""
    if not _TIMEFRAME.fullmatch(text.strip()):
        raise ValueError(f"unable to parse daily duration at '{text}'")


_CHECKS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("schedule", "gc-schedule", "prune-schedule", "counter-reset-schedule"), _schedule),
    **dict.fromkeys(_RATES, _rate),
    "group-filter": _group_filter,
    "timeframe": _timeframe,
}


def check(name: str, text: str) -> None:
    """Raise ValueError if the value of a parameter of this name is no good."""
    if name in PROPERTY_STRINGS:
        property_string(name, text)
    elif name in _CHECKS:
        _CHECKS[name](text)


def stored(name: str, text: str) -> str:
    """A value in the form that PBS keeps: rates with their unit (proxmox-human-byte), filters without `include:`."""
    match = _SIZE.fullmatch(text.strip()) if name in _RATES else None
    if match:
        unit = match[2][:1].upper() + match[2][1:].lower()
        return f"{float(match[1]):.12g} {unit}B"
    return text.removeprefix("include:") if name == "group-filter" else text
