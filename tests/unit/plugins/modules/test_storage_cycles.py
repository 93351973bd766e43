# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every type and every setting of storage through a whole life, against the rack's stand-in over HTTPS.

No answer is written down here: what counts is that a second run changes nothing, that what was gathered can be given
back, and that Proxmox's side refuses nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._session import HttpSession, Token
from ansible_collections.baremetal.proxmox.plugins.module_utils._storage import STORAGE, VARIANTS
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import run_module
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.test_storage_table import (
    RELEASES,
    sample,
    schema_file,
)

CONFORMANCE = Path(__file__).resolve().parents[3] / "conformance"
TOKEN = ("root@pam!test", "12345678-aaaa-bbbb-cccc-1234567890ab")
KEY = '{"data": "x", "fingerprint": "aa:bb:cc:dd"}'

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None or not (CONFORMANCE / "rig.py").is_file(), reason="the stand-in cannot run here"
)


class Api:
    """One stand-in node, and the module that talks to it."""

    def __init__(self, release: str, made: Any, monkeypatch: Any) -> None:
        self.version = RELEASES[release]
        self._monkeypatch = monkeypatch
        certificate = (made.pve / "local" / "pve-ssl.pem").read_text()
        pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest()
        self._session = HttpSession("127.0.0.11", made.port, Token(*TOKEN), fingerprint=lambda: pin)

    def run(self, config: list[Any] | None, state: str = "merged") -> dict[str, Any]:
        arguments: dict[str, Any] = {"state": state} if config is None else {"state": state, "config": config}
        result = run_module(
            self._monkeypatch,
            lambda connect: ResourceModule(STORAGE, lambda _module: Client(self._session)).run(),
            arguments,
            transport=object(),
        )
        assert not result["failed"], result["msg"]
        assert result["warnings"] == []
        return result

    def settles(self, config: list[Any], state: str = "merged") -> bool:
        """Whether this changed something; that a second run does not is checked here."""
        changed = self.run(config, state)["changed"]
        assert not self.run(config, state)["changed"]
        return bool(changed)


@pytest.fixture(scope="module", params=RELEASES)
def node(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    release = request.param
    schema = schema_file(release)
    sys.path.insert(0, str(CONFORMANCE))
    try:
        import rig
    finally:
        sys.path.remove(str(CONFORMANCE))
    made = rig.Rig(tmp_path_factory.mktemp("node"), schema, nodes={"pve1": "127.0.0.11"})
    version = {"version": f"{release}.11", "release": release, "repoid": "0123456789abcdef"}
    (made.root("pve1") / "usr/share/pve-standin/version.json").write_text(json.dumps(version))
    members = {"nodename": "pve1", "version": 1, "nodelist": {"pve1": {"id": 1, "online": 1, "ip": "127.0.0.11"}}}
    (made.pve / ".members").write_text(json.dumps(members))
    (made.pve / "user.cfg").write_text("user:root@pam:1:0:::::\ntoken:root@pam!test:0:0::\n")
    (made.pve / "priv" / "token.cfg").write_text(" ".join(TOKEN) + "\n")
    os.chmod(made.pve / "priv" / "token.cfg", 0o600)
    made.start()
    try:
        yield release, made
    finally:
        made.stop()


@pytest.fixture
def api(node: tuple[str, Any], monkeypatch: Any) -> Iterator[Api]:
    one = Api(*node, monkeypatch)
    yield one
    rest = [item["storage"] for item in one.run(None, "gathered")["gathered"] if item["storage"] != "local"]
    if rest:
        one.run([{"storage": name} for name in rest], "deleted")


def full(label: str, version: tuple[int, ...]) -> dict[str, Any]:
    """An item with every setting of its type; disabled, so that nothing is looked for on a network."""
    item: dict[str, Any] = {"storage": f"s-{label}", "type": label}
    variant = VARIANTS[label]
    for one in map(STORAGE.field, variant.names):
        # base would need the iSCSI storage that it is on; maxfiles is prune_backups
        if one.known_in(version) and one.name not in ("base", "maxfiles"):
            allowed = variant.choices.get(one.name)
            value = sample(one) if allowed is None else next(iter(allowed))
            item[one.option] = [value] if one.name == "content" else value
    item["disable"] = True
    item["nodes"] = ["pve1"]
    item.update({"encryption_key": KEY} if "encryption_key" in item else {})
    item.update({"content_dirs": {variant.choices["content"][0]: "a/b"}} if "content_dirs" in item else {})  # type: ignore[index]
    return item


def types(release: str) -> list[str]:
    return [str(label) for label, variant in VARIANTS.items() if variant.known_in(RELEASES[release])]


@pytest.fixture
def items(api: Api, node: tuple[str, Any]) -> list[dict[str, Any]]:
    """One of each type, with every setting; they exist already."""
    made = [full(label, api.version) for label in types(node[0])]
    assert api.settles(made)
    return made


def changeable(item: dict[str, Any], *, secrets: bool = False) -> list[Any]:
    variant = VARIANTS[item["type"]]
    return [
        one
        for one in map(STORAGE.field, variant.names)
        if one.option in item and one.name not in variant.fixed.split() and (secrets or not one.secret)
    ]


def test_create_and_give_back(api: Api, items: list[dict[str, Any]]) -> None:
    assert not api.run(items, "replaced")["changed"]
    gathered = api.run(None, "gathered")["gathered"]
    for state in ("merged", "replaced", "overridden"):
        assert not api.run(gathered, state)["changed"]


def test_settings_away_and_back(api: Api, items: list[dict[str, Any]]) -> None:
    optional = {
        item["storage"]: [
            one.option
            for one in changeable(item, secrets=True)
            if one.name not in VARIANTS[item["type"]].required.split() and (one.marker or not one.secret)
        ]
        for item in items
    }
    half: dict[str, list[str]]
    for half in (
        {key: names[0::2] for key, names in optional.items()},
        {key: names[1::2] for key, names in optional.items()},
    ):
        # server2 cannot stay without server
        away = [
            {"storage": key, **dict.fromkeys([*names, *(["server2"] if "server" in names else [])])}
            for key, names in half.items()
        ]
        assert api.settles(away)
        assert api.settles(items)


def test_choices(api: Api, items: list[dict[str, Any]]) -> None:
    most = max(len(one.choices) for one in STORAGE.fields)
    for rounds in range(most):
        wanted = []
        for item in items:
            one_round = {"storage": item["storage"]}
            for one in changeable(item):
                choices = list(VARIANTS[item["type"]].choices.get(one.name) or one.choices)
                if rounds < len(choices):
                    one_round[one.option] = [choices[rounds]] if one.name == "content" else choices[rounds]
            wanted.append(one_round)
        api.settles(wanted)
    api.run([{"storage": item["storage"], "content": None} for item in items])
    shown = {item["storage"]: item for item in api.run(None, "gathered")["gathered"]}
    for item in items:
        assert shown[item["storage"]]["content"] == VARIANTS[item["type"]].defaults["content"]


def test_replaced_by_the_least(api: Api, items: list[dict[str, Any]]) -> None:
    least = []
    for item in items:
        variant = VARIANTS[item["type"]]
        keep = [STORAGE.field(name).option for name in [*variant.required.split(), *variant.fixed.split()]]
        least.append({name: item[name] for name in ["storage", "type", *dict.fromkeys(keep)] if name in item})
    assert api.settles(least, "replaced")
    shown = {item["storage"]: item for item in api.run(None, "gathered")["gathered"]}
    for item in least:
        variant = VARIANTS[item["type"]]
        for name, value in shown[item["storage"]].items():
            if name not in item:
                one = STORAGE.field(name)
                # what stays says nothing else than Proxmox does without it
                assert one.generated or value == STORAGE.default(variant, one)


def test_only_these(api: Api, items: list[dict[str, Any]]) -> None:
    local = api.run([{"storage": "local"}], "gathered")["gathered"]
    assert not api.run([*local, *items], "overridden")["changed"]
    # an encryption key is never removed in passing
    api.run([{"storage": "s-pbs", "encryption_key": None}])
    assert api.settles(local, "overridden")
    assert [one["storage"] for one in api.run(None, "gathered")["gathered"]] == ["local"]
