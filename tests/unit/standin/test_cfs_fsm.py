"""Members of the cluster file system on a bus that delivers everything to all of them in one order."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pvestandin.cfs import fsm as fsm_module
from pvestandin.cfs.fsm import AWAY, SYNCED, SYNCING, Fsm, leader, missing, pack, unpack
from pvestandin.cfs.memdb import MemDb


class Bus:
    """A process group: joining and leaving, and messages in total order."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.members: dict[int, Fsm] = {}
        self.queue: list[tuple[tuple[int, int], bytes]] = []
        self.pool = ThreadPoolExecutor(4)

    def node(self, number: int) -> Fsm:
        member = Fsm(
            MemDb(self.directory / f"{number}.db"), (number, 100 + number), lambda data: self.send(number, data)
        )
        member.own = {"name": f"pve{number}", "kv": {"nodeip": [0, f"10.0.0.{number}"]}}
        member.quorate = True
        return member

    def send(self, number: int, data: bytes) -> None:
        if number not in self.members:
            raise OSError("not joined")
        self.queue.append((self.members[number].me, data))

    def change(self, joined: list[Fsm], left: list[int] = ()) -> None:
        for number in left:
            self.members.pop(number).leave()
        for member in joined:
            self.members[member.me[0]] = member
        addresses = sorted(member.me for member in self.members.values())
        for member in list(self.members.values()):
            member.change(addresses, sorted(new.me for new in joined))

    def step(self) -> None:
        sender, data = self.queue.pop(0)
        for member in list(self.members.values()):
            member.message(sender, data)

    def pump(self) -> None:
        while self.queue:
            self.step()

    def write(self, member: Fsm, path: str, text: str) -> int:
        result = self.submit(member, "create", path)
        assert result in (0, -errno.EEXIST)
        return self.submit(member, "write", path, data=text.encode(), flag=True)

    def submit(self, member: Fsm, *arguments: Any, **options: Any) -> int:
        future = self.pool.submit(member.submit, *arguments, **options)
        while not future.done():
            if self.queue:
                self.step()
        return future.result()


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    made = Bus(tmp_path)
    yield made
    made.pool.shutdown()


@pytest.fixture
def three(bus: Bus) -> list[Fsm]:
    nodes = [bus.node(number) for number in (1, 2, 3)]
    for member in nodes:
        bus.change([member])
        bus.pump()
    return nodes


def same(nodes: list[Fsm]) -> bool:
    return all(member.db.digests() == nodes[0].db.digests() for member in nodes)


def test_messages_survive_packing() -> None:
    assert unpack(pack({"kind": "op", "path": "ä"}, b"\0\xff")) == ({"kind": "op", "path": "ä"}, b"\0\xff")


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({(1, 9): (5, 10), (2, 9): (6, 1)}, (2, 9)),
        ({(1, 9): (5, 10), (2, 9): (5, 11)}, (2, 9)),
        ({(2, 9): (5, 10), (1, 9): (5, 10), (3, 9): (4, 99)}, (1, 9)),
    ],
)
def test_leader(states: dict[tuple[int, int], tuple[int, int]], expected: tuple[int, int]) -> None:
    assert (
        leader({member: {"version": version, "mtime": mtime} for member, (version, mtime) in states.items()})
        == expected
    )


def test_missing_names_what_anybody_lacks() -> None:
    assert missing({"0": "a", "1": "b", "2": "c"}, [{"0": "a", "1": "b", "2": "c"}, {"0": "x", "2": "c"}]) == [0, 1]


def test_a_member_alone_is_synced_at_once(bus: Bus) -> None:
    member = bus.node(1)
    assert member.mode == AWAY
    bus.change([member])
    assert member.mode == SYNCED
    assert bus.write(member, "a", "1") == 1


def test_a_write_reaches_all_and_returns_its_result(bus: Bus, three: list[Fsm]) -> None:
    assert bus.write(three[1], "storage.cfg", "dir: local\n") == 11
    assert [member.db.read("storage.cfg") for member in three] == [b"dir: local\n"] * 3
    assert bus.submit(three[2], "mkdir", "storage.cfg/x") == -errno.ENOTDIR
    assert same(three)


def test_who_joins_takes_over_the_newer_tree(bus: Bus) -> None:
    old, new = bus.node(1), bus.node(2)
    bus.change([old])
    for number in range(5):
        bus.write(old, f"f{number}", "x")
    new.db.create("own", 0, 1)
    adopted: list[bool] = []
    new.on_adopt = lambda: adopted.append(True)
    bus.change([new])
    bus.pump()
    assert same([old, new])
    assert (adopted, new.db.lookup("own")) == ([True], None)


def test_a_member_that_was_away_catches_up(bus: Bus, three: list[Fsm]) -> None:
    bus.change([], left=[3])
    bus.pump()
    bus.write(three[0], "while-away", "x")
    bus.submit(three[0], "mkdir", "d")
    bus.change([three[2]])
    bus.pump()
    assert same(three)
    assert three[2].db.read("while-away") == b"x"


def test_a_write_during_a_round_waits_for_its_end(bus: Bus, three: list[Fsm]) -> None:
    late = bus.node(4)
    future = bus.pool.submit(three[1].submit, "mkdir", "d")
    while not bus.queue:
        assert not future.done()
    bus.change([late])
    bus.queue.append(bus.queue.pop(0))
    bus.step()
    assert three[0].mode == SYNCING
    bus.pump()
    assert future.result(5) == 0
    assert same([*three, late])
    assert late.db.lookup("d")


def test_a_member_lost_during_a_round_does_not_stop_it(bus: Bus, three: list[Fsm]) -> None:
    late = bus.node(4)
    bus.change([late])
    bus.step()
    bus.change([], left=[2])
    bus.pump()
    rest = [three[0], three[2], late]
    assert [member.mode for member in rest] == [SYNCED] * 3
    assert same(rest)


def test_without_quorum_nothing_is_sent(bus: Bus, three: list[Fsm]) -> None:
    three[0].quorate = False
    assert three[0].submit("mkdir", "d") == -errno.EACCES
    assert not bus.queue


def test_a_write_that_arrives_without_quorum_asks_for_a_new_round(bus: Bus, three: list[Fsm]) -> None:
    left: list[int] = []
    three[2].on_leave = lambda: left.append(3)
    three[2].quorate = False
    assert bus.submit(three[0], "mkdir", "d") == 0
    assert (left, three[2].db.lookup("d")) == ([3], None)
    bus.change([], left=[3])
    bus.change([three[2]])
    bus.pump()
    assert same(three)


def test_who_waits_is_told_when_corosync_goes_away(bus: Bus, three: list[Fsm]) -> None:
    future = bus.pool.submit(three[0].submit, "mkdir", "d")
    while not bus.queue:
        assert not future.done()
    three[0].leave()
    assert future.result(5) == -errno.EBUSY


def test_members_know_each_others_values(bus: Bus, three: list[Fsm]) -> None:
    assert {said["name"] for said in three[0].kv.values()} == {"pve1", "pve2", "pve3"}
    three[1].tell("kv", name="pve2", kv={"nodeip": [1, "10.0.0.99"]})
    bus.pump()
    assert three[0].kv[(2, 102)]["kv"]["nodeip"][1] == "10.0.0.99"
    bus.change([], left=[2])
    assert (2, 102) not in three[0].kv


def test_an_old_lock_goes_when_somebody_wants_it(bus: Bus, three: list[Fsm], monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("priv", "priv/lock", "priv/lock/x"):
        assert bus.submit(three[0], "mkdir", path) == 0
    digest = three[1].db.lookup("priv/lock/x").digest()
    three[1].tell("unlock", path="priv/lock/x", digest=digest)
    bus.pump()
    assert three[0].db.lookup("priv/lock/x")
    clock = fsm_module.time.monotonic() + 121
    monkeypatch.setattr("pvestandin.cfs.memdb.time.monotonic", lambda: clock)
    three[1].tell("unlock", path="priv/lock/x", digest=digest)
    bus.pump()
    assert [member.db.lookup("priv/lock/x") for member in three] == [None] * 3
    assert same(three)


def test_a_write_that_got_lost_is_answered_by_the_next_one(bus: Bus, three: list[Fsm]) -> None:
    lost = bus.pool.submit(three[0].submit, "mkdir", "lost")
    while not bus.queue:
        assert not lost.done()
    bus.queue.clear()
    assert bus.submit(three[0], "mkdir", "next") == 0
    assert lost.result(5) == -errno.EBUSY
    assert same(three)
