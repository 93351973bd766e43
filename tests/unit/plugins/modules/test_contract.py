# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every resource module promises, of all of them, against the stand-in's API of both releases.

A new module on the engine fails here until it has a case, or a reason in ELSEWHERE.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules import (
    contract,
    contract_access,
    contract_backup,
    contract_certificate,
    contract_datacenter,
    contract_firewall,
    contract_sdn,
)
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.contract import Case
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_api import StandIn
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_backup import BackupStandIn

CASES: dict[str, Case] = {
    **contract_access.CASES,
    **contract_backup.CASES,
    **contract_certificate.CASES,
    **contract_datacenter.CASES,
    **contract_firewall.CASES,
    **contract_sdn.CASES,
}
ELSEWHERE = {
    **dict.fromkeys(
        ("ceph_config", "ceph_crush_rule", "ceph_flags", "ceph_fs", "ceph_pool"),
        "needs the monitors of a real Ceph: tests/acceptance/test_ceph_tables.py",
    ),
    **dict.fromkeys(("datacenter_options", "node_options"), "there is only one of it: test_single.py"),
    **dict.fromkeys(("firewall_options", "firewall_node_options"), "there is only one of it: test_firewall_options.py"),
    **dict.fromkeys(("firewall_rule", "firewall_node_rule"), "rules have no names: test_firewall_rule.py"),
    "acme_account": "has no settings that could be taken away: test_acme.py",
    "pbs_namespace": "has no settings that could change: tests/unit/standin/pbs/test_pbs_tables.py",
}
ALL = [pytest.param(name, release, id=f"{name}-{release}") for name, case in CASES.items() for release in case.releases]


class Subject:
    def __init__(self, name: str, release: str, root: Path, monkeypatch: Any) -> None:
        self.name = name
        self.case = CASES[name]
        self.table = contract.table(name, monkeypatch)
        self.api = (BackupStandIn if name in contract_backup.CASES else StandIn)(root, monkeypatch, release)
        for file, text in self.case.files.items():
            self.api.write(file, text)
        for method, path, params in self.case.before:
            self.api.call(method, path, **params)

    def run(self, config: Any, state: str = "merged", *, check: bool = False) -> dict[str, Any]:
        result = self.start(config, check=check, state=state)
        assert not result["failed"], result["msg"]
        text = json.dumps(result)
        assert [secret for secret in self.case.secrets if secret in text] == []
        assert not (check and self.api.writes), self.api.writes
        if not result["changed"]:
            assert self.api.writes == []
        return result

    def start(self, config: Any, **arguments: Any) -> dict[str, Any]:
        arguments |= self.case.arguments
        if self.table:
            arguments |= {} if config is None else {"config": config}
            return self.api.module(self.table, **arguments)
        return contract_sdn.start(self.api, self.name.partition(".")[2], config, **arguments)

    def gathered(self) -> dict[tuple[str, ...], dict[str, Any]]:
        return {self.case.key(item): item for item in self.run(None, "gathered")["gathered"]}

    def contained(self, predicted: list[dict[str, Any]], found: list[dict[str, Any]]) -> None:
        """What Proxmox fills in by itself cannot be predicted; everything else is."""
        there = {self.case.key(item): item for item in found}
        for item in predicted:
            other = there.pop(self.case.key(item))
            assert {name: other.get(name) for name in item} == item
        assert there == {}

    def done_as_predicted(self, config: Any, state: str) -> dict[str, Any]:
        """Runs it in check mode and then in earnest: the former tells what the latter does; a third run does nothing."""
        predicted = self.run(config, state, check=True)
        done = self.run(config, state)
        for part in ("changed", "before", "changes", "diff"):
            assert predicted[part] == done[part], part
        self.contained(predicted["after"], done["after"])
        assert done["changed"]
        assert self.api.writes
        assert done["diff"]["before"] != done["diff"]["after"]
        assert [text for text in done["warnings"] if "still shows something else" in text] == []
        again = self.run(config, state)
        assert not again["changed"], again["changes"]
        return done


@pytest.fixture
def subject(request: Any, tmp_path: Path, monkeypatch: Any) -> Subject:
    name, release = request.param
    return Subject(name, release, tmp_path / "node", monkeypatch)


def each() -> Any:
    return pytest.mark.parametrize(
        "subject", [tuple(one.values) for one in ALL], ids=[one.id for one in ALL], indirect=True
    )


def test_every_module_on_the_engine_is_held_to_it() -> None:
    assert contract.on_the_engine() == {name.partition(".")[0] for name in CASES} | ELSEWHERE.keys()
    assert {name for name in CASES if name.startswith("sdn.")} == {f"sdn.{option}" for option in contract_sdn.TABLES}


@each()
def test_merged_creates_and_changes(subject: Subject) -> None:
    case = subject.case
    subject.done_as_predicted(list(case.items), "merged")
    before = subject.gathered()
    assert {case.key(item) for item in case.items} <= before.keys()
    done = subject.done_as_predicted([case.changed], "merged")
    assert [change["action"] for change in done["changes"]] == ["update"]
    # nothing else has changed, neither other items nor other settings
    after, first = subject.gathered(), case.key(case.items[0])
    assert {key: item for key, item in after.items() if key != first} == {
        key: item for key, item in before.items() if key != first
    }
    untouched = before[first].keys() - case.changed.keys()
    assert {name: after[first].get(name) for name in untouched} == {name: before[first][name] for name in untouched}


@each()
def test_replaced_takes_away_what_is_not_written(subject: Subject) -> None:
    case = subject.case
    subject.run(list(case.items))
    first = case.items[0]
    config = [{**case.head(first), **{name: first[name] for name in case.given}}]
    done = subject.done_as_predicted(config, "replaced")
    (change,) = done["changes"]
    assert sorted([*change.get("unset", []), *change.get("set", [])]) == sorted(case.dropped)
    assert {case.key(item) for item in case.items} <= subject.gathered().keys()


@each()
def test_gathered_is_what_overridden_takes(subject: Subject) -> None:
    subject.run(list(subject.case.items))
    found = list(subject.gathered().values())
    result = subject.run(found, "overridden")
    assert not result["changed"], result["changes"]
    # a fresh one becomes the same by it, secrets apart
    one = subject.case.key(subject.case.items[-1])
    assert subject.run([subject.case.head(subject.case.items[-1])], "gathered")["gathered"] == [subject.gathered()[one]]


@each()
def test_overridden_removes_what_is_not_listed(subject: Subject) -> None:
    case = subject.case
    subject.run(list(case.items))
    stays = {tuple(key) for key in case.stays}
    everything = subject.gathered().keys()
    kept = list(case.items[1:])
    done = subject.done_as_predicted([*kept], "overridden")
    assert subject.gathered().keys() == stays | {case.key(item) for item in kept}
    assert "delete" in [change["action"] for change in done["changes"]]
    subject.done_as_predicted([], "overridden")
    assert subject.gathered().keys() == stays
    assert stays < everything or not stays


@each()
@pytest.mark.parametrize("state", ["replaced", "overridden"])
def test_null_is_not_the_empty_list(subject: Subject, state: str) -> None:
    """As from YAML with all lines below the name of a list commented out. A list of SDN that is null is left alone."""
    subject.run(subject.case.items)
    there = subject.gathered()
    if subject.table:
        result = subject.api.module(subject.table, config=None, state=state, **subject.case.arguments)
        assert (result["failed"], subject.api.writes) == (True, [])
        assert result["msg"].startswith("config: expected what there shall be, found null")
        assert "[] says that there shall be nothing" in result["msg"]
    assert subject.gathered() == there


@each()
def test_deleted_removes_what_is_listed(subject: Subject) -> None:
    case = subject.case
    subject.run(list(case.items))
    before = subject.gathered()
    first = case.items[0]
    done = subject.done_as_predicted([case.head(first)], "deleted")
    assert [change["action"] for change in done["changes"]] == ["delete"]
    assert subject.gathered() == {key: item for key, item in before.items() if key != case.key(first)}


@each()
def test_what_is_wrong_changes_nothing(subject: Subject) -> None:
    item = {**subject.case.items[0], "no_such_setting": "x"}
    result = subject.start([item])
    assert result["failed"]
    assert "no_such_setting" in result["msg"]
    assert subject.api.writes == []
