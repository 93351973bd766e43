# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What is wrong with an inventory, as data and in words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

HIDDEN = "a value that is not shown"
# More hosts than these are counted, where it is all of them
_NAMED = 8
_LONGEST = 80
_SECRET = re.compile(r"^vault_|(passw(or)?d|passphrase|secret|token|credential|keyring|_key|^key)s?$", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """One sentence about one variable of one host. C(warning): it does not stop the run."""

    host: str
    variable: str
    expected: str
    found: str
    advice: str = ""
    warning: bool = False

    @property
    def sentence(self) -> str:
        """Without the host."""
        advice = f". {self.advice}" if self.advice else ""
        return f"{self.variable}: expected {self.expected}, found {self.found}{advice}"

    @classmethod
    def parsed(cls, text: str) -> Finding:
        """From a sentence of the collection's one shape, C(HOST: VARIABLE: expected ..., found ...)."""
        host, variable, rest = text.split(": ", 2)
        expected, _comma, found = rest.removeprefix("expected ").rpartition(", found ")
        return cls(host, variable, expected, found)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def sentences(findings: Iterable[Finding], everyone: Sequence[str], pattern: str) -> list[str]:
    """C(HOST: VARIABLE: expected ..., found ...), what is the same for several hosts once. C(everyone): the group."""
    hosts: dict[str, list[str]] = {}
    for finding in findings:
        named = hosts.setdefault(finding.sentence, [])
        if finding.host not in named:
            named.append(finding.host)
    return [f"{_named(names, everyone, pattern)}: {sentence}" for sentence, names in hosts.items()]


def _named(names: Sequence[str], everyone: Sequence[str], pattern: str) -> str:
    if len(names) > _NAMED and set(names) == set(everyone):
        return f"all {len(names)} hosts of {pattern}"
    return ", ".join(names)


def looks_secret(name: str) -> bool:
    """Whether a variable, or a key in one, is called like something that must not be shown."""
    return bool(_SECRET.search(name))


def show(value: Any, *, secret: bool = False) -> str:
    """A value in a sentence."""
    if value is None:
        return "nothing"
    if secret:
        return HIDDEN
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, dict):
        return "key/value pairs"
    if isinstance(value, str):
        text = value if len(value) <= _LONGEST else value[:_LONGEST] + "…"
        return "'" + text.replace("\n", " ") + "'"
    return str(value)


def listed(values: Iterable[Any]) -> str:
    return ", ".join(str(value) for value in values)


def nearest(name: Any, known: Collection[str]) -> str | None:
    """The known name that was probably meant."""
    matches = difflib.get_close_matches(str(name), known, 1, 0.6)
    return matches[0] if matches else None
