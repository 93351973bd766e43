# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole machines: what is known is right, and what is not known is null."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware, _node
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_cpu as cpu
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_dmi as dmi
from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_nics as nics

from . import hardware_machines as machines
from . import hardware_world as world
from .hardware_world import Tree

Read = Callable[[Callable[[Tree], None]], dict[str, Any]]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "root")


@pytest.fixture
def read(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Read:
    monkeypatch.setattr(_node, "_resolve", lambda name: (f"{name}.example", ["127.0.1.1"]))

    def facts(build: Callable[[Tree], None]) -> dict[str, Any]:
        build(tree)
        found = _hardware.facts(tree.machine, tree.devices, _hardware.PARTS)
        # it has to travel
        assert json.loads(json.dumps(found)) == found
        return found

    return facts


def test_dell(read: Read) -> None:
    facts = read(machines.dell)
    assert facts["cpu"] == {
        "model": "Intel(R) Xeon(R) Gold 6326",
        "vendor": "GenuineIntel",
        "sockets": 2,
        "cores": 32,
        "threads": 64,
        "virtualization": "vmx",
        "hypervisor": False,
        "microcode": "0x1",
        "kvm": {"present": False, "usable": False, "error": "there is no /dev/kvm", "nested": True},
        "iommu": {"enabled": True, "groups": 120},
    }
    assert facts["memory"] == {
        "total": 527_000_000 * 1024,
        "installed": 512 * machines.GIB,
        "ecc": True,
        "ecc_source": "edac",
    }
    assert (facts["system"]["product"], facts["system"]["serial"]) == ("PowerEdge R650", "7XK2M93")
    assert facts["bmc"] == {"present": True, "interface": "KCS", "device": "/dev/ipmi0"}
    assert facts["boot"] == {
        "mode": "uefi",
        "secure_boot": True,
        "loader": "systemd-boot",
        "managed_by": "proxmox-boot-tool",
        "proxmox_boot_uuids": ["6A2B-11FF", "6A2B-1200"],
        "command_line": "root=ZFS=rpool/ROOT/pve-1 boot=zfs intel_iommu=on",
    }
    assert facts["watchdogs"] == [
        {"name": "watchdog0", "identity": "iTCO_wdt", "driver": "iTCO_wdt", "timeout": 30, "active": False}
    ]
    assert (facts["virtualization"], facts["container"]) == (None, False)
    assert facts["ceph"] == {"fsid": "99999999-8888-4777-8666-555555555555"}
    assert list(facts["host_keys"]) == ["ssh-ed25519"]
    assert facts["machine_id"] == "0123456789abcdef0123456789abcdef"
    assert facts["debian"] == {"release": "trixie", "version": "13.1"}


def test_the_wires_of_the_dell(read: Read) -> None:
    facts = read(machines.dell)
    first, second = facts["nics"]
    assert first == {
        "name": "eno1",
        "altnames": ["enp49s0f0"],
        "driver": "i40e",
        "mac": "3c:ec:ef:00:00:01",
        "current_mac": "3c:ec:ef:00:00:01",
        "pci": "0000:31:00.0",
        "up": True,
        "carrier": True,
        "speed": 10000,
        "duplex": "full",
        "mtu": 1500,
        "max_mtu": 9000,
        "master": "bond0",
        "virtual_function": False,
        "sriov": {"total": 32, "active": None},
        "lldp": {"switch": "sw1", "port": "Ethernet1/7", "description": "pve1 eno1", "vlan": 10},
    }
    assert (second["mac"], second["current_mac"]) == ("3c:ec:ef:00:00:02", "3c:ec:ef:00:00:01")
    assert (second["speed"], second["duplex"], second["carrier"], second["lldp"]) == (None, None, False, None)
    assert {part["name"]: part["lower"] for part in facts["interfaces"]} == {
        "bond0": ["eno1", "eno2"],
        "vmbr0": ["bond0"],
        "bond0.30": ["bond0"],
    }
    assert facts["addresses"] == [
        {"interface": "lo", "address": "192.0.2.111", "prefix": 32, "scope": "global"},
        {"interface": "vmbr0", "address": "192.0.2.11", "prefix": 24, "scope": "global"},
    ]


def test_ryzen(read: Read) -> None:
    facts = read(machines.ryzen)
    assert (facts["cpu"]["virtualization"], facts["cpu"]["cores"], facts["cpu"]["kvm"]["nested"]) == ("svm", 8, True)
    assert facts["cpu"]["iommu"] == {"enabled": False, "groups": 0}
    assert (facts["memory"]["ecc"], facts["memory"]["ecc_source"]) == (False, "dmi")
    assert facts["memory"]["installed"] == 64 * machines.GIB
    assert {facts["system"][key] for key in ("vendor", "product", "serial")} == {None}
    assert facts["system"]["board"] == "B550M Pro4"
    assert (facts["boot"]["mode"], facts["boot"]["loader"], facts["boot"]["managed_by"]) == ("bios", "grub", None)
    assert facts["boot"]["secure_boot"] is False
    assert facts["bmc"] == {"present": False, "interface": None, "device": None}
    assert [(dog["driver"], dog["active"]) for dog in facts["watchdogs"]] == [("softdog", True)]
    assert [(nic["pci"], nic["sriov"]) for nic in facts["nics"]] == [("0000:04:00.0", None)]
    assert facts["ceph"] == {"fsid": None}


def test_a_virtual_machine_does_not_know_its_memory(read: Read) -> None:
    facts = read(machines.virtual)
    assert (facts["virtualization"], facts["memory"]["ecc"], facts["memory"]["ecc_source"]) == ("kvm", None, None)
    assert facts["cpu"]["virtualization"] is None
    assert [(nic["driver"], nic["pci"], nic["speed"]) for nic in facts["nics"]] == [
        ("virtio_net", "0000:00:12.0", None)
    ]


def test_a_container(read: Read) -> None:
    facts = read(machines.container)
    assert facts["container"] is True
    assert [nic["name"] for nic in facts["nics"]] == ["ens18"]
    assert [part["name"] for part in facts["interfaces"]] == ["dummy0"]
    assert (facts["memory"]["ecc"], facts["memory"]["installed"]) == (None, None)
    assert facts["disks"] == []


def test_only_what_was_asked_for(tree: Tree) -> None:
    machines.dell(tree)
    assert set(_hardware.facts(tree.machine, tree.devices, ["memory"])) == {
        "hostname",
        "virtualization",
        "container",
        "proxmox",
        "memory",
    }
    assert "ip -json -details address show" not in tree.tools.asked


def test_a_watchdog_that_is_not_in_the_class_of_watchdogs(tree: Tree) -> None:
    """ipmi_watchdog has a device of its own; that watchdog-mux has opened it, its socket tells."""
    tree.write("/sys/class/misc/watchdog/dev", "10:130")
    tree.write("/sys/module/ipmi_watchdog/parameters/timeout", "10")
    (found,) = _hardware.facts(tree.machine, tree.devices, {"boot"})["watchdogs"]
    ipmi = {"name": "watchdog", "identity": None, "driver": "ipmi_watchdog", "timeout": 10}
    assert found == {**ipmi, "active": False}
    tree.write("/run/watchdog-mux.sock", "")
    (found,) = _hardware.facts(tree.machine, tree.devices, {"boot"})["watchdogs"]
    assert found == {**ipmi, "active": True}


def test_a_watchdog_is_named_by_its_kernel_module(tree: Tree) -> None:
    """The driver of i6300esb calls itself "i6300ESB timer"."""
    tree.write("/sys/class/watchdog/watchdog0/state", "active")
    tree.link("/sys/class/watchdog/watchdog0/device/driver/module", "/sys/module/i6300esb")
    (found,) = _hardware.facts(tree.machine, tree.devices, {"boot"})["watchdogs"]
    assert (found["driver"], found["active"]) == ("i6300esb", True)


def test_nothing_at_all_is_there(tree: Tree) -> None:
    """A machine of which nothing can be read still gives an answer, without a guess in it."""
    found = _hardware.facts(tree.machine, tree.devices, set(_hardware.PARTS) - {"host"})
    assert (found["memory"]["total"], found["memory"]["ecc"], found["virtualization"]) == (None, None, None)
    assert (found["nics"], found["disks"], found["watchdogs"], found["host_keys"]) == ([], [], [], {})
    assert (found["cpu"]["model"], found["cpu"]["virtualization"], found["machine_id"]) == (None, None, None)


@pytest.mark.parametrize(
    ("structures", "expected"),
    [
        ((world.memory_array(5), world.memory_module(16384, 64)), True),
        ((world.memory_array(3), world.memory_module(16384, 64)), False),
        # unknown (2): the width tells
        ((world.memory_array(2), world.memory_module(16384, 72)), True),
        ((world.memory_array(2), world.memory_module(16384, 64)), False),
        ((world.memory_array(2), world.memory_module(16384, 0xFFFF)), None),
        ((), None),
    ],
)
def test_error_correction_by_the_firmware(structures: tuple, expected: bool | None) -> None:
    assert dmi.ecc(list(dmi.parse(world.dmi(*structures)))) is expected


def test_tables_that_are_cut_off() -> None:
    raw = world.dmi(world.memory_array(6), world.memory_module(32768, 72))
    for length in range(len(raw)):
        list(dmi.parse(raw[:length]))
    assert dmi.installed(list(dmi.parse(raw))) == 32 * machines.GIB


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        (["SECDED", "SECDED"], True),
        (["None", "None"], False),
        (["Unknown"], None),
        ([], None),
        (["None", "S8ECD8ED"], True),
    ],
)
def test_error_correction_by_the_kernel(tree: Tree, modes: list[str], expected: bool | None) -> None:
    for index, mode in enumerate(modes):
        tree.write(f"/sys/devices/system/edac/mc/mc0/dimm{index}/dimm_edac_mode", mode)
    assert cpu.memory(tree.machine, [], False)["ecc"] is expected


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({cpu.KVM_GET_API_VERSION: 12, cpu.KVM_CREATE_VM: 99}, None),
        ({cpu.KVM_GET_API_VERSION: 11}, "/dev/kvm has the interface 11, not 12"),
        (
            {cpu.KVM_GET_API_VERSION: 12, cpu.KVM_CREATE_VM: errno.EBUSY},
            "/dev/kvm makes no virtual machine: Device or resource busy (another hypervisor has it)",
        ),
    ],
)
def test_kvm_is_tried(tree: Tree, monkeypatch: pytest.MonkeyPatch, answers: dict, expected: str | None) -> None:
    tree.write("/dev/kvm")
    closed = []

    def ioctl(_handle: int, request: int, _argument: int) -> int:
        answer = answers[request]
        if answer == errno.EBUSY:
            raise OSError(answer, "Device or resource busy")
        return answer

    monkeypatch.setattr(cpu.fcntl, "ioctl", ioctl)
    monkeypatch.setattr(cpu.os, "close", closed.append)
    found = cpu.kvm(tree.machine)
    assert (found["present"], found["usable"], found["error"]) == (True, expected is None, expected)
    assert (99 in closed) == (expected is None), "the virtual machine is gone at once"


@pytest.mark.parametrize(
    "told",
    [
        {"lldp": {"interface": []}},
        {},
        {"lldp": {"interface": [{"eno9": {"chassis": {"id": {"type": "mac", "value": "aa"}}, "port": {}}}]}},
    ],
)
def test_neighbours_that_say_little(told: dict) -> None:
    found = nics.parse_lldp(told)
    assert found in ({}, {"eno9": {"switch": "aa", "port": None, "description": None, "vlan": None}})
