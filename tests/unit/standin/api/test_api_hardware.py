"""Disks, PCI and USB devices of a node, from a made-up /sys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pvestandin import disks, hardware, registry
from pvestandin.dispatch import Call, answer

GIB = 1 << 30


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


class Machine:
    """Disks by name; what udev, lsblk, LVM and the others say of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.udev: dict[str, str] = {}
        self.answers: dict[str, str] = {}
        self.smart: dict[str, str] = {}

    def disk(self, name: str, *parts: str, rotational: str = "0", udev: str = "", gib: int = 10) -> Path:
        path = self.root / "sys/block" / name
        write(path / "size", str(gib * GIB // 512))
        write(path / "queue/rotational", rotational)
        write(path / "device/vendor", "ACME    ")
        write(self.root / "dev" / name, "")
        for part in parts:
            write(path / part / "size", str(GIB // 512))
        self.udev[name] = f"E: DEVTYPE=disk\nE: DEVNAME=/dev/{name}\n{udev}"
        return path

    def run(self, command: list[str]) -> str:
        if command[0] == "udevadm":
            return self.udev.get(Path(command[3]).name, "")
        if command[0] == "smartctl":
            return self.smart.get(command[-1], "")
        return self.answers.get(command[0], "")

    def listed(self, **params: Any) -> list[dict[str, Any]]:
        registry.load()
        given = {name.replace("_", "-"): value for name, value in params.items()}
        found = answer(Call("GET", "/nodes/pve1/disks/list", given, "root@pam"))
        assert found.status == 200, found
        return found.data

    def used(self) -> dict[str, str | None]:
        return {disk["devpath"]: disk.get("used") for disk in self.listed()}


@pytest.fixture
def machine(node: Any, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(node.root)
    monkeypatch.setattr(disks, "run", made.run)
    write(node.root / "proc/mounts", "/dev/sdz9 / ext4 rw 0 0")
    return made


def test_a_disk(machine: Machine) -> None:
    machine.disk(
        "nvme0n1",
        udev="E: ID_SERIAL_SHORT=S1\nE: ID_MODEL=Fast One\nE: ID_WWN=eui.1\n"
        "E: DEVLINKS=/dev/disk/by-id/nvme-eui.1 /dev/disk/by-id/nvme-Fast_One_S1\n",
    )
    machine.smart["/dev/nvme0n1"] = (
        "SMART overall-health self-assessment test result: PASSED\nPercentage Used:                    7%\n"
    )
    assert machine.listed() == [
        {
            **{"devpath": "/dev/nvme0n1", "type": "nvme", "vendor": "ACME", "model": "Fast One", "serial": "S1"},
            **{"size": 10 * GIB, "gpt": 0, "rpm": 0, "wwn": "eui.1", "health": "PASSED", "wearout": 93},
            **{"by_id_link": "/dev/disk/by-id/nvme-Fast_One_S1", "osdid": -1, "osdid-list": None},
        }
    ]
    assert machine.listed(skipsmart=1)[0]["health"] == "UNKNOWN"


@pytest.mark.parametrize(
    ("rotational", "udev", "kind", "rpm"),
    [
        ("0", "", "ssd", 0),
        ("1", "E: ID_ATA_ROTATION_RATE_RPM=7200\n", "hdd", "7200"),
        ("1", "E: ID_BUS=usb\n", "usb", 0),
        ("1", "", "unknown", -1),
    ],
)
def test_types(machine: Machine, rotational: str, udev: str, kind: str, rpm: Any) -> None:
    machine.disk("sda", rotational=rotational, udev=udev)
    assert [(disk["type"], disk["rpm"]) for disk in machine.listed()] == [(kind, rpm)]


def test_wear_of_an_ata_disk(machine: Machine) -> None:
    machine.disk("sda")
    machine.smart["/dev/sda"] = (
        "ID# ATTRIBUTE_NAME          FLAGS    VALUE WORST THRESH FAIL RAW_VALUE\n"
        "177 Wear_Leveling_Count     PO--C-   088   088   000    -    50\n"
    )
    assert machine.listed()[0]["wearout"] == 88


def test_what_is_no_disk_of_the_machine(machine: Machine) -> None:
    machine.disk("sr0")
    machine.disk("loop0")
    machine.disk("sdc", udev="E: ID_CDROM=1\n")
    machine.disk("sdd")
    (machine.root / "dev/sdd").unlink()
    machine.disk("sde", gib=0)
    far = machine.disk("real")
    (machine.root / "sys/block/sdf").symlink_to(far.parent / "../host1/session2/sdf")
    assert machine.listed() == []


def test_uses(machine: Machine) -> None:
    machine.disk("sda")
    machine.disk("sdb")
    machine.disk("sdc")
    machine.disk("sdd", "sdd1", "sdd2")
    machine.disk("sde", "sde1")
    machine.disk("sdf")
    machine.disk("sdg", "sdg1")
    held = machine.disk("sdh")
    write(held / "holders/dm-0", "")
    machine.answers["pvs"] = "  /dev/sdb\n  /dev/sde1\n"
    machine.answers["lsblk"] = (
        '{"blockdevices": [{"path": "/dev/sdc", "parttype": null, "fstype": "xfs"},'
        '{"path": "/dev/sdd1", "parttype": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "fstype": "vfat"},'
        '{"path": "/dev/sdf", "parttype": null, "fstype": null}]}'
    )
    write(machine.root / "proc/mounts", "/dev/sdf /mnt ext4 rw 0 0")
    assert machine.used() == {
        **{"/dev/sda": None, "/dev/sdb": "LVM", "/dev/sdc": "xfs", "/dev/sdd": "EFI", "/dev/sde": "LVM"},
        **{"/dev/sdf": "mounted", "/dev/sdg": "partitions", "/dev/sdh": "Device Mapper"},
    }
    assert [disk["devpath"] for disk in machine.listed(type="unused")] == ["/dev/sda"]
    parts = {disk["devpath"]: disk for disk in machine.listed(include_partitions=1)}
    assert parts["/dev/sdd"]["used"] == "partitions"
    assert (parts["/dev/sdd1"]["used"], parts["/dev/sdd1"]["parent"]) == ("EFI", "/dev/sdd")
    assert (parts["/dev/sdd2"]["used"], parts["/dev/sdd2"]["size"]) == (None, GIB)


def test_ceph(machine: Machine) -> None:
    for name in ("sda", "sdb", "sdc"):
        machine.disk(name)
    machine.answers["pvs"] = "/dev/sda\n/dev/sdb\n"
    machine.answers["lvs"] = (
        "  /dev/sda(0);osd-block-1;ceph.osd_id=3,ceph.encrypted=1\n  /dev/sda(9);osd-block-2;ceph.osd_id=4\n"
        "  /dev/sdb(0);osd-db-1;ceph.osd_id=3\n  /dev/sdb(5);osd-db-2;ceph.osd_id=4\n"
    )
    block, database, free = machine.listed()
    assert (block["osdid-list"], block["osdid"], block["bluestore"], block["osdencrypted"]) == (["3", "4"], "4", 1, 1)
    assert (database["osdid"], database["db"], database["used"]) == (-1, 2, "LVM")
    assert [disk["devpath"] for disk in machine.listed(type="journal_disks")] == ["/dev/sdb", "/dev/sdc"]
    assert free.keys() >= {"osdid", "osdid-list"}
    assert "used" not in free


def test_pci(node: Any) -> None:
    base = node.root / "sys/bus/pci/devices"
    for address, kind in (("0000:00:1f.0", "0x060100"), ("0000:01:00.0", "0x030000"), ("0000:01:00.1", "0x040300")):
        for key, value in (("class", kind), ("vendor", "0x10de"), ("device", "0x2204")):
            write(base / address / key, value)
    (node.root / "sys/kernel/iommu_groups/7").mkdir(parents=True)
    (base / "0000:01:00.0/iommu_group").symlink_to(node.root / "sys/kernel/iommu_groups/7")
    (base / "0000:01:00.1/physfn").symlink_to("../0000:01:00.0")
    (base / "0000:01:00.0/virtfn0").symlink_to("../0000:01:00.1")
    (base / "0000:01:00.1/mdev_supported_types").mkdir()
    write(node.root / "usr/share/misc/pci.ids", "10de  NVIDIA\n\t2204  GA102")
    first, second = hardware.pci(["06"])
    assert first == {
        **{"id": "0000:01:00.0", "class": "0x030000", "vendor": "0x10de", "device": "0x2204", "iommugroup": 7},
        **{"vendor_name": "NVIDIA", "device_name": "GA102", "virtfns": {"virtfn0": "0000:01:00.1"}},
    }
    assert (second["iommugroup"], second["physfn"], second["mdev"]) == (-1, "0000:01:00.0", 1)
    assert "vendor_name" not in hardware.pci([], verbose=False)[0]
    assert [device["id"] for device in hardware.pci([])] == ["0000:00:1f.0", "0000:01:00.0", "0000:01:00.1"]
    node.set_release("8.4")
    assert "virtfns" not in hardware.pci(["06"])[0]


def test_usb(node: Any) -> None:
    base = node.root / "sys/bus/usb/devices/usb1"
    for path, number, kind in ((base, "1", "09"), (base / "1-2", "2", "09"), (base / "1-2/1-2.4", "3", "00")):
        for key, value in (("busnum", "1"), ("devnum", number), ("bDeviceClass", kind), ("speed", "480")):
            write(path / key, value)
        for key, value in (("idVendor", "1d6b"), ("idProduct", "0002"), ("product", f"thing {number}")):
            write(path / key, value)
    found = hardware.usb()
    assert [(device.get("usbpath"), device["level"], device["port"], device["product"]) for device in found] == [
        (None, 0, 0, "thing 1"),
        ("2", 1, 1, "thing 2"),
        ("2.4", 2, 3, "thing 3"),
    ]
    assert (found[0]["class"], found[0]["vendid"], found[0]["busnum"]) == (9, "1d6b", 1)
