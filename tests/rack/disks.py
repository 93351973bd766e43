"""Extra disks: sparse files as loop devices, shown in the machine as /dev/sdb and on, with a name that stays."""

from __future__ import annotations

import subprocess
from pathlib import Path

from rack import contents
from rack.spec import Node

NAMES = "rack-disks.service"


def device_name(index: int) -> str:
    return f"/dev/sd{chr(ord('b') + index)}"


def serial_of(node: Node, index: int) -> str:
    return node.disks[index].serial or f"{node.name}-disk{index + 1}"


def by_id(node: Node, index: int) -> str:
    """What udev would call the disk, if it ran in containers."""
    return f"/dev/disk/by-id/scsi-0RACK_DISK_{serial_of(node, index)}"


def name_service(node: Node) -> str:
    """A systemd unit of the machine that makes the names of all its disks."""
    links = [f"ExecStart=ln -sfn {device_name(index)} {by_id(node, index)}" for index in range(len(node.disks))]
    return "\n".join(
        [
            "[Unit]",
            "Description=Names of the disks that stay",
            "DefaultDependencies=no",
            "Before=sysinit.target",
            "[Service]",
            "Type=oneshot",
            "RemainAfterExit=yes",
            "ExecStart=mkdir -p /dev/disk/by-id",
            *links,
            "",
        ]
    )


def name(root: Path, node: Node) -> None:
    """Have the machine below `root` name its disks when it boots."""
    units = root / "etc/systemd/system"
    wants = units / "sysinit.target.wants"
    wants.mkdir(exist_ok=True)
    (units / NAMES).write_text(name_service(node))
    link = wants / NAMES
    if not link.is_symlink():
        link.symlink_to(f"/etc/systemd/system/{NAMES}")


def backing(node_dir: Path, index: int) -> Path:
    return node_dir / "disks" / f"sd{chr(ord('b') + index)}"


def create(node_dir: Path, node: Node) -> None:
    for index, disk in enumerate(node.disks):
        path = backing(node_dir, index)
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            partial = path.with_name(path.name + ".partial")
            with partial.open("wb") as handle:
                handle.truncate(disk.size)
            if disk.content:
                contents.WRITERS[disk.content](partial, disk.size)
            partial.rename(path)


def attached(directory: Path) -> dict[str, Path]:
    """Loop devices whose backing file lies below `directory`: {device: file}."""
    found: dict[str, Path] = {}
    for entry in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            text = entry.read_text().strip()
        except OSError:
            continue
        file = Path(text.removesuffix(" (deleted)"))
        if file.is_relative_to(directory):
            found[f"/dev/{entry.parts[3]}"] = file
    return found


def attach(node_dir: Path, node: Node) -> list[tuple[str, str]]:
    """(loop device, name in the machine) of every disk; attached once, however often it is asked for."""
    existing = {file: device for device, file in attached(node_dir).items()}
    pairs = []
    for index in range(len(node.disks)):
        file = backing(node_dir, index)
        device = existing.get(file)
        if device is None:
            device = subprocess.run(
                ["losetup", "--find", "--show", "--nooverlap", str(file)], capture_output=True, text=True, check=True
            ).stdout.strip()
        pairs.append((device, device_name(index)))
    return pairs


def detach(directory: Path) -> None:
    for device in attached(directory):
        subprocess.run(["losetup", "--detach", device], check=True)
