# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.baremetal.proxmox.plugins.modules import cluster_join_info

from ..module_utils.cluster_world import FINGERPRINT, KEY, World, conf, encoded, sha
from .cluster_modules import run


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(cluster_join_info._session, "local_ticket", lambda: ("PVE:root@pam:X", "csrf"))
    return World(tmp_path / "root", monkeypatch)


def test_a_member(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.join()
    result = run(monkeypatch, cluster_join_info, world, {})
    assert result == {
        "warnings": [],
        "changed": False,
        "join": {
            "name": "prod",
            "node": "pve2",
            "address": "10.99.0.12",
            "fingerprint": FINGERPRINT,
            "ticket": "PVE:root@pam:X",
            "authkey_sha256": sha(KEY),
            "corosync_conf": conf(2, 1, 2),
            "corosync_authkey": None,
            "online": ["pve1", "pve2"],
            "certificates": ["pve1", "pve2"],
        },
    }


def test_the_key_for_a_join_that_was_cut_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.join()
    world.connect("prod", online="2")
    result = run(monkeypatch, cluster_join_info, world, {"joining": ["pve1"]})
    assert result["join"]["corosync_authkey"] == encoded(KEY)


def test_a_node_alone_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, cluster_join_info, world, {})
    assert result["failed"]
    assert result["msg"] == "pve2 is in no cluster, so nothing can join through it."


def test_check_mode_makes_no_ticket(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_join_info._session, "local_ticket", lambda: pytest.fail("a ticket was made"))
    alone = run(monkeypatch, cluster_join_info, world, {}, check=True)
    assert alone["join"] == {"name": None, "address": None, "fingerprint": None, "ticket": None, "node": "pve2"}
    world.join()
    member = run(monkeypatch, cluster_join_info, world, {}, check=True)
    assert (member["join"]["name"], member["join"]["ticket"]) == ("prod", None)
