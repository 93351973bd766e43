"""/nodes/{node}/subscription: the key, and what a shop would say."""

from __future__ import annotations

from typing import Any

import pytest
from pvestandin import dispatch, nodestat, registry
from pvestandin.dispatch import Answer, Call

KEY = "pve2c-0123456789"


@pytest.fixture(autouse=True)
def world(node: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    registry.load()
    monkeypatch.setattr(nodestat, "cpuinfo", lambda: {"sockets": 2})
    (node.root / "etc/apt").mkdir()
    node.write("user.cfg", "user:root@pam:1:0::::::\nuser:a@pve:1:0::::::\n")
    return node


def call(method: str, user: str = "root@pam", **params: Any) -> Answer:
    return dispatch.answer(Call(method, "/nodes/pve1/subscription", params, user))


def test_no_key() -> None:
    assert call("GET").data["status"] == "notfound"
    assert "serverid" in call("GET").data
    assert "serverid" not in call("GET", "a@pve").data
    assert call("POST").status == 200
    assert call("DELETE").status == 200


def test_a_key(world: Any) -> None:
    assert call("PUT", key=f" {KEY} ").status == 200
    found = call("GET").data
    assert (found["key"], found["status"], found["level"], found["sockets"]) == (KEY, "active", "c", 2)
    assert "key" not in call("GET", "a@pve").data
    assert (world.root / "etc/subscription").read_text().startswith(f"{KEY}\n")
    auth = world.root / "etc/apt/auth.conf.d/pve.conf"
    assert KEY in auth.read_text()
    assert auth.stat().st_mode & 0o077 == 0
    assert call("DELETE").status == 200
    assert call("GET").data["status"] == "notfound"


@pytest.mark.parametrize(("serial", "status"), [("0000abcdef", "invalid"), ("ffffabcdef", "expired")])
def test_a_key_that_the_shop_does_not_like(serial: str, status: str) -> None:
    assert call("PUT", key=f"pve2c-{serial}").status == 200
    assert call("GET").data["status"] == status
    assert call("POST").status == 200
    assert call("GET").data["status"] == status


def test_refused_keys() -> None:
    assert call("PUT", key="pve3c-0123456789").status == 400
    assert call("PUT", key="pbst-0123456789").status == 400
    assert call("PUT", key="pve1c-0123456789").message == "wrong number of sockets (1 < 2)"
    assert call("PUT", "a@pve", key=KEY).status == 403
    assert call("GET").data["status"] == "notfound"
