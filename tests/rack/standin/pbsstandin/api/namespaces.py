"""Namespaces of a datastore (src/api2/admin/namespace.rs)."""

from __future__ import annotations

from typing import Any

from .. import access, acl, release, stores
from ..errors import forbidden, refused
from ..table import ANYBODY, Context, endpoint

_PATH = "/admin/datastore/{store}/namespace"
_SEEN = ("Datastore.Audit", "Datastore.Modify", "Datastore.Backup")


@endpoint("GET", _PATH, permission=ANYBODY, params="store!:safe-id parent:namespace max-depth:depth")
def list_namespaces(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    """The parent itself and what is below it, as far as the caller may see it."""
    name, known = params["store"], acl.Permissions()
    store = stores.lookup(name)
    found = [
        {"ns": ns}
        for ns in store.namespaces(params.get("parent", ""), params.get("max-depth", stores.MAX_DEPTH))
        if known.has(ctx.user, access.ns_path(name, ns), *_SEEN)
    ]
    if not found:
        raise forbidden()
    return found


@endpoint("POST", _PATH, permission=ANYBODY, params="store!:safe-id name! parent:namespace")
def create_namespace(ctx: Context, params: dict[str, Any]) -> str:
    parent = params.get("parent", "")
    ns = f"{parent}/{params['name']}".lstrip("/")
    access.check_ns_change(ctx, params["store"], ns)
    return stores.create_namespace(stores.lookup(params["store"], "write"), parent, params["name"])


@endpoint(
    "DELETE",
    _PATH,
    permission=ANYBODY,
    params="store!:safe-id ns!:namespace delete-groups:boolean error-on-protected:boolean",
)
def delete_namespace(ctx: Context, params: dict[str, Any]) -> dict[str, int] | None:
    access.check_ns_change(ctx, params["store"], params["ns"])
    store = stores.lookup(params["store"], "write")
    groups = params.get("delete-groups", False)
    whole, counted = stores.remove_namespace(store, params["ns"], groups=groups)
    if not whole and not groups:
        raise refused("only partially deleted due to existing groups but `delete-groups` not true ")
    if not whole and params.get("error-on-protected", True):
        raise refused("group only partially deleted due to protected snapshots")
    return counted if release.major() >= 4 else None
