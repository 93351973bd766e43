# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret reaches the journal of the node: Ansible's masking misses those that change in a repr."""

from __future__ import annotations

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.baremetal.proxmox.plugins.module_utils import _errors
from ansible_collections.baremetal.proxmox.plugins.modules import cluster, storage

SECRET = "first line\nsecond \\ 'line'"
CALLS = {
    "storage": (storage, {"config": [{"storage": "a", "type": "rbd", "keyring": SECRET, "password": SECRET}]}),
    "cluster": (cluster, {"name": "prod", "peer": {"address": "192.0.2.1", "password": SECRET}}),
}


@pytest.mark.parametrize("module, arguments", CALLS.values(), ids=CALLS.keys())
def test_nothing_is_logged(module, arguments, monkeypatch):
    logged = []
    monkeypatch.setattr(basic.syslog, "syslog", lambda *message: logged.append(message))
    monkeypatch.setattr(basic, "has_journal", False)
    monkeypatch.setattr(_errors, "run", lambda ansible_module, _work: ansible_module.log("done"))
    # Ansible always says so, and it counts more than what the module says
    with patch_module_args({**arguments, "_ansible_no_log": False}):
        module.main()
    assert logged == []
