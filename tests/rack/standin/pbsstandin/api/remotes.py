"""Remotes (src/api2/config/remote.rs). The password lies in remote.cfg in base64, and no answer shows it."""

from __future__ import annotations

import base64
from typing import Any

from .. import acl, kinds, remote
from ..errors import bad_parameter
from ..table import ANYBODY, Context, endpoint, privilege
from ..table_config import Kind

_FIELDS = "port:integer fingerprint:fingerprint comment:comment use-node-proxy:boolean"
_NAME = "/config/remote/{name}"
REMOTE = Kind(
    kinds.REMOTE,
    "remote",
    "name",
    "remote",
    hidden=("password",),
    may_see=lambda ctx, item: acl.Permissions().has(ctx.user, ["remote", item["name"]], "Remote.Audit"),
)


def _encoded(params: dict[str, Any]) -> dict[str, Any]:
    if "password" not in params:
        return params
    return {**params, "password": base64.b64encode(params["password"].encode()).decode()}


@endpoint("GET", "/config/remote", permission=ANYBODY)
def list_remotes(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return REMOTE.listing(ctx)


@endpoint(
    "POST",
    "/config/remote",
    permission=privilege("remote", "Remote.Modify"),
    params=f"name!:safe-id host! auth-id!:authid password! {_FIELDS}",
)
def create_remote(ctx: Context, params: dict[str, Any]) -> None:
    REMOTE.create(ctx, _encoded(params))


@endpoint("GET", _NAME, permission=privilege("remote/{name}", "Remote.Audit"), params="name!:safe-id")
def read_remote(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return REMOTE.read(ctx, params["name"])


@endpoint(
    "PUT",
    _NAME,
    permission=privilege("remote/{name}", "Remote.Modify"),
    params=f"name!:safe-id host auth-id:authid password {_FIELDS} delete:array digest:digest",
)
def update_remote(ctx: Context, params: dict[str, Any]) -> None:
    REMOTE.update(ctx, _encoded(params))


@endpoint("DELETE", _NAME, permission=privilege("remote/{name}", "Remote.Modify"), params="name!:safe-id digest:digest")
def delete_remote(ctx: Context, params: dict[str, Any]) -> None:
    name = params["name"]
    for job, data in kinds.SYNC.read().all("sync").items():
        if data.get("remote") == name:
            message = f"remote '{name}' is used by sync job '{job}' (datastore '{data['store']}')"
            raise bad_parameter("name", message)
    REMOTE.delete(ctx, name, params.get("digest"))


@endpoint("GET", f"{_NAME}/scan", permission=privilege("remote/{name}", "Remote.Audit"), params="name!:safe-id")
def scan(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return remote.datastores(params["name"])


@endpoint(
    "GET",
    f"{_NAME}/scan/{{store}}/namespaces",
    permission=privilege("remote/{name}", "Remote.Audit"),
    params="name!:safe-id store!:safe-id",
)
def scan_namespaces(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = remote.call(params["name"], f"/api2/json/admin/datastore/{params['store']}/namespace")
    return found
