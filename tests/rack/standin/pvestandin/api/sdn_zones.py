"""/cluster/sdn/zones (PVE/API2/Network/SDN/Zones.pm of pve-network, PVE/Network/SDN/Zones/*.pm)."""

from __future__ import annotations

import hashlib
from typing import Any

from .. import datacenter, paths, sdn
from ..errors import Failure, bad_parameters
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..section import Section, Sections

_PATH = "/cluster/sdn/zones"
_ID = "zone:pve-sdn-zone-id!"
_SETTINGS = (
    "mtu:integer nodes:pve-node-list ipam dns reversedns dnszone:dns-name dhcp bridge bridge-disable-mac-learning:boolean"
    " tag:integer vlan-protocol peers:ip-list vxlan-port:integer vrf-vxlan:integer controller exitnodes:pve-node-list"
    " exitnodes-local-routing:boolean exitnodes-primary:pve-node advertise-subnets:boolean mac:mac-addr"
    " disable-arp-nd-suppression:boolean rt-import dp-id:integer"
)
_NEW = "fabric secondary-controllers:array lock-token"
_ALLOCATE = ["perm", f"{_PATH.removeprefix('/cluster')}/{{zone}}", ["SDN.Allocate"]]


def _words(more: str) -> Any:
    return lambda: f"{_ID} {more} {_SETTINGS} {_NEW if paths.release()[0] >= 9 else ''}"


def may_see(ctx: Context, path: str) -> bool:
    return Permissions().allowed(ctx.user, path, ["SDN.Audit", "SDN.Allocate"], any_of=True)


@endpoint("GET", _PATH, permission=ALL, params="type pending:boolean running:boolean")
def index(ctx: Context, params: dict[str, Any]) -> list[Section]:
    found, digest = sdn.rows("zones", params)
    return [
        {**row, "zone": name, "digest": digest}
        for name, row in found.items()
        if may_see(ctx, f"/sdn/zones/{name}") and params.get("type") in (None, row["type"])
    ]


@endpoint("GET", f"{_PATH}/{{zone}}", permission=_ALLOCATE, params=f"{_ID} pending:boolean running:boolean")
def read(ctx: Context, params: dict[str, Any]) -> Section:
    found, digest = sdn.rows("zones", params)
    return {**found[_existing(found, params["zone"])], "zone": params["zone"], "digest": digest}


def _existing(found: dict[str, Section], name: str) -> str:
    if name not in found:
        raise Failure(f"sdn '{name}' does not exist")
    return name


@endpoint("POST", _PATH, permission=["perm", "/sdn/zones", ["SDN.Allocate"]], params=_words("type!"))
def create(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    kind, name, token = values.pop("type"), values.pop("zone"), values.pop("lock-token", None)
    section = sdn.table("zones").check_config(kind, values, create=True)
    with sdn.changing("create sdn zone object failed", token):
        zones = sdn.read("zones")
        if name in zones.ids:
            raise Failure(f"sdn zone object ID '{name}' already defined")
        zones.ids[name] = section
        _check_names(section)
        _check(name, zones)
        sdn.write("zones", zones)


@endpoint("PUT", f"{_PATH}/{{zone}}", permission=_ALLOCATE, params=_words("delete:pve-configid-list digest"))
def update(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name, token = values.pop("zone"), values.pop("lock-token", None)
    with sdn.changing("update sdn zone object failed", token):
        zones = sdn.read("zones")
        before = dict(zones.ids[_existing(zones.ids, name)])
        section = sdn.change("zones", zones, name, values)
        if before.get("ipam") != section.get("ipam") and any(
            key.partition("-")[0] == name for key in sdn.read("subnets").ids
        ):
            raise bad_parameters({"ipam": "can't change ipam if a subnet is already defined in this zone"})
        _check_names(values)
        _check(name, zones)
        sdn.write("zones", zones)


def _check_names(given: dict[str, Any]) -> None:
    known = sdn.read("dns").ids
    for key in ("dns", "reversedns"):
        if given.get(key) and given[key] not in known:
            raise bad_parameters({key: f"{given[key]} don't exist"})
    if given.get("dnszone") and not given.get("dns"):
        raise bad_parameters({"dnszone": "missing dns server"})
    if given.get("ipam") and given["ipam"] not in {"pve", *sdn.read("ipams").ids}:
        raise bad_parameters({"ipam": f"{given['ipam']} not existing"})


def _check(name: str, zones: Sections) -> None:
    """What the plugin of the type does before a zone is written."""
    zone = zones.ids[name]
    if zone["type"] == "vxlan":
        if bool(zone.get("peers")) == bool(zone.get("fabric")):
            text = "must have exactly one of peers / fabric defined"
            raise bad_parameters({"peers": text, "fabric": text})
    elif zone["type"] == "evpn":
        where = f"{sdn.PERL}/Network/SDN/Zones/EvpnPlugin.pm line"
        controller = sdn.read("controllers").ids.get(zone["controller"])
        if controller is None:
            raise Failure(f"controller {zone['controller']} don't exist at {where} 356.")
        if controller["type"] != "evpn":
            raise Failure(f"{zone['controller']} is not a evpn controller type at {where} 358.")
        for other, section in zones.ids.items():
            if other != name and section.get("vrf-vxlan") == zone["vrf-vxlan"]:
                raise Failure(f"vrf-vxlan {zone['vrf-vxlan']} is already declared in {other} at {where} 368.")
        zone.setdefault("mac", _mac(name))


def _mac(name: str) -> str:
    """Proxmox rolls dice; the same zone always gets the same here."""
    prefix = str(datacenter.read().get("mac_prefix") or "BC:24:11")
    rest = hashlib.sha1(name.encode()).hexdigest().upper()
    parts = [part for part in prefix.split(":") if part]
    return ":".join([*parts, *(rest[at : at + 2] for at in range(0, 12, 2))][:6])


@endpoint("DELETE", f"{_PATH}/{{zone}}", permission=_ALLOCATE, params=lambda: f"{_ID} {sdn.token_words()}")
def delete(ctx: Context, params: dict[str, Any]) -> None:
    name = params["zone"]
    with sdn.changing("delete sdn zone object failed", params.get("lock-token")):
        zones = sdn.read("zones")
        del zones.ids[_existing(zones.ids, name)]
        for vnet, section in sdn.read("vnets").ids.items():
            if section["zone"] == name:
                where = f"{sdn.PERL}/Network/SDN/Zones/Plugin.pm line 149."
                raise Failure(f"zone {name} is used by vnet {vnet} at {where}")
        sdn.write("zones", zones)
