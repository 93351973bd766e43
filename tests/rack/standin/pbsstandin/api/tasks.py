"""Tasks: list, status, log (src/api2/node/tasks.rs)."""

from __future__ import annotations

from typing import Any

from .. import acl, tasks, users
from ..errors import refused
from ..table import ANYBODY, Context, endpoint

_PATH = "/nodes/{node}/tasks"
_UPID = f"{_PATH}/{{upid}}"


def _may_see(ctx: Context, task: tasks.Task) -> bool:
    mine = task.user == ctx.user or (users.is_token(task.user) and users.owner(task.user) == ctx.user)
    return mine or acl.Permissions().has(ctx.user, ["system", "tasks"], "Sys.Audit") or _of_own_store(ctx, task)


def _of_own_store(ctx: Context, task: tasks.Task) -> bool:
    """Who may run a job of a datastore may see how it ran."""
    wanted = {
        "garbage_collection": "Datastore.Modify",
        "prune": "Datastore.Modify",
        "prunejob": "Datastore.Modify",
        "verificationjob": "Datastore.Verify",
    }.get(task.type)
    store = task.id.split(":")[0]
    return wanted is not None and acl.Permissions().has(ctx.user, ["datastore", store], wanted)


def _task(ctx: Context, upid: str) -> tasks.Task:
    task = tasks.decode(upid)
    if not _may_see(ctx, task):
        raise refused(f"no permissions to access task '{upid}'")
    return task


@endpoint(
    "GET",
    _PATH,
    permission=ANYBODY,
    params="node! start:natural limit:natural errors:boolean running:boolean userfilter since:integer until:integer "
    "typefilter statusfilter:array store:safe-id",
)
def list_tasks(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    found = [task.entry() for task in tasks.listing() if _may_see(ctx, task)]
    found = [entry for entry in found if _wanted(entry, params)]
    start, limit = params.get("start", 0), params.get("limit", 50)
    ctx.attributes["total"] = len(found)
    return found[start : start + limit] if limit else found[start:]


def _wanted(entry: dict[str, Any], params: dict[str, Any]) -> bool:
    status = entry.get("status")
    kind = None if status is None else _kind(status)
    return not (
        (params.get("running") and status is not None)
        or (params.get("errors") and status == "OK")
        or (params.get("statusfilter") and kind not in params["statusfilter"])
        or params.get("userfilter", "") not in entry["user"]
        or params.get("typefilter", "") not in entry["worker_type"]
        or entry["starttime"] > params.get("until", entry["starttime"])
        or entry["starttime"] < params.get("since", entry["starttime"])
        or ("store" in params and params["store"] not in (entry["worker_id"] or "").split(":"))
    )


def _kind(status: str) -> str:
    return (
        "ok"
        if status == "OK"
        else "unknown"
        if status == "unknown"
        else "warning"
        if status[:9] == "WARNINGS:"
        else "error"
    )


@endpoint("GET", f"{_UPID}/status", permission=ANYBODY, params="node! upid!")
def task_status(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    task = _task(ctx, params["upid"])
    user, _unused, token = task.user.partition("!")
    found: dict[str, Any] = {
        "upid": task.upid,
        "node": task.node,
        "pid": task.pid,
        "pstart": task.pstart,
        "starttime": task.starttime,
        "type": task.type,
        "id": task.id or None,
        "user": user,
        "status": "running",
        **({"tokenid": token} if token else {}),
    }
    if not task.running:
        when, result = task.result()
        found |= {"status": "stopped", "exitstatus": result, "endtime": when}
    return found


@endpoint(
    "GET",
    f"{_UPID}/log",
    permission=ANYBODY,
    params="node! upid! start:natural limit:natural download:boolean test-status:boolean",
)
def task_log(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    task = _task(ctx, params["upid"])
    lines = task.log.read_text(errors="replace").splitlines()
    start, limit = params.get("start", 0), params.get("limit", 50)
    numbered = [{"n": number, "t": line} for number, line in enumerate(lines, 1) if number >= start]
    ctx.attributes.update(total=len(lines), success=1)
    if params.get("test-status"):
        ctx.attributes["active"] = task.running
    return numbered[:limit] if limit else numbered


@endpoint("DELETE", _UPID, permission=ANYBODY, params="node! upid!")
def stop_task(ctx: Context, params: dict[str, Any]) -> None:
    tasks.stop(_task(ctx, params["upid"]).upid)
