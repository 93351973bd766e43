"""Datastores: made, changed, removed; what is in them."""

from __future__ import annotations

from typing import Any

import pytest

NOW = 1_700_000_000


def test_a_datastore_is_made_by_a_task(pbs: Any) -> None:
    upid = pbs.call(
        "POST", "/config/datastore", name="store1", path="/srv/store1", gc_schedule="daily", comment="first"
    )
    assert pbs.task(upid)[0] == "OK"
    assert pbs.read("datastore.cfg") == "datastore: store1\n\tcomment first\n\tgc-schedule daily\n\tpath /srv/store1\n"
    assert (pbs.root / "srv/store1/.chunks/0000").is_dir()
    assert (pbs.root / "srv/store1/.lock").is_file()
    assert (pbs.root / "var/lib/proxmox-backup/jobstates/garbage_collection-store1.json").is_file()
    listed = [{"name": "store1", "path": "/srv/store1", "comment": "first", "gc-schedule": "daily"}]
    assert pbs.call("GET", "/config/datastore") == listed


def test_a_prune_schedule_becomes_a_job(pbs: Any) -> None:
    pbs.datastore(prune_schedule="daily", keep_daily="7")
    (job,) = pbs.call("GET", "/config/prune")
    assert job.pop("id").startswith("default-store1-")
    assert job == {"store": "store1", "schedule": "daily", "keep-daily": 7}
    assert "keep" not in pbs.read("datastore.cfg")


def test_a_second_one_of_the_name_is_refused(pbs: Any) -> None:
    pbs.datastore()
    wrong = (400, "parameter verification failed - 'name': datastore 'store1' already exists.")
    assert pbs.refusal("POST", "/config/datastore", name="store1", path="/srv/other") == wrong
    status, message = pbs.refusal("POST", "/config/datastore", name="store2", path="/srv/store1/deeper")
    assert status == 400
    assert "nested datastores not allowed" in message


def test_a_directory_with_something_in_it_is_not_taken(pbs: Any) -> None:
    (pbs.root / "srv/full").mkdir(parents=True)
    (pbs.root / "srv/full/file").touch()
    upid = pbs.call("POST", "/config/datastore", name="full", path="/srv/full")
    assert pbs.task(upid)[0] == "datastore path not empty"
    assert pbs.call("GET", "/config/datastore") == []


def test_one_that_is_there_already_is_reused_when_told_so(pbs: Any) -> None:
    store = pbs.datastore()
    pbs.snapshots(store, "vm/100", [NOW])
    pbs.task(pbs.call("DELETE", "/config/datastore/store1"))
    upid = pbs.call("POST", "/config/datastore", name="again", path="/srv/store1", reuse_datastore="1")
    assert pbs.task(upid)[0] == "OK"
    assert len(pbs.call("GET", "/admin/datastore/again/snapshots")) == 1


def test_changes_and_their_digest(pbs: Any) -> None:
    pbs.datastore(comment="old")
    answer = pbs.answer("GET", "/config/datastore/store1")
    pbs.call("PUT", "/config/datastore/store1", comment="new", gc_schedule="02:00", digest=answer.attributes["digest"])
    assert pbs.call("GET", "/config/datastore/store1")["comment"] == "new"
    stale = (400, "detected modified configuration - file changed by other user? Try again.")
    assert pbs.refusal("PUT", "/config/datastore/store1", comment="x", digest=answer.attributes["digest"]) == stale
    pbs.call("PUT", "/config/datastore/store1", delete=["comment", "gc-schedule"])
    assert pbs.call("GET", "/config/datastore/store1") == {"name": "store1", "path": "/srv/store1"}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"keep_daily": "7"}, "'keep-daily': datastore prune settings have been replaced by prune jobs"),
        ({"gc_schedule": "sometimes"}, "'gc-schedule': unable to parse calendar event at 'sometimes'"),
        ({"nosuch": "1"}, "'nosuch': schema does not allow additional properties"),
        ({"notify": "gc=now"}, "'notify': 'gc': value 'now' is not defined in the enumeration."),
        ({"verify_new": "maybe"}, "'verify-new': Expected boolean value."),
    ],
)
def test_what_is_wrong_is_refused(pbs: Any, params: dict[str, str], message: str) -> None:
    pbs.datastore()
    status, found = pbs.refusal("PUT", "/config/datastore/store1", **params)
    assert status == 400
    assert found.startswith(f"parameter verification failed - {message}")


def test_removed_with_its_jobs_and_without_its_data(pbs: Any) -> None:
    store = pbs.datastore()
    pbs.snapshots(store, "vm/100", [NOW])
    pbs.call("POST", "/config/prune", id="nightly", store="store1", schedule="daily", keep_last="3")
    pbs.call("POST", "/config/verify", id="weekly", store="store1")
    result, log = pbs.task(pbs.call("DELETE", "/config/datastore/store1"))
    assert (result, log) == ("OK", "Removing datastore from config...\nTASK OK")
    assert pbs.call("GET", "/config/prune") == pbs.call("GET", "/config/verify") == []
    assert (store.base / "vm/100").is_dir()


def test_removed_with_its_data(pbs: Any) -> None:
    store = pbs.datastore()
    pbs.snapshots(store, "vm/100", [NOW])
    pbs.call("POST", "/config/prune", id="nightly", store="store1", schedule="daily", keep_last="3")
    upid = pbs.call("DELETE", "/config/datastore/store1", destroy_data="1", keep_job_configs="1")
    assert pbs.task(upid)[0] == "OK"
    assert not store.base.exists()
    assert len(pbs.call("GET", "/config/prune")) == 1


def test_maintenance_stops_what_it_says(pbs: Any) -> None:
    store = pbs.datastore()
    pbs.snapshots(store, "vm/100", [NOW])
    pbs.call("PUT", "/config/datastore/store1", maintenance_mode='type=read-only,message="new disks"')
    assert len(pbs.call("GET", "/admin/datastore/store1/groups")) == 1
    expected = (400, "datastore 'store1' is unavailable: read-only maintenance mode: new disks")
    assert pbs.refusal("POST", "/admin/datastore/store1/gc") == expected


def test_namespaces(pbs: Any) -> None:
    store = pbs.datastore()
    path = "/admin/datastore/store1/namespace"
    assert pbs.call("POST", path, name="site") == "site"
    assert pbs.call("POST", path, name="rack", parent="site") == "site/rack"
    assert [entry["ns"] for entry in pbs.call("GET", path)] == ["", "site", "site/rack"]
    assert [entry["ns"] for entry in pbs.call("GET", path, parent="site", max_depth="0")] == ["site"]
    missing = (400, "cannot create new namespace, parent nosuch doesn't already exists")
    assert pbs.refusal("POST", path, name="x", parent="nosuch") == missing
    pbs.snapshots(store, "host/elsa", [NOW], ns="site/rack")
    kept = (400, "only partially deleted due to existing groups but `delete-groups` not true ")
    assert pbs.refusal("DELETE", path, ns="site") == kept
    pbs.call("DELETE", path, ns="site", delete_groups="1")
    assert [entry["ns"] for entry in pbs.call("GET", path)] == [""]


def test_groups_and_snapshots(pbs: Any) -> None:
    store = pbs.datastore()
    pbs.snapshots(store, "ct/200", [NOW, NOW + 60], owner="root@pam")
    (group,) = pbs.call("GET", "/admin/datastore/store1/groups")
    assert (group["backup-count"], group["last-backup"], group["owner"]) == (2, NOW + 60, "root@pam")
    first, second = pbs.call("GET", "/admin/datastore/store1/snapshots", backup_type="ct", backup_id="200")
    assert (first["backup-time"], second["backup-time"]) == (NOW, NOW + 60)
    named = {"backup_type": "ct", "backup_id": "200", "backup_time": str(NOW)}
    pbs.call("PUT", "/admin/datastore/store1/protected", protected="1", **named)
    status, message = pbs.refusal("DELETE", "/admin/datastore/store1/snapshots", **named)
    assert (status, message) == (400, 'cannot remove protected snapshot "ct/200/2023-11-14T22:13:20Z"')
    pbs.call("PUT", "/admin/datastore/store1/protected", protected="0", **named)
    pbs.call("PUT", "/admin/datastore/store1/notes", notes="before the upgrade", **named)
    assert pbs.call("GET", "/admin/datastore/store1/snapshots")[0]["comment"] == "before the upgrade"
    pbs.call("DELETE", "/admin/datastore/store1/snapshots", **named)
    assert len(pbs.call("GET", "/admin/datastore/store1/snapshots")) == 1


def test_garbage_collection(pbs: Any) -> None:
    store = pbs.datastore(gc_schedule="daily")
    pbs.snapshots(store, "vm/100", [NOW, NOW + 1])
    result, log = pbs.task(pbs.call("POST", "/admin/datastore/store1/gc"))
    assert result == "OK"
    assert log.startswith("starting garbage collection on store store1\n")
    status = pbs.call("GET", "/admin/datastore/store1/gc")
    assert (status["index-file-count"], status["last-run-state"], status["schedule"]) == (2, "OK", "daily")
    assert status["next-run"] > status["last-run-endtime"]
    assert [entry["store"] for entry in pbs.call("GET", "/admin/gc")] == ["store1"]


def test_what_the_store_holds(pbs: Any) -> None:
    store = pbs.datastore()
    pbs.snapshots(store, "vm/100", [NOW])
    status = pbs.call("GET", "/admin/datastore/store1/status", verbose="1")
    assert status["total"] >= status["used"] > 0
    assert status["counts"] == {"vm": {"groups": 1, "snapshots": 1}}
    assert pbs.call("GET", "/status/datastore-usage")[0]["store"] == "store1"
