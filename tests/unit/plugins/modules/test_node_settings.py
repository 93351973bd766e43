# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules node_settings and kernel_command_line around what module_utils does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.baremetal.proxmox.plugins.module_utils import _host_settings
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine
from ansible_collections.baremetal.proxmox.plugins.modules import kernel_command_line, node_settings
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.cluster_world import Call, FakeCli
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import run_module


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine(tmp_path, FakeCli())
    for module in (node_settings, kernel_command_line):
        monkeypatch.setattr(module, "Machine", lambda: found)
        monkeypatch.setattr(module, "require_root", lambda: None)
    for path in ("proc/sys/vm/swappiness", "etc/default/grub", "proc/cmdline"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "proc/sys/vm/swappiness").write_text("60\n")
    (tmp_path / "etc/default/grub").write_text('GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n')
    (tmp_path / "proc/cmdline").write_text("root=/dev/sda1 quiet\n")
    (tmp_path / "boot/grub").mkdir(parents=True)
    (tmp_path / "boot/grub/grub.cfg").write_text("")
    return found


def expect(machine: Machine, *calls: Call) -> None:
    assert isinstance(machine.cli, FakeCli)
    machine.cli.expected += calls


def run(monkeypatch: Any, module: Any, **arguments: Any) -> dict[str, Any]:
    return run_module(monkeypatch, lambda _connect: module.main(), arguments)


def test_settings_are_predicted_made_and_left_alone(machine: Machine, monkeypatch: Any) -> None:
    config = {"swappiness": 10, "sysctl": None}
    predicted = run(monkeypatch, node_settings, config=config, _ansible_check_mode=True)
    assert machine.read("/proc/sys/vm/swappiness") == "60\n"
    made = run(monkeypatch, node_settings, config=config)
    assert made == predicted
    assert made["changed"] is True
    assert machine.read("/proc/sys/vm/swappiness") == "10\n"
    assert run(monkeypatch, node_settings, config=config)["changed"] is False


def test_what_is_wrong_is_told_in_one_sentence_each(machine: Machine, monkeypatch: Any) -> None:
    result = run(monkeypatch, node_settings, config={"timezone": "x", "sysctl": {"vm.x": 1}})
    assert result["failed"] is True
    assert len(result["problems"]) == 2


def test_the_command_line_alone(machine: Machine, monkeypatch: Any) -> None:
    expect(machine, Call("update-grub"))
    result = run(monkeypatch, kernel_command_line, words=["iommu=pt"], absent=["quiet"])
    assert (result["changed"], result["files"]) == (True, ["/etc/default/grub"])
    assert result["reboot_required"] == ["kernel command line: iommu=pt -quiet"]
    assert machine.read("/etc/default/grub") == 'GRUB_CMDLINE_LINUX_DEFAULT="iommu=pt"\n'


def test_every_setting_that_is_documented_is_made_by_somebody() -> None:
    documented = yaml.safe_load(node_settings.DOCUMENTATION)["options"]["config"]["suboptions"]
    assert documented.keys() == node_settings.CONFIG_SPEC.keys() == _host_settings.SETTINGS
