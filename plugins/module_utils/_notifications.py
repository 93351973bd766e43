# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Where notifications go, and which: PVE/API2/Cluster/Notifications.pm; proxmox-notify answers for it.

The API shows of a webhook's secrets only the names, of other secrets nothing. Bodies, headers and secrets are Base64
there and plain text here. What Proxmox brings (mail-to-root, default-matcher) can be changed; to remove it resets it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import (
    BOOL,
    INT,
    TEXT,
    Kind,
    Repeated,
    parse_property_string,
    texts,
)

_PATH = "/cluster/notifications"
_ID: dict[str, Any] = {
    "pattern": r"[A-Za-z][A-Za-z0-9_-]+",
    "meaning": "two or more letters, digits, - and _, a letter first",
}
_TYPES = ("gotify", "sendmail", "smtp", "webhook")
_SEVERITIES = ("info", "notice", "warning", "error", "unknown")


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return text


def _read_pairs(value: Any) -> dict[str, str] | None:
    if not isinstance(value, Mapping):
        raise ValueError("is not a dict of names and texts")
    return {str(name): str(text) for name, text in sorted(value.items())} or None


def _write_pairs(pairs: Mapping[str, str]) -> Repeated:
    return Repeated(f"name={name},value={_encode(text)}" for name, text in pairs.items())


def _read_severities(value: Any) -> str:
    words = sorted({word.strip() for word in str(value).split(",") if word.strip()})
    if not words or set(words) - set(_SEVERITIES):
        raise ValueError(f"is {value!r}, not severities with commas between them ({', '.join(_SEVERITIES)})")
    return ",".join(words)


def names_of(marker: Any) -> set[str]:
    """The names of the secrets that the API shows: C(name=token), perhaps with an empty value."""
    rows = [marker] if isinstance(marker, str) else list(marker or ())
    return {parse_property_string(row, "name").get("name", "") if isinstance(row, str) else row["name"] for row in rows}


# Ansible makes text of what looks like a dictionary, such as the JSON of a body
BODY = Kind("text", TEXT.read, _encode, {"type": "jsonarg"})
PAIRS = Kind("names and texts", _read_pairs, _write_pairs, {"type": "dict"})
SEVERITIES = texts("severities", _read_severities)


def read(api: Any, identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    wanted = [kind for kind in _TYPES if identity is None or identity.startswith(f"{kind}:")]
    return [{**_plain(row), "type": kind} for kind in wanted for row in api.get(f"{TARGET.paths[kind]}")]


def _plain(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A webhook's row with its body and headers as texts."""
    result = dict(row)
    if isinstance(row.get("body"), str):
        result["body"] = _decode(row["body"])
    if row.get("header"):
        pairs = [parse_property_string(one) if isinstance(one, str) else one for one in row["header"]]
        result["header"] = {pair["name"]: _decode(pair.get("value", "")) for pair in pairs}
    return result


def check_target(item: Item) -> Iterable[str]:
    if item["type"] in ("sendmail", "smtp") and not (item.get("mailto") or item.get("mailto_user")):
        yield "needs mailto or mailto_user"


def explain(_item: Item, reason: str) -> str | None:
    if "referenced by" in reason or "cannot delete" in reason:
        return "A matcher sends to it; change or remove that first (notification_matcher)."
    return None


TARGET = Resource(
    name="notification target",
    path=_PATH,
    paths={kind: f"{_PATH}/endpoints/{kind}" for kind in _TYPES},
    key=Field("name", **_ID),
    discriminator=Field("type", choices=list(_TYPES)),
    fields=[
        Field("comment"),
        Field("disable", BOOL, default=False),
        Field("mailto", texts("addresses")),
        Field("mailto-user", texts("users")),
        Field("from-address"),
        Field("author"),
        Field("server"),
        Field("port", INT, limits=(1, 65535)),
        Field("mode", default="tls", choices=["insecure", "starttls", "tls"]),
        Field("username"),
        Field("password", secret=True),
        Field("token", secret=True),
        Field("url", pattern=r"https?://.+", meaning="an address that begins with http:// or https://"),
        Field("method", choices=["post", "put", "get"]),
        Field("header", PAIRS),
        Field("body", BODY),
        Field("secret", PAIRS, secret=True, marker=True, other=lambda secret, marker: set(secret) != names_of(marker)),
    ],
    variants={
        "gotify": Variant(required="server", optional="token comment disable", at_creation="token"),
        "sendmail": Variant(optional="mailto mailto-user from-address author comment disable"),
        "smtp": Variant(
            required="server from-address",
            optional="port mode username password mailto mailto-user author comment disable",
        ),
        "webhook": Variant(required="url method", optional="header body secret comment disable"),
    },
    protected=frozenset({"sendmail:mail-to-root"}),
    fresh=[
        {
            "name": "mail-to-root",
            "type": "sendmail",
            "comment": "Send mails to root@pam's email address",
            "mailto-user": ["root@pam"],
        }
    ],
    delete_each=True,
    read=read,
    check=check_target,
    explain=explain,
)


def matcher_objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    named = {change.key: change.to_set["target"] for change in changes if change.to_set.get("target")}
    if named:
        known = {str(row["name"]) for row in api.get(f"{_PATH}/targets")}
        for key, targets in named.items():
            if strange := sorted(set(targets) - known):
                yield f"notification matcher '{key}': there is no notification target {', '.join(strange)}.", False


MATCHER = Resource(
    name="notification matcher",
    path=f"{_PATH}/matchers",
    key=Field("name", **_ID),
    fields=[
        Field(
            "match-field",
            texts("fields"),
            pattern=r"(?:exact|regex):[^=]+=.+",
            meaning="such as exact:type=vzdump or regex:hostname=^pve",
        ),
        Field("match-severity", SEVERITIES),
        Field("match-calendar", texts("times")),
        Field("target", texts("targets")),
        Field("mode", default="all", choices=["all", "any"]),
        Field("invert-match", BOOL, default=False),
        Field("comment"),
        Field("disable", BOOL, default=False),
    ],
    variants={
        None: Variant(optional="match-field match-severity match-calendar target mode invert-match comment disable")
    },
    protected=frozenset({"default-matcher"}),
    fresh=[
        {
            "name": "default-matcher",
            "mode": "all",
            "comment": "Route all notifications to mail-to-root",
            "target": ["mail-to-root"],
        }
    ],
    delete_each=True,
    objections=matcher_objections,
)
