"""/cluster/sdn/vnets (PVE/API2/Network/SDN/Vnets.pm of pve-network, VnetPlugin.pm and the zones' own hooks)."""

from __future__ import annotations

from typing import Any

from .. import sdn
from ..errors import Failure, bad_parameters
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..section import Section, Sections
from ..text import truth
from .sdn_zones import may_see

_PATH = "/cluster/sdn/vnets"
_ID = "vnet:pve-sdn-vnet-id!"
_SETTINGS = "tag:integer alias vlanaware:boolean isolate-ports:boolean"
_MOST = 4096
_MOST_VXLAN = 16777216


@endpoint("GET", _PATH, permission=ALL, params="pending:boolean running:boolean")
def index(ctx: Context, params: dict[str, Any]) -> list[Section]:
    found, digest = sdn.rows("vnets", params)
    return [
        {**row, "vnet": name, "digest": digest}
        for name, row in found.items()
        if may_see(ctx, f"/sdn/zones/{row.get('zone') or row['pending']['zone']}/{name}")
    ]


def check_access(ctx: Context, name: str, needed: list[str]) -> None:
    vnet = existing(sdn.read("vnets").ids, name)
    Permissions().check(ctx.user, f"/sdn/zones/{vnet['zone']}/{name}", needed, any_of=True)


def existing(found: dict[str, Section], name: str) -> Section:
    if name not in found:
        raise Failure(f"sdn vnet '{name}' does not exist")
    return found[name]


def subnets(vnet: str) -> list[str]:
    return [key for key, section in sdn.read("subnets").ids.items() if section["vnet"] == vnet]


@endpoint("GET", f"{_PATH}/{{vnet}}", permission=ALL, params=f"{_ID} pending:boolean running:boolean")
def read(ctx: Context, params: dict[str, Any]) -> Section:
    check_access(ctx, params["vnet"], ["SDN.Audit", "SDN.Allocate"])
    found, digest = sdn.rows("vnets", params)
    return {**existing(found, params["vnet"]), "vnet": params["vnet"], "digest": digest}


@endpoint(
    "POST",
    _PATH,
    permission=["perm", "/sdn/zones/{zone}", ["SDN.Allocate"]],
    params=lambda: f"{_ID} type zone! {_SETTINGS} {sdn.token_words()}",
)
def create(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name, token = values.pop("vnet"), values.pop("lock-token", None)
    with sdn.changing("create sdn vnet object failed", token):
        vnets = sdn.read("vnets")
        section = sdn.table("vnets").check_config("vnet", values, create=True)
        if name in vnets.ids:
            raise Failure(f"sdn vnet object ID '{name}' already defined")
        vnets.ids[name] = section
        _check(name, vnets, 326)
        sdn.write("vnets", vnets)


@endpoint(
    "PUT",
    f"{_PATH}/{{vnet}}",
    permission=ALL,
    params=lambda: f"{_ID} zone {_SETTINGS} delete:pve-configid-list digest {sdn.token_words()}",
)
def update(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name, token = values.pop("vnet"), values.pop("lock-token", None)
    check_access(ctx, name, ["SDN.Allocate"])
    with sdn.changing("update sdn vnet object failed", token):
        vnets = sdn.read("vnets")
        zone = vnets.ids[name]["zone"]
        section = sdn.change("vnets", vnets, name, values)
        if subnets(name) and section["zone"] != zone:
            raise bad_parameters({"zone": "can't change zone if subnets exist"})
        _check(name, vnets, 391)
        sdn.write("vnets", vnets)


def _check(name: str, vnets: Sections, line: int) -> None:
    vnet = vnets.ids[name]
    zones = sdn.read("zones").ids
    zone = zones.get(vnet["zone"])
    if zone is None:
        raise Failure(f"cannot lookup undefined type! at {sdn.PERL}/API2/Network/SDN/Vnets.pm line {line}.")
    others = {key: other for key, other in vnets.ids.items() if key != name}
    _TAGS[zone["type"]](vnet, others, zones)
    if truth(vnet.get("vlanaware")) and subnets(name):
        raise bad_parameters({"vlanaware": "vlanaware vnet is not compatible with subnets"})


def _simple(vnet: Section, _others: dict[str, Section], _zones: dict[str, Section]) -> None:
    if "tag" in vnet:
        raise bad_parameters({"tag": "vlan tag is not allowed on simple zone"})


def _vlan(vnet: Section, others: dict[str, Section], _zones: dict[str, Section]) -> None:
    if "tag" not in vnet:
        raise bad_parameters({"tag": "missing vlan tag"})
    if vnet["tag"] > _MOST:
        raise bad_parameters({"tag": f"vlan tag max value is {_MOST}"})
    for key, other in others.items():
        if other["zone"] == vnet["zone"] and other.get("tag") == vnet["tag"]:
            raise bad_parameters({"tag": f"tag {vnet['tag']} already exist in vnet {key}"})


def _qinq(vnet: Section, others: dict[str, Section], _zones: dict[str, Section]) -> None:
    tag, zone = vnet.get("tag"), vnet["zone"]
    if tag and tag > _MOST:
        raise bad_parameters({"tag": f"VLAN tag maximal value is {_MOST}"})
    for key, other in sorted(others.items()):
        if other["zone"] == zone and other.get("tag") == tag:
            what = f"tag {tag} already exist in" if tag else "tag-less vnet already exists in"
            raise bad_parameters({"tag": f"{what} zone {zone} vnet {key}"})


def _vxlan(vnet: Section, others: dict[str, Section], zones: dict[str, Section]) -> None:
    if "tag" not in vnet:
        raise bad_parameters({"tag": "missing vxlan tag"})
    if vnet["tag"] > _MOST_VXLAN:
        raise bad_parameters({"tag": f"vxlan tag max value is {_MOST_VXLAN}"})
    if zones[vnet["zone"]]["type"] == "evpn" and truth(vnet.get("vlanaware")):
        raise bad_parameters({"vlan-aware": "vlan-aware option can't be enabled with evpn"})
    for key, other in others.items():
        if zones.get(other["zone"], {}).get("type") in ("vxlan", "evpn") and other.get("tag") == vnet["tag"]:
            raise bad_parameters(
                {"tag": f"vxlan tag {vnet['tag']} already exist in vnet {key} in zone {other['zone']} "}
            )


_TAGS = {"simple": _simple, "vlan": _vlan, "qinq": _qinq, "vxlan": _vxlan, "evpn": _vxlan}


@endpoint("DELETE", f"{_PATH}/{{vnet}}", permission=ALL, params=lambda: f"{_ID} {sdn.token_words()}")
def delete(ctx: Context, params: dict[str, Any]) -> None:
    name = params["vnet"]
    check_access(ctx, name, ["SDN.Allocate"])
    with sdn.changing("delete sdn vnet object failed", params.get("lock-token")):
        vnets = sdn.read("vnets")
        existing(vnets.ids, name)
        if subnets(name):
            raise bad_parameters({"vnet": "Can't delete vnet if subnets exists"})
        del vnets.ids[name]
        sdn.write("vnets", vnets)
