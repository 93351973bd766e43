# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The tables that describe a resource: from them come argument spec, payload, comparison and refusals.

Tables that contradict themselves raise C(ValueError) when they are built, that is at import.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import STR, Kind, option_name

_SOUNDS_SECRET = re.compile("access_key|certkey|pass|secret|token")

Version = tuple[int, ...]
# An item in canonical form: option name -> value as Kind.read gives it; None is "take away".
Item = dict[str, Any]


def _known(since: Version | None, until: Version | None, version: Version) -> bool:
    return not ((since and version < since) or (until and version >= until))


@dataclass(frozen=True)
class Field:
    """One setting, by Proxmox's own name.

    default    what Proxmox does when the setting is absent; absent and default compare as equal
    generated  Proxmox fills it in at creation: C(replaced) leaves it alone when it is not mentioned
    secret     written at creation, afterwards only with C(update_password: always); never read, never shown
    marker     the API tells whether this secret is set, by any value under its name
    readable   the API tells this secret itself: it is always compared, and still never shown
    hides      the field that would show this secret, where the user has given it as one
    since, until  first PVE version that knows it, and first that no longer does
    instead    what to use where it is not known
    pattern, meaning  regular expression that every single value must match, and what it stands for
    limits     least and greatest number
    along      a setting that has to be in every call that sets this one
    transient  only says how the item is made: neither compared nor known afterwards
    once       does something when it is given: C(prepare) takes it away where there is nothing to do
    same       whether a given secret is the one that the marker stands for
    other      whether the marker shows that a given secret is not the one that is set
    resets     Proxmox cannot take it away: its default is written instead
    narrow     Proxmox writes it as it is and reads it back as Latin-1, so that other characters come back as something else
    """

    name: str
    kind: Kind = STR
    default: Any = None
    choices: Sequence[Any] = ()
    generated: bool = False
    secret: bool = False
    marker: bool = False
    readable: bool = False
    hides: str | None = None
    since: Version | None = None
    until: Version | None = None
    instead: str | None = None
    pattern: str | None = None
    meaning: str | None = None
    limits: tuple[int, int] | None = None
    along: str | None = None
    transient: bool = False
    once: bool = False
    same: Callable[[Any, Any], bool] = lambda _secret, _marker: False
    other: Callable[[Any, Any], bool] = lambda _secret, _marker: False
    resets: bool = False
    narrow: bool = False

    def __post_init__(self) -> None:
        if (self.marker or self.readable or self.hides) and not self.secret:
            raise ValueError(f"{self.name}: only a secret has a marker")
        if self.secret and (self.default is not None or self.generated):
            raise ValueError(f"{self.name}: a secret has no default")
        if (self.pattern is None) != (self.meaning is None):
            raise ValueError(f"{self.name}: pattern and meaning go together")
        if self.default is not None and self.kind.read(self.default) != self.default:
            raise ValueError(f"{self.name}: the default is not in canonical form")
        if self.since and self.until and self.since >= self.until:
            raise ValueError(f"{self.name}: no version knows it")

    @property
    def option(self) -> str:
        return option_name(self.name)

    def spec(self) -> dict[str, Any]:
        result = dict(self.kind.option)
        if self.choices:
            result["choices"] = list(self.choices)
        if self.secret:
            result["no_log"] = True
        return result

    def read(self, value: Any) -> Any:
        """The canonical form, checked; raises C(ValueError) with the end of a sentence."""
        result = self.kind.read(value)
        if self.narrow and (wide := sorted({one for one in str(result) if ord(one) > 0xFF})):
            raise ValueError(
                f"has {''.join(wide)} in it, which Proxmox would store as something else (it keeps Latin-1 here)"
            )
        values = [result] if isinstance(result, (str, int, float)) else list(result or ())
        for one in values:
            if self.pattern and not re.fullmatch(self.pattern, str(one)):
                raise ValueError(f"is {one!r}, not {self.meaning}")
            if self.choices and one not in self.choices:
                raise ValueError(f"is {one!r}; allowed are {', '.join(map(str, self.choices))}")
            if self.limits and not self.limits[0] <= int(one) <= self.limits[1]:
                raise ValueError(f"is {one}; allowed are {self.limits[0]} to {self.limits[1]}")
        return result

    def known_in(self, version: Version) -> bool:
        return _known(self.since, self.until, version)


@dataclass(frozen=True)
class Variant:
    """The settings of one type of a resource. Names are Proxmox's; each argument is a blank-separated list.

    required  must be given to create it        fixed  cannot be changed afterwards
    optional  may be given                      at_creation  demanded at creation though the API calls it optional
    choices   per setting, the values this type allows      defaults  per setting, this type's own default
    implied   settings that are always so for this type: accepted when they say just that, never sent
    """

    required: str = ""
    optional: str = ""
    fixed: str = ""
    at_creation: str = ""
    choices: Mapping[str, Collection[str]] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    implied: Mapping[str, Any] = field(default_factory=dict)
    since: Version | None = None
    until: Version | None = None

    @property
    def names(self) -> list[str]:
        return [*self.required.split(), *self.optional.split()]

    def known_in(self, version: Version) -> bool:
        return _known(self.since, self.until, version)

    def __post_init__(self) -> None:
        names = self.names
        if len(set(names)) != len(names):
            raise ValueError("a setting is listed twice: " + " ".join(sorted(names)))
        for what, some in (
            ("fixed", self.fixed.split()),
            ("at_creation", self.at_creation.split()),
            ("choices", self.choices),
            ("defaults", self.defaults),
        ):
            if strange := set(some) - set(names):
                raise ValueError(f"{what}: not settings of this type: {', '.join(sorted(strange))}")
        if again := set(self.implied) & set(names):
            raise ValueError(f"implied and settable: {', '.join(sorted(again))}")


def _nothing(_item: Mapping[str, Any]) -> Iterable[str]:
    return ()


def _untouched(values: Item, _present: Item | None) -> Item:
    return values


@dataclass(frozen=True)
class Resource:
    """A list of things under one path of the API, each with an identifier.

    path          of the collection; GET answers the list, POST creates, path/ID takes PUT and DELETE. C({node}) in it is
                  the node that is asked
    paths         where each type has a collection of its own: its path by type. Identifiers are unique per type then
    key           the identifier's name in POST and in answers
    scope         what the identifier is unique in, where that is a part of it; may be several fields
    discriminator the setting that selects the variant; None: there is the single variant C(None)
    resend        settings that every change has to carry, whatever it changes
    retype        every change has to carry the type as well
    placed        POST goes to path/ID, which has no identifier among its parameters
    delete_each   the settings to take away are parameters of their own, not one list
    single        there is exactly one, of this name: C(config) is a dict without an identifier, GET and PUT on the path.
                  C(state=deleted) takes all its settings away
    listed        of what there is only one: the setting whose value C(config) is, a list in which the order counts.
                  C(combine) says what a state makes of the list that is there and the one that is given
    words         further options of the module, which the hooks find in C(words) of the Api
    since, until  first PVE version that has such items, and first that no longer does; C(instead): what to use there
    protected     identifiers that are never removed
    fresh         what exists directly after an installation, in the API's form
    prepare       rewrites the settings that the user gave (canonical) in view of those that exist (None: no such item)
                  before they are compared; may raise C(ValueError)
    settle        the same for what only the API knows, once: items to items; may raise InputError
    check         problems of a whole item, as it would be, that fields alone cannot see, as sentences
    depends       identifiers of items that must exist before this one and go after it
    arrange       the changes in the order in which they have to be made, where what is made last is not what is built
                  on others; may look at what exists
    ready         waits until the changes can be made; called once before the first
    keep          why a present item may be removed only by C(state=deleted), or None
    held          why a present item, by its row, cannot be removed at all, or None; C(overridden) leaves it
    built_in      whether a present item, by its row, is Proxmox's own: nobody changes or removes it, and it is listed
                  only where it is named
    clears        there is no way to take a setting away: an empty text is written
    explain       what to do about Proxmox's refusal of an item: its settings and the sentence, to a sentence or None
    advise        warnings about what is about to be written; may read from the API through the given function
    objections    what speaks against the changes, found by asking: sentences, and whether each holds for certain. In
                  check mode the others are warnings, because something before it may still bring what is missing

    For what is not simply a list in Proxmox's API:

    read          the rows from an Api, instead of GET on the path; may be given the identity of the only one needed
    write         makes one change through an Api, from its form (texts by name), instead of POST, PUT and DELETE
    together      makes all changes in one call
    workers       types of the tasks that writing starts: after a lost answer their end is awaited
    overwrites    POST for an identifier that exists resets it, so that it is read again right before
    resets        there is no way to take a setting away: its default is written
    guarded       removing loses data: the identifier has to be in the option C(allow_remove) as well
    recreatable   whether C(recreate) is offered for what is fixed at creation
    spares        whether a present item, by its row, belongs to somebody else: C(overridden) leaves it
    gone          whether the settings that the user gave, in canonical form, say that there should be no such item
    broken        whether a present item, by its row, is there only in part, so that creating it completes it
    """

    name: str
    path: str
    key: Field
    fields: Sequence[Field]
    variants: Mapping[str | None, Variant]
    discriminator: Field | None = None
    paths: Mapping[str, str] = field(default_factory=dict)
    resend: Sequence[str] = ()
    protected: frozenset[str] = frozenset()
    fresh: Sequence[Mapping[str, Any]] = ()
    prepare: Callable[[Item, Item | None], Item] = _untouched
    settle: Callable[[Any, Sequence[Any]], Sequence[Any]] = lambda _api, items: items
    check: Callable[[Item], Iterable[str]] = _nothing
    depends: Callable[[Item], Iterable[str]] = _nothing
    keep: Callable[[Mapping[str, Any]], str | None] = lambda _item: None
    advise: Callable[[Callable[[str], Any], Sequence[Any]], Iterable[str]] = lambda _get, _changes: ()
    explain: Callable[[Item, str], str | None] = lambda _item, _reason: None
    objections: Callable[[Any, Sequence[Any]], Iterable[tuple[str, bool]]] = lambda _api, _changes: ()
    read: Callable[[Any, str | None], Iterable[Mapping[str, Any]]] | None = None
    write: Callable[[Any, Any, Mapping[str, Any]], None] | None = None
    together: Callable[[Any, Sequence[Any]], None] | None = None
    workers: frozenset[str] = frozenset()
    overwrites: bool = False
    resets: bool = False
    guarded: bool = False
    recreatable: bool = True
    spares: Callable[[Mapping[str, Any]], bool] = lambda _row: False
    broken: Callable[[Mapping[str, Any]], bool] = lambda _row: False
    gone: Callable[[Item], bool] = lambda _values: False
    scope: Field | Sequence[Field] | None = None
    held: Callable[[Mapping[str, Any]], str | None] = lambda _row: None
    built_in: Callable[[Mapping[str, Any]], bool] = lambda _row: False
    clears: bool = False
    product: str = "Proxmox VE"
    retype: bool = False
    placed: bool = False
    delete_each: bool = False
    single: str | None = None
    listed: str | None = None
    combine: Callable[[str, Any, Any], Any] = lambda _state, _present, given: given
    words: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ready: Callable[[Any, Sequence[Any]], None] = lambda _api, _changes: None
    arrange: Callable[[Sequence[Any], Mapping[str, Any]], Sequence[Any]] | None = None
    since: Version | None = None
    until: Version | None = None
    instead: str | None = None

    def __post_init__(self) -> None:
        names = [one.name for one in self.fields]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name}: a field is listed twice")
        used = {name for variant in self.variants.values() for name in variant.names}
        if strange := used ^ set(names):
            raise ValueError(f"{self.name}: fields and variants do not agree: {', '.join(sorted(strange))}")
        if strange := {one.along for one in self.fields if one.along} - set(names):
            raise ValueError(f"{self.name}: along: no such field: {', '.join(sorted(strange))}")
        if (self.discriminator is None) != (set(self.variants) == {None}):
            raise ValueError(f"{self.name}: several variants need a discriminator, and one needs none")
        if self.paths and set(self.paths) != set(self.variants):
            raise ValueError(f"{self.name}: paths and variants do not agree")
        if self.scope and self.paths:
            raise ValueError(f"{self.name}: either paths or a scope")
        if self.listed and (not self.single or names != [self.listed]):
            raise ValueError(f"{self.name}: config is the value of its one setting only where there is nothing else")
        if self.single and (self.scope or self.discriminator):
            raise ValueError(f"{self.name}: there is only one, which has neither type nor scope")
        for label, variant in self.variants.items():
            for name, default in variant.defaults.items():
                if self.field(name).kind.read(default) != default:
                    raise ValueError(f"{self.name} {label}: default of {name} is not in canonical form")

    @property
    def scopes(self) -> tuple[Field, ...]:
        if self.scope is None:
            return ()
        return (self.scope,) if isinstance(self.scope, Field) else tuple(self.scope)

    def identity(self, label: str | None, key: str, scopes: Sequence[Any] = ()) -> str:
        """What an item is known by here: its identifier, with the type or its scope in front where that is needed."""
        if self.scope:
            return " ".join([*map(str, scopes), key])
        return f"{label}:{key}" if self.paths else key

    def place(self, identity: str) -> tuple[str, str]:
        """The path of the collection that an item is in, and its identifier there."""
        if self.single:
            return self.path, ""
        if self.scope:
            return self.path, identity.rpartition(" ")[2]
        if not self.paths:
            return self.path, identity
        label, _colon, key = identity.partition(":")
        return self.paths[label], key

    def head(self, identity: str, label: str | None) -> Item:
        """What says which item it is, as C(config) has it."""
        if self.single:
            return {}
        parts = identity.rsplit(" ", len(self.scopes))
        head: Item = {one.option: part for one, part in zip(self.scopes, parts, strict=False)}
        head[self.key.option] = self.place(identity)[1]
        if self.discriminator:
            head[self.discriminator.option] = label
        return head

    def rows(self, api: Any, identity: str | None = None) -> list[Mapping[str, Any]]:
        """What exists, from the API; with C(identity), only the collection in which that item is."""
        if self.read:
            return list(self.read(api, identity))
        if self.single:
            return [self.alone(api.get(self.path))]
        if not self.paths:
            return list(api.get(self.path))
        head = self.discriminator.name if self.discriminator else ""
        wanted = [label for label in self.paths if identity is None or identity.startswith(f"{label}:")]
        return [{**row, head: label} for label in wanted for row in api.get(self.paths[label])]

    def alone(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """What there is only one of, as a row with an identifier."""
        return {**row, self.key.name: self.single}

    def known_in(self, version: Version) -> bool:
        return _known(self.since, self.until, version)

    def field(self, name: str) -> Field:
        return next(one for one in self.fields if name in (one.name, one.option))

    @property
    def has_secrets(self) -> bool:
        return any(one.secret for one in self.fields)

    def spec(self) -> dict[str, Any]:
        """Argument spec of one item of C(config)."""
        result: dict[str, Any] = {} if self.single else {self.key.option: {"type": "str", "required": True}}
        result.update({one.option: {"type": "str", "required": True} for one in self.scopes})
        if self.discriminator:
            result[self.discriminator.option] = self.discriminator.spec()
        result.update({one.option: one.spec() for one in self.fields})
        fixed = any(variant.fixed for variant in self.variants.values()) or (self.discriminator and not self.paths)
        if fixed and self.recreatable:
            result["recreate"] = {"type": "bool", "default": False}
        if any(one.secret and not (one.readable or one.transient) for one in self.fields):
            choices = ["on_create", "always"]
            result["update_password"] = {"type": "str", "choices": choices, "default": "on_create"}
        for name in (name for name in result if _SOUNDS_SECRET.search(name)):
            # Ansible warns of what it takes for a secret, unless told that it is none
            result[name].setdefault("no_log", False)
        return result

    def default(self, variant: Variant, one: Field) -> Any:
        return variant.defaults.get(one.name, one.default)
