# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The artifact on the controller, and what the action takes from the hosts' variables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.baremetal.proxmox.plugins.action import preflight_verdict
from ansible_collections.baremetal.proxmox.tests.unit.plugins.plugin_utils.preflight_racks import Rack


def run(monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], hostvars: dict[str, Any]) -> dict[str, Any]:
    monkeypatch.setattr(ActionBase, "run", lambda *_arguments, **_options: {})
    monkeypatch.setattr(ActionBase, "validate_argument_spec", lambda *_arguments: (None, arguments))
    return object.__new__(preflight_verdict.ActionModule).run(None, {"hostvars": hostvars})


def hosts(rack: Rack) -> dict[str, Any]:
    return {
        name: {
            "facts": {"facts": rack.facts[name]},
            "probe": {"probe": {"pings": rack.pings(name)}, "clock": rack.clock[name], "declared": rack.declared[name]},
        }
        for name in rack.facts
    }


def arguments(*members: str, artifact: str = "", rack: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"members": list(members), "rack": list(rack), "facts": "facts", "probe": "probe", "artifact": artifact}


def test_what_awx_and_the_file_get(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rack = Rack()
    rack.facts["pve2"]["cpu"]["virtualization"] = None
    path = tmp_path / "new" / "preflight.json"
    result = run(monkeypatch, arguments("pve1", "pve2", "pve3", artifact=str(path)), hosts(rack))
    assert [sentence.partition(": expected")[0] for sentence in result["refusals"]] == ["pve2: cpu_virtualization"]
    assert result["changed"] is False
    written = json.loads(path.read_text())
    assert written["verdict"] == "fail"
    assert written["facts"]["pve1"] == rack.facts["pve1"]
    assert result["ansible_stats"]["data"]["pve_preflight"] == {key: written[key] for key in written if key != "facts"}
    assert [entry.name for entry in path.parent.iterdir()] == ["preflight.json"]


def test_a_host_without_an_answer_has_the_rules_of_its_inventory(monkeypatch: pytest.MonkeyPatch) -> None:
    hostvars = hosts(Rack())
    hostvars["pve4"] = {"facts": {"unreachable": True, "msg": "no route"}}
    assert len(run(monkeypatch, arguments(*hostvars), hostvars)["refusals"]) == 1
    hostvars["pve4"]["pve_preflight_overrides"] = {"reachable": "in repair"}
    assert run(monkeypatch, arguments(*hostvars), hostvars)["refusals"] == []


def test_a_place_that_cannot_be_written_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AnsibleActionFail, match=r"^pve_preflight_artifact: .*/file/x\.json cannot be written: "):
        run(monkeypatch, arguments("pve1", artifact=str(tmp_path / "file" / "x.json")), hosts(Rack()))
