"""Requests of the kernel, as bytes, and what comes back."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pvestandin.cfs import kernel
from pvestandin.cfs.files import Files
from pvestandin.cfs.kernel import Kernel
from pvestandin.cfs.memdb import MemDb
from pvestandin.cfs.view import View, observed


class Device:
    """What stands for /dev/fuse: requests go in by ask(), answers come out of a pipe."""

    def __init__(self, made: Kernel) -> None:
        self.kernel = made
        self.answers, made.device = os.pipe()

    def ask(self, opcode: int, node: int, body: bytes = b"") -> tuple[int, bytes]:
        """(errno or 0, data)"""
        header = struct.pack("<IIQQIIIHH", 40 + len(body), opcode, 7, node, 0, 0, 1, 0, 0)
        self.kernel._dispatch(header + body)
        raw = os.read(self.answers, 1 << 20)
        size, error, unique = struct.unpack_from("<IiQ", raw)
        assert (size, unique) == (len(raw), 7)
        return -error, raw[16:]

    def entry(self, parent: int, name: str) -> int:
        error, data = self.ask(1, parent, name.encode() + b"\0")
        assert not error
        return struct.unpack_from("<Q", data)[0]


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    monkeypatch.setattr(kernel, "_libc", lambda *_: None)
    monkeypatch.setattr(kernel.os, "open", lambda *_: -1)
    db = MemDb(tmp_path / "config.db")
    made = Kernel(Files(db, View(db, "pve1", observed(9)), None, 33, lambda: None), "/nowhere")
    monkeypatch.undo()
    yield Device(made)
    made.pool.shutdown()


def test_a_file_is_made_written_read_and_renamed(device: Device) -> None:
    error, data = device.ask(9, 1, struct.pack("<II", 0o755, 0) + b"priv\0")
    directory = struct.unpack_from("<Q", data)[0]
    assert not error
    error, data = device.ask(35, directory, struct.pack("<IIII", 0, 0o600, 0, 0) + b"k\0")
    assert (error, len(data)) == (0, 128 + 16)
    file = struct.unpack_from("<Q", data)[0]
    transfer = struct.pack("<QQIIQII", 0, 0, 5, 0, 0, 0, 0)
    assert device.ask(16, file, transfer + b"hello") == (0, struct.pack("<II", 5, 0))
    assert device.ask(15, file, struct.pack("<QQIIQII", 0, 1, 100, 0, 0, 0, 0)) == (0, b"ello")
    assert device.ask(12, directory, struct.pack("<Q", 1) + b"k\0moved\0") == (0, b"")
    assert device.entry(1, "moved") == file
    assert device.ask(1, directory, b"k\0")[0] == errno.ENOENT
    assert device.ask(15, file, transfer) == (0, b"hello")
    assert device.ask(10, 1, b"moved\0") == (0, b"")
    assert device.ask(15, file, transfer)[0] == errno.ENOENT


def test_attributes(device: Device) -> None:
    error, data = device.ask(3, device.entry(1, "local"))
    assert (error, len(data)) == (0, 16 + 88)
    size, mode, links, user, group = (
        struct.unpack_from("<Q", data, 24)[0],
        *struct.unpack_from("<IIII", data, 16 + 60),
    )
    assert (size, oct(mode), links, user, group) == (len("nodes/pve1"), "0o120755", 1, 0, 33)
    assert device.ask(5, device.entry(1, "local")) == (0, b"nodes/pve1")


def test_a_directory_is_read_in_parts(device: Device) -> None:
    names, offset = [], 0
    while True:
        _unused, data = device.ask(28, 1, struct.pack("<QQIIQII", 0, offset, 100, 0, 0, 0, 0))
        if not data:
            break
        position = 0
        while position < len(data):
            _unused, offset, length, _unused = struct.unpack_from("<QQII", data, position)
            names.append(data[position + 24 : position + 24 + length].decode())
            position += 24 + (length + 7) // 8 * 8
    assert names == [
        ".",
        "..",
        "local",
        "qemu-server",
        "openvz",
        "lxc",
        ".version",
        ".members",
        ".vmlist",
        ".rrd",
        ".clusterlog",
        ".debug",
    ]


def setattr_body(valid: int, **fields: int) -> bytes:
    return struct.pack(
        "<IIQQQQQQIIIIIIII",
        valid,
        0,
        0,
        fields.get("size", 0),
        0,
        0,
        fields.get("mtime", 0),
        0,
        0,
        0,
        0,
        fields.get("mode", 0),
        0,
        fields.get("uid", 0),
        fields.get("gid", 0),
        0,
    )


def test_changes_of_attributes(device: Device) -> None:
    _unused, data = device.ask(35, 1, struct.pack("<IIII", 0, 0o640, 0, 0) + b"f\0")
    file = struct.unpack_from("<Q", data)[0]
    device.ask(16, file, struct.pack("<QQIIQII", 0, 0, 3, 0, 0, 0, 0) + b"abc")
    assert device.ask(4, file, setattr_body(8, size=1))[0] == 0
    assert device.kernel.files.db.read("f") == b"a"
    assert device.ask(4, file, setattr_body(16 | 32, mtime=1234))[0] == 0
    assert device.kernel.files.db.lookup("f").mtime == 1234
    assert device.ask(4, file, setattr_body(1, mode=0o100640))[0] == 0
    assert device.ask(4, file, setattr_body(1, mode=0o100644))[0] == errno.EPERM
    assert device.ask(4, file, setattr_body(4, gid=0))[0] == errno.EPERM


def test_what_there_is_not(device: Device) -> None:
    for opcode in (6, 8, 13, 21, 22, 34, 43):
        assert device.ask(opcode, 1, b"x\0")[0] == errno.ENOSYS
    assert device.ask(3, 99999)[0] == errno.ENOENT
    assert device.ask(45, 1, struct.pack("<QII", 1, 1, 0) + b"a\0b\0")[0] == errno.EINVAL


def test_a_mistake_of_ours_is_an_answer_too(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device.kernel.files, "statfs", lambda path: 1 / 0)
    assert device.ask(17, 1)[0] == errno.EIO


def test_changes_do_not_keep_readers_waiting(device: Device) -> None:
    assert isinstance(device.kernel.pool, ThreadPoolExecutor)
    reads, changes = set(device.kernel._quick), set(device.kernel._slow)
    assert {1, 3, 15, 28} <= reads
    assert changes == {4, 9, 10, 11, 12, 16, 35, 45}


def test_a_file_that_another_member_replaces(device: Device) -> None:
    """The kernel remembers a number for a second; by its name, the file never ceases to be there."""
    db = device.kernel.files.db
    numbers = []
    for text in (b"old", b"new", b"newer"):
        assert db.create("ceph.conf.tmp", 0, 1) == 0
        assert db.write("ceph.conf.tmp", 0, 1, text, 0, True) >= 0
        assert db.rename("ceph.conf.tmp", "ceph.conf", 0, 1) == 0
        numbers.append(device.entry(1, "ceph.conf"))
    assert len(set(numbers)) == 3
    for number in numbers:
        assert device.ask(14, number, struct.pack("<II", 0, 0))[0] == 0
        assert device.ask(15, number, struct.pack("<QQIIQII", 0, 0, 4096, 0, 0, 0, 0)) == (0, b"newer")
    assert db.delete("ceph.conf", 0, 1) == 0
    assert [device.ask(14, number, struct.pack("<II", 0, 0))[0] for number in numbers] == [errno.ENOENT] * 3
