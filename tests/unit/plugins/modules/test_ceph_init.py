# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.modules import ceph_init
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.ceph_world import FSID, World
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import FakeClient, run_module

KEYRING = "etc/pve/priv/ceph.client.admin.keyring"
WANTED = {"network": "10.98.0.0/24", "cluster_network": "10.97.0.0/24"}
MADE = {
    "fsid": FSID,
    "network": "10.98.0.0/24",
    "cluster_network": "10.97.0.0/24",
    "size": 3,
    "min_size": 2,
    "cephx": True,
    "linked": True,
}
ALL = ["/etc/pve/ceph.conf", f"/{KEYRING}", "/etc/pve/ceph", "/etc/ceph/ceph.conf"]
PATH = "ceph/init"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: Any) -> World:
    world = World(tmp_path, monkeypatch)
    world.install()
    world.api.on[f"POST {PATH}"] = lambda: made(world)
    return world


def made(world: World, extra: str = "", *, link: bool = True) -> None:
    text = (
        f"[global]\n\tfsid = {FSID}\n\tauth_client_required = cephx\n\tosd_pool_default_size = 3\n"
        f"\tosd_pool_default_min_size = 2\n\tpublic_network = 10.98.0.0/24\n\tcluster_network = 10.97.0.0/24\n{extra}"
    )
    world.write("etc/pve/ceph.conf", text)
    world.write(KEYRING, "[client.admin]\n\tkey = AQ==\n")
    (world.root / "etc/pve/ceph").mkdir(exist_ok=True)
    (world.root / "etc/ceph").mkdir(exist_ok=True)
    if link and not (world.root / "etc/ceph/ceph.conf").is_symlink():
        (world.root / "etc/ceph/ceph.conf").symlink_to("/etc/pve/ceph.conf")


def run(world: World, arguments: dict[str, Any] | None = None, *, check: bool = False) -> dict[str, Any]:
    world.monkeypatch.setattr(ceph_init._node, "Machine", lambda: world.machine)
    given = {**(WANTED if arguments is None else arguments), "_ansible_check_mode": check}
    return run_module(
        world.monkeypatch, lambda _connect: ceph_init.run(lambda _module: FakeClient(world.api, timeout=5.0)), given
    )


def test_a_new_one(world: World) -> None:
    checked = run(world, check=True)
    assert (checked["changed"], checked["missing"], world.api.calls) == (True, ALL, [])
    assert checked["ceph"] == {**MADE, "fsid": None}
    result = run(world, {**WANTED, "size": 3, "min_size": 2})
    assert (result["ceph"], result["missing"]) == (MADE, ALL)
    form = {"network": "10.98.0.0/24", "cluster-network": "10.97.0.0/24", "size": "3", "min_size": "2"}
    assert world.api.calls == [("POST", PATH, form)]
    assert "AQ==" not in str(result)
    again = run(world)
    assert (again["changed"], again["diff"]["before"], again["diff"]["after"]) == (
        False,
        {"ceph": MADE},
        {"ceph": MADE},
    )


def test_another_node_gets_its_link(world: World) -> None:
    made(world, "\tmon_host = 10.98.0.11\n", link=False)
    result = run(world)
    assert (result["missing"], world.api.calls) == (["/etc/ceph/ceph.conf"], [("POST", PATH, {})])


@pytest.mark.parametrize("name", ["network", "cluster_network"])
def test_other_networks_of_a_living_ceph(world: World, name: str) -> None:
    made(world, "\tmon_host = 10.98.0.11\n")
    result = run(world, {**WANTED, name: "10.1.0.0/16"})
    found = WANTED[name]
    assert f"{name}: expected 10.1.0.0/16, found {found} in /etc/pve/ceph.conf" in result["msg"]
    assert run(world, {**WANTED, name: "10.1.0.0/16"}, check=True)["failed"] is True
    assert world.api.calls == []


def test_other_networks_before_the_first_monitor(world: World) -> None:
    made(world)
    world.api.on[f"POST {PATH}"] = lambda: world.write(
        "etc/pve/ceph.conf", (world.root / "etc/pve/ceph.conf").read_text().replace("10.98.0", "10.96.0")
    )
    checked = run(world, {**WANTED, "network": "10.96.0.0/24"}, check=True)
    result = run(world, {**WANTED, "network": "10.96.0.0/24"})
    assert checked["missing"] == result["missing"] == ["network"]
    assert checked["ceph"] == result["ceph"] == {**MADE, "network": "10.96.0.0/24"}


def test_another_spelling_of_a_network(world: World) -> None:
    made(world)
    assert run(world, {"network": "10.98.0.11/24"})["changed"] is False


def test_sizes_are_not_changed_afterwards(world: World) -> None:
    made(world)
    result = run(world, {**WANTED, "size": 4})
    assert (result["changed"], len(result["warnings"])) == (False, 1)
    assert "size: expected 4, found 3" in result["warnings"][0]


def test_authentication_is_not_changed_afterwards(world: World) -> None:
    made(world)
    assert "disable_cephx: expected True, found False" in run(world, {**WANTED, "disable_cephx": True})["msg"]


def test_a_key_file_that_was_cut_off(world: World) -> None:
    made(world)
    world.write(KEYRING, "")
    world.api.on[f"POST {PATH}"] = lambda: (
        made(world) if not (world.root / KEYRING).exists() else AssertionError("Proxmox takes the file as it is")
    )
    assert run(world)["missing"] == [f"/{KEYRING}"]


def test_a_key_that_is_lost(world: World) -> None:
    made(world, "\tmon_host = 10.98.0.11\n")
    world.write(KEYRING, "")
    assert "expected the key of client.admin" in run(world)["msg"]
    assert (world.root / KEYRING).exists()


def test_a_ceph_that_is_not_proxmoxs(world: World) -> None:
    world.write("etc/ceph/ceph.conf", "[global]\n")
    result = run(world)
    assert "expected nothing, or a link to /etc/pve/ceph.conf, found a file" in result["msg"]
    assert world.api.calls == []


def test_what_init_did_not_do(world: World) -> None:
    world.api.on[f"POST {PATH}"] = lambda: None
    assert "expected /etc/pve/ceph.conf, " in run(world)["msg"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"network": "ten"}, "network: expected a network such as"),
        ({"size": 8}, "size: expected 1 to 7, found 8"),
        ({"cluster_network": "10.0.0.0/8"}, "expected network beside it"),
    ],
)
def test_options_that_cannot_be(world: World, arguments: dict[str, Any], sentence: str) -> None:
    assert sentence in run(world, arguments)["msg"]


def test_before_ceph_is_installed(world: World) -> None:
    (world.root / "usr/bin/ceph").unlink()
    checked = run(world, check=True)
    assert (checked["changed"], len(checked["warnings"])) == (True, 1)
    assert "expected Ceph to be installed" in run(world)["msg"]
