"""What the scenario leaves on its two machines, seen from inside them (without their network) and at the switch."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rack.rack import Rack

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = Path(__file__).parent / "inventory"
Run = Callable[..., str]


@pytest.fixture(name="rack", scope="module")
def fixture_rack() -> Rack:
    return Rack.find(os.environ["RACK_NAME"])


@pytest.fixture(name="run")
def fixture_run(rack: Rack) -> Run:
    def run(*command: str, node: str = "pve1") -> str:
        done = rack.exec(node, command, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    return run


@pytest.mark.parametrize(
    ("address", "size"),
    [
        ("10.99.0.12", 1472),
        ("10.98.0.12", 8972),
        ("10.98.20.12", 8972),
        ("10.98.30.12", 8972),
        ("10.97.0.12", 8972),
        ("10.96.0.12", 1472),
    ],
)
def test_the_other_machine_answers_at_the_mtu(run: Run, address: str, size: int) -> None:
    run("ping", "-c", "2", "-W", "5", "-M", "do", "-s", str(size), address)


def test_the_lacp_bond_has_a_partner_on_both_cables(run: Run, rack: Rack) -> None:
    text = run("cat", "/proc/net/bonding/bond0")
    assert "IEEE 802.3ad" in text and "Number of ports: 2" in text
    ports = rack.ports()
    assert all(ports[f"pve1/{name}"]["aggregated"] for name in ("ens19", "ens20"))


def test_the_bridge_keeps_vlans_apart(run: Run, rack: Rack) -> None:
    """What the switch does not let through on VLAN 30 does not come by VLAN 20 either."""
    vlans = json.loads(run("bridge", "-json", "vlan", "show", "dev", "bond0"))[0]["vlans"]
    assert {20, 30} <= {entry["vlan"] for entry in vlans} and 40 not in {entry["vlan"] for entry in vlans}
    for name in ("ens19", "ens20"):
        rack.set_port("pve1", name, tagged=[20])
    try:
        run("ping", "-c", "2", "-W", "5", "10.98.20.12")
        lost = rack.exec("pve1", ["ping", "-c", "2", "-W", "2", "10.98.30.12"], capture_output=True)
        assert lost.returncode == 1
    finally:
        for name in ("ens19", "ens20"):
            rack.set_port("pve1", name, tagged=[20, 30])
    run("ping", "-c", "2", "-W", "5", "10.98.30.12")


@pytest.fixture(name="unplugged")
def fixture_unplugged(rack: Rack) -> Iterator[Callable[[str], None]]:
    pulled: list[str] = []

    def pull(interface: str) -> None:
        pulled.append(interface)
        rack.set_port("pve1", interface, up=False)

    yield pull
    for interface in pulled:
        rack.set_port("pve1", interface, up=True)


def test_the_other_cable_carries_on(run: Run, unplugged: Callable[[str], None]) -> None:
    assert "Currently Active Slave: ens21" in run("cat", "/proc/net/bonding/bond1")
    unplugged("ens21")
    unplugged("ens19")
    run("ping", "-c", "10", "-i", "0.5", "-W", "5", "-w", "60", "10.97.0.12")
    assert "Currently Active Slave: ens22" in run("cat", "/proc/net/bonding/bond1")
    run("ping", "-c", "2", "-W", "5", "-w", "60", "10.98.0.12")


def test_open_vswitch_has_its_ports(run: Run) -> None:
    assert set(run("ovs-vsctl", "list-ports", "vmbr2").split()) == {"ens23", "ovs0"}


def test_the_new_command_line_was_booted(run: Run) -> None:
    assert {"amd_iommu=off", "panic=20"} <= set(run("cat", "/proc/cmdline").split())


def test_hardware_virtualisation_is_there(run: Run) -> None:
    run("test", "-c", "/dev/kvm")
    assert " svm " in run("cat", "/proc/cpuinfo")


def test_disks_have_lasting_names_and_what_is_on_them(run: Run) -> None:
    disks = Rack.find(os.environ["RACK_NAME"]).inventory()["_meta"]["hostvars"]["pve1"]["rack_disks"]
    assert "ext4" in run("blkid", "-p", disks[1])
    assert run("lsblk", "-ndo", "ROTA", disks[0]).strip() == "0"


def test_lvm_makes_a_thin_pool(run: Run) -> None:
    disk = Rack.find(os.environ["RACK_NAME"]).inventory()["_meta"]["hostvars"]["pve1"]["rack_disks"][0]
    run("vgcreate", "-y", "guests", disk)
    try:
        run("lvcreate", "-y", "--type", "thin-pool", "-L", "1G", "-n", "data", "guests")
        run("lvcreate", "-y", "--thin", "-V", "4G", "-n", "vm-100-disk-0", "guests/data")
        assert "twi-aotz--" in run("lvs", "--noheadings", "-o", "lv_attr", "guests/data")
    finally:
        run("vgremove", "-y", "-f", "guests")


def test_a_change_that_cuts_the_machine_off_undoes_itself(run: Run) -> None:
    """The management address on a VLAN that nobody has: the connection is really gone until the node takes it back."""
    before = run("cat", "/etc/network/interfaces")
    config = [
        {"name": "ens18.77"},
        {"name": "vmbr0", "bridge_ports": ["ens18.77"], "addresses": ["10.99.0.11/24"], "gateway": "10.99.0.1"},
    ]
    given = {"pve_network_interfaces": config, "pve_network_confirm_timeout": 90}
    done = subprocess.run(
        ["ansible-playbook", "-i", str(INVENTORY), "playbooks/network.yml", "--limit", "pve1", "-e", json.dumps(given)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode != 0 and "was taken back" in " ".join(done.stdout.split()), done.stdout
    assert run("cat", "/etc/network/interfaces") == before
    assert "10.99.0.11/24" in run("ip", "-brief", "address", "show", "vmbr0")
    run("ping", "-c", "2", "-W", "5", "10.99.0.1")
