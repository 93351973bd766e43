# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""The form of calendar events: pve-docs, calendar-events.adoc; proxmox-time, calendar_event.rs.

[WEEKDAYS] [[YEAR-]MONTH-DAY] [[HOUR:]MINUTE[:SECOND]] [UTC]. Only what is surely none is refused here.
"""

from __future__ import annotations

import re

FORM = "a calendar event such as mon..fri 02:30, */15 or sun 03:00"
_WORDS = frozenset({
    "minutely", "hourly", "daily", "weekly", "monthly", "yearly", "annually", "quarterly", "semiannually", "semi-annually",
})  # fmt: skip
_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*"
_DAYS = re.compile(rf"{_DAY}(?:\.\.{_DAY})?(?:,{_DAY}(?:\.\.{_DAY})?)*", re.IGNORECASE)
_ONE = r"(?:\*|\d+(?:\.\.\d+)?)(?:/\d+)?"
_SEVERAL = rf"{_ONE}(?:,{_ONE})*"
_DATE = re.compile(rf"(?:{_SEVERAL}-)?{_SEVERAL}-{_SEVERAL}")
_TIME = re.compile(rf"{_SEVERAL}(?::{_SEVERAL}){{0,2}}")
_GREATEST = {"date": (9999, 12, 31), "time": (23, 59, 59)}


def is_event(text: str) -> bool:
    if text.strip().lower() in _WORDS:
        return True
    words = text.split()
    if words and words[-1] == "UTC":
        words.pop()
    found = [_kind(word) for word in words]
    order = ["days", "date", "time"]
    return bool(words) and None not in found and found == [kind for kind in order if kind in found]


def _kind(word: str) -> str | None:
    if _DAYS.fullmatch(word):
        return "days"
    if _DATE.fullmatch(word):
        return "date" if _fits(word.split("-"), _GREATEST["date"]) else None
    if _TIME.fullmatch(word):
        parts = word.split(":")
        # a single number is a minute
        greatest = _GREATEST["time"][1:2] if len(parts) == 1 else _GREATEST["time"][: len(parts)]
        return "time" if _fits(parts, greatest) else None
    return None


def _fits(parts: list[str], greatest: tuple[int, ...]) -> bool:
    limits = greatest[-len(parts) :]
    return all(
        int(number) <= limit
        for part, limit in zip(parts, limits, strict=True)
        for number in re.findall(r"(?<!/)\b\d+", part)
    )
