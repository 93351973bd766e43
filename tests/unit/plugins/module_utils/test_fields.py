# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables that contradict themselves do not import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL, INT, SET

KEY = Field("id")


def resource(**changes: Any) -> Resource:
    arguments: dict[str, Any] = {
        "name": "thing",
        "path": "/things",
        "key": KEY,
        "fields": [Field("a"), Field("b-c", BOOL, default=False)],
        "variants": {None: Variant(required="a", optional="b-c")},
    }
    return Resource(**arguments | changes)


CONTRADICTIONS: list[tuple[Callable[[], Any], str]] = [
    (lambda: Field("x", marker=True), "only a secret has a marker"),
    (lambda: Field("x", secret=True, default="y"), "a secret has no default"),
    (lambda: Field("x", pattern="y"), "pattern and meaning go together"),
    (lambda: Field("x", SET, default=["b", "a"]), "not in canonical form"),
    (lambda: Field("x", since=(9, 0), until=(8, 0)), "no version knows it"),
    (lambda: Variant(required="a", optional="a"), "listed twice"),
    (lambda: Variant(required="a", fixed="b"), "fixed: not settings of this type: b"),
    (lambda: Variant(required="a", at_creation="b"), "at_creation: not settings"),
    (lambda: Variant(required="a", choices={"b": ["x"]}), "choices: not settings"),
    (lambda: Variant(required="a", defaults={"b": "x"}), "defaults: not settings"),
    (lambda: Variant(required="a", implied={"a": True}), "implied and settable: a"),
    (lambda: resource(fields=[Field("a"), Field("a")]), "listed twice"),
    (lambda: resource(fields=[Field("a")]), "do not agree: b-c"),
    (lambda: resource(fields=[Field("a"), Field("b-c"), Field("d")]), "do not agree: d"),
    (lambda: resource(fields=[Field("a", along="z"), Field("b-c")]), "along: no such field: z"),
    (lambda: resource(paths={"x": "/x"}), "paths and variants do not agree"),
    (lambda: resource(discriminator=Field("type")), "several variants need a discriminator"),
    (lambda: resource(variants={"x": Variant(required="a b-c")}), "several variants need a discriminator"),
    (lambda: resource(variants={None: Variant(optional="a b-c", defaults={"b-c": "no"})}), "not in canonical form"),
]


@pytest.mark.parametrize(("make", "message"), CONTRADICTIONS)
def test_contradictions(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        make()


def test_argument_spec() -> None:
    spec = resource(
        discriminator=Field("type", choices=["x"]),
        variants={"x": Variant(required="a", optional="b-c p")},
        fields=[Field("a", SET, choices=["u", "v"]), Field("b-c", BOOL), Field("p", secret=True)],
    ).spec()
    assert spec == {
        "id": {"type": "str", "required": True},
        "type": {"type": "str", "choices": ["x"]},
        "a": {"type": "list", "elements": "str", "choices": ["u", "v"]},
        "b_c": {"type": "bool"},
        "p": {"type": "str", "no_log": True},
        "recreate": {"type": "bool", "default": False},
        "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False},
    }


def test_no_recreate_where_nothing_is_fixed() -> None:
    assert "recreate" not in resource().spec()
    assert "recreate" in resource(variants={None: Variant(required="a", optional="b-c", fixed="a")}).spec()
    types: dict[str, Any] = {"discriminator": Field("type"), "variants": {"x": Variant(required="a", optional="b-c")}}
    assert "recreate" in resource(**types).spec()
    assert "recreate" not in resource(**types, paths={"x": "/x"}).spec()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (Field("x", choices=["a", "b"]), "c", "is 'c'; allowed are a, b"),
        (Field("x", INT, choices=[1, 2]), "3", "is 3; allowed are 1, 2"),
        (Field("x", INT, limits=(1, 2)), 3, "is 3; allowed are 1 to 2"),
        (Field("x", SET, pattern="[a-z]", meaning="a letter"), "a,1", "is '1', not a letter"),
    ],
)
def test_values(field: Field, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        field.read(value)


@pytest.mark.parametrize(
    ("since", "until", "version", "known"),
    [
        (None, None, (8, 4), True),
        ((9, 0), None, (8, 4, 14), False),
        ((9, 0), None, (9, 0), True),
        (None, (9, 0), (8, 99), True),
        (None, (9, 0), (9, 0, 3), False),
        ((8, 1), (9, 0), (8, 4), True),
    ],
)
def test_versions(since: Any, until: Any, version: Any, known: bool) -> None:
    assert Field("x", since=since, until=until).known_in(version) is known
    assert Variant(since=since, until=until).known_in(version) is known
