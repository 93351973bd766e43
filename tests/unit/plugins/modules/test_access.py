# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users, groups, roles and the access control list, against the stand-in: what is refused, spared and told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._access import kind, split_token
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_acl import ACL_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_realms import REALM_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_tokens import TOKEN_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_users import (
    GROUP_TABLE,
    ROLE_TABLE,
    USER_TABLE,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import run_module
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_api import ResourceModule, StandIn

WORLD = """user:root@pam:1:0::::::
user:alice@pve:1:0:Alice:::::
token:alice@pve!old:0:1::
user:deploy@pve:1:0::::::
token:deploy@pve!tf:0:1::

group:admins:deploy@pve::
group:ops:alice@pve:On call:


role:Operator:VM.Audit,VM.PowerMgmt:
role:Deployer:VM.Audit:

acl:1:/:@admins,deploy@pve!tf:Administrator:
acl:1:/vms:@ops:Operator:
acl:1:/pool/a:alice@pve:Operator:
acl:1:/nodes:deploy@pve!tf:Deployer:
"""


@pytest.fixture(params=["8.4", "9.2"])
def api(request: Any, tmp_path: Path, monkeypatch: Any) -> StandIn:
    made = StandIn(tmp_path / "node", monkeypatch, request.param)
    made.write("user.cfg", WORLD)
    made.write("priv/token.cfg", "alice@pve!old s1\ndeploy@pve!tf s2\n")
    return made


def failed(api: StandIn, resource: Resource, *, check: bool = False, state: str = "merged", **item: Any) -> str:
    result = api.module(resource, check=check, state=state, config=[item])
    assert result["failed"]
    assert api.writes == []
    return result["msg"]


def names(api: StandIn, path: str, key: str) -> set[str]:
    return {row[key] for row in api.call("GET", path)}


# -- nobody saws off the branch they sit on


@pytest.mark.parametrize(
    ("resource", "path", "key", "left"),
    [
        (USER_TABLE, "/access/users", "userid", {"root@pam", "deploy@pve"}),
        (GROUP_TABLE, "/access/groups", "groupid", {"admins"}),
        (REALM_TABLE, "/access/domains", "realm", {"pam", "pve"}),
        (TOKEN_TABLE, "/access/users/deploy@pve/token", "tokenid", {"tf"}),
    ],
    ids=["user", "group", "realm", "token"],
)
def test_overridden_with_nothing_leaves_who_asks(
    api: StandIn, resource: Resource, path: str, key: str, left: set[str]
) -> None:
    api.user = "deploy@pve!tf"
    result = api.module(resource, state="overridden", config=[])
    assert not result["failed"], result["msg"]
    assert names(api, path, key) == left
    assert not api.module(resource, state="overridden", config=[])["changed"]


def test_overridden_with_nothing_leaves_the_roles_of_who_asks(api: StandIn) -> None:
    before = names(api, "/access/roles", "roleid")
    api.user = "deploy@pve!tf"
    result = api.module(ROLE_TABLE, state="overridden", config=[])
    assert names(api, "/access/roles", "roleid") == before - {"Operator"}
    (warning,) = result["warnings"]
    assert warning == "role 'Operator' is removed, and what it grants with it: alice@pve on /pool/a, ops on /vms."


def test_overridden_with_nothing_leaves_the_rights_of_who_asks(api: StandIn) -> None:
    api.user = "deploy@pve!tf"
    assert not api.module(ACL_TABLE, state="overridden", config=[])["failed"]
    assert {row["ugid"] for row in api.call("GET", "/access/acl")} == {"admins", "deploy@pve!tf"}
    api.user = "root@pam"
    assert not api.module(ACL_TABLE, state="overridden", config=[])["failed"]
    assert api.call("GET", "/access/acl") == []


@pytest.mark.parametrize(
    ("resource", "item", "sentence"),
    [
        (USER_TABLE, {"userid": "deploy@pve"}, "cannot be removed: it is the user that this connection asks as"),
        (TOKEN_TABLE, {"tokenid": "deploy@pve!tf"}, "cannot be removed: it is the token that this connection uses"),
        (GROUP_TABLE, {"groupid": "admins"}, "cannot be removed: the user that this connection asks as is in it"),
        (ROLE_TABLE, {"roleid": "Deployer"}, "cannot be removed: whoever asks through this connection has it"),
        (ROLE_TABLE, {"roleid": "PVEAdmin"}, "is built in and cannot be removed"),
        (USER_TABLE, {"userid": "root@pam"}, "is built in and cannot be removed"),
        (REALM_TABLE, {"realm": "pam"}, "is built in and cannot be removed"),
    ],
)
def test_deleting_it_by_name_is_refused(api: StandIn, resource: Resource, item: dict[str, Any], sentence: str) -> None:
    api.user = "deploy@pve!tf"
    assert sentence in failed(api, resource, state="deleted", **item)


@pytest.mark.parametrize("settings", [{"enable": False}, {"expire": 1000000000}])
def test_who_asks_is_not_locked_out(api: StandIn, settings: dict[str, Any]) -> None:
    api.user = "deploy@pve!tf"
    assert "who could not go on" in failed(api, USER_TABLE, userid="deploy@pve", **settings)


def test_the_root_of_the_node_is_not_switched_off(api: StandIn) -> None:
    assert "it cannot be switched off" in failed(api, USER_TABLE, userid="root@pam", enable=False)


def test_the_realm_of_who_asks_stays(api: StandIn) -> None:
    api.write("domains.cfg", "ldap: corp\n\tbase_dn dc=x\n\tserver1 l.example.org\n\tuser_attr uid\n\n")
    api.write("user.cfg", WORLD.replace("deploy@pve", "deploy@corp"))
    api.user = "deploy@corp!tf"
    assert not api.module(REALM_TABLE, state="overridden", config=[])["changed"]
    assert "the user that this connection asks as is of it" in failed(api, REALM_TABLE, state="deleted", realm="corp")


# -- users


def test_the_calls_for_a_user(api: StandIn) -> None:
    config = [{"userid": "bob@pve", "groups": ["ops"], "password": "canary-word"}]
    assert api.module(USER_TABLE, config=config)["changed"]
    form = {"userid": "bob@pve", "groups": "ops", "password": "canary-word"}
    assert api.writes == [("POST", "/access/users", form)]
    assert not api.module(USER_TABLE, config=config)["changed"]
    again = [{**config[0], "password": "canary-other", "update_password": "always", "comment": "x"}]
    result = api.module(USER_TABLE, config=again)
    assert api.writes == [
        ("PUT", "/access/users/bob@pve", {"comment": "x"}),
        ("PUT", "/access/password", {"userid": "bob@pve", "password": "canary-other"}),
    ]
    assert "canary" not in str(result)
    assert result["changes"] == [{"action": "update", "item": "bob@pve", "set": ["comment", "password"]}]


def test_taking_away_is_an_empty_text(api: StandIn) -> None:
    api.module(USER_TABLE, config=[{"userid": "alice@pve", "firstname": None, "groups": [], "expire": 5}])
    assert api.writes == [("PUT", "/access/users/alice@pve", {"expire": "5", "firstname": "", "groups": ""})]
    api.module(USER_TABLE, config=[{"userid": "alice@pve"}], state="replaced")
    assert api.writes == [("PUT", "/access/users/alice@pve", {"expire": "0"})]


def test_a_password_cannot_be_changed_through_a_token(api: StandIn) -> None:
    api.user = "deploy@pve!tf"
    config = [{"userid": "alice@pve", "password": "canary-word", "update_password": "always"}]
    result = api.module(USER_TABLE, config=config)
    assert "run this on a node, or give api_password" in result["msg"]
    assert "canary" not in str(result)


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ({"userid": "bob@pve", "groups": ["nobody", "ops"]}, "groups: there is no group nobody"),
        ({"userid": "bob@corp"}, "there is no realm 'corp'; there are pam, pve"),
        ({"userid": "bob"}, "not a user such as alice@pve"),
        ({"userid": "bob@pve", "password": "short"}, "password is not 8 to 64 characters"),
        ({"userid": "bob@pve", "email": "bob"}, "not an e-mail address"),
        ({"userid": "bob@pve", "expire": -1}, "allowed are 0 to"),
    ],
)
def test_refused_users(api: StandIn, item: dict[str, Any], sentence: str) -> None:
    assert sentence in failed(api, USER_TABLE, **item)


def test_what_may_come_before_it_is_a_warning_in_check_mode(api: StandIn) -> None:
    config = [{"userid": "bob@corp", "groups": ["nobody"]}]
    result = api.module(USER_TABLE, check=True, config=config)
    assert result["changed"]
    assert len(result["warnings"]) == 2


def test_a_user_of_pam_that_the_node_does_not_have(api: StandIn) -> None:
    result = api.module(USER_TABLE, config=[{"userid": "nobody-here@pam", "password": "canary-word"}])
    assert result["failed"]
    assert "canary" not in str(result)


def test_a_hundred_users_are_a_hundred_calls(api: StandIn) -> None:
    config = [{"userid": f"u{number}@pve"} for number in range(100)]
    assert api.module(USER_TABLE, config=config)["changed"]
    assert len(api.writes) == 100
    config = [{**item, "comment": "x"} for item in config]
    assert api.module(USER_TABLE, config=config)["changed"]
    assert len(api.writes) == 100


# -- roles


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ({"roleid": "PVEMine", "privs": ["VM.Audit"]}, "names that begin with PVE are Proxmox's own"),
        ({"roleid": "pvemine"}, "names that begin with PVE are Proxmox's own"),
        ({"roleid": "Mine", "privs": ["VM.Audit", "VM.Fly"]}, "this version of Proxmox VE has no privilege VM.Fly"),
        ({"roleid": "PVEAdmin", "privs": ["VM.Audit"]}, "is built in and cannot be changed"),
        ({"roleid": "Mine", "privs": ["everything"]}, "not a privilege such as VM.Audit"),
    ],
)
def test_refused_roles(api: StandIn, item: dict[str, Any], sentence: str) -> None:
    assert sentence in failed(api, ROLE_TABLE, **item)


def test_privileges_differ_between_releases(api: StandIn) -> None:
    result = api.module(ROLE_TABLE, config=[{"roleid": "Mine", "privs": ["VM.Monitor"]}])
    assert result["failed"] is (api.release == "9.2")


def test_built_in_roles_are_listed_where_they_are_named(api: StandIn) -> None:
    found = api.module(ROLE_TABLE, state="gathered")["gathered"]
    assert [item["roleid"] for item in found] == ["Deployer", "Operator"]
    (one,) = api.module(ROLE_TABLE, state="gathered", config=[{"roleid": "PVEPoolUser"}])["gathered"]
    assert one == {"roleid": "PVEPoolUser", "privs": ["Pool.Audit"]}
    assert not api.module(ROLE_TABLE, config=[one])["changed"]


# -- the access control list


@pytest.mark.parametrize(
    ("ugid", "what"),
    [("alice@pve", "user"), ("ops", "group"), ("alice@pve!old", "token"), ("a!b@pve", "user"), ("a!b@pve!c1", "token")],
)
def test_whom_an_entry_is_for(ugid: str, what: str) -> None:
    assert kind(ugid) == what
    if what == "token":
        assert "!".join(split_token(ugid)) == ugid


def test_the_calls_for_entries(api: StandIn) -> None:
    config = [
        {"path": "pool//b/", "ugid": "alice@pve!old", "roleid": "Operator", "propagate": False},
        {"path": "/vms", "ugid": "ops", "roleid": "Operator", "propagate": False},
    ]
    assert api.module(ACL_TABLE, config=config)["changed"]
    assert api.writes == [
        ("PUT", "/access/acl", {"path": "/pool/b", "roles": "Operator", "tokens": "alice@pve!old", "propagate": "0"}),
        ("PUT", "/access/acl", {"path": "/vms", "roles": "Operator", "groups": "ops", "propagate": "0"}),
    ]
    api.module(ACL_TABLE, config=[{"path": "/pool/a", "ugid": "alice@pve", "roleid": "Operator"}], state="deleted")
    form = {"path": "/pool/a", "roles": "Operator", "users": "alice@pve", "delete": "1"}
    assert api.writes == [("PUT", "/access/acl", form)]


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ({"path": "/", "ugid": "root@pam", "roleid": "Operator"}, "root@pam may do everything anyway"),
        ({"path": "/", "ugid": "ops", "roleid": "Nothing"}, "there is no role Nothing"),
        ({"path": "/", "ugid": "nobody", "roleid": "Operator"}, "there is no group nobody"),
        ({"path": "/", "ugid": "n@pve", "roleid": "Operator"}, "there is no user n@pve"),
        ({"path": "/", "ugid": "alice@pve!no", "roleid": "Operator"}, "there is no token alice@pve!no"),
        ({"path": "/bogus", "ugid": "ops", "roleid": "Operator"}, "path is '/bogus', not / or a path below /access"),
    ],
)
def test_refused_entries(api: StandIn, item: dict[str, Any], sentence: str) -> None:
    assert sentence in failed(api, ACL_TABLE, **item)


def test_a_path_that_only_proxmox_knows_to_be_wrong(api: StandIn) -> None:
    result = api.module(ACL_TABLE, config=[{"path": "/storage/a/b", "ugid": "ops", "roleid": "Operator"}])
    assert "This version of Proxmox VE has no such path" in result["msg"]


def test_one_entry_twice(api: StandIn) -> None:
    item = {"path": "/vms", "ugid": "ops", "roleid": "Operator"}
    result = api.module(ACL_TABLE, config=[item, {**item, "path": "vms/"}])
    assert "config[0] names it as well" in result["msg"]


def test_before_proxmox_is_installed(monkeypatch: Any) -> None:
    for table, item in (
        (USER_TABLE, {"userid": "alice@pve", "groups": ["ops"]}),
        (ACL_TABLE, {"path": "/", "ugid": "ops", "roleid": "Operator"}),
        (ROLE_TABLE, {"roleid": "Operator", "privs": ["VM.Audit"]}),
    ):
        arguments = {"config": [item], "_ansible_check_mode": True}

        def start(connect: Any, table: Resource = table) -> None:
            ResourceModule(table, connect).run()

        result = run_module(monkeypatch, start, arguments, installed=False)
        assert [change["action"] for change in result["changes"]] == ["create"]
