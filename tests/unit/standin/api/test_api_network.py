"""/nodes/{node}/network: staged changes, refusals, reload."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from pvestandin import dispatch, links, registry
from pvestandin.api import network
from pvestandin.dispatch import Answer, Call
from pvestandin.errors import Failure
from pvestandin.links import Link

START = """auto lo
iface lo inet loopback

iface eth0 inet manual

iface eth1 inet manual

auto vmbr0
iface vmbr0 inet static
\taddress 10.0.0.2/24
\tgateway 10.0.0.1
\tbridge-ports eth0
\tbridge-stp off
\tbridge-fd 0

source /etc/network/interfaces.d/*
"""
LIST = "/nodes/pve1/network"


@pytest.fixture
def net(node: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The node's /etc/network; three cards, one by another name, too."""
    registry.load()
    found = {name: Link(name, True, True) for name in ("eth0", "eth1")}
    found["eth2"] = Link("eth2", True, False, ("enp3s0",))
    monkeypatch.setattr(links, "read", lambda: found)
    (node.root / "etc/network").mkdir(parents=True)
    (node.root / "usr/share/ifupdown2").mkdir(parents=True)
    (node.root / "usr/share/ifupdown2/ifupdown2").write_text("")
    (node.root / "etc/network/interfaces").write_text(START)
    node.write("user.cfg", "user:root@pam:1:0::::::\nuser:a@pve:1:0::::::\n")
    return node.root / "etc/network"


def call(method: str, path: str = LIST, user: str = "root@pam", **params: Any) -> Answer:
    given = {name.replace("_id", "-id").replace("_raw_device", "-raw-device"): value for name, value in params.items()}
    return dispatch.answer(Call(method, path, given, user))


def pending(net: Path) -> str:
    return (net / "interfaces.new").read_text()


def test_list(net: Path) -> None:
    answer = call("GET")
    assert [entry["iface"] for entry in answer.data] == ["eth0", "eth1", "vmbr0", "eth2"]
    assert answer.data[3]["altnames"] == ["enp3s0"]
    assert "altnames" not in answer.data[0]
    assert answer.body().keys() == {"data"}


def test_list_of_8_4_has_no_other_names(net: Path, node: Any) -> None:
    node.set_release("8.4")
    assert all("altnames" not in entry for entry in call("GET").data)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("eth", ["eth0", "eth1", "eth2"]),
        ("any_bridge", ["vmbr0"]),
        ("any_local_bridge", ["vmbr0"]),
        ("include_sdn", ["eth0", "eth1", "vmbr0", "eth2"]),
        ("bond", []),
    ],
)
def test_filter(net: Path, wanted: str, names: list[str]) -> None:
    assert [entry["iface"] for entry in call("GET", type=wanted).data] == names


@pytest.mark.parametrize("path", ["vmbr0", "vmbr0/7"])
def test_bridges_are_seen_by_those_who_may_use_them(net: Path, node: Any, path: str) -> None:
    assert "vmbr0" not in [entry["iface"] for entry in call("GET", user="a@pve").data]
    with (node.pve / "user.cfg").open("a") as stream:
        stream.write(f"acl:1:/sdn/zones/localnetwork/{path}:a@pve:PVESDNUser:\n")
    assert "vmbr0" in [entry["iface"] for entry in call("GET", user="a@pve").data]


def test_one(net: Path) -> None:
    assert call("GET", f"{LIST}/vmbr0").data["cidr"] == "10.0.0.2/24"
    assert call("GET", f"{LIST}/lo").data["type"] == "loopback"
    assert call("GET", f"{LIST}/nosuch").errors == {"iface": "interface does not exist"}
    assert call("GET", f"{LIST}/vmbr0", user="a@pve").status == 403


def test_a_change_is_staged_and_shown_and_reverted(net: Path) -> None:
    assert (
        call("POST", iface="vmbr1", type="bridge", bridge_ports="eth1", autostart=1, cidr="10.1.0.2/24").status == 200
    )
    assert (net / "interfaces").read_text() == START
    assert "auto vmbr1\niface vmbr1 inet static\n\taddress 10.1.0.2/24\n\tbridge-ports eth1\n" in pending(net)
    answer = call("GET")
    assert "\n+iface vmbr1 inet static\n" in answer.body()["changes"]
    assert {"vmbr0", "vmbr1"} < {entry["iface"] for entry in answer.data}
    assert call("DELETE").status == 200
    assert not (net / "interfaces.new").exists()
    assert call("DELETE").status == 200
    assert "vmbr1" not in {entry["iface"] for entry in call("GET").data}


def test_both_families_and_vids(net: Path) -> None:
    given = {"cidr": "10.1.0.2/24", "address6": "fd00::2", "netmask6": 64, "gateway6": "fd00::1"}
    vids = {"bridge_vlan_aware": 1, "bridge_vids": "2,5;7-9"}
    assert call("POST", iface="vmbr1", type="bridge", comments="one\ntwo", **given, **vids).status == 200
    assert (
        "iface vmbr1 inet static\n\taddress 10.1.0.2/24\n\tbridge-ports none\n\tbridge-stp off\n\tbridge-fd 0\n"
        "\tbridge-vlan-aware yes\n\tbridge-vids 2 5 7-9\n#one\n#two\n\n"
        "iface vmbr1 inet6 static\n\taddress fd00::2/64\n\tgateway fd00::1\n\n"
    ) in pending(net)


@pytest.mark.parametrize(
    ("params", "errors"),
    [
        ({"iface": "vmbr0", "type": "bridge"}, {"iface": "interface already exists"}),
        (
            {"iface": "vmbr1", "type": "bridge", "gateway": "10.0.0.9"},
            {"gateway": "Default gateway already exists on interface 'vmbr0'."},
        ),
        (
            {"iface": "bond0", "type": "bond", "slaves": "eth1 eth0"},
            {"slaves": "eth0 is already used on interface 'vmbr0'."},
        ),
        (
            {"iface": "vmbr1", "type": "bridge", "cidr": "10.0.0.2/24", "address": "10.0.0.2", "netmask": "255.0.0.0"},
            {"address": "address conflicts with cidr"},
        ),
        (
            {"iface": "vmbr1", "type": "bridge", "cidr6": "2001:db8::2/64"},
            {"address": "2001:db8::2 with type 'DOCUMENTATION', cannot be used as host IPv6 address."},
        ),
        (
            {"iface": "vmbr1", "type": "bridge", "cidr6": "ff02::2/64"},
            {"address": "ff02::2 with type 'MULTICAST', cannot be used as host IPv6 address."},
        ),
        (
            {"iface": "v", "type": "bridge"},
            {"iface": "invalid format - invalid network interface name 'v'\n"},
        ),
        (
            {"iface": "vmbr1", "type": "bridge", "address": "10.0.0.2", "netmask": "24"},
            {"netmask": "invalid format - value does not look like a valid IP netmask\n"},
        ),
    ],
)
def test_refused_parameters(net: Path, params: dict[str, str], errors: dict[str, str]) -> None:
    answer = call("POST", **params)
    assert (answer.status, answer.errors) == (400, errors)
    assert not (net / "interfaces.new").exists()


def test_refused_by_the_writer(net: Path) -> None:
    answer = call("POST", iface="vmbr1", type="bridge", bridge_ports="eth9")
    assert (answer.status, answer.message) == (500, "bridge 'vmbr1' - unable to find bridge port 'eth9'")
    assert list(net.glob("interfaces.*")) == []


def test_open_vswitch(net: Path, node: Any) -> None:
    port = {"iface": "in1", "type": "OVSIntPort", "ovs_tag": 5}
    assert call("POST", **port).message == "Open VSwitch is not installed (need package 'openvswitch-switch')"
    (node.root / "usr/bin").mkdir()
    (node.root / "usr/bin/ovs-vsctl").write_text("")
    assert call("POST", **port).errors == {"ovs_bridge": "parameter is required"}
    assert call("POST", **port, ovs_bridge="vmbr7").errors == {"ovs_bridge": "bridge 'vmbr7' does not exist"}
    assert call("POST", **port, ovs_bridge="vmbr0").errors == {"ovs_bridge": "interface 'vmbr0' is no OVS bridge"}
    assert call("POST", iface="vmbr7", type="OVSBridge", ovs_ports="eth1").status == 200
    assert call("POST", **port, ovs_bridge="vmbr7").status == 200
    assert "\tovs_type OVSBridge\n\tovs_ports eth1 in1\n" in pending(net)
    assert "\tovs_type OVSIntPort\n\tovs_bridge vmbr7\n\tovs_options tag=5\n" in pending(net)
    assert call("DELETE", f"{LIST}/in1").status == 200
    assert "\tovs_type OVSBridge\n\tovs_ports eth1\n" in pending(net)
    assert "in1" not in pending(net)


def test_update_and_delete(net: Path) -> None:
    path = f"{LIST}/vmbr0"
    assert (
        call("PUT", path, type="bridge", cidr="10.0.0.3/24", delete="gateway", bridge_ports="eth0 eth1").status == 200
    )
    assert "\taddress 10.0.0.3/24\n\tbridge-ports eth0 eth1\n" in pending(net)
    assert "gateway" not in pending(net)
    # Whoever leaves the address out makes it manual, and yet it stays.
    assert call("PUT", path, type="bridge", bridge_ports="eth0").status == 200
    assert "iface vmbr0 inet manual\n\taddress 10.0.0.3/24\n\tbridge-ports eth0\n" in pending(net)
    assert call("PUT", path, type="bridge", delete="cidr").status == 200
    assert "iface vmbr0 inet manual\n\tbridge-ports eth0\n" in pending(net)
    assert call("DELETE", path).status == 200
    assert "vmbr0" not in pending(net)
    for method in ("PUT", "DELETE"):
        given = {"type": "bridge"} if method == "PUT" else {}
        assert call(method, path, **given).errors == {"iface": "interface does not exist"}


def test_reload(net: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[Any] = []
    stderr = "error: vmbr0: no such\nplain\n"

    def run(command: list[str], **options: Any) -> Any:
        ran.append((command, (net / "interfaces").read_text()))
        return subprocess.CompletedProcess(command, len(ran) - 1, "", stderr)

    monkeypatch.setattr(network.subprocess, "run", run)
    (net / "interfaces.new").write_text("# new\n")
    network.reload_work()
    assert ran == [(["ifreload", "-a"], "# new\n")]
    assert not (net / "interfaces.new").exists()
    assert capsys.readouterr().out == "vmbr0 : error: vmbr0: no such \n"
    with pytest.raises(Failure, match=r"^command 'ifreload -a' failed: exit code 1$"):
        network.reload_work()


def test_reload_without_ifupdown2(net: Path, node: Any) -> None:
    (node.root / "usr/share/ifupdown2/ifupdown2").unlink()
    (node.root / "usr/share/ifupdown2").rmdir()
    assert call("PUT").message == "you need ifupdown2 to reload network configuration"
