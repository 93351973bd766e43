# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each setting writes and runs, exactly, and what it refuses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _host_settings
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError, ProxmoxError
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine
from ansible_collections.baremetal.proxmox.plugins.module_utils._settings import Settings

from .cluster_world import Call, FakeCli

KERNEL = "6.17.2-1-pve"
HEADER = "# Written by Ansible (baremetal.proxmox); changes here are lost.\n"
CHRONY = "pool 2.debian.pool.ntp.org iburst\nserver 192.0.2.9\n# pool x\n\nsourcedir /etc/chrony/sources.d\n"
MEMORY = "MemTotal: {} kB\nMemAvailable: {} kB\nSwapTotal: {} kB\nSwapFree: {} kB\n"
INITRAMFS = Call("update-initramfs -u -k all")


class Host:
    """A machine with Proxmox VE in a folder."""

    def __init__(self, root: Path) -> None:
        self.cli = FakeCli()
        self.machine = Machine(root, self.cli)
        self.put("/usr/bin/pveversion")
        self.put("/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet\n")
        self.put("/proc/mounts", "/dev/sda1 / ext4 rw 0 0\n")
        self.put("/proc/stat", "btime 1\n")
        self.memory()

    def put(self, path: str, text: str = "") -> None:
        self.machine.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.machine.path(path).write_text(text)

    def memory(self, total: int = 64 << 20, available: int = 32 << 20, swap: int = 0, free: int = 0) -> None:
        self.put("/proc/meminfo", MEMORY.format(total, available, swap, free))

    def kernel(self, name: str, *modules: str, builtin: tuple[str, ...] = ()) -> None:
        self.put(
            f"/lib/modules/{name}/modules.dep", "".join(f"kernel/drivers/x/{one}.ko.zst: y.ko\n" for one in modules)
        )
        self.put(f"/lib/modules/{name}/modules.builtin", "".join(f"kernel/drivers/{one}.ko\n" for one in builtin))

    def container(self) -> None:
        self.put("/run/systemd/container", "systemd-nspawn")

    def bare(self) -> None:
        self.machine.path("/usr/bin/pveversion").unlink()

    def settings(self, check: bool, **config: Any) -> dict[str, Any]:
        parts = _host_settings.parts(config, _host_settings.Context(self.machine, check))
        return Settings(self.machine, parts).result(check=check)

    def converge(self, *calls: Call, **config: Any) -> dict[str, Any]:
        """Predicts, converges with just these commands, and finds nothing to do afterwards."""
        predicted = self.settings(True, **config)
        self.cli.expected = list(calls)
        result = self.settings(False, **config)
        assert self.cli.expected == []
        assert predicted == result
        assert self.settings(False, **config) == {**result, "changed": False, "files": [], "diff": []}
        return result

    def refused(self, **config: Any) -> str:
        with pytest.raises(InputError) as caught:
            self.settings(False, **config)
        return str(caught.value)

    def text(self, path: str) -> str | None:
        return self.machine.read(path)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(_host_settings.platform, "release", lambda: KERNEL)
    return Host(tmp_path)


def test_nothing_named_is_nothing_done(host: Host) -> None:
    names = ("timezone", "ntp_servers", "sysctl", "swap")
    assert host.settings(False, **dict.fromkeys(names))["changed"] is False


@pytest.mark.parametrize("legacy", [True, False], ids=["bookworm", "trixie"])
def test_the_time_zone(host: Host, legacy: bool) -> None:
    host.put("/usr/share/zoneinfo/Europe/Vienna")
    host.put("/etc/other")
    host.machine.path("/etc/localtime").symlink_to("/usr/share/zoneinfo/Etc/UTC")
    if legacy:
        host.put("/etc/timezone", "Etc/UTC\n")
    result = host.converge(timezone="Europe/Vienna")
    assert result["files"] == ["/etc/localtime"] + (["/etc/timezone"] if legacy else [])
    assert os.readlink(host.machine.path("/etc/localtime")) == "/usr/share/zoneinfo/Europe/Vienna"
    assert host.text("/etc/timezone") == ("Europe/Vienna\n" if legacy else None)


def test_a_relative_link_is_as_good(host: Host) -> None:
    host.put("/usr/share/zoneinfo/Etc/UTC")
    host.put("/etc/other")
    host.machine.path("/etc/localtime").symlink_to("../usr/share/zoneinfo/Etc/UTC")
    assert host.settings(False, timezone="Etc/UTC")["changed"] is False


@pytest.mark.parametrize("zone", ["Europe/Wien", "../../etc/shadow", "", "Europe"])
def test_no_such_time_zone(host: Host, zone: str) -> None:
    host.put("/usr/share/zoneinfo/Europe/Vienna")
    host.put("/etc/shadow")
    assert host.refused(timezone=zone).startswith("timezone: expected a zone below /usr/share/zoneinfo")


def test_time_servers(host: Host) -> None:
    host.put("/etc/chrony/chrony.conf", CHRONY)
    host.converge(
        Call("systemctl restart chrony.service"),
        ntp_servers=["192.0.2.1", "ntp.example iburst nts", "pool pool.example", "server 192.0.2.2 prefer"],
    )
    assert host.text("/etc/chrony/sources.d/baremetal-proxmox.sources") == (
        f"{HEADER}server 192.0.2.1 iburst\nserver ntp.example iburst nts\npool pool.example iburst\n"
        "server 192.0.2.2 prefer\n"
    )
    assert host.text("/etc/chrony/chrony.conf") == (
        "# pool 2.debian.pool.ntp.org iburst\n# server 192.0.2.9\n# pool x\n\nsourcedir /etc/chrony/sources.d\n"
    )


def test_no_time_servers_is_nothing_asked(host: Host) -> None:
    assert host.settings(False, ntp_servers=[])["changed"] is False


def test_time_servers_without_chrony(host: Host) -> None:
    assert "expected chrony to be installed" in host.refused(ntp_servers=["192.0.2.1"])
    assert host.settings(True, ntp_servers=["192.0.2.1"])["files"] == [
        "/etc/chrony/sources.d/baremetal-proxmox.sources"
    ]
    host.put("/etc/chrony/chrony.conf", "pool x\n")
    assert "expected the line 'sourcedir /etc/chrony/sources.d'" in host.refused(ntp_servers=["192.0.2.1"])


GRUB = 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'
ENTRY = "linux /boot/vmlinuz-6.17-pve root=/dev/sda1 ro quiet{}\n"


def grub(host: Host) -> None:
    host.put("/etc/default/grub", GRUB)
    host.put("/boot/grub/grub.cfg", ENTRY.format(""))


def update(host: Host, words: str) -> Call:
    return Call("update-grub", effect=lambda: host.put("/boot/grub/grub.cfg", ENTRY.format(words)))


def test_the_command_line(host: Host) -> None:
    grub(host)
    result = host.converge(update(host, " iommu=pt"), cmdline=["iommu=pt"])
    assert result["reboot_required"] == ["kernel command line: iommu=pt"]
    assert host.text("/etc/default/grub") == 'GRUB_CMDLINE_LINUX_DEFAULT="quiet iommu=pt"\n'


def test_another_wish_before_the_reboot(host: Host) -> None:
    grub(host)
    host.converge(update(host, " iommu=pt"), cmdline=["iommu=pt"])
    result = host.converge(update(host, " iommu=soft"), cmdline=["iommu=soft"])
    assert result["reboot_required"] == ["kernel command line: iommu=soft"]


def test_after_the_reboot_it_is_well(host: Host) -> None:
    grub(host)
    host.put("/proc/cmdline", "root=/dev/sda1 ro quiet iommu=pt\n")
    assert host.converge(update(host, " iommu=pt"), cmdline=["iommu=pt"])["reboot_required"] == []


def test_a_command_line_that_a_reboot_did_not_bring_needs_no_other(host: Host) -> None:
    host.put("/etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="iommu=pt"\n')
    host.put("/boot/grub/grub.cfg", ENTRY.format(" iommu=pt"))
    host.put("/proc/stat", f"btime {2**33}\n")  # younger than the files
    result = host.settings(False, cmdline=["iommu=pt"])
    assert (result["reboot_required"], result["not_in_force"]) == ([], ["kernel command line: iommu=pt"])


def test_update_grub_that_fails(host: Host) -> None:
    grub(host)
    host.cli.expected = [Call("update-grub", rc=1, stdout="no space left\n")]
    with pytest.raises(ProxmoxError, match=r"cmdline: update-grub: exit code 1: no space left As before again: /etc/d"):
        host.settings(False, cmdline=["iommu=pt"])
    assert host.text("/etc/default/grub") == GRUB
    assert host.text("/run/baremetal-proxmox/reboot-required") is None


def test_update_grub_that_does_nothing(host: Host) -> None:
    grub(host)
    host.cli.expected = [Call("update-grub")]
    with pytest.raises(
        ProxmoxError, match=r"cmdline: expected iommu=pt in /boot/grub/grub.cfg after update-grub, found"
    ):
        host.settings(False, cmdline=["iommu=pt"])
    assert host.text("/etc/default/grub") == GRUB


def test_no_command_line_in_a_container(host: Host) -> None:
    host.container()
    assert host.settings(False, cmdline=["iommu=pt"])["changed"] is False


def test_modules(host: Host) -> None:
    host.kernel(KERNEL, "vfio", "vfio-pci", "nbd", builtin=("loop",))
    host.put("/sys/module/nbd/refcnt")

    def load() -> None:
        host.put("/sys/module/vfio_pci/refcnt")

    result = host.converge(Call("modprobe -- vfio_pci", effect=load), modules=["vfio_pci", "nbd", "loop"])
    assert host.text("/etc/modules-load.d/baremetal-proxmox.conf") == f"{HEADER}vfio_pci\nnbd\nloop\n"
    assert result["diff"][-1]["before"] == "module vfio_pci = not loaded\n"
    host.converge(modules=[])
    assert host.text("/etc/modules-load.d/baremetal-proxmox.conf") is None


def test_a_module_that_does_not_load(host: Host) -> None:
    host.kernel(KERNEL, "ipmi_si")
    host.cli.expected = [Call("modprobe -- ipmi_si", rc=1, stdout="could not insert 'ipmi_si': No such device\n")]
    with pytest.raises(ProxmoxError, match=r"^modules: modprobe -- ipmi_si: exit code 1: .*No such device As before"):
        host.settings(False, modules=["ipmi_si"])
    assert host.text("/etc/modules-load.d/baremetal-proxmox.conf") is None


def test_a_module_of_the_kernel_that_comes_with_the_reboot(host: Host) -> None:
    host.kernel("6.12.1-amd64")
    host.kernel("6.18.1-1-pve", "vfio")
    assert host.converge(modules=["vfio"])["reboot_required"] == ["kernel module vfio"]


def test_a_module_that_does_not_exist(host: Host) -> None:
    host.kernel(KERNEL, "vfio")
    assert host.refused(modules=["vfio", "vfoi"]) == (
        f"modules: expected modules of an installed kernel ({KERNEL}), found vfoi. Nothing was changed."
    )
    assert "expected names of kernel modules, found 'a b'" in host.refused(modules=["a b"])
    host.bare()
    assert host.settings(True, modules=["vfoi"])["reboot_required"] == []


def test_options_of_modules(host: Host) -> None:
    options = {"vfio-pci": "ids=10de:1eb8,10de:1eb9", "kvm": "ignore_msrs=1 report_ignored_msrs=0"}
    result = host.converge(INITRAMFS, module_options=options, module_blacklist=["nouveau"])
    assert result["reboot_required"] == ["options of kernel modules"]
    assert host.text("/etc/modprobe.d/baremetal-proxmox.conf") == (
        f"{HEADER}options kvm ignore_msrs=1 report_ignored_msrs=0\noptions vfio-pci ids=10de:1eb8,10de:1eb9\n"
        "blacklist nouveau\n"
    )
    host.converge(INITRAMFS, module_options={}, module_blacklist=[])
    assert host.text("/etc/modprobe.d/baremetal-proxmox.conf") is None


def test_options_that_would_be_other_lines(host: Host) -> None:
    assert "module_options: expected" in host.refused(module_options={"vfio": "a\ninstall b sh"})
    assert "module_options: expected" in host.refused(module_blacklist=["a b"])


def test_sysctl(host: Host) -> None:
    host.put("/proc/sys/vm/swappiness", "60\n")
    host.put("/proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n")
    host.put("/proc/sys/net/ipv4/conf/eth0.5/rp_filter", "0\n")
    result = host.converge(
        sysctl={"net.ipv4.tcp_rmem": "4096 131072 6291456", "net/ipv4/conf/eth0.5/rp_filter": True}, swappiness=10
    )
    assert host.text("/etc/sysctl.d/zz-baremetal-proxmox.conf") == (
        f"{HEADER}net.ipv4.tcp_rmem = 4096 131072 6291456\nnet/ipv4/conf/eth0.5/rp_filter = 1\nvm.swappiness = 10\n"
    )
    assert host.text("/proc/sys/vm/swappiness") == "10\n"
    assert result["diff"][-1]["before"] == "net/ipv4/conf/eth0.5/rp_filter = 0\nvm.swappiness = 60\n"
    host.converge(sysctl={})
    assert host.text("/etc/sysctl.d/zz-baremetal-proxmox.conf") is None


def test_a_value_that_drifted_is_set_again(host: Host) -> None:
    host.put("/proc/sys/vm/swappiness", "10\n")
    host.converge(swappiness=10)
    host.put("/proc/sys/vm/swappiness", "60\n")
    result = host.converge(swappiness=10)
    assert (result["changed"], result["files"]) == (True, [])


def test_a_setting_that_this_kernel_does_not_have(host: Host) -> None:
    assert host.refused(sysctl={"vm.swapiness": 1}) == (
        "sysctl: expected settings of this kernel, found vm.swapiness. Nothing was changed."
    )
    # one that a module brings can be told only afterwards
    host.kernel(KERNEL, "br_netfilter")
    setting = "/proc/sys/net/bridge/bridge-nf-call-iptables"

    def load() -> None:
        host.put(setting, "1\n")
        host.put("/sys/module/br_netfilter/refcnt")

    host.cli.expected = [Call("modprobe -- br_netfilter", effect=load)]
    host.settings(False, modules=["br_netfilter"], sysctl={"net.bridge.bridge-nf-call-iptables": 0})
    assert host.text(setting) == "0\n"


def test_the_limit_of_the_zfs_cache(host: Host) -> None:
    host.put("/etc/modprobe.d/zfs.conf", "# by the installer\noptions zfs zfs_arc_max=1 l2arc_noprefetch=0\n")
    host.put("/sys/module/zfs/parameters/zfs_arc_max", "0\n")
    host.put("/sys/module/zfs/parameters/zfs_arc_min", "0\n")
    host.converge(zfs_arc_max="8G", zfs_arc_min="1GiB")
    assert host.text("/etc/modprobe.d/zfs.conf") == (
        "# by the installer\noptions zfs zfs_arc_max=8589934592 l2arc_noprefetch=0\noptions zfs zfs_arc_min=1073741824\n"
    )
    assert host.text("/sys/module/zfs/parameters/zfs_arc_max") == "8589934592\n"
    assert host.text("/sys/module/zfs/parameters/zfs_arc_min") == "1073741824\n"


def test_the_root_on_zfs(host: Host) -> None:
    host.put("/proc/mounts", "rpool/ROOT/pve-1 / zfs rw,relatime 0 0\n")
    host.converge(INITRAMFS, zfs_arc_max="8589934592")
    assert host.text("/etc/modprobe.d/zfs.conf") == "options zfs zfs_arc_max=8589934592\n"


def test_a_limit_that_zfs_would_ignore(host: Host) -> None:
    assert host.refused(zfs_arc_max="2G").startswith(
        "zfs_arc_max: expected more than zfs_arc_min (2147483648 bytes; 1/32 of the memory if it is not given), found"
    )
    assert "found 1073741824 bytes" in host.refused(zfs_arc_max="1G", zfs_arc_min="1G")
    assert "expected a number of bytes or a size such as 8G, found '8 apples'" in host.refused(zfs_arc_max="8 apples")
    host.converge(zfs_arc_max="0")


def test_no_swap(host: Host) -> None:
    host.memory(swap=1 << 20, free=1 << 19)
    host.put("/proc/swaps", "Filename Type Size Used Priority\n/dev/dm-1 partition 8388604 0 -2\n")
    off = Call("swapoff --all", effect=lambda: host.put("/proc/swaps", "Filename Type Size Used Priority\n"))
    host.converge(off, Call("systemctl daemon-reload"), swap="off")
    assert os.readlink(host.machine.path("/etc/systemd/system/swap.target")) == "/dev/null"
    assert host.settings(False, swap="keep")["changed"] is False


def test_swap_that_is_in_use(host: Host) -> None:
    host.memory(available=1 << 20, swap=8 << 20, free=4 << 20)
    host.put("/proc/swaps", "Filename Type Size Used Priority\n/dev/dm-1 partition 8388604 4194304 -2\n")
    assert "swap: expected memory for the 4096 MiB that are swapped out, found 1024 MiB" in host.refused(swap="off")


HA = "# select watchdog module (default is softdog)\n#WATCHDOG_MODULE=ipmi_watchdog\n"


def test_the_watchdog(host: Host) -> None:
    host.put("/etc/default/pve-ha-manager", HA)
    assert host.settings(False, watchdog="softdog")["changed"] is False
    result = host.converge(watchdog="iTCO_wdt")
    assert host.text("/etc/default/pve-ha-manager") == f"{HA}WATCHDOG_MODULE=iTCO_wdt\n"
    assert result["reboot_required"] == ["watchdog iTCO_wdt"]
    host.converge(watchdog="ipmi_watchdog")
    assert host.text("/etc/default/pve-ha-manager") == f"{HA}WATCHDOG_MODULE=ipmi_watchdog\n"
    host.converge(watchdog="softdog")
    assert host.text("/etc/default/pve-ha-manager") == HA


def test_a_watchdog_without_proxmox(host: Host) -> None:
    host.bare()
    assert "watchdog: expected Proxmox VE to be installed" in host.refused(watchdog="softdog")
    assert host.settings(True, watchdog="ipmi_watchdog")["files"] == ["/etc/default/pve-ha-manager"]
    assert "watchdog: expected the name of a kernel module" in host.refused(watchdog="a; b")


def test_unattended_upgrades(host: Host) -> None:
    host.converge(unattended_upgrades="security")
    text = host.text("/etc/apt/apt.conf.d/60baremetal-proxmox") or ""
    assert text.index("#clear Unattended-Upgrade::Origins-Pattern;") < text.index("label=Debian-Security")
    assert "Proxmox" not in text.replace("(baremetal.proxmox)", "")
    host.converge(unattended_upgrades="absent")
    assert host.text("/etc/apt/apt.conf.d/60baremetal-proxmox") is None


def test_in_a_container_files_are_all(host: Host) -> None:
    host.container()
    host.put("/proc/swaps", "Filename Type Size Used Priority\n/dev/dm-1 partition 8388604 0 -2\n")
    host.put("/etc/default/pve-ha-manager", HA)
    host.put("/sys/module/zfs/parameters/zfs_arc_max", "0\n")
    result = host.converge(
        Call("systemctl daemon-reload"),
        modules=["vfio"],
        module_options={"vfio": "x=1"},
        sysctl={"vm.swapiness": 1},
        zfs_arc_max="8G",
        swap="off",
        watchdog="ipmi_watchdog",
    )
    assert result["reboot_required"] == []
    assert len(result["files"]) == 6
    assert host.text("/sys/module/zfs/parameters/zfs_arc_max") == "0\n"


def test_one_error_for_all_findings(host: Host) -> None:
    text = host.refused(timezone="Nowhere", watchdog="a b", zfs_arc_max="x", modules=["y"])
    for name in ("timezone", "watchdog", "zfs_arc_max", "modules"):
        assert f"{name}: expected" in text
    assert text.endswith("Nothing was changed.")
