# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: backup_stagger
short_description: Spread backup jobs over a window of time
version_added: 0.1.0
description:
  - Gives each job of a list that does not say a time a C(schedule) of its own, in equal steps from the beginning of the
    window on, in the order of the list.
  - A C(schedule) that has only days (V(sat), V(mon..fri), V(*-*-1)) keeps them and gets a time. Days are those of the
    time itself, so that a job after midnight belongs to the next day.
  - A job whose C(schedule) has a time stays as it is.
options:
  _input:
    description: The jobs, as O(baremetal.proxmox.backup_job#module:config) takes them.
    type: list
    elements: dict
    required: true
  start:
    description: Beginning of the window, C(HH:MM).
    type: str
    default: '22:00'
  end:
    description: End of the window, C(HH:MM), before which all jobs have begun. It may be on the next day.
    type: str
    default: '06:00'
  step:
    description: The times are multiples of so many minutes after the beginning.
    type: int
    default: 5
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
# 22:00, sat 00:00 and 02:00
jobs: >-
  {{ [{'id': 'web', 'pool': 'web'}, {'id': 'db', 'pool': 'db', 'schedule': 'sat'}, {'id': 'rest', 'pool': 'rest'}]
     | baremetal.proxmox.backup_stagger(start='22:00', end='04:00') }}
"""

RETURN = r"""
_value:
  description: The jobs, each with C(schedule).
  type: list
  elements: dict
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_DAY = 24 * 60


def _minutes(name: str, text: Any) -> int:
    match = _CLOCK.fullmatch(str(text))
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        # YAML reads 22:00 without quotes as a number
        raise AnsibleFilterError(f"backup_stagger: {name}: expected a time such as '22:00', in quotes, found {text!r}")
    return int(match[1]) * 60 + int(match[2])


def _has_time(schedule: str) -> bool:
    """Words such as daily have one, too."""
    words = schedule.split()
    return any(":" in word or word.isdigit() or word.endswith("ly") or word.startswith("*/") for word in words)


def backup_stagger(
    jobs: Sequence[Mapping[str, Any]], start: str = "22:00", end: str = "06:00", step: int = 5
) -> list[dict[str, Any]]:
    first = _minutes("start", start)
    length = (_minutes("end", end) - first) % _DAY or _DAY
    if not 1 <= int(step) <= length:
        raise AnsibleFilterError(f"backup_stagger: step: expected 1 to {length} minutes, found {step}")
    open_ones = [job for job in jobs if not _has_time(str(job.get("schedule") or ""))]
    result = []
    place = 0
    for job in jobs:
        days = str(job.get("schedule") or "")
        if _has_time(days):
            result.append(dict(job))
            continue
        after = place * length // len(open_ones) // int(step) * int(step)
        moment = (first + after) % _DAY
        result.append({**job, "schedule": f"{days} {moment // 60:02d}:{moment % 60:02d}".strip()})
        place += 1
    return result


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"backup_stagger": backup_stagger}
