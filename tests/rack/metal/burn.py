"""Files put into, and read from, the root file system of a disk image, by debugfs: nothing is mounted."""

from __future__ import annotations

from pathlib import Path

from rack import processes
from rack.errors import RackError
from rack.metal.image import ROOT_OFFSET


def _address(disk: Path) -> str:
    return f"{disk}?offset={ROOT_OFFSET}"


def requests(layer: Path) -> str:
    """debugfs's own words that put every file of a tree over the image's; modes and owners are the tree's."""
    lines = []
    for path in sorted(layer.rglob("*")):
        target = f"/{path.relative_to(layer)}"
        status = path.lstat()
        if path.is_dir():
            lines.append(f"mkdir {target}")
        elif path.is_symlink():
            lines += [f"rm {target}", f"symlink {target} {path.readlink()}"]
            continue
        else:
            lines += [f"rm {target}", f"write {path} {target}"]
        lines.append(f"set_inode_field {target} mode 0{status.st_mode:o}")
        lines += [f"set_inode_field {target} uid {status.st_uid}", f"set_inode_field {target} gid {status.st_gid}"]
    return "\n".join(lines) + "\n"


def tree(rack_dir: Path, layer: Path, disk: Path) -> None:
    if any(character in str(layer) for character in " \t\n\"'"):
        raise RackError(f"{layer}: debugfs takes no path with spaces or quotes; set RACK_STATE to another directory")
    result = processes.run(rack_dir, ["debugfs", "-w", "-f", "/dev/stdin", _address(disk)], input=requests(layer))
    # "rm" and "mkdir" complain of what is not there or there already; the rest has to work.
    bad = [
        line
        for line in result.stderr.splitlines()
        if line and not line.startswith(("debugfs 1.", "rm:", "mkdir:")) and "already exists" not in line
    ]
    if result.returncode != 0 or bad:
        raise RackError(f"the machine's files cannot be written to {disk}: {' / '.join(bad[:3])}")


def read(rack_dir: Path, disk: Path, path: str, scratch: Path) -> str | None:
    """Text of a file on the disk of a machine that is off, with what its journal still holds."""
    copy = scratch / "disk"
    processes.run(rack_dir, ["cp", "--sparse=always", "--reflink=auto", str(disk), str(copy)], check=True)
    repaired = processes.run(rack_dir, ["e2fsck", "-f", "-y", _address(copy)])
    if repaired.returncode > 1:
        raise RackError(f"{disk}: the file system is damaged: {repaired.stdout.strip().splitlines()[-1]}")
    target = scratch / "file"
    processes.run(rack_dir, ["debugfs", "-R", f"dump /{path.lstrip('/')} {target}", _address(copy)], check=True)
    return target.read_text(errors="replace") if target.exists() else None
