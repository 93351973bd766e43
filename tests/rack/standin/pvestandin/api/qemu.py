"""/nodes/{node}/qemu: configurations of virtual machines (PVE/API2/Qemu.pm of qemu-server). None of them can be started."""

from __future__ import annotations

from typing import Any

from .. import guests, pvefiles, tasks
from ..errors import Failure
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..text import hash_order, split_list

_NODE = "node:pve-node!"
_VM = f"{_NODE} vmid:pve-vmid!"
_OPTIONS = (
    "name memory cores:integer sockets:integer net0 scsi0 scsihw ostype onboot:boolean kvm:boolean agent tags boot"
)
_OPTIONS += " description"
_ABOUT = ("node", "vmid", "delete", "digest", "force", "start", "pool", "revert", "skiplock")
_AUDIT = ["perm", "/vms/{vmid}", ["VM.Audit"]]
_WHAT = ("Disk", "CDROM", "CPU", "Memory", "Network", "HWType", "Options", "Cloudinit")
_CONFIG = ["perm", "/vms/{vmid}", [f"VM.Config.{what}" for what in _WHAT], "any", 1]


@endpoint("GET", "/nodes/{node}/qemu", permission=ALL, params=f"{_NODE} full:boolean", proxyto="node")
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    allowed = Permissions()
    return [
        {"vmid": int(vmid), **guests.summary(vmid, known)}
        for vmid, known in pvefiles.guests().items()
        if (known["node"], known["type"]) == (ctx.node, "qemu")
        and allowed.allowed(ctx.user, f"/vms/{vmid}", ["VM.Audit"])
    ]


@endpoint(
    "POST",
    "/nodes/{node}/qemu",
    permission=ALL,
    params=f"{_VM} {_OPTIONS} pool start:boolean",
    proxyto="node",
)
def create(ctx: Context, params: dict[str, Any]) -> str:
    vmid = str(params["vmid"])
    Permissions().check(ctx.user, f"/vms/{vmid}", ["VM.Allocate"])
    known = pvefiles.guests().get(vmid)
    if known:
        kind = "VM" if known["type"] == "qemu" else "CT"
        raise Failure(f"unable to create VM {vmid} - {kind} {vmid} already exists on node '{known['node']}'")
    values = {key: value for key, value in params.items() if key not in _ABOUT}
    return tasks.start(ctx, "qmcreate", vmid, create_work, node=ctx.node, vmid=vmid, values=values)


def create_work(node: str, vmid: str, values: dict[str, Any]) -> None:
    guests.save(node, vmid, guests.completed(vmid, values))


@endpoint(
    "GET",
    "/nodes/{node}/qemu/{vmid}/config",
    permission=_AUDIT,
    params=f"{_VM} current:boolean snapshot",
    proxyto="node",
)
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return guests.load(ctx.node, params["vmid"])


@endpoint(
    "PUT",
    "/nodes/{node}/qemu/{vmid}/config",
    permission=_CONFIG,
    params=f"{_VM} {_OPTIONS} delete digest",
    proxyto="node",
)
def update(ctx: Context, params: dict[str, Any]) -> None:
    vmid = params["vmid"]
    values = guests.load(ctx.node, vmid)
    found = values.pop("digest")
    if params.get("digest") and params["digest"] != found:
        raise Failure(
            "VM configuration changed: detected modified configuration - file changed by other user? Try again."
        )
    made = guests.completed(vmid, {key: value for key, value in params.items() if key not in _ABOUT})
    values |= {key: value for key, value in made.items() if key in params}
    for key in split_list(params.get("delete")):
        values.pop(key, None)
    guests.save(ctx.node, vmid, values)


@endpoint("GET", "/nodes/{node}/qemu/{vmid}/pending", permission=_AUDIT, params=_VM, proxyto="node")
def pending(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return guests.pending(ctx.node, params["vmid"])


@endpoint("GET", "/nodes/{node}/qemu/{vmid}", permission=ALL, params=_VM, proxyto="node")
def subdirectories(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"subdir": name} for name in hash_order(("config", "pending"))]
