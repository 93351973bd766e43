# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What HA's modules refuse before the first call, why, and in which order rules are changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _ha
from ansible_collections.baremetal.proxmox.plugins.module_utils._ha import GROUP, RESOURCE, RULE
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.contract_datacenter import FILES, MANAGED, MANAGER
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_api import StandIn


def rule(
    name: str, *resources: str, nodes: list[str] | None = None, apart: bool = False, **more: Any
) -> dict[str, Any]:
    if nodes:
        return {"rule": name, "type": "node-affinity", "resources": list(resources), "nodes": nodes, **more}
    affinity = "negative" if apart else "positive"
    return {"rule": name, "type": "resource-affinity", "resources": list(resources), "affinity": affinity, **more}


def make(root: Path, monkeypatch: Any, release: str = "9.2", **files: str) -> StandIn:
    api = StandIn(root / "root", monkeypatch, release)
    for name, text in {**FILES, **MANAGED, **MANAGER, **files}.items():
        api.write(name, text)
    return api


@pytest.fixture
def api(tmp_path: Path, monkeypatch: Any) -> StandIn:
    return make(tmp_path, monkeypatch)


BOTH = ("vm:100", "vm:101")
CERTAIN = {
    "two rules for one guest": (
        [rule("ra", "vm:100", nodes=["pve1"]), rule("rb", "vm:100", nodes=["pve2"])],
        "HA rule 'rb': vm:100: the rule 'ra' for nodes has it already.",
    ),
    "together and apart": (
        [rule("ra", *BOTH), rule("rb", *BOTH, apart=True)],
        "vm:100, vm:101: kept together by 'ra', kept apart by 'rb'",
    ),
    "together through a third": (
        [rule("ra", "vm:100", "ct:102"), rule("rb", "ct:102", "vm:101"), rule("rc", *BOTH, apart=True)],
        "vm:100, vm:101: kept together by 'ra', 'rb', kept apart by 'rc'",
    ),
    "together, but in two places": (
        [rule("ra", *BOTH), rule("rb", "vm:100", nodes=["pve1"]), rule("rc", "vm:101", nodes=["pve2"])],
        "vm:100, vm:101: kept together by 'ra', but placed by several: 'rb', 'rc'",
    ),
    "apart on one node": (
        [rule("ra", *BOTH, apart=True), rule("rb", *BOTH, nodes=["pve1"])],
        "'ra' keeps vm:100, vm:101 apart, but 'rb' leave only pve1",
    ),
    "priorities": (
        [rule("ra", *BOTH, apart=True), rule("rb", "vm:100", nodes=["pve1:2", "pve2"])],
        "'ra' has resources of 'rb', which gives its nodes several priorities",
    ),
}
PERHAPS = {
    "a guest that HA does not look after": (
        [rule("ra", "vm:777", nodes=["pve1"])],
        "vm:777: not managed by HA; ha_resource",
    ),
    "a node that is not there": ([rule("ra", "vm:100", nodes=["pve9"])], "this cluster has no node pve9"),
    "too few nodes": (
        [rule("ra", *BOTH, "ct:102", "vm:103", apart=True)],
        "keeps 4 resources apart, but there are 3 nodes",
    ),
}


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("what", CERTAIN)
def test_what_cannot_be_is_refused(api: StandIn, what: str, check: bool) -> None:
    config, sentence = CERTAIN[what]
    result = api.module(RULE, config=config, check=check)
    assert result["failed"]
    assert sentence in result["msg"]
    assert api.writes == []


@pytest.mark.parametrize("what", PERHAPS)
def test_what_may_still_come_is_refused_when_it_is_done(tmp_path: Path, monkeypatch: Any, what: str) -> None:
    config, sentence = PERHAPS[what]
    more = MANAGED["ha/resources.cfg"] + "vm: 103\n\n"
    api = make(tmp_path, monkeypatch, **{"ha/resources.cfg": more})
    result = api.module(RULE, config=config, check=True)
    assert not result["failed"], result["msg"]
    assert [text for text in result["warnings"] if sentence in text and "It is refused where" in text]
    result = api.module(RULE, config=config)
    assert result["failed"]
    assert sentence in result["msg"]
    assert api.writes == []


def test_a_conflict_with_a_rule_that_exists(api: StandIn) -> None:
    api.call("POST", "/cluster/ha/rules", rule="old", type="node-affinity", resources="vm:100", nodes="pve1")
    result = api.module(RULE, config=[rule("new", "vm:100", nodes=["pve2"])])
    assert "HA rule 'new': vm:100: the rule 'old' for nodes has it already." in result["msg"]
    # switched off, the old one does not count
    api.call("PUT", "/cluster/ha/rules/old", type="node-affinity", disable=1)
    result = api.module(RULE, config=[rule("new", "vm:100", nodes=["pve2"])])
    assert not result["failed"], result["msg"]


def test_what_gives_a_guest_away_comes_first(api: StandIn) -> None:
    """Proxmox refuses the new rule as long as the old one has the guest."""
    api.call("POST", "/cluster/ha/rules", rule="old1", type="node-affinity", resources="vm:100,vm:101", nodes="pve1")
    api.call("POST", "/cluster/ha/rules", rule="old2", type="node-affinity", resources="ct:102", nodes="pve2")
    config = [rule("new", "vm:101", "ct:102", nodes=["pve3"]), rule("old1", "vm:100", nodes=["pve1"])]
    result = api.module(RULE, config=config, state="overridden")
    assert not result["failed"], result["msg"]
    assert [(change["action"], change["item"]) for change in result["changes"]] == [
        ("delete", "old2"),
        ("update", "old1"),
        ("create", "new"),
    ]
    assert not api.module(RULE, config=config, state="overridden")["changed"]


def test_a_change_carries_the_type(api: StandIn) -> None:
    api.module(RULE, config=[rule("ra", "vm:100", nodes=["pve1"])])
    api.module(RULE, config=[rule("ra", "vm:100", nodes=["pve2"], comment="x")])
    ((_method, path, params),) = api.writes
    assert path == "/cluster/ha/rules/ra"
    assert params.pop("digest")
    assert params == {"type": "node-affinity", "nodes": "pve2", "comment": "x"}


@pytest.mark.parametrize("comment", ["Büro Łódź, 50 %", "100%25: as it is"])
def test_the_comment_of_a_rule_is_written_so_that_it_comes_back(api: StandIn, comment: str) -> None:
    """Proxmox decodes what is given as if it were the file's."""
    config = [rule("ra", "vm:100", nodes=["pve1"], comment=comment)]
    done = api.module(RULE, config=config)
    assert [text for text in done["warnings"] if "still shows" in text] == []
    assert api.module(RULE, state="gathered")["gathered"][0]["comment"] == comment
    assert not api.module(RULE, config=config)["changed"]


def test_the_comment_of_a_resource_has_characters_that_survive(api: StandIn) -> None:
    result = api.module(RESOURCE, config=[{"sid": "vm:100", "comment": "Büro Łódź"}])
    assert "has Łź in it, which Proxmox would store as something else" in result["msg"]
    assert api.writes == []


def test_the_manager_is_waited_for(tmp_path: Path, monkeypatch: Any) -> None:
    """Proxmox counts the nodes that its HA manager has seen, and it begins only when it has a guest."""
    api = make(tmp_path, monkeypatch, **{"ha/manager_status": "{}"})
    slept = []

    def sleep(_seconds: float) -> None:
        slept.append(_seconds)
        api.write("ha/manager_status", MANAGER["ha/manager_status"])

    monkeypatch.setattr(_ha, "Deadline", lambda seconds: _Deadline(seconds, sleep=sleep))
    result = api.module(RULE, config=[rule("ra", *BOTH, apart=True)])
    assert not result["failed"], result["msg"]
    assert len(slept) == 1


_Deadline = _ha.Deadline


def test_a_manager_that_sees_no_nodes(tmp_path: Path, monkeypatch: Any) -> None:
    api = make(tmp_path, monkeypatch, **{"ha/manager_status": "{}"})
    monkeypatch.setattr(_ha, "_MANAGER", 0.0)
    result = api.module(RULE, config=[rule("ra", *BOTH, apart=True)])
    assert result["failed"]
    assert "nodes that the HA manager (pve-ha-crm) has seen" in result["msg"]
    assert api.writes == []


@pytest.mark.parametrize(("table", "release", "other"), [(RULE, "8.4", "ha_group"), (GROUP, "9.2", "ha_rule")])
def test_the_other_release_has_no_such_thing(
    tmp_path: Path, monkeypatch: Any, table: Any, release: str, other: str
) -> None:
    api = make(tmp_path, monkeypatch, release)
    config = [rule("ra", "vm:100", nodes=["pve1"])] if table is RULE else [{"group": "fast", "nodes": ["pve1"]}]
    for check in (False, True):
        result = api.module(table, config=config, check=check)
        assert result["failed"]
        assert f"Proxmox VE {release} has no such thing; use {other}" in result["msg"]
    assert api.module(table, state="gathered")["gathered"] == []
    assert api.writes == []


def test_groups_that_are_not_rules_yet(tmp_path: Path, monkeypatch: Any) -> None:
    """A cluster of which not all nodes are upgraded."""
    resources = "vm: 100\n\tgroup fast\n\n"
    api = make(
        tmp_path, monkeypatch, **{"ha/groups.cfg": "group: fast\n\tnodes pve1\n\n", "ha/resources.cfg": resources}
    )
    result = api.module(RULE, config=[rule("ra", "vm:100", nodes=["pve2"])])
    assert "the HA groups fast are not rules yet" in result["msg"]
    assert [one["rule"] for one in api.module(RULE, state="gathered")["gathered"]] == ["ha-group-fast"]


# Resources and groups


def test_a_guest_that_is_not_there(api: StandIn) -> None:
    result = api.module(RESOURCE, config=[{"sid": "vm:500"}, {"sid": "ct:101"}])
    assert "HA resource 'vm:500': the cluster has no guest 500." in result["msg"]
    assert "HA resource 'ct:101': the guest is vm:101." in result["msg"]
    assert api.writes == []


@pytest.mark.parametrize("sid", ["100", "vm:", "vm:0100", "qemu:100"])
def test_a_guest_is_named_in_full(api: StandIn, sid: str) -> None:
    assert "not a guest such as vm:100 or ct:101" in api.module(RESOURCE, config=[{"sid": sid}])["msg"]


def test_the_settings_of_each_release(tmp_path: Path, monkeypatch: Any) -> None:
    api = make(tmp_path, monkeypatch)
    result = api.module(RESOURCE, config=[{"sid": "vm:100", "group": "fast"}])
    assert "group: needs Proxmox VE a version before 9.0, this is 9.2; use ha_rule" in result["msg"]
    result = api.module(RESOURCE, config=[{"sid": "vm:100", "failback": False, "auto_rebalance": False}])
    assert not result["failed"], result["msg"]
    old = make(tmp_path / "old", monkeypatch, "8.4")
    result = old.module(RESOURCE, config=[{"sid": "vm:100", "failback": False}])
    assert "failback: needs Proxmox VE 9.0 or later, this is 8.4; use nofailback of ha_group" in result["msg"]


def test_a_group_and_its_guests(tmp_path: Path, monkeypatch: Any) -> None:
    api = make(tmp_path, monkeypatch, "8.4")
    config = [{"sid": "vm:100", "group": "fast"}]
    assert "there is no HA group 'fast'; ha_group makes it" in api.module(RESOURCE, config=config)["msg"]
    assert api.module(GROUP, config=[{"group": "fast", "nodes": ["pve1"]}])["changed"]
    assert not api.module(RESOURCE, config=config)["failed"]
    result = api.module(GROUP, config=[], state="overridden")
    assert "HA group 'fast': is used by vm:100; take it away there first." in result["msg"]
    result = api.module(GROUP, config=[{"group": "fast", "nodes": ["pve7"]}])
    assert "this cluster has no node pve7" in result["msg"]


def test_a_guest_in_error_state(tmp_path: Path, monkeypatch: Any) -> None:
    status = '{"node_status": {}, "service_status": {"vm:100": {"state": "error", "node": "pve1"}}}'
    api = make(tmp_path, monkeypatch, **{"ha/manager_status": status})
    result = api.module(RESOURCE, config=[{"sid": "vm:100", "max_restart": 5}])
    assert "in error state" in result["msg"]
    assert "Set its state to disabled, repair what keeps it from starting" in result["msg"]
    assert not api.module(RESOURCE, config=[{"sid": "vm:100", "state": "disabled"}])["failed"]
