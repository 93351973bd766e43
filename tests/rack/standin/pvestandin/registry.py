"""The table of endpoints. A handler is a function with a decorator:

    @endpoint("POST", "/pools", permission=["perm", "/pool/{poolid}", ["Pool.Allocate"]], params="poolid! comment")
    def create_pool(ctx: Context, params: dict[str, Any]) -> Any: ...

`permission` has Proxmox's own form (the list under `check`), or ALL, WORLD; nothing given means: root@pam itself, no
token. `params` is used where no official schema is at hand: words `name`, `name!` (required), `name:type` with one of
boolean, integer, number, array, or the name of a string format. Parameters in the path are added.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from . import errors

ALL = "all"
WORLD = "world"
MODULES = (
    "version",
    "access",
    "users",
    "tokens",
    "groups",
    "roles",
    "acl",
    "realms",
    "realm_sync",
    "pools",
    "storage",
    "nodes",
    "node_storage",
    "subscription",
    "network",
    "tasks",
    "hardware",
    "disks",
    "cluster",
    "options",
    "mapping",
    "cluster_config",
    "ha",
    "ha_rules",
    "backup",
    "replication",
    "metrics",
    "notifications",
    "matchers",
    "node_config",
    "firewall",
    "sdn",
    "sdn_zones",
    "sdn_controllers",
    "sdn_vnets",
    "sdn_subnets",
    "qemu",
    "acme",
    "node_certificates",
    "ceph",
    "ceph_daemons",
    "ceph_osd",
    "ceph_pool",
    "ceph_cluster",
)
"""The modules of pvestandin.api that declare endpoints."""

Permission = str | Sequence[Any] | None
Params = str | dict[str, Any] | Callable[[], "str | dict[str, Any]"]
"""Words, a schema, or a function that returns one: what depends on the release is known only when a call comes."""
Handler = Callable[["Context", dict[str, Any]], Any]


@dataclass
class Context:
    """Who asks, where, and what else goes into the answer."""

    user: str
    """root@pam, or for a token root@pam!name."""
    node: str
    cli: bool = False
    """Called by a command instead of the API: tasks run in the foreground."""
    ticket: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    """Beside `data` in the answer: total."""

    @property
    def owner(self) -> str:
        """The user, also when a token asks."""
        return self.user.split("!", 1)[0]


@dataclass(frozen=True)
class Endpoint:
    method: str
    path: str
    handler: Handler
    permission: Permission
    declared: Params
    proxyto: str | None
    pattern: re.Pattern[str]

    @property
    def params(self) -> dict[str, Any]:
        """The schema of the parameters as declared, those of the path included."""
        declared = self.declared() if callable(self.declared) else self.declared
        table = _declared(declared) if isinstance(declared, str) else dict(declared)
        for name in re.findall(r"{([^}]+)}", self.path):
            table.setdefault(name, {"type": "string"})
        return table


class Table:
    """The endpoints of one API: Proxmox VE's below, and pbsstandin has its own."""

    def __init__(self, package: str, modules: Sequence[str]) -> None:
        """`modules` are those of the Python package that declare endpoints."""
        self._package = package
        self._modules = modules
        self._entries: dict[tuple[str, str], Endpoint] = {}

    def endpoint(
        self, method: str, path: str, *, permission: Permission = None, params: Params = "", proxyto: str | None = None
    ) -> Callable[[Handler], Handler]:
        """Register a handler. `proxyto` names the parameter that holds the node which has to answer."""

        def register(handler: Handler) -> Handler:
            key = (method, path)
            if key in self._entries:
                raise ValueError(f"{method} {path} is declared twice")
            self._entries[key] = Endpoint(method, path, handler, permission, params, proxyto, _pattern(path))
            return handler

        return register

    def load(self) -> None:
        """Import every module with endpoints."""
        for name in self._modules:
            if find_spec(f"{self._package}.{name}"):
                import_module(f"{self._package}.{name}")

    def endpoints(self) -> list[Endpoint]:
        return list(self._entries.values())

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        """The endpoint and the parameters in the path; a fixed name wins over a placeholder."""
        clean = "/" + "/".join(part for part in path.split("/") if part)
        exact = self._entries.get((method, clean))
        if exact and "{" not in exact.path:
            return exact, {}
        for candidate in sorted(self._entries.values(), key=lambda entry: (entry.path.count("{"), entry.path)):
            match = candidate.pattern.fullmatch(clean) if candidate.method == method else None
            if match:
                return candidate, {name.replace("__", "-"): value for name, value in match.groupdict().items()}
        return None


_TYPES = {"string", "boolean", "integer", "number", "array"}


def _declared(words: str) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for word in words.split():
        name, _unused, kind = word.replace("!", "").partition(":")
        entry: dict[str, Any] = {"type": kind if kind in _TYPES else "integer" if kind == "pve-vmid" else "string"}
        if kind and kind not in _TYPES:
            entry["format"] = kind
        if kind == "array":
            entry["items"] = {"type": "string"}
        if "!" not in word:
            entry["optional"] = 1
        table[name] = entry
    return table


def _pattern(path: str) -> re.Pattern[str]:
    # Networks hold a slash; pool names and some other last components do so in no release that is served here.
    return re.compile(
        "".join(
            f"(?P<{part[1:-1].replace('-', '__')}>{'.+' if part == '{cidr}' else '[^/]+'})"
            if part.startswith("{")
            else re.escape(part)
            for part in re.split(r"({[^}]+})", path)
        )
    )


_TABLE = Table(f"{__package__}.api", MODULES)
endpoint = _TABLE.endpoint
load = _TABLE.load
endpoints = _TABLE.endpoints


def find(method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
    """As Table.find. Raises 501."""
    found = _TABLE.find(method, path)
    if found is None:
        raise errors.not_implemented(method, path)
    return found
