"""What the handlers of Proxmox VE do and nobody would guess, seen by running them beside the stand-in."""

from __future__ import annotations

from typing import Any

import pytest
from pvestandin import dispatch, registry
from pvestandin.dispatch import Answer, Call


@pytest.fixture(autouse=True)
def world(node: Any) -> Any:
    registry.load()
    node.write("user.cfg", "user:root@pam:1:0::::::\nuser:x!y@pve:1:0::::::\ntoken:x!y@pve!tt:0:1::\n")
    node.write(".vmlist", '{"version": 1, "ids": {"102": {"node": "pve1", "type": "lxc", "version": 1}}}')
    return node


def call(method: str, where: str, /, **params: Any) -> Answer:
    return dispatch.answer(
        Call(method, where, {name.replace("_", "-"): value for name, value in params.items()}, "root@pam")
    )


def good(method: str, where: str, /, **params: Any) -> Any:
    answer = call(method, where, **params)
    assert answer.status == 200, answer
    return answer.data


def test_the_token_of_a_user_with_a_mark_in_the_name(world: Any) -> None:
    good("PUT", "/access/acl", path="/", roles="PVEAuditor", tokens="x!y@pve!tt")
    assert "token:x!y@pve!tt:0:1::\n" in (world.pve / "user.cfg").read_text()
    assert [row["ugid"] for row in good("GET", "/access/acl")] == ["x!y@pve!tt"]


def test_a_zero_is_no_text(world: Any) -> None:
    good("POST", "/access/users", userid="b@pve", lastname="0", comment="0")
    assert "user:b@pve:1:0::::::\n" in (world.pve / "user.cfg").read_text()


@pytest.mark.parametrize(("release", "status"), [("8.4", 400), ("9.2", 200)])
def test_paths_that_8_4_does_not_have(world: Any, release: str, status: int) -> None:
    world.set_release(release)
    assert call("PUT", "/access/acl", path="/sdn/fabrics", roles="PVEAuditor", users="x!y@pve").status == status


def test_8_4_takes_a_container_for_a_machine(world: Any) -> None:
    answer = call("POST", "/cluster/ha/resources", sid="vm:102")
    assert answer.message == "resource 'vm:102' - guest with ID 102 is not a VM"
    world.set_release("8.4")
    good("POST", "/cluster/ha/resources", sid="vm:102")


def test_a_retention_of_zeros_keeps_all(world: Any) -> None:
    good("POST", "/cluster/backup", id="nightly", schedule="daily", all="1", prune_backups="keep-daily=0")
    assert "prune-backups keep-daily=0\n" in (world.pve / "jobs.cfg").read_text()
    assert good("GET", "/cluster/backup/nightly")["prune-backups"] == {"keep-all": 1}
    good("PUT", "/cluster/backup/nightly", comment="x")
    assert "prune-backups keep-all=1\n" in (world.pve / "jobs.cfg").read_text()


def test_what_is_set_to_nothing_does_not_take_the_next_line(world: Any) -> None:
    world.write("datacenter.cfg", "email_from: \nkeyboard: de\n")
    answer = good("GET", "/cluster/options")
    assert (answer["email_from"], answer["keyboard"]) == ("", "de")


def test_the_comment_of_a_rule_is_decoded_twice(world: Any) -> None:
    good("POST", "/cluster/ha/resources", sid="ct:102")
    rule = {"rule": "near", "type": "node-affinity", "resources": "ct:102", "nodes": "pve1"}
    wide = call("POST", "/cluster/ha/rules", **rule, comment="Łódź")
    assert (wide.status, str(wide.message)[:14]) == (500, "Wide character")
    good("POST", "/cluster/ha/rules", **rule, comment="Büro")
    assert good("GET", "/cluster/ha/rules/near")["comment"] == "B\ufffdro"
    good("PUT", "/cluster/ha/rules/near", type="node-affinity", comment="B%C3%BCro")
    assert good("GET", "/cluster/ha/rules/near")["comment"] == "Büro"
