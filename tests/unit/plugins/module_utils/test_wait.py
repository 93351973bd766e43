# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import Timeout
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(seconds, clock=lambda: self.now, sleep=self.sleep)


def test_what_was_seen_when_it_came_true_is_returned_at_once() -> None:
    clock = Clock()
    assert clock.deadline(10).until("quorum", lambda: (True, "seen")) == "seen"
    assert clock.slept == []


def test_the_probe_is_repeated_until_it_is_met() -> None:
    clock = Clock()
    answers = iter([(False, 1), (False, 2), (True, 3)])
    assert clock.deadline(10).until("quorum", lambda: next(answers), interval=2) == 3
    assert clock.slept == [2, 2]


def test_a_timeout_names_the_condition_and_what_was_last_seen() -> None:
    clock = Clock()
    with pytest.raises(Timeout, match="waited 3 s for quorum; last seen: 1 of 2 votes"):
        clock.deadline(3).until("quorum", lambda: (False, "1 of 2 votes"), interval=2)
    assert clock.now == pytest.approx(3, abs=0.05)


def test_several_waits_share_one_deadline_and_each_probes_at_least_once() -> None:
    clock = Clock()
    deadline = clock.deadline(3)
    clock.now = 100
    assert deadline.left == 0
    assert deadline.until("quorum", lambda: (True, "late but there")) == "late but there"
    with pytest.raises(Timeout):
        deadline.until("quorum", lambda: (False, None))
