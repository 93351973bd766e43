# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible import template
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _net
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._validate import PREFIXES, Source, validate

SPEC = {
    "pattern": {"type": "str", "required": True},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "prefixes": {"type": "list", "elements": "str", "default": list(PREFIXES)},
}
# From ansible-core 2.19 on, templates are followed only in what is marked as ours
TRUSTED = {"trusted_as_template": True} if hasattr(template, "trust_as_template") else {}

display = Display()


class ActionModule(ActionBase):
    """Reads variables only; nothing is asked of any machine, whatever its connection is."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _result, arguments = self.validate_argument_spec(SPEC)
        if not _net.HAS_NETADDR:
            raise AnsibleActionFail("The Python library netaddr is missing on the controller (see requirements.txt).")
        variables = task_vars or {}
        hostvars = variables["hostvars"]
        verdict = validate(
            Source(
                pattern=arguments["pattern"],
                hosts=arguments["hosts"],
                variables={name: hostvars.raw_get(name) for name in variables["groups"]["all"]},
                groups=variables["groups"],
                hostvars=hostvars,
                loader=self._loader,
                load=self._load,
                extra=load_extra_vars(self._loader),
                skipped=variables.get("ansible_skip_tags") or (),
                prefixes=arguments["prefixes"],
                omit=variables.get("omit"),
            )
        )
        for sentence in verdict.errors:
            # each on a line of its own, whatever form the callback gives to results
            display.error(sentence, wrap_text=False)
        result.update(
            changed=False,
            findings=[finding.as_dict() for finding in verdict.findings],
            errors=verdict.errors,
            warnings=verdict.warnings,
        )
        return result

    def _load(self, path: str) -> Any:
        return self._loader.load_from_file(path, **TRUSTED)
