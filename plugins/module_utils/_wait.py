# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Waiting for a condition that has a name, until a deadline on the monotonic clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import Timeout


class Deadline:
    """Several waits that share one deadline of C(seconds) from now."""

    def __init__(
        self,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._end = clock() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self._end - self._clock())

    def until(self, what: str, probe: Callable[[], tuple[bool, Any]], *, interval: float = 0.5) -> Any:
        """Calls C(probe) until it answers (True, seen), and returns seen.

        The last thing seen is in the Timeout. The probe is always called at least once, and once more at the end.
        """
        while True:
            last_chance = self.left <= 0
            met, seen = probe()
            if met:
                return seen
            if last_chance:
                raise Timeout(what, self.seconds, seen)
            self._sleep(min(interval, max(self.left, 0.01)))
