# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is taken for a calendar event; the examples of pve-docs, calendar-events.adoc, among it."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._calendar import is_event

EVENTS = [
    "mon,tue,wed,thu,fri",
    "mon..fri",
    "sat..sun",
    "10:15",
    "*/5",
    "mon..wed 30/10",
    "mon,wed,fri 8..17,22:0/15",
    "fri 12..13:5/20",
    "12,14,16,18,20,22:5",
    "*",
    "*:*",
    "2015-10-21",
    "Mon..Fri 10",
    "sat *-1..7 15:00",
    "daily",
    "semi-annually",
    "2/1:00",
    "21:00 UTC",
    "*-*-1 02:30:00",
    "wednesday",
]
OTHERS = [
    "",
    "now and then",
    "25:00",
    "10:60",
    "mon fri",
    "10:00 mon",
    "*-13-1",
    "0 2 * * *",
    "2:30am",
    "every day",
    "@daily",
    "1:2:3:4",
]


@pytest.mark.parametrize("text", EVENTS)
def test_events(text: str) -> None:
    assert is_event(text)


@pytest.mark.parametrize("text", OTHERS)
def test_what_is_none(text: str) -> None:
    assert not is_event(text)
