# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _preflight_table as table
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _preflight_verdict as verdicts
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import plain

SPEC = {
    "members": {"type": "list", "elements": "str", "required": True},
    "rack": {"type": "list", "elements": "str", "default": []},
    "facts": {"type": "str", "required": True},
    "probe": {"type": "str", "required": True},
    "artifact": {"type": "str", "default": ""},
}
# declared by a host that could not be asked
FALLBACK = {"requirements": "pve_preflight_requirements", "overrides": "pve_preflight_overrides"}


class ActionModule(ActionBase):
    """Judges what was registered on all hosts; asks none of them."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _result, arguments = self.validate_argument_spec(SPEC)
        hostvars = (task_vars or {})["hostvars"]
        results = {}
        for name in arguments["members"]:
            own = hostvars[name]
            results[name] = {
                "facts": plain(own.get(arguments["facts"], {})),
                "probe": plain(own.get(arguments["probe"], {})),
                "declared": {key: plain(own.get(variable, {})) for key, variable in FALLBACK.items()},
            }
        ceph_hosts = [name for name in arguments["rack"] if hostvars[name].get("pve_ceph_osds")]
        machines = verdicts.machines(results, ceph_hosts)
        verdict = verdicts.judge(machines)
        summaries = {machine.name: table.summary(machine) for machine in machines}
        answer = {**verdict.as_dict(), "machines": summaries}
        if arguments["artifact"]:
            facts = {machine.name: machine.facts for machine in machines}
            _write(arguments["artifact"], {**answer, "facts": facts})
        result |= {
            "changed": False,
            "lines": table.lines(machines, verdict),
            "refusals": [*verdict.errors, *(finding.sentence for finding in verdict.failures)],
            "preflight": answer,
            # what set_stats returns: AWX keeps it as the job's artifacts
            "ansible_stats": {"data": {"pve_preflight": answer}, "per_host": False, "aggregate": False},
        }
        return result


def _write(path: str, content: dict[str, Any]) -> None:
    """Whole or not at all."""
    target = Path(path).expanduser()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            json.dump(content, file, indent=2, sort_keys=True)
            file.write("\n")
        os.replace(file.name, target)
    except OSError as error:
        raise AnsibleActionFail(f"pve_preflight_artifact: {path} cannot be written: {error.strerror}.") from error
