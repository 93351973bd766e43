"""The collection's tables against the stand-in: many at once, and somebody else at work. The rest is in the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pbsstandin import lay, users
from pbsstandin import stores as pbs_stores

standin_backup = pytest.importorskip("ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_backup")
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_access import ACL_TABLE, TOKEN_TABLE  # noqa: E402
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_jobs import PRUNE_JOB  # noqa: E402
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_store import (  # noqa: E402
    DATASTORE,
    NAMESPACE_TABLE,
)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    return standin_backup.BackupStandIn(tmp_path / "server", monkeypatch, "4.1")


def test_fifty_items_are_one_call(server: Any) -> None:
    items = [{"id": f"job{number}", "store": "store1", "schedule": "daily", "keep_last": 3} for number in range(50)]
    assert server.module(PRUNE_JOB, config=items)["changed"]
    assert [method for method, _path, _params in server.writes] == ["POST"] * 50
    more = [{**item, "keep_last": 4} for item in items]
    assert server.module(PRUNE_JOB, config=more)["changed"]
    assert [method for method, _path, _params in server.writes] == ["PUT"] * 50
    assert not server.module(PRUNE_JOB, config=more, state="overridden")["changed"]


def test_somebody_else_writes_meanwhile(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest is that of the whole file: a change of another item means to read again, and no more."""
    server.module(PRUNE_JOB, config=[{"id": "first", "store": "store1", "schedule": "daily", "keep_daily": 7}])
    real = type(server).send

    def send(self: Any, method: str, path: str, params: Any, timeout: float) -> Any:
        if method == "PUT" and not self.writes:
            self.call("POST", "/config/prune", id="other", store="store1", schedule="daily", keep_last="1")
        return real(self, method, path, params, timeout)

    monkeypatch.setattr(type(server), "send", send)
    assert server.module(PRUNE_JOB, config=[{"id": "first", "keep_daily": 14}])["changed"]
    assert [path for _method, path, _params in server.writes] == ["/config/prune/first"] * 2
    assert server.call("GET", "/config/prune/first")["keep-daily"] == 14


NAMESPACES = [
    {"store": "store1", "ns": "site/rack1"},
    {"store": "store1", "ns": "site"},
    {"store": "store2", "ns": "site"},
]


@pytest.fixture
def stores(server: Any) -> Any:
    for name in ("store1", "store2"):
        server.call("POST", "/config/datastore", name=name, path=f"/srv/{name}")
    return server


def test_namespaces_are_made_from_above_and_removed_from_below(stores: Any) -> None:
    planned = stores.module(NAMESPACE_TABLE, config=NAMESPACES, check=True)
    assert planned["changed"] and not stores.writes
    made = stores.module(NAMESPACE_TABLE, config=NAMESPACES)
    assert made["after"] == planned["after"]
    assert [(path.split("/")[3], params.get("parent"), params["name"]) for _method, path, params in stores.writes] == [
        ("store1", None, "site"),
        ("store2", None, "site"),
        ("store1", "site", "rack1"),
    ]
    gathered = stores.module(NAMESPACE_TABLE, state="gathered")["gathered"]
    assert sorted(gathered, key=str) == sorted(NAMESPACES, key=str)
    assert not stores.module(NAMESPACE_TABLE, config=gathered, state="overridden")["changed"]
    stores.module(NAMESPACE_TABLE, config=[{"store": "store1", "ns": "site"}], state="overridden")
    assert [params["ns"] for _method, _path, params in stores.writes] == ["site/rack1", "site"]
    assert stores.module(NAMESPACE_TABLE, config=[{"store": "store1", "ns": "site"}], state="deleted")["changed"]
    assert stores.module(NAMESPACE_TABLE, state="gathered")["gathered"] == []


def test_a_datastore_that_is_not_there_does_not_stop_the_others(stores: Any) -> None:
    stores.module(NAMESPACE_TABLE, config=NAMESPACES)
    path = next(stores.root.glob("srv/store2"), None)
    assert path is not None
    path.rename(path.with_name("gone"))
    left = [one for one in NAMESPACES if one["store"] == "store1"]
    assert not stores.module(NAMESPACE_TABLE, config=left)["changed"]
    assert sorted(stores.module(NAMESPACE_TABLE, state="gathered")["gathered"], key=str) == sorted(left, key=str)


def test_a_namespace_with_backups_stays(stores: Any) -> None:
    stores.module(NAMESPACE_TABLE, config=NAMESPACES)
    lay.snapshots(pbs_stores.lookup("store1"), "vm", "100", [1_700_000_000], ns="site/rack1")
    result = stores.module(NAMESPACE_TABLE, config=[NAMESPACES[0]], state="deleted")
    assert result["failed"]
    assert "There are backups in it; nothing here removes them." in result["msg"]
    lonely = stores.module(NAMESPACE_TABLE, config=[{"store": "store2", "ns": "a/b"}])
    assert lonely["failed"] and "List a as well." in lonely["msg"]


def test_a_datastore_is_removed_only_when_named_and_keeps_its_backups(stores: Any) -> None:
    lay.snapshots(pbs_stores.lookup("store1"), "vm", "100", [1_700_000_000])
    refused = stores.module(DATASTORE, config=[], state="overridden")
    assert refused["failed"] and "allow_remove" in refused["msg"]
    assert stores.writes == []
    assert stores.module(DATASTORE, config=[{"name": "store1"}], state="deleted", allow_remove=["store1"])["changed"]
    again = stores.module(DATASTORE, config=[{"name": "store1", "path": "/srv/store1"}])
    assert again["failed"] and "reuse_datastore: true takes over" in again["msg"]
    config = [{"name": "store1", "path": "/srv/store1", "reuse_datastore": True}]
    assert stores.module(DATASTORE, config=config)["changed"]
    assert not stores.module(DATASTORE, config=config)["changed"]
    assert len(stores.call("GET", "/admin/datastore/store1/snapshots")) == 1
    other = stores.module(DATASTORE, config=[{"name": "store1", "path": "/srv/elsewhere"}])
    assert other["failed"] and "path" in other["msg"]


@pytest.mark.parametrize("release", ["3.4", "4.1"])
def test_the_secret_of_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str) -> None:
    server = standin_backup.BackupStandIn(tmp_path / "server", monkeypatch, release)
    server.call("POST", "/access/users", userid="backup@pbs")
    file = tmp_path / "secret"
    item = {"tokenid": "backup@pbs!rack1", "comment": "Rack 1", "secret_file": str(file)}
    result = server.module(TOKEN_TABLE, config=[item])
    secret = file.read_text().strip()
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret not in str(result) and "secrets" not in result
    users.verify_secret("backup@pbs!rack1", secret)
    assert not server.module(TOKEN_TABLE, config=[item])["changed"]
    server.call("PUT", "/access/acl", **{"path": "/"}, role="Audit", auth_id="backup@pbs!rack1")
    file.unlink()
    lost = server.module(TOKEN_TABLE, config=[item])
    assert lost["failed"] and "regenerate: lost makes a new secret" in lost["msg"]
    assert server.module(TOKEN_TABLE, config=[{**item, "regenerate": "lost"}])["changed"]
    users.verify_secret("backup@pbs!rack1", file.read_text().strip())
    assert file.read_text().strip() != secret
    assert server.call("GET", "/access/users/backup@pbs/token")[0]["comment"] == "Rack 1"
    assert len(server.call("GET", "/access/acl")) == 1
    told = server.module(TOKEN_TABLE, config=[{"tokenid": "backup@pbs!rack2"}])
    users.verify_secret("backup@pbs!rack2", told["secrets"]["backup@pbs!rack2"])


def test_entries_for_nobody_are_refused(server: Any) -> None:
    entry = {"path": "/datastore", "ugid": "nobody@pbs", "roleid": "Audit"}
    result = server.module(ACL_TABLE, config=[entry])
    assert result["failed"] and "there is no user nobody@pbs" in result["msg"]
    planned = server.module(ACL_TABLE, config=[entry], check=True)
    assert planned["changed"] and "there is no user nobody@pbs" in planned["warnings"][0]
    result = server.module(ACL_TABLE, config=[{**entry, "roleid": "PVEAdmin"}], check=True)
    assert result["failed"] and "there is no role PVEAdmin; there are Admin, Audit" in result["msg"]
    result = server.module(ACL_TABLE, config=[{**entry, "path": "/vms"}])
    assert result["failed"] and "not / or a path below /access, /datastore" in result["msg"]
