# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.baremetal.proxmox.plugins.module_utils import _peer
from ansible_collections.baremetal.proxmox.plugins.module_utils._cluster import Cluster
from ansible_collections.baremetal.proxmox.plugins.modules import cluster

from ..module_utils.cluster_world import FINGERPRINT, KEY, Call, World, conf, sha
from ..module_utils.test_cluster import created, snapshot
from .cluster_modules import run

PEER = {
    "address": "10.99.0.11",
    "fingerprint": FINGERPRINT,
    "ticket": "PVE:root@pam:TICKET",
    "name": "prod",
    "node": "pve1",
    "authkey_sha256": sha(KEY),
    "corosync_conf": conf(1, 1),
    "corosync_authkey": None,
    "online": ["pve1"],
    "certificates": ["pve1"],
}
LINK = [{"number": 0, "address": "10.98.0.12", "priority": None}]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path / "root", monkeypatch)
    monkeypatch.setattr(cluster, "NodeApi", lambda: world.api)
    monkeypatch.setattr(cluster._cluster, "Cluster", lambda *parts: _in_the_worlds_time(world, *parts))
    return world


def _in_the_worlds_time(world: World, machine: Any, api: Any, wanted: Any, peer: Any, deadline: Any) -> Cluster:
    copy = world.cluster(peer, deadline.seconds)
    copy.wanted = wanted
    assert (machine, api) == (world.machine, world.api)
    return copy


def test_join(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    add = f"pvecm add 10.99.0.11 --fingerprint {FINGERPRINT} --link0 10.98.0.12"
    world.expect(Call(add, world.join, secret="PVE:root@pam:TICKET"))
    result = run(monkeypatch, cluster, world, {"name": "prod", "links": LINK, "peer": PEER})
    assert result == {
        "warnings": [],
        "changed": True,
        "cluster": {
            "name": "prod",
            "node": "pve2",
            "nodeid": 2,
            "action": "join",
            "nodes": ["pve1", "pve2"],
            "quorate": True,
        },
        "diff": {
            "before": {"cluster": None, "nodes": [], "ready": False},
            "after": {"cluster": "prod", "nodes": ["pve1", "pve2"], "ready": True},
        },
    }


def test_the_priority_of_a_link_is_given_at_create_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.expect(Call("pvecm create prod --link0 address=10.98.0.12,priority=10", lambda: created(world)))
    links = [{"number": 0, "address": "10.98.0.12", "priority": 10}]
    result = run(monkeypatch, cluster, world, {"name": "prod", "links": links})
    assert result["cluster"]["action"] == "create"


def test_again_nothing_is_changed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.join()
    result = run(monkeypatch, cluster, world, {"name": "prod", "links": LINK, "votes": 1, "nodeid": 2})
    assert (result["changed"], result["cluster"]["action"]) == (False, "none")
    assert result["diff"]["before"] == result["diff"]["after"]


@pytest.mark.parametrize("peer", [None, PEER])
def test_check_mode_predicts_what_then_happens(
    world: World, monkeypatch: pytest.MonkeyPatch, peer: dict | None
) -> None:
    before = snapshot(world)
    arguments = {"name": "prod", "links": LINK, "peer": peer}
    predicted = run(monkeypatch, cluster, world, arguments, check=True)
    assert snapshot(world) == before
    assert world.api.calls == []
    command = f"add 10.99.0.11 --fingerprint {FINGERPRINT}" if peer else "create prod"
    secret = "PVE:root@pam:TICKET" if peer else None
    world.expect(
        Call(f"pvecm {command} --link0 10.98.0.12", world.join if peer else lambda: created(world), secret=secret)
    )
    real = run(monkeypatch, cluster, world, arguments)
    assert {**predicted["diff"], "changed": predicted["changed"]} == {**real["diff"], "changed": real["changed"]}
    assert predicted["cluster"]["action"] == real["cluster"]["action"]


@pytest.mark.parametrize(
    ("peer", "action"), [(None, "create"), ({"address": None, "name": None}, "join"), (PEER, "join")]
)
def test_check_mode_before_proxmox_is_installed(
    world: World, monkeypatch: pytest.MonkeyPatch, peer: dict | None, action: str
) -> None:
    world.remove("usr/bin/pveversion")
    result = run(monkeypatch, cluster, world, {"name": "prod", "peer": peer}, check=True)
    assert (result["changed"], result["cluster"]["action"], result["cluster"]["nodes"]) == (True, action, ["pve2"])
    assert result["warnings"] == ["pve2: the cluster 'prod' cannot be looked at yet; this is a prediction."]


def test_without_proxmox_it_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.remove("usr/bin/pveversion")
    result = run(monkeypatch, cluster, world, {"name": "prod"})
    assert result["msg"] == "Proxmox VE is not installed on pve2."


def test_a_member_of_another_cluster_is_refused_with_both_names(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.join()
    before = snapshot(world)
    result = run(
        monkeypatch, cluster, world, {"name": "lab", "peer": {**PEER, "corosync_conf": conf(1, 1, name="lab")}}
    )
    assert (result["failed"], result["node"], result["found"], result["wanted"]) == (True, "pve2", "prod", "lab")
    assert set(snapshot(world)) - set(before) == {
        "run/lock/baremetal-proxmox-cluster.lock",
        "var/lock/pvecm.lock",
    }


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"name": "a-name-too-long-x"}, "name: has to be at most 15"),
        ({"name": "-lab"}, "name: has to be at most 15"),
        ({"links": [*LINK, *LINK]}, "links: a number is given twice"),
        ({"links": [{"number": 0, "address": "a", "priority": 256}]}, "priority 256 is not within 0 and 255"),
        ({"votes": 0}, "votes: has to be 1 or more"),
        ({"nodeid": 0}, "nodeid: has to be 1 or more"),
        ({"peer": {"address": None}}, "peer: the member to join through has no address"),
    ],
)
def test_arguments_are_checked(world: World, monkeypatch: pytest.MonkeyPatch, arguments: dict, problem: str) -> None:
    before = snapshot(world)
    assert problem in run(monkeypatch, cluster, world, {"name": "prod", **arguments})["msg"]
    assert snapshot(world) == before


def test_nodes_that_are_not_wanted_are_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.join()
    result = run(monkeypatch, cluster, world, {"name": "prod", "members": ["pve2", "pve3"]})
    assert result["warnings"] == ["The cluster 'prod' has nodes that are not wanted: pve1."]


def test_a_peer_takes_everything_that_cluster_join_info_returns(world: World) -> None:
    world.join()
    returned = {*_peer.info(world.machine, []), "ticket"}
    assert returned <= set(cluster.ARGUMENTS["peer"]["options"])


def test_secrets_are_marked() -> None:
    options = cluster.ARGUMENTS["peer"]["options"]
    assert {name for name, option in options.items() if option.get("no_log")} == {
        "ticket",
        "password",
        "corosync_authkey",
    }


def test_documentation_and_arguments_agree() -> None:
    documented = yaml.safe_load(cluster.DOCUMENTATION)["options"]
    assert set(documented) == set(cluster.ARGUMENTS)
    assert set(documented["peer"]["suboptions"]) == set(cluster.ARGUMENTS["peer"]["options"])
    assert len(inspect.getsource(cluster).splitlines()) < 500


def test_not_as_an_ordinary_user(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, cluster, world, {"name": "prod"}, uid=1000)
    assert result["msg"] == "This module has to run as root. Set become: true."
