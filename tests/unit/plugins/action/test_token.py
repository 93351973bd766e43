# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A result with secrets in it is not shown."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.baremetal.proxmox.plugins.action.token import ActionModule


@pytest.mark.parametrize(
    ("answer", "hidden"),
    [
        ({"changed": True, "secrets": {"a@pve!x1": "canary"}}, True),
        ({"failed": True, "msg": "no", "secrets": {"a@pve!x1": "canary"}}, True),
        ({"changed": True}, False),
        ({"changed": False, "secrets": {}}, False),
    ],
)
def test_what_is_hidden(monkeypatch: Any, answer: dict[str, Any], hidden: bool) -> None:
    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
    action = ActionModule(*[MagicMock() for _argument in range(6)])
    monkeypatch.setattr(action, "_execute_module", lambda **_arguments: dict(answer))
    result = action.run(None, {})
    assert result.pop("_ansible_no_log", False) is hidden
    assert result == answer
