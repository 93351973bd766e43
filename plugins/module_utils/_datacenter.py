# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The settings of the whole datacenter: PVE/DataCenterConfig.pm, GET and PUT /cluster/options (PVE/API2/Cluster.pm).

Left out: migration_unsecure and the console applet, which Proxmox itself turns into migration and html5. The web interface
keeps the text of consent as Base64 in consent-text (www/manager6/window/LoginWindow.js), so that is how it is written.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import (
    BWLIMIT,
    INT,
    NOTES,
    SET,
    STR,
    TAGS,
    Kind,
    one_of,
    properties,
    read_bool,
    within,
)

PATH = "/cluster/options"
_KEYBOARDS = "de de-ch da en-gb en-us es fi fr fr-be fr-ca fr-ch hu is it ja lt mk nl no pl pt pt-br sv sl tr"
_LANGUAGES = "ar ca da de en es eu fa fr hr he it ja ka kr nb nl nn pl pt_BR ru sl sv tr ukr zh_CN zh_TW"
_COUNT = within(0, 10**9)
_PERCENT = within(0, 100, whole=False)

_TRAFFIC = properties("type and network", {"type": one_of("secure", "insecure"), "network": STR.read}, short="type")
LOCATION = properties(
    "place",
    {
        "latitude": within(-90, 90, whole=False),
        "longitude": within(-180, 180, whole=False),
        "name": STR.read,
    },
)
_CRS = properties(
    "scheduling",
    {
        "ha": one_of("basic", "static", "dynamic"),
        "ha-rebalance-on-start": read_bool,
        "ha-auto-rebalance": read_bool,
        "ha-auto-rebalance-hold-duration": within(0, 10**6, whole=False),
        "ha-auto-rebalance-margin": _PERCENT,
        "ha-auto-rebalance-method": one_of("bruteforce", "topsis"),
        "ha-auto-rebalance-threshold": _PERCENT,
    },
)
_NOTIFY = properties(
    "notifications",
    {
        "fencing": one_of("always", "never"),
        "package-updates": one_of("auto", "always", "never"),
        "replication": one_of("always", "never"),
        **dict.fromkeys(("target-fencing", "target-package-updates", "target-replication"), STR.read),
    },
)
_TAG_STYLE = properties(
    "style of tags",
    {
        "shape": one_of("full", "circle", "dense", "none"),
        "color-map": SET.read,
        "ordering": one_of("config", "alphabetical"),
        "case-sensitive": read_bool,
    },
)
_TAG_ACCESS = properties(
    "rights on tags",
    {"user-allow": one_of("none", "list", "existing", "free"), "user-allow-list": SET.read},
)
_WEBAUTHN = properties("WebAuthn", {**dict.fromkeys(("rp", "origin", "id"), STR.read), "allow-subdomains": read_bool})
_MAC_PREFIX = Kind("MAC prefix", lambda value: STR.read(value).upper(), str)
_CONSENT = Kind("text", NOTES.read, lambda text: base64.b64encode(text.encode()).decode())

FIELDS = [
    Field("bwlimit", BWLIMIT),
    Field("consent-text", _CONSENT),
    Field("console", choices=["html5", "vv", "xtermjs"]),
    Field("crs", _CRS),
    Field("description", NOTES),
    Field("email_from", pattern=r"[^\s@]+@\S+", meaning="an e-mail address"),
    Field("fencing", default="watchdog", choices=["watchdog", "hardware", "both"]),
    Field("ha", properties("HA", {"shutdown_policy": one_of("freeze", "failover", "conditional", "migrate")})),
    # a proxy's password is part of its address
    Field(
        "http_proxy", secret=True, readable=True, pattern=r"http://.*", meaning="an address that begins with http://"
    ),
    Field("keyboard", choices=_KEYBOARDS.split()),
    Field("language", choices=_LANGUAGES.split()),
    Field("location", LOCATION, narrow=True, since=(9, 2)),
    Field(
        "mac_prefix",
        _MAC_PREFIX,
        default="BC:24:11",
        pattern=r"[A-F0-9][02468ACE](?::[A-F0-9]{2}){0,2}(?::[A-F0-9]?)?",
        meaning="the beginning of a unicast MAC address",
    ),
    Field("max_workers", INT, limits=(1, 2**31)),
    Field("migration", _TRAFFIC),
    Field("next-id", properties("range of numbers", {"lower": _COUNT, "upper": _COUNT})),
    Field("notify", _NOTIFY),
    Field("registered-tags", TAGS),
    Field("replication", _TRAFFIC, since=(9, 0)),
    Field("tag-style", _TAG_STYLE),
    Field("u2f", properties("U2F", dict.fromkeys(("appid", "origin"), STR.read))),
    Field("user-tag-access", _TAG_ACCESS),
    Field("webauthn", _WEBAUTHN, narrow=True),
]


def read(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    row = dict(api.get(PATH))
    if text := row.get("consent-text"):
        # written by other means than the web interface, which then shows nothing sensible either
        with contextlib.suppress(binascii.Error, UnicodeDecodeError):
            row["consent-text"] = base64.b64decode(text, validate=True).decode()
    return [DATACENTER.alone(row)]


def check(item: Item) -> Iterable[str]:
    crs = item.get("crs") or {}
    waiting = sorted(name for name in crs if name.startswith("ha_auto_rebalance_"))
    if waiting and "ha_auto_rebalance" not in crs:
        yield f"crs: {', '.join(waiting)} needs ha_auto_rebalance as well"
    for name in ("migration", "replication"):
        if (item.get(name) or {"type": ""}).get("type") is None:
            yield f"{name}: needs type (secure or insecure)"
    place = item.get("location")
    if place and not {"latitude", "longitude"} <= set(place):
        yield "location: needs latitude and longitude"
    numbers = item.get("next_id") or {}
    if numbers and numbers.get("lower", 100) > numbers.get("upper", 1000000):
        yield f"next_id: lower ({numbers.get('lower', 100)}) is above upper ({numbers.get('upper', 1000000)})"


def objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    for change in changes:
        prefix = str(change.to_set.get("mac_prefix") or "")
        if api.client.version < (9, 1) and len(prefix) % 3 == 1:
            yield (
                f"datacenter options: mac_prefix is {prefix!r}: half an octet at its end needs Proxmox VE 9.1 or later.",
                True,
            )


DATACENTER = Resource(
    name="datacenter options",
    path=PATH,
    single="datacenter",
    key=Field("datacenter"),
    fields=FIELDS,
    variants={None: Variant(optional=" ".join(one.name for one in FIELDS))},
    read=read,
    check=check,
    objections=objections,
)
