"""What members of the file system say to each other, and what each makes of it.

All members see the same messages and membership changes in the same order (corosync's closed process groups). On every
change the member with the lowest node id opens a round: each sends the digests of its tree; the highest version, then
the latest change, then the lowest id wins; the winner sends what the others lack. Writes that arrive meanwhile wait.
"""

from __future__ import annotations

import errno
import json
import struct
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

from .memdb import DIRECTORY, Entry, MemDb, is_lock

Member = tuple[int, int]
AWAY, SYNCING, UPDATING, SYNCED = "away", "syncing", "updating", "synced"


def pack(message: dict[str, Any], data: bytes = b"") -> bytes:
    head = zlib.compress(json.dumps(message).encode(), 1)
    return struct.pack(">I", len(head)) + head + data


def unpack(raw: bytes) -> tuple[dict[str, Any], bytes]:
    size = struct.unpack_from(">I", raw)[0]
    return json.loads(zlib.decompress(raw[4 : 4 + size])), raw[4 + size :]


def leader(states: dict[Member, dict[str, Any]]) -> Member:
    """Whose tree all take over."""
    return min(states, key=lambda member: (-states[member]["version"], -states[member]["mtime"], member))


def missing(master: dict[str, str], others: list[dict[str, str]]) -> list[int]:
    """Inodes of the master that at least one of the others has not, or has in another version."""
    return sorted({int(inode) for other in others for inode, digest in master.items() if other.get(inode) != digest})


class Pending:
    """A write of ours on its way round."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.received = False
        self.result = -errno.EBUSY


class Fsm:
    """One member. `send` multicasts (and raises when it cannot); the callbacks run in the thread that feeds messages.

    on_write(path, ours) after a change is in the tree, on_adopt() after a foreign tree was taken over, on_leave() when
    the member has to leave the group and join it again.
    """

    def __init__(self, db: MemDb, me: Member, send: Callable[[bytes], None]) -> None:
        self.db, self.me, self.send = db, me, send
        self.mode = AWAY
        self.members: list[Member] = []
        self.quorate = False
        self.kv: dict[Member, dict[str, Any]] = {}
        """What each member says about itself: {"name": …, "kv": {key: [version, text]}}."""
        self.own: dict[str, Any] = {"name": "", "kv": {}}
        self.on_write: Callable[[str, bool], None] = lambda path, ours: None
        self.on_adopt: Callable[[], None] = lambda: None
        self.on_leave: Callable[[], None] = lambda: None
        self.on_log: Callable[[dict[str, Any]], None] = lambda entry: None
        self.on_members: Callable[[], None] = lambda: None
        self._epoch: list[int] | None = None
        self._epochs = 0
        self._states: dict[Member, dict[str, Any]] = {}
        self._updates: list[Entry] = []
        self._queue: list[tuple[Member, bytes]] = []
        self._pending: dict[int, Pending] = {}
        self._count = 0
        self._mutex = threading.Lock()
        """Of _pending; never held while sending, which can take as long as the members need to agree."""
        self._order = threading.Lock()
        """Numbers are sent in their order."""

    # -- called by writers, any thread

    def submit(
        self, op: str, path: str, *, to: str = "", offset: int = 0, flag: bool = False, data: bytes = b""
    ) -> int:
        """Do it on all members and return the result of our own copy."""
        if not self.quorate:
            return -errno.EACCES
        pending = Pending()
        with self._order:
            self._count += 1
            number = self._count
            with self._mutex:
                self._pending[number] = pending
            message = {
                "kind": "op",
                "id": number,
                "op": op,
                "path": path,
                "to": to,
                "offset": offset,
                "flag": flag,
                "time": int(time.time()),
            }
            try:
                self.send(pack(message, data))
            except OSError:
                with self._mutex:
                    self._pending.pop(number, None)
                return -errno.EACCES
        pending.done.wait()
        return pending.result

    def tell(self, kind: str, **fields: Any) -> None:
        """A message about ourselves (kv, log), or a request that needs no answer (unlock)."""
        if self.mode != AWAY:
            self.send(pack({"kind": kind, **fields}))

    # -- called by the loop

    def leave(self) -> None:
        """We are out of the group, for whatever reason: nobody will answer those who wait."""
        self.mode, self._epoch, self._queue = AWAY, None, []
        self._release()

    def change(self, members: list[Member], joined: list[Member]) -> None:
        """The group's membership is now this."""
        self.members = members
        self.kv = {member: said for member, said in self.kv.items() if member in members}
        if self.me not in members:
            self.leave()
            self.on_members()
            return
        self.kv[self.me] = self.own
        self._epoch, self._states, self._updates = None, {}, []
        if len(members) == 1:
            self.mode = SYNCED
            self._drain()
        else:
            self.mode = SYNCING
            if joined and self._queue:
                # Who has just come does not have the queue: every member repeats its own part for all.
                queue, self._queue = self._queue, []
                for sender, raw in queue:
                    if sender == self.me:
                        self.send(raw)
            if members[0] == self.me:
                self._epochs += 1
                self.send(pack({"kind": "sync", "epoch": [*self.me, self._epochs, int(time.time())]}))
        self.on_members()

    def message(self, sender: Member, raw: bytes) -> None:
        """A message, our own ones too."""
        if self.mode == AWAY:
            return
        head, data = unpack(raw)
        kind = head["kind"]
        if kind == "op":
            if sender == self.me:
                self._received(head["id"])
            if self.mode == SYNCED:
                self._apply(sender, head, data)
            else:
                self._queue.append((sender, raw))
        elif kind == "kv":
            self.kv[sender] = {"name": head["name"], "kv": head["kv"]}
            self.on_members()
        elif kind == "log":
            self.on_log(head["entry"])
        elif kind in ("unlock", "expired"):
            self._unlock(sender, head)
        elif kind == "sync":
            self._start(head["epoch"])
        elif head.get("epoch") == self._epoch:
            self._round(sender, head, data)

    # -- a round

    def _start(self, epoch: list[int]) -> None:
        self.mode, self._epoch = SYNCING, epoch
        self._states, self._updates = {}, []
        self.send(
            pack(
                {
                    "kind": "state",
                    "epoch": epoch,
                    "version": self.db.root.version,
                    "mtime": self.db.root.mtime,
                    "digests": self.db.digests(),
                    "own": self.own,
                }
            )
        )

    def _round(self, sender: Member, head: dict[str, Any], data: bytes) -> None:
        if head["kind"] == "state" and self.mode == SYNCING:
            self._states[sender] = head
            self.kv[sender] = head["own"]
            if set(self.members) <= set(self._states):
                self._decide()
        elif head["kind"] == "update" and self.mode == UPDATING:
            self._updates.append(Entry(*head["entry"]))
            self._updates[-1].data = data
        elif head["kind"] == "done" and self.mode == UPDATING:
            self._commit()

    def _decide(self) -> None:
        states = {member: self._states[member] for member in self.members}
        first = leader(states)
        master = states[first]["digests"]
        others = [state["digests"] for member, state in states.items() if member != first]
        self.on_members()
        if all(other == master for other in others):
            self._synced()
            return
        self.mode = UPDATING
        if first == self.me:
            for inode in missing(master, others):
                entry = self.db.index[inode]
                self.send(
                    pack(
                        {
                            "kind": "update",
                            "epoch": self._epoch,
                            "entry": [
                                entry.inode,
                                entry.parent,
                                entry.version,
                                entry.writer,
                                entry.mtime,
                                entry.type,
                                entry.name,
                            ],
                        },
                        entry.data,
                    )
                )
            self.send(pack({"kind": "done", "epoch": self._epoch, "leader": list(self.me)}))

    def _commit(self) -> None:
        states = {member: self._states[member] for member in self.members}
        master = {int(inode): digest for inode, digest in states[leader(states)]["digests"].items()}
        mine = self.db.digests()
        if mine != master:
            self.db.adopt(master, [entry for entry in self._updates if mine.get(entry.inode) != entry.digest()])
            self.on_adopt()
        self._synced()

    def _synced(self) -> None:
        self.mode = SYNCED
        self._drain()

    def _drain(self) -> None:
        queue, self._queue = self._queue, []
        for position, (sender, raw) in enumerate(queue):
            if self.mode != SYNCED:
                self._queue = queue[position:] + self._queue
                return
            head, data = unpack(raw)
            self._apply(sender, head, data)

    # -- writes

    def _apply(self, sender: Member, head: dict[str, Any], data: bytes) -> None:
        ours = sender == self.me
        if not self.quorate:
            # The others may have taken it: only a new round makes us equal again.
            self._answer(ours, head["id"], -errno.EACCES)
            self.on_leave()
            return
        op, path, writer, now = head["op"], head["path"], sender[0], head["time"]
        if op == "write":
            result = self.db.write(path, writer, now, data, head["offset"], head["flag"])
        elif op == "create":
            result = self.db.create(path, writer, now)
        elif op == "mkdir":
            result = self.db.mkdir(path, writer, now)
        elif op == "delete":
            result = self.db.delete(path, writer, now)
        elif op == "rename":
            result = self.db.rename(path, head["to"], writer, now)
        elif op == "mtime":
            result = self.db.mtime(path, writer, head["offset"])
        else:
            result = -errno.ENOTSUP
        if result >= 0:
            self.on_write(head["to"] if op == "rename" else path, ours)
        self._answer(ours, head["id"], result)

    def _unlock(self, sender: Member, head: dict[str, Any]) -> None:
        """Somebody wants a lock that is held: the lowest member decides whether it is too old."""
        path, entry = head["path"], self.db.lookup(head["path"])
        if not (
            self.mode == SYNCED
            and self.quorate
            and entry
            and entry.type == DIRECTORY
            and is_lock(path)
            and entry.digest() == head["digest"]
        ):
            return
        if head["kind"] == "expired":
            self.db.delete(path, sender[0], head["time"])
        elif self.members and self.members[0] == self.me and self.db.lock_expired(path, head["digest"]):
            self.send(pack({**head, "kind": "expired", "time": int(time.time())}))

    def _received(self, number: int) -> None:
        """Ours have come back as far as this one: an earlier one that has not was dropped on its way."""
        with self._mutex:
            lost = [earlier for earlier, pending in self._pending.items() if earlier < number and not pending.received]
            gone = [self._pending.pop(earlier) for earlier in lost]
            if number in self._pending:
                self._pending[number].received = True
        for pending in gone:
            pending.done.set()

    def _answer(self, ours: bool, number: int, result: int) -> None:
        if not ours:
            return
        with self._mutex:
            pending = self._pending.pop(number, None)
        if pending:
            pending.result = result
            pending.done.set()

    def _release(self) -> None:
        with self._mutex:
            waiting, self._pending = self._pending, {}
        for pending in waiting.values():
            pending.done.set()
