"""Access as Proxmox's handlers leave it: what differs between releases, and what stays in the files."""

from __future__ import annotations

from typing import Any

import pytest
from pvestandin import dispatch, registry
from pvestandin.dispatch import Answer, Call

LDAP = "ldap: corp\n\tbase_dn dc=x\n\tserver1 l.example.org\n\tuser_attr uid\n\n"


@pytest.fixture(autouse=True)
def world(node: Any) -> Any:
    registry.load()
    node.write("user.cfg", "user:root@pam:1:0::::::\nuser:a@pve:1:0::::CI::\ntoken:a@pve!t1:0:1:text:\n")
    node.write("priv/token.cfg", "a@pve!t1 0-0\n")
    node.write("domains.cfg", LDAP)
    return node


def call(method: str, where: str, /, **params: Any) -> Answer:
    return dispatch.answer(
        Call(method, where, {name.replace("_", "-"): value for name, value in params.items()}, "root@pam")
    )


def good(method: str, where: str, /, **params: Any) -> Any:
    answer = call(method, where, **params)
    assert answer.status == 200, answer
    return answer.data


@pytest.mark.parametrize(("release", "left"), [("8.4", True), ("9.0", True), ("9.1", False), ("9.2", False)])
def test_the_comment_of_a_token(world: Any, release: str, left: bool) -> None:
    world.set_release(release)
    good("PUT", "/access/users/a@pve/token/t1", comment="")
    assert ("comment" in good("GET", "/access/users/a@pve/token/t1")) is left


@pytest.mark.parametrize(("release", "status"), [("8.4", 400), ("9.1", 400), ("9.2", 200)])
def test_a_new_secret(world: Any, release: str, status: int) -> None:
    world.set_release(release)
    answer = call("PUT", "/access/users/a@pve/token/t1", regenerate="1")
    assert answer.status == status
    assert ("0-0" in (world.pve / "priv/token.cfg").read_text()) is (status == 400)


def test_what_a_removed_token_was_granted_is_void(world: Any) -> None:
    good("PUT", "/access/acl", **{"path": "/vms", "tokens": "a@pve!t1", "roles": "PVEAuditor"})
    good("DELETE", "/access/users/a@pve/token/t1")
    assert "acl:1:/vms:a@pve!t1:PVEAuditor:" in (world.pve / "user.cfg").read_text()
    assert good("GET", "/access/acl") == []


def test_an_address_that_is_empty() -> None:
    (user,) = [row for row in good("GET", "/access/users") if row["userid"] == "a@pve"]
    assert (user["email"], user["comment"]) == ("", "CI")
    (root,) = [row for row in good("GET", "/access/users") if row["userid"] == "root@pam"]
    assert "email" not in root


def test_what_was_granted_on_pools() -> None:
    for pool in ("p", "p/q"):
        good("POST", "/pools", poolid=pool)
        good("PUT", "/access/acl", **{"path": f"/pool/{pool}", "users": "a@pve", "roles": "PVEAuditor"})
    good("DELETE", "/pools", poolid="p/q")
    assert [row["path"] for row in good("GET", "/access/acl")] == ["/pool/p", "/pool/p/q"]
    good("DELETE", "/pools", poolid="p")
    assert good("GET", "/access/acl") == []


def test_the_password_of_a_realm_that_was_there_before(world: Any) -> None:
    world.write("priv/realm/other.pw", "old")
    params = {"realm": "other", "type": "ldap", "server1": "l", "base_dn": "dc=x", "user_attr": "uid"}
    assert dispatch.answer(Call("POST", "/access/domains", params, "root@pam")).status == 200
    assert not (world.pve / "priv/realm/other.pw").exists()


def test_jobs_beside_others(world: Any) -> None:
    other = "vzdump: nightly\n\tschedule 02:30\n\tall 1"
    world.write("jobs.cfg", f"{other}\n\n")
    path = "/cluster/jobs/realm-sync"
    good("POST", f"{path}/corp", realm="corp", schedule="hourly", scope="both", remove_vanished="acl;entry")
    own = "realm-sync: corp\n\trealm corp\n\tschedule hourly\n\tscope both\n\tremove-vanished acl;entry"
    assert (world.pve / "jobs.cfg").read_text() == f"{other}\n\n{own}\n\n"
    (row,) = good("GET", path)
    assert row.pop("next-run") > 0
    assert row == {**good("GET", f"{path}/corp"), "id": "corp", "last-run": None}
    good("PUT", f"{path}/corp", schedule="hourly", enabled="0", delete="remove-vanished")
    assert "enabled 0\n" in (world.pve / "jobs.cfg").read_text()
    good("DELETE", f"{path}/corp")
    assert (world.pve / "jobs.cfg").read_text() == f"{other}\n\n"


@pytest.mark.parametrize(
    ("method", "name", "params", "status", "message"),
    [
        (
            "POST",
            "nightly",
            {"realm": "corp", "schedule": "hourly", "scope": "both"},
            500,
            "Job 'nightly' already exists",
        ),
        # inside its lock Proxmox makes text of an error, and 500 of its status
        (
            "POST",
            "x1",
            {"realm": "no", "schedule": "hourly", "scope": "both"},
            500,
            "400 Parameter verification failed.\nrealm: No such realm 'no'",
        ),
        (
            "POST",
            "x1",
            {"realm": "pve", "schedule": "hourly", "scope": "both"},
            500,
            "400 Parameter verification failed.\nrealm: Only LDAP/AD realms can be synced.",
        ),
        ("PUT", "nightly", {"schedule": "hourly"}, 500, "no such realm-sync job"),
        ("PUT", "x1", {"delete": "comment"}, 400, "property is missing and it is not optional"),
        ("DELETE", "nightly", {}, 500, "400 Parameter verification failed.\nid: No such job 'nightly'"),
    ],
)
def test_refused_jobs(world: Any, method: str, name: str, params: dict[str, Any], status: int, message: str) -> None:
    world.write("jobs.cfg", "vzdump: nightly\n\tschedule 02:30\n\tall 1\n\n")
    answer = call(method, f"/cluster/jobs/realm-sync/{name}", **params)
    assert answer.status == status
    assert message in (answer.message, *(answer.errors or {}).values())


@pytest.mark.parametrize(
    ("realm", "params", "message"),
    [
        ("no", {"scope": "both"}, "Realm does not exist."),
        ("pve", {"scope": "both"}, "Cannot sync realm type 'pve'! Only LDAP/AD realms can be synced."),
        ("corp", {}, "Not passed as parameter and not defined in realm default sync options."),
    ],
)
def test_refused_synchronisation(realm: str, params: dict[str, Any], message: str) -> None:
    answer = call("POST", f"/access/domains/{realm}/sync", **params)
    assert message in (answer.message, *(answer.errors or {}).values())
