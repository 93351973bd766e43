# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""What the inventory says about each host, templated without asking any host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible.template import Templar
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import (
    HIDDEN,
    Finding,
    looks_secret,
    nearest,
)
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import (
    NOTHING,
    Checker,
    Place,
    Specs,
    advice_of,
    meaning,
    nullable,
)

# Ansible's types of a value that is encrypted by itself, up to 2.18 and from 2.19 on
_VAULTED = frozenset({"AnsibleVaultEncryptedUnicode", "EncryptedString"})
# Shorter ones would make holes in sentences that have nothing to do with them
_SHORTEST_SECRET = 4


@dataclass
class Host:
    """One machine. C(values): checked and converted, role defaults included; C(given): what the inventory sets.

    C(broken): variables of which not all is in order. C(networks): the declared networks that are, by name.
    """

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    connection: Mapping[str, Any] = field(default_factory=dict)
    networks: dict[str, Any] = field(default_factory=dict)

    def get(self, variable: str, default: Any = None) -> Any:
        value = self.values.get(variable)
        return default if value is None else value

    def items(self, variable: str) -> Iterator[tuple[Place, Any]]:
        """The items of a list that are in order, each with its place."""
        for index, item in enumerate(self.get(variable, ())):
            if item is not None:
                yield self.place(variable).item(index), item

    def place(self, variable: str) -> Place:
        return Place(self.name, variable, looks_secret(variable))


@dataclass
class Inventory:
    """The hosts that the playbooks work on, in order. C(pattern): what selects them.

    C(servers): backup servers, which may be among them. C(everyone): the names of all hosts that the inventory has.
    """

    pattern: str
    hosts: dict[str, Host]
    specs: Specs
    skipped: frozenset[str] = frozenset()
    servers: dict[str, Host] = field(default_factory=dict)
    everyone: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[Host]:
        return iter(self.hosts.values())

    def __len__(self) -> int:
        return len(self.hosts)

    def all(self) -> list[Host]:
        return list({**self.hosts, **self.servers}.values())


def plain(value: Any) -> Any:
    """Without the types in which Ansible wraps values; decrypts what is encrypted by itself."""
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str.__str__(value) if isinstance(value, str) else str(value)


def without(value: Any, omit: Any) -> Any:
    """Without what is C(omit) in lists and dicts, as Ansible leaves it out of a module's options."""
    if not isinstance(omit, str):
        # from ansible-core 2.19 on, templating has left it out already
        return value
    if isinstance(value, dict):
        return {key: without(item, omit) for key, item in value.items() if item != omit}
    return [without(item, omit) for item in value if item != omit] if isinstance(value, list) else value


def _vaulted(value: Any) -> Iterator[Any]:
    if type(value).__name__ in _VAULTED:
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _vaulted(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _vaulted(item)


class Reader:
    """Reads hosts one by one and collects what is wrong with their values, and what must not be shown of them."""

    def __init__(self, specs: Specs, loader: Any, common: Mapping[str, Any], skipped: Iterable[str] = ()) -> None:
        """C(common): variables that Ansible itself sets in a play. C(skipped): roles that this run leaves out."""
        self.specs = specs
        self.loader = loader
        self.common = common
        self.skipped = frozenset(skipped)
        self.findings: list[Finding] = []
        self.secrets: set[str] = set()

    def host(self, name: str, variables: Mapping[str, Any]) -> Host:
        """C(variables): of the inventory and the command line, as written."""
        templar = Templar(loader=self.loader, variables={**self.specs.defaults, **self.common, **variables})
        self._note_vaulted(variables)
        checker, defaults = Checker(), Checker()
        given = frozenset(variable for variable in self.specs.options if variable in variables)
        values: dict[str, Any] = {}
        broken = set()
        for variable, option in self.specs.options.items():
            place = Place(name, "").inside(variable, option)
            if variable not in variables and variable not in self.specs.defaults:
                if option.get("required") and self.specs.roles[variable] not in self.skipped:
                    checker.findings.append(place.finding(meaning(option), "nothing", advice_of(option)))
                continue
            try:
                written = variables[variable] if variable in variables else self.specs.defaults[variable]
                value = without(plain(templar.template(written)), self.common.get("omit"))
            except Exception as error:  # whatever a template or a vault may raise is a finding
                finding = place.finding("a value that can be made of the variables of this host", _reason(error))
                (checker if variable in given else defaults).findings.append(finding)
                broken.add(variable)
                continue
            self._note_secret(place, option, value)
            if value is None and nullable(option):
                continue
            judge = checker if variable in given else defaults
            before = len(judge.findings)
            result = judge.value(place, option, value)
            if result is not NOTHING:
                values[variable] = result
            if len(judge.findings) > before:
                broken.add(variable)
        # a default that is made of a broken variable says nothing new
        self.findings += checker.findings or defaults.findings
        return Host(name, values, given, frozenset(broken), self._connection(templar, variables))

    @staticmethod
    def _connection(templar: Templar, variables: Mapping[str, Any]) -> dict[str, Any]:
        result = {}
        for variable in ("ansible_host", "ansible_port"):
            try:
                result[variable] = plain(templar.template(variables.get(variable)))
            except Exception:  # whoever needs it gets a finding of its own
                result[variable] = None
        return result

    def _note_vaulted(self, variables: Mapping[str, Any]) -> None:
        for value in (item for name, item in variables.items() if name not in self.common for item in _vaulted(item)):
            try:
                self._keep_secret(str(value))
            except Exception:  # without its key it cannot be shown either; whoever needs it gets a finding
                continue

    def _note_secret(self, place: Place, option: Mapping[str, Any], value: Any) -> None:
        if place.secret and not isinstance(value, (dict, list)):
            self._keep_secret(str(value))
        elif isinstance(value, dict):
            for key, item in value.items():
                inner = (option.get("options") or {}).get(key, {})
                self._note_secret(place.inside(key, inner), inner, item)
        elif isinstance(value, list):
            for item in value:
                self._note_secret(place, option, item)

    def _keep_secret(self, text: str) -> None:
        if len(text) >= _SHORTEST_SECRET:
            self.secrets.add(text)

    def without_secrets(self, findings: Sequence[Finding]) -> list[Finding]:
        """The last word before anything is shown: no value that was read as a secret stands in any sentence."""
        result = []
        for finding in findings:
            fields = finding.as_dict()
            for name in ("expected", "found", "advice"):
                for secret in self.secrets:
                    fields[name] = fields[name].replace(secret, HIDDEN)
            result.append(Finding(**fields))
        return result


def _reason(error: BaseException) -> str:
    """The innermost sentence of Ansible's error, on one line."""
    text = " ".join(str(getattr(error, "message", None) or error).split())
    return text.rstrip(".") or type(error).__name__


def unknown_variables(name: str, variables: Iterable[str], specs: Specs, prefixes: Sequence[str]) -> Iterator[Finding]:
    """Variables that look like ours and that nobody reads."""
    for variable in variables:
        if variable.startswith(tuple(prefixes)) and variable not in specs.options:
            near = nearest(variable, specs.options)
            expected = "a variable that a role knows" + (f" (nearest: {near})" if near else "")
            yield Finding(name, variable, expected, "an unknown one")
