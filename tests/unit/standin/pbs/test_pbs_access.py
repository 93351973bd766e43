"""Users, tokens, ACLs, tickets: who gets in and who may do what."""

from __future__ import annotations

from typing import Any

import pytest
from pbsstandin import acl, auth, users
from pvestandin.errors import ApiError

PASSWORD = "correct horse"


@pytest.fixture
def backup(pbs: Any) -> Any:
    """A server with the user backup@pbs and a datastore."""
    pbs.call("POST", "/access/users", userid="backup@pbs", password=PASSWORD, comment="for the cluster")
    pbs.datastore()
    return pbs


def test_users_and_their_file(backup: Any) -> None:
    assert backup.read("user.cfg") == (
        "user: root@pam\n\tcomment Superuser\n\nuser: backup@pbs\n\tcomment for the cluster\n"
    )
    assert '"backup": "$' in backup.read("shadow.json")
    assert PASSWORD not in backup.read("shadow.json")
    backup.call("PUT", "/access/users/backup@pbs", enable="0", email="ops@example.org", delete=["comment"])
    assert backup.call("GET", "/access/users/backup@pbs") == {
        "userid": "backup@pbs",
        "enable": False,
        "email": "ops@example.org",
    }
    assert backup.refusal("POST", "/access/users", userid="backup@pbs") == (400, "user 'backup@pbs' already exists.")
    assert backup.refusal("POST", "/access/users", userid="x@nosuch") == (400, "unknown realm 'nosuch'")
    assert backup.refusal("DELETE", "/access/users/nobody@pbs") == (400, "user 'nobody@pbs' does not exist.")


def test_a_login(backup: Any) -> None:
    auth.create_keys()
    answer = backup.call("POST", "/access/ticket", user="", username="backup@pbs", password=PASSWORD)
    assert auth.verify_ticket(answer["ticket"]) == "backup@pbs"
    auth.verify_csrf_token("backup@pbs", answer["CSRFPreventionToken"])
    wrong = (401, "permission check failed.")
    assert backup.refusal("POST", "/access/ticket", username="backup@pbs", password="wrong password") == wrong
    backup.call("PUT", "/access/users/backup@pbs", enable="0")
    assert backup.refusal("POST", "/access/ticket", username="backup@pbs", password=PASSWORD) == wrong
    with pytest.raises(ApiError, match="signature verification failed"):
        auth.verify_ticket(answer["ticket"].replace("backup@pbs", "root@pam"))


def test_a_token_and_its_secret(backup: Any) -> None:
    path = "/access/users/backup@pbs/token/pve"
    made = backup.call("POST", path, comment="cluster")
    assert made["tokenid"] == "backup@pbs!pve"
    assert made["value"] not in backup.read("token.shadow") + backup.read("user.cfg")
    header = f"PBSAPIToken=backup@pbs!pve:{made['value']}"
    assert auth.identify("POST", "", header, None) == "backup@pbs!pve"
    assert backup.call("GET", "/access/users/backup@pbs/token") == [
        {"tokenid": "backup@pbs!pve", "token-name": "pve", "comment": "cluster"}
    ]
    fresh = backup.call("PUT", path, regenerate="1")
    with pytest.raises(ApiError, match="authentication failed - invalid credentials"):
        auth.identify("GET", "", header, None)
    assert auth.identify("GET", "", f"PBSAPIToken=backup@pbs!pve:{fresh['secret']}", None) == "backup@pbs!pve"
    backup.call("PUT", path, enable="0")
    with pytest.raises(ApiError, match="disabled or expired"):
        auth.identify("GET", "", f"PBSAPIToken=backup@pbs!pve:{fresh['secret']}", None)
    backup.call("DELETE", path)
    assert backup.refusal("DELETE", path) == (400, "token 'pve' of user 'backup@pbs' does not exist.")
    assert backup.read("token.shadow") == "{}"


@pytest.mark.parametrize(
    ("release", "left"), [("4.1.1", ""), ("3.4.8", "acl:1:/datastore/store1:backup@pbs!pve:Audit\n")]
)
def test_what_goes_with_a_user(backup: Any, release: str, left: str) -> None:
    backup.set_release(release)
    backup.call("POST", "/access/users/backup@pbs/token/pve")
    entry = {"path": "/datastore/store1", "role": "Audit", "auth_id": "backup@pbs!pve"}
    backup.call("PUT", "/access/acl", **entry)
    backup.call("DELETE", "/access/users/backup@pbs")
    assert backup.read("acl.cfg") == left
    assert ("backup@pbs!pve" in users.read().items) == bool(left)


def test_entries_and_their_file(backup: Any) -> None:
    for who in ("backup@pbs", "root@pam"):
        backup.call("PUT", "/access/acl", path="/datastore/store1", role="DatastoreBackup", auth_id=who)
    backup.call("PUT", "/access/acl", path="/datastore/store1", role="DatastoreAudit", auth_id="backup@pbs")
    backup.call("PUT", "/access/acl", path="/", role="Audit", auth_id="backup@pbs", propagate="0")
    assert backup.read("acl.cfg") == (
        "acl:0:/:backup@pbs:Audit\nacl:1:/datastore/store1:backup@pbs:DatastoreAudit,DatastoreBackup\n"
    )
    (entry,) = backup.call("GET", "/access/acl", path="/", exact="1")
    assert entry == {"path": "/", "ugid": "backup@pbs", "ugid_type": "user", "roleid": "Audit", "propagate": False}
    assert len(backup.call("GET", "/access/acl")) == 3
    backup.call("PUT", "/access/acl", path="/datastore/store1", role="DatastoreAudit", auth_id="backup@pbs", delete="1")
    assert len(backup.call("GET", "/access/acl")) == 2


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"path": "/nowhere", "role": "Audit", "auth_id": "backup@pbs"}, "invalid acl path '/nowhere'."),
        ({"path": "/", "role": "Audit", "auth_id": "nobody@pbs"}, "no such user."),
        ({"path": "/", "role": "Audit", "auth_id": "backup@pbs!x"}, "no such API token."),
        ({"path": "/", "role": "Audit", "group": "ops"}, "parameter 'group' - groups are currently not supported."),
        ({"path": "/", "role": "Audit"}, "missing 'userid' or 'group' parameter."),
    ],
)
def test_entries_that_are_refused(backup: Any, params: dict[str, str], message: str) -> None:
    given = {name: value for name, value in params.items() if name != "path"}
    answer = backup.answer("PUT", "/access/acl", **{**given, "path": params["path"]})
    assert (answer.status, answer.message) == (400, message)


def test_the_deepest_entry_counts_and_a_token_has_no_more_than_its_user(backup: Any) -> None:
    backup.write(
        "acl.cfg",
        "acl:1:/datastore:backup@pbs:DatastoreAdmin\n"
        "acl:1:/datastore/store1/site:backup@pbs:DatastoreBackup\n"
        "acl:1:/datastore/store1/none:backup@pbs:NoAccess\n"
        "acl:1:/:backup@pbs!pve:Admin\n",
    )
    known = acl.Permissions()
    assert known.has("backup@pbs", ["datastore", "store1"], "Datastore.Modify")
    assert known.lookup("backup@pbs", ["datastore", "store1", "site", "rack"])[0] == {"Datastore.Backup"}
    assert known.lookup("backup@pbs", ["datastore", "store1", "none"])[0] == frozenset()
    assert known.lookup("backup@pbs!pve", ["datastore", "store1", "site"])[0] == {"Datastore.Backup"}
    assert known.lookup("backup@pbs!pve", ["system"])[0] == frozenset()


def test_only_what_one_may(backup: Any) -> None:
    """The least that a cluster needs: DatastoreBackup on a namespace of its own."""
    backup.call("POST", "/admin/datastore/store1/namespace", name="site")
    backup.call("PUT", "/access/acl", path="/datastore/store1/site", role="DatastoreBackup", auth_id="backup@pbs")
    who = {"user": "backup@pbs"}
    assert [entry["store"] for entry in backup.call("GET", "/admin/datastore", **who)] == ["store1"]
    assert backup.call("GET", "/admin/datastore/store1/groups", ns="site", **who) == []
    nothing = {"total": 0, "used": 0, "avail": 0, "backend-type": "filesystem"}
    assert backup.call("GET", "/admin/datastore/store1/status", **who) == nothing
    assert backup.refusal("GET", "/admin/datastore/other/status", **who) == (403, "permission check failed")
    missing = "permission check failed - missing Datastore.Audit|Datastore.Backup on /datastore/store1"
    assert backup.refusal("GET", "/admin/datastore/store1/groups", **who) == (403, missing)
    assert backup.refusal("POST", "/config/datastore", **who) == (403, "permission check failed")
    job = {"id": "nightly", "store": "store1", "schedule": "daily", "keep_last": "1"}
    status, message = backup.refusal("POST", "/config/prune", **job, **who)
    assert (status, message) == (400, "missing permissions 'Datastore.Modify' on '/datastore/store1'")
    assert backup.call("GET", "/config/datastore", **who) == []


def test_what_somebody_may(backup: Any) -> None:
    backup.call("PUT", "/access/acl", path="/datastore/store1", role="DatastorePowerUser", auth_id="backup@pbs")
    found = backup.call("GET", "/access/permissions", auth_id="backup@pbs")
    assert found == {"/datastore/store1": {"Datastore.Backup": True, "Datastore.Prune": True}}
    denied = (400, "not allowed to list permissions of root@pam")
    assert backup.refusal("GET", "/access/permissions", user="backup@pbs", auth_id="root@pam") == denied
