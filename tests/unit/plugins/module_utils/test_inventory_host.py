# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a machine's own files say as variables; and that the modules would then leave these files alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import (
    _corosync,
    _host_settings,
    _inventory_ha,
    _inventory_host,
    _membership,
    _network_node,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._inventory_tables import Found
from ansible_collections.baremetal.proxmox.plugins.module_utils._settings import Settings

from .cluster_world import Call, conf
from .test_host_settings import CHRONY, INITRAMFS, KERNEL, Host
from .test_network_change import Fake

SETTINGS: dict[str, Any] = {
    "timezone": "Europe/Vienna",
    "ntp_servers": ["192.0.2.1", "pool ntp.example.org iburst maxsources 2"],
    "modules": ["nbd"],
    "module_options": {"nbd": "max_part=8"},
    "module_blacklist": ["floppy"],
    "sysctl": {"net.ipv4.tcp_keepalive_time": "600"},
    "swappiness": 10,
    "swap": "off",
    "zfs_arc_max": str(8 << 30),
    "watchdog": "ipmi_watchdog",
    "unattended_upgrades": "security",
}
DEBIAN = "Types: deb\nURIs: http://mirror.example.org/debian\nSuites: trixie trixie-updates\nComponents: {}\n"
PVE = (
    "Types: deb\nURIs: {}\nSuites: trixie\nComponents: {}\nSigned-By: /usr/share/keyrings/proxmox-archive-keyring.gpg\n"
)
OFFICIAL = "http://download.proxmox.com/debian/pve"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(_host_settings.platform, "release", lambda: KERNEL)
    made = Host(tmp_path)
    made.put("/usr/share/zoneinfo/Europe/Vienna")
    made.put("/etc/chrony/chrony.conf", CHRONY)
    made.put("/sys/module/nbd/x")
    made.put("/sys/module/softdog/x")
    made.put("/proc/sys/net/ipv4/tcp_keepalive_time", "600\n")
    made.put("/proc/sys/vm/swappiness", "10\n")
    made.put("/proc/swaps", "Filename Type\n")
    return made


def test_settings_are_read_back(host: Host) -> None:
    host.cli.expected = [
        Call("systemctl restart chrony.service"),
        INITRAMFS,
        Call("systemctl daemon-reload"),
    ]
    parts = _host_settings.parts(SETTINGS, _host_settings.Context(host.machine, check=False))
    order = [one.command.words for part in parts for one in part.refresh]
    assert len(order) == len(host.cli.expected)
    Settings(host.machine, parts).result(check=False)
    found = Found()
    _inventory_host.settings(host.machine, found)
    assert found.notes == []
    assert found.variables == {f"pve_host_{name}": value for name, value in SETTINGS.items()}


def test_a_machine_of_nobodys_says_nothing_but_its_time_zone(host: Host) -> None:
    host.machine.path("/etc/localtime").symlink_to("../usr/share/zoneinfo/Europe/Vienna")
    host.put("/etc/default/pve-ha-manager", "#WATCHDOG_MODULE=iTCO_wdt\n")
    found = Found()
    _inventory_host.settings(host.machine, found)
    assert found == Found({"pve_host_timezone": "Europe/Vienna"})


def test_what_is_not_in_force_is_left_out(host: Host) -> None:
    host.put("/etc/sysctl.d/zz-baremetal-proxmox.conf", "# x\nnet.ipv4.tcp_keepalive_time = 300\n")
    found = Found()
    _inventory_host.settings(host.machine, found)
    assert found.variables == {}
    (note,) = found.notes
    assert note.startswith("pve_host_sysctl: ")


@pytest.mark.parametrize(
    ("components", "url", "ceph", "variables", "notes"),
    [
        ("pve-no-subscription", OFFICIAL, "", {}, 0),
        ("pve-enterprise", "https://enterprise.proxmox.com/debian/pve", "", {"pve_host_repository": "enterprise"}, 0),
        ("pve-test", OFFICIAL, "", {"pve_host_repository": "test"}, 0),
        (
            "pve-no-subscription",
            "http://mirror.example.org/pve",
            "",
            {"pve_host_repository_url": "http://mirror.example.org/pve"},
            0,
        ),
        # two components in one entry, and the enterprise entry of the ISO that nobody turned off: the role would write
        ("pve-no-subscription pve-test", OFFICIAL, "", {"pve_host_repository": "none"}, 1),
        (
            "pve-no-subscription",
            OFFICIAL,
            PVE.format("https://enterprise.proxmox.com/debian/ceph-squid", "enterprise"),
            {"pve_host_repository": "none"},
            1,
        ),
        (
            "pve-no-subscription",
            OFFICIAL,
            PVE.format("http://download.proxmox.com/debian/ceph-squid", "no-subscription"),
            {"pve_ceph_release": "squid"},
            0,
        ),
        (
            "pve-no-subscription",
            OFFICIAL,
            PVE.format("http://mirror.example.org/debian/ceph-tentacle", "test"),
            {
                "pve_ceph_release": "tentacle",
                "pve_ceph_repository": "test",
                "pve_ceph_repository_url": "http://mirror.example.org/debian/ceph-tentacle",
            },
            0,
        ),
    ],
)
def test_where_packages_come_from(
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
    components: str,
    url: str,
    ceph: str,
    variables: dict[str, Any],
    notes: int,
) -> None:
    host.put("/etc/apt/sources.list.d/debian.sources", DEBIAN.format("main"))
    host.put("/etc/apt/sources.list.d/proxmox.sources", PVE.format(url, components))
    host.put("/etc/apt/sources.list.d/ceph.sources", ceph)
    monkeypatch.setattr(host.machine, "packages", dict.fromkeys)
    about = {"debian": {"release": "trixie"}, "cpu": {"vendor": "GenuineIntel", "virtual": True}, "container": False}
    found = Found()
    _inventory_host.repositories(host.machine, about, found)
    assert found.variables == variables
    assert len(found.notes) == notes


def test_microcode_that_is_not_there_is_not_wanted(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.put("/etc/apt/sources.list.d/debian.sources", DEBIAN.format("main non-free-firmware"))
    host.put("/etc/apt/sources.list.d/proxmox.sources", PVE.format(OFFICIAL, "pve-no-subscription"))
    about = {"debian": {"release": "trixie"}, "cpu": {"vendor": "GenuineIntel", "virtual": False}, "container": False}
    for version, expected in ((None, {"pve_host_microcode": False}), ("3.20250812", {})):
        monkeypatch.setattr(host.machine, "packages", lambda names, version=version: dict.fromkeys(names, version))
        found = Found()
        _inventory_host.repositories(host.machine, about, found)
        assert found.variables == expected


def test_links_and_votes() -> None:
    parsed = _corosync.parse_conf(conf(3, 1, 2).replace("quorum_votes: 1", "quorum_votes: 2", 1))
    first = next(iter(parsed.nodes))
    local = _membership.Local(
        **{name: None for name in _membership.Local.__dataclass_fields__} | {"hostname": first, "conf": parsed}
    )
    found = Found()
    _inventory_host.membership(local, found)
    links = [{"number": number, "address": address} for number, address in parsed.nodes[first].links.items()]
    assert found.variables == {
        "pve_cluster_name": parsed.name,
        "pve_cluster_links": links,
        "pve_cluster_votes": 2,
    }


LINKS = [
    {"ifname": "lo", "link_type": "loopback", "address": "00:00:00:00:00:00"},
    {"ifname": "ens18", "link_type": "ether", "address": "52:54:00:00:00:18"},
]
BRIDGE = (
    "auto vmbr0\niface vmbr0 inet static\n\taddress 192.0.2.11/24\n\tgateway 192.0.2.1\n\tbridge-ports ens18\n"
    "\tbridge-stp off\n\tbridge-fd 0\n"
)


def network(root: Path, text: str) -> Found:
    (root / "etc/network").mkdir(parents=True)
    (root / "etc/network/interfaces").write_text(text)
    cli = Fake()
    cli.answers = {"ip -details -json link show": (0, json.dumps(LINKS))}
    found = Found()
    _inventory_host.network(_network_node.Node(cli, root), found)
    return found


def test_the_network_as_proxmox_writes_it(tmp_path: Path) -> None:
    extra = "\tbridge-mcsnoop 0\n"
    text = f"auto lo\niface lo inet loopback\n\niface ens18 inet manual\n\n{BRIDGE}{extra}\nsource /etc/network/interfaces.d/*\n"
    found = network(tmp_path, text)
    assert [one["name"] for one in found.variables["pve_network_interfaces"]] == ["ens18", "vmbr0"]
    (note,) = found.notes
    assert "bridge-mcsnoop 0" in note


def test_a_network_that_would_be_written_anew_is_left_out(tmp_path: Path) -> None:
    found = network(tmp_path, f"auto lo\niface lo inet loopback\n\niface ens18 inet manual\n\n{BRIDGE}")
    assert found.variables == {}
    assert found.notes


def test_ha_of_proxmox_8_and_what_has_no_word() -> None:
    resources = [
        {"sid": "vm:100", "group": "fast", "max_restart": 2},
        {"sid": "vm:101", "group": "fast"},
        {"sid": "vm:102"},
    ]
    groups = [
        {"group": "fast", "nodes": ["pve1:2", "pve2"], "restricted": True, "nofailback": True, "comment": "x"},
        {"group": "empty", "nodes": ["pve1"]},
    ]
    rules = [
        {"rule": "off", "type": "node-affinity", "resources": ["vm:100"], "nodes": ["pve1"], "disable": True},
        {"rule": "near", "type": "resource-affinity", "resources": ["vm:100", "vm:101"], "affinity": "positive"},
    ]
    found = _inventory_ha.described(resources, rules, groups)
    assert found.guests == [
        {"sid": "vm:100", "max_restart": 2, "failback": False},
        {"sid": "vm:101", "failback": False},
        {"sid": "vm:102"},
    ]
    assert found.placement == [
        {"name": "near", "how": "together", "guests": ["vm:100", "vm:101"]},
        {
            "name": "fast",
            "how": "pin",
            "guests": ["vm:100", "vm:101"],
            "nodes": ["pve1:2", "pve2"],
            "comment": "x",
        },
    ]
    assert [note.split("'")[1] for note in found.notes] == ["off", "empty"]
