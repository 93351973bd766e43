# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What the roles know: their argument specs and defaults; and whether a host's values are as they say.

Ansible's own ArgumentSpecValidator judges each single value. What it does not tell is where in a list the value stands
and what was expected; that is added here, and every finding is told, not the first of each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.validation import check_type_dict, check_type_list
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import (
    Finding,
    listed,
    looks_secret,
    nearest,
    show,
)

Options = Mapping[str, Mapping[str, Any]]
Load = Callable[[str], Any]

# What Checker.value returns for a value that is no good
NOTHING = object()
# The list of what is not of one role but of the whole inventory
INVENTORY_WIDE = "pve_validate"
_WORDS = {
    "bool": "true or false",
    "bits": "a size in bits",
    "bytes": "a size",
    "dict": "key/value pairs",
    "float": "a number",
    "int": "a whole number",
    "json": "JSON",
    "jsonarg": "JSON",
    "list": "a list",
    "path": "a path",
    "str": "text",
}
_RELATIONS = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")


@dataclass(frozen=True)
class Specs:
    """C(options): variable to its spec. C(roles): variable to the role that has it. C(defaults): as written."""

    options: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)

    def of(self, role: str) -> Specs:
        """Of one role alone."""
        names = {name for name, owner in self.roles.items() if owner == role}
        options, roles, defaults = (
            {name: value for name, value in part.items() if name in names}
            for part in (self.options, self.roles, self.defaults)
        )
        return Specs(options, roles, defaults)


def load_specs(roles: Path, load: Load) -> Specs:
    """All roles of the collection. C(load) reads a YAML file, in the way that lets Ansible template what is in it."""
    specs = Specs()
    for role in sorted(path for path in roles.iterdir() if path.is_dir()):
        file = role / "meta" / "argument_specs.yml"
        for entry in (load(str(file)) or {}).get("argument_specs", {}).values() if file.is_file() else ():
            specs.options.update(entry.get("options") or {})
            specs.roles.update(dict.fromkeys(entry.get("options") or {}, role.name))
        file = role / "defaults" / "main.yml"
        if file.is_file():
            specs.defaults.update(load(str(file)) or {})
    return specs


@dataclass(frozen=True)
class Place:
    """A variable of a host, or a value inside it."""

    host: str
    path: str
    secret: bool = False

    def inside(self, key: Any, option: Mapping[str, Any] | None = None) -> Place:
        secret = bool(option.get("no_log")) if option and "no_log" in option else looks_secret(str(key))
        return replace(self, path=f"{self.path}.{key}" if self.path else str(key), secret=self.secret or secret)

    def item(self, index: int) -> Place:
        return replace(self, path=f"{self.path}[{index}]")

    def finding(self, expected: str, found: str, advice: str = "", *, warning: bool = False) -> Finding:
        return Finding(self.host, self.path, expected, found, advice, warning)

    def wrong(self, expected: str, value: Any, advice: str = "") -> Finding:
        return self.finding(expected, show(value, secret=self.secret), advice)


class Checker:
    """Checks values and collects findings. What it returns is converted, without what was found wrong."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def options(self, place: Place, options: Options, values: Mapping[Any, Any], relations: Mapping[str, Any]) -> dict:
        """The keys of one dict. Absent ones, and null where there is no default, are left out."""
        before = len(self.findings)
        names = {alias: name for name, option in options.items() for alias in [name, *option.get("aliases", ())]}
        clean: dict[str, Any] = {}
        for key, value in values.items():
            if key not in names:
                self.findings.append(unknown_key(place, key, list(names)))
                continue
            option = options[names[key]]
            if value is None and nullable(option):
                continue
            result = self.value(place.inside(key, option), option, value)
            if result is not NOTHING:
                clean[names[key]] = result
        # what was probably meant by a misspelt key is not missing as well
        given = {names.get(key) or nearest(key, list(names)) for key in values}
        for name, option in options.items():
            if option.get("required") and name not in given:
                self.findings.append(place.inside(name).finding(meaning(option), "nothing", advice_of(option)))
        rules = {rule: relations[rule] for rule in _RELATIONS if relations.get(rule)}
        if rules and len(self.findings) == before:
            judge = ArgumentSpecValidator({name: {"type": "raw"} for name in options}, **rules)
            self.findings += [
                place.finding("keys that go together", text) for text in judge.validate(dict(clean)).error_messages
            ]
        return clean

    def value(self, place: Place, option: Mapping[str, Any], value: Any) -> Any:
        """One value, converted; C(NOTHING) if it is not what the option takes."""
        kind = option.get("type", "str")
        if kind == "list":
            return self._list(place, option, value)
        if kind == "dict":
            return self._dict(place, option, value)
        return self._single(place, kind, option, value)

    def _refuse(self, finding: Finding) -> object:
        self.findings.append(finding)
        return NOTHING

    def _list(self, place: Place, option: Mapping[str, Any], value: Any) -> Any:
        try:
            items = check_type_list(value)
        except (TypeError, ValueError):
            return self._refuse(place.wrong("a list", value))
        if not option.get("elements"):
            return items
        element = {name: rest for name, rest in option.items() if name != "default"} | {"type": option["elements"]}
        results = [self.value(place.item(index), element, item) for index, item in enumerate(items)]
        # an item that is no good leaves its place behind, so that the others keep their numbers
        return [None if result is NOTHING else result for result in results]

    def _dict(self, place: Place, option: Mapping[str, Any], value: Any) -> Any:
        try:
            pairs = check_type_dict(value)
        except (TypeError, ValueError):
            # a text in the place of settings that only a module knows may be one of its secrets
            hidden = replace(place, secret=place.secret or (isinstance(value, str) and not option.get("options")))
            return self._refuse(hidden.wrong("key/value pairs", value))
        options = option.get("options")
        if not options:
            return pairs
        clean = self.options(place, options, pairs, option)
        complete = all(name in clean for name, sub in options.items() if sub.get("required"))
        return clean if complete else NOTHING

    def _single(self, place: Place, kind: str, option: Mapping[str, Any], value: Any) -> Any:
        spec = {"type": kind, **({"choices": option["choices"]} if option.get("choices") else {})}
        # Ansible makes text of these, which nobody can have meant
        if kind == "str" and isinstance(value, (list, tuple, dict)):
            return self._refuse(place.wrong(meaning(spec), value))
        if kind == "str" and isinstance(value, bool) and not option.get("choices"):
            return self._refuse(place.wrong("text", value, "Put it in quotes if it is meant as text"))
        try:
            result = ArgumentSpecValidator({"value": spec}).validate({"value": value})
        except OverflowError:  # of .inf as a whole number
            return self._refuse(place.wrong(meaning(spec), value))
        if value is None or result.error_messages:
            return self._refuse(place.wrong(meaning(spec), value))
        return result.validated_parameters["value"]


def nullable(option: Mapping[str, Any]) -> bool:
    """Whether Ansible takes null for not given."""
    return not option.get("required") and option.get("default") is None and not option.get("choices")


def meaning(option: Mapping[str, Any]) -> str:
    """What a value has to be, in words."""
    if option.get("choices"):
        choices = [str(choice) for choice in option["choices"]]
        return choices[0] if len(choices) == 1 else f"one of {listed(choices)}"
    return _WORDS.get(option.get("type", "str"), "a value")


def advice_of(option: Mapping[str, Any]) -> str:
    """The first sentence of the description, as a reminder of what the thing is."""
    text = option.get("description") or ""
    text = str(text[0] if isinstance(text, (list, tuple)) and text else text)
    return text.strip().partition(". ")[0].rstrip(".")


def unknown_key(place: Place, key: Any, known: Iterable[str]) -> Finding:
    names = sorted(known)
    near = nearest(key, names)
    expected = f"a known key (nearest: {near})" if near else f"one of the keys {listed(names)}"
    return place.inside(key).finding(expected, "an unknown one")
