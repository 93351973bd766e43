# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every secret option of every module is among those that the tests of secrets look for (tests/canaries.py)."""

from __future__ import annotations

import base64
import importlib
import re
from collections.abc import Mapping
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.baremetal.proxmox.plugins.module_utils import _errors
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import CONNECTION_SPEC
from ansible_collections.baremetal.proxmox.tests import canaries

CONNECTION = {name for name, option in CONNECTION_SPEC.items() if option.get("no_log")}
"""They are the same in all modules: conformance/test_secrets.py logs in with both."""
SOUNDS = re.compile(r"passw|secret|token|key|cred|auth|private|ticket|keyring")
NO_SECRETS = {
    "api_token_id": "the name of a token",
    "cluster peer.authkey_sha256": "a checksum, which both sides compare",
    "datacenter_options config.keyboard": "a layout",
    "datacenter_options config.webauthn": "the names under which browsers know this cluster",
    "notification_target config.author": "a name",
    "pbs_remote config.auth_id": "a user or token by name",
    "pbs_s3_endpoint config.access_key": "names the account; Proxmox shows it in its lists",
    "pbs_token config.tokenid": "the name of a token",
    "pbs_token config.secret_file": "where a secret is written",
    "realm config.certkey": "path of a file on the nodes",
    "token config.tokenid": "the name of a token",
    "token config.secret_file": "where a secret is written",
    "update_password": "when a secret is written",
}


@pytest.mark.parametrize("module", canaries.module_names())
def test_every_secret_option_has_a_canary(module: str) -> None:
    spec = canaries.argument_spec(module)
    secrets = {path for path, option in canaries.options(spec) if option.get("no_log")} - CONNECTION
    given = {path for call in canaries.CALLS if call.module == module for path in canaries.places(call.arguments)}
    covered = {path for path in secrets if any(f"{one}.".startswith(f"{path}.") for one in given)}
    assert secrets - covered == set(), f"add a call of {module} to tests/canaries.py"
    strange = {one for one in given if not any(f"{one}.".startswith(f"{path}.") for path in secrets)}
    assert strange == set(), f"{module} takes this for no secret"


def test_what_sounds_secret_and_is_not_has_a_reason() -> None:
    found = {}
    for module in canaries.module_names():
        for path, option in canaries.options(canaries.argument_spec(module)):
            name = path.rpartition(".")[2]
            if SOUNDS.search(name) and not option.get("no_log") and not {name, f"{module} {path}"} & NO_SECRETS.keys():
                found[f"{module} {path}"] = option
    assert found == {}


def test_a_canary_is_found_plain_and_in_base64() -> None:
    for before in ("", "a", "ab", "abc"):
        text = before + canaries.canary("one")
        assert canaries.found_in(f"x{text}y") == ["canaryZoneZ"]
        assert canaries.found_in(base64.b64encode(text.encode() + b"..").decode()) != []
    assert canaries.found_in("canary") == []


def _run(call: canaries.Call, arguments: Mapping[str, Any], monkeypatch: Any, capfd: Any) -> str:
    """What the module prints. Nothing is asked: it is either no good, or the end of the test."""
    if call.where == "node":
        monkeypatch.setattr(_errors, "run", lambda module, _main: module.exit_json(changed=False))
    connection = {} if call.where == "node" else {"api_host": "127.0.0.1", "api_port": 1, "api_timeout": 1}
    login = {} if call.where == "node" else {"api_token_id": "a@pve!b", "api_token_secret": "not so secret"}
    module = importlib.import_module(f"ansible_collections.baremetal.proxmox.plugins.modules.{call.module}")
    logged: list[Any] = []
    monkeypatch.setattr(basic, "has_journal", False)
    monkeypatch.setattr(basic.syslog, "syslog", lambda *message: logged.append(message))
    # as Ansible itself does, if the task says nothing
    quiet = {"_ansible_no_log": False}
    with patch_module_args({**connection, **login, **arguments, **quiet}), pytest.raises(SystemExit):
        module.main()
    assert logged == []
    return capfd.readouterr().out


@pytest.mark.parametrize("call", canaries.CALLS, ids=[call.module for call in canaries.CALLS])
def test_nothing_is_in_the_journal(call: canaries.Call, monkeypatch: Any, capfd: Any) -> None:
    assert canaries.found_in(_run(call, call.arguments, monkeypatch, capfd)) == []


CASES = [
    pytest.param(call, arguments, id=f"{call.module}-{number}")
    for call in canaries.CALLS
    for number, arguments in enumerate(canaries.wrong(call))
]


@pytest.mark.parametrize("call, arguments", CASES)
def test_what_is_wrong_beside_a_secret_or_in_it_shows_none(
    call: canaries.Call, arguments: Mapping[str, Any], monkeypatch: Any, capfd: Any
) -> None:
    text = _run(call, arguments, monkeypatch, capfd)
    assert canaries.found_in(text) == [], text
    assert "module_args" in text
