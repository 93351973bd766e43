# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules for Proxmox Backup Server: the exact calls. tests/unit/standin/pbs has every state of every table."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _pbs_words
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import Repeated
from ansible_collections.baremetal.proxmox.plugins.module_utils._product import BACKUP_SERVER
from ansible_collections.baremetal.proxmox.plugins.modules import (
    pbs_prune_job,
    pbs_remote,
    pbs_s3_endpoint,
    pbs_sync_job,
    pbs_traffic_control,
    pbs_user,
    pbs_verify_job,
)
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import (
    FakeClient,
    FakeTransport,
    run_module,
)

VERSION = ("GET", "/version", {}, {"version": "4.1", "release": "1", "repoid": "x"})
OLD = ("GET", "/version", {}, {"version": "3.4", "release": "8", "repoid": "x"})
DIGEST = "d" * 64


def run(monkeypatch: Any, module: Any, arguments: dict[str, Any], *calls: Any) -> dict[str, Any]:
    fake = FakeTransport(calls)

    class Connected:
        @staticmethod
        def backup_server(_module: Any) -> FakeClient:
            return FakeClient(fake, product=BACKUP_SERVER)

    monkeypatch.setattr(_pbs_words, "Client", Connected)
    result = run_module(monkeypatch, lambda _connect: module.main(), arguments, transport=fake)
    if not result["failed"]:
        fake.finished()
    return result


def test_what_is_taken_away_is_a_list(monkeypatch: Any) -> None:
    before = {"id": "a-job", "store": "store1", "schedule": "daily", "keep-last": 3, "comment": "x", "digest": DIGEST}
    sent = {"keep-daily": "7", "delete": Repeated(["comment", "keep-last"]), "digest": DIGEST}
    after = {"id": "a-job", "store": "store1", "schedule": "daily", "keep-daily": 7, "digest": "e" * 64}
    result = run(
        monkeypatch,
        pbs_prune_job,
        {"config": [{"id": "a-job", "keep_daily": 7, "keep_last": None, "comment": None}]},
        ("GET", "/config/prune", {}, [before]),
        ("PUT", "/config/prune/a-job", sent, None),
        ("GET", "/config/prune", {}, [after]),
    )
    assert result["changed"] and not result["warnings"]
    assert result["after"] == [{"id": "a-job", "store": "store1", "schedule": "daily", "keep_daily": 7}]


def test_what_cannot_be_taken_away_gets_its_default(monkeypatch: Any) -> None:
    job = {"id": "a-job", "store": "store1", "remote": "away", "remote-store": "far1"}
    before = {**job, "resync-corrupt": True, "schedule": "hourly", "digest": DIGEST}
    sent = {"resync-corrupt": "0", "delete": Repeated(["schedule"]), "digest": DIGEST}
    listing = ("GET", "/config/sync", {"sync-direction": "all"})
    result = run(
        monkeypatch,
        pbs_sync_job,
        {"config": [{"id": "a-job", "store": "store1", "remote": "away", "remote_store": "far1"}], "state": "replaced"},
        VERSION,
        (*listing, [before]),
        ("PUT", "/config/sync/a-job", sent, None),
        (*listing, [{**job, "resync-corrupt": False, "digest": "e" * 64}]),
    )
    assert result["changed"] and not result["warnings"]


def test_a_user_is_enabled_again(monkeypatch: Any) -> None:
    before = {"userid": "a@pbs", "enable": False, "expire": 5, "digest": DIGEST}
    result = run(
        monkeypatch,
        pbs_user,
        {"config": [{"userid": "a@pbs"}], "state": "replaced"},
        ("GET", "/access/users", {}, [before]),
        ("PUT", "/access/users/a@pbs", {"enable": "1", "expire": "0", "digest": DIGEST}, None),
        ("GET", "/access/users", {}, [{"userid": "a@pbs"}]),
    )
    assert result["changed"]


@pytest.mark.parametrize(
    ("module", "item", "message"),
    [
        (pbs_prune_job, {"id": "ab"}, "id is 'ab', not 3 to 32 letters"),
        (pbs_prune_job, {"id": "abc", "keep_daily": 0}, "keep_daily is 0; allowed are 1 to"),
        (pbs_prune_job, {"id": "abc", "store": "store1"}, "needs schedule"),
        (pbs_verify_job, {"id": "abc", "ns": "a//b"}, "ns is 'a//b', not up to seven names"),
        (pbs_sync_job, {"id": "abc", "group_filter": ["everything"]}, "has 'everything', not [exclude:]type:vm"),
        (
            pbs_sync_job,
            {"id": "abc", "store": "store1", "remote_store": "store1"},
            "store and remote_store are the same datastore",
        ),
        (
            pbs_sync_job,
            {"id": "abc", "store": "store1", "remote_store": "far1", "remote": "away", "ns": "a/b", "max_depth": 6},
            "ns is 2 deep, so that max_depth can be 5 at most",
        ),
        (pbs_remote, {"name": "abc", "host": "x", "auth_id": "me", "password": "p"}, "auth_id is 'me', not a user"),
        (pbs_traffic_control, {"name": "abc", "network": ["::/0"]}, "limits nothing: give at least one of rate_in"),
        (pbs_traffic_control, {"name": "abc", "rate_in": "fast"}, "not a number of bytes such as 10 MB"),
        (pbs_user, {"userid": "root"}, "userid is 'root', not a user such as backup@pbs"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_written(
    monkeypatch: Any, module: Any, item: dict[str, Any], message: str
) -> None:
    class Nothing:
        def send(self, method: str, path: str, _params: Any, _timeout: float) -> Any:
            assert method == "GET"
            return {"version": "4.1", "release": "1"} if path == "/version" else []

        def close(self) -> None:
            """Nothing is open."""

    class Connected:
        @staticmethod
        def backup_server(_module: Any) -> FakeClient:
            return FakeClient(Nothing(), product=BACKUP_SERVER)

    monkeypatch.setattr(_pbs_words, "Client", Connected)
    result = run_module(monkeypatch, lambda _connect: module.main(), {"config": [item]}, transport=Nothing())
    assert result["failed"]
    assert message in result["msg"]


def test_what_the_version_does_not_know(monkeypatch: Any) -> None:
    item = {"id": "cloud", "endpoint": "s3.example.org", "access_key": "a", "secret_key": "b"}
    result = run(monkeypatch, pbs_s3_endpoint, {"config": [item]}, OLD)
    assert "Proxmox Backup Server 3.4 has no such thing" in result["msg"]
    job = {"id": "abc", "store": "store1", "verify_threads": 8}
    result = run(monkeypatch, pbs_verify_job, {"config": [job]}, ("GET", "/config/verify", {}, []), OLD)
    assert "verify_threads: needs Proxmox Backup Server 4.0" in result["msg"]
