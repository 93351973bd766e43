# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module calls, exactly, for what is wanted and what exists."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError
from ansible_collections.baremetal.proxmox.plugins.module_utils._mapping import MAPPING
from ansible_collections.baremetal.proxmox.plugins.modules import hardware_mapping
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import run_module

GPU = {"id": "gpu", "type": "pci", "mdev": 1, "digest": "p1"}
ONE = "id=10de:1eb8,iommugroup=12,node=pve1,path=0000:01:00.0,subsystem-id=10de:12a2"
TWO = "id=10de:1eb8,iommugroup=40,node=pve2,path=0000:81:00.0"
STICK = {"id": "gpu", "type": "usb", "map": ["node=pve1,id=0529:0001"], "digest": "u1"}
MEDIA = {"id": "media", "type": "dir", "description": "films", "map": ["node=pve1,path=/srv/media"], "digest": "d1"}
NODES = ("GET", "/nodes", {}, [{"node": "pve1"}, {"node": "pve2"}])
FIRST = {"node": "pve1", "path": "0000:01:00.0", "id": "10de:1eb8", "subsystem_id": "10de:12a2", "iommugroup": 12}
SECOND = {"node": "pve2", "path": "0000:81:00.0", "id": "10de:1eb8", "iommugroup": "40"}


def listing(*rows: dict[str, Any]) -> list[tuple[str, str, dict[str, Any], Any]]:
    """Proxmox's answers have the type in them, which is not needed here."""
    return [
        ("GET", f"/cluster/mapping/{kind}", {}, [row for row in rows if row["type"] == kind])
        for kind in ("dir", "pci", "usb")
    ]


def gpu(*entries: str) -> dict[str, Any]:
    return {**GPU, "map": list(entries)}


def run(monkeypatch: Any, calls: list[Any] | None = None, **arguments: Any) -> dict[str, Any]:
    return run_module(monkeypatch, lambda connect: ResourceModule(MAPPING, connect).run(), arguments, calls or [])


def test_created(monkeypatch: Any) -> None:
    config = [{"id": "gpu", "type": "pci", "live-migration-capable": True, "map": [SECOND, FIRST]}]
    calls = [
        *listing(STICK),
        NODES,
        ("POST", "/cluster/mapping/pci", {"id": "gpu", "map": (ONE, TWO), "live-migration-capable": "1"}, None),
        *listing(STICK, {**gpu(TWO, ONE), "mdev": 0, "live-migration-capable": 1}),
    ]
    result = run(monkeypatch, calls, config=config)
    assert result["changes"] == [{"action": "create", "item": "pci:gpu", "set": ["live_migration_capable", "map"]}]
    assert [(one["type"], one["id"]) for one in result["after"]] == [("pci", "gpu"), ("usb", "gpu")]
    assert result["warnings"] == []


@pytest.mark.parametrize("entry", [FIRST, ONE, {**FIRST, "description": None}])
def test_the_same_in_any_form_is_no_change(monkeypatch: Any, entry: Any) -> None:
    config = [{"id": "gpu", "type": "pci", "map": [SECOND, entry]}]
    assert run(monkeypatch, listing(gpu(ONE, TWO)), config=config)["changed"] is False


def test_devices_of_one_node_have_an_order(monkeypatch: Any) -> None:
    other = {**FIRST, "path": "0000:02:00.0"}
    swapped = ONE.replace("01:00", "02:00")
    calls = [
        *listing(gpu(ONE, swapped)),
        NODES,
        ("PUT", "/cluster/mapping/pci/gpu", {"map": (swapped, ONE), "digest": "p1"}, None),
        *listing(gpu(swapped, ONE)),
    ]
    assert run(monkeypatch, calls, config=[{"id": "gpu", "type": "pci", "map": [other, FIRST]}])["changed"] is True


def test_every_change_carries_the_map(monkeypatch: Any) -> None:
    before, after = {**MEDIA}, {**MEDIA}
    del after["description"]
    calls = [
        *listing(before, gpu(ONE)),
        (
            "PUT",
            "/cluster/mapping/dir/media",
            {"map": ("node=pve1,path=/srv/media",), "delete": "description", "digest": "d1"},
            None,
        ),
        # the second one is looked at again, in its own collection
        ("GET", "/cluster/mapping/pci", {}, [gpu(ONE)]),
        ("PUT", "/cluster/mapping/pci/gpu", {"map": (ONE,), "mdev": "0", "digest": "p1"}, None),
        *listing(after, {**gpu(ONE), "mdev": 0}),
    ]
    config = [{"id": "media", "type": "dir", "description": None}, {"id": "gpu", "type": "pci", "mdev": False}]
    result = run(monkeypatch, calls, config=config)
    assert [change["item"] for change in result["changes"]] == ["dir:media", "pci:gpu"]


def test_one_identifier_of_two_types(monkeypatch: Any) -> None:
    calls = [
        *listing(gpu(ONE), STICK),
        ("DELETE", "/cluster/mapping/usb/gpu", {}, None),
        *listing(gpu(ONE)),
    ]
    result = run(monkeypatch, calls, config=[{"id": "gpu", "type": "usb"}], state="deleted")
    assert result["changes"] == [{"action": "delete", "item": "usb:gpu"}]


def test_overridden_removes_what_is_not_listed(monkeypatch: Any) -> None:
    calls = [*listing(gpu(ONE), STICK, MEDIA)]
    config = [{"id": "gpu", "type": "usb", "map": [{"node": "pve1", "id": "0529:0001"}]}]
    result = run(monkeypatch, calls, config=config, state="overridden", _ansible_check_mode=True)
    assert [(one["action"], one["item"]) for one in result["changes"]] == [
        ("delete", "pci:gpu"),
        ("delete", "dir:media"),
    ][::-1]
    assert result["after"] == [{"id": "gpu", "type": "usb", "map": [{"id": "0529:0001", "node": "pve1"}]}]


def test_gathered_is_what_config_takes(monkeypatch: Any) -> None:
    rows = (gpu(ONE, TWO), STICK, MEDIA)
    found = run(monkeypatch, listing(*rows), state="gathered")["gathered"]
    assert found[1]["map"][0] == {**FIRST}
    assert run(monkeypatch, listing(*rows), config=found, state="overridden")["changed"] is False


def test_a_node_that_the_cluster_does_not_have(monkeypatch: Any) -> None:
    config = [{"id": "key", "type": "usb", "map": [{"node": "pve9", "id": "0529:0001"}]}]
    result = run(monkeypatch, [*listing(), NODES], config=config, _ansible_check_mode=True)
    assert result["warnings"] == ["hardware mapping 'usb:key': map: this cluster has no node pve9"]


REFUSED = {
    "no type": ({"id": "gpu"}, "hardware mapping 'gpu' (config[0]): type is not set, not one of dir, pci, usb"),
    "no map": ({"id": "gpu", "type": "pci"}, "to create it, pci needs map"),
    "no device": ({"id": "gpu", "type": "pci", "map": [{"node": "pve1"}]}, "map[0] (pve1): pci needs path, id"),
    "a device in capitals": (
        {"id": "gpu", "type": "pci", "map": [{**FIRST, "id": "10DE:1EB8"}]},
        "map[0] (pve1): id is '10DE:1EB8', not vendor and device in lower-case hexadecimal digits",
    ),
    "a short address": (
        {"id": "gpu", "type": "pci", "map": [{**FIRST, "path": "01:00.0"}]},
        "path is '01:00.0', not PCI addresses such as 0000:01:00.0",
    ),
    "a group for a stick": (
        {"id": "key", "type": "usb", "map": [{"node": "pve1", "id": "0529:0001", "iommugroup": 1}]},
        "map[0] (pve1): usb has no iommugroup; it has node, id, path, description",
    ),
    "an entry that nobody knows": (
        {"id": "key", "type": "usb", "map": [{"node": "pve1", "ID": "0529:0001"}]},
        "map has the unknown key 'ID'",
    ),
    "a field of another type": (
        {"id": "key", "type": "usb", "mdev": True, "map": [{"node": "pve1", "id": "0529:0001"}]},
        "mdev: usb has no such setting; it has description, map",
    ),
    "two directories": (
        {"id": "media", "type": "dir", "map": [{"node": "pve1", "path": "/a"}, {"node": "pve1", "path": "/b"}]},
        "map: one directory for each node, found several of pve1",
    ),
    "a directory with a comma": (
        {"id": "media", "type": "dir", "map": [{"node": "pve1", "path": "/a,b"}]},
        "path is '/a,b', not an absolute path without the signs ;,=()",
    ),
    "a bad name": ({"id": "1", "type": "dir"}, "id is '1', not an identifier"),
}


@pytest.mark.parametrize(("item", "sentence"), REFUSED.values(), ids=REFUSED)
def test_refused_before_anything_is_written(monkeypatch: Any, item: dict[str, Any], sentence: str) -> None:
    reads = [] if "type" not in item or item["id"] == "1" or "ID" in str(item) else listing()
    result = run(monkeypatch, reads, config=[item])
    assert result["failed"] is True
    assert sentence in result["msg"]
    assert "Nothing was changed" in result["msg"]


def test_a_directory_that_is_not_there(monkeypatch: Any) -> None:
    config = [{"id": "media", "type": "dir", "map": [{"node": "pve1", "path": "/srv/media"}]}]
    error = ApiError(500, "POST", "/cluster/mapping/dir", "Path /srv/media does not exist")
    body = {"id": "media", "map": ("node=pve1,path=/srv/media",)}
    calls = [*listing(), NODES, ("POST", "/cluster/mapping/dir", body, error), ("GET", "/cluster/mapping/dir", {}, [])]
    result = run(monkeypatch, calls, config=config)
    assert "make it there first" in result["msg"]


def test_before_proxmox_is_installed(monkeypatch: Any) -> None:
    config = [{"id": "key", "type": "usb", "map": [{"node": "pve1", "id": "0529:0001"}]}]
    arguments = {"config": config, "_ansible_check_mode": True}
    result = run_module(monkeypatch, lambda connect: ResourceModule(MAPPING, connect).run(), arguments, installed=False)
    assert [change["action"] for change in result["changes"]] == ["create"]


def test_the_documentation_has_every_option() -> None:
    documented = yaml.safe_load(hardware_mapping.DOCUMENTATION)["options"]["config"]["suboptions"]
    assert documented.keys() == MAPPING.spec().keys()
