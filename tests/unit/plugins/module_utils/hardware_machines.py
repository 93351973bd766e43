# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines as they are found in the wild: a Dell server, a homelab Ryzen, a virtual machine, a container."""

from __future__ import annotations

import json
from typing import Any

from . import hardware_world as world
from .hardware_world import Tree

GIB = 1 << 30
# of a routed mesh, as Proxmox's wiki has it for Ceph
LOOPBACK = [{"local": "192.0.2.111", "prefixlen": 32, "scope": "global"}]
LLDP = {
    "lldp": {
        "interface": {
            "eno1": {
                "chassis": {"sw1": {"id": {"type": "mac", "value": "aa:bb:cc:00:00:01"}, "descr": "Switch"}},
                "port": {"id": {"type": "ifname", "value": "Ethernet1/7"}, "descr": "pve1 eno1"},
                "vlan": {"vlan-id": "10", "pvid": True},
            }
        }
    }
}


def link(name: str, mac: str, **more: Any) -> dict[str, Any]:
    return {
        "ifname": name,
        "flags": ["BROADCAST", "UP"],
        "mtu": 1500,
        "max_mtu": 9000,
        "link_type": "ether",
        "address": mac,
    } | more


def base(tree: Tree, memory_kib: int) -> None:
    tree.write("/proc/meminfo", f"MemTotal:       {memory_kib} kB\nMemFree: 1 kB")
    tree.write("/etc/machine-id", "0123456789abcdef0123456789abcdef")
    tree.write("/etc/os-release", "VERSION_CODENAME=trixie")
    tree.write("/etc/debian_version", "13.1")
    tree.write("/etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA root@pve1")
    tree.write("/etc/ssh/ssh_host_ed25519_key", "never read")
    tree.write("/proc/1/environ", b"TERM=linux\0")
    tree.tools.answers["ip -json address show"] = "[]"


def network(tree: Tree, *links: dict[str, Any]) -> None:
    tree.tools.answers["ip -json -details address show"] = json.dumps(
        [
            {
                "ifname": "lo",
                "link_type": "loopback",
                "addr_info": [{"local": "127.0.0.1", "scope": "host"}, *LOOPBACK],
            },
            *links,
        ]
    )


def nic(tree: Tree, name: str, bus: str, driver: str, **attributes: str | int) -> None:
    device = f"/sys/devices/{bus}"
    tree.write(f"{device}/vendor", "0x8086")
    tree.link(f"/sys/class/net/{name}/device", device)
    tree.link(f"{device}/driver", f"/sys/bus/pci/drivers/{driver}")
    for key, value in attributes.items():
        tree.write(f"/sys/class/net/{name}/{key.replace('__', '/')}", value)


def dell(tree: Tree) -> None:
    """PowerEdge R650: two sockets, registered memory, iDRAC, UEFI with systemd-boot by proxmox-boot-tool, a bond."""
    base(tree, 527_000_000)
    tree.cpus(64, threads=2, sockets=2, flags="fpu vmx sse2", model="Intel(R) Xeon(R) Gold 6326", vendor="GenuineIntel")
    for name, value in {
        "sys_vendor": "Dell Inc.",
        "product_name": "PowerEdge R650",
        "product_serial": "7XK2M93",
    }.items():
        tree.write(f"/sys/class/dmi/id/{name}", value)
    tree.write(
        "/sys/firmware/dmi/tables/DMI",
        world.dmi(
            world.memory_array(6),
            *[world.memory_module(32768, 72) for _module in range(16)],
            world.memory_module(0),
            (38, bytes([1, 0x20]).ljust(14, b"\0"), ()),
        ),
    )
    for mode in ("dimm0", "dimm1"):
        tree.write(f"/sys/devices/system/edac/mc/mc0/{mode}/dimm_edac_mode", "S4ECD4ED")
    tree.write("/sys/devices/system/edac/mc/mc0/mc_name", "Ice Lake")
    tree.write("/dev/ipmi0")
    for group in range(120):
        (tree.root / f"sys/kernel/iommu_groups/{group}").mkdir(parents=True)
    tree.write("/sys/class/iommu/dmar0")
    tree.write("/sys/module/kvm_intel/parameters/nested", "Y")
    tree.write("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", b"\x06\0\0\0\x01")
    loader = "systemd-boot 257.8-1\0".encode("utf-16-le")
    tree.write("/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", b"\x06\0\0\0" + loader)
    tree.write("/etc/kernel/proxmox-boot-uuids", "6A2B-11FF\n6A2B-1200")
    tree.write("/proc/cmdline", "root=ZFS=rpool/ROOT/pve-1 boot=zfs intel_iommu=on")
    watchdog = "/sys/class/watchdog/watchdog0"
    tree.write(f"{watchdog}/identity", "iTCO_wdt")
    tree.write(f"{watchdog}/timeout", 30)
    tree.write(f"{watchdog}/state", "inactive")
    tree.link(f"{watchdog}/device/driver", "/sys/bus/platform/drivers/iTCO_wdt")
    bus = "pci0000:31/0000:31:00.{}"
    nic(tree, "eno1", bus.format(0), "i40e", speed=10000, duplex="full", carrier=1, device__sriov_totalvfs=32)
    nic(tree, "eno2", bus.format(1), "i40e", speed=-1, duplex="unknown", carrier=0)
    network(
        tree,
        link("eno1", "3c:ec:ef:00:00:01", master="bond0", altnames=["enp49s0f0"]),
        link("eno2", "3c:ec:ef:00:00:01", permaddr="3c:ec:ef:00:00:02", master="bond0", max_mtu=9702),
        link("bond0", "3c:ec:ef:00:00:01", linkinfo={"info_kind": "bond"}, mtu=9000, master="vmbr0"),
        link(
            "vmbr0",
            "3c:ec:ef:00:00:01",
            linkinfo={"info_kind": "bridge"},
            addr_info=[{"family": "inet", "local": "192.0.2.11", "prefixlen": 24, "scope": "global"}],
        ),
        link("bond0.30", "3c:ec:ef:00:00:01", link="bond0", linkinfo={"info_kind": "vlan"}),
    )
    tree.write("/run/lldpd.socket")
    tree.tools.answers["lldpctl -f json"] = json.dumps(LLDP)
    tree.tools.answers["systemd-detect-virt --vm"] = "none\n"
    tree.write("/etc/ceph/ceph.conf", "[global]\n\tfsid = 99999999-8888-4777-8666-555555555555\n")


def ryzen(tree: Tree) -> None:
    """A desktop board that nobody described in its firmware, without ECC, BIOS boot with GRUB, IOMMU off."""
    base(tree, 65_700_000)
    tree.cpus(16, threads=2, flags="fpu svm sse2", model="AMD Ryzen 7 5700G", vendor="AuthenticAMD")
    for name, value in {
        "sys_vendor": "To Be Filled By O.E.M.",
        "product_name": "Default string",
        "product_serial": "System Serial Number",
        "board_name": "B550M Pro4",
    }.items():
        tree.write(f"/sys/class/dmi/id/{name}", value)
    modules = [world.memory_module(32768), world.memory_module(32768)]
    tree.write("/sys/firmware/dmi/tables/DMI", world.dmi(world.memory_array(3), *modules))
    tree.write("/sys/module/kvm_amd/parameters/nested", "1")
    tree.write("/boot/grub/grub.cfg", "menuentry")
    tree.write("/sys/class/watchdog/watchdog0/identity", "Software Watchdog")
    tree.write("/sys/class/watchdog/watchdog0/state", "active")
    nic(tree, "enp4s0", "pci0000:00/0000:00:02.1/0000:04:00.0", "r8169", speed=1000, duplex="full", carrier=1)
    network(tree, link("enp4s0", "a8:a1:59:00:00:01"))
    tree.tools.answers["systemd-detect-virt --vm"] = "none\n"


def virtual(tree: Tree) -> None:
    """A virtual machine: QEMU's tables promise ECC, the NIC knows no speed, no nested virtualisation."""
    base(tree, 4_000_000)
    tree.cpus(2, flags="fpu hypervisor", model="QEMU Virtual CPU", vendor="GenuineIntel")
    tree.write("/sys/class/dmi/id/sys_vendor", "QEMU")
    tree.write("/sys/firmware/dmi/tables/DMI", world.dmi(world.memory_array(6), world.memory_module(4096)))
    nic(tree, "ens18", "pci0000:00/0000:00:12.0/virtio1", "virtio_net", speed=-1, duplex="unknown", carrier=1)
    network(tree, link("ens18", "52:54:00:00:00:01", max_mtu=65535))
    tree.tools.answers["systemd-detect-virt --vm"] = "kvm\n"


def container(tree: Tree) -> None:
    """No hardware of its own: a wire that leads out, no tables of the firmware."""
    base(tree, 16_000_000)
    tree.cpus(4, flags="fpu svm", model="AMD EPYC", vendor="AuthenticAMD")
    tree.write("/run/systemd/container", "systemd-nspawn")
    tree.write("/sys/class/net/ens18/speed", 10000)
    tree.write("/sys/class/net/ens18/carrier", 1)
    network(
        tree,
        link("ens18", "02:00:00:00:00:01", linkinfo={"info_kind": "veth"}, link_index=7, link=None),
        link("dummy0", "02:00:00:00:00:02", linkinfo={"info_kind": "dummy"}),
    )
    tree.tools.answers["systemd-detect-virt --vm"] = "none\n"
