"""The table of PBS's endpoints. As in pvestandin.registry, with permissions in the form of PBS's own schema:

    @endpoint("GET", "/config/remote/{name}", permission=privilege("remote/{name}", "Remote.Audit"), params="…")
    def read_remote(ctx: Context, params: dict[str, Any]) -> Any: ...

ANYBODY is whoever is logged in, and the handler looks closer; WORLD needs no login.
"""

from __future__ import annotations

from typing import Any

from pvestandin.registry import Context, Table

__all__ = ["ANYBODY", "SUPERUSER", "WORLD", "Context", "any_of", "endpoint", "own", "privilege"]

MODULES = (
    "version",
    "access",
    "users",
    "tokens",
    "acl",
    "datastore",
    "prune_jobs",
    "verify_jobs",
    "sync_jobs",
    "remotes",
    "traffic",
    "s3",
    "contents",
    "namespaces",
    "pruning",
    "garbage",
    "jobs",
    "tasks",
    "node",
    "disks",
)
ANYBODY: dict[str, Any] = {"user": "all"}
WORLD: dict[str, Any] = {"user": "world"}
SUPERUSER: dict[str, Any] | None = None
"""Nothing said means: root@pam alone."""

_TABLE = Table(f"{__package__}.api", MODULES)
endpoint = _TABLE.endpoint
load = _TABLE.load
endpoints = _TABLE.endpoints
find = _TABLE.find


def privilege(path: str, *names: str, partial: bool = False) -> dict[str, Any]:
    """All of the privileges on a path, or with `partial` one of them."""
    return {"check": {"partial": partial, "path": [part for part in path.split("/") if part], "privs": list(names)}}


def own(parameter: str) -> dict[str, Any]:
    """The user named by a parameter is the one who asks."""
    return {"userParam": parameter}


def any_of(*permissions: dict[str, Any]) -> dict[str, Any]:
    return {"or": list(permissions)}
