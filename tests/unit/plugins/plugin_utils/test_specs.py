# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import NOTHING, Checker, Place

LINKS = {
    "type": "list",
    "elements": "dict",
    "options": {
        "number": {"type": "int", "required": True, "description": ["Link number, 0 to 7. The same on all nodes."]},
        "address": {"type": "str", "required": True},
        "secret_word": {"type": "str"},
        "mode": {"type": "str", "choices": ["fast", "no"]},
    },
    "required_by": {"mode": ["secret_word"]},
}
CASES = {
    "all is well": ([{"number": "1", "address": "a"}], [{"number": 1, "address": "a"}], []),
    "null is not given": ([{"number": 1, "address": "a", "secret_word": None}], [{"number": 1, "address": "a"}], []),
    "but not among choices": (
        [{"number": 1, "address": "a", "mode": None}],
        [{"number": 1, "address": "a"}],
        ["v[0].mode: expected one of fast, no, found nothing"],
    ),
    "a word that YAML reads as false": (
        [{"number": 1, "address": "a", "mode": False, "secret_word": "x"}],
        [{"number": 1, "address": "a", "mode": "no", "secret_word": "x"}],
        [],
    ),
    "an item keeps its number": (
        ["x", {"number": 2, "address": "b"}],
        [None, {"number": 2, "address": "b"}],
        ["v[0]: expected key/value pairs, found 'x'"],
    ),
    "every key that is wrong": (
        [{"number": "one", "address": ["a"], "mode": "slow", "what": 1}],
        [None],
        [
            "v[0].number: expected a whole number, found 'one'",
            "v[0].address: expected text, found a list",
            "v[0].mode: expected one of fast, no, found 'slow'",
            "v[0].what: expected one of the keys address, mode, number, secret_word, found an unknown one",
        ],
    ),
    "a key that is missing": (
        [{"address": "a"}],
        [None],
        ["v[0].number: expected a whole number, found nothing. Link number, 0 to 7"],
    ),
    "a misspelt key is not missing as well": (
        [{"number": 1, "adress": "a"}],
        [None],
        ["v[0].adress: expected a known key (nearest: address), found an unknown one"],
    ),
    "a secret": (
        [{"number": 1, "address": "a", "secret_word": ["x"]}],
        [{"number": 1, "address": "a"}],
        ["v[0].secret_word: expected text, found a list"],
    ),
    "keys that go together": (
        [{"number": 1, "address": "a", "mode": "fast"}],
        [{"number": 1, "address": "a", "mode": "fast"}],
        ["v[0]: expected keys that go together, found missing parameter(s) required by 'mode': secret_word"],
    ),
    "no list": ({"number": 1}, NOTHING, ["v: expected a list, found key/value pairs"]),
}


@pytest.mark.parametrize("value, clean, sentences", CASES.values(), ids=CASES.keys())
def test_what_is_wrong_and_what_remains(value, clean, sentences):
    checker = Checker()
    assert checker.value(Place("h", "v"), LINKS, value) == clean
    assert [finding.sentence for finding in checker.findings] == sentences


@pytest.mark.parametrize("value, clean, sentences", CASES.values(), ids=CASES.keys())
def test_ansible_itself_agrees(value, clean, sentences):
    """All that it refuses is found; it takes lists for texts, which is found besides."""
    refused = ArgumentSpecValidator({"v": LINKS}).validate({"v": value}).error_messages
    assert not refused or sentences


@pytest.mark.parametrize(
    "name", ["password", "root_password", "vault_thing", "api_token", "subscription_key", "keyring"]
)
def test_what_is_called_like_a_secret_is_not_shown(name):
    finding = Place("h", "").inside(name).wrong("something", "open sesame")
    assert finding.found == "a value that is not shown"


@pytest.mark.parametrize("name", ["keyring_url", "keyboard", "token_timeout", "passwordless"])
def test_what_only_sounds_like_a_secret_is_shown(name):
    assert Place("h", "").inside(name).wrong("something", "open sesame").found == "'open sesame'"


def test_a_spec_has_the_last_word_on_what_is_secret():
    place = Place("h", "").inside("password_file", {"no_log": True})
    assert place.wrong("a path", "x").found == "a value that is not shown"
    assert Place("h", "").inside("update_password", {"no_log": False}).wrong("a word", "x").found == "'x'"
