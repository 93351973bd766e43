"""/cluster/sdn itself: the lock, applying and rolling back (PVE/API2/Network/SDN.pm of pve-network)."""

from __future__ import annotations

from typing import Any

from .. import network_sdn, paths, pvefiles, sdn, tasks
from ..dispatch import Call, answer
from ..errors import Failure, not_implemented
from ..registry import ALL, Context, endpoint
from ..text import truth
from . import network

_PATH = "/cluster/sdn"
_CHANGE = ["perm", "/sdn", ["SDN.Allocate"]]


def _only_from_9(method: str, path: str) -> None:
    if paths.release()[0] < 9:
        raise not_implemented(method, path)


def _from_9(words: str) -> Any:
    return lambda: words if paths.release()[0] >= 9 else ""


@endpoint("GET", _PATH, permission=["perm", "/sdn", ["SDN.Audit"]])
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    parts = ("vnets", "zones", "controllers", "ipams", "dns", *(("fabrics",) if paths.release()[0] >= 9 else ()))
    return [{"id": name} for name in parts]


@endpoint("POST", f"{_PATH}/lock", permission=_CHANGE, params="allow-pending:boolean")
def lock(ctx: Context, params: dict[str, Any]) -> str:
    _only_from_9("POST", f"{_PATH}/lock")
    with sdn.changing("could not acquire lock for SDN config"):
        if not truth(params.get("allow-pending")) and sdn.has_pending():
            raise Failure(f"configuration has pending changes at {sdn.PERL}/API2/Network/SDN.pm line 155.")
        return sdn.take_lock()


@endpoint("DELETE", f"{_PATH}/lock", permission=_CHANGE, params="lock-token force:boolean")
def unlock(ctx: Context, params: dict[str, Any]) -> None:
    _only_from_9("DELETE", f"{_PATH}/lock")
    if truth(params.get("force")):
        sdn.drop_lock()
        return
    with sdn.changing("could not release lock", params.get("lock-token")):
        sdn.drop_lock()


def _release(params: dict[str, Any]) -> None:
    if params.get("lock-token") and truth(params.get("release-lock", 1)):
        sdn.drop_lock()


@endpoint("POST", f"{_PATH}/rollback", permission=_CHANGE, params="lock-token release-lock:boolean")
def rollback(ctx: Context, params: dict[str, Any]) -> None:
    _only_from_9("POST", f"{_PATH}/rollback")
    with sdn.changing("could not rollback SDN configuration", params.get("lock-token")):
        sdn.roll_back()
        _release(params)


@endpoint("PUT", _PATH, permission=_CHANGE, params=_from_9("lock-token release-lock:boolean"))
def apply(ctx: Context, params: dict[str, Any]) -> str:
    with sdn.changing("could not commit SDN config", params.get("lock-token")):
        sdn.commit()
        _release(params)
    return tasks.start(ctx, "reloadnetworkall", "", reload_all)


def reload_all() -> None:
    """The task succeeds whatever becomes of the nodes: what failed is in its log."""
    for node in pvefiles.node_names():
        print(f"{node}: reloading network config")
        try:
            _reload(node)
        except Failure as error:
            print(error.message)


def _reload(node: str) -> None:
    if node == paths.node_name() and network.has_ifupdown2():
        network.reload_work()
        return
    done = answer(Call("PUT", f"/nodes/{node}/network", {}, "root@pam"))
    if done.status >= 400:
        print(done.message)
        raise Failure(f"command 'pvesh set /nodes/{node}/network --regenerate-frr 0' failed: exit code 255")


@endpoint("GET", f"{_PATH}/fabrics/all", permission=ALL, params="pending:boolean running:boolean")
def fabrics(ctx: Context, params: dict[str, Any]) -> dict[str, list[Any]]:
    """There are none here."""
    _only_from_9("GET", f"{_PATH}/fabrics/all")
    return {"fabrics": [], "nodes": []}


@endpoint("GET", "/nodes/{node}/sdn/zones", permission=ALL, proxyto="node", params="node:pve-node!")
def status(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"zone": name, "status": state} for name, state in sorted(network_sdn.zones(ctx.node).items())]
