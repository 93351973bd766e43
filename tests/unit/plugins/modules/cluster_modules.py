# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A way to run the cluster modules on a machine in a folder."""

from __future__ import annotations

import json
from typing import Any

from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from ..module_utils.cluster_world import World


class Left(BaseException):
    """How a module ended; no part of any error tree."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(json.dumps(result, default=str))
        self.result = result


def run(
    monkeypatch: Any, module: Any, world: World, arguments: dict[str, Any], *, check: bool = False, uid: int = 0
) -> dict[str, Any]:
    """The result; C(warnings) and, of a failure, C(failed) among it."""
    warnings: list[str] = []

    def leave(failed: bool) -> Any:
        def method(_self: Any, **result: Any) -> None:
            raise Left({"warnings": warnings, **({"failed": True} if failed else {}), **result})

        return method

    monkeypatch.setattr(basic.AnsibleModule, "exit_json", leave(False))
    monkeypatch.setattr(basic.AnsibleModule, "fail_json", leave(True))
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _self, text: warnings.append(text))
    monkeypatch.setattr(module._node, "Machine", lambda: world.machine)
    monkeypatch.setattr(module._node.os, "geteuid", lambda: uid)
    try:
        with patch_module_args({**arguments, "_ansible_check_mode": check}):
            module.main()
    except Left as left:
        return left.result
    raise AssertionError("the module returned")
