"""Software-defined networks: refusals in Proxmox's words, what is pending, the lock, what a node makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pvestandin import network_sdn, registry, sdn
from pvestandin.dispatch import Answer, Call, answer

SDN = "/cluster/sdn"
BAD = "400 Parameter verification failed.\n"


@pytest.fixture(autouse=True)
def _loaded() -> None:
    registry.load()


def call(method: str, path: str, **params: Any) -> Answer:
    return answer(Call(method, f"{SDN}{path}", {key.replace("_", "-"): one for key, one in params.items()}, "root@pam"))


def made(method: str, path: str, **params: Any) -> Any:
    done = call(method, path, **params)
    assert done.status == 200, done
    return done.data


@pytest.fixture
def networks(node: Any) -> Any:
    made("POST", "/controllers", controller="core", type="evpn", asn=65000, peers="192.0.2.1")
    made("POST", "/zones", zone="lan", type="vlan", bridge="vmbr0", nodes="pve1,pve2")
    made("POST", "/zones", zone="inner", type="simple")
    made("POST", "/zones", zone="deep", type="evpn", controller="core", vrf_vxlan=1000)
    made("POST", "/vnets", vnet="web", zone="lan", tag=30, alias="web net")
    made("POST", "/vnets", vnet="lab", zone="inner")
    made("POST", "/vnets/lab/subnets", type="subnet", subnet="10.50.0.0/24", gateway="10.50.0.1")
    return node


@pytest.mark.parametrize(
    ("method", "path", "params", "sentence"),
    [
        (
            "POST",
            "/zones",
            {"zone": "lan", "type": "simple"},
            "create sdn zone object failed: sdn zone object ID 'lan' already defined",
        ),
        ("POST", "/zones", {"zone": "x1", "type": "vlan"}, "missing value for required option 'bridge'"),
        ("POST", "/zones", {"zone": "x1", "type": "simple", "bridge": "b"}, "unexpected property 'bridge'"),
        (
            "POST",
            "/zones",
            {"zone": "x1", "type": "vxlan"},
            f"create sdn zone object failed: {BAD}peers: must have exactly one of peers / fabric defined\n"
            "fabric: must have exactly one of peers / fabric defined",
        ),
        (
            "POST",
            "/vnets",
            {"vnet": "v2", "zone": "nozone"},
            "create sdn vnet object failed: cannot lookup undefined type! at"
            " /usr/share/perl5/PVE/API2/Network/SDN/Vnets.pm line 326.",
        ),
        ("POST", "/vnets", {"vnet": "v2", "zone": "lan"}, f"create sdn vnet object failed: {BAD}tag: missing vlan tag"),
        (
            "POST",
            "/vnets",
            {"vnet": "v2", "zone": "lan", "tag": 30},
            f"create sdn vnet object failed: {BAD}tag: tag 30 already exist in vnet web",
        ),
        (
            "POST",
            "/vnets",
            {"vnet": "v2", "zone": "inner", "tag": 30},
            f"create sdn vnet object failed: {BAD}tag: vlan tag is not allowed on simple zone",
        ),
        (
            "PUT",
            "/vnets/lab",
            {"zone": "lan", "tag": 31},
            f"update sdn vnet object failed: {BAD}zone: can't change zone if subnets exist",
        ),
        (
            "PUT",
            "/vnets/lab",
            {"vlanaware": 1},
            f"update sdn vnet object failed: {BAD}vlanaware: vlanaware vnet is not compatible with subnets",
        ),
        (
            "DELETE",
            "/vnets/lab",
            {},
            f"delete sdn vnet object failed: {BAD}vnet: Can't delete vnet if subnets exists",
        ),
        (
            "DELETE",
            "/zones/lan",
            {},
            "delete sdn zone object failed: zone lan is used by vnet web at"
            " /usr/share/perl5/PVE/Network/SDN/Zones/Plugin.pm line 149.",
        ),
        ("DELETE", "/zones/none", {}, "delete sdn zone object failed: sdn 'none' does not exist"),
        (
            "POST",
            "/vnets/lab/subnets",
            {"type": "subnet", "subnet": "10.51.0.0/24", "gateway": "10.52.0.1"},
            f"create sdn subnet object failed: {BAD}gateway: 10.52.0.1 is not in subnet 10.51.0.0/24",
        ),
        (
            "PUT",
            "/vnets/lab/subnets/inner-10.50.0.0-24",
            {"dhcp_range": ["start-address=10.50.0.9,end-address=10.50.0.2"]},
            f"update sdn subnet object failed: {BAD}dhcp-range: start-address 10.50.0.9 must be smaller than"
            " end-address 10.50.0.2",
        ),
        ("POST", "/vnets/none/subnets", {"type": "subnet", "subnet": "10.51.0.0/24"}, "sdn vnet 'none' does not exist"),
        (
            "POST",
            "/controllers",
            {"controller": "c2", "type": "evpn", "asn": 1, "peers": "192.0.2.1"},
            "create sdn controller object failed: only 1 global evpn controller can be defined at"
            " /usr/share/perl5/PVE/Network/SDN/Controllers/EvpnPlugin.pm line 390.",
        ),
    ],
)
def test_refusals(networks: Any, method: str, path: str, params: dict[str, Any], sentence: str) -> None:
    before = {kind: sdn.read(kind) for kind in sdn.KINDS}
    done = call(method, path, **params)
    assert (done.status, done.message) == (500, sentence)
    assert {kind: sdn.read(kind) for kind in sdn.KINDS} == before


def zones(**params: Any) -> dict[str, Any]:
    return {row.pop("zone"): row for row in made("GET", "/zones", **params)}


def test_what_is_pending(networks: Any) -> None:
    assert zones(pending=1)["lan"] == {
        "type": "vlan",
        "state": "new",
        "pending": {"bridge": "vmbr0", "nodes": "pve1,pve2"},
        "digest": None,
    }
    assert zones(running=1) == {}
    sdn.commit()
    assert zones(pending=1)["lan"] == {"type": "vlan", "bridge": "vmbr0", "nodes": "pve1,pve2", "digest": None}
    assert json.loads((networks.pve / "sdn/.running-config").read_text())["zones"]["ids"]["lan"]["nodes"] == {
        "pve1": 1,
        "pve2": 1,
    }
    made("PUT", "/zones/lan", mtu=1400, delete="nodes")
    made("DELETE", "/vnets/lab/subnets/inner-10.50.0.0-24")
    row = zones(pending=1)["lan"]
    assert (row["state"], row["pending"]) == ("changed", {"mtu": 1400, "nodes": "deleted"})
    assert row["nodes"] == "pve1,pve2"
    (subnet,) = made("GET", "/vnets/lab/subnets", pending=1)
    assert (subnet["state"], subnet["pending"], subnet["cidr"]) == ("deleted", {}, "10.50.0.0/24")


def test_rolling_back(networks: Any) -> None:
    sdn.commit()
    before = {kind: sdn.read(kind).ids for kind in sdn.KINDS}
    made("POST", "/zones", zone="more", type="simple")
    made("PUT", "/vnets/web", tag=31)
    assert sdn.has_pending()
    made("POST", "/rollback")
    assert {kind: sdn.read(kind).ids for kind in sdn.KINDS} == before
    assert not sdn.has_pending()


def test_the_lock(networks: Any) -> None:
    done = call("POST", "/lock")
    assert done.status == 500
    assert "configuration has pending changes" in str(done.message)
    token = made("POST", "/lock", allow_pending=1)
    wrong = (
        "create sdn zone object failed: invalid lock token provided! at /usr/share/perl5/PVE/Network/SDN.pm line 366."
    )
    assert call("POST", "/zones", zone="x1", type="simple").message == wrong
    made("POST", "/zones", zone="x1", type="simple", lock_token=token)
    assert call("POST", "/lock", allow_pending=1).status == 500
    assert call("DELETE", "/lock").status == 500
    made("DELETE", "/lock", lock_token=token)
    made("POST", "/zones", zone="x2", type="simple")
    made("POST", "/lock", allow_pending=1)
    made("DELETE", "/lock", force=1)
    made("POST", "/zones", zone="x3", type="simple")


def test_what_8_does_not_have(networks: Any) -> None:
    networks.set_release("8.4")
    for method, path in (("POST", "/lock"), ("DELETE", "/lock"), ("POST", "/rollback"), ("GET", "/fabrics/all")):
        assert call(method, path).status == 501
    assert "fabrics" not in [row["id"] for row in made("GET", "")]
    done = call("POST", "/zones", zone="x1", type="vxlan", fabric="f1")
    assert done.status == 400
    assert "fabric" in (done.errors or {})


def test_what_a_node_makes_of_it(networks: Any) -> None:
    assert network_sdn.zones("pve1") == {}
    sdn.commit()
    assert network_sdn.zones("pve1") == {"lan": "pending", "inner": "pending", "deep": "pending"}
    assert network_sdn.zones("pve3") == {"inner": "pending", "deep": "pending"}
    network_sdn.generate()
    assert (networks.root / "etc/network/interfaces.d/sdn").read_text() == (
        "#version:1\n"
        "\nauto lab\niface lab\n\taddress 10.50.0.1/24\n\tbridge_ports none\n\tbridge_stp off\n\tbridge_fd 0\n\tip-forward on\n"
        "\nauto web\niface web\n\tbridge_ports vmbr0.30\n\tbridge_stp off\n\tbridge_fd 0\n\talias web net\n"
    )
    assert set(network_sdn.zones("pve1").values()) == {"available"}
    sdn.commit()
    assert set(network_sdn.zones("pve1").values()) == {"pending"}
