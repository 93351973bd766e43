# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One description of HA for two releases, and the verdict about watchdogs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.filter.ha_definitions import ha_definitions
from ansible_collections.baremetal.proxmox.plugins.filter.ha_fencing import ha_fencing

GUESTS: list[dict[str, Any]] = [
    {"sid": "vm:110", "max_restart": 3},
    {"sid": "vm:111", "failback": True},
    {"sid": "ct:120"},
]
FAST = {"name": "fast", "how": "pin", "guests": ["vm:110", "vm:111"], "nodes": ["pve1:2", "pve2"], "comment": "disks"}
NEAR = {"name": "near", "how": "prefer", "guests": ["ct:120"], "nodes": ["pve3"]}
APART = {"name": "apart", "how": "apart", "guests": ["vm:110", "vm:111"]}
BOTH = {"name": "both", "how": "together", "guests": ["vm:110", "ct:120"]}


def define(*placement: Any, release: str = "9.2", guests: Any = None, rules: Any = ()) -> dict[str, Any]:
    return ha_definitions(placement, guests=GUESTS if guests is None else guests, release=release, rules=rules)


@pytest.mark.parametrize("release", ["9.0", "9.2", "10.1", "trixie"])
def test_rules(release: str) -> None:
    found = define(FAST, NEAR, APART, BOTH, release=release)
    assert found["by_rules"]
    assert found["findings"] == []
    assert found["groups"] == []
    assert found["resources"] == GUESTS
    assert found["rules"] == [
        {
            "rule": "fast",
            "type": "node-affinity",
            "resources": ["vm:110", "vm:111"],
            "nodes": ["pve1:2", "pve2"],
            "strict": True,
            "comment": "disks",
        },
        {"rule": "near", "type": "node-affinity", "resources": ["ct:120"], "nodes": ["pve3"], "strict": False},
        {"rule": "apart", "type": "resource-affinity", "resources": ["vm:110", "vm:111"], "affinity": "negative"},
        {"rule": "both", "type": "resource-affinity", "resources": ["vm:110", "ct:120"], "affinity": "positive"},
    ]


@pytest.mark.parametrize("release", ["8.4", "bookworm"])
def test_groups(release: str) -> None:
    near = {**NEAR, "guests": ["vm:112"]}
    found = define(FAST, near, release=release, guests=[*GUESTS, {"sid": "vm:112", "failback": False}])
    assert not found["by_rules"]
    assert found["findings"] == []
    assert found["rules"] == []
    assert found["groups"] == [
        {"group": "fast", "nodes": ["pve1:2", "pve2"], "restricted": True, "nofailback": False, "comment": "disks"},
        {"group": "near", "nodes": ["pve3"], "restricted": False, "nofailback": True},
    ]
    assert found["resources"] == [
        {"sid": "vm:110", "max_restart": 3, "group": "fast"},
        {"sid": "vm:111", "group": "fast"},
        {"sid": "ct:120", "group": None},
        {"sid": "vm:112", "group": "near"},
    ]


def test_a_group_that_has_become_a_rule() -> None:
    found = define(FAST, NEAR, rules=[{"rule": "ha-group-fast"}, {"rule": "ha-group-near"}, {"rule": "near"}])
    assert [one["rule"] for one in found["rules"]] == ["ha-group-fast", "near"]
    assert found["notes"] == ["HA group 'fast' is the rule 'ha-group-fast' on this release"]


FINDINGS = [
    ("8.4", [APART], GUESTS, "[apart]: expected pin or prefer before Proxmox VE 9, found apart"),
    ("8.4", [FAST, {**NEAR, "guests": ["vm:110"]}], GUESTS, "expected vm:110 in one place, found it in fast, near"),
    (
        "8.4",
        [FAST],
        [{"sid": "vm:110", "failback": False}, {"sid": "vm:111"}],
        "[fast]: expected one failback for all its guests before Proxmox VE 9",
    ),
    ("9.2", [{**NEAR, "how": "near"}], GUESTS, "[near]: expected how to be pin, prefer, together, apart, found 'near'"),
    ("9.2", [{**NEAR, "nodes": []}], GUESTS, "[near]: expected nodes for prefer, found none"),
    ("9.2", [{**APART, "nodes": ["pve1"]}], GUESTS, "[apart]: expected no nodes for apart, found pve1"),
    ("9.2", [{**APART, "guests": ["vm:110", "vm:110"]}], GUESTS, "[apart]: expected 2 or more guests, found 1"),
    ("9.2", [{**NEAR, "guests": []}], GUESTS, "[near]: expected 1 or more guests, found 0"),
    ("9.2", [{**NEAR, "guests": ["vm:9"]}], GUESTS, "expected its guests in pve_ha_guests, found vm:9 only here"),
    ("9.2", [NEAR, NEAR], GUESTS, "[near]: expected each name once, found 2 of it"),
    ("9.2", [], [{"sid": 110}], "pve_ha_guests: expected sid to be a guest such as vm:100 or ct:101, found '110'"),
    ("9.2", [], [{"sid": "vm:110"}, {"sid": "vm:110"}], "expected each guest once, found vm:110 2 times"),
]


@pytest.mark.parametrize(("release", "placement", "guests", "sentence"), FINDINGS)
def test_findings(release: str, placement: Any, guests: Any, sentence: str) -> None:
    found = define(*placement, release=release, guests=guests)
    assert [one for one in found["findings"] if sentence in one]
    assert all(
        one.startswith(("pve_ha_guests: ", "pve_ha_placement: ", "pve_ha_placement[")) for one in found["findings"]
    )
    assert found["resources"] == found["groups"] == found["rules"] == []


def test_before_9_guests_stay_where_they_are_if_nothing_is_said_of_places() -> None:
    guests = [{"sid": "vm:110", "max_restart": 2}]
    assert ha_definitions(None, guests, "8.4")["resources"] == guests
    assert ha_definitions([], guests, "8.4")["resources"] == [{**guests[0], "group": None}]


def test_nothing_is_nothing() -> None:
    assert define(guests=[])["findings"] == []


def test_fencing() -> None:
    soft = {"name": "watchdog0", "driver": "softdog", "identity": "Software Watchdog", "active": True}
    chip = {"name": "watchdog0", "driver": "iTCO_wdt", "identity": "iTCO_wdt", "active": True}
    wanted = {"pve1": "softdog", "pve2": "softdog", "pve3": "ipmi_watchdog", "pve4": "softdog", "pve5": "iTCO_wdt"}
    seen = {"pve1": [soft], "pve2": [], "pve3": [soft], "pve4": [chip], "pve5": [{**chip, "active": False}]}
    verdict = ha_fencing(seen, wanted=wanted)
    assert verdict == {
        "findings": [
            "pve2: pve_ha_watchdog: expected softdog, found no watchdog. See 'systemctl status watchdog-mux' and the kernel's"
            " log on it",
            "pve5: pve_ha_watchdog: expected iTCO_wdt in use, found iTCO_wdt, which nothing has opened. See 'systemctl status"
            " watchdog-mux' on it",
        ],
        "notes": [
            "pve3: pve_ha_watchdog: expected ipmi_watchdog, found softdog. It changes when the node starts the next time",
            "pve4: pve_ha_watchdog: expected softdog, found iTCO_wdt. It changes when the node starts the next time, unless"
            " another one is loaded before (pve_host_module_blacklist)",
        ],
    }
