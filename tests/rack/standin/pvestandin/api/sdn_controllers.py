"""/cluster/sdn/controllers (PVE/API2/Network/SDN/Controllers.pm of pve-network, PVE/Network/SDN/Controllers/*.pm)."""

from __future__ import annotations

from typing import Any

from .. import paths, sdn
from ..errors import Failure
from ..registry import ALL, Context, endpoint
from ..section import Section, Sections
from .sdn_zones import may_see

_PATH = "/cluster/sdn/controllers"
_ID = "controller:pve-sdn-controller-id!"
_SETTINGS = (
    "asn:integer peers:ip-list node:pve-node bgp-multipath-as-path-relax:boolean ebgp:boolean ebgp-multihop:integer"
    " loopback isis-domain isis-ifaces:pve-iface-list isis-net"
)
_NEW = "fabric lock-token bgp-mode nodes:pve-node-list peer-group-name route-map-in route-map-out"
_CHANGE = ["perm", "/sdn/controllers", ["SDN.Allocate"]]
_SEE = ["perm", "/sdn/controllers/{controller}", ["SDN.Allocate"]]


def _words(more: str) -> Any:
    return lambda: f"{_ID} {more} {_SETTINGS} {_NEW if paths.release()[0] >= 9 else ''}"


@endpoint("GET", _PATH, permission=ALL, params="type pending:boolean running:boolean")
def index(ctx: Context, params: dict[str, Any]) -> list[Section]:
    found, digest = sdn.rows("controllers", params)
    return [
        {**row, "controller": name, "digest": digest}
        for name, row in found.items()
        if may_see(ctx, f"/sdn/controllers/{name}") and params.get("type") in (None, row["type"])
    ]


@endpoint("GET", f"{_PATH}/{{controller}}", permission=_SEE, params=f"{_ID} pending:boolean running:boolean")
def read(ctx: Context, params: dict[str, Any]) -> Section:
    found, digest = sdn.rows("controllers", params)
    name = _existing(found, params["controller"])
    return {**found[name], "controller": name, "digest": digest}


def _existing(found: dict[str, Section], name: str) -> str:
    if name not in found:
        raise Failure(f"sdn '{name}' does not exist")
    return name


@endpoint("POST", _PATH, permission=_CHANGE, params=_words("type!"))
def create(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    kind, name, token = values.pop("type"), values.pop("controller"), values.pop("lock-token", None)
    section = sdn.table("controllers").check_config(kind, values, create=True)
    with sdn.changing("create sdn controller object failed", token):
        controllers = sdn.read("controllers")
        if name in controllers.ids:
            raise Failure(f"sdn controller object ID '{name}' already defined")
        controllers.ids[name] = section
        _check(name, controllers)
        sdn.write("controllers", controllers)


@endpoint("PUT", f"{_PATH}/{{controller}}", permission=_CHANGE, params=_words("delete:pve-configid-list digest"))
def update(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name, token = values.pop("controller"), values.pop("lock-token", None)
    with sdn.changing("update sdn controller object failed", token):
        controllers = sdn.read("controllers")
        sdn.change("controllers", controllers, _existing(controllers.ids, name), values)
        _check(name, controllers)
        sdn.write("controllers", controllers)


def _check(name: str, controllers: Sections) -> None:
    one = controllers.ids[name]
    others = [other for key, other in controllers.ids.items() if key != name and other["type"] == one["type"]]
    where = f"{sdn.PERL}/Network/SDN/Controllers/EvpnPlugin.pm line"
    if one["type"] == "evpn":
        if others:
            raise Failure(f"only 1 global evpn controller can be defined at {where} 390.")
        if bool(one.get("peers")) == bool(one.get("fabric")):
            raise Failure(f"must have exactly one of peers / fabric defined at {where} 397.")
    elif sum(other["node"] == paths.node_name() for other in others) > 1:
        what = "bgp" if one["type"] == "bgp" else "bgp or isis"
        raise Failure(f"only 1 {what} controller can be defined")


@endpoint("DELETE", f"{_PATH}/{{controller}}", permission=_CHANGE, params=lambda: f"{_ID} {sdn.token_words()}")
def delete(ctx: Context, params: dict[str, Any]) -> None:
    name = params["controller"]
    with sdn.changing("delete sdn controller object failed", params.get("lock-token")):
        controllers = sdn.read("controllers")
        gone = controllers.ids.pop(_existing(controllers.ids, name))
        for zone, section in sdn.read("zones").ids.items():
            if gone["type"] != "isis" and section.get("controller") == name:
                where = f"{sdn.PERL}/Network/SDN/Controllers/EvpnPlugin.pm line 372."
                raise Failure(f"controller {name} is used by {zone} at {where}")
        sdn.write("controllers", controllers)
