"""Preflight on machines: what the rack's spec made is what it sees; every fault is found, and nothing is invented."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rack.metal import qemu
from rack.rack import Rack
from rack.spec import parse_spec
from site_under_test import Run, Site, site

GIB = 1 << 30
CONTAINERS = {"kvm_usable": "containers", "cpu_virtualization": "containers"}
# machines this small are not what the limits are for
SMALL = {
    "memory_gib": 0.5,
    "threads": 1,
    "boot_disk_gib": 1,
    "ceph_nodes": 2,
    "ceph_memory_base_gib": 0,
    "ceph_memory_per_osd_gib": 0.5,
}


def networks(*names: str, **changes: dict[str, Any]) -> dict[str, Any]:
    cidrs = {"management": "10.99.0.0/24", "cluster": "10.98.0.0/24", "storage": "10.97.0.0/24"}
    return {name: {"cidr": cidrs[name], **changes.get(name, {})} for name in names or cidrs}


class Preflight:
    """Runs of preflight.yml on a rack, and what they say."""

    def __init__(self, machines: Site, folder: Path) -> None:
        self.machines = machines
        self.artifact = folder / "preflight.json"

    def run(self, *arguments: str, **variables: Any) -> tuple[Run, dict[str, Any]]:
        self.artifact.unlink(missing_ok=True)
        given = json.dumps({"pve_preflight_artifact": str(self.artifact), **variables})
        run = self.machines.play("-e", given, *arguments, playbook="preflight.yml")
        assert self.artifact.exists(), run.output
        answer = json.loads(self.artifact.read_text())
        assert (run.code == 0) == (answer["verdict"] == "pass"), run.output
        return run, answer

    def found(self, *arguments: str, **variables: Any) -> set[tuple[str, str, str]]:
        """{(level, host, finding)}; a failure must have stopped everything and stand in the output."""
        run, answer = self.run(*arguments, **variables)
        assert answer["errors"] == []
        findings = [*answer["failures"], *answer["warnings"]]
        assert len({(one["host"], one["name"], one["expected"]) for one in findings}) == len(findings), "each once"
        text = " ".join(run.output.split())
        for one in answer["failures"]:
            assert f"{one['host']}: {one['name']}: expected" in text
        assert sum(run.changed.values()) == 0
        return {(one["level"], one["host"], one["name"]) for one in findings}


@pytest.fixture(name="containers", scope="module")
def fixture_containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preflight]:
    with site("preflight") as machines:
        yield Preflight(machines, tmp_path_factory.mktemp("preflight"))


def test_nothing_is_invented_on_fresh_machines(containers: Preflight) -> None:
    declared = networks(storage={"purposes": ["storage"]})
    for arguments in ((), ("--check", "--diff")):
        assert containers.found(*arguments, pve_networks=declared, pve_preflight_overrides=CONTAINERS) == set()


def test_a_disk_that_is_used_and_one_that_is_not_there(containers: Preflight) -> None:
    machines = containers.machines
    variables = {
        "pve_ceph_osds": [{"device": "{{ rack_disks[0] }}"}],
        "pve_preflight_overrides": CONTAINERS,
        "pve_preflight_requirements": SMALL,
    }
    assert containers.found(**variables) == set()
    machines.run("pve2", ["mkfs.ext4", "-q", "/dev/sdb"])
    assert containers.found(**variables) == {("fail", "pve2", "osd_device_empty")}
    machines.run("pve2", ["wipefs", "-aq", "/dev/sdb"])
    held = (
        "import os, time; f = os.open('/dev/sdb', os.O_RDONLY | os.O_EXCL); print('held', flush=True); time.sleep(3600)"
    )
    machines.run("pve3", ["systemd-run", "--unit=holder", "--collect", "python3", "-c", held])
    machines.run("pve3", ["sh", "-c", "until journalctl -u holder | grep -q held; do :; done"])
    assert containers.found(**variables) == {("fail", "pve3", "osd_device_empty")}
    machines.run("pve3", ["systemctl", "stop", "holder"])
    variables["pve_ceph_osds"] = [{"device": "/dev/disk/by-id/ata-nowhere"}]
    assert containers.found(**variables) == {("fail", host, "osd_device_exists") for host in machines.nodes}


def test_copies_of_one_installation(containers: Preflight) -> None:
    machines = containers.machines
    keys = machines.run("pve1", ["cat", "/etc/ssh/ssh_host_ed25519_key.pub"])
    saved = machines.run("pve3", ["cat", "/etc/ssh/ssh_host_ed25519_key.pub"])
    identity, own = (machines.run(node, ["cat", "/etc/machine-id"]).strip() for node in ("pve1", "pve3"))

    def write(path: str, content: str) -> None:
        machines.run("pve3", ["python3", "-c", f"open({path!r}, 'w').write({content!r})"])

    write("/etc/machine-id", identity)
    write("/etc/ssh/ssh_host_ed25519_key.pub", keys)
    machines.run("pve3", ["ip", "address", "add", "10.98.0.11/32", "dev", "lo"])
    found = containers.found(pve_preflight_overrides=CONTAINERS)
    write("/etc/machine-id", own)
    write("/etc/ssh/ssh_host_ed25519_key.pub", saved)
    machines.run("pve3", ["ip", "address", "del", "10.98.0.11/32", "dev", "lo"])
    names = ("machine_id_unique", "host_keys_unique", "address_unique")
    assert found == {("fail", host, name) for host in ("pve1", "pve3") for name in names}
    assert containers.found(pve_preflight_overrides=CONTAINERS) == set()


def test_a_name_that_is_another_machine(containers: Preflight) -> None:
    machines = containers.machines
    hosts = machines.run("pve1", ["cat", "/etc/hosts"])

    def write(content: str) -> None:
        machines.run("pve1", ["python3", "-c", f"open('/etc/hosts', 'w').write({content!r})"])

    write(hosts + "10.99.0.13 pve2\n10.99.0.12 pve3\n")
    found = containers.found(pve_networks=networks(), pve_preflight_overrides=CONTAINERS)
    write(hosts)
    assert found == {("fail", "pve1", "name_forward"), ("fail", "pve1", "name_reverse")}


def test_a_machine_that_does_not_answer_is_a_finding(containers: Preflight) -> None:
    machines = containers.machines
    machines.rack.cut("pve3")
    found = containers.found(pve_networks=networks(), pve_preflight_overrides=CONTAINERS)
    machines.rack.start("pve3")
    assert found == {("fail", "pve3", "reachable")}


def test_a_wrong_word_of_the_inventory_is_an_error(containers: Preflight) -> None:
    _run, answer = containers.run(pve_preflight_overrides={**CONTAINERS, "memori": "x", "clock_offset": ""})
    assert {error.partition(", found")[0] for error in answer["errors"]} == {
        f"{host}: {text}"
        for host in containers.machines.nodes
        for text in (
            "pve_preflight_overrides: expected a known name (nearest: memory)",
            "pve_preflight_overrides.clock_offset: expected the reason why this is accepted",
        )
    }


def test_nothing_is_invented_on_a_cluster(containers: Preflight) -> None:
    containers.machines.converge()
    assert containers.found(pve_networks=networks()) == set()


@pytest.fixture(name="mixed", scope="module")
def fixture_mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preflight]:
    """Three containers of which two show vmx."""
    nodes = [{"name": f"pve{number}", "cpu_flags": ["-vmx" if number == 2 else "vmx", "-svm"]} for number in (1, 2, 3)]
    spec = parse_spec({"name": "mixed", "nodes": nodes, "defaults": {"disks": [{"size": "1G"}]}}, "test_preflight.py")
    if "mixed" in Rack.names():
        Rack("mixed").down()
    with Rack.running(spec) as rack:
        yield Preflight(Site(rack), tmp_path_factory.mktemp("mixed"))


def test_machines_that_differ(mixed: Preflight) -> None:
    """Containers have the host's clock, so here date says 5 s more; on metal it is the clock itself."""
    machines = mixed.machines
    variables = {
        "pve_networks": networks(),
        "pve_ceph_osds": [{"device": "{{ rack_disks[0] }}"}],
        "pve_preflight_requirements": SMALL,
        "pve_preflight_overrides": {"kvm_usable": "containers"},
    }
    assert mixed.found(**variables) == {("fail", "pve2", "cpu_virtualization")}
    identity = machines.run("pve1", ["cat", "/etc/machine-id"])
    wrong = "#!/bin/sh\nexec /usr/bin/date -d '+5 seconds' \"$@\"\n"
    for node, path, content in (("pve3", "/etc/machine-id", identity), ("pve2", "/usr/local/bin/date", wrong)):
        machines.run(node, ["python3", "-c", f"open({path!r}, 'w').write({content!r})"])
    machines.run("pve2", ["chmod", "755", "/usr/local/bin/date"])
    machines.run("pve3", ["mkfs.ext4", "-q", "/dev/sdb"])
    # the switch's port of pve3's third NIC takes less than the machines do
    namespace = f"--net={machines.rack.check_network()}"
    subprocess.run(["nsenter", namespace, "ip", "link", "set", "p2-2", "mtu", "1400"], check=True)
    assert mixed.found(**variables) == {
        ("fail", "pve2", "cpu_virtualization"),
        ("fail", "pve2", "clock_offset"),
        ("fail", "pve1", "machine_id_unique"),
        ("fail", "pve3", "machine_id_unique"),
        ("fail", "pve3", "osd_device_empty"),
        ("fail", "pve3", "network_mtu"),
    }


# On metal: what containers cannot differ in

COPY = "0123456789abcdef0123456789abcdef"
NODES = [
    {
        "name": "pve1",
        "cpu_flags": ["svm"],
        "machine_id": COPY,
        "smbios": {"vendor": "Dell Inc.", "product": "PowerEdge R650", "serial": "7XK2M93"},
        "watchdog": True,
        "disks": [
            {"size": "1G", "bus": "sata", "serial": "EMPTY1", "ssd": True},
            {"size": "512M", "bus": "scsi", "serial": "TABLE1", "content": "gpt"},
            {"size": "512M", "bus": "nvme", "serial": "VOLUME1", "content": "lvm"},
            {"size": "512M", "bus": "virtio", "serial": "CEPH1", "content": "ceph"},
            {"size": "512M", "bus": "sata", "serial": "FILES1", "content": "ext4"},
        ],
    },
    {
        "name": "pve2",
        "cpu_flags": ["-svm"],
        "machine_id": COPY,
        "clock": 5,
        "nics": [
            {"network": "management", "address": "auto"},
            {"network": "storage", "address": "auto", "mtu": 1500},
        ],
        "disks": [{"size": "512M", "bus": "scsi", "serial": "FILES2", "content": "ext4"}],
    },
]
CONTENTS = {
    "EMPTY1": set(),
    "TABLE1": {"partition_table", "partition"},
    "VOLUME1": {"lvm"},
    "CEPH1": {"ceph_osd"},
    "FILES1": {"filesystem"},
}


@pytest.fixture(name="metal", scope="module")
def fixture_metal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preflight]:
    spec = parse_spec(
        {
            "name": "unlike",
            "backend": "metal",
            "networks": {
                "management": {"cidr": "10.99.0.0/24"},
                "storage": {"cidr": "10.97.0.0/24", "mtu": 9000},
            },
            "defaults": {
                "nics": [{"network": "management", "address": "auto"}, {"network": "storage", "address": "auto"}],
            },
            "nodes": NODES,
        },
        "test_preflight.py",
    )
    if "unlike" in Rack.names():
        Rack("unlike").down()
    with Rack.running(spec) as rack:
        machines = Site(rack)
        for node in spec.nodes:
            for interface, network, _address in node.interfaces():
                if network == "storage":
                    machines.run(node.name, ["ip", "link", "set", interface, "mtu", "9000"])
        yield Preflight(machines, tmp_path_factory.mktemp("metal"))


def _declared(machines: Site) -> dict[str, Any]:
    used = {"pve1": "EMPTY1", "pve2": "FILES2"}
    devices = {
        node.name: qemu.by_id(node, [disk.serial for disk in node.disks].index(used[node.name]))
        for node in machines.rack.spec.nodes
    }
    return {
        "pve_networks": networks("management", "storage", storage={"mtu": 9000, "purposes": ["ceph_public"]}),
        "pve_ceph_osds": [{"device": "{{ " + repr(devices) + "[inventory_hostname] }}"}],
        # a machine takes its time from its hardware clock, which has whole seconds
        "pve_preflight_requirements": {**SMALL, "clock_warn_seconds": 2},
        "pve_preflight_overrides": {},
        # the rack's own inventory names links of three networks
        "pve_cluster_links": [{"number": 0, "address": "{{ ansible_host }}"}],
    }


def test_every_fault_is_found_and_none_is_invented(metal: Preflight) -> None:
    assert metal.found(**_declared(metal.machines)) == {
        ("fail", "pve2", "cpu_virtualization"),
        ("fail", "pve2", "clock_offset"),
        ("fail", "pve2", "osd_device_empty"),
        ("fail", "pve1", "machine_id_unique"),
        ("fail", "pve2", "machine_id_unique"),
        # the model without svm is another vendor's
        ("warn", "pve2", "cpu_vendor_skew"),
        # of two machines nobody can say which end of the wire it is
        ("fail", "pve1", "network_mtu"),
    }


def test_the_facts_are_what_the_spec_made(metal: Preflight) -> None:
    _run, answer = metal.run(**_declared(metal.machines))
    for node in metal.machines.rack.spec.nodes:
        facts = answer["facts"][node.name]
        assert (facts["virtualization"], facts["container"], facts["hostname"]) == ("qemu", False, node.name)
        assert (facts["cpu"]["virtualization"], facts["cpu"]["threads"]) == (
            "svm" if "svm" in node.cpu_flags else None,
            node.cores,
        )
        assert facts["cpu"]["kvm"]["usable"] is ("svm" in node.cpu_flags), facts["cpu"]
        assert facts["memory"]["installed"] == node.memory
        assert 0.85 * node.memory < facts["memory"]["total"] < node.memory
        assert facts["boot"]["mode"] == "bios"
        assert facts["boot"]["loader"] == "grub"
        assert facts["machine_id"] == (node.machine_id or facts["machine_id"])
        assert [nic["name"] for nic in facts["nics"]] == [name for name, _network, _address in node.interfaces()]
        assert {nic["driver"] for nic in facts["nics"]} == {"virtio_net"}
        assert {nic["carrier"] for nic in facts["nics"]} == {True}
        told = {one["address"] for one in facts["addresses"] if one["scope"] == "global"}
        assert told >= set(node.addresses.values())
        disks = {disk["stable_id"]: disk for disk in facts["disks"] if not disk["boot"]}
        assert set(disks) == {qemu.by_id(node, index) for index in range(len(node.disks))}
        for index, disk in enumerate(node.disks):
            found = disks[qemu.by_id(node, index)]
            assert (found["serial"], found["size"]) == (disk.serial, disk.size)
            assert found["rotational"] is not (disk.bus == "nvme" or bool(disk.ssd)) or disk.bus == "virtio"
            assert found["transport"] == {"scsi": "virtio"}.get(disk.bus, disk.bus)
            assert found["empty"] is (disk.content is None)
        assert [disk["boot"] for disk in facts["disks"]].count(True) == 1


def test_what_is_on_the_disks_is_told(metal: Preflight) -> None:
    _run, answer = metal.run(**_declared(metal.machines))
    facts = answer["facts"]["pve1"]
    found = {disk["serial"]: {entry["what"] for entry in disk["contents"]} for disk in facts["disks"]}
    assert {serial: found[serial] for serial in CONTENTS} == CONTENTS
    assert (facts["system"]["vendor"], facts["system"]["product"], facts["system"]["serial"]) == (
        "Dell Inc.",
        "PowerEdge R650",
        "7XK2M93",
    )
    # this driver does not tell the kernel which device it is for
    assert [dog["identity"] for dog in facts["watchdogs"]] == ["i6300ESB timer"]
