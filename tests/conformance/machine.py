"""The hardware of the recorded nodes, as far as the stand-in looks at it: sysfs, and commands that answer for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# The recorded nodes' cards are veth, which are no hardware.
LINKS = {"ens18": ("veth", True), "ens19": ("veth", True), "vmbr0": ("bridge", True), "ens20": ("veth", False)}
PCI = {
    "0000:00:00.0": ("0x060000", "0x8086", "0x0d57"),
    "0000:00:01.0": ("0xffff00", "0x1af4", "0x1045"),
    "0000:00:02.0": ("0x018000", "0x1af4", "0x1042"),
    "0000:00:03.0": ("0x020000", "0x1af4", "0x1041"),
    "0000:00:04.0": ("0xffff00", "0x1af4", "0x1053"),
    "0000:00:05.0": ("0xffff00", "0x1af4", "0x1044"),
}
PCI_IDS = """# names
1af4  Red Hat, Inc.
\t1041  Virtio 1.0 network device
\t1042  Virtio 1.0 block device
\t1044  Virtio 1.0 RNG
\t1045  Virtio 1.0 balloon
\t1053  Virtio 1.0 socket
8086  Intel Corporation
"""
DISKS = ("sdb", "sdc")


def make(root: Path, node: str) -> None:
    """Everything below the node's root. Its commands are in `bin`, which belongs in front of PATH."""
    _command(root, "ip", json.dumps([_link(name, *LINKS[name]) for name in LINKS]))
    for address, (kind, vendor, device) in PCI.items():
        path = root / "sys/bus/pci/devices" / address
        _write(path / "class", kind)
        for key, value in (("vendor", vendor), ("device", device)):
            _write(path / key, value)
            _write(path / f"subsystem_{key}", value)
    _write(root / "usr/share/misc/pci.ids", PCI_IDS)
    for disk in DISKS:
        _write(root / "dev" / disk, "")
        path = root / "sys/block" / disk
        for name, value in (("size", "20971520"), ("queue/rotational", "0"), ("device/vendor", "RIG")):
            _write(path / name, value)
        _write(path / "device/model", "HARDDISK")
    by_path = " ".join(f"*/{disk}) serial=S-{node}-{disk}; name={disk};;" for disk in DISKS)
    _write_script(
        root / "bin/udevadm",
        f"case $3 in {by_path} esac\n"
        "printf 'E: %s\\n' DEVTYPE=disk DEVNAME=/dev/$name ID_SERIAL_SHORT=$serial "
        '"DEVLINKS=/dev/disk/by-path/x /dev/disk/by-id/scsi-0HARDDISK_$serial"\n',
    )
    _command(root, "lsblk", json.dumps({"blockdevices": [{"path": f"/dev/{disk}"} for disk in DISKS]}))
    _command(root, "pvs", "  /dev/sdb")
    _command(root, "lvs", "  /dev/sdb(0);osd-block-0000;ceph.encrypted=0,ceph.osd_id=0,ceph.type=block")
    _write_script(root / "bin/smartctl", "exit 1\n")


def make_proxy_control(root: Path) -> None:
    """systemctl, as far as it makes the API take another certificate: its process is in the file run/pveproxy.pid."""
    _write_script(
        root / "bin/systemctl",
        f'[ "$*" = "reload-or-restart pveproxy" ] && exec kill -HUP "$(cat {root}/run/pveproxy.pid)"\n'
        'exec env PATH="${PATH#*:}" systemctl "$@"\n',
    )


def _link(name: str, kind: str, up: bool) -> dict[str, Any]:
    flags = ["BROADCAST", *(["UP"] if up else [])]
    return {"ifname": name, "link_type": "ether", "flags": flags, "linkinfo": {"info_kind": kind}}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def _command(root: Path, name: str, output: str) -> None:
    _write_script(root / "bin" / name, f"cat <<'END'\n{output}\nEND\n")


def _write_script(path: Path, body: str) -> None:
    _write(path, f"#!/bin/sh\n{body}")
    path.chmod(0o755)
