# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _boot
from ansible_collections.baremetal.proxmox.plugins.module_utils._boot import Wish
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

from .cluster_world import FakeCli

SYSTEMD_BOOT = b"\x06\0\0\0" + "systemd-boot 257.8\0".encode("utf-16-le")
DEBIAN = 'GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX=""\n'


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, FakeCli())


def write(machine: Machine, path: str, content: str | bytes) -> None:
    target = machine.path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)


def synced(machine: Machine, *, efi: bytes | None = SYSTEMD_BOOT) -> None:
    """A machine whose EFI partitions proxmox-boot-tool keeps."""
    write(machine, "/etc/kernel/proxmox-boot-uuids", "0F1E-2D3C\n0F1E-2D3D\n")
    if efi is not None:
        write(machine, "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", efi)


MERGES = {
    "a word that is missing comes last": (["quiet"], Wish(["iommu=pt"]), ["quiet", "iommu=pt"]),
    "a word that is there stays where it is": (["iommu=pt", "quiet"], Wish(["iommu=pt"]), ["iommu=pt", "quiet"]),
    "a key has one value": (["iommu=soft", "quiet"], Wish(["iommu=pt"]), ["iommu=pt", "quiet"]),
    "also where it stands twice": (["iommu=soft", "quiet", "iommu=off"], Wish(["iommu=pt"]), ["iommu=pt", "quiet"]),
    "the words of one key belong together": (
        ["console=tty0", "quiet"],
        Wish(["console=ttyS0", "console=tty0"]),
        ["console=ttyS0", "console=tty0", "quiet"],
    ),
    "- and _ are the same in a key": (["vfio-pci.ids=1:2"], Wish(["vfio_pci.ids=3:4"]), ["vfio_pci.ids=3:4"]),
    "a key is not the beginning of another": (["iommu.strict=0"], Wish(["iommu=pt"]), ["iommu.strict=0", "iommu=pt"]),
    "a key that is to go goes with any value": (["iommu=soft", "quiet"], Wish(absent=["iommu"]), ["quiet"]),
    "a word that is to go goes alone": (["iommu=soft"], Wish(absent=["iommu=pt"]), ["iommu=soft"]),
    "quoted blanks belong to a word": (
        ['dyndbg="file a.c +p"', "quiet"],
        Wish(["x"]),
        ['dyndbg="file a.c +p"', "quiet", "x"],
    ),
}


@pytest.mark.parametrize(("before", "wish", "after"), MERGES.values(), ids=MERGES)
def test_words(before: list[str], wish: Wish, after: list[str]) -> None:
    assert wish.apply([_boot.words(" ".join(before))], 0) == [after]
    assert wish.apply([after], 0) == [after]
    assert wish.leftover(after) == []
    assert bool(wish.leftover(before)) is (before != after)


def test_what_is_missing_and_what_is_too_much() -> None:
    assert Wish(["iommu=pt", "a"], ["quiet"]).leftover(["quiet", "a", "iommu=soft"]) == ["iommu=pt", "-quiet"]


@pytest.mark.parametrize("word", ["two words", 'a="b"', "$(reboot)", "a\\b", "`x`", "#", ""])
def test_words_that_no_boot_loader_could_take(word: str) -> None:
    with pytest.raises(InputError, match="expected single words"):
        Wish([word]).check()


@pytest.mark.parametrize("absent", ["iommu", "iommu=pt"])
def test_words_that_contradict_each_other(absent: str) -> None:
    with pytest.raises(InputError, match="iommu=pt: to be there and to be absent"):
        Wish(["iommu=pt"], [absent]).check()


GRUB = {
    "Debian's own": ({"": DEBIAN}, {"": DEBIAN.replace('"quiet"', '"quiet iommu=pt"')}),
    "in the variable where the key is": (
        {"": DEBIAN.replace('LINUX=""', 'LINUX="iommu=soft x"')},
        {"": DEBIAN.replace('LINUX=""', 'LINUX="iommu=pt x"')},
    ),
    "single quotes, a comment, no quotes": (
        {"": "GRUB_CMDLINE_LINUX_DEFAULT='quiet' # why\nGRUB_CMDLINE_LINUX=iommu=off\n"},
        {"": "GRUB_CMDLINE_LINUX_DEFAULT='quiet' # why\nGRUB_CMDLINE_LINUX=\"iommu=pt\"\n"},
    ),
    "a line that is commented out is none": (
        {"": '#GRUB_CMDLINE_LINUX_DEFAULT="iommu=pt"\n'},
        {"": '#GRUB_CMDLINE_LINUX_DEFAULT="iommu=pt"\nGRUB_CMDLINE_LINUX_DEFAULT="iommu=pt"\n'},
    ),
    "a drop-in takes the place of the file": (
        {"": DEBIAN, "50-cloud.cfg": 'GRUB_CMDLINE_LINUX_DEFAULT="console=ttyS0"\n'},
        {"": DEBIAN, "50-cloud.cfg": 'GRUB_CMDLINE_LINUX_DEFAULT="console=ttyS0 iommu=pt"\n'},
    ),
    "a drop-in that adds to it": (
        {
            "": DEBIAN.replace("quiet", "iommu=off"),
            "a.cfg": 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT x"\n',
        },
        {
            "": DEBIAN.replace("quiet", "iommu=pt"),
            "a.cfg": 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT x"\n',
        },
    ),
    "the installer's drop-in for ZFS is of the other variable": (
        {"": DEBIAN, "zfs.cfg": 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX root=ZFS=rpool/ROOT/pve-1"\n'},
        {
            "": DEBIAN.replace('"quiet"', '"quiet iommu=pt"'),
            "zfs.cfg": 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX root=ZFS=rpool/ROOT/pve-1"\n',
        },
    ),
    "without a line feed at the end, if nothing changes": (
        {"": 'GRUB_CMDLINE_LINUX="iommu=pt"'},
        {"": 'GRUB_CMDLINE_LINUX="iommu=pt"'},
    ),
}


@pytest.mark.parametrize(("before", "after"), GRUB.values(), ids=GRUB)
def test_grub(machine: Machine, before: dict[str, str], after: dict[str, str]) -> None:
    paths = {name: f"/etc/default/grub.d/{name}" if name else "/etc/default/grub" for name in before}
    write(machine, "/boot/grub/grub.cfg", "")
    for name, text in before.items():
        write(machine, paths[name], text)
    found = _boot.loader(machine)
    assert (found.name, found.command.argv({})) == ("grub", ["update-grub"])
    assert found.files(Wish(["iommu=pt"])) == {paths[name]: text for name, text in after.items()}
    for name, text in after.items():
        write(machine, paths[name], text)
    again = _boot.loader(machine)
    assert again.files(Wish(["iommu=pt"])) == {paths[name]: text for name, text in after.items()}
    assert Wish(["iommu=pt"]).leftover(again.words) == []


@pytest.mark.parametrize("value", ['"a $(cat x)"', '"a', '"a" b', "'a'b'", '"a \\"b\\""', "a b"])
def test_a_line_that_is_more_than_words(machine: Machine, value: str) -> None:
    write(machine, "/etc/default/grub", f"\nGRUB_CMDLINE_LINUX_DEFAULT={value}\n")
    with pytest.raises(InputError, match=r'/etc/default/grub: expected GRUB_CMDLINE_LINUX_DEFAULT="words" on line 2'):
        _boot.loader(machine)


ENTRY = "menuentry 'Proxmox VE' {{\n\tlinux\t/boot/vmlinuz-6.17-pve root=/dev/vda1 ro  {}\n}}\n"


@pytest.mark.parametrize(("line", "stale"), [("quiet iommu=pt", False), ("quiet", True), ("iommu=pt iommu=off", True)])
def test_a_grub_cfg_that_is_older_than_the_files(machine: Machine, line: str, stale: bool) -> None:
    write(machine, "/etc/default/grub", DEBIAN)
    write(machine, "/boot/grub/grub.cfg", ENTRY.format(line) + ENTRY.format("other"))
    assert _boot.loader(machine).stale(Wish(["iommu=pt"])) is stale


def test_without_a_grub_cfg_nothing_can_be_said(machine: Machine) -> None:
    write(machine, "/etc/default/grub", DEBIAN)
    assert _boot.loader(machine).stale(Wish(["iommu=pt"])) is False


def test_systemd_boot(machine: Machine) -> None:
    synced(machine)
    write(machine, "/etc/kernel/cmdline", "root=ZFS=rpool/ROOT/pve-1 boot=zfs\n")
    found = _boot.loader(machine)
    assert (found.name, found.command.argv({})) == ("systemd-boot", ["proxmox-boot-tool", "refresh"])
    assert found.files(Wish(["iommu=pt"])) == {"/etc/kernel/cmdline": "root=ZFS=rpool/ROOT/pve-1 boot=zfs iommu=pt\n"}


def test_systemd_boot_without_a_file(machine: Machine) -> None:
    synced(machine)
    write(machine, "/proc/cmdline", "initrd=\\EFI\\proxmox\\initrd root=ZFS=rpool/ROOT/pve-1 boot=zfs\n")
    assert _boot.loader(machine).files(Wish(["a"])) == {"/etc/kernel/cmdline": "root=ZFS=rpool/ROOT/pve-1 boot=zfs a\n"}


@pytest.mark.parametrize("efi", [None, b"\x06\0\0\0" + "GRUB 2.12\0".encode("utf-16-le")])
def test_grub_on_partitions_that_proxmox_boot_tool_keeps(machine: Machine, efi: bytes | None) -> None:
    synced(machine, efi=efi)
    write(machine, "/boot/grub/grub.cfg", ENTRY.format("old"))
    write(machine, "/etc/default/grub", DEBIAN)
    write(machine, "/etc/kernel/cmdline", "root=ZFS=rpool/ROOT/pve-1 boot=zfs\n")
    found = _boot.loader(machine)
    assert (found.name, found.command.argv({})) == ("grub", ["proxmox-boot-tool", "refresh"])
    assert found.stale(Wish(["iommu=pt"])) is False, "its grub.cfg is on partitions that are not mounted"


def test_no_boot_loader(machine: Machine) -> None:
    with pytest.raises(InputError, match=r"expected GRUB or a systemd-boot .*, found no boot loader"):
        _boot.loader(machine)


def test_a_systemd_boot_of_somebody_else(machine: Machine) -> None:
    write(machine, "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", SYSTEMD_BOOT)
    write(machine, "/etc/default/grub", DEBIAN)
    with pytest.raises(InputError, match="found systemd-boot"):
        _boot.loader(machine)


def test_what_was_changed_since_the_boot(machine: Machine) -> None:
    write(machine, "/etc/default/grub", DEBIAN)
    changed = int(machine.path("/etc/default/grub").stat().st_mtime)
    write(machine, "/proc/stat", f"cpu 1\nbtime {changed - 60}\n")
    assert _boot.changed_since_boot(machine, ["/etc/default/grub", "/etc/none"]) is True
    write(machine, "/proc/stat", f"cpu 1\nbtime {changed + 60}\n")
    assert _boot.changed_since_boot(machine, ["/etc/default/grub"]) is False
