"""S3 endpoints, since 4 (s3.cfg). The secret key is in no answer. No bucket is ever asked."""

from __future__ import annotations

from typing import Any

from .. import acl, kinds
from ..errors import bad_parameter
from ..formats import property_string
from ..table import ANYBODY, Context, endpoint, privilege
from ..table_config import Kind

_FIELDS = (
    f"region fingerprint:fingerprint port:integer path-style:boolean put-rate-limit:integer {kinds.LIMITS} "
    "provider-quirks:array"
)
_ID = "/config/s3/{id}"
ENDPOINT = Kind(
    kinds.S3,
    "s3-endpoint",
    "id",
    "s3 endpoint",
    hidden=("secret-key",),
    may_see=lambda ctx, item: acl.Permissions().has(ctx.user, ["system", "s3-endpoint", item["id"]], "Sys.Audit"),
)


@endpoint("GET", "/config/s3", permission=ANYBODY)
def list_endpoints(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return ENDPOINT.listing(ctx)


@endpoint(
    "POST",
    "/config/s3",
    permission=privilege("system/s3-endpoint", "Sys.Modify"),
    params=f"id!:safe-id endpoint! access-key! secret-key! {_FIELDS}",
)
def create_endpoint(ctx: Context, params: dict[str, Any]) -> None:
    ENDPOINT.create(ctx, params)


@endpoint("GET", _ID, permission=privilege("system/s3-endpoint/{id}", "Sys.Audit"), params="id!:safe-id")
def read_endpoint(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return ENDPOINT.read(ctx, params["id"])


@endpoint(
    "PUT",
    _ID,
    permission=privilege("system/s3-endpoint/{id}", "Sys.Modify"),
    params=f"id!:safe-id endpoint access-key secret-key {_FIELDS} delete:array digest:digest",
)
def update_endpoint(ctx: Context, params: dict[str, Any]) -> None:
    ENDPOINT.update(ctx, params)


@endpoint(
    "DELETE", _ID, permission=privilege("system/s3-endpoint/{id}", "Sys.Modify"), params="id!:safe-id digest:digest"
)
def delete_endpoint(ctx: Context, params: dict[str, Any]) -> None:
    name = params["id"]
    for store, data in kinds.DATASTORE.read().all("datastore").items():
        if property_string("backend", data.get("backend", "")).get("client") == name:
            raise bad_parameter("id", f"in-use by datastore {store}")
    ENDPOINT.delete(ctx, name, params.get("digest"))
