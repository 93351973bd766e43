# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_wait
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import CephError
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_wait import CephWait
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import Timeout
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_ceph import FakeCeph, Then

NOBODY = CephError("status", 110, "")


def health(*names: str, muted: str = "") -> dict[str, Any]:
    checks = {
        name: {
            "severity": "HEALTH_WARN",
            "summary": {"message": f"about {name}", "count": 1},
            "detail": [{"message": "more"}],
            "muted": name == muted,
        }
        for name in names
    }
    return {"status": "HEALTH_WARN" if checks else "HEALTH_OK", "checks": checks, "mutes": []}


def status(*states: tuple[str, int], pgs: int | None = None, manager: bool = True) -> dict[str, Any]:
    rows = [{"state_name": name, "count": count} for name, count in states]
    total = sum(count for _name, count in states) if pgs is None else pgs
    return {"mgrmap": {"available": manager}, "pgmap": {"pgs_by_state": rows, "num_pgs": total}}


def osds(*rows: tuple[int, int, int]) -> dict[str, Any]:
    return {"osds": [{"osd": number, "up": up, "in": inside} for number, up, inside in rows]}


def filesystem(name: str, *states: str, ranks: int = 1) -> dict[str, Any]:
    info = {f"gid_{number}": {"name": f"m{number}", "state": state} for number, state in enumerate(states)}
    return {"mdsmap": {"fs_name": name, "max_mds": ranks, "info": info}}


QUORUM = {"quorum_names": ["a", "b"], "monmap": {"mons": [{"name": "a"}, {"name": "b"}]}}


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        ("not_in_quorum", (QUORUM,), None),
        ("not_in_quorum", (QUORUM, ["c"]), "in quorum: a, b; not: c; not in the monitor map: c"),
        ("not_in_quorum", ({**QUORUM, "quorum_names": ["a"]},), "in quorum: a; not: b"),
        ("no_manager", ({"active_name": "a", "available": True, "standbys": []},), None),
        ("no_manager", ({"active_name": "a", "available": True, "standbys": [{"name": "b"}]}, "b"), None),
        ("no_manager", ({"active_name": "a", "available": True}, "b"), "active: a; standby: none"),
        ("no_manager", ({"active_name": "a", "available": False},), "active: a; standby: none; not available"),
        ("no_manager", ({"active_name": "", "available": False},), "active: none; standby: none; not available"),
        ("not_up", (osds((0, 1, 1)),), None),
        ("not_up", (osds((0, 1, 1), (1, 0, 1)), [0]), None),
        ("not_up", (osds((0, 0, 1), (1, 1, 0)),), "osd.0 is down and in; osd.1 is up and out"),
        ("not_up", (osds((0, 1, 1)), [3]), "osd.3 does not exist"),
        ("not_clean", (status(),), None),
        ("not_clean", (status(("active+clean", 4), ("active+clean+scrubbing", 1)),), None),
        (
            "not_clean",
            (status(("active+clean", 4), ("active+undersized+degraded", 2)),),
            "2 active+undersized+degraded",
        ),
        ("not_clean", (status(("active+clean", 4), pgs=6),), "2 without a state"),
        ("not_clean", (status(manager=False),), "no manager is active that counts placement groups"),
        ("no_mds", ({"filesystems": []},), None),
        ("no_mds", ({"filesystems": []}, "fs"), "there is no file system fs"),
        ("no_mds", ({"filesystems": [filesystem("fs", "up:active", "up:standby-replay")]},), None),
        ("no_mds", ({"filesystems": [filesystem("fs", "up:replay")]},), "fs: 0 of 1 active (m0 up:replay)"),
        ("no_mds", ({"filesystems": [filesystem("x"), filesystem("fs", "up:active")]}, "fs"), None),
        ("no_mds", ({"filesystems": [filesystem("fs", "up:active", ranks=2)]},), "fs: 1 of 2 active (m0 up:active)"),
        ("unhealthy", (health(),), None),
        ("unhealthy", (health("OSD_DOWN"),), "OSD_DOWN: about OSD_DOWN"),
        ("unhealthy", (health("OSDMAP_FLAGS"), ["OSDMAP_FLAGS"]), None),
        ("unhealthy", (health("A", "B"), ["B"]), "A: about A"),
        ("unhealthy", (health("A", muted="A"),), None),
    ],
)
def test_conditions(function: str, arguments: tuple[Any, ...], expected: str | None) -> None:
    assert getattr(_ceph_wait, function)(*arguments) == expected


class Clock:
    now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def waiting(answers: dict[str, Any], seconds: float = 10) -> tuple[CephWait, Clock]:
    clock = Clock()
    return CephWait(FakeCeph(answers), Deadline(seconds, clock=lambda: clock.now, sleep=clock.sleep)), clock


def test_a_wait_that_ends() -> None:
    wait, clock = waiting({"health detail=detail": Then(health("A", "B"), NOBODY, health("B"), health())})
    wait.health(["B"])
    assert clock.now == 2


def test_a_wait_that_does_not_end() -> None:
    wait, clock = waiting({"osd dump": osds((1, 0, 1))})
    with pytest.raises(Timeout, match=r"waited 10 s for the OSDs 1, 2 to be up and in; last seen: osd.1 is down"):
        wait.osds([2, 1])
    assert clock.now == 10


def test_nobody_answers_at_all() -> None:
    wait, _clock = waiting({"quorum_status": NOBODY})
    with pytest.raises(Timeout, match="last seen: ceph status: Connection timed out"):
        wait.quorum()


def test_an_error_that_waiting_does_not_mend() -> None:
    wait, clock = waiting({"quorum_status": CephError("quorum_status", 13, "")})
    with pytest.raises(CephError):
        wait.quorum()
    assert clock.now == 0


def test_requirements() -> None:
    answers = {
        "quorum_status": QUORUM,
        "mgr dump": {"active_name": "a", "available": True},
        "osd dump": osds((0, 1, 1)),
        "status": status(),
        "fs dump": {"filesystems": []},
    }
    wait, _clock = waiting(answers)
    for name in _ceph_wait.REQUIREMENTS:
        wait.require(name)
    assert isinstance(wait.ceph, FakeCeph) and sorted(wait.ceph.calls) == sorted(answers)
