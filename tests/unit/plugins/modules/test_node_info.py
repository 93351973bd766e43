# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _node_api
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ConnectionLost
from ansible_collections.baremetal.proxmox.plugins.modules import node_info

from ..module_utils.cluster_world import FINGERPRINT, Call, World
from ..module_utils.fake_api import FakeClient, FakeTransport
from .cluster_modules import run


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path / "root", monkeypatch)


def bare(world: World) -> None:
    world.unmount()
    world.remove("etc/pve/.vmlist")
    world.remove("usr/bin/pveversion")


def test_a_bare_machine_needs_no_library(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bare(world)
    for name in ("proxmoxer", "requests"):
        monkeypatch.setitem(sys.modules, name, None)
    node = run(monkeypatch, node_info, world, {"gather": ["host", "packages", "cluster", "storage", "api"]})["node"]
    assert node["proxmox"] == {"installed": False, "version": None, "release": None}
    assert (node["cluster"]["member"], node["cluster"]["name"], node["guests"]) == (False, None, 0)
    assert node["storage"] == []
    assert node["api"] == {"fingerprint": None, "answers": False, "error": "no Proxmox VE"}


def test_only_what_was_asked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bare(world)
    node = run(monkeypatch, node_info, world, {"gather": [], "python": ["json"]})["node"]
    assert set(node) == {"hostname", "proxmox", "python"}
    assert node["python"] == {"json": True}


def test_a_member(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.join()
    world.expect(
        Call(
            "corosync-cfgtool -s", stdout="LINK ID 0 udp\n\taddr\t= 10.98.0.12\n\tstatus:\n\t\tnodeid:  1:\tconnected\n"
        ),
        Call("corosync-quorumtool -s", stdout="Quorate:          Yes\nExpected votes:   2\nTotal votes:      2\n"),
    )
    node = run(monkeypatch, node_info, world, {"gather": ["cluster"]})["node"]
    assert node["proxmox"]["version"] == "9.2.11"
    assert (node["cluster"]["member"], node["cluster"]["quorate"], node["cluster"]["half_joined"]) == (
        True,
        True,
        False,
    )
    assert node["cluster"]["votes"] == {"expected": 2, "total": 2}
    assert node["cluster"]["links"] == [
        {"number": 0, "address": "10.98.0.12", "peers": [{"nodeid": 1, "connected": True}]}
    ]


@pytest.mark.parametrize(
    ("gather", "calls", "expected"),
    [
        (
            ["storage", "api"],
            [
                (
                    "GET",
                    "/nodes/pve2/storage",
                    {},
                    [
                        {"storage": "nas", "type": "nfs", "enabled": 1, "active": 0},
                        {"storage": "local", "type": "dir", "enabled": 1, "active": 1},
                        {"storage": "old", "type": "dir", "enabled": 0},
                    ],
                )
            ],
            {
                "api": {"fingerprint": FINGERPRINT, "answers": True, "error": None},
                "storage": [
                    {"storage": "local", "type": "dir", "enabled": True, "active": True, "error": None},
                    {
                        "storage": "nas",
                        "type": "nfs",
                        "enabled": True,
                        "active": False,
                        "error": "not active on this node",
                    },
                    {"storage": "old", "type": "dir", "enabled": False, "active": False, "error": None},
                ],
            },
        ),
        (
            ["ha"],
            [
                (
                    "GET",
                    "/cluster/ha/status/current",
                    {},
                    [
                        {"id": "quorum", "type": "quorum", "node": "pve1", "status": "OK", "quorate": 1},
                        {"id": "service:vm:110", "type": "service", "sid": "vm:110", "node": "pve1", "state": "queued"},
                    ],
                )
            ],
            {"ha": [{"sid": "vm:110", "node": "pve1", "state": "queued"}]},
        ),
        (
            ["api"],
            [("GET", "/version", {}, {"version": "9.2.11"})],
            {"api": {"fingerprint": FINGERPRINT, "answers": True, "error": None}},
        ),
        (
            ["api"],
            [("GET", "/version", {}, ConnectionLost("GET", "/version", "refused", maybe_done=True))],
            {
                "api": {
                    "fingerprint": FINGERPRINT,
                    "answers": False,
                    "error": "GET /version: no answer from the API (refused); the call may have been carried out all the same",
                }
            },
        ),
    ],
)
def test_the_api_is_asked_only_for_what_is_wanted(
    world: World, monkeypatch: pytest.MonkeyPatch, gather: list, calls: list, expected: dict
) -> None:
    transport = FakeTransport(calls)
    monkeypatch.setattr(_node_api, "local_session", lambda: None)
    monkeypatch.setattr(_node_api, "Client", lambda _session, **options: FakeClient(transport, **options))
    node = run(monkeypatch, node_info, world, {"gather": gather})["node"]
    assert {name: node[name] for name in node if name in ("api", "ha", "storage")} == expected
    transport.finished()
