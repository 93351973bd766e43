# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is peculiar to jobs, metric servers and notifications, against the stand-in; the rest is in test_contract.py."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._backup_job import BACKUP_JOB
from ansible_collections.baremetal.proxmox.plugins.module_utils._items import Change
from ansible_collections.baremetal.proxmox.plugins.module_utils._metric_server import METRIC_SERVER
from ansible_collections.baremetal.proxmox.plugins.module_utils._notifications import MATCHER, TARGET
from ansible_collections.baremetal.proxmox.plugins.module_utils._replication_job import REPLICATION_JOB
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.contract_datacenter import FILES
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_api import StandIn

JOB = {"id": "nightly", "schedule": "02:30", "storage": "local"}
HOOK = {"name": "chat", "type": "webhook", "url": "https://chat.example.org", "method": "post"}


@pytest.fixture(params=["8.4", "9.2"])
def api(request: Any, tmp_path: Path, monkeypatch: Any) -> StandIn:
    made = StandIn(tmp_path / "root", monkeypatch, request.param)
    for name, text in FILES.items():
        made.write(name, text)
    return made


def good(api: StandIn, table: Any, config: Any, state: str = "merged", **options: Any) -> dict[str, Any]:
    result = api.module(table, config=config, state=state, **options)
    assert not result["failed"], result["msg"]
    return result


# Backup jobs


def test_one_way_to_select_guests_takes_the_place_of_another(api: StandIn) -> None:
    ways: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"all": True}, {"all": True}),
        ({"exclude": [101, "100"]}, {"all": True, "exclude": [100, 101]}),
        ({"vmid": [100]}, {"vmid": [100]}),
        ({"exclude": [102]}, {"all": True, "exclude": [102]}),
        ({"all": True, "exclude": None}, {"all": True}),
        ({"vmid": "102,100"}, {"vmid": [100, 102]}),
    ]
    for way, shown in ways:
        (job,) = good(api, BACKUP_JOB, [{**JOB, **way}])["after"]
        assert {name: job[name] for name in ("all", "vmid", "exclude", "pool") if name in job} == shown
        assert not good(api, BACKUP_JOB, [{**JOB, **way}])["changed"]


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({}, "selects no guest; give all (perhaps with exclude), pool, or vmid"),
        ({"all": True, "vmid": [100]}, "all, vmid: choose one of"),
        ({"pool": "p", "exclude": [100]}, "all, pool: choose one of"),
        ({"all": True, "fleecing": {"enabled": True}}, "fleecing: needs storage"),
        ({"all": True, "prune_backups": {"keep_all": True, "keep_last": 1}}, "has keep_all together with other keys"),
        ({"all": True, "schedule": "every night!"}, "not a calendar event"),
        ({"all": True, "storage": "nosuch"}, "there is no storage 'nosuch'"),
        ({"all": True, "storage": "tank"}, "the storage 'tank' is not for backups"),
        ({"all": True, "schedule": "bogus"}, "Proxmox cannot read the schedule 'bogus'"),
    ],
)
def test_refused(api: StandIn, setting: Any, sentence: str) -> None:
    result = api.module(BACKUP_JOB, config=[{**JOB, **setting}])
    assert result["failed"]
    assert sentence in result["msg"] + str(result.get("hint", ""))
    assert not (api.pve / "jobs.cfg").exists()


def test_a_job_that_somebody_made_without_a_name(api: StandIn) -> None:
    api.call("POST", "/cluster/backup", schedule="02:00", all=1, storage="local")
    found = api.module(BACKUP_JOB, state="gathered")["gathered"]
    assert not good(api, BACKUP_JOB, found, "overridden")["changed"]


def test_to_switch_on_is_written(api: StandIn) -> None:
    """Proxmox does not let the setting be taken away."""
    good(api, BACKUP_JOB, [{**JOB, "all": True, "enabled": False}])
    good(api, BACKUP_JOB, [{"id": "nightly", "enabled": None}])
    assert [params for _method, _path, params in api.writes] == [{"enabled": "1"}]


def test_the_jobs_of_realms_stay(api: StandIn) -> None:
    section = "realm-sync: corp\n\trealm corp\n\tschedule hourly\n\tscope both\n\tenabled 1\n\n"
    api.write("jobs.cfg", section)
    good(api, BACKUP_JOB, [{**JOB, "all": True}])
    good(api, BACKUP_JOB, [], "overridden")
    assert api.read("jobs.cfg") == section


# Replication


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        ({"id": "500-0", "target": "pve2"}, "the cluster has no guest 500"),
        ({"id": "100-0", "target": "pve1"}, "guest 100 is on pve1 itself"),
        ({"id": "100-0", "target": "pve9"}, "the cluster has no node pve9"),
        ({"id": "100-7", "target": "pve3"}, "'100-1' already copies guest 100 to pve3"),
    ],
)
def test_replication_that_cannot_be(api: StandIn, job: Any, sentence: str) -> None:
    good(api, REPLICATION_JOB, [{"id": "100-1", "type": "local", "target": "pve3"}])
    result = api.module(REPLICATION_JOB, config=[{**job, "type": "local"}])
    assert sentence in result["msg"]
    assert api.writes == []


def test_replication_that_is_being_removed(api: StandIn) -> None:
    """It is gone for the plan, but Proxmox still has it; here its scheduler has run when the list was read."""
    job = {"id": "100-0", "type": "local", "target": "pve2"}
    api.write("replication.cfg", "local: 100-0\n\ttarget pve2\n\tremove_job full\n\n")
    assert api.module(REPLICATION_JOB, state="gathered")["gathered"] == []
    assert good(api, REPLICATION_JOB, [job])["changed"]


def test_replication_that_is_still_being_removed() -> None:
    rows: dict[str, Any] = {
        "/cluster/replication": [{"id": "100-0", "target": "pve2", "remove_job": "full"}],
        "/cluster/resources": [{"vmid": 100, "node": "pve1"}],
        "/nodes": [{"node": "pve1"}, {"node": "pve2"}],
    }

    class Asked:
        @staticmethod
        def get(path: str, **_more: Any) -> Any:
            return rows[path]

    wanted = Change("create", "100-0", to_set={"target": "pve2"})
    ((sentence, certain),) = REPLICATION_JOB.objections(Asked, [wanted])
    assert "one of this name is being removed by Proxmox; run again when that is done" in sentence
    assert not certain


def test_a_target_is_fixed(api: StandIn) -> None:
    good(api, REPLICATION_JOB, [{"id": "100-0", "type": "local", "target": "pve2"}])
    result = api.module(REPLICATION_JOB, config=[{"id": "100-0", "target": "pve3"}])
    assert "target is 'pve2', wanted is 'pve3'. This is fixed when it is created" in result["msg"]


# Metric servers


def test_a_server_that_does_not_answer(api: StandIn) -> None:
    server = {"id": "graph", "type": "graphite", "server": "127.0.0.1", "port": 1, "proto": "tcp"}
    result = api.module(METRIC_SERVER, config=[server])
    assert result["failed"]
    assert "define it with disable: true for now" in result["msg"] + str(result.get("hint"))
    good(api, METRIC_SERVER, [{**server, "disable": True}])
    # every change carries the address
    good(api, METRIC_SERVER, [{"id": "graph", "path": "rack.four"}])
    assert api.writes == [
        ("PUT", "/cluster/metrics/server/graph", {"path": "rack.four", "server": "127.0.0.1", "port": "1"})
    ]


def test_headers_are_never_shown(tmp_path: Path, monkeypatch: Any, request: Any) -> None:
    api = StandIn(tmp_path / "root", monkeypatch, "9.2")
    server = {"id": "otel", "type": "opentelemetry", "server": "127.0.0.1", "port": 1, "disable": True}
    # Proxmox tries this type even where it is switched off
    refused = api.module(METRIC_SERVER, config=[server])
    assert "a server of OpenTelemetry has to answer even with disable: true" in refused["msg"] + str(
        refused.get("hint")
    )
    listening = socket.create_server(("127.0.0.1", 0))
    request.addfinalizer(listening.close)
    server["port"] = listening.getsockname()[1]
    config = [{**server, "otel_headers": {"Authorization": "canary"}, "otel_resource_attributes": {"rack": "4"}}]
    result = good(api, METRIC_SERVER, config)
    assert "canary" not in str(result)
    assert result["after"][0]["otel_resource_attributes"] == {"rack": "4"}
    assert not good(api, METRIC_SERVER, config)["changed"]
    config[0]["otel_headers"] = {"Authorization": "canary-2"}
    result = good(api, METRIC_SERVER, config)
    assert result["changed"]
    assert "canary" not in str(result)


# Notifications


def test_secrets_by_name(api: StandIn) -> None:
    good(api, TARGET, [{**HOOK, "secret": {"one": "1", "two": "2"}}])
    assert not good(api, TARGET, [{**HOOK, "secret": {"one": "other", "two": "2"}}])["changed"]
    assert good(api, TARGET, [{**HOOK, "secret": {"one": "1"}}])["changed"]
    assert not good(api, TARGET, [{**HOOK, "secret": {"one": "1"}}])["changed"]
    assert good(api, TARGET, [{**HOOK, "secret": {"one": "x"}, "update_password": "always"}])["changed"]
    assert "name=one,value=eA==" in api.read("priv/notifications.cfg")
    assert good(api, TARGET, [{**HOOK, "secret": None}])["changed"]
    assert not good(api, TARGET, [{**HOOK, "secret": None}])["changed"]


def test_what_is_taken_away_is_an_array(api: StandIn) -> None:
    good(api, TARGET, [{**HOOK, "comment": "x", "body": "y", "header": {"A": "b"}}])
    good(api, TARGET, [HOOK], "replaced")
    assert api.writes == [
        ("PUT", "/cluster/notifications/endpoints/webhook/chat", {"delete": ["body", "comment", "header"]})
    ]


def test_a_target_in_use_and_one_that_is_not_there(api: StandIn) -> None:
    result = api.module(MATCHER, config=[{"name": "trouble", "target": ["chat"]}])
    assert "notification matcher 'trouble': there is no notification target chat." in result["msg"]
    good(api, TARGET, [HOOK])
    good(api, MATCHER, [{"name": "trouble", "target": ["chat"]}])
    result = api.module(TARGET, config=[{"name": "chat", "type": "webhook"}], state="deleted")
    assert result["failed"]
    assert "change or remove that first (notification_matcher)" in result["msg"] + str(result.get("hint"))


@pytest.mark.parametrize(
    ("table", "item", "sentence"),
    [
        (TARGET, {"name": "mail", "type": "sendmail"}, "needs mailto or mailto_user"),
        (TARGET, {"name": "phone", "type": "gotify", "server": "https://g"}, "to create it, gotify needs token"),
        (TARGET, {**HOOK, "mailto": ["a@b.c"]}, "mailto: webhook has no such setting"),
        (TARGET, {**HOOK, "url": "chat"}, "not an address that begins with http:// or https://"),
        (MATCHER, {"name": "mm", "match_severity": ["bad"]}, "not severities with commas between them"),
        (MATCHER, {"name": "mm", "match_field": ["type=vzdump"]}, "not such as exact:type=vzdump"),
    ],
)
def test_notifications_refused(api: StandIn, table: Any, item: Any, sentence: str) -> None:
    result = api.module(table, config=[item])
    assert result["failed"]
    assert sentence in result["msg"]
    assert api.writes == []


@pytest.mark.parametrize(
    ("table", "item"), [(TARGET, {"name": "mail-to-root", "type": "sendmail"}), (MATCHER, {"name": "default-matcher"})]
)
def test_what_proxmox_brings_can_be_changed_but_not_removed(api: StandIn, table: Any, item: Any) -> None:
    assert "is built in and cannot be removed" in api.module(table, config=[item], state="deleted")["msg"]
    assert good(api, table, [{**item, "comment": "mine"}])["changed"]
    assert not good(api, table, [{**item, "comment": "mine"}])["changed"]
