"""Jobs, remotes, traffic control, S3 endpoints: configuration and files."""

from __future__ import annotations

from typing import Any

import pytest

KEYS = {"access_key": "AKIA", "secret_key": "canary-secret"}
TABLES: dict[str, tuple[str, str, dict[str, str], dict[str, str], str]] = {
    "prune": ("/config/prune", "id", {"store": "store1", "schedule": "daily"}, {"comment": "x"}, "prune.cfg"),
    "verify": ("/config/verify", "id", {"store": "store1"}, {"comment": "x"}, "verification.cfg"),
    "sync": (
        "/config/sync",
        "id",
        {"store": "store1", "remote-store": "far1", "remote": "away"},
        {"comment": "x"},
        "sync.cfg",
    ),
    "remote": (
        "/config/remote",
        "name",
        {"host": "pbs2.example.org", "auth-id": "sync@pbs", "password": "canary-secret"},
        {"comment": "x"},
        "remote.cfg",
    ),
    "traffic": (
        "/config/traffic-control",
        "name",
        {"network": "10.0.0.0/8"},
        {"rate-in": "10 MB"},
        "traffic-control.cfg",
    ),
    "s3": (
        "/config/s3",
        "id",
        {"endpoint": "s3.example.org", "access-key": "AKIA", "secret-key": "canary-secret"},
        {"region": "eu-1"},
        "s3.cfg",
    ),
}


@pytest.mark.parametrize("table", TABLES)
def test_a_table(pbs: Any, table: str) -> None:
    """Made, read, changed, a stale digest refused, removed; secrets are in the file and in no answer."""
    path, key, fields, change, file = TABLES[table]
    pbs.datastore()
    form = {name.replace("-", "_"): value for name, value in fields.items()}
    pbs.call("POST", path, **{key: "first"}, **form)
    shown = {
        name: [value] if name == "network" else value
        for name, value in fields.items()
        if name not in ("password", "secret-key")
    }
    before = pbs.answer("GET", f"{path}/first")
    assert before.data == {key: "first", **shown}
    assert before.attributes["digest"]
    assert pbs.call("GET", path) == [before.data]
    status, message = pbs.refusal("POST", path, **{key: "first"}, **form)
    assert (status, "'first' already exists." in message) == (400, True)
    pbs.call(
        "PUT",
        f"{path}/first",
        digest=before.attributes["digest"],
        **{n.replace("-", "_"): v for n, v in change.items()},
    )
    assert pbs.call("GET", f"{path}/first") == {**before.data, **change}
    stale = "detected modified configuration - file changed by other user? Try again."
    assert pbs.refusal("PUT", f"{path}/first", digest=before.attributes["digest"]) == (400, stale)
    pbs.call("PUT", f"{path}/first", delete=list(change))
    assert pbs.call("GET", f"{path}/first") == before.data
    assert "first" in pbs.read(file)
    pbs.call("DELETE", f"{path}/first")
    assert pbs.call("GET", path) == []
    assert pbs.read(file) == ""


def test_files_as_pbs_writes_them(pbs: Any) -> None:
    pbs.datastore()
    pbs.call("POST", "/config/remote", name="away", host="pbs2", auth_id="sync@pbs", password="secret", port="8008")
    pbs.call(
        "POST",
        "/config/sync",
        id="pull1",
        store="store1",
        remote="away",
        remote_store="far1",
        schedule="hourly",
        group_filter=["include:type:vm", "exclude:group:vm/100"],
        remove_vanished="true",
        rate_in="10M",
        burst_in="1.5GiB",
    )
    assert pbs.read("remote.cfg") == (
        "remote: away\n\tauth-id sync@pbs\n\thost pbs2\n\tpassword c2VjcmV0\n\tport 8008\n"
    )
    assert pbs.read("sync.cfg") == (
        "sync: pull1\n\tburst-in 1.5 GiB\n"
        "\tgroup-filter type:vm\n\tgroup-filter exclude:group:vm/100\n\trate-in 10 MB\n\tremote away\n"
        "\tremote-store far1\n\tremove-vanished true\n\tschedule hourly\n\tstore store1\n"
    )
    used = "parameter verification failed - 'name': remote 'away' is used by sync job 'pull1' (datastore 'store1')"
    assert pbs.refusal("DELETE", "/config/remote/away") == (400, used)
    assert pbs.call("GET", "/config/sync/pull1")["group-filter"] == ["type:vm", "exclude:group:vm/100"]


def test_missing_items(pbs: Any) -> None:
    """Some are looked up before they are removed, so that the refusal is another one."""
    assert pbs.refusal("DELETE", "/config/prune/nosuch") == (400, "no such prune 'nosuch'")
    assert pbs.refusal("DELETE", "/config/verify/nosuch") == (400, "no such verification 'nosuch'")
    assert pbs.refusal("DELETE", "/config/sync/nosuch") == (404, "job 'nosuch' does not exist.")
    assert pbs.refusal("DELETE", "/config/remote/nosuch") == (404, "remote 'nosuch' does not exist.")
    rule = (404, "traffic control rule 'nosuch' does not exist.")
    assert pbs.refusal("DELETE", "/config/traffic-control/nosuch") == rule
    assert pbs.refusal("DELETE", "/config/datastore/nosuch") == (404, "datastore 'nosuch' does not exist.")
    assert pbs.refusal("GET", "/config/prune/nosuch") == (400, "no such prune 'nosuch'")
    assert pbs.refusal("GET", "/config/nosuch") == (404, "Path '/config/nosuch' not found.")


@pytest.mark.parametrize(
    ("path", "params", "message"),
    [
        ("/config/prune", {"id": "ab", "store": "store1", "schedule": "daily"}, "'id': value must be at least 3"),
        ("/config/prune", {"id": "abc", "store": "store1"}, "'schedule': parameter is missing and it is not optional"),
        (
            "/config/prune",
            {"id": "abc", "store": "store1", "schedule": "daily", "keep_last": "0"},
            "'keep-last': value must have a minimum value of 1 (got 0)",
        ),
        (
            "/config/prune",
            {"id": "abc", "store": "store1", "schedule": "daily", "keep_last": "many"},
            "'keep-last': invalid digit found in string",
        ),
        (
            "/config/sync",
            {"id": "abc", "store": "store1", "remote_store": "far1", "group_filter": ["everything"]},
            "'group-filter': input doesn't match expected format",
        ),
        (
            "/config/traffic-control",
            {"name": "abc", "network": "::/0", "rate_in": "fast"},
            "'rate-in': unable to parse",
        ),
    ],
)
def test_wrong_parameters(pbs: Any, path: str, params: dict[str, Any], message: str) -> None:
    status, found = pbs.refusal("POST", path, **params)
    assert status == 400
    assert found.startswith(f"parameter verification failed - {message}")


def test_more_than_one_wrong_parameter(pbs: Any) -> None:
    answer = pbs.answer("POST", "/config/prune", id="x", nosuch="1")
    assert answer.message.splitlines() == [
        "parameter verification failed:",
        "- 'id': value must be at least 3 characters long",
        "- 'nosuch': schema does not allow additional properties",
        "- 'store': parameter is missing and it is not optional",
        "- 'schedule': parameter is missing and it is not optional",
    ]
    assert set(answer.errors) == {"id", "nosuch", "store", "schedule"}


def test_json_has_types(pbs: Any) -> None:
    job = {"id": "abc", "store": "store1", "schedule": "daily"}
    answer = pbs.answer("POST", "/config/prune", typed=True, **job, keep_last="3")
    assert answer.message == "parameter verification failed - 'keep-last': Expected integer value."
    pbs.call("POST", "/config/prune", typed=True, **job, keep_last=3)
    assert pbs.call("GET", "/config/prune/abc")["keep-last"] == 3


def test_a_file_that_somebody_spoiled(pbs: Any) -> None:
    pbs.write("prune.cfg", "prune: nightly\n\tstore store1\n\tschedule daily\n\tnosuch 1\n")
    expected = "parsing '/etc/proxmox-backup/prune.cfg' failed: line 4 - unknown property 'nosuch'"
    assert pbs.refusal("GET", "/config/prune") == (400, expected)


def test_sync_jobs_by_direction(pbs: Any) -> None:
    common = {"store": "store1", "remote": "away", "remote_store": "far1"}
    pbs.call("POST", "/config/sync", id="pull1", **common)
    pbs.call("POST", "/config/sync", id="push1", sync_direction="push", **common)
    assert [job["id"] for job in pbs.call("GET", "/config/sync")] == ["pull1"]
    assert [job["id"] for job in pbs.call("GET", "/config/sync", sync_direction="all")] == ["pull1", "push1"]
    same = (400, "source and target datastore can't be the same")
    assert pbs.refusal("POST", "/config/sync", id="own", store="store1", remote_store="store1") == same


def test_an_s3_datastore_needs_its_endpoint(pbs: Any) -> None:
    backend = "type=s3,client=cloud,bucket=backups"
    given = {"name": "cold", "path": "/srv/cache", "backend": backend}
    missing = (400, "no such s3-endpoint 'cloud'")
    assert _create(pbs, given) == missing
    pbs.call("POST", "/config/s3", id="cloud", endpoint="s3.example.org", **KEYS)
    pbs.datastore(**given)
    in_use = (400, "parameter verification failed - 'id': in-use by datastore cold")
    assert pbs.refusal("DELETE", "/config/s3/cloud") == in_use


def _create(pbs: Any, given: dict[str, str]) -> tuple[int, str]:
    answer = pbs.answer("POST", "/config/datastore", **given)
    return answer.status, answer.message


def test_a_local_sync_copies(pbs: Any) -> None:
    first = pbs.datastore()
    second = pbs.datastore("store2", "/srv/store2")
    pbs.snapshots(first, "vm/100", [1_700_000_000, 1_700_000_060])
    pbs.snapshots(first, "ct/200", [1_700_000_000])
    pbs.snapshots(second, "vm/999", [1_700_000_000])
    pbs.call(
        "POST",
        "/config/sync",
        id="copy",
        store="store2",
        remote_store="store1",
        group_filter="type:vm",
        remove_vanished="1",
    )
    result, log = pbs.task(pbs.call("POST", "/admin/sync/copy/run"))
    assert result == "OK", log
    assert [group.name for group in second.groups("")] == ["vm/100"]
    assert len(second.groups("")[0].snapshots()) == 2


def test_verification_finds_damage(pbs: Any) -> None:
    store = pbs.datastore()
    pbs.snapshots(store, "vm/100", [1_700_000_000, 1_700_000_060])
    pbs.call("POST", "/config/verify", id="weekly", store="store1", ignore_verified="1")
    assert pbs.task(pbs.call("POST", "/admin/verify/weekly/run"))[0] == "OK"
    result, log = pbs.task(pbs.call("POST", "/admin/verify/weekly/run"))
    assert (result, log.count("recently verified")) == ("OK", 2)
    (store.base / "vm/100/2023-11-14T22:13:20Z/made-up.conf.blob").write_bytes(b"spoiled")
    result, log = pbs.task(pbs.call("POST", "/admin/datastore/store1/verify", ignore_verified="0"))
    assert result == "verification failed - please check the log for details"
    assert "made-up.conf.blob: wrong size" in log
    states = [entry["verification"]["state"] for entry in pbs.call("GET", "/admin/datastore/store1/snapshots")]
    assert states == ["failed", "ok"]


def test_what_3_does_not_know(pbs: Any) -> None:
    pbs.set_release("3.4.8")
    assert pbs.call("GET", "/version") == {"version": "3.4", "release": "8", "repoid": "0123456789abcdef"}
    assert pbs.refusal("GET", "/config/s3") == (404, "Path '/config/s3' not found.")
    answer = pbs.answer("POST", "/config/datastore", name="store1", path="/srv/store1", backend="type=s3")
    assert answer.errors == {"backend": "schema does not allow additional properties"}
    pbs.datastore()
    assert "backend-type" not in pbs.call("GET", "/admin/datastore/store1/status")
