"""The kernel's side: mounts /etc/pve and answers the requests that come through /dev/fuse (linux/fuse.h).

Without libfuse: that one serialises calls by a lock on paths which, when other members change files behind its back,
can stay taken for ever. Here a file is known by its number in the tree alone, and nothing is locked.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import struct
import syslog
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from .files import LINKS, NANOSECONDS, SHOWN, Files

MAX_WRITE = 128 * 1024
CACHE_SECONDS = 1
"""How long the kernel may remember names and attributes: libfuse's default, so pmxcfs's too."""

_IN = struct.Struct("<IIQQIIIHH")
_OUT = struct.Struct("<IiQ")
_ATTRIBUTES = struct.Struct("<QQQQQQIIIIIIIIII")
_SETATTR = struct.Struct("<IIQQQQQQIIIIIIII")
_INIT_IN = struct.Struct("<IIII")
_INIT_OUT = struct.Struct("<IIIIHHIIHHI28x")
_TRANSFER = struct.Struct("<QQIIQII")
_MODE, _USER, _GROUP, _SIZE, _TIMES, _NOW = 1, 2, 4, 8, 16 | 32, 256
_BIG_WRITES = 1 << 5
_DIRECT = 1
_NO_CHANGE = -1
_MNT_FORCE, _MNT_DETACH = 1, 2
_NOSUID_NODEV = 2 | 4
_OPEN, _OPENDIR, _READ, _RELEASE, _RELEASEDIR, _INIT, _DESTROY = 14, 27, 15, 18, 29, 26, 38
_SILENT = {2, 36, 42}
"""FORGET, INTERRUPT, BATCH_FORGET want no answer."""

_ROOT, _FIRST_FIXED, _FIRST = 1, 2, 1024
_FIXED = [*LINKS, *SHOWN]


class Stopped(BaseException):
    """Raised by the signal handler to end the loop."""


def _libc(call: str, *arguments: object) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, call)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def unmount(path: str) -> None:
    """Take the mount away; one that a killed process left behind too. Open files keep it until they are closed."""
    for flags in (_MNT_FORCE, _MNT_DETACH):
        with contextlib.suppress(OSError):  # EINVAL when nothing is mounted, EBUSY before the second, lazy try
            _libc("umount2", path.encode(), flags)


class Kernel:
    """One mount. Reads are answered at once; changes wait in threads for the other members."""

    def __init__(self, files: Files, path: str) -> None:
        self.files, self.path = files, path
        self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other"
        _libc("mount", b"/dev/fuse", path.encode(), b"fuse", _NOSUID_NODEV, options.encode())
        self.pool = ThreadPoolExecutor(32)
        self._told: dict[int, str] = {}
        """Where each number was when the kernel was last told of it."""
        self._quick: dict[int, Callable[[int, bytes], bytes]] = {
            1: self._lookup,
            3: lambda node, _: self._attributes(node),
            5: self._readlink,
            17: self._statfs,
            _OPEN: self._open,
            _OPENDIR: self._open,
            _READ: self._read,
            28: self._readdir,
            _RELEASE: lambda node, _: b"",
            _RELEASEDIR: lambda node, _: b"",
            _INIT: self._init,
            _DESTROY: lambda node, _: b"",
        }
        self._slow: dict[int, Callable[[int, bytes], bytes]] = {
            4: self._setattr,
            9: self._mkdir,
            10: self._unlink,
            11: self._rmdir,
            12: self._rename,
            16: self._write,
            35: self._create,
            45: self._rename2,
        }

    def loop(self) -> None:
        """Serve until the mount goes away or Stopped is raised; then unmount."""
        try:
            while True:
                try:
                    request = os.read(self.device, MAX_WRITE + 4096)
                except OSError as error:
                    if error.errno in (errno.ENOENT, errno.EAGAIN, errno.EINTR):
                        continue
                    if error.errno == errno.ENODEV:
                        return
                    raise
                self._dispatch(request)
        except Stopped:
            return
        finally:
            unmount(self.path)
            os.close(self.device)

    def _dispatch(self, request: bytes) -> None:
        _unused, opcode, unique, node, *_unused = _IN.unpack_from(request)
        body = request[_IN.size :]
        if opcode in self._quick:
            self._answer(unique, self._quick[opcode], node, body)
        elif opcode in self._slow:
            self.pool.submit(self._answer, unique, self._slow[opcode], node, body)
        elif opcode not in _SILENT:
            self._send(unique, -errno.ENOSYS)

    def _answer(self, unique: int, call: Callable[[int, bytes], bytes], node: int, body: bytes) -> None:
        try:
            self._send(unique, 0, call(node, body))
        except OSError as error:
            self._send(unique, -(error.errno or errno.EIO))
        except Exception as error:  # whoever asked must get an answer, or hangs for ever
            syslog.syslog(syslog.LOG_CRIT, f"{type(error).__name__}: {error}")
            self._send(unique, -errno.EIO)

    def _send(self, unique: int, error: int, data: bytes = b"") -> None:
        try:
            os.write(self.device, _OUT.pack(_OUT.size + len(data), error, unique) + data)
        except OSError as failure:
            # ENOENT: who asked was killed meanwhile. The others: the mount is gone.
            if failure.errno not in (errno.ENOENT, errno.ENODEV, errno.EBADF, errno.EPERM):
                raise

    # -- numbers and paths

    def _path(self, node: int) -> str:
        if node == _ROOT:
            return ""
        if node < _FIRST:
            return _FIXED[node - _FIRST_FIXED]
        path = self.files.db.path_of(node - _FIRST)
        if path is None:
            # Another member has replaced the file, and the kernel does not know yet. In pmxcfs, libfuse goes by names.
            path = self._told.get(node)
            if path is None or self.files.db.lookup(path) is None:
                self._told.pop(node, None)
                raise OSError(errno.ENOENT, "")
        return path

    def _child(self, node: int, name: bytes) -> str:
        parent = self._path(node)
        text = name.decode(errors="surrogateescape")
        return f"{parent}/{text}" if parent else text

    def _number(self, path: str) -> int:
        if not path:
            return _ROOT
        if path in _FIXED:
            return _FIXED.index(path) + _FIRST_FIXED
        entry = self.files.db.lookup(path)
        if entry is None:
            raise OSError(errno.ENOENT, "")
        return entry.inode + _FIRST

    # -- answers

    def _pack(self, path: str, node: int) -> bytes:
        shown = self.files.getattr(path)
        when = shown["st_mtime"] // NANOSECONDS
        return _ATTRIBUTES.pack(
            node,
            shown["st_size"],
            shown["st_blocks"],
            when,
            when,
            when,
            0,
            0,
            0,
            shown["st_mode"],
            shown["st_nlink"],
            shown["st_uid"],
            shown["st_gid"],
            0,
            4096,
            0,
        )

    def _attributes(self, node: int) -> bytes:
        return struct.pack("<QII", CACHE_SECONDS, 0, 0) + self._pack(self._path(node), node)

    def _entry(self, path: str) -> bytes:
        node = self._number(path)
        self._told[node] = path
        return struct.pack("<QQQQII", node, 0, CACHE_SECONDS, CACHE_SECONDS, 0, 0) + self._pack(path, node)

    def _init(self, _node: int, body: bytes) -> bytes:
        major, minor, readahead, flags = _INIT_IN.unpack_from(body)
        if major == 7:
            self.files.ready()
        return _INIT_OUT.pack(7, min(minor, 31), readahead, flags & _BIG_WRITES, 12, 9, MAX_WRITE, 1, 0, 0, 0)

    def _lookup(self, node: int, body: bytes) -> bytes:
        return self._entry(self._child(node, body.split(b"\0", 1)[0]))

    def _readlink(self, node: int, _body: bytes) -> bytes:
        return self.files.readlink(self._path(node)).encode()

    def _statfs(self, _node: int, _body: bytes) -> bytes:
        told = self.files.statfs("")
        return struct.pack(
            "<QQQQQIIII24x",
            told["f_blocks"],
            told["f_bfree"],
            told["f_bavail"],
            told["f_files"],
            told["f_ffree"],
            told["f_bsize"],
            told["f_namemax"],
            told["f_frsize"],
            0,
        )

    def _open(self, node: int, body: bytes) -> bytes:
        self.files.open(self._path(node), 0)
        return struct.pack("<QII", 0, _DIRECT, 0)

    def _read(self, node: int, body: bytes) -> bytes:
        _unused, offset, size, *_unused = _TRANSFER.unpack_from(body)
        return self.files.read(self._path(node), size, offset, 0)

    def _readdir(self, node: int, body: bytes) -> bytes:
        _unused, offset, size, *_unused = _TRANSFER.unpack_from(body)
        path, answer = self._path(node), b""
        for position, name in list(enumerate(self.files.readdir(path, 0), 1))[offset:]:
            kind, number = stat.S_IFDIR >> 12 if name in (".", "..") else 0, _ROOT
            if not kind:
                child = f"{path}/{name}" if path else name
                try:
                    kind, number = self.files.getattr(child)["st_mode"] >> 12, self._number(child)
                except OSError:  # another member has just removed it
                    continue
            raw = name.encode(errors="surrogateescape")
            entry = struct.pack("<QQII", number, position, len(raw), kind) + raw
            entry += b"\0" * (-len(entry) % 8)
            if len(answer) + len(entry) > size:
                break
            answer += entry
        return answer

    # -- changes

    def _create(self, node: int, body: bytes) -> bytes:
        path = self._child(node, body[16:].split(b"\0", 1)[0])
        self.files.create(path, 0)
        return self._entry(path) + struct.pack("<QII", 0, _DIRECT, 0)

    def _mkdir(self, node: int, body: bytes) -> bytes:
        path = self._child(node, body[8:].split(b"\0", 1)[0])
        self.files.mkdir(path, 0)
        return self._entry(path)

    def _unlink(self, node: int, body: bytes) -> bytes:
        self.files.unlink(self._child(node, body.split(b"\0", 1)[0]))
        return b""

    def _rmdir(self, node: int, body: bytes) -> bytes:
        self.files.rmdir(self._child(node, body.split(b"\0", 1)[0]))
        return b""

    def _rename(self, node: int, body: bytes) -> bytes:
        return self._move(node, struct.unpack_from("<Q", body)[0], body[8:])

    def _rename2(self, node: int, body: bytes) -> bytes:
        directory, flags = struct.unpack_from("<QI", body)
        if flags:
            raise OSError(errno.EINVAL, "")
        return self._move(node, directory, body[16:])

    def _move(self, source: int, target: int, names: bytes) -> bytes:
        old, new, _unused = names.split(b"\0", 2)
        path = self._child(target, new)
        self.files.rename(self._child(source, old), path)
        with contextlib.suppress(OSError):  # another member may have removed it already
            self._told[self._number(path)] = path
        return b""

    def _write(self, node: int, body: bytes) -> bytes:
        _unused, offset, size, *_unused = _TRANSFER.unpack_from(body)
        data = body[_TRANSFER.size : _TRANSFER.size + size]
        return struct.pack("<II", self.files.write(self._path(node), data, offset, 0), 0)

    def _setattr(self, node: int, body: bytes) -> bytes:
        fields = _SETATTR.unpack_from(body)
        valid, size, mtime, mode, user, group = (fields[place] for place in (0, 3, 6, 11, 13, 14))
        path = self._path(node)
        if valid & _MODE:
            self.files.chmod(path, mode)
        if valid & (_USER | _GROUP):
            self.files.chown(path, user if valid & _USER else _NO_CHANGE, group if valid & _GROUP else _NO_CHANGE)
        if valid & _SIZE:
            self.files.truncate(path, size)
        if valid & _TIMES == _TIMES:
            now = int(time.time())
            when = (now if valid & _NOW else mtime) * NANOSECONDS
            self.files.utimens(path, (when, when))
        return self._attributes(node)
