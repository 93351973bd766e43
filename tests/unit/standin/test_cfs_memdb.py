"""The tree of the cluster file system: changes, their refusals, and what survives a restart."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest
from pvestandin.cfs import memdb
from pvestandin.cfs.memdb import MAX_FILE, MemDb


@pytest.fixture
def db(tmp_path: Path) -> MemDb:
    return MemDb(tmp_path / "config.db")


def put(db: MemDb, path: str, text: str, writer: int = 1) -> None:
    assert db.create(path, writer, 10) in (0, -errno.EEXIST)
    assert db.write(path, writer, 10, text.encode(), 0, True) == len(text)


def test_what_is_written_is_there_after_a_restart(tmp_path: Path, db: MemDb) -> None:
    db.mkdir("nodes", 1, 10)
    db.mkdir("nodes/pve1", 1, 11)
    put(db, "nodes/pve1/config", "description: x\n")
    version, digests = db.root.version, db.digests()
    db.close()
    again = MemDb(tmp_path / "config.db")
    assert again.read("nodes/pve1/config") == b"description: x\n"
    assert (again.root.version, again.digests(), again.created) == (version, digests, False)


def test_the_database_is_for_root_and_has_pmxcfs_table(tmp_path: Path, db: MemDb) -> None:
    put(db, "user.cfg", "x")
    assert (tmp_path / "config.db").stat().st_mode & 0o777 == 0o600
    rows = sqlite3.connect(tmp_path / "config.db").execute("SELECT inode, type, name, data FROM tree").fetchall()
    assert sorted(rows) == [(0, memdb.DIRECTORY, "__version__", None), (1, memdb.FILE, "user.cfg", b"x")]


def test_every_change_raises_the_version(db: MemDb) -> None:
    seen = [db.root.version]
    for change in (
        lambda: db.mkdir("a", 1, 1),
        lambda: db.create("a/b", 1, 2),
        lambda: db.mtime("a/b", 1, 3),
        lambda: db.write("a/b", 1, 4, b"x", 0, False),
        lambda: db.rename("a/b", "c", 1, 5),
        lambda: db.delete("c", 1, 6),
    ):
        assert change() >= 0
        seen.append(db.root.version)
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    ("offset", "truncate", "expected"),
    [
        (0, False, b"XYcdef"),
        (0, True, b"XY"),
        (4, False, b"abcdXY"),
        (2, True, b"abXY"),
        (8, False, b"abcdef\0\0XY"),
    ],
)
def test_write(db: MemDb, offset: int, truncate: bool, expected: bytes) -> None:
    put(db, "f", "abcdef")
    assert db.write("f", 1, 1, b"XY", offset, truncate) == 2
    assert db.read("f") == expected


def test_truncate_is_a_write_of_nothing(db: MemDb) -> None:
    put(db, "f", "abcdef")
    assert db.write("f", 1, 1, b"", 3, True) == 0
    assert db.read("f") == b"abc"


def test_refusals(db: MemDb) -> None:
    db.mkdir("d", 1, 1)
    put(db, "d/f", "x")
    assert db.mkdir("d", 1, 1) == -errno.EEXIST
    assert db.mkdir("no/d", 1, 1) == -errno.ENOENT
    assert db.mkdir("d/f/x", 1, 1) == -errno.ENOTDIR
    assert db.create("d/f", 1, 1) == -errno.EEXIST
    assert db.write("none", 1, 1, b"x", 0, False) == -errno.ENOENT
    assert db.write("d", 1, 1, b"x", 0, False) == -errno.ENOTDIR
    assert db.write("d/f", 1, 1, b"x", MAX_FILE, False) == -errno.EFBIG
    assert db.delete("d", 1, 1) == -errno.ENOTEMPTY
    assert db.delete("none", 1, 1) == -errno.ENOENT
    assert db.rename("d", "e", 1, 1) == -errno.ENOTEMPTY
    assert db.rename("none", "e", 1, 1) == -errno.ENOENT


def test_rename_replaces_and_keeps_the_inode(db: MemDb) -> None:
    put(db, "new", "2")
    put(db, "old", "1")
    inode = db.lookup("new").inode
    assert db.rename("new", "old", 1, 1) == 0
    assert db.lookup("new") is None
    assert (db.read("old"), db.lookup("old").inode, len(db.index)) == (b"2", inode, 2)


def test_a_vmid_exists_once_in_the_cluster(db: MemDb) -> None:
    for path in ("nodes", "nodes/a", "nodes/b", "nodes/a/qemu-server", "nodes/b/lxc", "nodes/b/qemu-server"):
        db.mkdir(path, 1, 1)
    put(db, "nodes/a/qemu-server/100.conf", "name: x\n")
    assert db.create("nodes/b/lxc/100.conf", 1, 1) == -errno.EEXIST
    assert db.guests[100][:2] == ("qemu", "a")
    assert db.rename("nodes/a/qemu-server/100.conf", "nodes/b/qemu-server/100.conf", 1, 1) == 0
    assert db.guests[100][:2] == ("qemu", "b")
    assert db.delete("nodes/b/qemu-server/100.conf", 1, 1) == 0
    assert not db.guests


def test_a_lock_is_extended_by_its_holder_only_and_expires(db: MemDb, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(memdb.time, "monotonic", lambda: clock[0])
    db.mkdir("priv", 1, 1)
    db.mkdir("priv/lock", 1, 1)
    assert db.mkdir("priv/lock/x", 1, 100) == 0
    assert db.mkdir("priv/lock/x", 2, 100) == -errno.EEXIST
    assert db.mtime("priv/lock/x", 2, 200) == -errno.EACCES
    assert db.mtime("priv/lock/x", 1, 0) == -errno.EACCES
    assert db.rename("priv/lock/x", "priv/lock/y", 1, 1) == -errno.EACCES
    digest = db.lookup("priv/lock/x").digest()
    assert not db.lock_expired("priv/lock/x", digest)
    clock[0] += memdb.LOCK_SECONDS + 1
    assert db.lock_expired("priv/lock/x", digest)
    assert db.mtime("priv/lock/x", 1, 200) == 0
    assert not db.lock_expired("priv/lock/x", db.lookup("priv/lock/x").digest())


def test_adopt_takes_the_masters_tree(tmp_path: Path, db: MemDb) -> None:
    master = MemDb(tmp_path / "master.db")
    master.mkdir("d", 1, 1)
    put(master, "d/f", "master")
    put(db, "mine", "gone")
    changed: list[str | None] = []
    db.on_change = changed.append
    db.adopt(master.digests(), list(master.index.values()))
    assert db.digests() == master.digests()
    assert (db.read("d/f"), db.lookup("mine"), changed) == (b"master", None, [None])
