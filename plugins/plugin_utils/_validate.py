# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""From what Ansible knows of an inventory to all findings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, nearest, sentences, show
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Inventory, Reader, unknown_variables
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._rules import examine
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import load_specs

ROLES = Path(__file__).parents[2] / "roles"
PREFIXES = ("pve_", "pbs_")
SERVER = "pbs_server"
ONLY_EXTRA = {
    "pve_hosts": "The inventory's variables are not known yet where the playbooks choose their hosts",
    "ceph_allow_wipe": "Each run that wipes disks says so itself",
}


@dataclass(frozen=True)
class Source:
    """What Ansible gives. C(hosts): those of the pattern; C(variables): of each host of the inventory, as written.

    C(extra): names that the command line sets. C(skipped): tags that this run leaves out. C(load): reads a YAML file of
    the collection so that its templates are followed. C(omit): what stands for a value that is not given.
    """

    pattern: str
    hosts: Sequence[str]
    variables: Mapping[str, Mapping[str, Any]]
    groups: Mapping[str, Sequence[str]]
    hostvars: Any
    loader: Any
    load: Callable[[str], Any]
    extra: Collection[str] = ()
    skipped: Collection[str] = ()
    prefixes: Sequence[str] = PREFIXES
    omit: Any = None


@dataclass(frozen=True)
class Verdict:
    """All findings; and as sentences, those that stop a run and the others."""

    findings: list[Finding] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def validate(source: Source) -> Verdict:
    specs = load_specs(ROLES, source.load)
    reader = Reader(specs, source.loader, _common(source), [f"pve_{tag}" for tag in source.skipped])
    findings = [*_group(source), *_too_late(source)]
    for name, variables in source.variables.items():
        findings += unknown_variables(name, variables, specs, source.prefixes)
    hosts = {name: reader.host(name, source.variables[name]) for name in source.hosts}
    servers = Reader(specs.of(SERVER), source.loader, _common(source))
    backup = {name: hosts.get(name) or servers.host(name, source.variables[name]) for name in _servers(source)}
    findings += examine(Inventory(source.pattern, hosts, specs, servers=backup, everyone=frozenset(source.variables)))
    reader.secrets |= servers.secrets
    findings = reader.without_secrets([*reader.findings, *servers.findings, *findings])
    errors, warnings = (
        sentences([one for one in findings if one.warning is warning], source.hosts, source.pattern)
        for warning in (False, True)
    )
    return Verdict(findings, errors, warnings)


def _servers(source: Source) -> list[str]:
    """Hosts of which the inventory says something as of backup servers, wherever they are."""
    return [name for name, own in source.variables.items() if any(one.startswith(f"{SERVER}_") for one in own)]


def _common(source: Source) -> dict[str, Any]:
    """What Ansible sets in the plays that are to come."""
    plays = ("ansible_play_hosts", "ansible_play_hosts_all", "ansible_play_batch", "play_hosts")
    # from ansible-core 2.19 on it is known wherever templates are
    omit = {} if source.omit is None else {"omit": source.omit}
    return {"hostvars": source.hostvars, **omit, **{name: list(source.hosts) for name in plays}}


def _group(source: Source) -> Iterator[Finding]:
    if source.hosts:
        return
    near = nearest(source.pattern, [name for name, hosts in source.groups.items() if hosts and name != source.pattern])
    advice = "Name the group with -e pve_hosts=GROUP" + (f"; perhaps {near} is meant" if near else "")
    found = f"none in {show(source.pattern)}"
    yield Finding("inventory", "pve_hosts", "a group with at least one host", found, advice)


def _too_late(source: Source) -> Iterator[Finding]:
    """What the command line alone may say."""
    for name, variables in source.variables.items():
        for variable, advice in ONLY_EXTRA.items():
            if variable in variables and variable not in source.extra:
                yield Finding(name, variable, "it as an extra variable (-e)", "it in the inventory", advice)
