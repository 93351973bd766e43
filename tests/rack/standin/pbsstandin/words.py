"""Parameters in words: `name` is optional, `name!` required, `name:integer` has a type, `name:safe-id` a format.

What is said here holds where no official schema is at hand, and for the properties in files.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

SAFE_ID = r"[A-Za-z0-9_][A-Za-z0-9._\-]*"
USER = rf"[^\s:/\x00-\x1f]+@{SAFE_ID}"
TOKEN = rf"{USER}!{SAFE_ID}"
_TYPES = ("string", "boolean", "integer", "array")

FORMATS: dict[str, dict[str, Any]] = {
    "safe-id": {"pattern": SAFE_ID, "minLength": 3, "maxLength": 32},
    "token-name": {"pattern": SAFE_ID},
    "userid": {"pattern": USER, "minLength": 3, "maxLength": 64},
    "authid": {"pattern": rf"{USER}|{TOKEN}", "minLength": 3, "maxLength": 64},
    "comment": {"pattern": r"[^\x00-\x1f\x7f]*", "maxLength": 128},
    "digest": {"pattern": r"[a-f0-9]{64}"},
    "fingerprint": {"pattern": r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){31}"},
    "namespace": {"pattern": rf"(?:(?:{SAFE_ID}/){{0,7}}{SAFE_ID})?", "maxLength": 256},
    "acl-path": {"pattern": rf"/|(?:/{SAFE_ID})+", "minLength": 1, "maxLength": 128},
    "backup-id": {"pattern": SAFE_ID},
    "backup-type": {"enum": ["vm", "ct", "host"]},
    "password": {"pattern": r"[^\x00-\x1f\x7f]*", "minLength": 8, "maxLength": 64},
}
"""String formats of pbs-api-types; patterns match the whole value."""
COUNTS: dict[str, dict[str, Any]] = {
    "keep": {"minimum": 1},
    "depth": {"minimum": 0, "maximum": 7},
    "natural": {"minimum": 0},
}
"""Formats of integers."""


@lru_cache(maxsize=512)
def table(text: str) -> dict[str, dict[str, Any]]:
    """Name → schema, in the given order."""
    found: dict[str, dict[str, Any]] = {}
    for word in text.split():
        name, _unused, kind = word.replace("!", "").partition(":")
        schema: dict[str, Any]
        if kind in FORMATS:
            schema = {"type": "string", **FORMATS[kind]}
        elif kind in COUNTS:
            schema = {"type": "integer", **COUNTS[kind]}
        elif kind in ("", *_TYPES):
            schema = {"type": kind or "string"}
        else:
            raise ValueError(f"{word}: no such type or format")
        if "!" not in word:
            schema["optional"] = 1
        found[name] = schema
    return found


def typed(value: Any, kind: str) -> Any:
    """A value from a form, a path or a file in its own type. Raises ValueError with PBS's sentence."""
    if kind == "boolean" and not isinstance(value, bool):
        known = {**dict.fromkeys(("1", "on", "yes", "true"), True), **dict.fromkeys(("0", "off", "no", "false"), False)}
        if str(value).lower() not in known:
            raise ValueError("Expected boolean value.")
        return known[str(value).lower()]
    if kind in ("integer", "number") and not isinstance(value, int):
        try:
            return int(value)
        except ValueError:
            raise ValueError("invalid digit found in string") from None
    return value
