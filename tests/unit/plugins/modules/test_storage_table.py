# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of the storage module against Proxmox's official schema and against its own documentation."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field
from ansible_collections.baremetal.proxmox.plugins.module_utils._storage import STORAGE, VARIANTS
from ansible_collections.baremetal.proxmox.plugins.modules import storage

RELEASES = {"8.4": (8, 4), "9.2": (9, 2)}
# a value of each field as a user would write it; where the type matters, by type
SAMPLES: dict[str, Any] = {
    "content": None,
    "nodes": ["pve1", "pve2"],
    "path": "/srv/x",
    "server": "10.0.0.9",
    "server2": "h2",
    "volume": "v",
    "export": "/e",
    "share": "s",
    "subdir": "/sub",
    "options": "vers=4.2",
    "domain": "d",
    "username": "u",
    "password": "p",
    "portal": "10.0.0.7:3260",
    "target": "iqn.x",
    "vgname": "vg0",
    "thinpool": "tp0",
    "base": "san:0.0.0.x",
    "saferemove_throughput": "10485760",
    "pool": "p0",
    "data-pool": "d0",
    "namespace": "n",
    "monhost": ["10.0.0.1", "10.0.0.2"],
    "keyring": "[client.x]\n\tkey = y\n",
    "fs-name": "cephfs",
    "blocksize": "16k",
    "mountpoint": "/tank",
    "iscsiprovider": "LIO",
    "comstar_tg": "t",
    "comstar_hg": "h",
    "lio_tpg": "tpg1",
    "zfs-base-path": "/dev/zvol",
    "datastore": "ds",
    "fingerprint": "ab:" * 31 + "ab",
    "port": 8007,
    "encryption-key": "autogen",
    "master-pubkey": "QUJD",
    "max-protected-backups": -1,
    "maxfiles": 3,
    "prune-backups": {"keep_last": 1},
    "content-dirs": {"iso": "a"},
    "bwlimit": {"move": 1},
    "is_mountpoint": True,
}
TYPES = {"boolean": "bool", "integer": "int"}


def schema_file(release: str) -> Path:
    named = os.environ.get("BAREMETAL_SHARED")
    roots = [Path(named)] if named else [parent / "shared" for parent in Path(__file__).resolve().parents]
    for root in roots:
        file = root / "api" / f"pve-{release}.json"
        if file.is_file():
            return file
    pytest.skip(f"no ../shared/api/pve-{release}.json: the official schema is not at hand")


@cache
def schema(release: str) -> dict[str, Any]:
    return json.loads(schema_file(release).read_text())["paths"]


def sample(one: Field) -> Any:
    value = SAMPLES.get(one.name)
    if value is None:
        value = one.choices[0] if one.choices else True
    return value


def cases(changeable: bool) -> list[Any]:
    return [
        pytest.param(release, label, name, id=f"{release}-{label}-{name}")
        for release, version in RELEASES.items()
        for label, variant in VARIANTS.items()
        if variant.known_in(version)
        for name in variant.names
        # maxfiles is translated and never sent
        if STORAGE.field(name).known_in(version)
        and name != "maxfiles"
        and not (changeable and name in variant.fixed.split())
    ]


def check(params: dict[str, Any], name: str, text: str) -> None:
    assert name in params, f"the schema has no {name}"
    rule = params[name]
    assert isinstance(text, str)
    if rule.get("enum"):
        assert text in [str(one) for one in rule["enum"]]
    if rule["type"] == "boolean":
        assert text in ("0", "1")
    if rule["type"] == "integer":
        assert str(int(text)) == text


@pytest.mark.parametrize(("release", "label", "name"), cases(changeable=False))
def test_post(release: str, label: str, name: str) -> None:
    params = schema(release)["/storage"]["POST"]["params"]
    one = STORAGE.field(name)
    allowed = VARIANTS[label].choices.get(name) or one.choices or [sample(one)]
    check(params, "type", label)
    for value in allowed:
        check(params, name, one.kind.write(one.read([value] if name == "content" else value)))


@pytest.mark.parametrize(("release", "label", "name"), cases(changeable=True))
def test_put(release: str, label: str, name: str) -> None:
    operation = schema(release)["/storage/{storage}"]["PUT"]
    one = STORAGE.field(name)
    check(operation["params"], name, one.kind.write(one.read(sample(one))) if name != "content" else "none")
    assert {"delete", "digest"} <= set(operation["params"])


@pytest.mark.parametrize("release", RELEASES)
def test_every_type_and_parameter_of_the_schema_is_in_the_table(release: str) -> None:
    params = schema(release)["/storage"]["POST"]["params"]
    version = RELEASES[release]
    assert {label for label, variant in VARIANTS.items() if variant.known_in(version)} == set(params["type"]["enum"])
    # no plugin takes authsupported any more, though RBD still declares it
    assert set(params) - {"storage", "type", "authsupported"} <= {one.name for one in STORAGE.fields}


@pytest.mark.parametrize("release", RELEASES)
def test_calls_exist(release: str) -> None:
    paths = schema(release)
    assert {"GET", "POST"} <= set(paths[STORAGE.path])
    assert {"PUT", "DELETE"} <= set(paths[f"{STORAGE.path}/{{storage}}"])
    assert "GET" in paths["/nodes"]
    assert "GET" in paths["/version"]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("one", STORAGE.fields, ids=lambda one: one.name)
def test_options_have_the_schemas_types(release: str, one: Field) -> None:
    rule = schema(release)["/storage"]["POST"]["params"].get(one.name)
    if not one.known_in(RELEASES[release]):
        # both releases' schemas were taken from their last packages
        assert rule is None
        return
    assert rule is not None
    if rule["type"] in TYPES:
        assert one.kind.option["type"] == TYPES[rule["type"]]
    if rule.get("enum"):
        assert sorted(map(str, one.choices)) == sorted(map(str, rule["enum"]))
    if "minimum" in rule and one.limits:
        assert one.limits[0] == int(rule["minimum"])


def test_every_option_is_documented_once() -> None:
    options = yaml.safe_load(storage.DOCUMENTATION)["options"]["config"]["suboptions"]
    spec = STORAGE.spec()
    assert set(options) == set(spec)
    for name, rules in spec.items():
        assert options[name]["type"] == rules["type"]
        assert options[name].get("choices", []) == list(rules.get("choices", []))


def test_examples_are_in_the_table() -> None:
    for task in yaml.safe_load(storage.EXAMPLES):
        for item in task["baremetal.proxmox.storage"].get("config", []):
            assert set(item) <= set(STORAGE.spec())


def test_secrets_are_marked_so_that_ansible_hides_them() -> None:
    secret = {"password", "keyring", "encryption_key", "master_pubkey"}
    assert {name for name, rules in STORAGE.spec().items() if rules.get("no_log")} == secret
