"""The handlers against Proxmox's own description of the API, where that is at hand (../shared/api/pbs-4.json)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pbsstandin import schema, table

HERE = Path(__file__).resolve()


def _official() -> Path | None:
    told = os.environ.get("BAREMETAL_SHARED")
    places = [Path(told)] if told else [parent.parent / "shared" for parent in HERE.parents]
    return next((path for place in places if (path := place / "api/pbs-4.json").is_file()), None)


SCHEMA = _official()
table.load()
pytestmark = pytest.mark.skipif(SCHEMA is None, reason="../shared/api/pbs-4.json is not at hand")
ENDPOINTS = [pytest.param(entry, id=f"{entry.method} {entry.path}") for entry in table.endpoints()]
INDEXES = {"GET /nodes"}
"""Lists of what is below: their description says nothing."""


@pytest.fixture(scope="module")
def official() -> dict[str, Any]:
    assert SCHEMA is not None
    return json.loads(SCHEMA.read_text())["paths"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_parameters_and_permission_are_the_official_ones(endpoint: Any, official: dict[str, Any]) -> None:
    info = official[endpoint.path][endpoint.method]
    if f"{endpoint.method} {endpoint.path}" in INDEXES:
        return
    declared = schema.declared(endpoint)
    told = info["params"]
    assert set(declared) == set(told) | ({"upid", "node"} & set(declared))
    for name, entry in told.items():
        assert declared[name]["type"] == entry["type"], name
        assert bool(declared[name].get("optional")) == bool(entry.get("optional")), name
    assert endpoint.permission == info["permissions"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_official_pattern_is_one_for_python(endpoint: Any, official: dict[str, Any]) -> None:
    for name, entry in official[endpoint.path][endpoint.method]["params"].items():
        if entry.get("pattern"):
            assert schema.regex(entry["pattern"]).pattern, name


def test_the_official_schema_is_what_counts(pbs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PBS_STANDIN_SCHEMA", str(SCHEMA))
    pbs.datastore()
    status, message = pbs.refusal("PUT", "/config/datastore/store1", delete=["path"])
    expected = "parameter verification failed - 'delete': value 'path' is not defined in the enumeration."
    assert (status, message) == (400, expected)
    assert pbs.refusal("GET", "/admin/datastore/store1/status", nosuch="1")[0] == 400
    pbs.call("PUT", "/config/datastore/store1", comment="größer", notify_user="root@pam", tuning="sync-level=none")
    pbs.call("PUT", "/access/acl", path="/datastore/store1", role="DatastoreReader", auth_id="root@pam")
    pbs.call(
        "POST",
        "/config/s3",
        id="cloud",
        endpoint="{{bucket}}.s3.{{region}}.example.org",
        access_key="a",
        secret_key="b",
    )


RETURNED = {
    "/config/datastore": {"name": "store1", "path": "/srv/store1"},
    "/admin/datastore": None,
    "/admin/gc": None,
    "/admin/prune": None,
    "/admin/verify": None,
    "/admin/sync": None,
    "/config/prune": None,
    "/config/verify": None,
    "/config/sync": None,
    "/config/remote": None,
    "/config/s3": None,
    "/config/traffic-control": None,
    "/access/users": None,
    "/access/acl": None,
    "/access/roles": None,
    "/access/domains": None,
    "/nodes/{node}/tasks": None,
    "/admin/datastore/{store}/snapshots": None,
    "/admin/datastore/{store}/groups": None,
    "/admin/datastore/{store}/namespace": None,
    "/status/datastore-usage": None,
}


@pytest.mark.parametrize("path", RETURNED)
def test_answers_have_only_what_is_described(pbs: Any, path: str, official: dict[str, Any]) -> None:
    store = pbs.datastore(gc_schedule="daily")
    pbs.snapshots(store, "vm/100", [1_700_000_000])
    pbs.call("POST", "/config/prune", id="nightly", store="store1", schedule="daily", keep_last="3")
    pbs.call("POST", "/config/verify", id="weekly", store="store1", schedule="weekly")
    pbs.call("POST", "/config/remote", name="away", host="pbs2", auth_id="sync@pbs", password="secret")
    pbs.call("POST", "/config/sync", id="pull1", store="store1", remote="away", remote_store="far1")
    pbs.call("POST", "/config/traffic-control", name="rule1", network="0.0.0.0/0")
    pbs.call("POST", "/config/s3", id="cloud", endpoint="s3.example.org", access_key="a", secret_key="b")
    pbs.call("POST", "/access/users/root@pam/token/robot")
    pbs.call("PUT", "/access/acl", path="/", role="Audit", auth_id="root@pam!robot")
    pbs.task(pbs.call("POST", "/admin/prune/nightly/run"))
    pbs.task(pbs.call("POST", "/admin/datastore/store1/gc"))
    answer = pbs.call("GET", path.format(store="store1", node="pbs1"))
    items = official[path]["GET"]["returns"]["items"]
    assert answer
    for entry in answer:
        assert set(entry) <= set(items["properties"])
        missing = {name for name, told in items["properties"].items() if not told.get("optional")} - set(entry)
        assert not missing
