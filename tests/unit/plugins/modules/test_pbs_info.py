# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster has to know of its backup server, with the exact calls."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.proxmox.plugins.modules import pbs_info

from ..module_utils.fake_api import run_module

CALLS = [
    ("GET", "/nodes/localhost/status", {}, {"info": {"fingerprint": "aa:bb"}}),
    ("GET", "/version", {}, {"version": "4.1", "release": "1", "repoid": "0123456789abcdef"}),
    ("GET", "/admin/datastore", {}, [{"store": "two"}, {"store": "one"}]),
    (
        "GET",
        "/access/users",
        {"include_tokens": "1"},
        [
            {"userid": "root@pam"},
            {"userid": "rack@pbs", "tokens": [{"tokenid": "rack@pbs!a", "comment": "A"}, {"tokenid": "rack@pbs!b"}]},
        ],
    ),
]


def test_what_it_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run_module(monkeypatch, pbs_info.run, {}, CALLS)
    assert {
        name: found[name] for name in ("failed", "changed", "installed", "fingerprint", "datastores", "tokens")
    } == {
        "failed": False,
        "changed": False,
        "installed": True,
        "fingerprint": "AA:BB",
        "datastores": ["one", "two"],
        "tokens": {"rack@pbs!a": "A", "rack@pbs!b": ""},
    }


def test_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run_module(monkeypatch, pbs_info.run, {}, installed=False)
    assert (found["installed"], found["fingerprint"], found["tokens"]) == (False, None, {})
