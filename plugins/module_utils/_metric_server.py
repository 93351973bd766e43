# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Metric servers: PVE/API2/Cluster/MetricServer.pm, PVE/Status/{Graphite,InfluxDB,OpenTelemetry}.pm.

The list has only a part of the settings, so each is read. Every PUT has to carry server and port. A server that is
switched on has to be reachable from the node that is asked: Proxmox connects before it writes. OpenTelemetry's headers
and attributes are JSON in Base64 there.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL, INT, PATH, Kind
from ansible_collections.baremetal.proxmox.plugins.module_utils._switch import switched

_PATH = "/cluster/metrics/server"
_OTEL = (
    "port disable otel-protocol otel-path otel-timeout otel-headers otel-verify-ssl otel-max-body-size"
    " otel-resource-attributes otel-compression"
)


def _read_map(value: Any) -> dict[str, str] | None:
    """A dict; Proxmox's form of it is JSON in Base64."""
    if isinstance(value, str):
        try:
            value = json.loads(base64.b64decode(value, validate=True))
        except (binascii.Error, ValueError):
            raise ValueError("is neither a dict nor one as JSON in Base64") from None
    if not isinstance(value, Mapping):
        raise ValueError("is not a dict")
    return {str(name): str(text) for name, text in sorted(value.items())} or None


def _write_map(value: Mapping[str, str]) -> str:
    return base64.b64encode(json.dumps(value, sort_keys=True).encode()).decode()


_MAP = Kind("names and values", _read_map, _write_map, {"type": "dict"})


def read(api: Any, identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    names = [str(row["id"]) for row in api.get(_PATH)]
    return [{**api.get(f"{_PATH}/{name}"), "id": name} for name in names if identity in (None, name)]


def check(item: Item) -> Iterable[str]:
    if item.get("influxdbproto") in (None, "udp"):
        given = [name for name in ("organization", "bucket", "api_path_prefix") if item.get(name)]
        if item["type"] == "influxdb" and given:
            yield f"{', '.join(given)}: only for influxdbproto http or https"


def explain(item: Item, reason: str) -> str | None:
    if any(
        text in reason for text in ("Can't connect", "couldn't create", "500 ", "401 ", "404 ", "Connection refused")
    ):
        where = f"{item.get('server')}:{item.get('port', 'default port')}"
        if item.get("type") == "opentelemetry":
            return (
                f"Proxmox tries {where} from this node before it writes; a server of OpenTelemetry has to answer even with"
                " disable: true."
            )
        return (
            f"Proxmox tries {where} from this node before it writes. Start it, or define it with disable: true for now."
        )
    return None


# letters, digits and dashes inside (PVE/Status/Graphite.pm)
_WORD = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"

METRIC_SERVER = Resource(
    name="metric server",
    path=_PATH,
    key=Field("id", pattern=r"[A-Za-z][A-Za-z0-9_-]+", meaning="two or more letters, digits, - and _, a letter first"),
    discriminator=Field("type", choices=["graphite", "influxdb", "opentelemetry"]),
    fields=[
        Field("server", pattern=r"[A-Za-z0-9:]([A-Za-z0-9.:-]*[A-Za-z0-9:])?", meaning="an address or a host name"),
        Field("port", INT, limits=(1, 65536)),
        Field("disable", BOOL, default=False),
        Field("mtu", INT, default=1500, limits=(512, 65536)),
        Field("timeout", INT, default=1, limits=(0, 2**31)),
        Field("path", pattern=rf"{_WORD}(?:\.{_WORD})*", meaning="words with dots between them"),
        Field("proto", default="udp", choices=["udp", "tcp"]),
        Field("influxdbproto", default="udp", choices=["udp", "http", "https"]),
        Field("organization", narrow=True),
        Field("bucket", narrow=True),
        Field("token", secret=True),
        Field("api-path-prefix", narrow=True),
        Field("max-body-size", INT, default=25_000_000, limits=(1, 2**40)),
        Field("verify-certificate", BOOL, default=True),
        Field("otel-protocol", default="https", choices=["http", "https"]),
        Field("otel-path", PATH, default="/v1/metrics"),
        Field("otel-timeout", INT, default=5, limits=(1, 10)),
        # what authorises is in them
        Field("otel-headers", _MAP, secret=True, readable=True),
        Field("otel-verify-ssl", BOOL, default=True),
        Field("otel-max-body-size", INT, default=10_000_000, limits=(1024, 2**40)),
        Field("otel-resource-attributes", _MAP),
        Field("otel-compression", default="gzip", choices=["none", "gzip"]),
    ],
    variants={
        # port is optional in Graphite's plugin, but not in the API's schema
        "graphite": Variant(required="server port", optional="disable mtu timeout path proto"),
        "influxdb": Variant(
            required="server port",
            optional="disable mtu timeout influxdbproto organization bucket token api-path-prefix max-body-size"
            " verify-certificate",
        ),
        "opentelemetry": Variant(required="server port", optional=_OTEL.removeprefix("port "), since=(9, 0)),
    },
    placed=True,
    resend=["server", "port"],
    prepare=switched,
    read=read,
    check=check,
    explain=explain,
)
