# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Remotes, traffic control, S3 endpoints and users of a backup server (src/api2/config, src/api2/access/user.rs)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL, FINGERPRINT, INT
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_words import (
    AUTHID,
    ID,
    PRODUCT,
    RATES,
    TEXTS,
    USERID,
    rates,
    write,
)

_PIN = {
    "pattern": r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}",
    "meaning": "a SHA-256 fingerprint with colons between its bytes",
}
_USERS = "/access/users"
# A user is always enabled or not, and 0 is no end: neither is among the settings that can be deleted
_ALWAYS = {"enable": "1", "expire": "0"}


def _explain_remote(item: Item, reason: str) -> str | None:
    return "Remove the sync job first, or name another remote in it." if "is used by sync job" in reason else None


def _check_rule(item: Item) -> Iterable[str]:
    if not any(item.get(name.replace("-", "_")) for name in RATES.split()):
        yield f"limits nothing: give at least one of {', '.join(name.replace('-', '_') for name in RATES.split())}"


def _write_user(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    write(_USERS, api, change, dict(form), _ALWAYS, USER)


REMOTE = Resource(
    name="remote",
    path="/config/remote",
    product=PRODUCT,
    key=Field("name", **ID),
    fields=[
        Field("host", pattern=r"[A-Za-z0-9:]([A-Za-z0-9.:-]*[A-Za-z0-9:])?", meaning="an address or a host name"),
        Field("port", INT, default=8007, limits=(1, 65535)),
        Field("auth-id", **AUTHID),
        Field("password", secret=True),
        Field("fingerprint", FINGERPRINT, **_PIN),
        Field("comment"),
        Field("use-node-proxy", BOOL, default=False, since=(4, 0)),
    ],
    variants={None: Variant(required="host auth-id password", optional="port fingerprint comment use-node-proxy")},
    explain=_explain_remote,
)
TRAFFIC_CONTROL = Resource(
    name="traffic control rule",
    path="/config/traffic-control",
    product=PRODUCT,
    key=Field("name", **ID),
    fields=[
        Field("network", TEXTS),
        Field("timeframe", TEXTS),
        Field("users", TEXTS, since=(4, 0)),
        Field("comment"),
        *rates(),
    ],
    variants={None: Variant(required="network", optional=f"timeframe users comment {RATES}")},
    check=_check_rule,
)
S3_ENDPOINT = Resource(
    name="S3 endpoint",
    path="/config/s3",
    product=PRODUCT,
    key=Field("id", **ID),
    since=(4, 0),
    fields=[
        Field("endpoint"),
        Field("access-key"),
        Field("secret-key", secret=True),
        Field("region", pattern=r"[_a-z\d][-_a-z\d]{0,31}", meaning="lower-case letters, digits, - and _"),
        Field("fingerprint", FINGERPRINT, **_PIN),
        Field("port", INT, limits=(1, 65535)),
        Field("path-style", BOOL, default=False),
        Field("put-rate-limit", INT, limits=(1, 2**31)),
        Field("provider-quirks", TEXTS),
        *rates(),
    ],
    variants={
        None: Variant(
            required="endpoint access-key secret-key",
            optional=f"region fingerprint port path-style put-rate-limit provider-quirks {RATES}",
        )
    },
)
USER = Resource(
    name="user",
    path=_USERS,
    product=PRODUCT,
    key=Field("userid", **USERID),
    fields=[
        Field("comment"),
        Field("enable", BOOL, default=True),
        Field("expire", INT, default=0, limits=(0, 2**53)),
        Field("firstname"),
        Field("lastname"),
        Field("email"),
        Field("password", secret=True),
    ],
    variants={None: Variant(optional="comment enable expire firstname lastname email password")},
    protected=frozenset({"root@pam"}),
    fresh=[{"userid": "root@pam", "comment": "Superuser"}],
    write=_write_user,
)
