"""PCI and USB devices, from sysfs (PVE/SysFSTools.pm)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from . import paths

_PCI = re.compile(r"[a-f0-9]{4,}:[a-f0-9]{2}:[a-f0-9]{2}\.[a-f0-9]")

Names = dict[tuple[str, ...], str]


def first_line(path: Path) -> str | None:
    """The first line of a file, or None without one."""
    try:
        return path.read_text(errors="replace").split("\n", 1)[0]
    except OSError:
        return None


def pci(hidden_classes: list[str], *, verbose: bool = True) -> list[dict[str, Any]]:
    """The devices by address, without those whose class begins with one of the hidden ones (hexadecimal, no 0x)."""
    base = paths.at("/sys/bus/pci/devices")
    names = _names() if verbose else {}
    found = []
    for path in sorted(base.iterdir()) if base.is_dir() else ():
        if not _PCI.fullmatch(path.name):
            continue
        device = {key: first_line(path / key) for key in ("vendor", "device", "class")}
        if any(str(device["class"]).startswith(f"0x{hidden}") for hidden in hidden_classes):
            continue
        group = path / "iommu_group"
        entry: dict[str, Any] = {"id": path.name, **device, "iommugroup": -1}
        if group.exists():
            entry["iommugroup"] = int(group.resolve().name)
        if (path / "mdev_supported_types").is_dir() or (path / "nvidia").is_dir():
            entry["mdev"] = 1
            if not (path / "mdev_supported_types").is_dir():
                entry["nvidia"] = 1
        found.append({**entry, **(_described(path, entry, names) if verbose else {})})
    return found


def _described(path: Path, device: dict[str, Any], names: Names) -> dict[str, Any]:
    vendor, model = str(device["vendor"]), str(device["device"])
    below = {key: first_line(path / key) for key in ("subsystem_vendor", "subsystem_device")}
    made, kind = str(below["subsystem_vendor"]), str(below["subsystem_device"])
    entry: dict[str, Any] = {
        "vendor_name": names.get((vendor,)),
        "device_name": names.get((vendor, model)),
        **below,
        "subsystem_vendor_name": names.get((made,)),
        "subsystem_device_name": names.get((vendor, model, made, kind)),
    }
    if paths.release() >= (9, 0):
        functions = {link.name: link.readlink().name for link in sorted(path.glob("virtfn*")) if link.is_symlink()}
        entry["physfn"] = (path / "physfn").readlink().name if (path / "physfn").is_symlink() else None
        entry["virtfns"] = functions or None
    return {key: value for key, value in entry.items() if value is not None}


def _names() -> Names:
    """What pci.ids calls them: (vendor), (vendor, device), or (vendor, device, subsystem's vendor and device)."""
    path = paths.at("/usr/share/misc/pci.ids")
    names: Names = {}
    vendor = device = ""
    for line in path.read_text(errors="replace").splitlines() if path.exists() else ():
        if match := re.match(r"([0-9a-fA-F]{4})\s+(.*)", line):
            vendor = f"0x{match[1]}"
            names[(vendor,)] = match[2]
        elif match := re.match(r"\t([0-9a-fA-F]{4})\s+(.*)", line):
            device = f"0x{match[1]}"
            names[(vendor, device)] = match[2]
        elif match := re.match(r"\t\t([0-9a-fA-F]{4}) ([0-9a-fA-F]{4})\s+(.*)", line):
            names[(vendor, device, f"0x{match[1]}", f"0x{match[2]}")] = match[3]
    return names


def usb() -> list[dict[str, Any]]:
    """The devices, each hub followed by what is on it."""
    base = paths.at("/sys/bus/usb/devices")
    roots = sorted(base.glob("usb*"), key=lambda path: path.name) if base.is_dir() else []
    return [device for root in roots for device in _usb(root, 0)]


def _usb(path: Path, level: int) -> list[dict[str, Any]]:
    port = re.fullmatch(r".*[-.](\d+)", path.name)
    if not path.is_dir() or (level and not port):
        return []
    number = {key: int(first_line(path / key) or 0) for key in ("busnum", "devnum")}
    device: dict[str, Any] = {
        **number,
        "port": int(port[1]) - 1 if level and port else 0,
        "level": level,
        "speed": first_line(path / "speed"),
        "class": int(first_line(path / "bDeviceClass") or "0", 16),
        "vendid": first_line(path / "idVendor"),
        "prodid": first_line(path / "idProduct"),
    }
    if level:
        device["usbpath"] = path.name.partition("-")[2]
    # The serial number is never shown: Proxmox's line that would read it assigns nothing.
    device |= {key: text for key in ("product", "manufacturer") if (text := first_line(path / key))}
    below = [sub for sub in sorted(path.glob(f"{number['busnum']}-*")) if re.fullmatch(r"\d+-\d+(?:\.\d+)*", sub.name)]
    return [device, *(found for sub in below for found in _usb(sub, level + 1))]
