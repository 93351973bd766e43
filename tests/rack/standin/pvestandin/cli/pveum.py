"""pveum: users, groups, roles, permissions, realms, pools (PVE/CLI/pveum.pm)."""

from __future__ import annotations

import sys

from .. import registry
from ..commandline import Command, run

_USER = "/access/users/{userid}"
_TOKEN = _USER + "/token/{tokenid}"
_BOTH = ("userid", "tokenid")


def _resource(name: str, path: str, key: str, secret: str | None = None) -> dict[str, Command]:
    """add, modify, delete, list of one kind."""
    one = f"{path}/{{{key}}}"
    return {
        f"{name} add": Command("POST", path, (key,), asked=secret),
        f"{name} modify": Command("PUT", one, (key,)),
        f"{name} delete": Command("DELETE", one, (key,)),
        f"{name} list": Command("GET", path, show="result"),
    }


COMMANDS: dict[str, Command] = {
    **_resource("user", "/access/users", "userid", "password"),
    **_resource("group", "/access/groups", "groupid"),
    **_resource("role", "/access/roles", "roleid"),
    **_resource("realm", "/access/domains", "realm"),
    "realm sync": Command("POST", "/access/domains/{realm}/sync", ("realm",)),
    "user permissions": Command("GET", "/access/permissions", ("userid",), show="result"),
    "user token add": Command("POST", _TOKEN, _BOTH, show="result"),
    "user token modify": Command("PUT", _TOKEN, _BOTH, show="result"),
    "user token delete": Command("DELETE", _TOKEN, _BOTH, show="result"),
    "user token list": Command("GET", _USER + "/token", ("userid",), show="result"),
    "acl modify": Command("PUT", "/access/acl", ("path",), {"delete": "0"}),
    "acl delete": Command("PUT", "/access/acl", ("path",), {"delete": "1"}),
    "acl list": Command("GET", "/access/acl", show="result"),
    "pool add": Command("POST", "/pools", ("poolid",)),
    "pool modify": Command("PUT", "/pools", ("poolid",)),
    "pool delete": Command("DELETE", "/pools", ("poolid",)),
    "pool list": Command("GET", "/pools", show="result"),
    "ticket": Command(
        "POST", "/access/ticket", ("username",), asked="password", show=lambda data: print(data["ticket"])
    ),
    "passwd": Command("PUT", "/access/password", ("userid",), asked="password"),
}
_ALIASES = {
    "useradd": "user add",
    "usermod": "user modify",
    "userdel": "user delete",
    "groupadd": "group add",
    "groupmod": "group modify",
    "groupdel": "group delete",
    "roleadd": "role add",
    "rolemod": "role modify",
    "roledel": "role delete",
    "aclmod": "acl modify",
    "acldel": "acl delete",
    "user token remove": "user token delete",
}
COMMANDS |= {alias: COMMANDS[name] for alias, name in _ALIASES.items()}


def main() -> int:
    registry.load()
    return run("pveum", COMMANDS, sys.argv[1:])
