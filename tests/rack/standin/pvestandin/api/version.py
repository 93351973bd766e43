"""GET /version and the index of the tree."""

from __future__ import annotations

from typing import Any

from .. import paths, pvefiles
from ..registry import ALL, Context, endpoint


@endpoint("GET", "/version", permission=ALL)
def version(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    known = paths.version()
    answer = {key: known[key] for key in ("version", "release", "repoid")}
    console = [
        line.partition(":")[2].strip()
        for line in pvefiles.read("datacenter.cfg").splitlines()
        if line.startswith("console:")
    ]
    return {**answer, "console": console[0]} if console else answer


@endpoint("GET", "/", permission=ALL)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"subdir": name} for name in ("cluster", "nodes", "storage", "access", "pools", "version")]
