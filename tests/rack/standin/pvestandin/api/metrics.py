"""/cluster/metrics/server: status.cfg (PVE/API2/Cluster/MetricServer.pm, PVE/Status/*.pm)."""

from __future__ import annotations

import http.client
import socket
import ssl
import sys
from collections.abc import Callable
from typing import Any

from .. import paths, pvefiles
from ..errors import Failure
from ..registry import ALL, Context, endpoint
from ..section import OPTIONAL, REQUIRED, SectionConfig, Sections
from ..text import split_list, truth

_FILE = "status.cfg"
_PATH = "/cluster/metrics/server"
_SEE = ["perm", "/", ["Sys.Audit"]]
_CHANGE = ["perm", "/", ["Sys.Modify"]]
_INTEGERS = "port mtu timeout max-body-size otel-timeout otel-max-body-size"
_BOOLEANS = "disable verify-certificate otel-verify-ssl"
_STRINGS = (
    "server path proto influxdbproto organization bucket api-path-prefix token otel-protocol otel-path otel-headers"
    " otel-resource-attributes otel-compression"
)
_PROPERTIES = {
    **{name: {"type": "integer", "optional": 1} for name in _INTEGERS.split()},
    **{name: {"type": "boolean", "optional": 1} for name in _BOOLEANS.split()},
    **{name: {"type": "string", "optional": 1} for name in _STRINGS.split()},
}
_OPTIONS = {
    "graphite": "port mtu proto timeout path disable",
    "influxdb": "mtu disable organization bucket token influxdbproto timeout max-body-size api-path-prefix"
    " verify-certificate",
    "opentelemetry": "port disable otel-protocol otel-path otel-timeout otel-headers otel-verify-ssl otel-max-body-size"
    " otel-resource-attributes otel-compression",
}


def _words(more: str) -> Callable[[], str]:
    """Every call has to name the server and its port."""

    def words() -> str:
        kinds = {
            "path": ":graphite-path",
            **dict.fromkeys(_INTEGERS.split(), ":integer"),
            **dict.fromkeys(_BOOLEANS.split(), ":boolean"),
        }
        names = [*_INTEGERS.split(), *_BOOLEANS.split(), *_STRINGS.split()]
        known = [name for name in names if paths.release()[0] >= 9 or not name.startswith("otel-")]
        return " ".join([more, *(f"{name}{kinds.get(name, '')}{'!' * (name in ('server', 'port'))}" for name in known)])

    return words


def _table() -> SectionConfig:
    kinds = {kind: words for kind, words in _OPTIONS.items() if kind != "opentelemetry" or paths.release()[0] >= 9}
    return SectionConfig(
        {
            kind: {
                "server": REQUIRED,
                **({"port": REQUIRED} if kind == "influxdb" else {}),
                **dict.fromkeys(words.split(), OPTIONAL),
            }
            for kind, words in kinds.items()
        },
        _PROPERTIES,
    )


def _read() -> Sections:
    return _table().parse(pvefiles.read(_FILE), _FILE)


def _write(sections: Sections) -> None:
    pvefiles.write(_FILE, _table().write(sections))


@endpoint("GET", "/cluster/metrics", permission=ALL)
def parts(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": "server"}, {"name": "export"}]


@endpoint("GET", _PATH, permission=_SEE)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": name,
            "disable": section.get("disable", 0),
            **{key: section.get(key) for key in ("type", "server", "port")},
        }
        for name, section in sorted(_read().ids.items())
    ]


@endpoint("GET", f"{_PATH}/{{id}}", permission=_SEE, params="id:pve-configid!")
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    sections = _read()
    if params["id"] not in sections.ids:
        raise Failure(f"status server entry '{params['id']}' does not exist")
    return sections.ids[params["id"]]


def _secret(name: str) -> str:
    return f"priv/metricserver/{name}.pw"


def _keep_token(name: str, token: str | None) -> None:
    if token is None:
        if not pvefiles.remove(_secret(name)):
            path = f"/etc/pve/{_secret(name)}"
            print(f"removing influxdb credentials file '{path}' failed: No such file or directory", file=sys.stderr)
    else:
        pvefiles.write_private(_secret(name), token)


def _connect(name: str, section: dict[str, Any]) -> None:
    """What is switched on has to be reachable; datagrams always are."""
    if section["type"] == "opentelemetry":
        _try_opentelemetry(section)  # whether it is switched on or not
        return
    if truth(section.get("disable")):
        return
    host, port = section["server"], int(section.get("port") or 2003)
    timeout = float(section.get("timeout", 1) or 1)
    if section["type"] == "graphite":
        try:
            if section.get("proto") == "tcp":
                socket.create_connection((host, port), timeout).close()
            else:
                socket.getaddrinfo(host, port)
        except OSError as error:
            raise Failure(f"couldn't create carbon socket [{host}]:{port} - {error.strerror or error}") from error
    elif section.get("influxdbproto", "udp") == "udp":
        try:
            socket.getaddrinfo(host, port)
        except OSError as error:
            raise Failure(f"couldn't create influxdb socket [{host}]:{port} - {error.strerror or error}") from error
    else:
        _ask_health(name, section, host, port, timeout)


def _try_opentelemetry(section: dict[str, Any]) -> None:
    host = section["server"]
    port = int(section.get("port") or (4318 if section.get("otel-protocol", "https") == "https" else 4317))
    try:
        socket.create_connection((host, port), float(section.get("otel-timeout") or 5)).close()
    except OSError as error:
        reason = f"500 Can't connect to {host}:{port} ({error.strerror or error})"
        where = "/usr/share/perl5/PVE/Status/OpenTelemetry.pm line 707."
        raise Failure(f"Connection test failed: {reason} at {where}", error.errno or 255) from error


def _ask_health(name: str, section: dict[str, Any], host: str, port: int, timeout: float) -> None:
    if section["influxdbproto"] == "https":
        context = ssl.create_default_context()
        if not truth(section.get("verify-certificate", 1)):
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection: Any = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    prefix = str(section.get("api-path-prefix") or "").strip("/")
    token = pvefiles.read(_secret(name)).strip()
    try:
        headers = {"Authorization": f"Token {token}"} if token else {}
        connection.request("GET", f"/{prefix}/health".replace("//", "/"), headers=headers)
        answer = connection.getresponse()
    except OSError as error:
        raise Failure(f"500 Can't connect to {host}:{port} ({error.strerror or error})") from error
    finally:
        connection.close()
    if answer.status >= 300:
        raise Failure(f"{answer.status} {answer.reason}")


@endpoint("POST", f"{_PATH}/{{id}}", permission=_CHANGE, params=_words("id:pve-configid! type!"))
def create(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name, kind, token = values.pop("id"), values.pop("type"), values.pop("token", None)
    with pvefiles.lock_file(_FILE):
        sections = _read()
        if name in sections.ids:
            raise Failure(f"Metric server '{name}' already exists")
        section = _table().check_config(kind, values, create=True)
        if kind == "influxdb":
            _keep_token(name, token)
        try:
            _connect(name, section)
        except Failure:
            pvefiles.remove(_secret(name))
            raise
        sections.ids[name] = section
        _write(sections)


@endpoint("PUT", f"{_PATH}/{{id}}", permission=_CHANGE, params=_words("id:pve-configid! delete digest"))
def update(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name, expected, token = values.pop("id"), values.pop("digest", None), values.pop("token", None)
    delete = split_list(values.pop("delete", None))
    with pvefiles.lock_file(_FILE):
        sections = _read()
        sections.assert_unmodified(expected)
        if name not in sections.ids:
            raise Failure(f"no such server '{name}'")
        section = sections.ids[name]
        given = _table().check_config(section["type"], values, create=False)
        section.update(given)
        _table().check_delete(section["type"], delete, given)
        for key in delete:
            section.pop(key, None)
        if section["type"] == "influxdb" and (token is not None or "token" in delete):
            _keep_token(name, token)
        _connect(name, section)
        _write(sections)


@endpoint("DELETE", f"{_PATH}/{{id}}", permission=_CHANGE, params="id:pve-configid!")
def delete(ctx: Context, params: dict[str, Any]) -> None:
    with pvefiles.lock_file(_FILE):
        sections = _read()
        if params["id"] not in sections.ids:
            raise Failure("cannot lookup undefined type!")
        pvefiles.remove(_secret(params["id"]))
        del sections.ids[params["id"]]
        _write(sections)
