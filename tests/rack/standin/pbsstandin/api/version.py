"""What answers without touching anything."""

from __future__ import annotations

from typing import Any

from .. import release
from ..table import ANYBODY, WORLD, Context, endpoint


@endpoint("GET", "/version", permission=ANYBODY)
def version(ctx: Context, params: dict[str, Any]) -> dict[str, str]:
    return {name: release.version()[name] for name in ("version", "release", "repoid")}


@endpoint("GET", "/ping", permission=WORLD)
def ping(ctx: Context, params: dict[str, Any]) -> dict[str, bool]:
    return {"pong": True}
