"""/nodes/{node}/network, reading only (PVE/API2/Network.pm)."""

from __future__ import annotations

from typing import Any

from .. import interfaces
from ..errors import bad_parameters
from ..registry import ALL, Context, endpoint

_GROUPS = {
    "any_bridge": ("bridge", "OVSBridge"),
    "any_local_bridge": ("bridge", "OVSBridge"),
    "include_sdn": ("bridge", "OVSBridge"),
}


@endpoint("GET", "/nodes/{node}/network", permission=ALL, proxyto="node", params="node:pve-node! type")
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = params.get("type")
    kinds = _GROUPS.get(wanted, (wanted,)) if wanted else ()
    found = interfaces.read()
    return [
        {**interface, "iface": name}
        for name, interface in sorted(found.items(), key=lambda item: item[1]["priority"])
        if not kinds or interface["type"] in kinds
    ]


@endpoint(
    "GET",
    "/nodes/{node}/network/{iface}",
    permission=["perm", "/nodes/{node}", ["Sys.Audit"]],
    proxyto="node",
    params="node:pve-node! iface:pve-iface!",
)
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    found = interfaces.read()
    if params["iface"] not in found:
        raise bad_parameters({"iface": "interface does not exist"})
    return found[params["iface"]]
