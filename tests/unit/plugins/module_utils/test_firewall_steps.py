# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One list of rules into another: the calls, that the end is right, and that nobody is locked out on the way."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_rules import Rule, tidy
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_steps import Step, combine, longest, steps


def rule(name: str, **more: Any) -> Rule:
    """C(a) accepts and C(D) drops, each from a source of this name; C(g1) is a group."""
    if name[0] == "g":
        return {"type": "group", "action": name, **more}
    return {"type": "in", "action": "DROP" if name[0].isupper() else "ACCEPT", "source": name * 2, **more}


def rules(names: str) -> list[Rule]:
    """C(!a) is switched off."""
    return [rule(one.strip("!"), **({"enable": False} if one[0] == "!" else {})) for one in names.split()]


def done(table: list[Rule], step: Step) -> list[Rule]:
    """What Proxmox makes of one call."""
    table = [dict(one) for one in table]
    if step.action == "create":
        return [tidy(step.values), *table]
    if step.action == "delete":
        return [*table[: step.position], *table[step.position + 1 :]]
    if step.action == "update":
        one = {**table[step.position], **step.values}
        table[step.position] = tidy({name: value for name, value in one.items() if value is not None})
        return table
    result = []
    for index, one in enumerate(table):
        if index == step.to:
            result.append(table[step.position])
        if index != step.position:
            result.append(one)
    return [*result, table[step.position]] if step.to >= len(table) else result


def states(now: Sequence[Rule], goal: Sequence[Rule]) -> list[list[Rule]]:
    table, seen = [tidy(one) for one in now], [[tidy(one) for one in now]]
    for step in steps(now, goal):
        assert list(step.before) == table
        table = done(table, step)
        seen.append(table)
    return seen


def accepted(table: Sequence[Rule], packet: frozenset[str]) -> bool:
    """Of a packet, known by the rules that match it, with DROP as the policy."""
    for one in table:
        if one.get("enable", True) and one.get("source") in packet:
            return one["action"] == "ACCEPT"
    return False


def shown(steps_: Sequence[Step]) -> list[str]:
    return [f"{one.action} {one.position}" + (f" to {one.to}" if one.action == "move" else "") for one in steps_]


CALLS = [
    ("", "a b c", ["create 0", "create 0", "create 0"]),
    ("", "a D", ["create 0", "create 0", "update 1"]),
    ("a b", "a b", []),
    ("a b", "", ["delete 0", "delete 0"]),
    ("a b c d", "d a b c", ["move 3 to 0"]),
    ("a b c d", "b c d a", ["move 0 to 4"]),
    ("a b c", "a x b c", ["create 0", "move 0 to 2"]),
    ("a D", "b D", ["create 0", "delete 1"]),
    ("a D", "b E", ["create 0", "create 0", "update 1", "delete 3", "delete 2"]),
    ("a", "!a", ["update 0"]),
    ("!a D", "a D", ["update 0"]),
    ("D a", "a D", ["move 1 to 0"]),
    ("a a b", "a b", ["delete 1"]),
]


@pytest.mark.parametrize(("now", "goal", "calls"), CALLS)
def test_the_calls(now: str, goal: str, calls: list[str]) -> None:
    assert shown(steps(rules(now), rules(goal))) == calls
    assert states(rules(now), rules(goal))[-1] == rules(goal)


def test_what_blocks_is_switched_on_when_all_is_in_its_place() -> None:
    create, update = steps([], rules("D"))
    assert create.values["enable"] is False
    assert (update.action, update.values) == ("update", {"enable": True})


def test_settings_are_changed_in_place() -> None:
    now = [rule("a", comment="old", log="info"), rule("b")]
    goal = [rule("a", comment="new"), rule("b", log="err")]
    assert [(one.position, one.values) for one in steps(now, goal)] == [
        (0, {"comment": "new", "log": None}),
        (1, {"log": "err"}),
    ]


def test_a_move_down_that_would_shut_somebody_out_is_done_otherwise() -> None:
    """Fewest calls would be to move a and D behind the others, in between D before a."""
    for seen in states(rules("a D b c d"), rules("b c d a D")):
        order = [one["source"] for one in seen]
        assert order.index("aa") < order.index("DD")


def test_every_order_is_reached_with_few_moves() -> None:
    names = "a b C d"
    for order in permutations(names.split()):
        goal = rules(" ".join(order))
        way = steps(rules(names), goal)
        assert states(rules(names), goal)[-1] == goal
        assert len(way) <= 3


def test_nobody_is_locked_out_on_the_way() -> None:
    """Whatever gets in before and afterwards does so in every state in between; of several thousand random tables."""
    source = random.Random(7)
    names = ["a", "b", "c", "D", "E", "F"]
    for _round in range(4000):
        now, goal = (
            rules(
                " ".join(source.choice(("", "", "", "!")) + one for one in source.sample(names, source.randint(0, 6)))
            )
            for _unused in range(2)
        )
        seen = states(now, goal)
        assert seen[-1] == goal
        for _packet in range(12):
            packet = frozenset(one * 2 for one in source.sample(names, source.randint(1, 4)))
            if accepted(now, packet) and accepted(goal, packet):
                assert all(accepted(table, packet) for table in seen), (now, goal, packet, seen)


def test_longest() -> None:
    assert longest([3, 0, 1, 4, 2]) in ({1, 2, 3}, {1, 2, 4})
    assert longest([]) == set()


COMBINED = [
    ("merged", "x y", "a", "a x y"),
    ("merged", "x a y", "a b", "x a b y"),
    ("merged", "x b y", "a b", "x a b y"),
    ("merged", "b x a", "a b", "a b x"),
    ("merged", "x !a", "a", "x !a"),
    ("merged", "x", "", "x"),
    ("replaced", "x y", "y a", "y a"),
    ("overridden", "x y", "", ""),
    ("deleted", "x a y a", "a", "x y a"),
    ("deleted", "x", "a", "x"),
]


@pytest.mark.parametrize(("state", "now", "given", "goal"), COMBINED)
def test_what_a_state_makes_of_it(state: str, now: str, given: str, goal: str) -> None:
    assert combine(state, rules(now), rules(given)) == rules(goal)
    # again, nothing changes
    if state == "merged":
        assert combine(state, rules(goal), rules(given)) == rules(goal)


def test_merged_switches_on_only_where_it_is_said() -> None:
    assert combine("merged", rules("!a"), [rule("a", enable=True)]) == rules("a")
    assert combine("merged", [rule("a", comment="kept", log="info")], [rule("a", log="err")]) == [
        rule("a", comment="kept", log="err")
    ]
