"""The script behind the stand-in's kernel packages, below a directory instead of in a machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

PACKAGING = Path(__file__).resolve().parents[2] / "rack" / "standin" / "packaging"
SCRIPT = PACKAGING / "files/proxmox-kernel-helper/all/usr/share/pve-standin/kernel"
DEBIAN, OURS = "6.12.9+deb13-cloud-amd64", "6.17.13-2-pve"


class Machine:
    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("mount", "update-grub", "debconf-set-selections"):
            path = root / "bin" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f'#!/bin/sh\necho {name} "$@" >> {root}/ran\n')
            path.chmod(0o755)
        for path in ("boot/grub", "lib/modules", "usr/share/pve-standin", "proc/sys/kernel"):
            (root / path).mkdir(parents=True)
        (root / "boot/grub/grub.cfg").write_text("")

    def debian_kernel(self, version: str) -> None:
        for name in ("vmlinuz", "initrd.img", "config"):
            (self.root / f"boot/{name}-{version}").write_text(f"{name} of {version}")
        (self.root / f"lib/modules/{version}/kernel").mkdir(parents=True)
        (self.root / f"lib/modules/{version}/kernel/bonding.ko").write_text("module")

    def run(self, *words: str) -> list[str]:
        """The commands that it ran."""
        log = self.root / "ran"
        log.write_text("")
        path = f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}"
        subprocess.run([SCRIPT, *words], check=True, env={"PATH": path, "PVE_STANDIN_ROOT": str(self.root)})
        return log.read_text().splitlines()

    def boot(self) -> list[str]:
        return sorted(path.name for path in (self.root / "boot").iterdir() if path.is_file())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_in_a_container_there_is_only_a_file(machine: Machine) -> None:
    assert machine.run("install", OURS) == []
    assert machine.boot() == [f"vmlinuz-{OURS}"]
    assert machine.run("keep", DEBIAN) == []
    assert "update-grub" in machine.run("remove", OURS)[0]
    assert machine.boot() == []


def test_the_newest_of_debian_s_kernels_under_another_name(machine: Machine) -> None:
    for version in (DEBIAN, "6.12.10+deb13-amd64", "6.9.7+deb13-amd64"):
        machine.debian_kernel(version)
    assert machine.run("install", OURS)[-1].strip() == "update-grub"
    assert (machine.root / f"boot/vmlinuz-{OURS}").read_text() == "vmlinuz of 6.12.10+deb13-amd64"
    assert (machine.root / f"boot/initrd.img-{OURS}").read_text() == "initrd.img of 6.12.10+deb13-amd64"


def test_modules_outlive_debian_s_kernel(machine: Machine) -> None:
    machine.debian_kernel(DEBIAN)
    machine.run("install", OURS)
    (machine.root / f"lib/modules/{DEBIAN}/kernel/bonding.ko").unlink()
    machine.run("keep", "6.1.0-other-amd64")
    assert not (machine.root / f"lib/modules/{DEBIAN}").is_symlink()
    machine.run("keep", DEBIAN)
    assert (machine.root / f"lib/modules/{DEBIAN}/kernel/bonding.ko").read_text() == "module"
    machine.run("keep", DEBIAN)
    assert (machine.root / f"lib/modules/{DEBIAN}").readlink() == Path(OURS)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (f"BOOT_IMAGE=/boot/vmlinuz-{OURS} root=LABEL=rack-root ro quiet", OURS),
        (f"BOOT_IMAGE=(hd0,gpt3)/vmlinuz-{OURS}", OURS),
        (f"BOOT_IMAGE=/boot/vmlinuz-{DEBIAN} root=/dev/mapper/x-pve ro", None),
        ("root=/dev/vda1", None),
    ],
)
def test_the_name_that_was_booted(machine: Machine, line: str, name: str | None) -> None:
    (machine.root / "proc/cmdline").write_text(f"{line}\n")
    shown = machine.root / "run/pve-standin/osrelease"
    ran = machine.run("boot")
    assert (shown.read_text().strip() if shown.exists() else None) == name
    assert ran == ([f"mount --bind {shown} {machine.root}/proc/sys/kernel/osrelease"] if name else [])
