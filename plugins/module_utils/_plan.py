# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What has to be written so that what exists becomes what is wanted. Pure: nothing here talks to anything."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant, Version
from ansible_collections.baremetal.proxmox.plugins.module_utils._items import (
    Change,
    Present,
    Wanted,
    lenient,
    refuse,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import option_name


class _Problem(Exception):
    """One sentence about one item."""


class Planner:
    """Plans for one resource and one state. C(version) is asked only when a table entry depends on it.

    C(allow) has the identifiers that may be removed where a resource is guarded.
    """

    def __init__(
        self,
        resource: Resource,
        state: str,
        version: Callable[[], Version | None],
        allow: Collection[str] = (),
    ) -> None:
        self.resource = resource
        self.state = state
        self.version = version
        self.allow = frozenset(allow)

    def plan(self, items: Sequence[Wanted], present: Mapping[str, Present]) -> list[Change]:
        """All changes in the order in which they have to be made. Raises one InputError with every finding."""
        problems: list[str] = []
        changes: list[Change] = []
        for item in items:
            try:
                change = self.item(item, present.get(item.key))
            except _Problem as problem:
                problems.append(f"{item.where}: {problem}")
            else:
                if change:
                    changes.append(change)
        if self.state == "overridden":
            listed = {item.key for item in items}
            for key in sorted(set(present) - listed - self.resource.protected):
                one = present[key]
                if not one.known(self.resource) or self._stays(one):
                    continue
                if reason := self.resource.keep(one.raw) or self._unnamed(key):
                    problems.append(f"{self.resource.name} '{key}' is not listed and would be removed, but {reason}")
                else:
                    changes.append(Change("delete", key, present=one))
        problems += self._orphans(changes, present)
        refuse(problems)
        if self.resource.arrange:
            return list(self.resource.arrange(changes, present))
        return self._ordered(changes)

    def item(self, item: Wanted, present: Present | None) -> Change | None:
        """What this one item needs; None when nothing."""
        if self.resource.listed and present:
            return self._in_order(item, present)
        if self.state == "deleted" or self.resource.gone(item.values):
            return self._delete(item, present)
        change = self._change(item, present)
        if change and present and self.resource.built_in(present.raw):
            raise _Problem("is built in and cannot be changed")
        return change

    def _in_order(self, item: Wanted, present: Present) -> Change | None:
        """The one list of which there is only one; the goal stays what was given, because what is there may change."""
        name = str(self.resource.listed)
        there = present.values.get(name) or []
        goal = self.resource.combine(self.state, there, item.values.get(name) or [])
        change = self._change(replace(item, values={name: goal or None}), present)
        return replace(change, wanted=item) if change else None

    def _change(self, item: Wanted, present: Present | None) -> Change | None:
        if present and not present.known(self.resource):
            raise _Problem(f"exists with the type {present.label}, which this collection does not know")
        item = self._prepared(item, present)
        if present is None:
            return self._create(item)
        if self.resource.broken(present.raw):
            return replace(self._create(item), present=present)
        variant = self.resource.variants[present.label]
        if item.label is not None and item.label != present.label:
            return self._recreate(item, present, [f"type is {present.label}, wanted is {item.label}"])
        to_set: Item = {}
        to_unset: list[str] = []
        fixed: list[str] = []
        for one, value in self._values(item, variant, present.label):
            if one.transient:
                continue
            if one.secret:
                self._secret(item, present, one, value, to_set, to_unset)
                continue
            current = present.values.get(one.option)
            default = self.resource.default(variant, one)
            if (value is None and current in (None, default)) or value == (default if current is None else current):
                continue
            if one.name in variant.fixed.split():
                fixed.append(f"{one.option} is {_show(current)}, wanted is {_show(value)}")
            elif value is not None or (self._resets(one) and default is not None):
                to_set[one.name] = default if value is None else value
            elif one.name in variant.required.split():
                raise _Problem(f"{one.option}: cannot be taken away, {present.label or 'it'} needs it")
            else:
                to_unset.append(one.name)
        if self.state in ("replaced", "overridden"):
            for one in self._unmentioned(item, present, variant):
                if one.name in variant.fixed.split():
                    fixed.append(f"{one.option} is {_show(present.values[one.option])}, wanted is not set")
                elif self._resets(one) and self.resource.default(variant, one) is not None:
                    to_set[one.name] = self.resource.default(variant, one)
                else:
                    to_unset.append(one.name)
        if fixed:
            return self._recreate(item, present, fixed)
        if to_set:
            self._check_versions(to_set, present.label)
        gone = {self.resource.field(name).option for name in to_unset}
        result = {option: value for option, value in present.values.items() if option not in gone}
        self._check_item(item, present.label, {**result, **_set(item.values)})
        if not to_set and not to_unset:
            return None
        return Change("update", item.key, item, present, to_set, tuple(to_unset))

    def _resets(self, one: Field) -> bool:
        return self.resource.resets or one.resets

    def _prepared(self, item: Wanted, present: Present | None) -> Wanted:
        """Settings that are gone from this version are refused even where they would change nothing."""
        label = item.label or (present.label if present else None)
        if label in self.resource.variants:
            gone = {name: value for name, value in _set(item.values).items() if self.resource.field(name).until}
            if gone:
                self._check_versions(gone, label)
        try:
            return replace(item, values=self.resource.prepare(dict(item.values), present.values if present else None))
        except ValueError as error:
            raise _Problem(str(error)) from None

    def replan(self, item: Wanted, present: Present | None) -> Change | None:
        """One item again, after something else than expected was found."""
        try:
            return self.item(item, present)
        except _Problem as problem:
            raise InputError(f"{item.where}: {problem}") from None

    def leftover(self, item: Wanted, present: Present | None) -> str | None:
        """What is still to do after everything was done; secrets that are always written do not count."""
        try:
            change = self.item(replace(item, always=False), present)
        except _Problem as problem:
            return str(problem)
        names = {*change.to_set, *change.to_unset} if change else set()
        if change is None or (names and all(self.resource.field(name).once for name in names)):
            return None
        return ", ".join(sorted(map(option_name, names))) or change.action

    def _values(self, item: Wanted, variant: Variant, label: str | None) -> Iterable[tuple[Field, Any]]:
        """The given settings, each known to this type and allowed by it."""
        for option, value in item.values.items():
            one = self.resource.field(option)
            if one.name in variant.implied:
                if value not in (None, variant.implied[one.name]):
                    raise _Problem(f"{option}: {label} is always {_show(variant.implied[one.name])}")
                continue
            if one.name not in variant.names and value is None:
                continue
            if one.name not in variant.names:
                known = ", ".join(sorted(self.resource.field(name).option for name in variant.names))
                raise _Problem(f"{option}: {label} has no such setting; it has {known}")
            if value is not None and (allowed := variant.choices.get(one.name)):
                wrong = sorted(set([value] if isinstance(value, str) else value) - set(allowed))
                if wrong:
                    raise _Problem(f"{option}: {label} cannot take {', '.join(wrong)}; it takes {', '.join(allowed)}")
            yield one, value

    def _unmentioned(self, item: Wanted, present: Present, variant: Variant) -> Iterable[Field]:
        """What C(replaced) has to reset. Required settings and what Proxmox filled in stay."""
        for name in variant.optional.split():
            one = self.resource.field(name)
            if one.option in item.values or one.generated or one.option not in present.values:
                continue
            if present.values[one.option] != self.resource.default(variant, one):
                yield one

    @staticmethod
    def _secret(item: Wanted, present: Present, one: Field, value: Any, to_set: Item, to_unset: list[str]) -> None:
        marker = present.raw.get(one.name) if one.marker or one.readable else None
        if one.readable:
            marker = None if marker in (None, "") else lenient(one, marker)
            if value is None and marker is not None:
                to_unset.append(one.name)
            elif value != marker:
                to_set[one.name] = value
        elif value is None:
            if marker if one.marker else item.always:
                to_unset.append(one.name)
        elif (one.marker and (not marker or one.other(value, marker))) or (item.always and not one.same(value, marker)):
            to_set[one.name] = value

    def _create(self, item: Wanted, extra: str = "") -> Change:
        if self.resource.discriminator and item.label is None:
            raise _Problem(f"does not exist yet, so {self.resource.discriminator.option} has to be given")
        variant = self.resource.variants[item.label]
        to_set = {one.name: value for one, value in self._values(item, variant, item.label) if value is not None}
        needed = [*variant.required.split(), *variant.at_creation.split()]
        missing = [self.resource.field(name).option for name in needed if name not in to_set]
        if missing:
            what = f"{item.label} needs" if item.label else "it needs"
            raise _Problem(f"to create it, {what} {', '.join(missing)}{extra}")
        self._check_versions(to_set, item.label)
        self._check_item(item, item.label, _set(item.values))
        return Change("create", item.key, item, None, to_set)

    def _recreate(self, item: Wanted, present: Present, differences: Sequence[str]) -> Change:
        what = "; ".join(differences)
        if not self.resource.recreatable:
            raise _Problem(f"{what}. This is fixed when it is created")
        if not item.recreate:
            raise _Problem(
                f"{what}. Proxmox cannot change this in place; recreate: true on this item deletes the definition"
                " and creates it anew"
            )
        if item.key in self.resource.protected:
            raise _Problem(f"{what}. It is built in and cannot be recreated")
        if reason := self.resource.keep(present.raw):
            lost = {one.option for one in self.resource.fields if one.marker and present.raw.get(one.name)}
            if lost - {option for option, value in item.values.items() if value not in (None, "autogen")}:
                raise _Problem(f"{what}. recreate would lose something: {reason}")
        label = item.label or present.label
        variant = self.resource.variants[label]
        unknown = [
            one.option
            for one in (self.resource.field(name) for name in variant.names)
            if one.secret and not one.marker and one.option not in item.values
        ]
        if unknown:
            raise _Problem(
                f"{what}. recreate also removes the stored {', '.join(unknown)}: give it anew, or null for none"
            )
        values = dict(item.values)
        if self.state == "merged" and label == present.label:
            kept = {k: v for k, v in present.values.items() if not self.resource.field(k).generated}
            values = {**kept, **values}
        complete = Wanted(item.key, item.where, label, values, True, item.always)
        created = self._create(complete, " (recreate does not know them)")
        return Change("recreate", item.key, complete, present, created.to_set)

    def _delete(self, item: Wanted, present: Present | None) -> Change | None:
        if item.key in self.resource.protected or (present and self.resource.built_in(present.raw)):
            raise _Problem("is built in and cannot be removed")
        if present and (reason := self.resource.held(present.raw)):
            raise _Problem(f"cannot be removed: {reason}")
        if present and (reason := self._unnamed(item.key)):
            raise _Problem(f"would be removed, but {reason}")
        return Change("delete", item.key, item, present) if present else None

    def _stays(self, one: Present) -> bool:
        resource = self.resource
        return resource.spares(one.raw) or resource.built_in(one.raw) or resource.held(one.raw) is not None

    def _unnamed(self, key: str) -> str | None:
        if not self.resource.guarded or key in self.allow:
            return None
        return f"what is in it would be lost; name it in allow_remove as well (allow_remove: ['{key}'])"

    def _check_versions(self, to_set: Mapping[str, Any], label: str | None) -> None:
        subjects: list[tuple[str, Field | Variant]] = [(f"type {label}", self.resource.variants[label])]
        subjects += [(one.option, one) for one in map(self.resource.field, to_set)]
        subjects = [(name, subject) for name, subject in subjects if subject.since or subject.until]
        version = self.version() if subjects else None
        if version is None:
            return
        for name, subject in subjects:
            if subject.known_in(version):
                continue
            bound = (
                f"{_dotted(subject.since)} or later"
                if subject.since and version < subject.since
                else (f"a version before {_dotted(subject.until or ())}")
            )
            instead = f"; use {subject.instead}" if isinstance(subject, Field) and subject.instead else ""
            raise _Problem(f"{name}: needs {self.resource.product} {bound}, this is {_dotted(version[:2])}{instead}")

    def _check_item(self, item: Wanted, label: str | None, values: Item) -> None:
        sentences = list(self.resource.check({**self.resource.head(item.key, label), **values}))
        for one in map(self.resource.field, values):
            if one.along and self.resource.field(one.along).option not in values:
                sentences.append(f"{one.option}: needs {self.resource.field(one.along).option} as well")
        if sentences:
            raise _Problem("; ".join(sentences))

    def _orphans(self, changes: Sequence[Change], present: Mapping[str, Present]) -> Iterable[str]:
        gone = {change.key: change for change in changes if change.action in ("delete", "recreate")}
        ends = {change.key for change in changes if change.action == "delete"}
        for key, one in present.items():
            if key in ends:
                continue
            for needed in set(self.resource.depends(one.config(self.resource))) & set(gone):
                verb = "deleted" if gone[needed].action == "delete" else "recreated"
                yield f"{self.resource.name} '{needed}' cannot be {verb}: '{key}' is built on it"

    def _ordered(self, changes: Sequence[Change]) -> list[Change]:
        """What others are built on is made first and removed last; removals come at the end."""

        known = {change.key: change for change in changes}

        def depth(change: Change, above: frozenset[str] = frozenset()) -> int:
            label = change.wanted.label if change.wanted else None
            head = self.resource.head(change.key, label or (change.present.label if change.present else None))
            if change.wanted and change.action != "delete":
                values = change.wanted.values
            else:
                values = change.present.values if change.present else {}
            needed = list(self.resource.depends({**head, **_set(values)}))
            above |= {change.key}
            inside = [depth(known[key], above) for key in needed if key in known and key not in above]
            return 1 + max(inside, default=0) if needed else 0

        made = sorted((one for one in changes if one.action != "delete"), key=depth)
        removed = sorted((one for one in changes if one.action == "delete"), key=depth, reverse=True)
        return made + removed


def _set(values: Item) -> Item:
    return {option: value for option, value in values.items() if value is not None}


def _dotted(version: Version) -> str:
    return ".".join(str(part) for part in version)


def _show(value: Any) -> str:
    return "not set" if value is None else repr(value)
