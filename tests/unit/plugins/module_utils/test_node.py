# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import os
import ssl
from pathlib import Path

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _certificate, _node
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

from .cluster_world import Call, FakeCli

# Any DER will do: only its hash is wanted
DER = bytes(range(200))
PEM = ssl.DER_cert_to_PEM_cert(DER)
FINGERPRINT = ":".join(f"{byte:02X}" for byte in hashlib.sha256(DER).digest())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "proc").mkdir()
    return Machine(tmp_path, FakeCli())


def write(machine: Machine, path: str, content: str | bytes = "") -> None:
    target = machine.path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)


def expect(machine: Machine, *calls: Call) -> None:
    assert isinstance(machine.cli, FakeCli)
    machine.cli.expected += calls


def test_a_bare_machine(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_node, "_resolve", lambda name: (f"{name}.example", ["127.0.1.1"]))
    write(machine, "/proc/sys/kernel/osrelease", "6.12.1-amd64\n")
    machine.__dict__["hostname"] = "pve1"
    write(machine, "/etc/os-release", 'PRETTY_NAME="Debian"\nVERSION_CODENAME=trixie\n')
    write(machine, "/etc/debian_version", "13.1\n")
    host = machine.host()
    assert host["fqdn"] == "pve1.example"
    assert host["resolves_to"] == ["127.0.1.1"]
    assert host["debian"] == {"release": "trixie", "version": "13.1"}
    assert host["container"] is False
    assert host["kernel"] == {"running": "6.12.1-amd64", "proxmox": False, "installed_proxmox": []}
    assert machine.proxmox() == {"installed": False, "version": None, "release": None}


def test_proxmox_kernels(machine: Machine) -> None:
    write(machine, "/proc/sys/kernel/osrelease", "6.17.2-1-pve\n")
    for name in ("vmlinuz-6.17.2-1-pve", "vmlinuz-6.12.1-amd64", "initrd.img-6.17.2-1-pve"):
        write(machine, f"/boot/{name}")
    assert machine.host()["kernel"] == {
        "running": "6.17.2-1-pve",
        "proxmox": True,
        "installed_proxmox": ["6.17.2-1-pve"],
    }


@pytest.mark.parametrize(
    ("path", "content"),
    [("/run/systemd/container", "systemd-nspawn"), ("/proc/1/environ", "TERM=x\0container=lxc\0")],
)
def test_a_container(machine: Machine, path: str, content: str) -> None:
    write(machine, path, content)
    assert machine.host()["container"] is True


@pytest.mark.parametrize(
    ("flags", "virtual"), [("fpu vmx", False), ("fpu hypervisor", True), ("fpu hypervisors", False)]
)
def test_the_processor(machine: Machine, flags: str, virtual: bool) -> None:
    assert machine.host()["cpu"] == {"vendor": None, "virtual": False}
    write(
        machine, "/proc/cpuinfo", f"processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: {flags}\n\nprocessor\t: 1\n"
    )
    assert machine.host()["cpu"] == {"vendor": "AuthenticAMD", "virtual": virtual}


def test_an_environment_that_only_looks_like_a_container(machine: Machine) -> None:
    write(machine, "/proc/1/environ", "mycontainer=1\0")
    assert machine.host()["container"] is False


PVECFG = """package PVE::pvecfg;

sub package {
    return 'pve-manager';
}

sub version {
    return '9.2.11';
}

sub release {
    return '9.2';
}
"""


def test_version_without_starting_perl(machine: Machine) -> None:
    write(machine, "/usr/bin/pveversion")
    write(machine, "/usr/share/perl5/PVE/pvecfg.pm", PVECFG)
    assert machine.proxmox() == {"installed": True, "version": "9.2.11", "release": "9.2"}


def test_version_by_asking_where_that_file_is_not(machine: Machine) -> None:
    write(machine, "/usr/bin/pveversion")
    expect(machine, Call("pveversion", stdout="pve-manager/8.4.14/b502d23c55afcba1 (running kernel: 6.8.12-4-pve)\n"))
    assert machine.proxmox() == {"installed": True, "version": "8.4.14", "release": "8.4"}


FORMAT = "${Package}\t${Version}\t${db:Status-Status}\n"


def test_packages(machine: Machine) -> None:
    output = "pve-manager\t9.2.11\tinstalled\npve-cluster\t9.1.6\tconfig-files\n"
    argv = f"dpkg-query --show --showformat {FORMAT} pve-manager pve-cluster nothing"
    expect(machine, Call(argv, stdout=output, rc=1))
    assert machine.packages(["pve-manager", "pve-cluster", "nothing"]) == {
        "pve-manager": "9.2.11",
        "pve-cluster": None,
        "nothing": None,
    }
    assert machine.packages([]) == {}


SHOW = """Id=corosync.service
Names=corosync.service
LoadState=loaded
ActiveState=active

Id=ssh.service
Names=ssh.service sshd.service
LoadState=loaded
ActiveState=failed

Id=nope.service
Names=nope.service
LoadState=not-found
ActiveState=inactive
"""
SHOWN = "systemctl show --property=Id,Names,LoadState,ActiveState -- corosync.service sshd.service nope.service"


def test_services(machine: Machine) -> None:
    expect(machine, Call(SHOWN, stdout=SHOW))
    assert machine.services(["corosync", "sshd", "nope"]) == {
        "corosync": "active",
        "sshd": "failed",
        "nope": "missing",
    }
    assert machine.services([]) == {}


@pytest.mark.parametrize(("rc", "said"), [(1, "System has not been booted with systemd"), (0, "")])
def test_services_where_the_first_process_is_not_systemd(machine: Machine, rc: int, said: str) -> None:
    shown = "systemctl show --property=Id,Names,LoadState,ActiveState -- pve-cluster.service pveproxy.service"
    expect(machine, Call(shown, stdout=said, rc=rc))
    write(machine, "/proc/17/comm", "pmxcfs\n")
    write(machine, "/proc/self/comm", "pveproxy\n")
    assert machine.services(["pve-cluster", "pveproxy"]) == {"pve-cluster": "active", "pveproxy": "inactive"}


def test_running_knows_names_that_the_kernel_cut_off(machine: Machine) -> None:
    write(machine, "/proc/17/comm", "a-very-long-nam\n")
    write(machine, "/proc/18/comm", "other\n")
    assert machine.running("a-very-long-name", "none") == {"a-very-long-name"}


def test_corosync_by_its_own_file(machine: Machine) -> None:
    assert not machine.has_corosync()
    write(machine, "/proc/17/comm", "corosync\n")
    assert not machine.has_corosync()
    write(machine, "/run/corosync.pid", "17\n")
    assert machine.has_corosync()
    write(machine, "/proc/17/comm", "other\n")
    assert not machine.has_corosync()


def test_a_process_that_ends_meanwhile(machine: Machine) -> None:
    machine.path("/proc/17").mkdir()
    assert machine.running("corosync") == set()


def test_addresses(machine: Machine) -> None:
    output = '[{"ifname": "lo", "addr_info": [{"local": "127.0.0.1"}]}, {"addr_info": [{"local": "fd00::1"}]}, {}]'
    machine.cli = FakeCli()
    machine.cli._next = lambda command, given: Call(" ".join(command.argv(given)), stdout=output)  # type: ignore[method-assign]
    assert machine.addresses() == ["127.0.0.1", "fd00::1"]


def test_certificate_of_the_cluster(machine: Machine) -> None:
    assert machine.certificate("pve1") is None
    write(machine, "/etc/pve/nodes/pve1/pve-ssl.pem", f"some text\n{PEM}")
    assert machine.certificate("pve1") == FINGERPRINT


def test_a_certificate_of_ones_own_counts_only_with_its_key(machine: Machine) -> None:
    write(machine, "/etc/pve/nodes/pve1/pve-ssl.pem", PEM)
    own = ssl.DER_cert_to_PEM_cert(b"other")
    write(machine, "/etc/pve/nodes/pve1/pveproxy-ssl.pem", own + PEM)
    assert machine.certificate("pve1") == FINGERPRINT
    write(machine, "/etc/pve/nodes/pve1/pveproxy-ssl.key")
    assert machine.certificate("pve1") == _certificate.of_der(b"other")


def test_a_cluster_file_system_that_died(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(_path: Path) -> bytes:
        raise OSError(107, "Transport endpoint is not connected")

    monkeypatch.setattr(Path, "read_bytes", dead)
    assert machine.read("/etc/pve/corosync.conf") is None


def test_no_certificate_without_the_cluster_file_system(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.lstat

    def dead(path: Path) -> os.stat_result:
        if "/etc/pve/" in str(path):
            raise OSError(107, "Transport endpoint is not connected")
        return real(path)

    monkeypatch.setattr(Path, "lstat", dead)
    assert machine.certificate("pve1") is None


def test_an_error_that_is_no_absence_is_not_hidden(machine: Machine) -> None:
    machine.path("/etc").mkdir()
    with pytest.raises(_node.Unreadable, match="/etc: Is a directory"):
        machine.read("/etc")


def test_python_modules(machine: Machine) -> None:
    assert machine.python(["json", "json.decoder", "no_such_module_here"]) == {
        "json": True,
        "json.decoder": True,
        "no_such_module_here": False,
    }


def test_nobody_on_the_port() -> None:
    assert _node.served("127.0.0.1", 9, timeout=1) is None


def test_a_name_that_does_not_resolve() -> None:
    assert _node._resolve("no-such-host.invalid") == ("no-such-host.invalid", [])
    assert "127.0.0.1" in _node._resolve("localhost")[1]
