"""Extra disks: sparse files as loop devices, shown in the machine as /dev/sdb and on."""

from __future__ import annotations

import subprocess
from pathlib import Path

from rack import contents
from rack.spec import Node


def device_name(index: int) -> str:
    return f"/dev/sd{chr(ord('b') + index)}"


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
