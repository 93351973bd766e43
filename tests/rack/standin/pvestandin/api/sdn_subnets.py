"""/cluster/sdn/vnets/{vnet}/subnets (PVE/API2/Network/SDN/Subnets.pm of pve-network, SubnetPlugin.pm).

A subnet is known by its zone, network and mask: `simple1-10.50.0.0-24`; POST takes the network in CIDR form.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from .. import sdn
from ..errors import Failure, bad_parameters
from ..registry import ALL, Context, endpoint
from ..section import Section, Sections
from ..text import truth
from .sdn_vnets import check_access, existing

_PATH = "/cluster/sdn/vnets/{vnet}/subnets"
_SETTINGS = "gateway:ip snat:boolean dnszoneprefix:dns-name dhcp-range:array dhcp-dns-server:ip"
_SEE = ["SDN.Audit", "SDN.Allocate"]


@endpoint("GET", _PATH, permission=ALL, params="vnet! pending:boolean running:boolean")
def index(ctx: Context, params: dict[str, Any]) -> list[Section]:
    check_access(ctx, params["vnet"], _SEE)
    found, digest = sdn.rows("subnets", params)
    return [_row(name, section, digest) for name, section in found.items() if section.get("vnet") == params["vnet"]]


@endpoint("GET", f"{_PATH}/{{subnet}}", permission=ALL, params="vnet! subnet! pending:boolean running:boolean")
def read(ctx: Context, params: dict[str, Any]) -> Section:
    check_access(ctx, params["vnet"], _SEE)
    found, digest = sdn.rows("subnets", params)
    row = _row(params["subnet"], _existing(found, params["subnet"]), digest)
    if row["vnet"] != params["vnet"]:
        raise bad_parameters({"vnet": "wrong vnet"})
    return row


def _existing(found: dict[str, Section], name: str) -> Section:
    if name not in found:
        raise Failure(f"sdn subnet '{name}' does not exist")
    return found[name]


def _row(name: str, section: Section, digest: str | None) -> Section:
    zone, network, mask = name.split("-")
    return {
        **section,
        "id": name,
        "subnet": name,
        "cidr": f"{network}/{mask}",
        "zone": zone,
        "network": network,
        "mask": mask,
        "dhcp-range": [_range(one) for one in section.get("dhcp-range", [])],
        "digest": digest,
    }


def _range(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(","))


@endpoint("POST", _PATH, permission=ALL, params=lambda: f"vnet! subnet! type! {_SETTINGS} {sdn.token_words()}")
def create(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    cidr, token, vnet = values.pop("subnet"), values.pop("lock-token", None), values["vnet"]
    check_access(ctx, vnet, ["SDN.Allocate"])
    with sdn.changing("create sdn subnet object failed", token):
        subnets = sdn.read("subnets")
        name = f"{existing(sdn.read('vnets').ids, vnet)['zone']}-{cidr.replace('/', '-')}"
        section = sdn.table("subnets").check_config("subnet", values, create=True)
        if name in subnets.ids:
            raise Failure(f"sdn subnet object ID '{name}' already defined")
        subnets.ids[name] = section
        _check(name, subnets)
        sdn.write("subnets", subnets)


@endpoint(
    "PUT",
    f"{_PATH}/{{subnet}}",
    permission=ALL,
    params=lambda: f"vnet subnet! {_SETTINGS} delete:pve-configid-list digest {sdn.token_words()}",
)
def update(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name, token = values.pop("subnet"), values.pop("lock-token", None)
    check_access(ctx, values["vnet"], ["SDN.Allocate"])
    with sdn.changing("update sdn subnet object failed", token):
        subnets = sdn.read("subnets")
        _existing(subnets.ids, name)
        sdn.change("subnets", subnets, name, values)
        _check(name, subnets)
        sdn.write("subnets", subnets)


def _check(name: str, subnets: Sections) -> None:
    subnet = subnets.ids[name]
    cidr = "/".join(name.split("-")[1:])
    network = ipaddress.ip_network(cidr, strict=False)
    if truth(existing(sdn.read("vnets").ids, subnet["vnet"]).get("vlanaware")):
        raise bad_parameters({"vnet": "you can't add a subnet on a vlanaware vnet"})
    gateway = subnet.get("gateway")
    # a gateway outside is for a point-to-point connection
    alone = network.version == 4 and network.prefixlen == 32
    if gateway and ipaddress.ip_address(gateway) not in network and not alone:
        raise bad_parameters({"gateway": f"{gateway} is not in subnet {cidr}"})
    seen: list[tuple[Any, Any]] = []
    for one in map(_range, subnet.get("dhcp-range", [])):
        start, end = (ipaddress.ip_address(one[f"{which}-address"]) for which in ("start", "end"))
        if start > end:
            raise bad_parameters({"dhcp-range": f"start-address {start} must be smaller than end-address {end}"})
        for which, address in (("start", start), ("end", end)):
            if address not in network:
                raise bad_parameters({"dhcp-range": f"{which}-address {address} is not in subnet {cidr}"})
        if any(start <= last and first <= end for first, last in seen):
            raise bad_parameters({"dhcp-range": "dhcp ranges must not overlap"})
        seen.append((start, end))


@endpoint("DELETE", f"{_PATH}/{{subnet}}", permission=ALL, params=lambda: f"vnet! subnet! {sdn.token_words()}")
def delete(ctx: Context, params: dict[str, Any]) -> None:
    check_access(ctx, params["vnet"], ["SDN.Allocate"])
    with sdn.changing("delete sdn subnet object failed", params.get("lock-token")):
        subnets = sdn.read("subnets")
        # of one that is not there, nothing is said
        subnets.ids.pop(params["subnet"], None)
        sdn.write("subnets", subnets)
