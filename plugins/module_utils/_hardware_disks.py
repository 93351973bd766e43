# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The disks of a machine: what they are, and by which names they can be known again."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_contents as contents
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_smart as smart
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_sysfs as sysfs
from ansible_collections.baremetal.proxmox.plugins.module_utils._hardware_devices import DISK, Devices
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine, Unreadable

SECTOR = 512  # of /sys/block/*/size, whatever the disk has
# by-id names that tell of what is on a disk, or of a layer above it
OF_CONTENTS = ("dm-", "md-", "lvm-")
# The first that a disk has is the name to use. Names that end in a namespace or LUN come after those without
PREFERENCE = (
    r"nvme-(?!eui\.|nvme\.|uuid\.)",
    r"ata-",
    r"scsi-(?=S)",
    r"scsi-",
    r"virtio-",
    r"sas-",
    r"mmc-",
    r"wwn-",
    r"nvme-",
    r"usb-",
    r"",
)
# a part of the path in /sys: what the disk hangs on
TRANSPORTS = (
    (r"/usb\d+/", "usb"),
    (r"/session\d+/", "iscsi"),
    (r"/rport-", "fc"),
    (r"/end_device-", "sas"),
    (r"/ata\d+/", "sata"),
    (r"/mmc_host/", "mmc"),
    (r"/virtio\d+/", "virtio"),
    (r"/nvme", "nvme"),
    (r"/loop\d+$", "loop"),
    (r"/host\d+/", "scsi"),
)
NO_SMART = ("virtio", "loop", "iscsi")


def disks(machine: Machine, devices: Devices, *, smart_too: bool = True) -> list[dict[str, Any]]:
    """All disks in the order of their names; they are read at the same time. Without C(smart_too), C(smart) is None."""
    nodes = devices.nodes()
    links = {kind: _links(machine, kind) for kind in ("by-id", "by-path")}
    world = contents.World.read(machine, devices, nodes)
    found = sorted((path, number) for number, path in nodes.items() if DISK.fullmatch(path))

    def one(item: tuple[str, str]) -> dict[str, Any]:
        path, number = item
        base = sysfs.real(machine, f"/sys/dev/block/{number}")
        disk = _identity(machine, path, number, base)
        by_id = [link for link in links["by-id"].get(path, []) if not link.rpartition("/")[2].startswith(OF_CONTENTS)]
        disk |= {"by_id": by_id, "by_path": links["by-path"].get(path, []), "stable_id": preferred(by_id)}
        asked = smart_too and disk["transport"] not in NO_SMART
        disk |= {"smart": smart.health(machine, path) if asked else None}
        return disk | contents.of_disk(world, path, number, base, disk["size"])

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, found))


def _identity(machine: Machine, path: str, number: str, base: str) -> dict[str, Any]:
    udev = _udev(machine, number)
    transport = _transport(machine, base)
    return {
        "name": path.removeprefix("/dev/"),
        "device": path,
        "size": (sysfs.number(machine, f"{base}/size") or 0) * SECTOR,
        "sector": {
            "logical": sysfs.number(machine, f"{base}/queue/logical_block_size"),
            "physical": sysfs.number(machine, f"{base}/queue/physical_block_size"),
        },
        "rotational": sysfs.flag(machine, f"{base}/queue/rotational"),
        "transport": transport,
        "model": sysfs.meaningful(udev.get("ID_MODEL") or sysfs.text(machine, f"{base}/device/model")),
        "vendor": sysfs.text(machine, f"{base}/device/vendor") if transport != "virtio" else None,
        "serial": _serial(machine, base) or udev.get("ID_SERIAL_SHORT"),
        "wwn": udev.get("ID_WWN_WITH_EXTENSION") or udev.get("ID_WWN") or _wwid(machine, base),
        "read_only": sysfs.flag(machine, f"{base}/ro"),
        "removable": sysfs.flag(machine, f"{base}/removable"),
    }


def _serial(machine: Machine, base: str) -> str | None:
    for path in (f"{base}/serial", f"{base}/device/serial"):
        if found := sysfs.text(machine, path):
            return found
    try:
        page = machine.read_bytes(f"{base}/device/vpd_pg80") or b""
    except Unreadable:
        return None
    # SCSI's page of vital product data: two bytes, the length, the serial number
    return page[4 : 4 + int.from_bytes(page[2:4], "big")].decode(errors="replace").strip("\0 ") or None


def _wwid(machine: Machine, base: str) -> str | None:
    return sysfs.text(machine, f"{base}/wwid") or sysfs.text(machine, f"{base}/device/wwid")


def _transport(machine: Machine, base: str) -> str | None:
    told = sysfs.text(machine, f"{base}/device/transport")  # of an NVMe controller: pcie, tcp, rdma, fc
    if told and told != "pcie":
        return f"nvme-{told}"
    found = next((name for pattern, name in TRANSPORTS if re.search(pattern, base)), None)
    # a SATA disk behind a SAS controller
    return "sata" if found == "sas" and sysfs.text(machine, f"{base}/device/vendor") == "ATA" else found


def _udev(machine: Machine, number: str) -> dict[str, str]:
    """What udev has found out about a device, nothing where it does not run."""
    told = sysfs.text(machine, f"/run/udev/data/b{number}") or ""
    return {key: value.strip() for key, value in re.findall(r"^E:(\w+)=(.*)$", told, re.MULTILINE)}


def _links(machine: Machine, kind: str) -> dict[str, list[str]]:
    """{device: links to it in /dev/disk/KIND}."""
    folder = f"/dev/disk/{kind}"
    found: dict[str, list[str]] = {}
    for name in sysfs.names(machine, folder):
        found.setdefault(sysfs.real(machine, f"{folder}/{name}"), []).append(f"{folder}/{name}")
    return found


def preferred(by_id: list[str]) -> str | None:
    """The name to write into an inventory, None for a disk that has no name of its own."""

    def rank(link: str) -> tuple[int, int, str]:
        name = link.rpartition("/")[2]
        return next(index for index, start in enumerate(PREFERENCE) if re.match(start, name)), len(name), name

    return min(by_id, key=rank, default=None)
