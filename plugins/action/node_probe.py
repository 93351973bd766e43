# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any

from ansible.plugins.action import ActionBase

Sample = tuple[float, float, float]


class ActionModule(ActionBase):
    """Reads the clock from here, in round trips of its own, and leaves the rest to the module."""

    _supports_check_mode = True
    _requires_connection = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        declared = arguments.pop("declared", {})
        samples = [self._sample() for _time in range(int(arguments.get("clock_samples", 4)))]
        result |= self._execute_module(
            module_name="baremetal.proxmox.node_probe", module_args=arguments, task_vars=task_vars
        )
        if not result.get("failed"):
            result |= {"clock": offset([sample for sample in samples if sample]), "declared": declared}
        return result

    def _sample(self) -> Sample | None:
        """(before, the machine's time, after), or None if it did not say."""
        before = time.time()
        # not as root: that would only take longer
        told = self._low_level_execute_command("date +%s.%N", sudoable=False)
        after = time.time()
        found = re.search(r"^(\d+\.\d+)\s*$", told.get("stdout", ""), re.MULTILINE)
        return (before, float(found[1]), after) if found else None


def offset(samples: Sequence[Sample]) -> dict[str, Any] | None:
    """How far the machine is ahead: every sample sets limits to that, and the truth lies within all of them."""
    if not samples:
        return None
    least = max(told - after for _before, told, after in samples)
    most = min(told - before for before, told, _after in samples)
    # a clock that was set in between leaves nothing that fits all: then everything that any of them allows
    if least > most:
        least, most = (
            min(told - after for _b, told, after in samples),
            max(told - before for before, told, _a in samples),
        )
    return {"offset": round((least + most) / 2, 4), "error": round((most - least) / 2, 4), "samples": len(samples)}
