# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible import template
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _net
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, nearest, sentences, show
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Inventory, Reader, unknown_variables
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._rules import examine
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import load_specs

# From ansible-core 2.19 on, templates are followed only in what is marked as ours
TRUSTED = {"trusted_as_template": True} if hasattr(template, "trust_as_template") else {}
display = Display()

SPEC = {
    "pattern": {"type": "str", "required": True},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "prefixes": {"type": "list", "elements": "str", "default": ["pve_", "pbs_"]},
}
ROLES = Path(__file__).parents[2] / "roles"


class ActionModule(ActionBase):
    """Reads variables only; nothing is asked of any machine, whatever its connection is."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _result, arguments = self.validate_argument_spec(SPEC)
        if not _net.HAS_NETADDR:
            raise AnsibleActionFail("The Python library netaddr is missing on the controller (see requirements.txt).")
        variables = task_vars or {}
        names, pattern = arguments["hosts"], arguments["pattern"]
        specs = load_specs(ROLES, self._load)
        reader = Reader(specs, self._loader, _common(variables, names), _skipped(variables))
        raw = {name: variables["hostvars"].raw_get(name) for name in variables["groups"]["all"]}
        findings = list(_group(pattern, names, variables["groups"]))
        findings += self._hidden(raw)
        for name, own in raw.items():
            findings += unknown_variables(name, own, specs, arguments["prefixes"])
        inventory = Inventory(pattern, {name: reader.host(name, raw[name]) for name in names}, specs)
        findings = reader.without_secrets([*findings, *reader.findings, *examine(inventory)])
        errors = sentences([one for one in findings if not one.warning], names, pattern)
        for sentence in errors:
            # each on a line of its own, whatever form the callback gives to results
            display.error(sentence, wrap_text=False)
        result.update(
            changed=False,
            findings=[one.as_dict() for one in findings],
            errors=errors,
            warnings=sentences([one for one in findings if one.warning], names, pattern),
        )
        return result

    def _load(self, path: str) -> Any:
        return self._loader.load_from_file(path, **TRUSTED)

    def _hidden(self, raw: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
        """The lines C(hosts) of the playbooks are made before any host's variables are there."""
        if "pve_hosts" in load_extra_vars(self._loader):
            return
        for name, own in raw.items():
            if "pve_hosts" in own:
                advice = "The inventory's variables are not known yet where the playbooks choose their hosts"
                yield Finding(name, "pve_hosts", "it as an extra variable (-e)", "it in the inventory", advice)


def _common(variables: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """What Ansible sets in the plays that are to come."""
    plays = ("ansible_play_hosts", "ansible_play_hosts_all", "ansible_play_batch", "play_hosts")
    return {"hostvars": variables["hostvars"], **{name: list(names) for name in plays}}


def _skipped(variables: Mapping[str, Any]) -> list[str]:
    return [f"pve_{tag}" for tag in variables.get("ansible_skip_tags") or ()]


def _group(pattern: str, names: list[str], groups: Mapping[str, Any]) -> Iterator[Finding]:
    if not names:
        near = nearest(pattern, [name for name in groups if groups[name] and name != pattern])
        advice = "Name the group with -e pve_hosts=GROUP" + (f"; perhaps {near} is meant" if near else "")
        yield Finding("inventory", "pve_hosts", "a group with at least one host", f"none in {show(pattern)}", advice)
