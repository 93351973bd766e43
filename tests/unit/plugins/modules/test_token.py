# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens against the stand-in: where their secrets go, and what happens when one is lost."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_tokens import TOKEN_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ConnectionLost
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_api import StandIn

TOKEN = "alice@pve!deploy"
PATH = "/access/users/alice@pve/token/deploy"
WORLD = """user:root@pam:1:0::::::
user:alice@pve:1:0::::::
token:alice@pve!deploy:2000000000:1:CI:


acl:0:/vms:alice@pve!deploy:PVEAuditor:
"""


@pytest.fixture(params=["8.4", "9.2"])
def api(request: Any, tmp_path: Path, monkeypatch: Any) -> StandIn:
    made = StandIn(tmp_path / "node", monkeypatch, request.param)
    made.write("user.cfg", "user:root@pam:1:0::::::\nuser:alice@pve:1:0::::::\n")
    return made


@pytest.fixture
def made(api: StandIn) -> StandIn:
    api.write("user.cfg", WORLD)
    api.write("priv/token.cfg", f"{TOKEN} 0-0\n")
    return api


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deploy.token"


def secret(api: StandIn, token: str = TOKEN) -> str:
    (found,) = re.findall(rf"^{token} (\S+)$", api.read("priv/token.cfg"), re.MULTILINE)
    return found


def grants(api: StandIn) -> list[dict[str, Any]]:
    return api.call("GET", "/access/acl")


def test_the_secret_is_returned_once(api: StandIn) -> None:
    config = [{"tokenid": TOKEN, "privsep": False}]
    assert "secrets" not in api.module(TOKEN_TABLE, check=True, config=config)
    result = api.module(TOKEN_TABLE, config=config)
    assert api.writes == [("POST", PATH, {"privsep": "0"})]
    assert result["secrets"] == {TOKEN: secret(api)}
    assert secret(api) not in str({**result, "secrets": None})
    assert "secrets" not in api.module(TOKEN_TABLE, config=config)


def test_the_secret_is_written_to_a_file(api: StandIn, file: Path) -> None:
    os.umask(0o022)
    config = [{"tokenid": TOKEN, "secret_file": str(file)}]
    result = api.module(TOKEN_TABLE, config=config)
    assert file.read_text() == f"{secret(api)}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret(api) not in str(result)
    assert api.writes == [("POST", PATH, {})]
    assert [one.name for one in file.parent.iterdir() if one.is_file()] == [file.name]
    assert not api.module(TOKEN_TABLE, config=config)["changed"]
    (found,) = api.module(TOKEN_TABLE, state="gathered")["gathered"]
    assert found == {"tokenid": TOKEN, "privsep": True, **({"expire": 0})}


def test_an_old_file_is_replaced(api: StandIn, file: Path) -> None:
    file.write_text("of another token\n")
    api.module(TOKEN_TABLE, config=[{"tokenid": TOKEN, "secret_file": str(file)}])
    assert file.read_text() == f"{secret(api)}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_directory_is_looked_for_first(api: StandIn, file: Path) -> None:
    config = [{"tokenid": TOKEN, "secret_file": str(file / "x")}]
    result = api.module(TOKEN_TABLE, config=config)
    assert f"there is no directory {file}" in result["msg"]
    assert api.writes == []
    assert api.module(TOKEN_TABLE, check=True, config=config)["changed"]


@pytest.mark.parametrize("word", [None, "never"])
@pytest.mark.parametrize("text", [None, ""])
def test_a_lost_secret_needs_a_word(made: StandIn, file: Path, word: str | None, text: str | None) -> None:
    if text is not None:
        file.write_text(text)
    item = {"tokenid": TOKEN, "secret_file": str(file), **({"regenerate": word} if word else {})}
    result = made.module(TOKEN_TABLE, config=[item])
    assert "Proxmox does not tell it again. regenerate: lost makes a new secret" in result["msg"]
    assert made.writes == []


def test_a_lost_secret_is_made_anew(made: StandIn, file: Path) -> None:
    config = [{"tokenid": TOKEN, "secret_file": str(file), "regenerate": "lost"}]
    before = grants(made)
    assert made.module(TOKEN_TABLE, check=True, config=config)["changed"]
    assert made.writes == []
    result = made.module(TOKEN_TABLE, config=config)
    assert result["changes"] == [{"action": "update", "item": TOKEN, "set": ["regenerate"]}]
    assert result["warnings"] == []
    assert secret(made) != "0-0"
    assert file.read_text() == f"{secret(made)}\n"
    assert grants(made) == before
    (one,) = result["after"]
    assert one == {"tokenid": TOKEN, "comment": "CI", "expire": 2000000000, "privsep": True}
    if made.release == "9.2":
        assert made.writes == [("PUT", PATH, {"regenerate": "1"})]
    else:
        grant = {"path": "/vms", "tokens": TOKEN, "roles": "PVEAuditor", "propagate": "0"}
        settings = {"comment": "CI", "expire": "2000000000", "privsep": "1"}
        assert made.writes == [("DELETE", PATH, {}), ("POST", PATH, settings), ("PUT", "/access/acl", grant)]
    assert not made.module(TOKEN_TABLE, config=config)["changed"]


def test_a_new_secret_every_time(made: StandIn) -> None:
    config = [{"tokenid": TOKEN, "regenerate": "always", "comment": "CD"}]
    first = made.module(TOKEN_TABLE, config=config)
    assert first["secrets"] == {TOKEN: secret(made)}
    assert first["warnings"] == []
    assert made.call("GET", PATH)["comment"] == "CD"
    second = made.module(TOKEN_TABLE, config=config)
    assert second["changed"]
    assert second["secrets"] != first["secrets"]


def test_the_token_in_use_keeps_its_secret(made: StandIn) -> None:
    made.write("user.cfg", WORLD + f"acl:1:/:alice@pve,{TOKEN}:Administrator:\n")
    made.user = TOKEN
    result = made.module(TOKEN_TABLE, config=[{"tokenid": TOKEN, "regenerate": "always"}])
    assert "this connection uses it, and could not go on" in result["msg"]
    assert made.writes == []


def test_a_comment_is_taken_away(made: StandIn) -> None:
    result = made.module(TOKEN_TABLE, config=[{"tokenid": TOKEN, "comment": None}])
    if made.release == "8.4":
        assert "before Proxmox VE 9.1 it can be changed, not taken away" in result["msg"]
        assert made.writes == []
    else:
        assert made.writes == [("PUT", PATH, {"comment": ""})]
        assert made.module(TOKEN_TABLE, config=[{"tokenid": TOKEN, "comment": None}])["changed"] is False


def test_no_such_user(api: StandIn) -> None:
    result = api.module(TOKEN_TABLE, config=[{"tokenid": "bob@pve!x1"}])
    assert "there is no user bob@pve" in result["msg"]
    assert api.writes == []


def test_what_was_made_before_an_error_is_told(api: StandIn, monkeypatch: Any) -> None:
    send = api.send

    def refuse(method: str, path: str, params: Any, timeout: float) -> Any:
        if method == "POST" and path.endswith("second"):
            raise ConnectionLost(method, path, "reset")
        return send(method, path, params, timeout)

    monkeypatch.setattr(api, "send", refuse)
    config = [{"tokenid": TOKEN}, {"tokenid": "alice@pve!second"}]
    result = api.module(TOKEN_TABLE, config=config)
    assert result["failed"]
    assert result["changed"]
    assert result["secrets"] == {TOKEN: secret(api)}


@pytest.mark.parametrize("in_file", [True, False])
def test_a_lost_answer_is_a_lost_secret(api: StandIn, monkeypatch: Any, file: Path, in_file: bool) -> None:
    send, lost = api.send, []

    def lose(method: str, path: str, params: Any, timeout: float) -> Any:
        answer = send(method, path, params, timeout)
        if method == "POST" and not lost:
            lost.append(answer["value"])
            raise ConnectionLost(method, path, "reset", maybe_done=True)
        return answer

    monkeypatch.setattr(api, "send", lose)
    item = {"tokenid": TOKEN, **({"secret_file": str(file)} if in_file else {})}
    result = api.module(TOKEN_TABLE, config=[item])
    assert not result["failed"], result["msg"]
    assert secret(api) != lost[0]
    assert (file.read_text().strip() if in_file else result["secrets"][TOKEN]) == secret(api)
    assert [method for method, *_rest in api.writes] == ["POST", "DELETE", "POST"]


def test_a_file_that_cannot_be_written(api: StandIn, monkeypatch: Any, file: Path) -> None:
    def full(_old: str, _new: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    result = api.module(TOKEN_TABLE, config=[{"tokenid": TOKEN, "secret_file": str(file)}])
    assert "No space left on device; the secret is lost. Repair the cause and run again" in result["msg"]
    assert secret(api) not in str(result)
    assert list(file.parent.glob("*token*")) == []
