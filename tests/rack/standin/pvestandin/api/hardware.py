"""/nodes/{node}/hardware (PVE/API2/Hardware/PCI.pm, USB.pm). Mediated devices are not here."""

from __future__ import annotations

from typing import Any

from .. import hardware
from ..registry import ALL, Context, endpoint
from ..text import split_list, truth

_NODE = "node:pve-node!"


@endpoint("GET", "/nodes/{node}/hardware", permission=ALL, params=_NODE)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"type": "pci"}, {"type": "usb"}]


@endpoint(
    "GET",
    "/nodes/{node}/hardware/pci",
    permission=["perm", "/", ["Sys.Audit", "Sys.Modify"], "any", 1],
    proxyto="node",
    params=f"{_NODE} pci-class-blacklist:string-list verbose:boolean",
)
def pci(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    hidden = split_list(params.get("pci-class-blacklist", "05;06;0b"))
    return hardware.pci(hidden, verbose=truth(params.get("verbose", 1)))


@endpoint("GET", "/nodes/{node}/hardware/usb", permission=["perm", "/", ["Sys.Modify"]], proxyto="node", params=_NODE)
def usb(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return hardware.usb()
