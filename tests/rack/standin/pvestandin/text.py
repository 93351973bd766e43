"""Small conversions that Proxmox uses everywhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

_PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ":%")


def split_list(value: str | None) -> list[str]:
    """Items of a list written with commas, semicolons, blanks, or NULs."""
    if not value:
        return []
    if "\0" in value:
        return value.split("\0")
    return [item for item in re.split(r"[,;\s]+", value) if item]


def encode_text(value: str) -> str:
    """Free text as it stands between colons: control characters, colon, percent and non-ASCII in URL form."""
    return quote(value, safe=_PLAIN)


def decode_text(value: str) -> str:
    return unquote(value)


def hash_order(keys: Iterable[str]) -> list[str]:
    """Keys in an order that is neither the given nor the alphabetic one.

    Perl's hashes have no order and Proxmox prints several lists from them. A client must cope; here the order is a
    stable one, so that files and answers can be compared.
    """
    return sorted(keys, key=lambda key: hashlib.sha1(f"order:{key}".encode()).digest())


def digest(raw: str) -> str:
    return hashlib.sha1(raw.encode()).hexdigest()


def number(value: object) -> int | float:
    """What Perl's `$value + 0` makes of a form value that has passed its type check."""
    text = str(int(value)) if isinstance(value, bool) else str(value)
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)


def truth(value: object) -> bool:
    """Perl's idea of true for a form or JSON value."""
    return value not in (None, False, 0, "", "0")
