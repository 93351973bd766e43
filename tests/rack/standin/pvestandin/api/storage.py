"""/storage: the definitions (PVE/API2/Storage/Config.pm)."""

from __future__ import annotations

import re
from typing import Any

from .. import pvefiles, usercfg
from ..errors import Failure
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..section import Section
from ..storage import config, hooks, probe
from ..storage.types import properties, storage_types, updatable
from ..text import hash_order, split_list

_ID = {"storage": {"type": "string", "format": "pve-storage-id"}}
_SEEN = ["Datastore.Audit", "Datastore.AllocateSpace"]
_CHANGE = ["perm", "/storage", ["Datastore.Allocate"]]
_UPDATE = {
    "digest": {"type": "string", "optional": 1, "maxLength": 64},
    "delete": {"type": "string", "optional": 1, "format": "pve-configid-list", "maxLength": 4096},
}


def lock(what: str) -> Any:
    return pvefiles.lock_file(config.FILE, what)


@endpoint("GET", "/storage", permission=ALL, params="type")
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    sections, allowed = config.read(), Permissions()
    return [
        config.describe(sections, name)
        for name in hash_order(sections.ids)
        if allowed.allowed(ctx.user, f"/storage/{name}", _SEEN, any_of=True)
        and params.get("type") in (None, sections.ids[name]["type"])
    ]


@endpoint("GET", "/storage/{storage}", permission=["perm", "/storage/{storage}", ["Datastore.Allocate"]], params=_ID)
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return config.describe(config.read(), params["storage"])


def _create_params() -> dict[str, Any]:
    return {**_ID, "type": {"type": "string", "enum": sorted(storage_types())}, **properties()}


@endpoint("POST", "/storage", permission=_CHANGE, params=_create_params)
def create(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    values = dict(params)
    kind, storage = values.pop("type"), values.pop("storage")
    if not values.get("nodes"):
        values.pop("nodes", None)
    given = _take_secrets(kind, values, [])
    if storage_types()[kind].own_path:
        values["path"] = values.get("path") or f"/mnt/pve/{storage}"
    section = config.section_config().check_config(kind, values, create=True)
    if kind in ("dir", "btrfs"):
        section["path"] = _plain_path(str(section["path"]))
    with lock("create storage failed"):
        sections = config.read()
        if storage in sections.ids:
            raise Failure(f"storage ID '{storage}' already defined")
        sections.ids[storage] = section
        returned = hooks.added(storage, section, given)
        _try(storage, section)
        config.write(sections)
    return _answer(storage, kind, returned)


def _plain_path(path: str) -> str:
    if not re.fullmatch(r"/[-/a-zA-Z0-9_.@]+", path):
        raise Failure(f"illegal path for directory storage: {path}")
    return re.sub(r"/(?:\./)*/*", "/", path).rstrip("/") or "/"


def _try(storage: str, section: Section) -> None:
    """Use it once, to find what is wrong with it before it is written."""
    if not config.enabled_here(section):
        return
    try:
        probe.activate(storage, section)
    except Failure:
        hooks.removed(storage, section)
        raise


def _take_secrets(kind: str, values: dict[str, Any], delete: list[str]) -> hooks.Secrets:
    """Secrets out of the values; None for those to be deleted."""
    given: hooks.Secrets = {}
    for name in storage_types()[kind].secrets:
        if name in delete:
            given[name] = None
        if values.get(name) is not None:
            given[name] = values.pop(name)
    return given


def _answer(storage: str, kind: str, returned: dict[str, Any] | None) -> dict[str, Any]:
    answer: dict[str, Any] = {"storage": storage, "type": kind}
    return answer if returned is None else {**answer, "config": returned}


def _update_params() -> dict[str, Any]:
    return {**_ID, **_UPDATE, **updatable()}


@endpoint("PUT", "/storage/{storage}", permission=_CHANGE, params=_update_params)
def update(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    values = dict(params)
    storage, digest = values.pop("storage"), values.pop("digest", None)
    delete = split_list(values.pop("delete", None))
    with lock("update storage failed"):
        sections = config.read()
        sections.assert_unmodified(digest)
        section = config.get(sections, storage)
        kind = section["type"]
        given = _take_secrets(kind, values, delete)
        table = config.section_config()
        changes = table.check_config(kind, values, create=False)
        table.check_delete(kind, delete, changes)
        returned = hooks.changed(storage, section, changes, given)
        for key in delete:
            section.pop(key, None)
        section.update(changes)
        config.write(sections)
    return _answer(storage, kind, returned)


@endpoint("DELETE", "/storage/{storage}", permission=_CHANGE, params=_ID)
def delete(ctx: Context, params: dict[str, Any]) -> None:
    storage = params["storage"]
    with lock("delete storage failed"):
        sections = config.read()
        section = config.get(sections, storage)
        if any(str(other.get("base", "")).startswith(f"{storage}:") for other in sections.ids.values()):
            raise Failure("can't remove storage - storage is used as base of another storage")
        hooks.removed(storage, section)
        del sections.ids[storage]
        config.write(sections)
    _forget(storage)


def _forget(storage: str) -> None:
    """Permissions on it and its places in pools go with it."""
    with pvefiles.lock_file(usercfg.FILE, f"access permissions cleanup for storage {storage} failed"):
        users = usercfg.read()
        granted = users.acl.pop(f"/storage/{storage}", None)
        for pool in users.pools.values():
            pool["storage"].discard(storage)
        if granted or users.pools:
            usercfg.save(users)
