# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The forms that Proxmox gives to values, and back.

A C(Kind) knows two directions: C(read) turns what a user wrote, or what the API answered, into the one canonical
form (which is also the form of the module's options); C(write) turns that into the text of an API form.

C(read) is idempotent, reads its own results, and raises C(ValueError) with the end of a sentence ("is not ...").
Empty lists and dicts read as C(None), the same as not set.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# What PVE::ParseUtils splits lists at.
_SEPARATORS = re.compile(r"[,;\s\0]+")

# PVE::JSONSchema::parse_boolean; in forms, only 0 and 1 are taken everywhere.
_TRUE = frozenset({"1", "on", "yes", "true"})
_FALSE = frozenset({"0", "off", "no", "false"})

_SIZE = re.compile(r"^(\d+)([kmgt]?)$", re.IGNORECASE)
_UNITS = ("", "k", "m", "g", "t")


class Repeated(tuple[str, ...]):
    """The texts of an array: in a form, its parameter is there once for each of them."""


@dataclass(frozen=True)
class Kind:
    """How one sort of value is read and written. C(option) is its part of an Ansible argument spec."""

    name: str
    read: Callable[[Any], Any]
    write: Callable[[Any], str | Repeated]
    option: Mapping[str, Any] = field(default_factory=lambda: {"type": "str"})


def _wrong(value: Any, wanted: str) -> ValueError:
    return ValueError(f"is {value!r}, not {wanted}")


def option_name(name: str) -> str:
    """Proxmox's C(prune-backups) is the option C(prune_backups)."""
    return name.replace("-", "_")


def _read_str(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    if not text.strip():
        raise ValueError("is empty; null takes a setting away")
    if "\n" in text or "\r" in text:
        raise ValueError("has a line break in it")
    return text


def _read_text(value: Any) -> str:
    """Keys and keyrings: the only values in which Proxmox allows line breaks."""
    text = value if isinstance(value, str) else str(value)
    if not text.strip():
        raise ValueError("is empty; null takes a setting away")
    return text


def read_bool(value: Any) -> bool:
    """0/1 of the API, and every word that Proxmox itself takes for a boolean."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise _wrong(value, "a boolean")


def _read_int(value: Any) -> int:
    if isinstance(value, bool):
        raise _wrong(value, "a whole number")
    try:
        return int(str(value).strip())
    except ValueError:
        raise _wrong(value, "a whole number") from None


def split_list(value: Any) -> list[str]:
    """The words of a list in any of its forms: a list, a string, a list that holds such strings."""
    if isinstance(value, str):
        return [word for word in _SEPARATORS.split(value) if word]
    if isinstance(value, Mapping):
        return [str(word) for word, wanted in value.items() if wanted]
    return [word for part in value for word in split_list(str(part))]


def _read_set(value: Any) -> list[str] | None:
    return sorted(set(split_list(value))) or None


def _read_list(value: Any) -> list[str] | None:
    return list(dict.fromkeys(split_list(value))) or None


def parse_property_string(value: str, short: str | None = None) -> dict[str, str]:
    """C(a=1,b=2) as a dict. C(short) is the key that may be left out before its value."""
    result: dict[str, str] = {}
    for part in (part.strip() for part in value.split(",")):
        if not part:
            continue
        name, equals, text = part.partition("=")
        if not equals and short:
            name, text = short, part
        elif not equals:
            raise ValueError(f"has a part without a key: {part!r}")
        if name.strip() in result:
            raise ValueError(f"names {name.strip()!r} twice")
        result[name.strip()] = text.strip()
    return result


def _read_number(value: Any) -> int | float:
    if isinstance(value, bool):
        raise _wrong(value, "a number")
    try:
        number = float(str(value).strip())
    except ValueError:
        raise _wrong(value, "a number") from None
    if not 0 <= number < float("inf"):
        raise _wrong(value, "a number of 0 or more")
    return int(number) if number.is_integer() else number


def _read_count(value: Any) -> int:
    number = _read_int(value)
    if number < 0:
        raise _wrong(value, "0 or more")
    return number


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ";".join(map(str, value))
    return ("1" if value else "0") if isinstance(value, bool) else str(value)


def one_of(*words: str) -> Callable[[Any], str]:
    """Reads a key of a property string that has to be one of these words."""

    def read(value: Any) -> str:
        if str(value) not in words:
            raise ValueError(f"is {value!r}; allowed are {', '.join(words)}")
        return str(value)

    return read


def within(least: int, most: int, *, whole: bool = True) -> Callable[[Any], Any]:
    """Reads a key of a property string that has to be a number between these."""

    def read(value: Any) -> Any:
        number = _read_int(value) if whole else _read_decimal(value)
        if not least <= number <= most:
            raise ValueError(f"is {value}; allowed are {least} to {most}")
        return number

    return read


def _read_decimal(value: Any) -> Any:
    try:
        number = float(str(value).strip())
    except ValueError:
        raise _wrong(value, "a number") from None
    return int(number) if number.is_integer() else number


def properties(
    name: str,
    keys: Mapping[str, Callable[[Any], Any]] | None,
    *,
    settle: Callable[[dict[str, Any]], dict[str, Any]] = lambda values: values,
    value: Callable[[Any], Any] = _read_str,
    short: str | None = None,
) -> Kind:
    """A kind of property string. C(keys) maps Proxmox's key names to readers; None: any key, read by C(value).

    C(short) is the key that may be left out before its value. A list inside has semicolons between its parts.
    """
    # some of Proxmox's own names have an underscore
    proper_names = {option_name(key): key for key in keys or ()}

    def read(given: Any) -> dict[str, Any] | None:
        pairs = parse_property_string(given, short) if isinstance(given, str) else given
        if not isinstance(pairs, Mapping):
            raise _wrong(given, "key/value pairs or a string of them")
        result: dict[str, Any] = {}
        for key, raw in pairs.items():
            if raw is None:
                continue
            proper = proper_names.get(option_name(str(key))) if keys is not None else str(key)
            if proper is None:
                known = ", ".join(proper_names)
                raise ValueError(f"has the unknown key {key!r}; known are {known}")
            try:
                result[option_name(proper) if keys is not None else proper] = (keys[proper] if keys else value)(raw)
            except ValueError as error:
                raise ValueError(f"key {key!r} {error}") from None
        return dict(sorted(settle(result).items())) if result else None

    def write(values: Mapping[str, Any]) -> str:
        return ",".join(
            f"{proper_names[key] if keys is not None else key}={_plain(values[key])}" for key in sorted(values)
        )

    return Kind(name, read, write, {"type": "dict"})


def array(name: str, entry: Kind, order: Callable[[Any], Any]) -> Kind:
    """A kind of list of property strings. C(order) is what entries are sorted by; of equal ones the order counts."""

    def read(given: Any) -> list[dict[str, Any]] | None:
        rows = [given] if isinstance(given, (str, Mapping)) else given
        return sorted((row for row in map(entry.read, rows) if row), key=order) or None

    def write(rows: list[dict[str, Any]]) -> Repeated:
        return Repeated(str(entry.write(row)) for row in rows)

    return Kind(name, read, write, {"type": "list", "elements": "dict"})


def texts(name: str, entry: Callable[[Any], str] = _read_str) -> Kind:
    """A kind of array of texts, in which the order means nothing."""

    def read(given: Any) -> list[str] | None:
        rows = [given] if isinstance(given, str) else given
        return sorted({entry(row) for row in rows}) or None

    return Kind(name, read, Repeated, {"type": "list", "elements": "str"})


def _settle_prune(values: dict[str, Any]) -> dict[str, Any]:
    """As PVE::Storage::Plugin::validate_prune_backups understands it: zeros count for nothing, nothing keeps all."""
    keep = {key: value for key, value in values.items() if value and key != "keep_all"}
    if keep and values.get("keep_all"):
        raise ValueError("has keep_all together with other keys")
    return keep or {"keep_all": True}


def _read_size(value: Any) -> str:
    match = _SIZE.match(str(value).strip())
    if match is None:
        raise _wrong(value, "a size such as 8k or 1m")
    size, unit = int(match.group(1)), _UNITS.index(match.group(2).lower())
    while size and size % 1024 == 0 and unit < len(_UNITS) - 1:
        size, unit = size // 1024, unit + 1
    return f"{size}{_UNITS[unit]}"


def _read_notes(value: Any) -> str | None:
    """Comments at the head of a file, which the API gives back with a line break at the end; empty is not set."""
    return str(value).replace("\r\n", "\n").rstrip() or None


def _read_ids(value: Any) -> list[int] | None:
    return sorted({_read_count(word) for word in split_list([value] if isinstance(value, int) else value)}) or None


def _read_calendar(value: Any) -> str:
    text = " ".join(_read_str(value).split())
    if len(text) > 128 or not re.fullmatch(r"[A-Za-z0-9,.:*/~ -]+", text):
        raise _wrong(value, "a calendar event such as 'mon..fri 02:30'")
    return text


def _read_path(value: Any) -> str:
    text = _read_str(value)
    if not text.startswith("/"):
        raise _wrong(value, "an absolute path")
    # normpath would fold ".." as well, which is wrong behind a symbolic link; Proxmox leaves it alone too
    parts = [part for part in text.split("/") if part not in ("", ".")]
    return posixpath.join("/", *parts)


def _read_switch(value: Any) -> str:
    """A boolean that may also be a path (is_mountpoint)."""
    text = _read_str(value)
    if text.lower() in _TRUE:
        return "yes"
    if text.lower() in _FALSE:
        return "no"
    return _read_path(text)


STR = Kind("text", _read_str, str)
TEXT = Kind("text of several lines", _read_text, str)
# Ansible makes a dictionary of what looks like JSON; this type makes JSON of it again
JSON = Kind("JSON or text", _read_text, str, {"type": "jsonarg"})
BOOL = Kind("boolean", read_bool, _plain, {"type": "bool"})
NUMBER = Kind("number", _read_number, str, {"type": "float"})
INT = Kind("whole number", _read_int, str, {"type": "int"})
SIZE = Kind("size", _read_size, str)
PATH = Kind("path", _read_path, str)
SWITCH = Kind("boolean or path", _read_switch, str)
NOTES = Kind("notes", _read_notes, str)
# Of numbers of guests
VMIDS = Kind("guests", _read_ids, lambda ids: ",".join(map(str, ids)), {"type": "list", "elements": "int"})
TAGS = Kind("tags", _read_set, ";".join, {"type": "list", "elements": "str"})
CALENDAR = Kind("calendar event", _read_calendar, str)
FINGERPRINT = Kind("fingerprint", lambda value: _read_str(value).upper(), str)
SET = Kind("list without order", _read_set, ",".join, {"type": "list", "elements": "str"})
LIST = Kind("list", _read_list, ",".join, {"type": "list", "elements": "str"})
# The manual writes lists of monitors with spaces; order means nothing there.
HOSTS = Kind("list of hosts", _read_set, " ".join, {"type": "list", "elements": "str"})

_COUNTS = ("keep-last", "keep-hourly", "keep-daily", "keep-weekly", "keep-monthly", "keep-yearly")
PRUNE = properties("retention", {"keep-all": read_bool, **dict.fromkeys(_COUNTS, _read_count)}, settle=_settle_prune)
BWLIMIT = properties(
    "bandwidth limits", dict.fromkeys(("clone", "default", "migration", "move", "restore"), _read_number)
)
DIRECTORIES = properties("directories", None)
