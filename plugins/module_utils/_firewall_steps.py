# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""How one list of rules becomes another one, call by call, without locking anybody out in between. Pure.

What Proxmox offers (PVE/API2/Firewall/Rules.pm): POST puts a rule before all others, PUT changes one at its position or
moves it before another one, DELETE takes one away; each call is a table of its own that the firewall may load.

- A rule that is not ACCEPT is made switched off and switched on when everything is in its place.
- What opens comes before what closes: ACCEPT rules are made first and removed last, the others the other way round.
- Rules are moved as few times as possible, as long as no rule that blocks comes before one that accepts where it does so
  neither at the beginning nor at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_rules import Rule, key, tidy

_numbers = count()
# From this rank on, a change waits until all is in its place
_IN_PLACE = 10


@dataclass
class _Entry:
    """A rule on its way. C(goal): its place among those that stay; None: it goes."""

    rule: Rule
    goal: int | None = None
    new: bool = False
    number: int = field(default_factory=lambda: next(_numbers))

    @property
    def on(self) -> bool:
        return bool(self.rule.get("enable", True))

    @property
    def opens(self) -> bool:
        return self.on and not self.blocks

    @property
    def closes(self) -> bool:
        """A group may do both."""
        return self.on and self.rule["action"] != "ACCEPT"

    @property
    def blocks(self) -> bool:
        return self.rule["type"] != "group" and self.rule["action"] != "ACCEPT"


@dataclass(frozen=True)
class Step:
    """One call, on the list C(before). C(values): the rule for C(create), settings for C(update), C(to) for C(move)."""

    action: str
    position: int
    values: Rule
    before: tuple[Rule, ...]
    to: int = 0


def steps(now: Sequence[Rule], goal: Sequence[Rule]) -> list[Step]:
    return _Table(now, goal).all()


def longest(places: Sequence[int], light: Collection[int] = ()) -> set[int]:
    """The indexes of a longest increasing part; of equal ones, one with few of those in C(light)."""
    best: list[list[int]] = []

    def weight(part: Sequence[int]) -> tuple[int, int]:
        return len(part), -sum(index in light for index in part)

    for index, place in enumerate(places):
        tails = [part for part in best if places[part[-1]] < place]
        best.append([*max(tails, key=weight, default=[]), index])
    return set(max(best, key=weight, default=[]))


def pairs(now: Sequence[Rule], goal: Sequence[Rule]) -> list[int | None]:
    """For each rule that is there, which one of C(goal) it is; of equal ones the first is the first."""
    free: dict[tuple[str, ...], list[int]] = {}
    for index, rule in enumerate(goal):
        free.setdefault(key(rule), []).append(index)
    result: list[int | None] = []
    for rule in now:
        left = free.get(key(rule))
        result.append(left.pop(0) if left else None)
    return result


class _Table:
    def __init__(self, now: Sequence[Rule], goal: Sequence[Rule]) -> None:
        self.goal = [tidy(rule) for rule in goal]
        places = pairs(now, self.goal)
        self.entries = [_Entry(tidy(rule), place) for rule, place in zip(now, places, strict=True)]
        self.steps: list[Step] = []

    def all(self) -> list[Step]:
        self._create()
        self._change(early=True)
        self._move()
        self._change(early=False)
        return self.steps

    def _do(self, action: str, position: int, values: Rule, to: int = 0) -> None:
        self.steps.append(Step(action, position, values, tuple(one.rule for one in self.entries), to))

    def _create(self) -> None:
        there = {one.goal for one in self.entries}
        for place in reversed(range(len(self.goal))):
            if place in there:
                continue
            rule = self.goal[place]
            if rule["action"] != "ACCEPT":
                rule = {**rule, "enable": False}
            self._do("create", 0, rule)
            self.entries.insert(0, _Entry(rule, place, new=True))

    def _move(self) -> None:
        """Several ways; the one that does no harm with the fewest calls."""
        before = list(self.entries)
        ways: list[tuple[int, int, list[tuple[int, int]], list[_Entry]]] = []
        for way in (self._ascending, self._descending, self._upwards):
            entries, moves, harm = list(before), [], 0
            for entry in way(entries):
                position, to = entries.index(entry), self._target(entries, entry, way)
                if to in (position, position + 1):
                    continue
                moves.append((position, to))
                entries.insert(to, entry)
                entries.pop(position + (to < position))
                # what only moves up, one after the other, leaves above it what is there in the end, and below what was
                harm += self._harm(before, entries) if way != self._upwards else 0
            ways.append((harm, len(moves), moves, entries))
        for position, to in min(ways, key=lambda way: way[:2])[2]:
            self._do("move", position, {}, to)
            entry = self.entries[position]
            self.entries.insert(to, entry)
            self.entries.pop(position + (to < position))

    def _movers(self, entries: Sequence[_Entry]) -> list[_Entry]:
        stay = [one for one in entries if one.goal is not None]
        kept = longest([one.goal or 0 for one in stay], [index for index, one in enumerate(stay) if one.new])
        return [one for index, one in enumerate(stay) if index not in kept]

    def _ascending(self, entries: list[_Entry]) -> list[_Entry]:
        return self._settle(entries, sorted(self._movers(entries), key=lambda one: one.goal or 0))

    def _descending(self, entries: list[_Entry]) -> list[_Entry]:
        return self._settle(entries, sorted(self._movers(entries), key=lambda one: one.goal or 0, reverse=True))

    def _upwards(self, entries: list[_Entry]) -> list[_Entry]:
        return self._settle(entries, sorted((one for one in entries if one.goal is not None), key=lambda one: one.goal))

    def _settle(self, entries: Sequence[_Entry], order: list[_Entry]) -> list[_Entry]:
        numbers = {one.number for one in order}
        self.settled = {one.number for one in entries if one.goal is not None and one.number not in numbers}
        return order

    def _target(self, entries: Sequence[_Entry], entry: _Entry, way: Callable[..., Any]) -> int:
        """Before which position it belongs: right behind the nearest settled one that comes before it."""
        self.settled.add(entry.number)
        earlier = [
            index
            for index, one in enumerate(entries)
            if one is not entry and one.number in self.settled and (one.goal or 0) < (entry.goal or 0)
        ]
        if way == self._upwards:
            position = entries.index(entry)
            later = [one for one in entries[:position] if one.goal is not None and one.goal > (entry.goal or 0)]
            if not later:
                return position
        return max(earlier) + 1 if earlier else 0

    def _harm(self, before: Sequence[_Entry], now: Sequence[_Entry]) -> int:
        """How many rules that accept have come behind one that blocks without what accepts in their place before it."""
        was = {one.number: index for index, one in enumerate(before)}
        harm = 0
        for index, one in enumerate(now):
            later = [other for other in now[index + 1 :] if other.opens] if one.closes else []
            # what comes before it in the end, and does not yet
            missing = any(one.goal is None or (self._on(x) and (x.goal or 0) < one.goal) for x in later)
            for other in later:
                if was[other.number] < was[one.number]:
                    harm += missing or not self._on(other)
        return harm

    def _change(self, *, early: bool) -> None:
        """What opens is changed early. What closes comes when all is in its place, and what goes is removed in between."""
        waiting = [
            (rank, entry)
            for entry in self.entries
            if (rank := self._rank(entry)) is not None and early == (rank < _IN_PLACE)
        ]
        for _rank, entry in sorted(waiting, key=lambda one: one[0]):
            position = self.entries.index(entry)
            if entry.goal is None:
                self._do("delete", position, {})
                self.entries.pop(position)
                continue
            rule = self.goal[entry.goal]
            values = {name: rule[name] for name in rule if rule[name] != entry.rule.get(name)}
            values |= {name: None for name in entry.rule if name not in rule}
            if "enable" in values:
                values["enable"] = bool(rule.get("enable", True))
            self._do("update", position, values)
            entry.rule = rule

    def _rank(self, entry: _Entry) -> int | None:
        """When an entry is changed or removed; None: not at all."""
        group, accepts = entry.rule["type"] == "group", entry.rule["action"] == "ACCEPT"
        if entry.goal is None:
            return _IN_PLACE + (4 if accepts else 3 if group else 2)
        if entry.rule == self.goal[entry.goal]:
            return None
        if entry.on == (on := self._on(entry)):
            return 0
        if on:
            return 0 if accepts else _IN_PLACE + (0 if group else 1)
        return _IN_PLACE + 4 if accepts or group else 1

    def _on(self, entry: _Entry) -> bool:
        """Whether it is there in the end, and on."""
        return entry.goal is not None and bool(self.goal[entry.goal].get("enable", True))


def exactly(_now: Sequence[Rule], given: Sequence[Rule]) -> list[Rule]:
    return [tidy(rule) for rule in given]


def without(now: Sequence[Rule], given: Sequence[Rule]) -> list[Rule]:
    """As often as a rule is given, it is taken away."""
    places = pairs(now, given)
    return [rule for rule, place in zip(now, places, strict=True) if place is None]


def with_all(now: Sequence[Rule], given: Sequence[Rule]) -> list[Rule]:
    """What is there, with all that is given in the given order; what is not given stays where it is.

    A rule that is not there comes right behind the one before it in C(given); the first ones before the one that follows
    them, and all of them to the top where none is there yet.
    """
    places = pairs(now, given)
    there = [(index, place) for index, place in enumerate(places) if place is not None]
    kept = {there[index][0] for index in longest([place for _index, place in there])}
    moved = {index for index, _place in there} - kept
    result: list[tuple[Rule, int | None]] = [
        (rule, places[index] if index in kept else None) for index, rule in enumerate(now) if index not in moved
    ]
    old = {place: now[index] for index, place in there}
    for place, rule in enumerate(given):
        merged = tidy({**old.get(place, {}), **rule}) if place in old else tidy(rule)
        position = _position(result, place)
        if position is None:
            before = [index for index, (_rule, other) in enumerate(result) if other is not None and other < place]
            after = [index for index, (_rule, other) in enumerate(result) if other is not None and other > place]
            position = max(before) + 1 if before else min(after, default=0)
            result.insert(position, (merged, place))
        else:
            result[position] = (merged, place)
    return [rule for rule, _place in result]


def _position(result: Sequence[tuple[Rule, int | None]], place: int) -> int | None:
    return next((index for index, (_rule, other) in enumerate(result) if other == place), None)


def combine(state: str, now: Sequence[Rule], given: Collection[Rule]) -> list[Rule]:
    """The list that a state makes of what is there and what is given."""
    how = {"merged": with_all, "deleted": without}.get(state, exactly)
    return how(list(now), list(given))
