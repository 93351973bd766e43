# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module of Ceph's tables against announced calls of the API and announced commands of the monitors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import FakeClient, run_module
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_ceph import FakeCeph
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.test_storage_table import RELEASES, schema

NODE = "pve1"
READERS = ("osd dump", "ls", "get", "dump", "config help", "fs status")


class World:
    """C(writes): the commands that change something, in the order in which they came."""

    def __init__(self, resource: Resource, answers: Mapping[str, Any] | None, calls: Sequence[Any] = ()) -> None:
        self.resource = resource
        self.ceph = None if answers is None else FakeCeph(answers)
        self.calls = list(calls)

    @property
    def writes(self) -> list[str]:
        return [call for call in self.ceph.calls if not _reads(call)] if self.ceph else []

    def run(self, monkeypatch: Any, check: bool = False, **arguments: Any) -> dict[str, Any]:
        monkeypatch.setattr(FakeClient, "node", NODE)
        for method, path, params, _answer in self.calls:
            known_to_proxmox(method, path, params)
        arguments |= {"_ansible_check_mode": True} if check else {}

        def start(connect: Any) -> None:
            ResourceModule(self.resource, connect, lambda _module: self.ceph, {}).run()

        return run_module(monkeypatch, start, arguments, self.calls)


def _reads(call: str) -> bool:
    words = call.split(" name=")[0].split(" key=")[0].split(" fs=")[0]
    return words.endswith(READERS)


def known_to_proxmox(method: str, path: str, params: Mapping[str, Any]) -> None:
    """Fails where one of the releases would refuse the call's path or parameters."""
    for release in RELEASES:
        template, rules = _operation(release, method, path)
        needed = {name for name, rule in rules.items() if not rule.get("optional") and f"{{{name}}}" not in template}
        assert needed <= set(params), f"{release}: {method} {path} needs {needed - set(params)}"
        for name, value in params.items():
            assert name in rules, f"{release}: {method} {path} has no {name}"
            _allowed(rules[name], name, str(int(value) if isinstance(value, bool) else value))


def _operation(release: str, method: str, path: str) -> tuple[str, Mapping[str, Any]]:
    for template, operations in schema(release).items():
        pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template))
        if method in operations and re.fullmatch(pattern, path):
            return template, operations[method]["params"]
    raise AssertionError(f"{release} has no {method} {path}")


def _allowed(rule: Mapping[str, Any], name: str, text: str) -> None:
    if rule.get("enum"):
        assert text in [str(one) for one in rule["enum"]], name
    if rule["type"] == "boolean":
        assert text in ("0", "1"), name
    if rule["type"] == "integer":
        assert int(rule.get("minimum", 0)) <= int(text) <= int(rule.get("maximum", 2**63)), name
    if rule["type"] == "number":
        float(text)
    if "pattern" in rule and rule["pattern"].startswith("^"):
        assert re.search(rule["pattern"], text), name


def task(kind: str, what: str = "x") -> str:
    return f"UPID:{NODE}:00000001:00000001:6B000000:{kind}:{what}:root@pam:"


def started(
    method: str, path: str, params: Mapping[str, Any], upid: str, status: str = "OK", log: Any = ()
) -> list[Any]:
    """A call that starts a task, and the calls that see it end."""
    base = f"/nodes/{NODE}/tasks/{upid}"
    calls: list[Any] = [
        (method, path, dict(params), upid),
        ("GET", f"{base}/status", {}, {"status": "stopped", "exitstatus": status}),
    ]
    if status != "OK":
        rows = [{"n": number, "t": text} for number, text in enumerate(log)]
        calls.append(("GET", f"{base}/log", {"start": "0", "limit": "100000"}, rows))
    return calls


def documented(module: Any) -> dict[str, Any]:
    """The options of a module's documentation, to be compared with its argument spec."""
    import yaml

    assert Path(module.__file__).name
    return yaml.safe_load(module.DOCUMENTATION)["options"]
