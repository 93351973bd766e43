# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

from ansible_collections.baremetal.proxmox.plugins.module_utils import _lifeline
from ansible_collections.baremetal.proxmox.plugins.module_utils._cluster_checks import Plan

from .cluster_world import Call, World, conf, peer
from .test_cluster import ADD, TICKET, run

SPARE = "root/.ssh/authorized_keys2"


def link(world: World, keys: str = "ssh-ed25519 AAAA admin\n") -> None:
    """As Proxmox sets it up; inside the test's folder the target is a relative one with the same words."""
    world.write("etc/pve/priv/authorized_keys", keys)
    (world.root / "root/.ssh").mkdir(parents=True, exist_ok=True)
    (world.root / "root/.ssh/authorized_keys").symlink_to(world.root / "etc/pve/priv/authorized_keys")


def test_the_keys_stay_valid_during_a_join_and_nothing_is_left(world: World, monkeypatch) -> None:
    link(world)
    monkeypatch.setattr(_lifeline.os, "readlink", lambda path: "/etc/pve/priv/authorized_keys")

    def whole() -> None:
        spare = world.root / SPARE
        assert spare.read_text().endswith("\nssh-ed25519 AAAA admin\n")
        assert spare.stat().st_mode & 0o777 == 0o600
        world.join()

    world.expect(Call(ADD, whole, secret=TICKET))
    assert run(world, peer(conf(1, 1))) == (Plan.JOIN, True)
    assert not (world.root / SPARE).exists()


def test_a_rerun_without_etc_pve_keeps_the_copy(world: World, monkeypatch) -> None:
    link(world)
    monkeypatch.setattr(_lifeline.os, "readlink", lambda path: "/etc/pve/priv/authorized_keys")
    _lifeline.hold(world.machine)
    os.unlink(world.root / "etc/pve/priv/authorized_keys")
    _lifeline.hold(world.machine)
    assert world.text(SPARE) == _lifeline.HEADER.decode() + "ssh-ed25519 AAAA admin\n"


def test_somebodys_own_second_file_is_left_alone(world: World, monkeypatch) -> None:
    link(world)
    world.write(SPARE, "ssh-rsa BBBB other\n")
    monkeypatch.setattr(_lifeline.os, "readlink", lambda path: "/etc/pve/priv/authorized_keys")
    _lifeline.hold(world.machine)
    _lifeline.drop(world.machine)
    assert world.text(SPARE) == "ssh-rsa BBBB other\n"


def test_keys_in_a_file_of_their_own_need_no_copy(world: World) -> None:
    world.write("root/.ssh/authorized_keys", "ssh-rsa BBBB other\n")
    _lifeline.hold(world.machine)
    _lifeline.drop(world.machine)
    assert world.text(SPARE) is None
