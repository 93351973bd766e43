"""/nodes/{node}/subscription (PVE/API2/Subscription.pm).

The shop cannot be asked here: its answer is made from the key. Of the serial number, the first digits matter: 0000
belongs to somebody else's machine (invalid), ffff to a subscription that has ended (expired); others are active.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

from .. import nodestat, paths
from ..errors import Failure
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..text import digest, truth

_NODE = {"node": {"type": "string", "format": "pve-node"}}
_MODIFY = ["perm", "/nodes/{node}", ["Sys.Modify"]]
_URL = "https://www.proxmox.com/en/proxmox-virtual-environment/pricing"
_KEY = r"pve([1248])([cbsp])-[0-9a-f]{10}"
_FILE = "/etc/subscription"
_AUTH = "/etc/apt/auth.conf.d/pve.conf"
_SHOP = {
    "0000": ("invalid", "Invalid Server ID"),
    "ffff": ("expired", "subscription expired"),
}
_DATES = {"regdate": "2026-01-01 00:00:00", "nextduedate": "2099-01-01"}


def _server_id(ctx: Context) -> str:
    return digest(ctx.node)[:32].upper()


def _sockets() -> int:
    return int(nodestat.cpuinfo()["sockets"])


def _read() -> dict[str, Any] | None:
    """The file begins with the key, as Proxmox's does; what follows is this stand-in's."""
    path = paths.at(_FILE)
    if not path.exists():
        return None
    info = json.loads(path.read_text().split("\n", 1)[1])
    if info["status"] == "active":
        try:
            info["level"] = _check_key(info["key"])
        except Failure as failure:
            info |= {"status": "invalid", "message": failure.message}
    return info


def _write(info: dict[str, Any]) -> None:
    target = paths.at(_FILE)
    target.write_text(f"{info['key']}\n{json.dumps(info, sort_keys=True)}\n")
    target.chmod(0o640)
    auth = paths.at(_AUTH)
    if "serverid" not in info:
        auth.unlink(missing_ok=True)
        return
    auth.parent.mkdir(parents=True, exist_ok=True)
    auth.write_text(f"machine enterprise.proxmox.com/debian/pve\n login {info['key']}\n password {info['serverid']}\n")
    auth.chmod(0o600)


def _check_key(key: str) -> str:
    """The level of a key that is good for this node."""
    match = re.fullmatch(_KEY, key)
    if not match:
        raise Failure("Wrong subscription key format")
    if int(match[1]) < _sockets():
        raise Failure(f"wrong number of sockets ({match[1]} < {_sockets()})")
    return match[2]


def _ask_shop(ctx: Context, key: str) -> dict[str, Any]:
    serial = key.partition("-")[2]
    status, message = _SHOP.get(serial[:4], ("active", ""))
    info = {"key": key, "status": status, "serverid": _server_id(ctx), "checktime": int(time.time())}
    if message:
        info["message"] = message
    return {**info, **_DATES, "productname": "Proxmox VE Subscription"} if status != "invalid" else info


@endpoint("GET", "/nodes/{node}/subscription", permission=ALL, params=_NODE, proxyto="node")
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    permitted = Permissions().allowed(ctx.user, f"/nodes/{params['node']}", ["Sys.Audit"])
    info = _read()
    if info is None:
        answer = {"status": "notfound", "message": "There is no subscription key", "url": _URL}
        return {**answer, "serverid": _server_id(ctx)} if permitted else answer
    if not permitted:
        return {"status": info["status"], "message": info.get("message"), "url": _URL}
    return {**info, "serverid": _server_id(ctx), "sockets": _sockets(), "url": _URL}


@endpoint(
    "PUT",
    "/nodes/{node}/subscription",
    permission=_MODIFY,
    params={**_NODE, "key": {"type": "string", "pattern": rf"\s*{_KEY}\s*", "maxLength": 32}},
    proxyto="node",
)
def write(ctx: Context, params: dict[str, Any]) -> None:
    key = params["key"].strip()
    _check_key(key)
    _write({"key": key, "status": "new", "checktime": int(time.time())})
    _write(_ask_shop(ctx, key))


@endpoint(
    "POST",
    "/nodes/{node}/subscription",
    permission=_MODIFY,
    params={**_NODE, "force": {"type": "boolean", "optional": 1, "default": 0}},
    proxyto="node",
)
def check(ctx: Context, params: dict[str, Any]) -> None:
    info = _read()
    if info is None or (info["status"] == "active" and not truth(params.get("force"))):
        return
    _check_key(info["key"])
    _write(_ask_shop(ctx, info["key"]))


@endpoint("DELETE", "/nodes/{node}/subscription", permission=_MODIFY, params=_NODE, proxyto="node")
def remove(ctx: Context, params: dict[str, Any]) -> None:
    """What apt was given stays, as with Proxmox."""
    paths.at(_FILE).unlink(missing_ok=True)
