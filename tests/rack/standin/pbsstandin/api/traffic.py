"""Traffic control rules (src/api2/config/traffic_control.rs)."""

from __future__ import annotations

from typing import Any

from .. import kinds
from ..table import Context, endpoint, privilege
from ..table_config import Kind

_FIELDS = f"timeframe:array users:array comment:comment {kinds.LIMITS}"
_NAME = "/config/traffic-control/{name}"
_AUDIT, _MODIFY = privilege("", "Sys.Audit"), privilege("", "Sys.Modify")
RULE = Kind(kinds.TRAFFIC, "rule", "name", "traffic control rule")


@endpoint("GET", "/config/traffic-control", permission=_MODIFY)
def list_rules(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return RULE.listing(ctx)


@endpoint("POST", "/config/traffic-control", permission=_MODIFY, params=f"name!:safe-id network!:array {_FIELDS}")
def create_rule(ctx: Context, params: dict[str, Any]) -> None:
    RULE.create(ctx, params)


@endpoint("GET", _NAME, permission=_AUDIT, params="name!:safe-id")
def read_rule(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return RULE.read(ctx, params["name"])


@endpoint("PUT", _NAME, permission=_MODIFY, params=f"name!:safe-id network:array {_FIELDS} delete:array digest:digest")
def update_rule(ctx: Context, params: dict[str, Any]) -> None:
    RULE.update(ctx, params)


@endpoint("DELETE", _NAME, permission=_MODIFY, params="name!:safe-id digest:digest")
def delete_rule(ctx: Context, params: dict[str, Any]) -> None:
    RULE.delete(ctx, params["name"], params.get("digest"))


@endpoint("GET", "/admin/traffic-control", permission=_AUDIT)
def list_rates(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**rule, "cur-rate-in": 0, "cur-rate-out": 0} for rule in RULE.listing(ctx)]
