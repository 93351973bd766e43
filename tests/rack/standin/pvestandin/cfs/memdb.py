"""The tree of files: in memory, written through to sqlite in the table that pmxcfs uses.

Every change raises the root's version; the tree with the highest version wins when members meet. Changes return a
number as a system call does: 0 or a count, or the negative errno.
"""

from __future__ import annotations

import errno
import hashlib
import re
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

DIRECTORY, FILE = 4, 8
MAX_FILE = 1024 * 1024
LOCK_SECONDS = 120

_SCHEMA = """CREATE TABLE IF NOT EXISTS tree (
  inode INTEGER PRIMARY KEY NOT NULL,
  parent INTEGER NOT NULL CHECK(typeof(parent)=='integer'),
  version INTEGER NOT NULL CHECK(typeof(version)=='integer'),
  writer INTEGER NOT NULL CHECK(typeof(writer)=='integer'),
  mtime INTEGER NOT NULL CHECK(typeof(mtime)=='integer'),
  type INTEGER NOT NULL CHECK(typeof(type)=='integer'),
  name TEXT NOT NULL,
  data BLOB)"""
_GUEST = re.compile(r"nodes/([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)/(qemu-server|openvz|lxc)/([1-9]\d*)\.conf")


@dataclass
class Entry:
    inode: int
    parent: int
    version: int
    writer: int
    mtime: int
    type: int
    name: str
    data: bytes = b""
    children: dict[str, Entry] = field(default_factory=dict)

    def digest(self) -> str:
        """Equal on two members if the entry is."""
        text = f"{self.inode}/{self.parent}/{self.version}/{self.writer}/{self.mtime}/{self.type}/{self.name}/"
        return hashlib.sha256(text.encode() + self.data).hexdigest()[:32]

    def row(self) -> tuple[int, int, int, int, int, int, str, bytes | None]:
        return (
            self.inode,
            self.parent,
            self.version,
            self.writer,
            self.mtime,
            self.type,
            self.name if self.inode else "__version__",
            self.data or None,
        )


def guest(path: str) -> tuple[str, str, int] | None:
    """(node, kind, VMID) if the path is a guest's configuration."""
    match = _GUEST.fullmatch(path)
    return (match[1], {"qemu-server": "qemu"}.get(match[2], match[2]), int(match[3])) if match else None


def is_lock(path: str) -> bool:
    return path.startswith("priv/lock/") and len(path) > len("priv/lock/")


class MemDb:
    """Thread-safe; `on_change(path)` is called for every changed path, with None after a whole new tree."""

    def __init__(self, file: Path) -> None:
        self.mutex = threading.RLock()
        self.guests: dict[int, tuple[str, str, int]] = {}
        """VMID → (kind, node, version)."""
        self.guest_version = 0
        self.locks: dict[str, tuple[str, float]] = {}
        """Lock directory → (digest, time seen first)."""
        self.on_change: Callable[[str | None], None] = lambda path: None
        self._counter = 0
        file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        self.created = not file.exists()
        self._sql = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        file.chmod(0o600)
        self._sql.execute("PRAGMA journal_mode=WAL")
        self._sql.execute("PRAGMA synchronous=NORMAL")
        self._sql.execute(_SCHEMA)
        self.root = Entry(0, 0, 0, 0, 0, DIRECTORY, "")
        self.index: dict[int, Entry] = {}
        self._load()

    def close(self) -> None:
        with self.mutex:
            self._sql.close()

    # -- reading

    def lookup(self, path: str) -> Entry | None:
        with self.mutex:
            entry: Entry | None = self.root
            for name in path.split("/"):
                if name and entry is not None:
                    entry = entry.children.get(name)
            return entry

    def path_of(self, inode: int) -> str | None:
        """Where the entry is now, None if it is gone."""
        with self.mutex:
            names: list[str] = []
            entry = self.index.get(inode)
            while entry is not None and entry.inode:
                names.insert(0, entry.name)
                entry = self.index.get(entry.parent)
            return "/".join(names) if entry else None

    def read(self, path: str) -> bytes | None:
        entry = self.lookup(path)
        return entry.data if entry and entry.type == FILE else None

    def names(self, path: str) -> list[str]:
        with self.mutex:
            entry = self.lookup(path)
            return list(entry.children) if entry else []

    def digests(self) -> dict[int, str]:
        with self.mutex:
            return {inode: entry.digest() for inode, entry in sorted(self.index.items())}

    # -- changes

    def mkdir(self, path: str, writer: int, mtime: int) -> int:
        with self.mutex:
            parent, name = self._place(path)
            if isinstance(parent, int):
                return parent
            if name in parent.children:
                return -errno.EEXIST
            entry = self._new(parent, name, DIRECTORY, writer, mtime)
            self._store(entry)
            if is_lock(path):
                self.locks[path] = (entry.digest(), time.monotonic())
            return 0

    def create(self, path: str, writer: int, mtime: int) -> int:
        return self._put(path, writer, mtime, b"", 0, False, True)

    def write(self, path: str, writer: int, mtime: int, data: bytes, offset: int, truncate: bool) -> int:
        return self._put(path, writer, mtime, data, offset, truncate, False)

    def _put(self, path: str, writer: int, mtime: int, data: bytes, offset: int, truncate: bool, create: bool) -> int:
        with self.mutex:
            if offset + len(data) > MAX_FILE:
                return -errno.EFBIG
            parent, name = self._place(path)
            if isinstance(parent, int):
                return parent
            owner = guest(path)
            if owner and self._elsewhere(owner):
                return -errno.EEXIST
            entry = parent.children.get(name)
            if entry is None:
                if not create:
                    return -errno.ENOENT
                entry = self._new(parent, name, FILE, writer, mtime)
            elif entry.type != FILE:
                return -errno.ENOTDIR
            elif create:
                return -errno.EEXIST
            else:
                self._touch(entry, writer, mtime)
            old = entry.data.ljust(offset, b"\0")
            rest = b"" if truncate else old[offset + len(data) :]
            entry.data = old[:offset] + data + rest
            self._store(entry)
            if owner:
                self._register(owner)
            self.on_change(path)
            return len(data)

    def mtime(self, path: str, writer: int, mtime: int) -> int:
        """Set the time of last change. On a lock, only its holder may, and only forward."""
        with self.mutex:
            parent, name = self._place(path)
            if isinstance(parent, int):
                return parent
            entry = parent.children.get(name)
            if entry is None:
                return -errno.ENOENT
            lock = is_lock(path) and entry.type == DIRECTORY
            if lock and (mtime < entry.mtime or entry.writer != writer):
                return -errno.EACCES
            self._touch(entry, writer, mtime)
            self._store(entry)
            if lock:
                self.locks[path] = (entry.digest(), time.monotonic())
            self.on_change(path)
            return 0

    def rename(self, source: str, target: str, writer: int, mtime: int) -> int:
        with self.mutex:
            entry = self.lookup(source)
            if entry is None:
                return -errno.ENOENT
            if entry is self.root or (is_lock(source) and entry.type == DIRECTORY):
                return -errno.EACCES
            moved, owner = guest(source), guest(target) if entry.type == FILE else None
            if owner and self._elsewhere(owner) and not (moved and moved[2] == owner[2]):
                return -errno.EEXIST
            parent, name = self._place(target)
            if isinstance(parent, int):
                return parent
            replaced = parent.children.get(name)
            if replaced is entry:
                return 0
            if (replaced and replaced.children) or entry.children:
                return -errno.ENOTEMPTY
            self.index[entry.parent].children.pop(entry.name)
            if replaced:
                del self.index[replaced.inode]
            entry.parent, entry.name = parent.inode, name
            parent.children[name] = entry
            self._touch(entry, writer, mtime)
            self._store(entry, replaced.inode if replaced else None)
            if moved and entry.type == FILE:
                self._unregister(moved)
            if owner:
                self._register(owner)
            self.on_change(source)
            self.on_change(target)
            return 0

    def delete(self, path: str, writer: int, mtime: int) -> int:
        with self.mutex:
            entry = self.lookup(path)
            if entry is None:
                return -errno.ENOENT
            if entry is self.root:
                return -errno.EACCES
            if entry.children:
                return -errno.ENOTEMPTY
            self.locks.pop(path, None)
            self.index[entry.parent].children.pop(entry.name)
            del self.index[entry.inode]
            self._raise_version(writer, mtime)
            self._transaction([self.root], [entry.inode])
            owner = guest(path)
            if owner and entry.type == FILE:
                self._unregister(owner)
            self.on_change(path)
            return 0

    def lock_expired(self, path: str, digest: str) -> bool:
        """Whether that very lock has been seen for longer than locks live."""
        with self.mutex:
            known, since = self.locks.get(path, ("", 0.0))
            if known != digest:
                self.locks[path] = (digest, time.monotonic())
                return False
            return time.monotonic() - since > LOCK_SECONDS

    # -- replication

    def adopt(self, master: dict[int, str], entries: list[Entry]) -> None:
        """Become the master's tree: drop what it does not have, take the entries that differ."""
        with self.mutex:
            gone = [inode for inode in self.index if inode not in master]
            self._transaction(entries, gone)
            self._load()

    # -- inside

    def _load(self) -> None:
        self.root = Entry(0, 0, 0, 0, 0, DIRECTORY, "")
        self.index = {0: self.root}
        for row in self._sql.execute("SELECT inode, parent, version, writer, mtime, type, name, data FROM tree"):
            entry = Entry(*row[:7])
            entry.data = row[7] or b""
            if entry.inode == 0:
                entry.type, entry.name = DIRECTORY, ""
                self.root = entry
            self.index[entry.inode] = entry
        for entry in self.index.values():
            if entry.inode:
                self.index[entry.parent].children[entry.name] = entry
        self._find_guests()
        old = self.locks
        self.locks = {}
        directory = self.lookup("priv/lock")
        for name, entry in (directory.children if directory else {}).items():
            path, digest = f"priv/lock/{name}", entry.digest()
            self.locks[path] = old[path] if old.get(path, ("",))[0] == digest else (digest, time.monotonic())
        self.on_change(None)

    def _find_guests(self) -> None:
        self.guests = {}
        self.guest_version += 1
        nodes = self.lookup("nodes")
        for node in (nodes.children if nodes else {}).values():
            for kind in node.children.values():
                for name in kind.children:
                    owner = guest(f"nodes/{node.name}/{kind.name}/{name}")
                    if owner:
                        self._counter += 1
                        self.guests[owner[2]] = (owner[1], owner[0], self._counter)

    def _register(self, owner: tuple[str, str, int]) -> None:
        self._counter += 1
        self.guest_version += 1
        self.guests[owner[2]] = (owner[1], owner[0], self._counter)

    def _unregister(self, owner: tuple[str, str, int]) -> None:
        self.guest_version += 1
        self.guests.pop(owner[2], None)

    def _elsewhere(self, owner: tuple[str, str, int]) -> bool:
        known = self.guests.get(owner[2])
        return known is not None and known[:2] != (owner[1], owner[0])

    def _place(self, path: str) -> tuple[Entry | int, str]:
        """The directory in which the path's last component lies (or the errno), and that component."""
        directory, _unused, name = path.strip("/").rpartition("/")
        if name in ("", ".", ".."):
            return -errno.EACCES, name
        parent = self.lookup(directory)
        if parent is None:
            return -errno.ENOENT, name
        return (parent, name) if parent.type == DIRECTORY else (-errno.ENOTDIR, name)

    def _raise_version(self, writer: int, mtime: int) -> None:
        self.root.version += 1
        self.root.writer, self.root.mtime = writer, mtime

    def _touch(self, entry: Entry, writer: int, mtime: int) -> None:
        self._raise_version(writer, mtime)
        entry.version, entry.writer, entry.mtime = self.root.version, writer, mtime

    def _new(self, parent: Entry, name: str, kind: int, writer: int, mtime: int) -> Entry:
        self._raise_version(writer, mtime)
        entry = Entry(self.root.version, parent.inode, self.root.version, writer, mtime, kind, name)
        parent.children[name] = entry
        self.index[entry.inode] = entry
        return entry

    def _store(self, entry: Entry, gone: int | None = None) -> None:
        self._transaction([entry, self.root], [] if gone is None else [gone])

    def _transaction(self, entries: list[Entry], gone: list[int]) -> None:
        self._sql.execute("BEGIN")
        self._sql.executemany("DELETE FROM tree WHERE inode = ?", [(inode,) for inode in gone])
        self._sql.executemany("REPLACE INTO tree VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [entry.row() for entry in entries])
        self._sql.execute("COMMIT")
