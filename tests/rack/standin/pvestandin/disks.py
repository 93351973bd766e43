"""The node's disks and what is on them (PVE/Diskmanage.pm): sysfs, udev, lsblk, LVM, ZFS, smartctl.

A container of the rack sees its host's /sys; a disk counts when its device node is there. The rack's own disks in a
container are loop devices with the names of disks.
"""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import paths
from .hardware import first_line

Disk = dict[str, Any]

_NAME = re.compile(r"(?:h|s|x?v)d[a-z]+|nvme\d+n\d+|cciss!c\d+d\d+")
_LVM = "e6d6d379-f507-44c2-a23c-238f2a3df928"
_ZFS = ("6a898cc3-1dd2-11b2-99a6-080020736631", "516e7cba-6ecf-11d6-8ff8-00022d09712b")
_USES = {
    "21686148-6449-6e6f-744e-656564454649": "BIOS boot",
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI",
    "6a945a3b-1dd2-11b2-99a6-080020736631": "ZFS reserved",
}
_CEPH = {
    "45b0969e-9b03-4f30-b4c6-b4b80ceff106": "journals",
    "30cd0809-c2b2-499c-8879-2d6b78529876": "db",
    "5ce17fce-4087-4169-b7ff-056cc58473f9": "wal",
    "cafecafe-9b03-4f30-b4c6-b4b80ceff106": "bluestore",
}
"""Partition types of OSDs from before ceph-volume."""
_WEAR = (
    *("Media_Wearout_Indicator", "SSD_Life_Left", "Wear_Leveling_Count", "Perc_Write/Erase_Ct_BC"),
    *("Perc_Rated_Life_Remain", "Remaining_Lifetime_Perc", "Percent_Lifetime_Remain", "Lifetime_Left"),
    *("PCT_Life_Remaining", "Lifetime_Remaining", "Percent_Life_Remaining", "Percent_Lifetime_Used"),
    "Perc_Rated_Life_Used",
)


def run(command: list[str]) -> str:
    """What a command prints; nothing if it fails or is not there, as an empty machine."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


@dataclass
class World:
    """What is read once for all disks."""

    kinds: dict[str, dict[str, Any]]
    """By device: parttype and fstype of lsblk."""
    mounted: dict[str, str]
    lvm: set[str]
    zfs: set[str]
    osds: dict[str, Disk]
    """By device: what ceph-volume's logical volumes on it say."""
    tables: dict[str, str]
    """Kind of the partition table on a device whose partitions the kernel does not show."""


def listed(*, smart: bool = True, partitions: bool = False) -> dict[str, Disk]:
    """Name → disk; with `partitions` these, too."""
    world = _world()
    found: dict[str, Disk] = {}
    for name, sysdir in _block_devices():
        disk = _disk(name, sysdir, smart)
        if disk is None:
            continue
        parts = {part.name: _partition(part, disk, world) for part in sorted(sysdir.glob(f"{name}?*"))}
        _use(disk, parts, sysdir, world, partitions)
        found[name.replace("!", "/")] = disk
        found |= parts if partitions else {}
    return found


def _block_devices() -> Iterator[tuple[str, Path]]:
    base = paths.at("/sys/block")
    names = sorted(path.name for path in base.iterdir()) if base.is_dir() else []
    for name in names:
        link = base / name
        remote = link.is_symlink() and re.search(r"host[^/]*/session[^/]*", os.readlink(link))
        if _NAME.fullmatch(name) and not remote and paths.at(f"/dev/{name.replace('!', '/')}").exists():
            yield name, link
    for node in sorted(paths.at("/dev").glob("sd[a-z]")):
        mode = node.stat()
        if node.name not in names and stat.S_ISBLK(mode.st_mode):
            yield node.name, paths.at(f"/sys/dev/block/{os.major(mode.st_rdev)}:{os.minor(mode.st_rdev)}")


def _world() -> World:
    devices = json.loads(run(["lsblk", "--json", "-o", "path,parttype,fstype"]) or "{}").get("blockdevices", [])
    kinds = {device["path"]: device for device in devices}
    looked = {str(node): probe(node) for node in _unseen(kinds)}
    kinds |= {path: {"fstype": found.get("TYPE")} for path, found in looked.items()}
    volumes = run(["pvs", "--noheadings", "--readonly", "-o", "pv_name"])
    pools = run(["zpool", "list", "-HPLv"])
    mounts = paths.at("/proc/mounts")
    lines = [line.split() for line in mounts.read_text().splitlines()] if mounts.exists() else []
    return World(
        kinds,
        {os.path.realpath(words[0]): words[1] for words in lines if words and words[0].startswith("/dev/")},
        {line.strip() for line in volumes.splitlines() if line.strip().startswith("/dev/")}
        | {path for path, kind in kinds.items() if kind.get("parttype") == _LVM}
        | {path for path, found in looked.items() if found.get("TYPE") == "LVM2_member"},
        set(re.findall(r"^\t([^\t]+)\t", pools, re.MULTILINE))
        | {path for path, kind in kinds.items() if kind.get("parttype") in _ZFS},
        _osds() | _raw_osds(),
        {path: found["PTTYPE"] for path, found in looked.items() if "PTTYPE" in found},
    )


def _unseen(kinds: dict[str, Any]) -> list[Path]:
    """Disks that lsblk does not know: those of a container."""
    nodes = [node for node in sorted(paths.at("/dev").glob("sd[a-z]")) if stat.S_ISBLK(node.stat().st_mode)]
    return [node for node in nodes if str(node) not in kinds]


def probe(node: Path) -> dict[str, str]:
    """What libblkid finds in the bytes: TYPE, PTTYPE. Several things at once are TYPE=unknown, nothing is nothing."""
    done = subprocess.run(["blkid", "-p", "-o", "export", str(node)], capture_output=True, text=True, check=False)
    found = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    return {"TYPE": "unknown", **found} if done.returncode == 8 else found


def _raw_osds() -> dict[str, Disk]:
    """OSDs straight on a device, as the stand-in makes them in containers (ceph/backend.py)."""
    found: dict[str, Disk] = {}
    for link in sorted(paths.at("/var/lib/ceph/osd").glob("ceph-*/block*")):
        if link.is_symlink() and re.fullmatch(r"/dev/sd[a-z]", os.readlink(link)) and is_osds(link):
            number, kind = link.parent.name.removeprefix("ceph-"), link.name.removeprefix("block").lstrip(".")
            osd = {"osdid": number, "osdid-list": [number], "bluestore": 1}
            found[os.readlink(link)] = {kind: 1} if kind else osd
    return found


def is_osds(link: Path) -> bool:
    """Whether the device that an OSD's directory names still is the OSD's: it may have been swapped."""
    file = link.parent / "fsid"
    label = osd_label(os.readlink(link))
    return label is not None and file.is_file() and file.read_text().strip() == label


def _osds() -> dict[str, Disk]:
    command = ["lvs", "-S", "lv_name=~^osd-", "-o", "devices,lv_name,lv_tags", "--noheadings", "--readonly"]
    found: dict[str, Disk] = {}
    for line in run([*command, "--separator", ";"]).splitlines():
        devices, name, tags, *_unused = [*line.strip().split(";"), "", "", ""]
        device, kind = re.match(r"/dev/[a-z]+[^(]*", devices), re.match(r"osd-([^-]+)-", name)
        if not device or not kind:
            continue
        entry = found.setdefault(device[0], {})
        number = re.search(r"ceph\.osd_id=([^,]+)", tags)
        if kind[1] in ("block", "data") and number:
            entry["osdid"] = number[1]
            entry.setdefault("osdid-list", []).append(number[1])
            entry["bluestore"] = int(kind[1] == "block")
            if "ceph.encrypted=1" in tags:
                entry["encrypted"] = 1
        else:
            entry[kind[1]] = entry.get(kind[1], 0) + 1
    return found


def _disk(name: str, sysdir: Path, smart: bool) -> Disk | None:
    text = run(["udevadm", "info", "-p", str(sysdir.resolve()), "--query", "all"])
    known = dict(re.findall(r"^E: ([A-Z_]+)=(.*)$", text, re.MULTILINE))
    if known.get("DEVTYPE") not in ("disk", "partition") or "ID_CDROM" in known or "DEVNAME" not in known:
        return None
    loop = known["DEVNAME"].startswith("/dev/loop")
    size = int(first_line(sysdir / "size") or 0) * 512
    if not size or not (loop or (sysdir / "device").is_dir()):
        return None
    rotational = first_line(sysdir / "queue/rotational")
    kind, rpm = _kind(name, rotational, known.get("ID_ATA_ROTATION_RATE_RPM"), known.get("ID_BUS") == "usb")
    disk: Disk = {
        "vendor": (first_line(sysdir / "device/vendor") or "unknown").strip(),
        "model": known.get("ID_MODEL") or (first_line(sysdir / "device/model") or "unknown").strip(),
        "size": size,
        "serial": known.get("ID_SERIAL_SHORT") or "unknown",
        "gpt": int(known.get("ID_PART_TABLE_TYPE") == "gpt"),
        "rpm": rpm,
        "type": kind,
        "wwn": known.get("ID_WWN", "unknown"),
        "devpath": f"/dev/{name}" if loop else known["DEVNAME"],
        "health": "UNKNOWN",
        "wearout": "N/A",
    }
    stable = [link for link in known.get("DEVLINKS", "").split() if re.match(_STABLE, link)]
    if stable:
        disk["by_id_link"] = stable[0]
    return {**disk, **(_smart(disk) if smart else {})}


_STABLE = r"/dev/disk/by-id/(?:ata|scsi|nvme(?!-eui))"


def _kind(name: str, rotational: str | None, rpm: str | None, usb: bool) -> tuple[str, str | int]:
    """Type and revolutions per minute; these are a string where udev tells them, as in Proxmox's answers."""
    if rotational == "0":
        return ("nvme" if name.startswith("nvme") else "ssd"), 0
    if rotational == "1" and rpm:
        return "hdd", rpm
    return ("usb", 0) if rotational == "1" and usb else ("unknown", rpm or -1)


def _smart(disk: Disk) -> Disk:
    """Health, and the wear of what has no discs: what is left of its life in percent."""
    solid = disk["type"] in ("ssd", "nvme")
    text = run(["smartctl", "-H", *(["-A", "-f", "brief"] if solid else []), disk["devpath"]])
    found: Disk = {}
    health = re.findall(r"(?:Health Status|self-assessment test result): (.*)$", text, re.MULTILINE)
    if health or "SMART Disabled" in text:
        found["health"] = "SMART Disabled" if "SMART Disabled" in text else health[-1]
    if not solid:
        return found
    used = re.search(r"Percentage Used(?: endurance indicator)?:\s*(\d+(?:\.\d+)?)%", text, re.IGNORECASE)
    values = dict(re.findall(r"^[ \d]{2}\d\s+(\S+)\s+\S{6}\s+(\d+)\s", text, re.MULTILINE))
    wear = next((int(value) for word in _WEAR for name, value in values.items() if word in name), None)
    if used:
        found["wearout"] = 100 - (float(used[1]) if "." in used[1] else int(used[1]))
    elif wear is not None:
        found["wearout"] = wear
    return found


def _partition(path: Path, disk: Disk, world: World) -> Disk:
    device = f"{disk['devpath'].rpartition('/')[0]}/{path.name}"
    osd = world.osds.get(device)
    part: Disk = {("journals" if key == "journal" else key): value for key, value in (osd or {}).items()}
    part |= {
        "devpath": device,
        "parent": disk["devpath"],
        "gpt": disk["gpt"],
        "type": "partition",
        "size": int(first_line(path / "size") or 0) * 512,
        "used": _used(device, path, world, partition=True),
    }
    if device in world.mounted:
        part["mounted"] = 1
    if osd is None:
        old = re.fullmatch(r"/var/lib/ceph/osd/ceph-(\d+)", world.mounted.get(device, ""))
        if old:
            part |= {"osdid": old[1], "osdid-list": [old[1]]}
        if kind := _CEPH.get(world.kinds.get(device, {}).get("parttype") or ""):
            part[kind] = 1
    return {"osdid": -1, "osdid-list": None, **part}


def _used(device: str, sysdir: Path, world: World, *, partition: bool = False) -> str | None:
    known = world.kinds.get(device, {})
    use = _USES.get(known.get("parttype") or "") or known.get("fstype")
    if device in world.lvm:
        return "LVM"
    if device in world.zfs:
        return "ZFS"
    if use or device in world.mounted:
        return use or "mounted"
    return "Device Mapper" if partition and _held(sysdir) else None


def _sysdir(device: str) -> Path:
    status = paths.at(device).stat()
    return paths.at(f"/sys/dev/block/{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}")


def partitions_of(device: str) -> list[str]:
    """The partitions of a disk that have a device node."""
    sysdir = _sysdir(device).resolve()
    found = [f"/dev/{part.name}" for part in sorted(sysdir.glob(f"{sysdir.name}?*")) if (part / "partition").is_file()]
    return [part for part in found if paths.at(part).exists()]


def size_of(device: str) -> int:
    return int(first_line(_sysdir(device) / "size") or 0) * 512


def mounted_at(device: str) -> bool:
    lines = paths.at("/proc/mounts").read_text().splitlines()
    return any(os.path.realpath(line.split()[0]) == device for line in lines if line.startswith("/dev/"))


def has_holder(device: str) -> bool:
    return _held(_sysdir(device))


def osd_label(device: str) -> str | None:
    """The UUID of the OSD whose BlueStore label stands at the beginning of a device."""
    try:
        with paths.at(device).open("rb") as file:
            match = re.match(rb"bluestore block device\n([0-9a-f-]{36})\n", file.read(60))
    except OSError:
        return None
    return match[1].decode() if match else None


def _held(sysdir: Path) -> bool:
    holders = sysdir / "holders"
    return holders.is_dir() and any(holders.iterdir())


def _use(disk: Disk, parts: dict[str, Disk], sysdir: Path, world: World, partitions: bool) -> None:
    """What a disk is used for, itself or in its partitions, and its part in Ceph."""
    device = disk["devpath"]
    if device in world.mounted:
        disk["mounted"] = 1
    used = _used(device, sysdir, world)
    if partitions and parts:
        used = "partitions"
    elif used is None:
        used = next((part["used"] for part in parts.values() if part["used"]), "partitions" if parts else None)
    if used is None and device in world.tables:
        used, disk["gpt"] = "partitions", int(world.tables[device] == "gpt")
    if used or _held(sysdir):
        disk["used"] = used or "Device Mapper"
    own = world.osds.get(device, {})
    own = {("journals" if key == "journal" else key): value for key, value in own.items()}
    disk |= {"osdid": -1, "osdid-list": None}
    for part in (*parts.values(), own):
        if part.get("osdid", -1) != -1:
            disk |= {"osdid": part["osdid"], "osdid-list": part["osdid-list"]}
            disk |= {"bluestore": disk.get("bluestore", 0), "osdencrypted": disk.get("osdencrypted", 0)}
    if disk["osdid"] != -1:
        disk["bluestore"] = int(any(part.get("bluestore") for part in (*parts.values(), own)))
        disk["osdencrypted"] = int(any(part.get("encrypted") for part in (*parts.values(), own)))
    for key in ("journals", "db", "wal"):
        count = sum(part.get(key, 0) for part in (*parts.values(), own))
        disk |= {key: count} if count else {}
