"""The network on machines: bonds, VLANs, Open vSwitch and large frames; and mistakes that undo themselves.

One rack for all, because a machine takes a minute to boot. Every test leaves the machines as WIRED says.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from rack.rack import Rack
from rack.spec import load_spec
from site_under_test import ROOT, Run, Site, difference

sys.path.insert(0, str(ROOT / "tests/rack/standin"))
from pvestandin.interfaces import reading as proxmox

SPEC = ROOT / "tests/rack/specs/network.yml"
N = "{{ rack_networks.management.split('.')[3] }}"
# ifreload is no small program: it takes a second or two on a real machine, and a minute on an emulated one
TIMEOUT = int(os.environ.get("NETWORK_TIMEOUT", "240"))
# and so does bringing the old configuration up again
BACK = TIMEOUT // 2
MANAGEMENT = {"name": "vmbr0", "bridge_ports": ["ens18"], "addresses": [f"10.99.0.{N}/24"], "gateway": "10.99.0.1"}
REST: list[dict[str, Any]] = [
    {"name": "ens18"},
    {
        "name": "bond0",
        "slaves": ["ens19", "ens20"],
        "bond_mode": "802.3ad",
        "bond_lacp_rate": "fast",
        "bond_xmit_hash_policy": "layer3+4",
        "mtu": 9000,
    },
    {
        "name": "vmbr1",
        "bridge_ports": ["bond0"],
        "bridge_vlan_aware": True,
        "bridge_vids": "20 30",
        "mtu": 9000,
        "addresses": [f"10.98.0.{N}/24"],
    },
    {"name": "vmbr1.20", "addresses": [f"10.20.0.{N}/24"]},
    {"name": "vmbr1.30", "addresses": [f"10.30.0.{N}/24", f"fd30::{N}/64"]},
    {
        "name": "bond1",
        "slaves": ["ens21", "ens22"],
        "bond_mode": "active-backup",
        "bond_primary": "ens21",
        "mtu": 9000,
        "addresses": [f"10.97.0.{N}/24"],
    },
    {"name": "vmbr2", "type": "OVSBridge", "ovs_ports": ["ens23"]},
    {"name": "ovs0", "type": "OVSIntPort", "ovs_bridge": "vmbr2", "addresses": [f"10.96.0.{N}/24"]},
]
WIRED = [MANAGEMENT, *REST]
NOBODY = {"gateway": "10.99.0.250"}
# it waits for two seconds only, armed
BEGUN = "armed applying applied rolling_back"
CUTS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "wrong gateway": ([MANAGEMENT | NOBODY], "the gateway 10.99.0.250 on vmbr0 did not answer at MTU 1500"),
    # a bridge in VLAN 77; a second VLAN-aware one is what only Proxmox's own ifupdown2 is configured for
    "wrong VLAN": ([MANAGEMENT | {"bridge_ports": ["ens18.77"]}], "no new connection came about"),
    "no carrier": (
        [
            {"name": "bond9", "slaves": ["ens24"], "bond_mode": "active-backup"},
            MANAGEMENT | {"bridge_ports": ["bond9"]},
        ],
        "no carrier on",
    ),
    "half-way": (
        [{"name": "vmbr8", "bridge_ports": [], "addresses": ["10.88.0.1/24"], "post_up": ["false"]}, *WIRED],
        "ifreload failed: warning: vmbr8: post-up cmd 'false' failed",
    ),
}
SEEN = r"""
import json, subprocess
def ask(*argv):
    return json.loads(subprocess.run(argv, capture_output=True, text=True).stdout or "[]")
found = {}
for link in ask("ip", "-json", "-details", "address", "show"):
    addresses = sorted(f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"] if a.get("scope") == "global")
    info = link.get("linkinfo", {})
    found[link["ifname"]] = [link.get("master"), link["mtu"], info.get("info_kind"), "UP" in link["flags"], addresses]
for family in ("-4", "-6"):
    routes = ask("ip", family, "-json", "route", "show")
    found["routes" + family] = sorted(f"{r['dst']} {r.get('gateway')} {r['dev']}" for r in routes if r["dst"] != "fe80::/64")
found["vlans"] = ask("bridge", "-json", "vlan", "show")
found["ports"] = sorted(subprocess.run(["ovs-vsctl", "list-ports", "vmbr2"], capture_output=True, text=True).stdout.split())
found["file"] = open("/etc/network/interfaces").read()
print(json.dumps(found))
"""


class Wires(Site):
    def network(self, config: list[dict[str, Any]], *arguments: str, **variables: Any) -> Run:
        return self.play(*self.arguments(config, **variables), *arguments, playbook="network.yml", timeout=1800)

    def arguments(self, config: list[dict[str, Any]], **variables: Any) -> list[str]:
        # the demo's own networks are others
        given = {"pve_network_interfaces": config, "pve_networks": {}, "pve_network_confirm_timeout": TIMEOUT}
        given.update(variables)
        return ["-e", json.dumps(given)]

    def seen(self, node: str = "pve1") -> dict[str, Any]:
        return json.loads(self.run(node, ["python3", "-c", SEEN]))

    def state(self, node: str = "pve1") -> str:
        done = self.rack.exec(
            node, ["cat", "/run/baremetal-proxmox-network/state.json"], capture_output=True, text=True, check=False
        )
        return json.loads(done.stdout)["state"] if done.returncode == 0 else "none"

    def wait_for(self, states: str, seconds: float, process: subprocess.Popen[str] | None = None) -> None:
        """`process`: the playbook that is to bring it about."""
        deadline = time.monotonic() + seconds
        while (found := self.state()) not in states.split():
            if process and process.poll() is not None:
                raise AssertionError(f"{states} did not come, it is {found}: {process.communicate()[0]}")
            assert time.monotonic() < deadline, f"waited {seconds} s for {states}, it is {found}"
            time.sleep(0.5)


@pytest.fixture(name="wires", scope="module")
def fixture_wires() -> Iterator[Wires]:
    """The rack, wired. RACK_KEEP names one that runs already and is left running."""
    kept = os.environ.get("RACK_KEEP")
    if kept:
        yield Wires(Rack(kept))
        return
    with Rack.running(load_spec(SPEC, "network", "trixie", 2)) as rack:
        yield Wires(rack)


@pytest.fixture(autouse=True, scope="module")
def fixture_wired(wires: Wires) -> None:
    for node in wires.nodes:
        wires.rack.set_port(node, "ens24", up=False)
    run = wires.network(WIRED)
    assert run.code == 0, run.output


def test_everything_is_as_it_was_asked_for(wires: Wires) -> None:
    found = wires.seen()
    assert found["vmbr0"] == [None, 1500, "bridge", True, ["10.99.0.11/24"]]
    assert found["ens18"][0] == "vmbr0"
    assert found["bond0"][:3] == ["vmbr1", 9000, "bond"] and found["ens19"][:2] == ["bond0", 9000]
    assert found["vmbr1"] == [None, 9000, "bridge", True, ["10.98.0.11/24"]]
    assert found["vmbr1.30"][4] == ["10.30.0.11/24", "fd30::11/64"]
    assert found["bond1"][:3] == [None, 9000, "bond"] and found["ens22"][:2] == ["bond1", 9000]
    assert found["ovs0"][4] == ["10.96.0.11/24"] and found["ports"] == ["ens23", "ovs0"]
    tags = {vlan["vlan"] for port in found["vlans"] if port["ifname"] == "bond0" for vlan in port["vlans"]}
    assert tags == {1, 20, 30}
    lacp = wires.run("pve1", ["cat", "/proc/net/bonding/bond0"])
    assert "802.3ad" in lacp and "LACP rate: fast" in lacp and lacp.count("MII Status: up") == 3
    assert "Partner Mac Address: 00:00:00:00:00:00" not in lacp
    assert "Currently Active Slave: ens21" in wires.run("pve1", ["cat", "/proc/net/bonding/bond1"])


@pytest.mark.parametrize(
    ("address", "size"),
    [("10.98.0.12", 8972), ("10.97.0.12", 8972), ("10.20.0.12", 1472), ("10.30.0.12", 1472), ("10.96.0.12", 1472)],
)
def test_the_other_machine_answers_at_the_mtu(wires: Wires, address: str, size: int) -> None:
    wires.run("pve1", ["ping", "-c", "1", "-W", "5", "-M", "do", "-s", str(size), address])


def test_again_changes_nothing(wires: Wires) -> None:
    before = {node: wires.snapshot(node, "/etc", "/run/baremetal-proxmox-network") for node in wires.nodes}
    for arguments in ((), ("--check", "--diff")):
        run = wires.network(WIRED, *arguments)
        assert run.code == 0 and run.changed == dict.fromkeys(wires.nodes, 0), run.output
    assert {node: wires.snapshot(node, "/etc", "/run/baremetal-proxmox-network") for node in wires.nodes} == before


def test_proxmox_sees_the_same(wires: Wires) -> None:
    text = wires.seen()["file"]
    found = proxmox.parse(text, {}).interfaces
    wanted = {
        "vmbr0": {"type": "bridge", "cidr": "10.99.0.11/24", "gateway": "10.99.0.1", "bridge_ports": "ens18"},
        "bond0": {"type": "bond", "slaves": "ens19 ens20", "bond_mode": "802.3ad", "mtu": "9000"},
        "vmbr1": {"type": "bridge", "bridge_vids": "20 30", "bridge_vlan_aware": 1, "cidr": "10.98.0.11/24"},
        "vmbr1.20": {"type": "vlan", "vlan-id": "20", "vlan-raw-device": "vmbr1", "cidr": "10.20.0.11/24"},
        "vmbr1.30": {"type": "vlan", "cidr": "10.30.0.11/24", "cidr6": "fd30::11/64"},
        "bond1": {"type": "bond", "bond_mode": "active-backup", "bond-primary": "ens21"},
        "vmbr2": {"type": "OVSBridge", "ovs_ports": "ens23 ovs0"},
        "ens23": {"type": "OVSPort", "ovs_bridge": "vmbr2"},
        "ovs0": {"type": "OVSIntPort", "ovs_bridge": "vmbr2", "cidr": "10.96.0.11/24"},
    }
    for name, fields in wanted.items():
        assert {key: str(found[name].get(key)) for key in fields} == {key: str(value) for key, value in fields.items()}


@pytest.mark.parametrize("cut", CUTS)
def test_a_cut_in_check_mode_does_nothing(wires: Wires, cut: str) -> None:
    before, files = wires.seen(), wires.snapshot("pve1", "/etc", "/run/baremetal-proxmox-network")
    run = wires.network(CUTS[cut][0], "--check", "--diff", "--limit", "pve1")
    assert run.code == 0 and run.changed == {"pve1": 1}, run.output
    assert "+++ after: /etc/network/interfaces" in run.output
    assert wires.seen() == before
    assert difference(files, wires.snapshot("pve1", "/etc", "/run/baremetal-proxmox-network")) == {}


@pytest.mark.parametrize("cut", CUTS)
def test_a_cut_undoes_itself(wires: Wires, cut: str) -> None:
    config, reason = CUTS[cut]
    before = wires.seen()
    process = wires.start(*wires.arguments(config), "--limit", "pve1", playbook="network.yml")
    try:
        wires.wait_for(BEGUN, 300, process)
        begin = time.monotonic()
        # 2 s until it begins, and what bringing the old one up takes on an emulated machine
        wires.wait_for("rolled_back", TIMEOUT + 2 + BACK)
        seconds = time.monotonic() - begin
        output, _none = process.communicate(timeout=300)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    print(f"{cut}: back after {seconds:.0f} s")
    text = " ".join(output.split())
    assert process.returncode != 0
    assert f"pve1: the new network configuration was taken back: {reason}" in text or reason in text, output
    assert "The old configuration is back." in text
    assert difference(before, wires.seen()) == {}
    corrected = wires.network([{**MANAGEMENT, "comments": f"after {cut}"}], "--limit", "pve1")
    assert corrected.code == 0 and corrected.changed == {"pve1": 1}, corrected.output


@pytest.mark.parametrize("way", ["reboot", "cut"])
def test_a_machine_that_goes_down_in_between_comes_up_with_the_old(wires: Wires, way: str) -> None:
    before = wires.seen()
    process = wires.start(
        *wires.arguments(CUTS["wrong VLAN"][0], pve_network_confirm_timeout=600),
        "--limit",
        "pve1",
        playbook="network.yml",
    )
    try:
        wires.wait_for("applied", 300, process)
        if way == "reboot":
            wires.rack.reboot("pve1")
        else:
            wires.rack.cut("pve1")
            wires.rack.start("pve1")
        output, _none = process.communicate(timeout=300)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode != 0
    assert "the machine was restarted" in " ".join(output.split()), output
    assert difference(before, wires.seen()) == {}
    assert wires.state() == "none"
    again = wires.network(WIRED, "--limit", "pve1")
    assert again.code == 0 and again.recap["pve1"]["failed"] == 0, again.output


def test_a_controller_that_is_killed_leaves_the_old_one(wires: Wires) -> None:
    before = wires.seen()
    config = [{**MANAGEMENT, "addresses": [*MANAGEMENT["addresses"], "10.99.0.211/24"]}]
    process = wires.start(
        *wires.arguments(config, pve_network_confirm_timeout=TIMEOUT), "--limit", "pve1", playbook="network.yml"
    )
    try:
        wires.wait_for(BEGUN, 300, process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    wires.wait_for("rolled_back", TIMEOUT + 2 + BACK)
    assert difference(before, wires.seen()) == {}
