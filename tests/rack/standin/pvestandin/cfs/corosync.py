"""The parts of corosync's C libraries that the file system needs: closed process groups, quorum, configuration map."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, byref, c_char, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p

OK, TRY_AGAIN, QUEUE_FULL = 1, 6, 14
_DISPATCH_ALL, _AGREED, _TRACK = 2, 2, 1 | 2

Member = tuple[int, int]
"""(node id, process id)."""


class CorosyncError(OSError):
    """A call failed; corosync is away, or does not want us (any more)."""


class _Name(ctypes.Structure):
    _fields_ = [("length", c_uint32), ("value", c_char * 128)]


class _Address(ctypes.Structure):
    _fields_ = [("nodeid", c_uint32), ("pid", c_uint32), ("reason", c_uint32)]


class _Vector(ctypes.Structure):
    _fields_ = [("base", c_char_p), ("length", c_size_t)]


_Deliver = CFUNCTYPE(None, c_uint64, POINTER(_Name), c_uint32, c_uint32, c_void_p, c_size_t)
_Change = CFUNCTYPE(
    None,
    c_uint64,
    POINTER(_Name),
    POINTER(_Address),
    c_size_t,
    POINTER(_Address),
    c_size_t,
    POINTER(_Address),
    c_size_t,
)
_Notify = CFUNCTYPE(None, c_uint64, c_uint32, c_uint64, c_uint32, POINTER(c_uint32))


class _GroupCallbacks(ctypes.Structure):
    _fields_ = [("deliver", _Deliver), ("change", _Change)]


class _QuorumCallbacks(ctypes.Structure):
    _fields_ = [("notify", _Notify)]


def _check(result: int, what: str) -> None:
    if result != OK:
        raise CorosyncError(f"{what} failed: {result}")


class _Service:
    """A connection to corosync: a handle, a file descriptor that becomes readable, and dispatch()."""

    library: ctypes.CDLL
    prefix: str

    def __init__(self) -> None:
        self.handle = c_uint64()

    def _call(self, name: str, *arguments: object) -> int:
        return int(getattr(self.library, f"{self.prefix}_{name}")(self.handle, *arguments))

    def fileno(self) -> int:
        descriptor = c_int()
        _check(self._call("fd_get", byref(descriptor)), f"{self.prefix}_fd_get")
        return descriptor.value

    def dispatch(self) -> None:
        result = TRY_AGAIN
        while result == TRY_AGAIN:
            result = self._call("dispatch", c_int(_DISPATCH_ALL))
            if result == TRY_AGAIN:
                time.sleep(0.1)
        _check(result, f"{self.prefix}_dispatch")

    def close(self) -> None:
        self._call("finalize")


class Group(_Service):
    """Membership of one process group. Messages and membership changes come in the same order on all members."""

    prefix = "cpg"

    def __init__(
        self,
        name: str,
        on_message: Callable[[Member, bytes], None],
        on_change: Callable[[list[Member], list[Member]], None],
    ) -> None:
        """on_message(sender, data); on_change(members, joined)."""
        super().__init__()
        self.library = ctypes.CDLL("libcpg.so.4")
        self._callbacks = _GroupCallbacks(
            _Deliver(lambda _h, _n, node, pid, data, size: on_message((node, pid), ctypes.string_at(data, size))),
            _Change(
                lambda _h, _n, members, count, _l, _lc, joined, joined_count: on_change(
                    sorted((members[i].nodeid, members[i].pid) for i in range(count)),
                    sorted((joined[i].nodeid, joined[i].pid) for i in range(joined_count)),
                )
            ),
        )
        _check(self.library.cpg_initialize(byref(self.handle), byref(self._callbacks)), "cpg_initialize")
        local = c_uint32()
        try:
            _check(self._call("local_get", byref(local)), "cpg_local_get")
            self.nodeid: int = local.value
            group = _Name(len(name), name.encode())
            result, tries = TRY_AGAIN, 0
            while result == TRY_AGAIN and tries < 100:
                result = self._call("join", byref(group))
                if result == TRY_AGAIN:
                    tries += 1
                    time.sleep(0.1)
            _check(result, "cpg_join")
        except CorosyncError:
            self.close()
            raise

    def send(self, data: bytes) -> None:
        """Multicast to all members, ourselves included; waits up to ten seconds while corosync is busy."""
        vector = _Vector(data, len(data))
        for _unused in range(100):
            result = self._call("mcast_joined", c_int(_AGREED), byref(vector), c_uint32(1))
            if result not in (TRY_AGAIN, QUEUE_FULL):
                break
            time.sleep(0.1)
        _check(result, "cpg_mcast_joined")


class Quorum(_Service):
    """Tells on_change(quorate) whenever that changes, and once at first."""

    prefix = "quorum"

    def __init__(self, on_change: Callable[[bool], None]) -> None:
        super().__init__()
        self.library = ctypes.CDLL("libquorum.so.5")
        self._callbacks = _QuorumCallbacks(_Notify(lambda _h, quorate, _r, _n, _v: on_change(bool(quorate))))
        kind = c_uint32()
        _check(
            self.library.quorum_initialize(byref(self.handle), byref(self._callbacks), byref(kind)), "quorum_initialize"
        )
        try:
            _check(self._call("trackstart", c_uint32(_TRACK)), "quorum_trackstart")
        except CorosyncError:
            self.close()
            raise


class Map(_Service):
    """corosync's running configuration."""

    prefix = "cmap"

    def __init__(self) -> None:
        super().__init__()
        self.library = ctypes.CDLL("libcmap.so.4")
        _check(self.library.cmap_initialize(byref(self.handle)), "cmap_initialize")

    def text(self, key: str) -> str | None:
        size = c_size_t(4096)
        buffer = ctypes.create_string_buffer(size.value)
        kind = c_int()
        found = self._call("get", key.encode(), buffer, byref(size), byref(kind)) == OK
        return buffer.raw[: size.value].rstrip(b"\0").decode() if found else None

    def number(self, key: str) -> int | None:
        size = c_size_t(8)
        value = c_uint64()
        kind = c_int()
        found = self._call("get", key.encode(), byref(value), byref(size), byref(kind)) == OK
        return value.value if found else None

    def nodes(self) -> dict[int, str]:
        """Node id → name, as corosync has them now. Raises when corosync is away."""
        iterator = c_uint64()
        _check(self._call("iter_init", b"nodelist.node.", byref(iterator)), "cmap_iter_init")
        key, size, kind = ctypes.create_string_buffer(256), c_size_t(), c_int()
        positions = []
        while self._call("iter_next", iterator, key, byref(size), byref(kind)) == OK:
            parts = key.value.decode().split(".")
            if parts[-1] == "nodeid":
                positions.append(parts[2])
        self._call("iter_finalize", iterator)
        table = {}
        for position in sorted(positions, key=int):
            node = f"nodelist.node.{position}"
            name = self.text(f"{node}.name") or self.text(f"{node}.ring0_addr")
            number = self.number(f"{node}.nodeid")
            if name and number:
                table[number] = name
        return table
