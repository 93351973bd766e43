# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What inventory_info found on several machines as the files of one inventory. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

# of the connection, which is no matter of the machine
CONNECTION = (
    "ansible_host", "ansible_port", "ansible_user", "ansible_connection", "ansible_python_interpreter",
    "ansible_ssh_private_key_file", "ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_executable",
    "ansible_control_path_dir", "ansible_become", "ansible_become_method", "ansible_become_user",
)  # fmt: skip
CONNECTION_SECRETS = ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password", "ansible_become_password")
# lists of inventory names; the machines know names of nodes
_OF_HOSTS = ("pve_ceph_mons", "pve_ceph_mgrs", "pve_ceph_mds")
_NAMED_BY = {"pve": "pve_host", "pbs": "pbs_server"}
_NAMES = [f"{role}_{fact}" for role in _NAMED_BY.values() for fact in ("name", "domain", "address")]
_EACH_ITS_OWN = (
    *_NAMES, "pve_network_interfaces", "pve_cluster_links", "pve_ceph_osds", "pve_datacenter_node_options",
    "pve_firewall_node_options", "pve_firewall_node_rules",
)  # fmt: skip
_TEMPLATE = re.compile(r"\{[{%#]")
VAULT = "vault.yml.example"


class Reference(str):
    """A template of ours. Any other text with braces in it is none, and stays as it is."""


class _Dumper(yaml.SafeDumper):
    """Block style, lists indented below their names, texts of several lines as such."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, data: str) -> yaml.Node:
    if _TEMPLATE.search(data):
        return dumper.represent_scalar("!unsafe", data, style='"')
    lines = data.split("\n")
    literal = len(lines) > 1 and not any(line != line.rstrip() for line in lines) and not data.startswith((" ", "\n"))
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style="|" if literal else None)


def _reference(dumper: yaml.SafeDumper, data: Reference) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(data), style='"')


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Reference, _reference)


@dataclass
class Secret:
    """C(variable): its name in the vault; C(what): what it is."""

    variable: str
    what: str


@dataclass
class _Group:
    """One group of the inventory: its hosts and what they have in common."""

    name: str
    hosts: list[str]
    values: dict[str, Any] = field(default_factory=dict)
    secrets: list[Secret] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class _Own:
    """What one machine has for itself."""

    values: dict[str, Any]
    notes: list[str]


@dataclass
class Machine:
    """What is known of one machine.

    found       RV(inventory) of inventory_info
    connection  variables of the connection; C(secret): names of those that are not written down
    kept        what is taken over from the inventory at hand
    """

    name: str
    found: Mapping[str, Any]
    connection: Mapping[str, Any] = field(default_factory=dict)
    secret: Sequence[str] = ()
    kept: Mapping[str, Any] = field(default_factory=dict)


def files(groups: Mapping[str, Sequence[Machine]]) -> dict[str, str]:
    """The texts by path. C(groups): the machines of each group; the first that was asked for the cluster tells of it."""
    names, own = _Names(), {}
    found = [_group(name, machines, names, own) for name, machines in groups.items() if machines]
    made = {"hosts.yml": _hosts({machine.name: machine for some in groups.values() for machine in some}, found)}
    for group in found:
        for phase, values in _phases(group.values).items():
            about = [note for note in group.notes if _phase(note.partition(":")[0]) == phase]
            made[f"group_vars/{group.name}/{phase}.yml"] = _file(values, about)
        if group.secrets:
            made[f"group_vars/{group.name}/{VAULT}"] = _vault(group)
    for host, one in sorted(own.items()):
        if one.values or one.notes:
            made[f"host_vars/{host}.yml"] = _file(one.values, one.notes)
    return made


def notes(machine: Machine, scope: str) -> list[str]:
    return [note["text"] for note in machine.found["notes"] if note["scope"] == scope]


def _group(name: str, machines: Sequence[Machine], names: _Names, own: dict[str, _Own]) -> _Group:
    group = _Group(name, [machine.name for machine in machines])
    hosts = {machine.found["name"].get("hostname"): machine.name for machine in machines}
    for machine in machines:
        if machine.name not in own:
            own[machine.name] = _Own(
                {**_name(machine), **machine.kept, **machine.found["host"]}, notes(machine, "host")
            )
            group.secrets += names.put(machine, "host", own[machine.name].values)
        if machine.found["cluster"] and not group.values:
            group.values = dict(machine.found["cluster"])
            group.secrets += names.put(machine, "cluster", group.values)
            group.notes += notes(machine, "cluster")
    for variable in _OF_HOSTS:
        known = group.values.get(variable, [])
        group.notes += [f"{variable}: {one} is no host of this inventory" for one in known if one not in hosts]
        group.values |= {variable: [hosts[one] for one in known if one in hosts]} if known else {}
    common = _common([own[machine.name].values for machine in machines])
    group.values = {**group.values, **common}
    for machine in machines:
        mine = own[machine.name]
        mine.values = {variable: value for variable, value in mine.values.items() if variable not in common}
    return group


def _common(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is the same on all machines, but for what each has for itself."""
    first, *others = values
    return {
        variable: value
        for variable, value in first.items()
        if variable not in _EACH_ITS_OWN and all(variable in other and other[variable] == value for other in others)
    }


def _name(machine: Machine) -> dict[str, Any]:
    """Where the roles' defaults, which come from the inventory name and ansible_host, would say something else."""
    about = machine.found["name"]
    short, _dot, domain = machine.name.partition(".")
    address = str(machine.connection.get("ansible_host", machine.name))
    real = [one for one in about.get("resolves_to", ()) if not one.startswith("127.") and one != "::1"]
    result = {}
    for role in [_NAMED_BY[product] for product in machine.found["products"]]:
        if about.get("hostname", short) != short:
            result[f"{role}_name"] = about["hostname"]
        if about.get("domain", domain) != domain:
            result[f"{role}_domain"] = about["domain"]
        if real and address not in real:
            result[f"{role}_address"] = real[0]
    return result


class _Names:
    """Names in the vault, each once."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def new(self, *words: str) -> str:
        base = "vault_" + "_".join(re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_") for word in words if word)
        name, number = base, 2
        while name in self.taken:
            name, number = f"{base}_{number}", number + 1
        self.taken.add(name)
        return name

    def put(self, machine: Machine, scope: str, variables: dict[str, Any]) -> list[Secret]:
        """Writes references into the variables that the secrets of a scope belong to."""
        where = machine.name.partition(".")[0] if scope == "host" else ""
        made = []
        for secret in [one for one in machine.found["secrets"] if one["scope"] == scope]:
            item, table, option = secret["item"], secret["table"], secret["option"]
            name = self.new(where, table, item, option)
            value = variables[secret["variable"]]
            value = [dict(one) for one in value] if isinstance(value, list) else dict(value)
            target = value if secret["index"] is None else value[secret["index"]]
            # without the vault nothing changes, because the option is left out then
            target[option] = Reference("{{ " + name + " | default(omit) }}")
            variables[secret["variable"]] = value
            of = f"{table} '{item}'" if item else table
            made.append(Secret(name, f"{option} of {of}" + (f" on {machine.name}" if where else "")))
        return made


def _phase(variable: str) -> str:
    return variable.split("_")[1] if variable.startswith(("pve_", "pbs_")) else "main"


def _phases(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for variable in values:
        found.setdefault(_phase(variable), {})[variable] = values[variable]
    return found


def _file(values: Mapping[str, Any], notes: Iterable[str] = ()) -> str:
    lines = ["---", "# Read from the machines (playbook baremetal.proxmox.gather)."]
    lines += [f"# Left out: {note}" for note in _one_line(notes)]
    parts = ["\n" + _dump({variable: values[variable]}) for variable in values]
    return "\n".join(lines) + "\n" + "".join(parts)


def _one_line(notes: Iterable[str]) -> list[str]:
    return [" ".join(note.split()) for note in notes]


def _dump(value: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=110
    )
    return text


def _hosts(machines: Mapping[str, Machine], groups: Sequence[_Group]) -> str:
    every = [machine.connection for machine in machines.values()]
    common = {
        name: value
        for name, value in every[0].items()
        if name != "ansible_host" and all(one.get(name) == value for one in every)
    }
    secret = sorted({name for machine in machines.values() for name in machine.secret})
    common |= {name: Reference("{{ vault_" + name + " }}") for name in secret}
    groups[0].secrets += [Secret(f"vault_{name}", f"{name} of the machines") for name in secret]
    seen: set[str] = set()
    children: dict[str, Any] = {}
    for group in groups:
        hosts = {}
        for host in group.hosts:
            mine = {name: value for name, value in machines[host].connection.items() if name not in common}
            hosts[host] = mine if mine and host not in seen else None
            seen.add(host)
        children[group.name] = {"hosts": hosts}
    inventory = {"all": {**({"vars": common} if common else {}), "children": children}}
    return "---\n# Read from the machines (playbook baremetal.proxmox.gather).\n" + _dump(inventory).replace(
        ": null\n", ":\n"
    )


def _vault(group: _Group) -> str:
    lines = [
        "---",
        "# What cannot be read, or must not be. Copy this to vault.yml, fill it in, and encrypt it:",
        "#   ansible-vault encrypt vault.yml",
        "# What is already there stays as it is without these; a machine that is made anew needs them.",
    ]
    for one in sorted(group.secrets, key=lambda one: one.variable):
        lines += [f"# {one.what}", f"# {one.variable}:"]
    return "\n".join(lines) + "\n"
