# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CRUSH rules: what the monitors are asked and told, for what is wanted and what exists."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import CephError
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_crush import RULE
from ansible_collections.baremetal.proxmox.plugins.modules import ceph_crush_rule
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_ceph import Then
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.ceph_tables import World, documented

TRIES = [{"op": "set_chooseleaf_tries", "num": 5}, {"op": "set_choose_tries", "num": 100}]


def rule(
    number: int,
    name: str,
    take: str = "default",
    choose: str = "chooseleaf_firstn",
    domain: str = "host",
    kind: int = 1,
) -> Any:
    """An entry of C(osd crush rule dump)."""
    steps = [
        {"op": "take", "item": -1, "item_name": take},
        {"op": choose, "num": 0, "type": domain},
        {"op": "emit"},
    ]
    return {"rule_id": number, "rule_name": name, "type": kind, "steps": [*(TRIES if kind == 3 else ()), *steps]}


FIRST = rule(0, "replicated_rule")
SSD = rule(1, "on_ssd", "default~ssd")
CODED = rule(2, "coded", choose="chooseleaf_indep", kind=3)
OF_POOL = rule(3, "ec-data", "default~hdd", "choose_indep", "osd", 3)
STRANGE = {**rule(4, "by_hand"), "steps": [*FIRST["steps"], *SSD["steps"]]}
PROFILE = {"k": "2", "m": "1", "crush-failure-domain": "host", "crush-root": "default", "crush-device-class": ""}
POOLS = {"pools": [{"pool_name": "vm", "crush_rule": 1}, {"pool_name": "ec-data", "crush_rule": 3}]}


def world(*states: list[Any], **answers: Any) -> World:
    read = {
        "osd dump": POOLS,
        "osd crush rule dump": Then(*([FIRST, *state] for state in states)),
        "osd erasure-code-profile ls": ["default", "p"],
        "osd erasure-code-profile get name=p": PROFILE,
    }
    return World(RULE, {**read, **answers})


CREATE = "osd crush rule create-replicated"
CASES: dict[str, Any] = {
    "equal": ([SSD], {"name": "on_ssd", "type": "replicated", "device_class": "ssd", "root": "default"}, []),
    "equal without its type": ([SSD], {"name": "on_ssd", "failure_domain": "host"}, []),
    "created": (
        [],
        {"name": "on_ssd", "type": "replicated", "device_class": "ssd"},
        [f"{CREATE} class=ssd name=on_ssd root=default type=host"],
    ),
    "created for all disks": (
        [],
        {"name": "racks", "type": "replicated", "failure_domain": "rack", "root": "room1"},
        [f"{CREATE} name=racks root=room1 type=rack"],
    ),
    "created from a profile": (
        [],
        {"name": "coded", "type": "erasure", "profile": "p"},
        ["osd crush rule create-erasure name=coded profile=p"],
    ),
    "equal to a profile": ([CODED], {"name": "coded", "type": "erasure", "profile": "p"}, []),
    "made anew": (
        [rule(5, "on_ssd", "default~nvme")],
        {"name": "on_ssd", "type": "replicated", "device_class": "ssd", "recreate": True},
        ["osd crush rule rm name=on_ssd", f"{CREATE} class=ssd name=on_ssd root=default type=host"],
    ),
    "made anew from a profile": (
        [rule(5, "coded", "default~nvme", "chooseleaf_indep", "rack", 3)],
        {"name": "coded", "type": "erasure", "profile": "p", "recreate": True},
        ["osd crush rule rm name=coded", "osd crush rule create-erasure name=coded profile=p"],
    ),
}


@pytest.mark.parametrize(("before", "item", "writes"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", [False, True])
def test_merged(monkeypatch: Any, before: Any, item: Any, writes: Any, check: bool) -> None:
    made = {"on_ssd": SSD, "coded": CODED, "racks": rule(6, "racks", "room1", domain="rack")}
    here = world(before, [made[item["name"]]], **{write: None for write in writes})
    result = here.run(monkeypatch, check, config=[item])
    assert not result["failed"], result["msg"]
    assert result["changed"] is bool(writes)
    assert here.writes == ([] if check else writes)
    assert result["warnings"] == []


REFUSED: dict[str, Any] = {
    "it would have to be made anew": (
        {"name": "on_ssd", "device_class": "nvme"},
        "device_class is 'ssd', wanted is 'nvme'. Proxmox cannot change this in place; recreate: true",
    ),
    "a pool uses it": (
        {"name": "on_ssd", "device_class": "nvme", "recreate": True},
        "cannot be made anew: it is the rule of the pool vm; give the pools another rule first",
    ),
    "it needs a profile": ({"name": "x", "type": "erasure"}, "to create it, erasure needs profile"),
    "a profile of the other kind": (
        {"name": "x", "type": "replicated", "profile": "p"},
        "replicated has no such setting",
    ),
    "no such profile": ({"name": "x", "type": "erasure", "profile": "q"}, "there is no erasure code profile 'q'"),
    "the profile says something else": (
        {"name": "x", "type": "erasure", "profile": "p", "failure_domain": "osd"},
        "failure_domain is 'osd', but the profile 'p' has host",
    ),
    "no name": ({"name": "a b", "type": "replicated"}, "name is 'a b', not a rule's name"),
    "a rule of another form": ({"name": "by_hand", "root": "x"}, "exists with the type another kind"),
}


@pytest.mark.parametrize(("item", "sentence"), REFUSED.values(), ids=REFUSED)
def test_refused_before_anything_is_written(monkeypatch: Any, item: Any, sentence: str) -> None:
    here = world([SSD, CODED, STRANGE])
    result = here.run(monkeypatch, config=[item])
    assert sentence in result["msg"]
    assert here.writes == []


def test_overridden_takes_only_what_nobody_uses(monkeypatch: Any) -> None:
    free = rule(7, "old")
    here = world([SSD, OF_POOL, STRANGE, free], [SSD, OF_POOL, STRANGE], **{"osd crush rule rm name=old": None})
    result = here.run(monkeypatch, config=[{"name": "on_ssd", "device_class": "ssd"}], state="overridden")
    assert result["changes"] == [{"action": "delete", "item": "old"}]
    assert "'by_hand' is of a type unknown to this collection" in result["warnings"][0]
    result = world([SSD]).run(monkeypatch, config=[], state="overridden")
    assert "'on_ssd' is not listed and would be removed, but it is the rule of the pool vm" in result["msg"]


def test_gathered_and_then_overridden(monkeypatch: Any) -> None:
    gathered = world([SSD, CODED, OF_POOL]).run(monkeypatch, state="gathered")["gathered"]
    assert gathered[-2:] == [
        {"name": "on_ssd", "type": "replicated", "root": "default", "failure_domain": "host", "device_class": "ssd"},
        {"name": "replicated_rule", "type": "replicated", "root": "default", "failure_domain": "host"},
    ]
    assert gathered[1] == {
        "name": "ec-data",
        "type": "erasure",
        "root": "default",
        "failure_domain": "osd",
        "device_class": "hdd",
    }
    result = world([SSD, CODED, OF_POOL]).run(monkeypatch, config=gathered, state="overridden")
    assert not result["failed"], result["msg"]
    assert result["changed"] is False


def test_ceph_refuses(monkeypatch: Any) -> None:
    command = f"{CREATE} class=nvme name=x root=default type=host"
    here = world([], **{command: CephError(CREATE, errno.EINVAL, "device class nvme does not exist")})
    result = here.run(monkeypatch, config=[{"name": "x", "type": "replicated", "device_class": "nvme"}])
    assert (
        "CRUSH rule 'x': ceph osd crush rule create-replicated: device class nvme does not exist (EINVAL)"
        in result["msg"]
    )
    assert "device classes come with the OSDs" in result["msg"]


def test_a_lost_answer(monkeypatch: Any) -> None:
    command = f"{CREATE} name=x root=default type=host"
    lost = CephError(CREATE, errno.ETIMEDOUT, "")
    result = world([], [rule(5, "x")], **{command: lost}).run(monkeypatch, config=[{"name": "x", "type": "replicated"}])
    assert result["changed"] is True


def test_before_there_is_a_ceph(monkeypatch: Any) -> None:
    config = [{"name": "replicated_rule"}, {"name": "x", "type": "erasure", "profile": "p"}]
    result = World(RULE, None).run(monkeypatch, check=True, config=config)
    assert [change["item"] for change in result["changes"]] == ["x"]


def test_every_option_is_documented() -> None:
    suboptions = documented(ceph_crush_rule)["config"]["suboptions"]
    spec = RULE.spec()
    assert suboptions.keys() == spec.keys()
    assert all(suboptions[name]["type"] == spec[name]["type"] for name in spec)
