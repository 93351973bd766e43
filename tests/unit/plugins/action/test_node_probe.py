# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What round trips say about a clock."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.proxmox.plugins.action.node_probe import offset


def test_no_answer() -> None:
    assert offset([]) is None


@pytest.mark.parametrize("ahead", [0.0, 5.0, -5.0, 0.04])
def test_the_truth_is_within_the_error(ahead: float) -> None:
    # (when it was asked, how long until the machine looked, how long until the answer was here)
    trips = [(100.0, 0.3, 0.01), (101.0, 0.01, 0.2), (102.0, 0.05, 0.05)]
    found = offset([(at, at + there + ahead, at + there + back) for at, there, back in trips])
    assert found is not None
    assert abs(found["offset"] - ahead) <= found["error"] + 1e-9
    # better than any of them alone: the shortest way there and the shortest way back
    assert found["error"] == pytest.approx((0.01 + 0.01) / 2)
    assert found["samples"] == 3


def test_a_clock_that_was_set_in_between_is_not_known_well() -> None:
    found = offset([(100.0, 100.05, 100.1), (101.0, 106.05, 101.1)])
    assert found is not None
    assert found["offset"] - found["error"] <= 0 <= 5 <= found["offset"] + found["error"]
