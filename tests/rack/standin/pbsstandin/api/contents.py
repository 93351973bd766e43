"""What is in a datastore: groups, snapshots, owners, notes, protection (src/api2/admin/datastore.rs)."""

from __future__ import annotations

import shutil
from typing import Any

from .. import access, acl, files, garbage, kinds, manifests, release, stores, users
from ..errors import forbidden, refused
from ..table import ANYBODY, Context, endpoint

_STORE = "/admin/datastore/{store}"
_GROUP = "backup-type!:backup-type backup-id!:backup-id"
_SNAPSHOT = f"store!:safe-id ns:namespace {_GROUP} backup-time!:integer"


@endpoint("GET", "/admin/datastore", permission=ANYBODY)
def list_datastores(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that the caller has anything to do with, also only in a namespace."""
    known = acl.Permissions()
    found = []
    for name, data in kinds.DATASTORE.read().all("datastore").items():
        here = known.has(ctx.user, ["datastore", name], "Datastore.Audit", "Datastore.Backup")
        if here or _any_namespace(ctx, known, stores.Store(name, data)):
            entry = {"store": name, **{key: data[key] for key in ("comment",) if key in data}}
            if data.get("maintenance-mode"):
                entry["maintenance"] = data["maintenance-mode"]
            if release.major() >= 4:
                entry |= {"mount-status": "nonremovable", "backend-type": stores.backend(data)}
            found.append(entry)
    return found


def _any_namespace(ctx: Context, known: acl.Permissions, store: stores.Store) -> bool:
    privileges = ("Datastore.Audit", "Datastore.Modify", "Datastore.Read", "Datastore.Backup")
    return store.base.is_dir() and any(
        known.has(ctx.user, access.ns_path(store.name, ns), *privileges) for ns in store.namespaces()
    )


@endpoint("GET", f"{_STORE}/status", permission=ANYBODY, params="store!:safe-id verbose:boolean")
def status(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Who has rights in a namespace only gets zeros: the datastore is there."""
    known, path = acl.Permissions(), ["datastore", params["store"]]
    whole = known.has(ctx.user, path, "Datastore.Audit", "Datastore.Backup")
    if not whole and not known.has(ctx.user, path, "Datastore.Read") and not known.any_below(ctx.user, path):
        raise forbidden()
    store = stores.lookup(params["store"])
    found: dict[str, Any] = stores.usage(store) if whole else {"total": 0, "used": 0, "avail": 0}
    if release.major() >= 4:
        found["backend-type"] = stores.backend(store.config)
    if params.get("verbose"):
        found["counts"] = _counts(store)
        if whole:
            found["gc-status"] = garbage.counted(store)
    return found


def _counts(store: stores.Store) -> dict[str, dict[str, int]]:
    counted: dict[str, dict[str, int]] = {}
    for ns in store.namespaces():
        for group in store.groups(ns):
            entry = counted.setdefault(group.type, {"groups": 0, "snapshots": 0})
            entry["groups"] += 1
            entry["snapshots"] += len(group.snapshots())
    return counted


@endpoint("GET", f"{_STORE}/groups", permission=ANYBODY, params="store!:safe-id ns:namespace")
def list_groups(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    ns = params.get("ns", "")
    limited = access.check(ctx, params["store"], ns, ("Datastore.Audit",), ("Datastore.Backup",))
    found = []
    for group in _groups(stores.lookup(params["store"]), ns):
        snapshots = group.snapshots()
        if snapshots and not (limited and not access.owns(group.owner(), ctx.user)):
            last = ([snapshot for snapshot in snapshots if snapshot.finished] or snapshots)[-1]
            found.append(
                {
                    "backup-type": group.type,
                    "backup-id": group.id,
                    "last-backup": last.time,
                    "backup-count": len(snapshots),
                    "files": sorted(entry.name for entry in last.directory.iterdir() if entry.name != ".protected"),
                    "owner": group.owner(),
                }
            )
    return found


def _groups(store: stores.Store, ns: str) -> list[stores.Group]:
    if not store.ns_path(ns).is_dir():
        raise refused(f"namespace '{ns}' does not exist")
    return store.groups(ns)


@endpoint(
    "DELETE",
    f"{_STORE}/groups",
    permission=ANYBODY,
    params=f"store!:safe-id ns:namespace {_GROUP} error-on-protected:boolean",
)
def delete_group(ctx: Context, params: dict[str, Any]) -> dict[str, int] | None:
    group = _group(ctx, params, ("Datastore.Modify",), ("Datastore.Prune",))
    removed, protected = stores.remove_group(group)
    if protected and params.get("error-on-protected", True):
        raise refused("group only partially deleted due to protected snapshots")
    if release.major() < 4:
        return None
    return {"removed-groups": int(not protected), "protected-snapshots": protected, "removed-snapshots": removed}


def _group(ctx: Context, params: dict[str, Any], full: tuple[str, ...], limited: tuple[str, ...]) -> stores.Group:
    """The group of the parameters, for who may change it or owns it."""
    ns = params.get("ns", "")
    only_own = access.check(ctx, params["store"], ns, full, limited)
    group = stores.lookup(params["store"], "write").group(ns, params["backup-type"], params["backup-id"])
    if only_own:
        access.check_owner(group, ctx.user)
    return group


@endpoint(
    "GET",
    f"{_STORE}/snapshots",
    permission=ANYBODY,
    params="store!:safe-id ns:namespace backup-type:backup-type backup-id:backup-id",
)
def list_snapshots(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    ns = params.get("ns", "")
    limited = access.check(ctx, params["store"], ns, ("Datastore.Audit",), ("Datastore.Backup",))
    found = []
    for group in _groups(stores.lookup(params["store"]), ns):
        if params.get("backup-type", group.type) != group.type or params.get("backup-id", group.id) != group.id:
            continue
        if limited and not access.owns(group.owner(), ctx.user):
            continue
        found += [_shown(snapshot, group.owner()) for snapshot in group.snapshots()]
    return found


def _shown(snapshot: stores.Snapshot, owner: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "backup-type": snapshot.type,
        "backup-id": snapshot.id,
        "backup-time": snapshot.time,
        "owner": owner,
        "protected": snapshot.protected,
    }
    try:
        manifest = manifests.read(snapshot.directory)
    except (OSError, ValueError):
        present = sorted(file.name for file in snapshot.directory.iterdir() if not file.name.startswith("."))
        return {**entry, "files": [{"filename": name} for name in present]}
    unprotected = manifest.get("unprotected", {})
    size = (snapshot.directory / manifests.NAME).stat().st_size
    listed = [{key: file[key] for key in ("filename", "crypt-mode", "size")} for file in manifest["files"]]
    entry["files"] = [*listed, {"filename": manifests.NAME, "crypt-mode": "none", "size": size}]
    entry["size"] = sum(file["size"] for file in entry["files"])
    if unprotected.get("notes"):
        entry["comment"] = unprotected["notes"].splitlines()[0]
    if unprotected.get("verify_state"):
        entry["verification"] = unprotected["verify_state"]
    return entry


@endpoint("DELETE", f"{_STORE}/snapshots", permission=ANYBODY, params=_SNAPSHOT)
def delete_snapshot(ctx: Context, params: dict[str, Any]) -> None:
    _group(ctx, params, ("Datastore.Modify",), ("Datastore.Prune",))
    snapshot = stores.lookup(params["store"], "write").snapshot(params)
    if snapshot.protected:
        raise refused(f'cannot remove protected snapshot "{snapshot.name}"')
    shutil.rmtree(snapshot.directory)


@endpoint("GET", f"{_STORE}/notes", permission=ANYBODY, params=_SNAPSHOT)
def read_notes(ctx: Context, params: dict[str, Any]) -> str:
    _group(ctx, params, ("Datastore.Audit",), ("Datastore.Backup",))
    manifest = manifests.read(stores.lookup(params["store"]).snapshot(params).directory)
    return str(manifest.get("unprotected", {}).get("notes", ""))


@endpoint("PUT", f"{_STORE}/notes", permission=ANYBODY, params=f"{_SNAPSHOT} notes!")
def write_notes(ctx: Context, params: dict[str, Any]) -> None:
    _group(ctx, params, ("Datastore.Modify",), ("Datastore.Backup",))
    directory = stores.lookup(params["store"], "write").snapshot(params).directory
    manifest = manifests.read(directory)
    manifest.setdefault("unprotected", {})["notes"] = params["notes"]
    manifests.write(directory, manifest)


@endpoint("GET", f"{_STORE}/protected", permission=ANYBODY, params=_SNAPSHOT)
def read_protection(ctx: Context, params: dict[str, Any]) -> bool:
    _group(ctx, params, ("Datastore.Audit",), ("Datastore.Backup",))
    return stores.lookup(params["store"]).snapshot(params).protected


@endpoint("PUT", f"{_STORE}/protected", permission=ANYBODY, params=f"{_SNAPSHOT} protected!:boolean")
def write_protection(ctx: Context, params: dict[str, Any]) -> None:
    _group(ctx, params, ("Datastore.Modify",), ("Datastore.Backup",))
    marker = stores.lookup(params["store"], "write").snapshot(params).directory / ".protected"
    if params["protected"]:
        marker.touch()
        files.own(marker)
    else:
        marker.unlink(missing_ok=True)


@endpoint(
    "POST",
    f"{_STORE}/change-owner",
    permission=ANYBODY,
    params=f"store!:safe-id ns:namespace {_GROUP} new-owner!:authid",
)
def change_owner(ctx: Context, params: dict[str, Any]) -> None:
    group = _group(ctx, params, ("Datastore.Modify",), ("Datastore.Backup",))
    if not users.is_active(params["new-owner"], users.read()):
        kind = "API token" if users.is_token(params["new-owner"]) else "user"
        raise refused(f"{kind} '{params['new-owner']}' is inactive or non-existent")
    group.set_owner(params["new-owner"])
