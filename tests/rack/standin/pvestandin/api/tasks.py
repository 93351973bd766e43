"""/nodes/{node}/tasks (PVE/API2/Tasks.pm)."""

from __future__ import annotations

import os
import re
import signal
from typing import Any

from .. import tasklist, tasks
from ..errors import Failure, bad_parameters
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..text import split_list, truth

_NODE = "node:pve-node!"


@endpoint(
    "GET",
    "/nodes/{node}/tasks",
    permission=ALL,
    proxyto="node",
    params=f"{_NODE} start:integer limit:integer userfilter typefilter vmid:pve-vmid errors:boolean source "
    "since:integer until:integer statusfilter:pve-task-status-type-list",
)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    source = params.get("source") or "archive"
    found = []
    if source in ("active", "all"):
        found += [{"status": "RUNNING", **entry} for entry in tasklist.update() if "endtime" not in entry]
    if source != "active":
        found += tasklist.ended()
    auditor = Permissions().allowed(ctx.user, f"/nodes/{ctx.node}", ["Sys.Audit"])
    found = [entry for entry in found if _wanted(entry, params) and (auditor or _owns(ctx.user, entry))]
    start, limit = int(params.get("start") or 0), int(params.get("limit", 50))
    ctx.attributes["total"] = len(found)
    return found[start : start + limit]


def _owns(user: str, entry: dict[str, Any]) -> bool:
    return user in (entry["user"], f"{entry['user']}!{entry.get('tokenid', '')}")


def _wanted(entry: dict[str, Any], params: dict[str, Any]) -> bool:
    kind = _status_type(entry.get("status", ""))
    shown = (
        {"warning", "error", "unknown"}
        if truth(params.get("errors"))
        else {item.lower() for item in split_list(params.get("statusfilter"))} or {"ok", "warning", "error", "unknown"}
    )
    return all(
        (
            str(params.get("userfilter") or "").lower() in entry["user"].lower(),
            params.get("typefilter") in (None, entry["type"]),
            params.get("vmid") is None or str(params["vmid"]) == entry["id"],
            entry["starttime"] >= int(params.get("since") or 0),
            params.get("until") is None or entry["starttime"] <= int(params["until"]),
            kind in shown,
        )
    )


def _status_type(status: str) -> str:
    if not status or status == "unexpected status":
        return "unknown"
    if status == "OK":
        return "ok"
    return "warning" if re.fullmatch(r"WARNINGS: \d+", status) else "error"


def _task(ctx: Context, params: dict[str, Any], needed: str) -> tasks.Task:
    try:
        task = tasks.decode(params["upid"])
    except Failure as error:
        raise bad_parameters({"upid": "unable to parse worker upid"}) from error
    if not task.log.exists():
        raise bad_parameters({"upid": "no such task"})
    if not _owns(ctx.user, task.entry()):
        Permissions().check(ctx.user, f"/nodes/{ctx.node}", [needed])
    return task


@endpoint("GET", "/nodes/{node}/tasks/{upid}", permission=ALL, params=f"{_NODE} upid!")
def subdirectories(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": "log"}, {"name": "status"}]


@endpoint("GET", "/nodes/{node}/tasks/{upid}/status", permission=ALL, params=f"{_NODE} upid!", proxyto="node")
def status(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    task = _task(ctx, params, "Sys.Audit")
    if task.running:
        return {**task.entry(), "status": "running"}
    return {**task.entry(), "status": "stopped", "exitstatus": task.result()}


@endpoint(
    "GET",
    "/nodes/{node}/tasks/{upid}/log",
    permission=ALL,
    proxyto="node",
    params=f"{_NODE} upid! start:integer limit:integer download:boolean",
)
def log(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    lines = _task(ctx, params, "Sys.Audit").log.read_text(errors="replace").splitlines()
    ctx.attributes["total"] = len(lines)
    start, limit = int(params.get("start") or 0), int(params.get("limit", 50)) or len(lines)
    shown = lines[start : start + limit]
    return [{"n": start + number, "t": line} for number, line in enumerate(shown, 1)] or [{"n": 1, "t": "no content"}]


@endpoint("DELETE", "/nodes/{node}/tasks/{upid}", permission=ALL, params=f"{_NODE} upid!", proxyto="node")
def stop(ctx: Context, params: dict[str, Any]) -> None:
    task = _task(ctx, params, "Sys.Modify")
    if task.running:
        os.killpg(task.pid, signal.SIGTERM)
