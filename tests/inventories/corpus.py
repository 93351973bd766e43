"""The bad inventories: what bad.yml changes in base.yml, and what validate has to say about it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
# Inventories in which nothing is wrong, with the further words of the command line
GOOD = {
    "access.yml": [],
    "awx/inventory.sh": ["-e", "awx_job_id=7", "-e", '{"awx_user_name": "admin"}', "--limit", "pve2"],
    "backup.yml": [],
    "bonds.yml": [],
    "ceph.yml": [],
    "certificate.yml": [],
    "datacenter.yml": [],
    "dhcp.yml": [],
    "domains.yml": [],
    "firewall.yml": [],
    "hypervisors.yml": ["-e", "pve_hosts=hypervisors"],
    "ipv6.yml": [],
    "nat.yml": [],
    "ovs.yml": [],
    "sdn.yml": [],
    "single.yml": [],
    "sixteen.yml": [],
    "standalone.yml": ["--skip-tags", "cluster"],
    "templates.yml": [],
    "vaulted/hosts.yml": ["--vault-password-file", str(HERE / "good" / "vaulted" / "password")],
    "vlans.yml": [],
}


@dataclass(frozen=True)
class Case:
    """C(variables) are those of the command line; C(errors) and C(warnings) are all that there are, in their order."""

    name: str
    inventory: dict[str, Any]
    errors: list[str]
    warnings: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)

    def write(self, directory: Path) -> Path:
        path = directory / "hosts.yml"
        path.write_text(yaml.safe_dump(self.inventory, sort_keys=False, allow_unicode=True))
        return path


def _scope(inventory: dict[str, Any], name: str) -> dict[str, Any]:
    """The variables of a host, of the group pve, or of all."""
    if name == "all":
        return inventory["all"].setdefault("vars", {})
    group = inventory["all"]["children"]["pve"]
    return group["vars"] if name == "pve" else group["hosts"].setdefault(name, {})


def _step(parts: list[str], value: Any) -> Any:
    for part in parts:
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def _set(inventory: dict[str, Any], path: str, value: Any) -> None:
    """C(pve.pve_cluster_links.0.number): scope, variable, and the way into it. One past the end of a list adds to it."""
    scope, *parts, last = path.split(".")
    target = _step(parts, _scope(inventory, scope))
    if isinstance(target, list) and int(last) == len(target):
        target.append(value)
    else:
        target[int(last) if isinstance(target, list) else last] = value


def _unset(inventory: dict[str, Any], path: str) -> None:
    scope, *parts, last = path.split(".")
    target = _step(parts, _scope(inventory, scope))
    del target[int(last) if isinstance(target, list) else last]


def cases() -> list[Case]:
    base = yaml.safe_load((HERE / "base.yml").read_text())
    result = []
    for row in yaml.safe_load((HERE / "bad.yml").read_text()):
        inventory = copy.deepcopy(row.get("inventory") or base)
        for path in row.get("unset", ()):
            _unset(inventory, path)
        for path, value in row.get("set", {}).items():
            _set(inventory, path, value)
        for host in row.get("without", ()):
            del inventory["all"]["children"]["pve"]["hosts"][host]
        variables, arguments = row.get("extra", {}), row.get("arguments", [])
        case = Case(row["name"], inventory, row.get("errors", []), row.get("warnings", []), variables, arguments)
        result.append(case)
    return result
