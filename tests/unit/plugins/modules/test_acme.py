# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts and plugins of ACME against the stand-in's API of both releases. An account's tasks are really run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.baremetal.proxmox.plugins.module_utils._acme import ACCOUNT, PLUGIN, configured
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError
from ansible_collections.baremetal.proxmox.plugins.modules import acme_account, acme_plugin
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import run_module
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_api import StandIn

TERMS = "https://acme-v02.api.letsencrypt.org/terms/v1"
OUR_TERMS = "https://ca.example.org/terms/v1"
DIRECTORY = "https://acme-v02.api.letsencrypt.org/directory"
FULL = {"name": "default", "contact": ["b@example.org", "a@example.org"], "tos_url": TERMS, "directory": DIRECTORY}
BOUND = {
    "name": "internal",
    "contact": ["a@example.org"],
    "directory": "https://ca.example.org/eab/directory",
    "tos_url": OUR_TERMS,
    "eab_kid": "kid-1",
    "eab_hmac_key": "canary-hmac",
}
ACCOUNTS = "/cluster/acme/account"
MEMBERS = json.dumps(
    {"nodename": "pve1", "version": 1, "nodelist": {"pve1": {"id": 1, "online": 1, "ip": "127.0.0.1"}}}
)


@pytest.fixture(params=["8.4", "9.2"])
def api(request: Any, tmp_path: Path, monkeypatch: Any) -> StandIn:
    return StandIn(tmp_path / "node", monkeypatch, request.param)


def accounts(api: StandIn, *config: Any, **options: Any) -> dict[str, Any]:
    result = api.module(ACCOUNT, config=list(config), **options)
    assert "canary" not in json.dumps(result)
    return result


def test_registered_changed_and_deactivated(api: StandIn) -> None:
    predicted = accounts(api, FULL, BOUND, check=True)
    assert api.writes == []
    assert predicted["warnings"] == []
    done = accounts(api, FULL, BOUND)
    assert not done["failed"], done["msg"]
    for part in ("before", "after", "changes", "diff"):
        assert predicted[part] == done[part]
    assert api.writes == [
        (
            "POST",
            ACCOUNTS,
            {"name": "default", "contact": "a@example.org,b@example.org", "directory": DIRECTORY, "tos_url": TERMS},
        ),
        (
            "POST",
            ACCOUNTS,
            {
                "name": "internal",
                "contact": "a@example.org",
                "directory": "https://ca.example.org/eab/directory",
                "tos_url": OUR_TERMS,
                "eab-kid": "kid-1",
                "eab-hmac-key": "canary-hmac",
            },
        ),
    ]
    assert "canary" not in api.read("priv/acme/internal")
    assert not accounts(api, FULL, BOUND)["changed"]
    # what only says how it is registered changes nothing afterwards
    assert not accounts(api, {**BOUND, "tos_url": "https://ca.example.org/terms/v0", "eab_hmac_key": "canary-x"})[
        "changed"
    ]

    changed = accounts(api, {"name": "default", "contact": ["c@example.org"]})
    assert [change["action"] for change in changed["changes"]] == ["update"]
    assert api.writes == [("PUT", f"{ACCOUNTS}/default", {"contact": "c@example.org"})]

    refused = accounts(api, {"name": "default"}, state="deleted")
    assert refused["failed"]
    assert "name it in allow_remove as well (allow_remove: ['default'])" in refused["msg"]
    assert api.writes == []
    assert accounts(api, {"name": "default"}, state="deleted", allow_remove=["default"])["changed"]
    assert api.writes == [("DELETE", f"{ACCOUNTS}/default", {})]
    assert sorted(path.name for path in (api.pve / "priv/acme").iterdir()) == ["_deactivated_default_0", "internal"]
    assert not accounts(api, {"name": "default"}, state="deleted")["changed"]


def test_gathered_is_what_overridden_takes(api: StandIn) -> None:
    accounts(api, FULL, BOUND)
    found = api.module(ACCOUNT, state="gathered")["gathered"]
    assert [one["name"] for one in found] == ["default", "internal"]
    assert found[1] == {
        "name": "internal",
        "contact": ["a@example.org"],
        "directory": "https://ca.example.org/eab/directory",
    }
    for state in ("overridden", "replaced", "merged"):
        result = accounts(api, *found, state=state)
        assert (result["failed"], result["changed"]) == (False, False)
    result = accounts(api, found[0], state="overridden")
    assert "'internal' is not listed and would be removed, but" in result["msg"]
    assert not accounts(api, found[0], state="overridden", allow_remove=["internal"])["failed"]
    assert [one["name"] for one in api.module(ACCOUNT, state="gathered")["gathered"]] == ["default"]


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (
            {**FULL, "tos_url": None},
            f"tos_url: expected {TERMS}, by which its terms of service are accepted; it is not set",
        ),
        ({**FULL, "tos_url": OUR_TERMS}, f"found {OUR_TERMS}"),
        ({**BOUND, "eab_kid": None, "eab_hmac_key": None}, "wants an external account: eab_kid and eab_hmac_key"),
        ({**BOUND, "eab_hmac_key": None}, "eab_kid and eab_hmac_key go together"),
        ({"name": "x1", "tos_url": TERMS}, "to create it, it needs contact"),
        ({**FULL, "contact": ["nobody"]}, "'nobody', not an email address"),
        ({**FULL, "name": "1"}, "not two or more letters"),
    ],
)
def test_refused_before_anything_is_asked_of_the_authority(api: StandIn, config: Any, sentence: str) -> None:
    result = accounts(api, config)
    assert result["failed"]
    assert sentence in result["msg"]
    assert api.writes == []


def test_a_directory_stays(api: StandIn) -> None:
    accounts(api, FULL)
    result = accounts(api, {**FULL, "directory": "https://ca.example.org/directory"})
    assert "This is fixed when it is created" in result["msg"]


def test_an_authority_that_does_not_answer(monkeypatch: Any) -> None:
    meta = ("GET", "/cluster/acme/meta", {"directory": DIRECTORY})
    calls = [("GET", ACCOUNTS, {}, []), (*meta, ApiError(500, "GET", "/cluster/acme/meta", "can't connect"))]
    for check in (True, False):
        arguments = {"config": [FULL], "_ansible_check_mode": check}
        result = run_module(monkeypatch, lambda connect: ResourceModule(ACCOUNT, connect).run(), arguments, calls)
        told = result["warnings"][0] if check else result["msg"]
        assert "letsencrypt.org/directory does not answer the node: can't connect" in told
        assert result["failed"] is not check


def test_what_a_node_uses_is_not_removed(api: StandIn) -> None:
    api.write(".members", MEMBERS)
    accounts(api, FULL)
    api.module(PLUGIN, config=[{"id": "cf", "type": "dns", "api": "cf"}])
    api.call("PUT", "/nodes/pve1/config", acmedomain0="PVE1.example.org,plugin=cf")
    kept = accounts(api, {"name": "default"}, state="deleted", allow_remove=["default"])
    assert "ACME account 'default': pve1 has its certificate by it" in kept["msg"]
    kept = api.module(PLUGIN, config=[{"id": "cf"}], state="deleted")
    assert "ACME plugin 'cf': pve1 proves pve1.example.org by it" in kept["msg"]
    assert api.writes == []
    api.call("PUT", "/nodes/pve1/config", delete="acmedomain0")
    assert not api.module(PLUGIN, config=[{"id": "cf"}], state="deleted")["failed"]


def test_a_task_that_fails_says_why(api: StandIn, monkeypatch: Any) -> None:
    monkeypatch.setattr("pvestandin.acme.meta", lambda directory: {})
    result = accounts(api, {**FULL, "tos_url": None})
    assert "Registration failed" in result["msg"]
    assert "must agree to terms of service" in result["msg"]


def test_data_of_a_plugin(api: StandIn) -> None:
    config = {"id": "cf", "type": "dns", "api": "cf", "data": {"CF_Token": "canary?>", "EMPTY": ""}}
    api.module(PLUGIN, config=[config])
    ((_method, _path, sent),) = api.writes
    assert sent["data"] == "Q0ZfVG9rZW49Y2FuYXJ5Pz4KRU1QVFk9Cg=="
    assert re.search(r"^\tdata Q0ZfVG9rZW49Y2FuYXJ5Pz4KRU1QVFk9Cg$", api.read("priv/acme/plugins.cfg"), re.MULTILINE)
    (row,) = (row for row in api.call("GET", "/cluster/acme/plugins") if row["plugin"] == "cf")
    assert row["data"] == "CF_Token=canary?>\nEMPTY=\n"
    assert not api.module(PLUGIN, config=[config])["changed"]
    gone = api.module(PLUGIN, config=[{"id": "cf", "data": None}])
    assert gone["changes"] == [{"action": "update", "item": "cf", "unset": ["data"]}]
    assert "canary" not in json.dumps(gone)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"id": "x1", "type": "dns"}, "dns needs api"),
        ({"id": "x1", "type": "standalone", "api": "cf"}, "api: standalone has no such setting"),
        ({"id": "x1", "type": "dns", "api": "cf", "data": {"a b": "canary"}}, "data is not in the form"),
        ({"id": "x1", "type": "dns", "api": "cf", "validation_delay": 200000}, "allowed are 0 to 172800"),
        ({"id": "standalone", "type": "dns", "api": "cf"}, "recreate: true"),
    ],
)
def test_plugins_refused(api: StandIn, config: Any, sentence: str) -> None:
    result = api.module(PLUGIN, config=[config])
    assert result["failed"]
    assert sentence in result["msg"]
    assert "canary" not in result["msg"]
    assert api.writes == []


def test_an_api_that_the_release_does_not_know(api: StandIn) -> None:
    result = api.module(PLUGIN, config=[{"id": "x1", "type": "dns", "api": "nosuch"}])
    assert result["failed"]
    assert "challenge-schema" in result["msg"]


@pytest.mark.parametrize(
    ("options", "account", "domains"),
    [
        ({}, "default", {}),
        ({"acme": "internal"}, "internal", {}),
        ({"acme": "domains=A.example;b.example"}, "default", {"a.example": "standalone", "b.example": "standalone"}),
        (
            {"acme": "account=x1", "acmedomain0": "c.example", "acmedomain5": "domain=D.example,plugin=cf,alias=e"},
            "x1",
            {"c.example": "standalone", "d.example": "cf"},
        ),
    ],
)
def test_what_a_nodes_options_say(options: Any, account: str, domains: Any) -> None:
    found = configured(options)
    assert (found.account, found.domains) == (account, domains)


@pytest.mark.parametrize(("module", "resource"), [(acme_account, ACCOUNT), (acme_plugin, PLUGIN)])
def test_every_option_is_documented(module: Any, resource: Any) -> None:
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    assert documented["config"]["suboptions"].keys() == resource.spec().keys()
    assert ("allow_remove" in documented) == resource.guarded
