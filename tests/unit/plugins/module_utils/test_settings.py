# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files, values and commands that are converged together, killed in between, and undone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _settings
from ansible_collections.baremetal.proxmox.plugins.module_utils._cli import Command
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import CliError, ProxmoxError
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine
from ansible_collections.baremetal.proxmox.plugins.module_utils._settings import Link, Live, Part, Refresh

from .cluster_world import Call, FakeCli

APPLY = Refresh("apply", Command(("apply",)))
OTHER = Refresh("other", Command(("other",)))
FILE = Part("one", {"/etc/one": "new\n"}, refresh=[APPLY])


class Killed(BaseException):
    pass


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, FakeCli())


def put(machine: Machine, path: str, text: str = "old\n") -> None:
    machine.path(path).parent.mkdir(parents=True, exist_ok=True)
    machine.path(path).write_text(text)


def converge(machine: Machine, *parts: Part, calls: tuple[Call, ...] = (), check: bool = False) -> dict[str, Any]:
    cli = machine.cli
    assert isinstance(cli, FakeCli)
    cli.expected = list(calls)
    result = _settings.Settings(machine, parts).result(check=check)
    assert cli.expected == []
    return result


def everything(machine: Machine) -> dict[str, str]:
    return {
        f"/{path.relative_to(machine.root)}": os.readlink(path) if path.is_symlink() else path.read_text()
        for path in machine.root.rglob("*")
        if path.is_file() or path.is_symlink()
    }


def test_a_file_and_its_command(machine: Machine) -> None:
    put(machine, "/etc/one")
    machine.path("/etc/one").chmod(0o600)
    expected = {
        "changed": True,
        "files": ["/etc/one"],
        "reboot_required": [],
        "not_in_force": [],
        "diff": [{"before_header": "/etc/one", "after_header": "/etc/one", "before": "old\n", "after": "new\n"}],
    }
    assert converge(machine, FILE, check=True) == expected
    assert everything(machine) == {"/etc/one": "old\n"}
    assert converge(machine, FILE, calls=(Call("apply"),)) == expected
    assert everything(machine) == {"/etc/one": "new\n"}
    assert machine.path("/etc/one").stat().st_mode & 0o777 == 0o600
    assert converge(machine, FILE) == {**expected, "changed": False, "files": [], "diff": []}


def test_a_command_of_several_parts_runs_once_at_the_end(machine: Machine) -> None:
    order: list[str] = []
    live = Live("x", "1", "2", lambda: order.append("x"))
    parts = [
        Part("a", {"/etc/a": "a\n"}, refresh=[APPLY]),
        Part("b", {"/etc/b": "b\n"}, refresh=[OTHER, APPLY], live=[live]),
        Part("c", {"/etc/c": None}, refresh=[Refresh("never", Command(("never",)))]),
    ]
    calls = (Call("apply", effect=lambda: order.append("apply")), Call("other"))
    result = converge(machine, *parts, calls=calls)
    assert order == ["x", "apply"]
    assert result["files"] == ["/etc/a", "/etc/b"]
    assert result["diff"][-1] == {
        "before_header": "in force",
        "after_header": "in force",
        "before": "x = 1\n",
        "after": "x = 2\n",
    }


def test_files_that_go_and_links(machine: Machine) -> None:
    put(machine, "/etc/gone")
    put(machine, "/etc/real", "old\n")
    machine.path("/etc/behind").symlink_to("real")
    machine.path("/etc/link").symlink_to("elsewhere")
    part = Part("p", {"/etc/gone": None, "/etc/behind": "new\n", "/etc/link": Link("/dev/null"), "/etc/new": Link("x")})
    result = converge(machine, part)
    assert result["diff"][2]["before"] == "-> elsewhere\n"
    assert everything(machine) == {
        "/etc/real": "new\n",
        "/etc/behind": "real",
        "/etc/link": "/dev/null",
        "/etc/new": "x",
    }
    assert converge(machine, part)["changed"] is False


def kill() -> None:
    raise Killed


@pytest.mark.parametrize("when", ["in the command", "after the file"])
def test_killed_between_a_file_and_its_command(machine: Machine, monkeypatch: Any, when: str) -> None:
    put(machine, "/etc/one")
    if when == "after the file":
        part = Part("one", FILE.files, refresh=FILE.refresh, live=[Live("x", "1", "2", kill)])
        calls: tuple[Call, ...] = ()
    else:
        part, calls = FILE, (Call("apply", effect=kill),)
    with pytest.raises(Killed):
        converge(machine, part, calls=calls)
    assert machine.read("/etc/one") == "new\n"
    assert converge(machine, FILE, check=True)["changed"] is True
    assert converge(machine, FILE, calls=(Call("apply"),))["changed"] is True
    assert converge(machine, FILE)["changed"] is False
    assert everything(machine) == {"/etc/one": "new\n"}
    assert not machine.path("/var/lib/baremetal-proxmox").exists()


def test_a_command_that_fails_gives_the_old_files_back(machine: Machine) -> None:
    put(machine, "/etc/one")
    put(machine, "/etc/two")
    both = Part("both", {"/etc/two": "new\n", "/etc/three": "new\n"}, refresh=[APPLY], reboot="for both")
    rest = Part("rest", {"/etc/four": "new\n"}, reboot="for the rest")
    with pytest.raises(CliError) as caught:
        converge(machine, FILE, both, rest, calls=(Call("apply", rc=1, stdout="no space\n"),))
    assert str(caught.value) == (
        "one, both: apply: exit code 1: no space As before again: /etc/one, /etc/two, /etc/three."
    )
    left = everything(machine)
    assert left.pop("/var/lib/baremetal-proxmox/due-apply") == ""
    assert left == {
        "/etc/one": "old\n",
        "/etc/two": "old\n",
        "/etc/four": "new\n",
        "/run/baremetal-proxmox/reboot-required": "for the rest\n",
    }
    assert converge(machine, FILE, both, rest, calls=(Call("apply"),))["reboot_required"] == [
        "for the rest",
        "for both",
    ]


def test_a_value_that_the_kernel_does_not_take(machine: Machine) -> None:
    def refuse() -> None:
        raise OSError(22, "Invalid argument")

    part = Part("sysctl", {"/etc/one": "new\n"}, live=[Live("vm.x", "1", "no", refuse)], reboot="x")
    with pytest.raises(ProxmoxError) as caught:
        converge(machine, part)
    assert str(caught.value) == (
        "sysctl: vm.x: expected the kernel to take 'no' in place of '1', found: Invalid argument."
        " As before again: /etc/one."
    )
    assert everything(machine) == {}


def test_a_refresh_that_did_not_help(machine: Machine) -> None:
    def verify() -> None:
        raise ProxmoxError("expected more.")

    with pytest.raises(ProxmoxError, match=r"one: expected more. As before again: /etc/one."):
        converge(machine, Part("one", FILE.files, refresh=[APPLY], verify=verify), calls=(Call("apply"),))
    assert machine.read("/etc/one") is None


def test_what_is_stale_is_refreshed_without_a_change_of_files(machine: Machine) -> None:
    put(machine, "/etc/one", "new\n")
    stale = Part("one", FILE.files, refresh=[APPLY], stale=True)
    assert converge(machine, stale, check=True)["changed"] is True
    assert converge(machine, stale, calls=(Call("apply"),))["files"] == []


def test_the_reboot_is_told_until_it_happened(machine: Machine) -> None:
    part = Part("p", {"/etc/one": "new\n"}, reboot="an option")
    assert converge(machine, part, check=True)["reboot_required"] == ["an option"]
    assert everything(machine) == {}
    assert converge(machine, part)["reboot_required"] == ["an option"]
    again = Part("p", part.files, reboot="an option", pending=["a module", "an option"])
    assert converge(machine, again)["reboot_required"] == ["an option", "a module"]
    assert converge(machine, again)["changed"] is False
    machine.path("/run/baremetal-proxmox/reboot-required").unlink()  # as a boot does
    assert converge(machine, part)["reboot_required"] == []
