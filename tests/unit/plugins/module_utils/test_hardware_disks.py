# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a disk is, and which of its names to use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_disks as disks
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_smart as smart

from .hardware_world import Tree

SAS = "pci0000:64/0000:65:00.0/host0/port-0:0/end_device-0:0/target0:0:0/0:0:0:0"
NVME = "pci0000:00/0000:01:00.0/nvme/nvme0"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "root")


def test_a_sata_disk_behind_a_sas_controller(tree: Tree) -> None:
    tree.disk(
        "sda",
        "8:0",
        SAS,
        ids=(
            "by-id/ata-ST4000_ZC1",
            "by-id/wwn-0x5000c500a1b2c3d4",
            "by-id/lvm-pv-uuid-x",
            "by-path/pci-0000:65-sas-phy0",
        ),
        device__vendor="ATA",
        device__model="ST4000NM0035",
        device__vpd_pg80=b"\x00\x80\x00\x14            ZC1ABCDE",
        queue__physical_block_size=4096,
    )
    tree.write("/run/udev/data/b8:0", "S:disk/by-id/x\nE:ID_MODEL=ST4000NM0035-1V4\nE:ID_WWN=0x5000c500a1b2c3d4")
    (disk,) = disks.disks(tree.machine, tree.devices)
    assert disk["transport"] == "sata"
    assert disk["serial"] == "ZC1ABCDE"
    assert disk["model"] == "ST4000NM0035-1V4"
    assert disk["wwn"] == "0x5000c500a1b2c3d4"
    assert disk["sector"] == {"logical": 512, "physical": 4096}
    assert disk["by_id"] == ["/dev/disk/by-id/ata-ST4000_ZC1", "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4"]
    assert disk["stable_id"] == "/dev/disk/by-id/ata-ST4000_ZC1"
    assert disk["by_path"] == ["/dev/disk/by-path/pci-0000:65-sas-phy0"]
    assert disk["size"] == 64 << 20


def test_an_nvme_disk(tree: Tree) -> None:
    tree.disk(
        "nvme0n1",
        "259:0",
        NVME,
        device__serial="S4GENX0",
        device__model="Samsung",
        wwid="eui.0025",
        device__transport="pcie",
    )
    (disk,) = disks.disks(tree.machine, tree.devices)
    assert (disk["transport"], disk["serial"], disk["wwn"], disk["rotational"]) == (
        "nvme",
        "S4GENX0",
        "eui.0025",
        False,
    )
    assert disk["stable_id"] is None


@pytest.mark.parametrize(
    ("bus", "name", "expected"),
    [
        ("pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0", "sda", "sata"),
        (SAS, "sda", "sas"),
        ("pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0", "sda", "usb"),
        ("platform/host9/session1/target9:0:0/9:0:0:0", "sda", "iscsi"),
        ("pci0000:00/0000:03:00.0/host1/rport-1:0-0/target1:0:0/1:0:0:0", "sda", "fc"),
        ("pci0000:00/0000:00:05.0/virtio2", "vda", "virtio"),
        ("pci0000:00/0000:00:05.0/virtio2/host2/target2:0:0/2:0:0:0", "sda", "virtio"),
        ("pci0000:00/0000:02:00.0/host0/target0:2:0/0:2:0:0", "sda", "scsi"),
        ("platform/emmc/mmc_host/mmc0/mmc0:0001", "mmcblk0", "mmc"),
    ],
)
def test_transport(tree: Tree, bus: str, name: str, expected: str) -> None:
    tree.disk(name, "8:0", bus)
    (disk,) = disks.disks(tree.machine, tree.devices)
    assert disk["transport"] == expected


def test_nvme_over_tcp_is_not_local(tree: Tree) -> None:
    tree.disk("nvme0n1", "259:0", "virtual/nvme-fabrics/ctl/nvme0", device__transport="tcp")
    assert disks.disks(tree.machine, tree.devices)[0]["transport"] == "nvme-tcp"


def test_what_is_no_disk_is_not_listed(tree: Tree) -> None:
    for index, name in enumerate(("loop0", "sr0", "zram0", "dm-0", "md0", "nbd0", "rbd0", "zd0", "ram0")):
        tree.disk(name, f"7:{index}", "virtual")
    assert disks.disks(tree.machine, tree.devices) == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["wwn-0x5", "ata-A_1", "scsi-SATA_A_1"], "ata-A_1"),
        (["nvme-eui.0025", "nvme-Samsung_S4_1", "nvme-Samsung_S4"], "nvme-Samsung_S4"),
        (["wwn-0x5", "scsi-35000c500", "scsi-SSEAGATE_Z1"], "scsi-SSEAGATE_Z1"),
        (["nvme-eui.0025"], "nvme-eui.0025"),
        (["virtio-disk1"], "virtio-disk1"),
        (["usb-Stick-0:0"], "usb-Stick-0:0"),
        ([], None),
    ],
)
def test_the_name_to_use(names: list[str], expected: str | None) -> None:
    links = [f"/dev/disk/by-id/{name}" for name in names]
    assert disks.preferred(links) == (expected and f"/dev/disk/by-id/{expected}")


SMART = {
    "nvme": (
        {
            "smart_status": {"passed": True},
            "nvme_smart_health_information_log": {"percentage_used": 7},
            "power_on_time": {"hours": 100},
            "temperature": {"current": 41},
        },
        {"passed": True, "worn_percent": 7, "hours": 100, "celsius": 41},
    ),
    "sata ssd": (
        {
            "smart_status": {"passed": True},
            "rotation_rate": 0,
            "ata_smart_attributes": {"table": [{"name": "Wear_Leveling_Count", "value": 88}]},
        },
        {"passed": True, "worn_percent": 12, "hours": None, "celsius": None},
    ),
    "failing disk that turns": (
        {
            "smart_status": {"passed": False},
            "rotation_rate": 7200,
            "ata_smart_attributes": {"table": [{"name": "Wear_Leveling_Count", "value": 88}]},
        },
        {"passed": False, "worn_percent": None, "hours": None, "celsius": None},
    ),
    "sas": (
        {"scsi_percentage_used_endurance_indicator": 3},
        {"passed": None, "worn_percent": 3, "hours": None, "celsius": None},
    ),
    "asleep": ({"smartctl": {"exit_status": 2}}, None),
}


@pytest.mark.parametrize("told,expected", SMART.values(), ids=SMART)
def test_health(tree: Tree, told: dict, expected: dict | None) -> None:
    assert smart.health(tree.machine, "/dev/sda") is None, "without smartctl nothing is known"
    tree.write("/usr/sbin/smartctl")
    line = "smartctl --json --nocheck=standby --info --health --attributes /dev/sda"
    tree.tools.answers[line] = json.dumps(told)
    assert smart.health(tree.machine, "/dev/sda") == expected
    tree.tools.answers[line] = "no JSON"
    assert smart.health(tree.machine, "/dev/sda") is None
