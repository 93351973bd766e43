"""What /etc/pve shows and lets do, with the permissions that the cluster file system gives by path alone."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Callable
from typing import Any

from .fsm import Fsm
from .memdb import DIRECTORY, MemDb, is_lock
from .view import View

_PRIVATE = re.compile(r"priv(/.*)?|nodes/[^/]+/priv(/.*)?")
LINKS = ("local", "qemu-server", "openvz", "lxc")
SHOWN = (".version", ".members", ".vmlist", ".rrd", ".clusterlog", ".debug")
BLOCK = 4096
NANOSECONDS = 10**9
CAPACITY, INODES = 128 * 1024 * 1024, 256 * 1024


def _refusal(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def is_private(path: str) -> bool:
    return bool(_PRIVATE.fullmatch(path))


class Files:
    """Called from many threads. Without an Fsm the node is on its own and always writable."""

    def __init__(self, db: MemDb, view: View, fsm: Fsm | None, group: int, ready: Callable[[], None]) -> None:
        self.db, self.view, self.fsm, self.group, self.ready = db, view, fsm, group, ready
        home = f"nodes/{view.name}"
        self.links = {name: home if name == "local" else f"{home}/{name}" for name in LINKS}

    @property
    def quorate(self) -> bool:
        return self.fsm is None or self.fsm.quorate

    # -- looking

    def getattr(self, path: str, _handle: int | None = None) -> dict[str, Any]:
        if path in self.links:
            mode, size, when, links = stat.S_IFLNK | (0o777 if self.quorate else 0o555), len(self.links[path]), 0, 1
        elif path in SHOWN:
            mode = stat.S_IFREG | (0o640 if path == ".debug" else 0o440)
            size, when, links = len(self.view.text(path).encode()), 0, 1
        else:
            entry = self.db.lookup(path)
            if entry is None:
                raise _refusal(errno.ENOENT)
            size, when = len(entry.data), entry.mtime
            if entry.type == DIRECTORY:
                mode, links = stat.S_IFDIR | (0o777 if self.quorate else 0o555), 2
            else:
                mode, links = stat.S_IFREG | (0o666 if self.quorate else 0o444), 1
        if is_private(path):
            mode &= ~0o077
        elif stat.S_ISREG(mode):
            mode &= ~0o027
        else:
            mode &= ~0o022
        return {
            "st_mode": mode,
            "st_nlink": links,
            "st_uid": 0,
            "st_gid": self.group,
            "st_size": size,
            "st_blocks": -(-size // BLOCK),
            **dict.fromkeys(("st_atime", "st_mtime", "st_ctime"), when * NANOSECONDS),
        }

    def readdir(self, path: str, _handle: int) -> list[str]:
        own = [*self.links, *SHOWN] if not path else []
        return [".", "..", *own, *self.db.names(path)]

    def readlink(self, path: str) -> str:
        if path not in self.links:
            raise _refusal(errno.EACCES)
        return self.links[path]

    def open(self, path: str, _flags: int) -> int:
        if path not in SHOWN and self.db.lookup(path) is None:
            raise _refusal(errno.ENOENT)
        return 0

    def read(self, path: str, size: int, offset: int, _handle: int) -> bytes:
        data = self.view.text(path).encode() if path in SHOWN else self.db.read(path)
        if data is None:
            raise _refusal(errno.ENOENT)
        return data[offset : offset + size]

    def statfs(self, _path: str) -> dict[str, int]:
        with self.db.mutex:
            used, count = sum(len(entry.data) for entry in self.db.index.values()), len(self.db.index)
        blocks = CAPACITY // BLOCK
        free = blocks - used // BLOCK
        return {
            "f_bsize": BLOCK,
            "f_frsize": BLOCK,
            "f_blocks": blocks,
            "f_bfree": free,
            "f_bavail": free,
            "f_files": INODES,
            "f_ffree": INODES - count,
            "f_namemax": 256,
        }

    # -- changing

    def create(self, path: str, _mode: int) -> int:
        self._change("create", path)
        return 0

    def write(self, path: str, data: bytes, offset: int, _handle: int) -> int:
        if path in SHOWN:
            if path == ".debug" and not offset and data[:2] in (b"0\n", b"1\n"):
                return len(data)
            raise _refusal(errno.EIO)
        return self._change("write", path, data=data, offset=offset)

    def truncate(self, path: str, length: int, _handle: int | None = None) -> None:
        if path == ".debug":
            return
        self._change("write", path, offset=length, flag=True)

    def unlink(self, path: str) -> None:
        self._change("delete", path)

    def rmdir(self, path: str) -> None:
        self._change("delete", path)

    def mkdir(self, path: str, _mode: int) -> None:
        self._change("mkdir", path)

    def rename(self, source: str, target: str) -> None:
        if self._fixed(target):
            raise _refusal(errno.EACCES)
        self._change("rename", source, to=target)

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> None:
        if self._fixed(path):
            raise _refusal(errno.EACCES)
        when = times[1] // NANOSECONDS if times else int(time.time())
        entry = self.db.lookup(path)
        if entry and entry.type == DIRECTORY and when == 0 and is_lock(path):
            self._request_unlock(path, entry.digest())
        self._change("mtime", path, offset=when)

    def chmod(self, path: str, mode: int) -> None:
        if stat.S_IMODE(mode) != (0o600 if is_private(path) else 0o640):
            raise _refusal(errno.EPERM)

    def chown(self, path: str, user: int, group: int) -> None:
        keep = 0xFFFFFFFF, -1
        if (user != 0 and user not in keep) or (group != self.group and group not in keep):
            raise _refusal(errno.EPERM)

    def _fixed(self, path: str) -> bool:
        return path in self.links or path in SHOWN or not path

    def _change(
        self, operation: str, path: str, *, to: str = "", offset: int = 0, flag: bool = False, data: bytes = b""
    ) -> int:
        if self._fixed(path):
            raise _refusal(errno.EACCES)
        if self.fsm:
            result = self.fsm.submit(operation, path, to=to, offset=offset, flag=flag, data=data)
        else:
            result = self._alone(operation, path, to, offset, flag, data)
        if result < 0:
            raise _refusal(-result)
        return result

    def _alone(self, operation: str, path: str, to: str, offset: int, flag: bool, data: bytes) -> int:
        now = int(time.time())
        if operation == "write":
            return self.db.write(path, 0, now, data, offset, flag)
        if operation == "rename":
            return self.db.rename(path, to, 0, now)
        if operation == "mtime":
            return self.db.mtime(path, 0, offset)
        return int(getattr(self.db, operation)(path, 0, now))

    def _request_unlock(self, path: str, digest: str) -> None:
        if self.fsm:
            if self.fsm.quorate:
                self.fsm.tell("unlock", path=path, digest=digest)
        elif self.db.lock_expired(path, digest):
            result = self.db.delete(path, 0, int(time.time()))
            if result < 0:
                raise _refusal(-result)
