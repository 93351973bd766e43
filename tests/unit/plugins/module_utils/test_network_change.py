# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import (
    _cli,
    _errors,
    _interfaces_file,
    _network_change,
    _network_guard,
    _network_node,
    _network_pins,
    _network_transaction,
)

FILE = "auto lo\niface lo inet loopback\n\niface ens18 inet manual\n\nsource /etc/network/interfaces.d/*\n"
LINKS = [
    {"ifname": "lo", "link_type": "loopback", "address": "00:00:00:00:00:00"},
    {"ifname": "ens18", "link_type": "ether", "address": "52:54:00:00:00:18"},
    {
        "ifname": "ens19",
        "link_type": "ether",
        "address": "52:54:00:00:00:18",
        "linkinfo": {"info_slave_kind": "bond", "info_slave_data": {"perm_hwaddr": "52:54:00:00:00:19"}},
    },
    {"ifname": "ens20", "link_type": "ether", "address": "52:54:00:00:00:99", "permaddr": "52:54:00:00:00:20"},
    {"ifname": "tap100i0", "link_type": "ether", "address": "52:54:00:00:00:77", "linkinfo": {"info_kind": "tun"}},
]


class Fake(_cli.Cli):
    """Records argument vectors; C(answers) by their first words."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.answers: dict[str, tuple[int, str]] = {"ip -details -json link show": (0, json.dumps(LINKS))}

    def run(self, command: _cli.Command, *, timeout: float = 60, **given: Any) -> _cli.Output:
        argv = command.argv(given)
        self.calls.append(argv)
        rc, text = next((said for start, said in self.answers.items() if " ".join(argv).startswith(start)), (0, ""))
        if rc not in command.ok:
            raise _errors.CliError(argv, rc, text)
        return _cli.Output(argv, rc, text)


class World:
    def __init__(self, root: Path) -> None:
        self.root, self.cli = root, Fake()
        for name, text in {
            "etc/network/interfaces": FILE,
            "usr/share/ifupdown2/x": "",
            "usr/bin/ping": "",
            "usr/bin/ovs-vsctl": "",
            "run/lock/x": "",
        }.items():
            self.write(name, text)
        self.node = _network_node.Node(self.cli, root)
        self.transaction = _network_transaction.Transaction(self.cli, root / "run/net")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def change(self, config: list[dict[str, Any]], *, check_mode: bool = False, **more: Any) -> dict[str, Any]:
        params = {
            "config": config,
            "state": "merged",
            "confirm_timeout": 60,
            "variable": "config",
            "host": "pve1",
            **more,
        }
        return _network_change.Change(self.node, params, self.transaction).run(check_mode=check_mode)

    def findings(self, config: list[dict[str, Any]], **more: Any) -> list[str]:
        with pytest.raises(_errors.InputError) as caught:
            self.change(config, **more)
        assert not (self.root / "run/net").exists()
        return caught.value.fields["findings"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


BRIDGE = {"name": "vmbr0", "bridge_ports": ["ens18"], "addresses": ["192.0.2.11/24"]}


def test_a_change_is_armed_before_it_is_begun(world: World) -> None:
    result = world.change([BRIDGE])
    directory = str(world.root / "run/net")
    guard = ["--property=KillMode=process", sys.executable, f"{directory}/guard.py", directory]
    began = [argv for argv in world.cli.calls if argv[0].startswith("system")]
    run = ["systemd-run", "--quiet", "--collect"]
    assert [argv[:2] for argv in began[:1]] == [["systemctl", "reset-failed"]]
    assert began[1:] == [
        [
            *(*run, "--unit", "baremetal-network-rollback", "--on-active", "62s"),
            *(
                "--description",
                "Takes an unconfirmed network change back",
                "--timer-property=AccuracySec=100ms",
                *guard,
            ),
            "rollback",
        ],
        [
            *(*run, "--unit", "baremetal-network-apply", "--on-active", "2s"),
            *("--description", "Changes the network", "--timer-property=AccuracySec=100ms", *guard, "apply"),
        ],
    ]
    assert result["changed"] and result["transaction"]["timeout"] == 60
    assert (world.root / "etc/network/interfaces").read_text() == FILE
    candidate = (world.root / "run/net/candidate").read_text()
    assert "iface vmbr0 inet static\n\taddress 192.0.2.11/24\n\tbridge-ports ens18\n" in candidate
    assert result["diff"][0]["after"] == candidate and result["diff"][0]["before"] == FILE
    written = json.loads((world.root / "run/net/transaction.json").read_text())
    assert written["links_before"] == ["ens18", "ens19", "ens20", "lo", "tap100i0"]
    assert written["new"]["interfaces"]["vmbr0"]["addresses"] == ["192.0.2.11/24"]
    assert not written["new"]["interfaces"]["ens18"]["listed"]


def test_the_guard_on_the_node_is_the_guard_that_is_tested(world: World) -> None:
    world.change([BRIDGE])
    assert (world.root / "run/net/guard.py").read_text() == Path(_network_guard.__file__).read_text()


def test_the_guard_stands_alone() -> None:
    assert "ansible" not in [line.split()[1].split(".")[0] for line in _source_imports()]


def _source_imports() -> list[str]:
    lines = Path(_network_guard.__file__).read_text().splitlines()
    return [line for line in lines if line.startswith(("import ", "from "))]


def test_check_mode_asks_ifupdown2_and_touches_nothing(world: World) -> None:
    result = world.change([BRIDGE], check_mode=True)
    assert result["changed"] and "transaction" not in result
    check = [argv for argv in world.cli.calls if argv[0] == "ifup"]
    assert [argv[:-1] for argv in check] == [["ifup", "--all", "--syntax-check", "--interfaces"]]
    assert not [argv for argv in world.cli.calls if argv[0].startswith("system")]
    assert not (world.root / "run/net").exists()


def test_what_is_so_already_is_left_alone(world: World) -> None:
    result = world.change([{"name": "ens18", "autostart": False}])
    assert not result["changed"] and result["diff"] == []
    assert [argv[0] for argv in world.cli.calls] == ["ip"]


def test_ifupdown2_refuses(world: World) -> None:
    world.cli.answers["ifup"] = (1, "error: /tmp/x: line3: iface vmbr0: unsupported keyword\n")
    assert world.findings([BRIDGE]) == [
        "pve1: config: ifupdown2: error: /tmp/x: line3: iface vmbr0: unsupported keyword"
    ]


def test_ifupdown2_does_not_know_what_proxmox_writes(world: World) -> None:
    warning = 'warning: vmbr0: bridge-ports: invalid value "none": valid attribute values: [...]\n'
    world.cli.answers["ifup"] = (1, warning)
    assert world.change([{"name": "vmbr0", "bridge_ports": []}], check_mode=True)["changed"]


def test_all_findings_of_the_machine_at_once(world: World) -> None:
    for name in ("etc/network/interfaces.new", "etc/netplan/50-cloud.yaml", "run/systemd/network/10-x.network"):
        world.write(name, "")
    world.write("etc/network/interfaces.d/50-cloud-init", "auto vmbr0\niface vmbr0 inet dhcp\n")
    world.write("etc/network/interfaces.d/sdn", "auto vnet0\niface vnet0\n")
    world.write(
        "etc/network/ifupdown2/ifupdown2.conf", "# use_daemon=no\nuse_daemon=yes\ndefault_interfaces_configfile=/x\n"
    )
    (world.root / "usr/bin/ping").unlink()
    said = " ".join(world.findings([BRIDGE, {"name": "vmbr1", "bridge_ports": ["ens77"]}]))
    for part in (
        "pve1: config[vmbr1].bridge_ports: expected devices that exist or are listed",
        "found netplan with /etc/netplan/50-cloud.yaml",
        "found systemd-networkd with /run/systemd/network/10-x.network",
        "expected vmbr0 in /etc/network/interfaces alone, found it in /etc/network/interfaces.d/50-cloud-init too",
        "found /etc/network/interfaces.new",
        "expected use_daemon=no",
        "expected default_interfaces_configfile=/etc/network/interfaces",
        "expected the packages iputils-ping, found them not installed",
    ):
        assert part in said


def test_check_mode_tells_of_packages_that_a_run_would_bring(world: World) -> None:
    (world.root / "usr/share/ifupdown2/x").unlink()
    (world.root / "usr/share/ifupdown2").rmdir()
    (world.root / "usr/bin/ovs-vsctl").unlink()
    config = [BRIDGE, {"name": "vmbr1", "type": "OVSBridge"}]
    assert world.change(config, check_mode=True)["missing_packages"] == ["ifupdown2", "openvswitch-switch"]
    assert "ifupdown2, openvswitch-switch" in world.findings(config)[0]


def test_dhcp_needs_its_client(world: World) -> None:
    assert "isc-dhcp-client" in world.findings([{"name": "ens18", "method": "dhcp"}])[0]


def test_overridden_with_nothing_is_refused(world: World) -> None:
    assert "expected interfaces" in world.findings([], state="overridden")[0]


def test_a_nic_by_its_address(world: World) -> None:
    config = [
        {"name": "uplink", "match": {"mac": "52:54:00:00:00:19"}},
        {"name": "vmbr0", "bridge_ports": ["uplink"]},
        {"name": "uplink.20"},
    ]
    text = world.change(config, check_mode=True)["diff"][0]["after"]
    assert "bridge-ports ens19\n" in text and "iface ens19.20 inet" in text and "uplink" not in text


def test_a_nic_that_is_not_there(world: World) -> None:
    said = world.findings([{"name": "nic0", "match": {"mac": "52:54:00:00:00:55"}}])
    assert said[0].startswith(
        "pve1: config[nic0].match: expected one NIC with mac '52:54:00:00:00:55' (ens18 52:54:00:00:00:18"
    )


def test_a_pinned_nic_is_renamed_and_gets_its_file(world: World) -> None:
    result = world.change([{"name": "nic0", "match": {"mac": "52:54:00:00:00:18"}, "pin": True}])
    assert result["renames"] == {"nic0": "ens18"}
    text = "[Match]\nMACAddress=52:54:00:00:00:18\nType=ether\n\n[Link]\nName=nic0\n"
    path = "/usr/local/lib/systemd/network/50-pmx-nic0.link"
    written = json.loads((world.root / "run/net/transaction.json").read_text())
    assert written["link_files"] == {path: text}
    assert written["renames"] == [{"old": "ens18", "new": "nic0"}]
    assert [change["after_header"] for change in result["diff"]] == ["/etc/network/interfaces", path]
    assert not (world.root / path[1:]).exists()


def test_a_name_that_another_has(world: World) -> None:
    said = world.findings([{"name": "ens20", "match": {"mac": "52:54:00:00:00:18"}, "pin": True}])
    assert "expected a name that no other device has, found 'ens20', which is 52:54:00:00:00:20" in said[0]


def test_pins_of_other_releases_and_names_go(tmp_path: Path) -> None:
    link = _network_node.Link("ens18", "52:54:00:00:00:18", None, None, True)
    directory = tmp_path / "usr/local/lib/systemd/network"
    directory.mkdir(parents=True)
    (directory / "50-pve-nic0.link").write_text("legacy")
    (directory / "50-pmx-nic7.link").write_text(_network_pins.text("52:54:00:00:00:18", "nic7"))
    (directory / "50-pmx-nic8.link").write_text(_network_pins.text("52:54:00:00:00:88", "nic8"))
    changes = _network_pins.plan({"nic0": link}, tmp_path)
    after = {Path(path).name: after for path, (_before, after) in changes.items()}
    assert after == {
        "50-pve-nic0.link": None,
        "50-pmx-nic7.link": None,
        "50-pmx-nic0.link": _network_pins.text("52:54:00:00:00:18", "nic0"),
    }
    for name, text in after.items():
        (directory / name).unlink(missing_ok=True) if text is None else (directory / name).write_text(text)
    assert _network_pins.plan({"nic0": link}, tmp_path) == {}


def test_an_unconfirmed_change_is_waited_for(world: World, monkeypatch: Any) -> None:
    world.change([BRIDGE])
    ends = iter(["applied", "rolling_back", "rolled_back"])
    monkeypatch.setattr(
        _network_transaction.time,
        "sleep",
        lambda _seconds: (world.root / "run/net/state.json").write_text(json.dumps({"state": next(ends)})),
    )
    assert world.change([BRIDGE])["transaction"]
    assert list(ends) == []


def test_one_that_nothing_will_end_is_ended(world: World, monkeypatch: Any) -> None:
    world.change([BRIDGE])
    path = world.root / "run/net/transaction.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "deadline": 0}))
    clock = iter(range(0, 10000, 10))
    monkeypatch.setattr(_network_transaction.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(_network_transaction.time, "sleep", lambda _seconds: None)
    with pytest.raises(_errors.Timeout, match="unconfirmed network change"):
        world.transaction.await_end()
    assert next(argv for argv in world.cli.calls if "--unit=baremetal-network-rollback" in argv)[-1] == "rollback"


@pytest.mark.parametrize(
    ("target", "argv"),
    [
        ({"address": "192.0.2.1", "mtu": 1500}, ["-s", "1472", "192.0.2.1"]),
        ({"address": "192.0.2.1", "mtu": 9000, "interface": "vmbr0"}, ["-I", "vmbr0", "-s", "8972", "192.0.2.1"]),
        ({"address": "2001:db8::1", "mtu": 1500, "interface": None}, ["-s", "1452", "2001:db8::1"]),
    ],
)
def test_a_ping_has_exactly_the_size(world: World, target: dict[str, Any], argv: list[str]) -> None:
    assert world.transaction.ping(target)
    assert world.cli.calls == [["ping", "-n", "-q", "-c", "1", "-W", "1", "-M", "do", *argv]]


def test_those_that_answer_are_not_asked_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(_network_transaction.time, "sleep", lambda _seconds: None)
    asked: list[str] = []

    def ping(target: Any) -> bool:
        asked.append(target["address"])
        return target["address"] == "a" or asked.count("b") == 3

    targets = [{"address": "a"}, {"address": "b"}]
    assert _network_transaction.silent(targets, ping, _network_transaction.time.monotonic() + 60) == []
    assert sorted(asked) == ["a", "b", "b", "b"]
    assert _network_transaction.silent([{"address": "c"}], lambda _target: False, 0) == [{"address": "c"}]


def test_the_file_of_a_machine_without_one(world: World) -> None:
    (world.root / "etc/network/interfaces").unlink()
    text = world.change([BRIDGE], check_mode=True)["diff"][0]["after"]
    assert text.startswith("auto lo\niface lo inet loopback\n\n") and text.endswith(f"\n{_interfaces_file.SOURCE}\n")
