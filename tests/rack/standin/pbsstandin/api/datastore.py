"""The configuration of datastores (src/api2/config/datastore.rs)."""

from __future__ import annotations

import shutil
import uuid
from pathlib import PurePosixPath
from typing import Any

from pvestandin import paths

from .. import acl, files, formats, jobs, kinds, stores, tasks
from ..errors import bad_parameter, not_found, refused
from ..prune import KEEP_OPTIONS
from ..table import ANYBODY, Context, endpoint, privilege
from ..table_config import Kind
from . import prune_jobs, sync_jobs, verify_jobs

_FIELDS = (
    f"comment:comment gc-schedule prune-schedule {kinds.KEEP} verify-new:boolean notify-user:userid notify "
    "notification-mode tuning maintenance-mode gc-on-unmount:boolean notification-thresholds counter-reset-schedule"
)
_NAME = "/config/datastore/{name}"
_MOVED = "datastore prune settings have been replaced by prune jobs"
DATASTORE = Kind(
    kinds.DATASTORE,
    "datastore",
    "name",
    "datastore",
    may_see=lambda ctx, item: acl.Permissions().has(ctx.user, ["datastore", item["name"]], "Datastore.Audit"),
)


@endpoint("GET", "/config/datastore", permission=ANYBODY)
def list_datastores(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return DATASTORE.listing(ctx)


@endpoint(
    "POST",
    "/config/datastore",
    permission=privilege("datastore", "Datastore.Allocate"),
    params=f"name!:safe-id path! {_FIELDS} backing-device backend reuse-datastore:boolean overwrite-in-use:boolean",
)
def create_datastore(ctx: Context, params: dict[str, Any]) -> str:
    """The work is a task's; a prune schedule given here becomes a prune job."""
    data = dict(params)
    reuse, _unused = data.pop("reuse-datastore", False), data.pop("overwrite-in-use", None)
    name, path = data["name"], data["path"]
    known = kinds.DATASTORE.read()
    DATASTORE.check_new(known, name)
    _check_place(known.all("datastore"), path)
    _check_backend(data)
    prune = {key: data.pop(key) for key in ("prune-schedule", *KEEP_OPTIONS) if key in data}

    def work(worker: tasks.Worker) -> None:
        stores.create(name, path, reuse=reuse)
        for percent in range(1, 0 if reuse else 100):
            worker.log(f"Chunkstore create: {percent}%")
        DATASTORE.create(ctx, data)
        jobs.create(jobs.GARBAGE, name)
        if "prune-schedule" in prune:
            job = {"id": f"default-{name}-{uuid.uuid4()}"[:32], "store": name, "schedule": prune.pop("prune-schedule")}
            prune_jobs.create(ctx, {**job, **prune})
            worker.log(f"Prune job created: {job['id']}")

    return tasks.start(ctx, "create-datastore", name, work)


def _check_place(known: dict[str, dict[str, Any]], path: str) -> None:
    """A datastore lies in no other one, and its path is absolute."""
    if not path.startswith("/"):
        raise bad_parameter("path", f"expected an absolute path, '{path}' is not")
    here = PurePosixPath(path)
    for name, data in known.items():
        other = PurePosixPath(data["path"])
        if here == other or other in here.parents or here in other.parents:
            raise bad_parameter("path", f"nested datastores not allowed: '{name}' already in '{other}'")


def _check_backend(data: dict[str, Any]) -> None:
    backend = formats.property_string("backend", data.get("backend", ""))
    if backend.get("type") != "s3":
        return
    for key in ("client", "bucket"):
        if key not in backend:
            raise refused(f"missing {key} for s3 backend")
    kinds.S3.read().get("s3-endpoint", backend["client"])


@endpoint("GET", _NAME, permission=privilege("datastore/{name}", "Datastore.Audit"), params="name!:safe-id")
def read_datastore(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return DATASTORE.read(ctx, params["name"])


@endpoint(
    "PUT",
    _NAME,
    permission=privilege("datastore/{name}", "Datastore.Modify"),
    params=f"name!:safe-id {_FIELDS} delete:array digest:digest",
)
def update_datastore(ctx: Context, params: dict[str, Any]) -> None:
    def adjust(before: dict[str, Any], after: dict[str, Any]) -> None:
        for key in (*KEEP_OPTIONS, "prune-schedule"):
            if key in params:
                raise bad_parameter(key, _MOVED)
        if "notify" in params and not formats.property_string("notify", params["notify"]):
            after["notify"] = None
        mode = formats.property_string("maintenance-mode", before.get("maintenance-mode", ""))
        if mode.get("type") == "delete" and before.get("maintenance-mode") != after.get("maintenance-mode"):
            raise refused("datastore is being deleted")

    before, after = DATASTORE.update(ctx, params, adjust)
    if "gc-schedule" in params and before.get("gc-schedule") != after.get("gc-schedule"):
        jobs.rescheduled(jobs.GARBAGE, params["name"])


@endpoint(
    "DELETE",
    _NAME,
    permission=privilege("datastore/{name}", "Datastore.Allocate"),
    params="name!:safe-id keep-job-configs:boolean destroy-data:boolean digest:digest",
)
def delete_datastore(ctx: Context, params: dict[str, Any]) -> str:
    """Jobs and ACL entries go at once, unless they are to stay; the datastore goes in a task."""
    name = params["name"]
    known = kinds.DATASTORE.read()
    files.check_digest(params.get("digest"), known.digest)
    if name not in known.items:
        raise not_found(f"datastore '{name}' does not exist.")
    if not params.get("keep-job-configs"):
        _forget_jobs(ctx, name)

    def work(worker: tasks.Worker) -> None:
        _destroy(ctx, name, worker, data=params.get("destroy-data", False))
        jobs.forget(jobs.GARBAGE, name)

    return tasks.start(ctx, "delete-datastore", name, work)


def _forget_jobs(ctx: Context, store: str) -> None:
    for module in (verify_jobs, sync_jobs, prune_jobs):
        for name, data in module.JOB.file.read().all(module.JOB.type).items():
            if data["store"] == store:
                module.delete(ctx, name)
    with files.lock("acl"):
        known = acl.read()
        top = ["datastore", store]
        left = {entry: flag for entry, flag in known.entries.items() if acl.components(entry[0])[:2] != top}
        acl.write(acl.Acl(left))


def _destroy(ctx: Context, name: str, worker: tasks.Worker, *, data: bool) -> None:
    """Mark it as being deleted, remove its data if asked to, then its entry (pbs-datastore, datastore.rs, destroy)."""
    with files.lock(kinds.DATASTORE.lock):
        known = kinds.DATASTORE.read()
        config = {**known.get("datastore", name), "maintenance-mode": "type=delete"}
        known.set("datastore", name, config)
        kinds.DATASTORE.write(known)
    base = paths.at(config["path"])
    if data:
        worker.log("Deleting datastore data...")
        for entry in ("ns", "ct", "vm", "host", ".chunks"):
            if (base / entry).exists():
                shutil.rmtree(base / entry)
        for entry in (".gc-status", ".lock"):
            (base / entry).unlink(missing_ok=True)
    worker.log("Removing datastore from config...")
    DATASTORE.delete(ctx, name)
    if data:
        worker.log("Finished deleting data.")
        if any(base.iterdir()):
            worker.warn("Datastore directory not empty, not deleting.")
        else:
            base.rmdir()
            worker.log("Removed empty datastore directory.")
