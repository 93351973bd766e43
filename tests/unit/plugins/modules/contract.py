# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What test_contract.py needs to know of a resource module to hold it to the promises that all of them make."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource

MODULES = Path(__file__).resolve().parents[4] / "plugins" / "modules"
_ON_THE_ENGINE = re.compile(r"\bResourceModule\(|\bSdnModule\(|\b_ceph_tables\.run\(|\b_pbs_words import run\b")
_PACKAGE = "ansible_collections.baremetal.proxmox.plugins.modules"

Call = tuple[str, str, dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """One module.

    items     two or more complete items that can exist together, as C(config) takes them
    changed   the first item, with settings of other values
    dropped   settings of the first item that C(replaced) takes away when they are left out
    given     options to write when the first item is replaced besides its identity: what it cannot be without
    identity  the options that say which item it is
    stays     identities that C(overridden) with nothing in it leaves
    before    calls that make what the items need; files: the same, by name below /etc/pve
    secrets   texts that must never be seen
    releases  of Proxmox VE, or of Proxmox Backup Server, that have such items
    arguments further options of the module, such as allow_remove
    """

    items: Sequence[Mapping[str, Any]]
    changed: Mapping[str, Any]
    dropped: Sequence[str]
    identity: Sequence[str]
    given: Sequence[str] = ()
    stays: Sequence[Sequence[str]] = ()
    before: Sequence[Call] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    releases: Sequence[str] = ("8.4", "9.2")
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def key(self, item: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(item[name]) for name in self.identity)

    def head(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {name: item[name] for name in self.identity}


def on_the_engine() -> set[str]:
    """Names of all modules that are tables."""
    return {file.stem for file in MODULES.glob("*.py") if _ON_THE_ENGINE.search(file.read_text())}


def table(module: str, monkeypatch: Any) -> Resource | None:
    """The table that a module runs; None for one of several, whose name is that of its list: C(sdn.zones)."""
    if "." in module:
        return None
    found: list[Resource] = []
    with monkeypatch.context() as patch:
        patch.setattr(ResourceModule, "run", lambda self: found.append(self.resource))
        importlib.import_module(f"{_PACKAGE}.{module}").main()
    (resource,) = found
    return resource
