# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs spread over a window."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.baremetal.proxmox.plugins.filter.backup_stagger import backup_stagger


def times(jobs: list[Any], **window: Any) -> list[str]:
    return [job["schedule"] for job in backup_stagger(jobs, **window)]


def test_equal_steps_in_the_order_of_the_list() -> None:
    jobs: list[Any] = [{"id": "web", "pool": "web"}, {"id": "db", "schedule": "sat"}, {"id": "rest"}]
    assert times(jobs, start="22:00", end="04:00") == ["22:00", "sat 00:00", "02:00"]
    assert backup_stagger(jobs)[0] == {"id": "web", "pool": "web", "schedule": "22:00"}
    assert jobs[0] == {"id": "web", "pool": "web"}


@pytest.mark.parametrize(
    "schedule", ["02:30", "mon..fri 1:15", "daily", "*/15", "sun 04:00:00", "hourly", "*:0/30", "2"]
)
def test_a_job_with_a_time_stays(schedule: str) -> None:
    assert times([{"schedule": schedule}, {}, {}], start="01:00", end="03:00") == [schedule, "01:00", "02:00"]


@pytest.mark.parametrize("days", ["mon..fri", "sat,sun", "*-*-1", "*-1,4,7,10-1"])
def test_days_stay(days: str) -> None:
    assert times([{"schedule": days}], start="03:00", end="04:00") == [f"{days} 03:00"]


def test_times_are_round_and_inside_the_window() -> None:
    found = times([{}] * 7, start="22:00", end="23:00", step=5)
    assert found == ["22:00", "22:05", "22:15", "22:25", "22:30", "22:40", "22:50"]
    assert len(set(times([{}] * 100, start="20:00", end="06:00", step=1))) == 100


def test_a_whole_day() -> None:
    assert times([{}, {}], start="06:00", end="06:00") == ["06:00", "18:00"]


@pytest.mark.parametrize(
    ("window", "sentence"),
    [
        ({"start": 79200}, "start: expected a time such as '22:00', in quotes, found 79200"),
        ({"end": "24:00"}, "end: expected a time"),
        ({"step": 0}, "step: expected 1 to 480 minutes, found 0"),
    ],
)
def test_refused(window: Any, sentence: str) -> None:
    with pytest.raises(AnsibleFilterError, match="backup_stagger") as caught:
        backup_stagger([{}], **window)
    assert sentence in str(caught.value)
