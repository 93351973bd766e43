# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster needs on its backup servers, where secrets and keys go, and retention that has one place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.baremetal.proxmox.plugins.filter.backup_definitions import backup_definitions
from ansible_collections.baremetal.proxmox.plugins.filter.backup_plan import backup_plan
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _backup

STORAGE = {"storage": "pbs", "host": "pbs1", "datastore": "store1", "namespace": "site/rack"}
KEY = {"kdf": None, "data": "canary-key", "fingerprint": "e5:99"}
PIN = [{"item": "pbs1", "fingerprint": "AA:BB"}]


def hosts(server: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    return {"pve1": cluster, "pbs1": {"ansible_host": "192.0.2.31", **(server or {})}}


def plan(*storages: dict[str, Any], around: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return backup_plan(list(storages or (STORAGE,)), "pve1", around or hosts(), "rack@pbs", **more)


def test_what_a_server_needs():
    found = plan()
    assert found["findings"] == []
    assert found["servers"]["pbs1"] == {
        "namespaces": [{"store": "store1", "ns": "site"}, {"store": "store1", "ns": "site/rack"}],
        "users": [{"userid": "rack@pbs"}],
        "tokens": [{"tokenid": "rack@pbs!pbs", "comment": "Storage pbs of the cluster pve1", "regenerate": "always"}],
        "acls": [
            {"path": "/datastore/store1/site/rack", "ugid": "rack@pbs", "roleid": "DatastoreBackup"},
            {"path": "/datastore/store1/site/rack", "ugid": "rack@pbs!pbs", "roleid": "DatastoreBackup"},
        ],
    }
    assert found["asked"] == [{"storage": "pbs", "server": "192.0.2.31", "username": "rack@pbs!pbs"}]


def test_the_root_namespace_does_not_bring_those_of_others_along():
    acls = plan({**STORAGE, "namespace": None})["servers"]["pbs1"]["acls"]
    assert [(one["path"], one["propagate"]) for one in acls] == [("/datastore/store1", False)] * 2


@pytest.mark.parametrize(
    "storage, jobs",
    [
        ({"prune_backups": {"keep_daily": 7}}, []),
        ({}, [{"id": "nightly", "storage": "pbs", "prune_backups": "keep-last=3"}]),
    ],
)
def test_who_prunes_has_to_be_allowed_to(storage: dict[str, Any], jobs: list[dict[str, Any]]):
    found = plan({**STORAGE, **storage}, around=hosts(pve_backup_jobs=jobs))
    assert {one["roleid"] for one in found["servers"]["pbs1"]["acls"]} == {"DatastorePowerUser"}
    assert found["findings"] == []


def test_keeping_everything_is_not_pruning():
    found = plan({**STORAGE, "prune_backups": {"keep_all": True}})
    assert {one["roleid"] for one in found["servers"]["pbs1"]["acls"]} == {"DatastoreBackup"}


@pytest.mark.parametrize(
    "known, new",
    [
        ({}, ["pbs"]),
        ({"pbs": {"defined": True, "secret": "none"}}, ["pbs"]),
        ({"pbs": {"defined": True, "secret": "refused"}}, ["pbs"]),
        ({"pbs": {"defined": True, "secret": "works"}}, []),
    ],
)
def test_a_secret_is_made_where_none_works(known: dict[str, Any], new: list[str]):
    found = plan(known=known, servers=PIN)
    assert found["new"] == new
    assert found["servers"]["pbs1"]["tokens"][0]["regenerate"] == ("always" if new else "never")
    assert found["asked"][0]["fingerprint"] == "AA:BB"


@pytest.mark.parametrize(
    ("comment", "secret", "found"),
    [
        ("Storage pbs of the cluster rack", "none", None),
        ("Storage pbs of the cluster other", "works", None),
        ("Storage pbs of the cluster other", "none", "Storage pbs of the cluster other"),
        ("", "refused", "no comment"),
    ],
)
def test_a_token_of_somebody_else_gets_no_new_secret(comment: str, secret: str, found: str | None):
    servers = [{**PIN[0], "tokens": {"rack@pbs!pbs": comment}}]
    around = hosts(pve_cluster_name="rack")
    told = plan(around=around, servers=servers, known={"pbs": {"defined": False, "secret": secret}})["findings"]
    assert told == (
        []
        if found is None
        else [
            "pve1: pve_backup_storages[pbs].token: expected rack@pbs!pbs on pbs1 to be this cluster's own ('Storage pbs of"
            f" the cluster rack'), found one that somebody else may use ({found}). A new secret would shut them out: say"
            " another user or token, or remove that one"
        ]
    )


def test_a_server_that_cannot_be_reached_stops_the_run():
    told = plan(known={"pbs": {"defined": True, "secret": "unreachable", "reason": "no route."}})["findings"]
    assert told == [
        "pve1: pve_backup_storages[pbs].server: expected the backup server to answer on 192.0.2.31, found no route"
    ]


def definitions(
    *storages: dict[str, Any], known: dict[str, Any] | None = None, secrets: bool = True
) -> list[dict[str, Any]]:
    tokens = [{"item": "pbs1", "secrets": {"rack@pbs!pbs": "canary-secret"}}] if secrets else [{"item": "pbs1"}]
    return backup_definitions(list(storages or (STORAGE,)), hosts(), "rack@pbs", PIN, known or {}, tokens)


def test_a_new_secret_is_handed_over_and_an_old_one_is_not_needed():
    definition = {
        "storage": "pbs",
        "type": "pbs",
        "server": "192.0.2.31",
        "datastore": "store1",
        "username": "rack@pbs!pbs",
        "content": ["backup"],
        "namespace": "site/rack",
        "fingerprint": "AA:BB",
    }
    assert definitions() == [{**definition, "password": "canary-secret", "update_password": "always"}]
    assert definitions(secrets=False) == [definition]


def test_the_secret_of_another_server_is_not_taken():
    tokens = [{"item": "pbs2", "secrets": {"rack@pbs!pbs": "canary-secret"}}]
    assert "password" not in backup_definitions([STORAGE], hosts(), "rack@pbs", PIN, {}, tokens)[0]


def test_a_certificate_that_nodes_trust_is_not_pinned():
    storage = {**STORAGE, "pin": False, "server": "backup.example.org", "port": 443, "nodes": ["pve1"], "disable": True}
    assert definitions(storage, secrets=False)[0] == {
        "storage": "pbs",
        "type": "pbs",
        "server": "backup.example.org",
        "datastore": "store1",
        "username": "rack@pbs!pbs",
        "content": ["backup"],
        "namespace": "site/rack",
        "port": 443,
        "nodes": ["pve1"],
        "disable": True,
    }
    assert plan(storage, servers=PIN)["asked"][0] == {
        "storage": "pbs",
        "server": "backup.example.org",
        "username": "rack@pbs!pbs",
        "port": 443,
    }


def test_a_key_is_made_once_saved_and_never_replaced(tmp_path: Path):
    file = tmp_path / "rack.key"
    storage = {**STORAGE, "encryption_key_file": str(file)}
    encrypted = {"pbs": {"defined": True, "secret": "works", "encryption_key": "e5:99"}}

    assert plan(storage)["save"] == [{"storage": "pbs", "path": str(file)}]
    assert definitions(storage)[0]["encryption_key"] == "autogen"
    # the storage is there, and the run ended before the key was saved
    assert plan(storage, known=encrypted)["save"] == [{"storage": "pbs", "path": str(file)}]
    assert "encryption_key" not in definitions(storage, known=encrypted)[0]

    file.write_text(json.dumps(KEY))
    assert plan(storage, known=encrypted)["save"] == []
    assert "encryption_key" not in definitions(storage, known=encrypted)[0]
    # a new cluster gets the old key
    assert json.loads(definitions(storage)[0]["encryption_key"]) == KEY

    file.write_text(json.dumps({**KEY, "fingerprint": "aa:aa"}))
    (told,) = plan(storage, known=encrypted)["findings"]
    assert "expected the key that the cluster encrypts with (e5:99), found another one (aa:aa)" in told
    assert "canary" not in told


def test_a_key_needs_a_directory(tmp_path: Path):
    (told,) = plan({**STORAGE, "encryption_key_file": str(tmp_path / "no" / "key")})["findings"]
    assert told.endswith(f"expected a path in a directory of the controller, found no {tmp_path}/no")


def test_the_key_of_all_keys(tmp_path: Path):
    file = tmp_path / "master.pem"
    storage = {**STORAGE, "master_pubkey_file": str(file)}
    with pytest.raises(AnsibleFilterError, match="cannot be read"):
        definitions(storage)
    file.write_text("PEM")
    assert definitions(storage)[0]["master_pubkey"] == "UEVN"
    assert "master_pubkey" not in definitions(storage, known={"pbs": {"defined": True}})[0]


PRUNE = {"id": "rack", "store": "store1", "schedule": "daily", "keep-daily": 7}


@pytest.mark.parametrize(
    "job, covers",
    [
        ({}, True),
        ({"ns": "site"}, True),
        ({"ns": "site/rack", "max_depth": 0}, True),
        ({"ns": "site", "max-depth": 0}, False),
        ({"max_depth": 1}, False),
        ({"ns": "sit"}, False),
        ({"ns": "site/rack/more"}, False),
        ({"store": "store2"}, False),
        ({"disable": True}, False),
        ({"keep-daily": None}, False),
    ],
)
def test_which_prune_jobs_are_about_a_namespace(job: dict[str, Any], covers: bool):
    server = _backup.Server.read("pbs1", {"pbs_server_prune_jobs": [{**PRUNE, **job}]})
    assert server.pruning("store1", "site/rack") == (["rack"] if covers else [])


def test_retention_in_two_places_is_refused():
    around = hosts({"pbs_server_prune_jobs": [PRUNE]})
    assert plan(around=around)["findings"] == []
    (told,) = plan({**STORAGE, "prune_backups": {"keep_last": 1}}, around=around)["findings"]
    assert "expected retention in one place" in told


def test_a_host_that_there_is_not():
    (told,) = plan({**STORAGE, "host": "pbs9"})["findings"]
    assert told == "pve1: pve_backup_storages[pbs].host: expected a host of the inventory, found 'pbs9'"
