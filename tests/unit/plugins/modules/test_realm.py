# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Realms and their jobs: the tables against Proxmox's official schema, and against the stand-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_realms import (
    REALM_TABLE,
    SYNC_JOB_TABLE,
    VARIANTS,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_users import USER_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_api import StandIn
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.test_storage_table import RELEASES, schema

# Not offered: what Proxmox has replaced, and what the call itself needs
LEFT_OUT = {"secure", "realm", "type", "id", "delete", "digest", "append", "userid", "confirmation-password"}
CORP = {"realm": "corp", "type": "ldap", "server1": "l.example.org", "base_dn": "dc=x", "user_attr": "uid"}


@pytest.fixture(params=["8.4", "9.2"])
def api(request: Any, tmp_path: Path, monkeypatch: Any) -> StandIn:
    return StandIn(tmp_path / "node", monkeypatch, request.param)


def run(api: StandIn, *config: dict[str, Any], table: Resource = REALM_TABLE, **arguments: Any) -> dict[str, Any]:
    result = api.module(table, config=list(config), **arguments)
    assert not result["failed"], result["msg"]
    return result


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("table", "post", "put"),
    [
        (REALM_TABLE, "/access/domains", "/access/domains/{realm}"),
        (SYNC_JOB_TABLE, "/cluster/jobs/realm-sync/{id}", "/cluster/jobs/realm-sync/{id}"),
        (USER_TABLE, "/access/users", "/access/users/{userid}"),
    ],
    ids=["realm", "job", "user"],
)
def test_the_tables_have_what_the_schema_has(release: str, table: Resource, post: str, put: str) -> None:
    fixed = {name for variant in table.variants.values() for name in variant.fixed.split()}
    known = {one.name: one for one in table.fields if one.known_in(RELEASES[release])}
    created, changed = schema(release)[post]["POST"]["params"], schema(release)[put]["PUT"]["params"]
    assert set(created) - LEFT_OUT == known.keys() - ({"realm"} if table is SYNC_JOB_TABLE else set())
    # a password has a call of its own; what is fixed is in no call that changes something
    own = {"password"} if table is USER_TABLE else set()
    assert set(changed) - LEFT_OUT == known.keys() - fixed - own
    for name, one in known.items():
        rule = created[name]
        if rule["type"] in ("boolean", "integer"):
            assert one.kind.option["type"] == {"boolean": "bool", "integer": "int"}[rule["type"]]
        if "enum" in rule:
            assert sorted(one.choices) == sorted(rule["enum"])
        if rule.get("default") is not None and rule["type"] == "boolean":
            default = {"default": None, "check-connection": None}.get(name, one.default)
            assert default in (None, bool(int(rule["default"])))


@pytest.mark.parametrize("release", RELEASES)
def test_the_types(release: str) -> None:
    assert set(VARIANTS) == set(schema(release)["/access/domains"]["POST"]["params"]["type"]["enum"])


def test_the_realms_that_always_exist(api: StandIn) -> None:
    found = api.module(REALM_TABLE, state="gathered")["gathered"]
    assert found == [{key: row[key] for key in ("realm", "type", "comment")} for row in REALM_TABLE.fresh]
    run(api, {"realm": "pam", "comment": "Node"})
    assert len(api.writes) == 1
    run(api, {"realm": "pam"}, state="replaced")
    assert [params["delete"] for _method, _path, params in api.writes] == ["comment"]
    assert not run(api, {"realm": "pam"}, state="replaced")["changed"]


def test_one_realm_is_the_default(api: StandIn) -> None:
    run(api, {**CORP, "default": True}, {**CORP, "realm": "other"})
    run(api, {"realm": "other", "default": True})
    found = {one["realm"]: one.get("default", False) for one in run(api, state="gathered")["gathered"]}
    assert found == {"corp": False, "other": True, "pam": False, "pve": False}
    run(api, {"realm": "corp", "default": True}, {"realm": "other", "default": False})
    found = {one["realm"]: one.get("default", False) for one in run(api, state="gathered")["gathered"]}
    assert found == {"corp": True, "other": False, "pam": False, "pve": False}


def test_an_old_secure_is_a_mode(api: StandIn) -> None:
    api.write("domains.cfg", "ldap: corp\n\tbase_dn dc=x\n\tserver1 l.example.org\n\tuser_attr uid\n\tsecure 1\n\n")
    assert not run(api, {**CORP, "mode": "ldaps"})["changed"]
    run(api, {"realm": "corp", "mode": "ldap"})
    assert not run(api, {"realm": "corp", "mode": "ldap"})["changed"]


def test_the_password_of_a_directory(api: StandIn) -> None:
    item = {**CORP, "bind_dn": "cn=p", "password": "canary-ldap"}
    run(api, item)
    assert api.read("priv/realm/corp.pw") == "canary-ldap"
    assert not run(api, {**item, "password": "canary-new"})["changed"]
    result = run(api, {**item, "password": "canary-new", "update_password": "always"})
    assert "canary" not in str(result)
    assert api.read("priv/realm/corp.pw") == "canary-new"
    run(api, {"realm": "corp", "password": None, "bind_dn": None, "update_password": "always"})
    assert not (api.pve / "priv/realm/corp.pw").exists()


def test_secrets_that_the_api_tells_are_compared(api: StandIn) -> None:
    sso = {"realm": "sso", "type": "openid", "issuer_url": "https://x", "client_id": "c", "client_key": "canary-key"}
    pve = {"realm": "pve", "tfa": "type=oath,step=30,digits=6"}
    run(api, sso, pve)
    assert not run(api, sso, {**pve, "tfa": "digits=6,step=30,type=oath"})["changed"]
    found = run(api, state="gathered")["gathered"]
    assert "canary" not in str(found)
    assert not run(api, *found, state="overridden")["changed"]
    result = run(api, {**sso, "client_key": "canary-other"})
    assert "canary" not in str(result)
    assert result["changes"] == [{"action": "update", "item": "sso", "set": ["client_key"]}]
    run(api, {"realm": "sso", "client_key": None})
    assert [params["delete"] for _method, _path, params in api.writes] == ["client-key"]


def test_what_is_fixed(api: StandIn) -> None:
    sso = {"realm": "sso", "type": "openid", "issuer_url": "https://x", "client_id": "c", "username_claim": "email"}
    run(api, sso)
    result = api.module(REALM_TABLE, config=[{"realm": "sso", "username_claim": "sub"}])
    assert "username_claim is 'email', wanted is 'sub'. Proxmox cannot change this in place" in result["msg"]
    run(api, {**sso, "username_claim": "sub", "client_key": None, "tfa": None, "recreate": True})
    assert [method for method, *_rest in api.writes] == ["DELETE", "POST"]


def test_audiences_came_with_a_release(api: StandIn) -> None:
    item = {"realm": "sso", "type": "openid", "issuer_url": "https://x", "client_id": "c", "audiences": "a,b"}
    result = api.module(REALM_TABLE, config=[item])
    assert result["failed"] is (api.release == "8.4")
    if result["failed"]:
        assert "audiences: needs Proxmox VE 9.2 or later" in result["msg"]


def test_the_connection_is_tried_where_it_is_wanted(api: StandIn) -> None:
    result = api.module(REALM_TABLE, config=[{**CORP, "check_connection": True}])
    assert "check_connection: false skips the question" in result["msg"]
    run(api, {**CORP, "check_connection": False})
    assert api.writes[0][2]["check-connection"] == "0"
    assert not run(api, {**CORP, "check_connection": True})["changed"]
    result = api.module(REALM_TABLE, config=[{**CORP, "port": 1389, "check_connection": True}])
    assert api.writes[0][2]["check-connection"] == "1"


def test_users_of_a_realm_that_goes(api: StandIn) -> None:
    run(api, CORP)
    api.call("POST", "/access/users", userid="a@corp")
    result = run(api, {"realm": "corp"}, state="deleted")
    assert result["warnings"] == ["realm 'corp' is removed; 1 of its users stay, and can no longer log in."]


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ({"realm": "mine", "type": "pve"}, "the only realm of the type pve is pve"),
        ({"realm": "corp", "type": "ldap"}, "to create it, ldap needs server1, base_dn, user_attr"),
        ({"realm": "x", "type": "ldap"}, "not the name of a realm"),
        ({**CORP, "domain": "x"}, "domain: ldap has no such setting"),
        ({**CORP, "sync_defaults_options": {"scope": "all"}}, "key 'scope' is 'all'; allowed are users, groups, both"),
        ({**CORP, "sync_defaults_options": "scope=users,remove-vanished=acl;x"}, "not none, or some of acl, entry"),
    ],
)
def test_refused(api: StandIn, item: dict[str, Any], sentence: str) -> None:
    result = api.module(REALM_TABLE, config=[item])
    assert sentence in result["msg"]
    assert api.writes == []


def test_jobs(api: StandIn) -> None:
    job = {"id": "corp", "realm": "corp", "schedule": "02:30", "scope": "both", "comment": "x"}
    result = api.module(SYNC_JOB_TABLE, config=[job])
    assert "there is no realm corp" in result["msg"]
    assert "only ad and ldap" in api.module(SYNC_JOB_TABLE, config=[{**job, "realm": "pve"}])["msg"]
    run(api, CORP)
    api.write("jobs.cfg", "vzdump: nightly\n\tschedule 02:30\n\tall 1\n\n")
    run(api, job, table=SYNC_JOB_TABLE)
    assert api.writes == [
        (
            "POST",
            "/cluster/jobs/realm-sync/corp",
            {"realm": "corp", "schedule": "02:30", "scope": "both", "comment": "x"},
        )
    ]
    run(api, {"id": "corp", "comment": None}, table=SYNC_JOB_TABLE)
    assert api.writes == [("PUT", "/cluster/jobs/realm-sync/corp", {"schedule": "02:30", "delete": "comment"})]
    assert "vzdump: nightly\n\tschedule 02:30\n\tall 1\n\n" in api.read("jobs.cfg")
    assert "realm-sync: corp\n\trealm corp\n\tschedule 02:30\n\tscope both\n" in api.read("jobs.cfg")
    result = api.module(
        SYNC_JOB_TABLE, config=[{"id": "nightly", "realm": "corp", "schedule": "1:00", "scope": "both"}]
    )
    assert "already exists" in result["msg"]
