"""A secret for every secret field of every module, made so that it is recognised wherever it gets to.

Two kinds of tests use it: tests/conformance/test_secrets.py (Ansible against the stand-in's APIs) and
tests/acceptance/test_secrets.py (a rack). tests/unit/plugins/modules/test_secrets_covered.py sees to it that no secret field
is forgotten: whoever adds one adds a call here.
"""

from __future__ import annotations

import base64
import importlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from ansible.module_utils import basic

MODULES = Path(__file__).resolve().parents[1] / "plugins" / "modules"
_PACKAGE = "ansible_collections.baremetal.proxmox.plugins.modules"
_MARK = "canaryZ"
# What Ansible's own masking misses is a secret that looks different in a repr or in JSON
_SUBSCRIPTION = "pve2c-ca4a72e5ec"
"""This secret has a form of its own."""
_NASTY = "'\"\\ü"


def canary(name: str, rest: str = _NASTY) -> str:
    """A secret. What is searched for is its beginning, so that parts of it are found as well."""
    return f"{_MARK}{name}Z{rest}"


def _base64_forms() -> list[bytes]:
    """The mark in base64 at each of the three places where it can begin, without what its neighbours decide."""
    forms = []
    for before in range(3):
        text = base64.b64encode(b"x" * before + _MARK.encode()).decode().rstrip("=")
        forms.append(text[-(-before * 8 // 6) : (before + len(_MARK)) * 8 // 6].encode())
    return forms


FORMS = [_MARK.encode(), *_base64_forms(), _SUBSCRIPTION.encode()]
"""What to search for."""
_FOUND = re.compile(b"|".join([FORMS[0] + rb"\w{0,40}", *map(re.escape, FORMS[1:])]))


def found_in(data: bytes | str) -> list[str]:
    """The canaries in a text, plain or in base64."""
    raw = data.encode(errors="surrogateescape") if isinstance(data, str) else data
    return sorted({one.decode(errors="replace") for one in _FOUND.findall(raw)})


@dataclass(frozen=True)
class Call:
    """One call of a module with secrets in it.

    C(where): pve or pbs, whose API answers; or node, a module that works on a node of the rack only. C(extra): options
    besides C(config). C(refused): the secret cannot be a real one, so that nothing comes of the call.
    """

    module: str
    config: Any = None
    where: str = "pve"
    extra: Mapping[str, Any] = field(default_factory=dict)
    refused: bool = False

    @property
    def arguments(self) -> dict[str, Any]:
        return {**({} if self.config is None else {"config": self.config}), **self.extra}


OTEL = ("127.0.0.25", 4318)
"""Proxmox tries a server of this kind even where it is switched off, so something has to say 200 there: OTEL_SERVER."""
OTEL_SERVER = f"""
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments):
        pass

http.server.ThreadingHTTPServer({OTEL!r}, Handler).serve_forever()
"""
_KEY = {
    "kdf": None,
    "created": "2026-11-01T00:00:00Z",
    "modified": "2026-11-01T00:00:00Z",
    "data": canary("encryption", ""),
    "fingerprint": ":".join(["0a"] * 32),
}
_PEM = "-----BEGIN {0}-----\n{1}\n-----END {0}-----\n"

# in this order: what is needed by others comes first
CALLS = [
    Call(
        "realm",
        [
            {
                "realm": "corp",
                "type": "ldap",
                "server1": "ldap.example.org",
                "base_dn": "dc=example",
                "user_attr": "uid",
                "bind_dn": "cn=proxmox",
                "password": canary("ldap"),
            },
            {
                "realm": "adcorp",
                "type": "ad",
                "server1": "ad.example.org",
                "domain": "example.org",
                "bind_dn": "cn=proxmox",
                "password": canary("ad"),
                "tfa": f"type=yubico,id=1,key={canary('yubico', '')}",
            },
            {
                "realm": "sso",
                "type": "openid",
                "issuer_url": "https://sso.example.org",
                "client_id": "pve",
                "client_key": canary("openid"),
            },
        ],
    ),
    Call(
        "user",
        [
            {"userid": "alice@pve", "password": canary("alice"), "comment": "first"},
            {"userid": "bob@pve", "keys": canary("userkeys", ""), "comment": "second"},
        ],
    ),
    Call(
        "datacenter_options", {"http_proxy": f"http://u:{canary('proxy', '')}@proxy.example.org:3128", "keyboard": "de"}
    ),
    Call(
        "metric_server",
        [
            {
                "id": "influx",
                "type": "influxdb",
                "server": "192.0.2.1",
                "port": 1,
                "influxdbproto": "http",
                "token": canary("influx"),
                "disable": True,
            },
            {
                "id": "otel",
                "type": "opentelemetry",
                "server": OTEL[0],
                "port": OTEL[1],
                "otel_protocol": "http",
                "disable": True,
                "otel_headers": {"Authorization": f"Bearer {canary('otel', '')}"},
            },
        ],
    ),
    Call(
        "notification_target",
        [
            {
                "name": "mail",
                "type": "smtp",
                "server": "smtp.example.org",
                "from_address": "a@example.org",
                "mailto": ["b@example.org"],
                "username": "pve",
                "password": canary("smtp"),
            },
            {"name": "phone", "type": "gotify", "server": "https://gotify.example.org", "token": canary("gotify")},
            {
                "name": "chat",
                "type": "webhook",
                "url": "https://chat.example.org/{{ secrets.token }}",
                "method": "post",
                "secret": {"token": canary("webhook")},
            },
        ],
    ),
    Call(
        "storage",
        [
            {
                "storage": "smb",
                "type": "cifs",
                "server": "192.0.2.1",
                "share": "backup",
                "username": "pve",
                "password": canary("cifs"),
                "disable": True,
            },
            {
                "storage": "vault",
                "type": "pbs",
                "server": "192.0.2.1",
                "datastore": "store1",
                "username": "backup@pbs",
                "password": canary("pbs"),
                "encryption_key": json.dumps(_KEY),
                "master_pubkey": base64.b64encode(_PEM.format("PUBLIC KEY", canary("master", "")).encode()).decode(),
                "disable": True,
            },
            {
                "storage": "away",
                "type": "rbd",
                "monhost": ["192.0.2.1"],
                "pool": "rbd",
                "username": "admin",
                "keyring": f"[client.admin]\n\tkey = {canary('rbd', '')}==\n",
                "disable": True,
            },
            {
                "storage": "files",
                "type": "cephfs",
                "monhost": ["192.0.2.1"],
                "username": "admin",
                "keyring": f"{canary('cephfs', '')}==",
                "disable": True,
            },
        ],
    ),
    Call("acme_plugin", [{"id": "names", "type": "dns", "api": "cf", "data": {"CF_Token": canary("acme", "")}}]),
    Call(
        "acme_account",
        [
            {
                "name": "internal",
                "contact": ["a@example.org"],
                "directory": "https://127.0.0.1:1/directory",
                "eab_kid": "one",
                "eab_hmac_key": canary("eab", ""),
            }
        ],
        refused=True,
    ),
    Call(
        "certificate",
        extra={
            "certificate": _PEM.format("CERTIFICATE", "bm8="),
            "key": _PEM.format("PRIVATE KEY", canary("certificate", "")),
        },
        refused=True,
    ),
    Call("subscription", extra={"key": _SUBSCRIPTION}),
    Call(
        "pbs_user",
        [{"userid": "backup@pbs", "password": canary("pbsuser"), "comment": "for the cluster"}],
        where="pbs",
    ),
    Call(
        "pbs_remote",
        [{"name": "away", "host": "192.0.2.1", "auth_id": "sync@pbs", "password": canary("remote"), "comment": "far"}],
        where="pbs",
    ),
    Call(
        "pbs_s3_endpoint",
        [
            {
                "id": "cloud",
                "endpoint": "s3.example.org",
                "access_key": "AKIA",
                "secret_key": canary("s3"),
                "region": "eu",
            }
        ],
        where="pbs",
    ),
    Call(
        "storage_ceph_conf",
        extra={"storage": "away", "conf": f"[client.admin]\nkey = {canary('cephconf', '')}\n"},
        where="node",
    ),
    Call(
        "ceph_config",
        [{"who": "mgr", "name": "mgr/dashboard/password", "secret_value": canary("cephconfig")}],
        where="node",
    ),
    Call(
        "cluster",
        extra={
            "name": "rack",
            "peer": {
                "address": "192.0.2.1",
                "ticket": canary("ticket"),
                "password": canary("join"),
                "corosync_authkey": base64.b64encode(canary("authkey").encode()).decode(),
            },
        },
        where="node",
    ),
]


def module_names() -> list[str]:
    """Of all modules that run on a machine; the others are actions of the controller."""
    return sorted(file.stem for file in MODULES.glob("*.py") if re.search(r"(?m)^def main\(", file.read_text()))


def argument_spec(module: str) -> dict[str, Any]:
    """What a module gives AnsibleModule."""

    class Given(Exception):
        pass

    def take(_self: Any, argument_spec: dict[str, Any], **_others: Any) -> None:
        raise Given(argument_spec)

    with mock.patch.object(basic.AnsibleModule, "__init__", take):
        try:
            importlib.import_module(f"{_PACKAGE}.{module}").main()
        except Given as given:
            return given.args[0]
    raise AssertionError(f"{module} makes no AnsibleModule")


def options(spec: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All options, those inside others as C(config.password)."""
    for name, option in spec.items():
        yield above + name, option
        yield from options(option.get("options") or {}, f"{above}{name}.")


def places(value: Any, path: str = "") -> Iterator[str]:
    """The options in which there is a canary, without the numbers of lists."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from places(one, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for one in value:
            yield from places(one, path)
    elif isinstance(value, str) and found_in(value):
        yield path


def with_option(arguments: Mapping[str, Any], option: str, value: Any) -> dict[str, Any]:
    """The same with an option more in every item."""
    config = arguments.get("config")
    if isinstance(config, list):
        return {**arguments, "config": [{**item, option: value} for item in config]}
    return {**arguments, "config": {**config, option: value}} if config else {**arguments, option: value}


def _misspelt(value: Any, path: str = "") -> Iterator[Any]:
    """The same, once for each secret, with a wrong name for it."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            for other in _misspelt(one):
                yield {**value, name: other}
            if isinstance(one, str) and found_in(one):
                yield {**{key: rest for key, rest in value.items() if key != name}, f"{name}x": one}
    elif isinstance(value, list):
        for number, one in enumerate(value):
            for other in _misspelt(one):
                yield [*value[:number], other, *value[number + 1 :]]


def _misshaped(value: Any) -> Any:
    """The same with every secret in a list."""
    if isinstance(value, Mapping):
        return {name: _misshaped(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_misshaped(one) for one in value]
    return [value] if isinstance(value, str) and found_in(value) else value


def wrong(call: Call) -> Iterator[Mapping[str, Any]]:
    """Arguments that are no good, with secrets beside what is wrong, or in it."""
    good = call.arguments
    yield with_option(good, "no_such_option", "x")
    yield from _misspelt(good)
    yield _misshaped(good)
    if call.config is not None:
        yield with_option(good, "update_password", "sometimes")
        yield {**good, "state": "perhaps"}
        text = json.dumps(call.config)
        yield {**good, "config": text}
        yield {**good, "config": [text]}
        yield {**good, "config": [["in", text]]}
        yield {**good, "config": canary("alone")}
