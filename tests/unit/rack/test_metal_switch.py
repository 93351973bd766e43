"""The user-space switch: learning, VLANs, MTU, cables, LACP. Frames in, frames out; no sockets."""

from __future__ import annotations

import struct

import pytest
from rack.metal import lacp
from rack.metal.switch import STORM_FRAMES, Port, Switch

BROADCAST = b"\xff" * 6


def address(number: int) -> bytes:
    return bytes([2, 0, 0, 0, 0, number])


def frame(target: bytes, source: int, vlan: int | None = None, payload: int = 46, priority: int = 0) -> bytes:
    tag = b"" if vlan is None else b"\x81\x00" + struct.pack("!H", priority << 13 | vlan)
    return target + address(source) + tag + b"\x08\x00" + bytes(payload)


def make(*ports: Port) -> Switch:
    switch = Switch()
    for port in ports:
        switch.add(port)
    return switch


def names(out: list[tuple[str, bytes]]) -> list[str]:
    return sorted(name for name, _frame in out)


@pytest.fixture
def three() -> Switch:
    return make(Port("a", "lan"), Port("b", "lan"), Port("c", "lan"), Port("x", "san"))


def test_what_is_unknown_goes_everywhere_on_its_network_and_what_is_known_to_one(three):
    assert names(three.receive("a", frame(address(2), 1), 0)) == ["b", "c"]
    assert three.receive("b", frame(address(1), 2), 0) == [("a", frame(address(1), 2))]
    assert names(three.receive("a", frame(address(2), 1), 0)) == ["b"]
    assert names(three.receive("a", frame(BROADCAST, 1), 0)) == ["b", "c"]


def test_an_address_that_moves_is_found_at_its_new_place(three):
    three.receive("b", frame(BROADCAST, 2), 0)
    three.receive("c", frame(BROADCAST, 2), 0)
    assert names(three.receive("a", frame(address(2), 1), 0)) == ["c"]


def test_a_frame_to_where_it_came_from_goes_nowhere(three):
    three.receive("a", frame(BROADCAST, 1), 0)
    three.receive("a", frame(BROADCAST, 2), 0)
    assert three.receive("a", frame(address(1), 2), 0) == []


def test_a_cable_that_is_out_carries_nothing_and_its_addresses_are_forgotten(three):
    three.receive("b", frame(BROADCAST, 2), 0)
    three.set_up("b", False)
    assert names(three.receive("a", frame(address(2), 1), 0)) == ["c"]
    assert three.receive("b", frame(BROADCAST, 2), 0) == []
    assert three.ports["b"].dropped == {"down": 1}
    three.set_up("b", True)
    assert names(three.receive("a", frame(BROADCAST, 1), 0)) == ["b", "c"]


def test_link_local_frames_are_never_forwarded(three):
    for last in (0, 2, 3, 14):
        assert three.receive("a", frame(bytes([1, 0x80, 0xC2, 0, 0, last]), 1), 0) == []


def test_tags_are_put_on_taken_off_and_kept():
    switch = make(Port("trunk", "lan"), Port("access", "lan", native=20, tagged=frozenset()), Port("other", "lan"))
    out = dict(switch.receive("trunk", frame(BROADCAST, 1, vlan=20, priority=5), 0))
    assert out == {"access": frame(BROADCAST, 1), "other": frame(BROADCAST, 1, vlan=20, priority=5)}
    assert dict(switch.receive("access", frame(address(1), 2), 0)) == {"trunk": frame(address(1), 2, vlan=20)}


def test_a_vlan_stays_where_its_ports_are():
    switch = make(
        Port("a", "lan", tagged=frozenset({20, 30})),
        Port("b", "lan", tagged=frozenset({20})),
        Port("c", "lan", native=30),
    )
    assert names(switch.receive("a", frame(BROADCAST, 1, vlan=20), 0)) == ["b", "c"]
    assert names(switch.receive("a", frame(BROADCAST, 1, vlan=30), 0)) == ["c"]
    assert names(switch.receive("a", frame(BROADCAST, 1), 0)) == ["b", "c"]
    assert switch.receive("b", frame(BROADCAST, 2, vlan=30), 0) == []
    assert switch.ports["b"].dropped == {"vlan": 1}


def test_learning_is_per_vlan():
    switch = make(Port("a", "lan"), Port("b", "lan"), Port("c", "lan"))
    switch.receive("b", frame(BROADCAST, 2, vlan=20), 0)
    assert names(switch.receive("a", frame(address(2), 1, vlan=20), 0)) == ["b"]
    assert names(switch.receive("a", frame(address(2), 1, vlan=30), 0)) == ["b", "c"]


def test_a_priority_tag_is_no_vlan():
    switch = make(Port("a", "lan"), Port("b", "lan"))
    assert switch.receive("a", frame(BROADCAST, 1, vlan=0), 0) == [("b", frame(BROADCAST, 1))]


@pytest.mark.parametrize("vlan", [None, 20])
def test_frames_larger_than_a_port_takes_are_lost(vlan):
    switch = make(Port("a", "lan", mtu=9000), Port("b", "lan", mtu=9000), Port("small", "lan", mtu=1500))
    assert names(switch.receive("a", frame(BROADCAST, 1, vlan, 1500), 0)) == ["b", "small"]
    assert names(switch.receive("a", frame(BROADCAST, 1, vlan, 1501), 0)) == ["b"]
    assert switch.ports["small"].dropped == {"mtu": 1}
    assert switch.receive("small", frame(BROADCAST, 3, vlan, 1501), 0) == []
    assert switch.receive("a", frame(BROADCAST, 1, vlan, 9001), 0) == []


def test_a_loop_does_not_take_the_host(three):
    for _number in range(STORM_FRAMES):
        assert three.receive("a", frame(BROADCAST, 1), 5.0)
    assert three.receive("a", frame(BROADCAST, 1), 5.5) == []
    assert three.receive("a", frame(BROADCAST, 1), 6.0)


BOND = bytes.fromhex("02b0d0000001")


def speak(port: int, told: lacp.Info = lacp.UNKNOWN, system: bytes = BOND, state: int = 0x0F) -> bytes:
    """What a Linux bond sends: active, short timeout, aggregation, synchronised."""
    return lacp.build(system, lacp.Info(65535, system, 9, 255, port, state), told)


@pytest.fixture
def bonded() -> Switch:
    return make(
        Port("p1", "lan", group="pve1/uplink"),
        Port("p2", "lan", group="pve1/uplink"),
        Port("a", "lan"),
        Port("b", "lan"),
    )


def aggregate(switch: Switch, now: float = 0) -> None:
    switch.receive("p1", speak(1), now)
    switch.receive("p2", speak(2), now)


def test_before_lacp_speaks_the_ports_are_plain(bonded):
    assert names(bonded.receive("p1", frame(BROADCAST, 1), 0)) == ["a", "b", "p2"]


def test_a_lacpdu_survives_being_built_and_parsed():
    ours = lacp.Info(1, address(7), 2, 3, 4, 0x3D)
    assert lacp.parse(lacp.build(address(1), ours, lacp.UNKNOWN)) == (ours, lacp.UNKNOWN)
    assert len(lacp.build(address(1), ours, ours)) == 124
    assert lacp.parse(frame(lacp.LACP_ADDRESS, 1)) is None


def test_the_switch_answers_a_bond_as_a_partner_that_collects_and_distributes(bonded):
    ((port, answer),) = bonded.receive("p1", speak(1), 0)
    actor, partner = lacp.parse(answer)
    assert port == "p1" and answer.startswith(lacp.LACP_ADDRESS)
    assert partner == lacp.parse(speak(1))[0]
    wanted = lacp.ACTIVE | lacp.AGGREGATION | lacp.SYNC | lacp.COLLECTING | lacp.DISTRIBUTING
    assert actor.system == lacp.SYSTEM and actor.state & wanted == wanted
    # The bond knows us now: nothing new to say until the next second.
    assert bonded.receive("p1", speak(1, actor), 0.5) == []
    assert names(bonded.tick(1.5)) == ["p1", "p2"]


def test_both_ports_get_one_key_and_their_own_numbers(bonded):
    aggregate(bonded)
    told = {name: lacp.parse(sent)[0] for name, sent in bonded.tick(2)}
    assert told["p1"].key == told["p2"].key and told["p1"].port != told["p2"].port


def test_nothing_echoes_between_the_cables_of_a_group(bonded):
    aggregate(bonded)
    assert names(bonded.receive("p1", frame(BROADCAST, 1), 0)) == ["a", "b"]
    out = names(bonded.receive("a", frame(BROADCAST, 9), 0))
    assert "b" in out and len({"p1", "p2"} & set(out)) == 1
    bonded.receive("p1", frame(BROADCAST, 1), 0)
    assert len(bonded.receive("a", frame(address(1), 9), 0)) == 1


def test_both_cables_of_a_group_are_used(bonded):
    aggregate(bonded)
    bonded.receive("p1", frame(BROADCAST, 1), 0)
    used = {bonded.receive("a", frame(address(1), source), 0)[0][0] for source in range(10, 60)}
    assert used == {"p1", "p2"}


def test_a_cable_of_a_group_that_goes_leaves_the_other(bonded):
    aggregate(bonded)
    bonded.receive("p1", frame(BROADCAST, 1), 0)
    bonded.set_up("p1", False)
    for source in range(10, 30):
        assert bonded.receive("a", frame(address(1), source), 0)[0][0] in ("p2", "b")
    assert bonded.lacp.members("pve1/uplink") == ("p2",)
    assert not any(name == "p1" for name, _frame in bonded.tick(5))


def test_a_silent_bond_is_given_up(bonded):
    aggregate(bonded, now=0)
    bonded.receive("p2", speak(2), 8)
    bonded.tick(lacp.SILENCE_SECONDS + 1)
    assert bonded.lacp.members("pve1/uplink") == ("p2",)
    bonded.receive("p1", frame(BROADCAST, 1), lacp.SILENCE_SECONDS + 1)
    assert bonded.ports["p1"].dropped == {"not aggregated": 1}


def test_cables_to_two_machines_are_no_group(bonded):
    bonded.receive("p1", speak(1), 0)
    bonded.receive("p2", speak(1, system=address(99)), 0)
    assert bonded.lacp.members("pve1/uplink") == ("p1",)


def test_a_bond_that_is_not_in_step_carries_nothing_yet(bonded):
    bonded.receive("p1", speak(1, state=lacp.ACTIVE | lacp.AGGREGATION), 0)
    assert bonded.lacp.members("pve1/uplink") == ()


def test_a_group_that_nobody_speaks_for_is_no_place_to_send_to(bonded):
    aggregate(bonded)
    bonded.receive("p1", frame(BROADCAST, 1), 0)
    bonded.tick(lacp.SILENCE_SECONDS + 1)
    assert names(bonded.receive("a", frame(address(1), 9), lacp.SILENCE_SECONDS + 1)) == ["b", "p1", "p2"]
