"""Datastores on disk, laid out as PBS has them (docs/storage.rst; pbs-datastore):

.chunks/0000 …          (65536 in PBS; here a few, since no chunk is ever written)
.lock  .gc-status
[ns/NAME/]TYPE/ID/owner
[ns/NAME/]TYPE/ID/2026-11-21T17:00:00Z/index.json.blob
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pvestandin import paths

from . import files, formats, kinds, manifests, words
from .errors import not_found, refused
from .sections import Section

CHUNK_DIRECTORIES = 16
MAX_DEPTH = 7
TYPES = ("vm", "ct", "host")


@dataclass(frozen=True)
class Snapshot:
    directory: Path
    type: str
    id: str
    time: int
    ns: str

    @property
    def finished(self) -> bool:
        return (self.directory / manifests.NAME).exists()

    @property
    def protected(self) -> bool:
        return (self.directory / ".protected").exists()

    @property
    def name(self) -> str:
        """vm/100/2026-11-21T17:00:00Z"""
        return f"{self.type}/{self.id}/{self.directory.name}"


@dataclass(frozen=True)
class Group:
    directory: Path
    type: str
    id: str
    ns: str

    @property
    def name(self) -> str:
        return f"{self.type}/{self.id}"

    def owner(self) -> str:
        try:
            return (self.directory / "owner").read_text().splitlines()[0].strip()
        except (OSError, IndexError) as error:
            raise refused(f"unable to read owner of group {self.name} - {error}") from error

    def set_owner(self, auth_id: str) -> None:
        files.replace(self.directory / "owner", f"{auth_id}\n", 0o644, root=False)

    def snapshots(self) -> list[Snapshot]:
        """From old to new."""
        found = []
        for entry in self.directory.iterdir() if self.directory.is_dir() else ():
            try:
                found.append(Snapshot(entry, self.type, self.id, manifests.epoch(entry.name), self.ns))
            except ValueError:
                continue
        return sorted(found, key=lambda snapshot: snapshot.time)

    def destroy(self) -> tuple[int, int]:
        """Remove the snapshots that are not protected, and the group with its last one. Returns (removed, protected)."""
        snapshots = self.snapshots()
        kept = [snapshot for snapshot in snapshots if snapshot.protected]
        for snapshot in snapshots:
            if snapshot not in kept:
                shutil.rmtree(snapshot.directory)
        if not kept:
            shutil.rmtree(self.directory)
        return len(snapshots) - len(kept), len(kept)


@dataclass(frozen=True)
class Store:
    name: str
    config: Section

    @property
    def base(self) -> Path:
        return paths.at(self.config["path"])

    def ns_path(self, ns: str) -> Path:
        path = self.base
        for part in ns.split("/") if ns else ():
            path = path / "ns" / part
        return path

    def namespaces(self, below: str = "", depth: int = MAX_DEPTH) -> Iterator[str]:
        """The namespace itself and those below it, down to a depth."""
        if not self.ns_path(below).is_dir():
            raise refused(f"namespace '{below}' does not exist")
        yield below
        children = self.ns_path(below) / "ns"
        if depth > 0 and children.is_dir():
            for child in sorted(children.iterdir()):
                if re.fullmatch(words.SAFE_ID, child.name):
                    yield from self.namespaces(f"{below}/{child.name}".lstrip("/"), depth - 1)

    def group(self, ns: str, kind: str, ident: str) -> Group:
        return Group(self.ns_path(ns) / kind / ident, kind, ident, ns)

    def groups(self, ns: str) -> list[Group]:
        found = []
        for kind in TYPES:
            directory = self.ns_path(ns) / kind
            entries = sorted(directory.iterdir()) if directory.is_dir() else []
            found += [self.group(ns, kind, entry.name) for entry in entries if entry.is_dir()]
        return found

    def snapshot(self, params: dict[str, Any]) -> Snapshot:
        """The snapshot that parameters name. Raises when it is not there."""
        group = self.group(params.get("ns", ""), params["backup-type"], params["backup-id"])
        directory = group.directory / manifests.stamp(params["backup-time"])
        if not directory.is_dir():
            raise not_found(f"snapshot {group.name}/{directory.name} does not exist")
        return Snapshot(directory, group.type, group.id, params["backup-time"], group.ns)

    def maintenance(self) -> tuple[str, str] | None:
        """Type and message of the maintenance mode, if it is in one."""
        text = self.config.get("maintenance-mode")
        if not text:
            return None
        found = formats.property_string("maintenance-mode", text)
        return found["type"], unquote(found.get("message", ""))


def lookup(name: str, operation: str = "read") -> Store:
    """The datastore for an operation (read, write or lookup), as far as its maintenance mode allows it."""
    store = Store(name, kinds.DATASTORE.read().get("datastore", name))
    mode = store.maintenance()
    if mode is not None:
        kind, message = mode
        reason = ""
        if kind == "delete":
            reason = "datastore is being deleted"
        elif kind == "unmount":
            reason = "datastore is being unmounted"
        elif kind == "offline" and operation != "lookup":
            reason = f"offline maintenance mode: {message}"
        elif kind in ("read-only", "s3-refresh") and operation == "write":
            reason = f"{kind} maintenance mode: {message}"
        if reason:
            raise refused(f"datastore '{name}' is unavailable: {reason}")
    if operation != "lookup" and not (store.base / ".chunks").is_dir():
        raise refused(
            f"unable to open chunk store '{name}' at \"{store.config['path']}/.chunks\" - "
            "No such file or directory (os error 2)"
        )
    return store


def create(name: str, path: str, *, reuse: bool = False) -> None:
    """Make the directory a datastore, or with `reuse` take what is there."""
    base = paths.at(path)
    chunks = base / ".chunks"
    if reuse:
        if not chunks.is_dir():
            raise refused(f"unable to open chunk store '{name}' at \"{path}/.chunks\" - No such file or directory")
        return
    if base.is_dir() and any(not entry.name.startswith(".") and entry.name != "lost+found" for entry in base.iterdir()):
        raise refused("datastore path not empty")
    try:
        base.mkdir(parents=True, exist_ok=True)
        files.own(base, root=False)
    except OSError as error:
        raise refused(f"unable to create chunk store '{name}' at \"{path}\" - {error.strerror}") from error
    try:
        chunks.mkdir()
    except FileExistsError as error:
        message = f"unable to create chunk store '{name}' subdir \"{path}/.chunks\" - EEXIST: File exists"
        raise refused(message) from error
    (base / ".lock").touch(mode=0o644)
    directories = [chunks, *(chunks / f"{number:04x}" for number in range(CHUNK_DIRECTORIES))]
    for directory in directories:
        directory.mkdir(exist_ok=True, mode=0o750)
    for owned in (*directories, base / ".lock"):
        files.own(owned)


def create_namespace(store: Store, parent: str, name: str) -> str:
    """The namespace `parent`/`name`. One that is there already is fine."""
    if not store.ns_path(parent).is_dir():
        raise refused(f"cannot create new namespace, parent {parent} doesn't already exists")
    ns = f"{parent}/{name}".lstrip("/")
    if ns.count("/") + 1 > MAX_DEPTH:
        raise refused(f"namespace to deep, {ns.count('/') + 1} > max {MAX_DEPTH}")
    directory = store.ns_path(ns)
    directory.mkdir(parents=True, exist_ok=True)
    for owned in (directory, directory.parent):
        files.own(owned)
    return ns


def remove_namespace(store: Store, ns: str, *, groups: bool) -> tuple[bool, dict[str, int]]:
    """Remove a namespace and those below it. Returns whether all of it is gone, and what was counted.

    Without `groups` a namespace with groups stays.
    """
    counted = {"removed-groups": 0, "protected-snapshots": 0, "removed-snapshots": 0}
    whole = True
    for found in sorted(store.namespaces(ns), key=lambda item: item.count("/"), reverse=True):
        for group in store.groups(found):
            if not groups:
                whole = False
                continue
            removed, protected = group.destroy()
            counted["removed-snapshots"] += removed
            counted["protected-snapshots"] += protected
            counted["removed-groups"] += not protected
            whole = whole and not protected
        if not store.groups(found) and not list(_children(store, found)):
            shutil.rmtree(store.ns_path(found))
    return whole, counted


def _children(store: Store, ns: str) -> Iterator[str]:
    yield from (found for found in store.namespaces(ns, 1) if found != ns)


def remove_group(group: Group) -> tuple[int, int]:
    if not group.directory.is_dir():
        raise not_found(f"group {group.name} does not exist")
    return group.destroy()


def backend(config: Section) -> str:
    """filesystem or s3."""
    return formats.property_string("backend", config.get("backend", "")).get("type", "filesystem")


def usage(store: Store) -> dict[str, int]:
    """total, used and avail in bytes."""
    numbers = os.statvfs(store.base)
    total, avail = numbers.f_blocks * numbers.f_frsize, numbers.f_bavail * numbers.f_frsize
    return {"total": total, "used": total - numbers.f_bfree * numbers.f_frsize, "avail": avail}
