# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _network_guard as guard

OLD_TEXT, NEW_TEXT = "auto lo\n# old\n", "auto lo\n# new\n"


def device(**fields: Any) -> dict[str, Any]:
    base = {"type": "eth", "autostart": True, "addresses": [], "dhcp": [], "gateways": [], "routes": [], "listed": True}
    return base | fields


OLD = {"interfaces": {"eno1": device(addresses=["10.0.0.1/24"], gateways=["10.0.0.254"])}}
NEW = {
    "interfaces": {
        "eno1": device(),
        "vmbr0": device(
            type="bridge",
            addresses=["10.0.0.1/24", "fd00::1/64"],
            gateways=["10.0.0.253"],
            routes=[["10.9.0.0/16", "10.0.0.9"]],
        ),
    }
}


class World:
    """A machine whose commands are recorded. C(answers) are what commands say, by their first words."""

    def __init__(self, tmp_path: Path, monkeypatch: Any) -> None:
        self.calls: list[str] = []
        self.answers: dict[str, tuple[int, str]] = {}
        self.etc = tmp_path / "interfaces"
        self.etc.write_text(OLD_TEXT)
        self.directory = tmp_path / "run"
        self.directory.mkdir()
        for name, text in (("candidate", NEW_TEXT), ("before", OLD_TEXT)):
            (self.directory / name).write_text(text)
        self.transaction: dict[str, Any] = {
            "id": "x",
            "timeout": 60,
            "deadline": 0,
            "old": OLD,
            "new": NEW,
            "renames": [],
            "link_files": {},
            "links_before": ["lo", "eno1"],
        }
        self.state("armed")
        monkeypatch.setattr(guard, "run", self.run)
        monkeypatch.setattr(guard.Path, "mkdir", lambda *_arguments, **_options: None)
        self.addresses({"vmbr0": ["10.0.0.1/24", "fd00::1/64"]})

    def addresses(self, found: dict[str, list[str]], *, lent: bool = False) -> None:
        links = [
            {
                "ifname": name,
                "addr_info": [
                    {"local": one.split("/")[0], "prefixlen": int(one.split("/")[1]), "dynamic": lent}
                    for one in addresses
                ],
            }
            for name, addresses in found.items()
        ]
        self.answers["ip -json address show"] = (0, json.dumps(links))

    def state(self, state: str, **more: Any) -> None:
        (self.directory / "state.json").write_text(json.dumps({"state": state, **more}))

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        line = " ".join(argv).replace(str(self.directory), "RUN")
        self.calls.append(line)
        rc, text = next((answer for start, answer in self.answers.items() if line.startswith(start)), (0, ""))
        return subprocess.CompletedProcess(list(argv), rc, text, "")

    def guard(self) -> guard.Guard:
        (self.directory / "transaction.json").write_text(json.dumps(self.transaction))
        return guard.Guard(self.directory, self.etc)

    def now(self) -> dict[str, Any]:
        return json.loads((self.directory / "state.json").read_text())


@pytest.fixture
def world(tmp_path: Path, monkeypatch: Any) -> World:
    return World(tmp_path, monkeypatch)


NEW_RELOAD = (
    'unshare --mount --propagation slave sh -c mount --bind "$1" "$2" && shift 2 && exec "$@" sh RUN/candidate'
    " /etc/network/interfaces ifreload -a"
)
FORWARD = [
    NEW_RELOAD,
    "ip address del 10.0.0.1/24 dev eno1",
    "ip route del default via 10.0.0.254 dev eno1",
    "ip -json address show",
    "ip -json address show",
]
BACK = {
    "ifreload -a",
    "ip address del fd00::1/64 dev vmbr0",
    "ip address del 10.0.0.1/24 dev vmbr0",
    "ip route del default via 10.0.0.253 dev vmbr0",
    "ip route del 10.9.0.0/16 via 10.0.0.9 dev vmbr0",
}


def test_apply_leaves_the_file_alone(world: World) -> None:
    world.guard().apply()
    assert world.calls == FORWARD
    assert world.now()["state"] == "applied"
    assert world.etc.read_text() == OLD_TEXT


def test_apply_happens_once(world: World) -> None:
    world.state("rolled_back")
    world.guard().apply()
    assert world.calls == []


@pytest.mark.parametrize(
    ("output", "rc", "reason"),
    [
        ("error: vmbr0: cannot add eno1\n", 1, "ifreload failed with exit code 1: error: vmbr0: cannot add eno1"),
        ("error: vmbr0: cannot add eno1\n", 0, "ifreload failed: error: vmbr0: cannot add eno1"),
        (
            "warning: vmbr0: post-up cmd 'x' failed: returned 1\n",
            0,
            "ifreload failed: warning: vmbr0: post-up cmd 'x' failed",
        ),
        ("", 3, "ifreload failed with exit code 3: no output"),
    ],
)
def test_what_fails_is_taken_back_at_once(world: World, output: str, rc: int, reason: str) -> None:
    world.answers["unshare"] = (rc, output)
    world.guard().apply()
    assert world.now()["state"] == "rolled_back"
    assert world.now()["reason"].startswith(reason)
    assert world.calls[1] == "ifreload -a"
    assert set(world.calls) > BACK
    assert world.calls[-1] == "systemctl stop baremetal-network-rollback.timer"
    assert world.etc.read_text() == OLD_TEXT


def test_warnings_about_others_are_no_failure(world: World) -> None:
    world.answers["unshare"] = (0, "warning: eno7: post-up cmd 'x' failed: returned 1\nwarning: brctl: missing\n")
    world.guard().apply()
    assert world.now()["state"] == "applied"


def test_an_address_that_did_not_come_is_a_failure(world: World) -> None:
    world.addresses({"vmbr0": ["10.0.0.1/24"]})
    world.guard().apply()
    assert world.now()["state"] == "rolled_back"
    assert world.now()["reason"] == "vmbr0 did not get its address fd00::1/64"


def test_lent_addresses_become_own(world: World) -> None:
    world.addresses({"vmbr0": ["10.0.0.1/24", "fd00::1/64"]}, lent=True)
    world.guard().apply()
    assert "ip address change 10.0.0.1/24 dev vmbr0 valid_lft forever preferred_lft forever" in world.calls


def test_a_lent_address_that_stays_is_made_own(world: World, monkeypatch: Any) -> None:
    world.transaction["old"] = {"interfaces": {"vmbr0": device(dhcp=[4])}}
    monkeypatch.setattr(guard.Path, "glob", lambda _path, pattern: [pattern] if pattern == "vmbr0*.pid" else [])
    world.guard().apply()
    assert world.calls[1:5] == [
        "dhcpcd --exit vmbr0",
        "ip address replace 10.0.0.1/24 dev vmbr0",
        "ip address replace fd00::1/64 dev vmbr0",
        "ip route replace default via 10.0.0.253 dev vmbr0 onlink",
    ]


def test_the_timer_takes_back(world: World) -> None:
    world.state("applied")
    world.guard().rollback("it was not confirmed in time")
    assert world.calls[:3] == [
        "systemctl stop baremetal-network-apply.timer",
        "systemctl kill --kill-whom=all --signal=KILL baremetal-network-apply.service",
        "ifreload -a",
    ]
    assert world.now()["reason"] == "it was not confirmed in time"
    assert world.now()["state"] == "rolled_back"


@pytest.mark.parametrize("state", ["confirmed", "rolled_back"])
def test_the_timer_comes_too_late(world: World, state: str) -> None:
    world.state(state)
    world.guard().rollback("late")
    assert world.calls == []
    assert world.now() == {"state": state}


def test_what_never_began_is_not_taken_back(world: World) -> None:
    world.guard().rollback("late")
    assert not [call for call in world.calls if "ifreload" in call]
    assert world.now() == {"state": "rolled_back", "reason": "late"}


def test_a_reason_that_is_known_stays(world: World) -> None:
    world.state("applied", reason="the gateway did not answer")
    world.guard().rollback("it was not confirmed in time")
    assert world.now()["reason"] == "the gateway did not answer"


def test_confirm_puts_everything_in_place(world: World, tmp_path: Path) -> None:
    pin, stale = tmp_path / "50-pmx-nic0.link", tmp_path / "50-pve-nic0.link"
    stale.write_text("old")
    world.transaction["link_files"] = {str(pin): "[Match]\n", str(stale): None}
    world.etc.chmod(0o640)
    world.state("applied")
    world.guard().confirm()
    assert world.etc.read_text() == NEW_TEXT
    assert world.etc.stat().st_mode & 0o777 == 0o640
    assert pin.read_text() == "[Match]\n" and not stale.exists()
    assert world.now()["state"] == "confirmed"
    assert world.calls == ["systemctl stop baremetal-network-rollback.timer"]
    assert not list(tmp_path.glob(".*baremetal"))


@pytest.mark.parametrize("state", ["armed", "applying", "rolling_back", "rolled_back", "confirmed"])
def test_nothing_else_can_be_confirmed(world: World, state: str) -> None:
    world.state(state)
    with pytest.raises(guard.Failed, match="no applied change"):
        world.guard().confirm()
    assert world.etc.read_text() == OLD_TEXT


def test_a_file_that_somebody_else_changed_is_not_overwritten(world: World) -> None:
    world.state("applied")
    world.etc.write_text("theirs")
    with pytest.raises(guard.Failed, match="changed by somebody else"):
        world.guard().confirm()
    assert world.etc.read_text() == "theirs"


def test_links_that_only_the_new_one_had_go(world: World, monkeypatch: Any) -> None:
    kinds = {"bond0": "bond", "vmbr0": "bridge", "vmbr1": "OVSBridge", "in0": "OVSIntPort", "eno2": "eth"}
    world.transaction["new"] = {"interfaces": {name: device(type=kind) for name, kind in kinds.items()}}
    world.transaction["links_before"] = ["vmbr0"]
    monkeypatch.setattr(guard.Path, "exists", lambda path: "bmtmp" not in str(path))
    world.state("applied")
    world.guard().rollback("late")
    removed = [call for call in world.calls if "del" in call and "address" not in call and "route" not in call]
    assert removed == [
        "ip link delete dev bond0",
        "ovs-vsctl --if-exists del-br vmbr1",
        "ovs-vsctl --if-exists del-port in0",
    ]


def test_two_nics_swap_names(world: World, monkeypatch: Any) -> None:
    world.transaction["renames"] = [{"old": "eno1", "new": "eno2"}, {"old": "eno2", "new": "eno1"}]
    monkeypatch.setattr(guard.Path, "exists", lambda _path: True)
    world.guard().apply()
    names = [call for call in world.calls if " name " in call]
    assert names == [
        "ip link set dev eno1 name bmtmp0",
        "ip link set dev eno2 name bmtmp1",
        "ip link set dev bmtmp0 name eno2",
        "ip link set dev bmtmp1 name eno1",
    ]


def test_a_name_that_cannot_be_had_is_taken_back(world: World, monkeypatch: Any) -> None:
    world.transaction["renames"] = [{"old": "eno1", "new": "nic0"}]
    monkeypatch.setattr(guard.Path, "exists", lambda _path: True)
    world.answers["ip link set dev bmtmp0 name nic0"] = (2, "")
    world.guard().apply()
    assert world.now()["state"] == "rolled_back"
    assert world.now()["reason"].startswith("eno1 could not be renamed to nic0")
    assert "ip link set dev bmtmp0 name eno1" in world.calls
