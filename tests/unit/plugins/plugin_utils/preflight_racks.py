# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Racks of machines as preflight sees them: three alike, on which nothing is wrong, and what a test changes of them."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _preflight_network as network
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _preflight_verdict as verdicts

GIB = 1 << 30
CLUSTER = "99999999-8888-4777-8666-555555555555"
NETWORKS = {
    "management": {"cidr": "10.99.0.0/24", "purposes": ["management"]},
    "storage": {"cidr": "10.97.0.0/24", "mtu": 9000, "purposes": ["storage", "ceph_public"]},
}
HOSTS = ("pve1", "pve2", "pve3")


def disk(name: str = "sdb", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "device": f"/dev/{name}",
        "by_id": [f"/dev/disk/by-id/ata-{name.upper()}"],
        "by_path": [f"/dev/disk/by-path/pci-{name}"],
        "stable_id": f"/dev/disk/by-id/ata-{name.upper()}",
        "size": 480 * 10**9,
        "rotational": False,
        "transport": "sata",
        "model": "M",
        "smart": {"passed": True, "worn_percent": 3, "hours": 1, "celsius": 30},
        "contents": [],
        "empty": True,
        "reason": None,
        "blank": True,
        "boot": False,
        **changes,
    }


def osd(cluster: str = CLUSTER, device: str = "/dev/sdb") -> list[dict[str, Any]]:
    """What is on a disk that pveceph made an OSD of."""
    return [
        {"device": device, "what": "lvm", "text": "LVM", "volume_group": "ceph-1", "logical_volumes": ["osd-block-1"]},
        {
            "device": device,
            "what": "ceph_osd",
            "text": "Ceph osd.1",
            "cluster_fsid": cluster,
            "osd_id": "1",
            "role": "block",
        },
        {"device": device, "what": "held", "text": "held by the logical volume"},
    ]


def nic(name: str, number: int, slot: int, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "driver": "i40e",
        "mac": f"3c:ec:ef:00:{slot:02x}:{number:02x}",
        "carrier": True,
        "speed": 10000,
        "mtu": 9000,
        "master": None,
        "lldp": None,
        **changes,
    }


def facts(number: int) -> dict[str, Any]:
    return {
        "hostname": f"pve{number}",
        "virtualization": None,
        "container": False,
        "proxmox": {"installed": True, "version": "9.2.1", "release": "9.2"},
        "architecture": "x86_64",
        "debian": {"release": "trixie", "version": "13.1"},
        "cpu": {
            "model": "Xeon",
            "vendor": "GenuineIntel",
            "sockets": 1,
            "cores": 8,
            "threads": 16,
            "virtualization": "vmx",
            "kvm": {"present": True, "usable": True, "error": None, "nested": True},
            "iommu": {"enabled": False, "groups": 0},
        },
        "memory": {"total": 62 * GIB, "installed": 64 * GIB, "ecc": True, "ecc_source": "edac"},
        "system": {"vendor": "Dell Inc.", "product": "R650", "serial": f"S{number}"},
        "bmc": {"present": True, "interface": "KCS", "device": None},
        "boot": {"mode": "uefi", "loader": "systemd-boot", "managed_by": "proxmox-boot-tool", "secure_boot": False},
        "watchdogs": [],
        "disks": [
            disk("sda", boot=True, empty=False, contents=[{"device": "/dev/sda", "what": "partition", "text": "p"}]),
            disk(),
        ],
        "ceph": {"fsid": None},
        "nics": [nic("eno1", number, 1), nic("eno2", number, 2)],
        "interfaces": [],
        "addresses": [
            {"interface": "eno1", "address": f"10.99.0.1{number}", "prefix": 24, "scope": "global"},
            {"interface": "eno2", "address": f"10.97.0.1{number}", "prefix": 24, "scope": "global"},
            {"interface": "eno1", "address": "fe80::1", "prefix": 64, "scope": "link"},
        ],
        "machine_id": f"{number:032x}",
        "host_keys": {"ssh-ed25519": f"SHA256:key{number}"},
        "clock": {"services": ["chrony"], "synchronized": True},
    }


class Rack:
    """Three good machines; C(self.facts[host]) and the rest are for the test to change before C(verdict)."""

    def __init__(self, hosts: tuple[str, ...] = HOSTS) -> None:
        self.facts = {host: facts(int(host[-1])) for host in hosts}
        self.clock = {host: {"offset": 0.01, "error": 0.02, "samples": 4} for host in hosts}
        self.declared: dict[str, dict[str, Any]] = {
            host: {"name": host, "networks": copy.deepcopy(NETWORKS), "network_interfaces": False, "ceph_osds": []}
            for host in hosts
        }
        self.links = {host: [{"number": 0, "address": f"10.99.0.1{host[-1]}"}] for host in hosts}
        self.names: dict[str, dict[str, Any]] = {host: {} for host in hosts}
        self.reverse: dict[str, dict[str, Any]] = {host: {} for host in hosts}
        # (host, peer, network): what differs from a good ping
        self.bad_pings: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.results: dict[str, dict[str, Any]] = {}
        self.ceph_hosts: tuple[str, ...] = ()

    def everywhere(self, **changes: Any) -> None:
        """Declares the same on all hosts."""
        for declared in self.declared.values():
            declared.update(copy.deepcopy(changes))

    def pings(self, host: str) -> list[dict[str, Any]]:
        found = []
        main = {name: f"10.99.0.1{name[-1]}" for name in self.facts}
        for target in network.targets(host, self.facts, self.declared[host]["networks"], self.links, main):
            ping = {
                **target,
                "sent": 7,
                "received": 7,
                "rtt_ms": {"min": 0.1, "median": 0.2, "max": 0.3},
                "passed": True,
                "largest": target["mtu"],
                "error": None,
            }
            for name in target["about"]["networks"]:
                ping |= self.bad_pings.get((host, target["about"]["host"], name), {})
            found.append(ping)
        return found

    def machines(self) -> list[Any]:
        results = {}
        for host, known in self.facts.items():
            probe = {"pings": self.pings(host), "names": self.names[host], "addresses": self.reverse[host]}
            results[host] = {
                "facts": {"facts": known},
                "probe": {"probe": probe, "clock": self.clock[host], "declared": self.declared[host]},
            }
        return verdicts.machines({**results, **self.results}, self.ceph_hosts)

    def verdict(self) -> verdicts.Verdict:
        return verdicts.judge(self.machines())

    def found(self) -> list[tuple[str, str, str]]:
        """(level, host, name) of everything that is neither off nor accepted."""
        verdict = self.verdict()
        assert not verdict.errors
        return [(one.level or "", one.host, one.name) for one in [*verdict.failures, *verdict.warnings]]
