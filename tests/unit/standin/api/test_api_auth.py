"""Tickets, tokens, permissions."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pvestandin import auth, passwords, usercfg
from pvestandin.errors import ApiError, Failure
from pvestandin.permissions import Permissions

USERS = """user:ann@pve:1:0::::::
token:ann@pve!full:0:0::
token:ann@pve!own:0:1::
user:bob@pve:1:0::::::
user:off@pve:0:0::::::
user:old@pve:1:1::::::
user:root@pam:1:0::::::
token:root@pam!robot:0:0::

group:ops:bob@pve::

pool:prod::100:nas:

role:Watch:Sys.Audit,VM.Audit:

acl:1:/:ann@pve:PVEAdmin:
acl:0:/nodes:bob@pve:PVEAuditor:
acl:1:/pool/prod:bob@pve:PVEDatastoreUser:
acl:1:/storage:ann@pve!own:PVEDatastoreUser:
acl:1:/vms:@ops:Watch:
acl:1:/vms/200:bob@pve:NoAccess:
"""


@pytest.fixture()
def users(node: Any) -> Any:
    node.write("user.cfg", USERS)
    node.write("priv/token.cfg", "ann@pve!full s-full\nann@pve!own s-own\nroot@pam!robot s-robot\n")
    node.write("pve-www.key", "some key\n")
    auth.create_key()
    return node


class TestTickets:
    def test_of_a_user(self, users: Any) -> None:
        ticket = auth.create_ticket("ann@pve")
        assert ticket.startswith("PVE:ann@pve:")
        assert auth.verify_ticket(ticket) == "ann@pve"

    def test_no_longer_than_two_hours(self, users: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        ticket = auth.create_ticket("ann@pve")
        now = time.time()
        monkeypatch.setattr(auth.time, "time", lambda: now + auth.LIFETIME - 2)
        assert auth.verify_ticket(ticket) == "ann@pve"
        monkeypatch.setattr(auth.time, "time", lambda: now + auth.LIFETIME + 2)
        assert auth.verify_ticket(ticket) is None

    @pytest.mark.parametrize(
        "change",
        [
            lambda ticket: ticket.replace("ann@pve", "root@pam"),
            lambda ticket: ticket[:-8] + "AAAAAAA=",
            lambda ticket: "",
            lambda ticket: None,
            lambda ticket: ticket.split("::")[0] + "::%%%",
        ],
    )
    def test_forged(self, users: Any, change: Any) -> None:
        assert auth.verify_ticket(change(auth.create_ticket("ann@pve"))) is None

    def test_void_with_another_key(self, users: Any) -> None:
        ticket = auth.create_ticket("root@pam")
        for name in ("authkey.pub", "priv/authkey.key"):
            (users.pve / name).unlink()
        auth.create_key()
        assert auth.verify_ticket(ticket) is None

    def test_csrf_token_is_of_one_user(self, users: Any) -> None:
        token = auth.create_csrf_token("ann@pve")
        auth.verify_csrf_token("ann@pve", token)
        for user, given in (("bob@pve", token), ("ann@pve", "x"), ("ann@pve", None)):
            with pytest.raises(ApiError) as caught:
                auth.verify_csrf_token(user, given)
            assert caught.value.status == 401


class TestIdentity:
    def test_ticket_and_token(self, users: Any) -> None:
        assert auth.identify(auth.create_ticket("ann@pve"), None) == "ann@pve"
        assert auth.identify(None, "ann@pve!full=s-full") == "ann@pve!full"

    @pytest.mark.parametrize(
        ("api_token", "sentence"),
        [
            (None, "No ticket"),
            ("ann@pve!full=wrong", "Authentication failed!"),
            ("ann@pve!none=s-full", "Authentication failed!"),
            ("nonsense", "Authentication failed!"),
        ],
    )
    def test_refused(self, users: Any, api_token: str | None, sentence: str) -> None:
        with pytest.raises(ApiError) as caught:
            auth.identify(None, api_token)
        assert (caught.value.status, caught.value.message) == (401, sentence)

    @pytest.mark.parametrize("user", ["off@pve", "old@pve", "gone@pve"])
    def test_users_that_may_not(self, users: Any, user: str) -> None:
        with pytest.raises(ApiError, match="Authentication failed!"):
            auth.identify(auth.create_ticket(user), None)


class TestPermissions:
    def allowed(self, user: str, path: str, privilege: str) -> bool:
        return Permissions().allowed(user, path, [privilege])

    def test_root_may_everything(self, users: Any) -> None:
        assert self.allowed("root@pam", "/anything", "Permissions.Modify")

    def test_tokens(self, users: Any) -> None:
        assert self.allowed("ann@pve!full", "/vms/1", "VM.Allocate")
        assert not self.allowed("ann@pve!own", "/vms/1", "VM.Allocate")
        assert self.allowed("ann@pve!own", "/storage/nas", "Datastore.AllocateSpace")
        assert self.allowed("root@pam!robot", "/x", "Sys.Modify")

    def test_propagation(self, users: Any) -> None:
        assert self.allowed("bob@pve", "/nodes", "Sys.Audit")
        assert not self.allowed("bob@pve", "/nodes/pve1", "Sys.Audit")

    def test_groups_and_no_access(self, users: Any) -> None:
        assert self.allowed("bob@pve", "/vms/100", "VM.Audit")
        assert not self.allowed("bob@pve", "/vms/200", "VM.Audit")

    def test_pools(self, users: Any) -> None:
        assert self.allowed("bob@pve", "/storage/nas", "Datastore.AllocateSpace")
        assert not self.allowed("bob@pve", "/storage/other", "Datastore.AllocateSpace")

    @pytest.mark.parametrize(
        ("permission", "user", "sentence"),
        [
            (None, "ann@pve", "Permission check failed (user != root@pam)"),
            (None, "root@pam!robot", "Permission check failed (user != root@pam)"),
            ("all", None, "Permission check failed (user != null)"),
            (["perm", "/nodes/{node}", ["Sys.Modify"]], "bob@pve", "Permission check failed (/nodes/pve1, Sys.Modify)"),
            (
                ["perm", "/x", ["Sys.Audit", "Sys.Modify"], "any", 1],
                "bob@pve",
                "Permission check failed (/x, Sys.Audit|Sys.Modify)",
            ),
            (["or", ["userid-param", "self"], ["userid-group", ["User.Modify"]]], "bob@pve", "Permission check failed"),
        ],
    )
    def test_refused_endpoints(self, users: Any, permission: Any, user: str | None, sentence: str) -> None:
        with pytest.raises(ApiError) as caught:
            Permissions().check_endpoint(permission, user, {"node": "pve1", "userid": "ann@pve"})
        assert (caught.value.status, caught.value.message) == (403, sentence)

    def test_allowed_endpoints(self, users: Any) -> None:
        check = Permissions().check_endpoint
        check("world", None, {})
        check(None, "root@pam", {})
        check("all", "bob@pve", {})
        check(["or", ["userid-param", "self"], ["userid-group", ["User.Modify"]]], "bob@pve", {"userid": "bob@pve"})
        check(["perm-modify", "{path}"], "ann@pve", {"path": "/vms/100"})


def test_user_config_is_written_as_it_was_read(users: Any) -> None:
    assert usercfg.dump(usercfg.parse(USERS)) == USERS


@pytest.mark.parametrize("text", ["plain", "with: colon", "percent %", "ümläut", "tab\tand\nline"])
def test_free_text_survives(users: Any, text: str) -> None:
    config = usercfg.parse(USERS)
    config.users["ann@pve"]["comment"] = text
    assert usercfg.parse(usercfg.dump(config)).users["ann@pve"]["comment"] == text


def test_passwords_of_the_realm_pve(users: Any) -> None:
    passwords.store("pve", "ann", "secret-enough")
    passwords.verify("pve", "ann", "secret-enough")
    with pytest.raises(Failure, match="invalid credentials"):
        passwords.verify("pve", "ann", "wrong")
    with pytest.raises(Failure, match="no password set"):
        passwords.verify("pve", "bob", "secret-enough")
    assert (users.pve / "priv/shadow.cfg").stat().st_mode & 0o077 == 0


def test_passwords_of_the_system(users: Any) -> None:
    (users.root / "etc/shadow").write_text(f"root:{passwords.encrypt('root-secret')}:1::::::\nlocked:!:1::::::\n")
    passwords.verify("pam", "root", "root-secret")
    for name, password in (("root", "wrong"), ("locked", "!"), ("nobody", "x"), ("root", "")):
        with pytest.raises(Failure):
            passwords.verify("pam", name, password)
