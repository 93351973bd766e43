# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind: the forms it reads as one, what it writes, what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _normalize as n

# kind, canonical form, what is written, forms that mean the same
SAME = [
    (n.STR, "a b", "a b", ["a b"]),
    (n.STR, "3.11", "3.11", [3.11]),
    (n.TEXT, "a\nb\n", "a\nb\n", ["a\nb\n"]),
    (n.BOOL, True, "1", [1, "1", "yes", "on", "True", "true"]),
    (n.BOOL, False, "0", [0, "0", "no", "off", "False"]),
    (n.INT, -1, "-1", ["-1", " -1 ", -1]),
    (n.SIZE, "8k", "8k", ["8K", "8192", 8192]),
    (n.SIZE, "1m", "1m", ["1024k", 1048576]),
    (n.SIZE, "0", "0", [0]),
    (n.PATH, "/srv/a", "/srv/a", ["/srv/a/", "//srv/./a", "/srv//a//"]),
    (n.PATH, "/srv/../a", "/srv/../a", ["/srv/../a/"]),
    (n.PATH, "/", "/", ["/", "//"]),
    (n.SWITCH, "yes", "yes", [True, "1", "on", "True"]),
    (n.SWITCH, "no", "no", [False, "0", "off"]),
    (n.SWITCH, "/mnt/a", "/mnt/a", ["/mnt/a/"]),
    (n.FINGERPRINT, "AB:CD", "AB:CD", ["ab:cd", "AB:cd"]),
    (n.SET, ["a", "b"], "a,b", ["b,a", "b a", ["b", "a"], ["b,a"], "a;b,,a", {"a": 1, "b": 1, "c": 0}]),
    (n.LIST, ["b", "a"], "b,a", ["b,a", ["b", "a"], "b a b"]),
    (n.HOSTS, ["10.0.0.1", "10.0.0.2"], "10.0.0.1 10.0.0.2", ["10.0.0.2,10.0.0.1", "10.0.0.2 10.0.0.1"]),
    (n.SET, None, None, ["", [], ","]),
    (
        n.PRUNE,
        {"keep_daily": 7, "keep_last": 3},
        "keep-daily=7,keep-last=3",
        [
            "keep-last=3,keep-daily=7",
            {"keep-last": "3", "keep_daily": 7},
            "keep-daily=7, keep-last=3, keep-all=0",
            {"keep_last": 3, "keep_daily": 7, "keep_weekly": 0, "keep_yearly": None},
        ],
    ),
    (n.PRUNE, {"keep_all": True}, "keep-all=1", ["keep-all=1", "keep-last=0", {"keep_all": True}, {"keep-all": "yes"}]),
    (n.PRUNE, None, None, [{}, ""]),
    (
        n.BWLIMIT,
        {"default": 0.5, "move": 5},
        "default=0.5,move=5",
        ["move=5.0,default=0.5", {"move": "5", "default": 0.5}],
    ),
    (n.DIRECTORIES, {"iso": "a/b-c", "vztmpl": "d_e"}, "iso=a/b-c,vztmpl=d_e", ["vztmpl=d_e,iso=a/b-c"]),
]


@pytest.mark.parametrize(("kind", "canonical", "written", "forms"), SAME)
def test_forms(kind: n.Kind, canonical: Any, written: str | None, forms: list[Any]) -> None:
    for form in forms:
        assert kind.read(form) == canonical, form
    if canonical is not None:
        assert kind.read(canonical) == canonical
        assert kind.write(canonical) == written
        assert kind.read(kind.write(canonical)) == canonical


REFUSED = [
    (n.STR, "", "is empty; null takes a setting away"),
    (n.STR, "a\nb", "line break"),
    (n.TEXT, " \n", "is empty"),
    (n.BOOL, "maybe", "not a boolean"),
    (n.BOOL, 2, "not a boolean"),
    (n.INT, "x", "not a whole number"),
    (n.INT, True, "not a whole number"),
    (n.INT, 1.5, "not a whole number"),
    (n.SIZE, "8x", "not a size"),
    (n.SIZE, "", "not a size"),
    (n.PATH, "a/b", "not an absolute path"),
    (n.SWITCH, "maybe", "not an absolute path"),
    (n.PRUNE, "7", "has a part without a key"),
    (n.PRUNE, "keep-last=1,keep-last=2", "names 'keep-last' twice"),
    (n.PRUNE, {"keep_last": -1}, "key 'keep_last' is -1, not 0 or more"),
    (n.PRUNE, {"last": 1}, "unknown key 'last'"),
    (n.PRUNE, ["keep-last=1"], "not key/value pairs"),
    (n.PRUNE, {"keep_all": 1, "keep_last": 1}, "together"),
    (n.BWLIMIT, {"move": -1}, "not a number of 0 or more"),
    (n.BWLIMIT, {"move": "fast"}, "not a number"),
    (n.BWLIMIT, {"move": True}, "not a number"),
    (n.DIRECTORIES, {"iso": ""}, "key 'iso' is empty"),
]


@pytest.mark.parametrize(("kind", "value", "message"), REFUSED)
def test_refused(kind: n.Kind, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has|names|key)") as caught:
        kind.read(value)
    assert message in str(caught.value)
