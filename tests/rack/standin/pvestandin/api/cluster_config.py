"""/cluster/config: the cluster's corosync configuration, its creation, and joining it."""

from __future__ import annotations

import socket
from typing import Any

from .. import cluster, corosyncconf, join, paths, tasks
from ..errors import Failure
from ..registry import Context, endpoint

_AUDIT = ["perm", "/", ["Sys.Audit"]]
_LINKS = " ".join(f"link{number}" for number in range(corosyncconf.MAX_LINK + 1))
_QDEVICE = "/var/run/corosync-qdevice/corosync-qdevice.sock"
_QDEVICE_KEYS = {"Algorithm", "Echo reply", "Last poll call", "Model", "QNetd host", "State", "Tie-breaker"}


@endpoint("GET", "/cluster/config", permission=_AUDIT)
def index(ctx: Context, params: dict[str, Any]) -> Any:
    return [{"name": name} for name in ("nodes", "totem", "join", "qdevice", "apiversion")]


@endpoint("GET", "/cluster/config/apiversion", permission=_AUDIT)
def api_version(ctx: Context, params: dict[str, Any]) -> Any:
    return cluster.API_VERSION


@endpoint(
    "POST",
    "/cluster/config",
    params=f"clustername!:pve-node nodeid:integer votes:integer token-coefficient:integer {_LINKS}",
)
def create(ctx: Context, params: dict[str, Any]) -> Any:
    if paths.pve("corosync.conf").exists():
        raise Failure(f"cluster config '{cluster.CLUSTER_CONF}' already exists")
    if paths.release() >= (9, 0):
        params.setdefault("token-coefficient", 125)
    return tasks.start(ctx, "clustercreate", params["clustername"], cluster.create_work, params=params)


@endpoint("GET", "/cluster/config/nodes", permission=_AUDIT)
def nodes(ctx: Context, params: dict[str, Any]) -> Any:
    listed = corosyncconf.read().get("nodelist", {}).get("node", {})
    return [{**options, "node": name} for name, options in listed.items()]


@endpoint(
    "POST",
    "/cluster/config/nodes/{node}",
    params=f"nodeid:integer votes:integer force:boolean new_node_ip:ip apiversion:integer {_LINKS}",
)
def add_node(ctx: Context, params: dict[str, Any]) -> Any:
    return cluster.add_node(params)


@endpoint("DELETE", "/cluster/config/nodes/{node}")
def delete_node(ctx: Context, params: dict[str, Any]) -> Any:
    cluster.delete_node(params["node"])


@endpoint("GET", "/cluster/config/join", permission=_AUDIT, params="node:pve-node")
def join_info(ctx: Context, params: dict[str, Any]) -> Any:
    return cluster.join_info(params.get("node"))


@endpoint(
    "POST",
    "/cluster/config/join",
    params=f"hostname! nodeid:integer votes:integer force:boolean fingerprint! password! {_LINKS}",
)
def join_cluster(ctx: Context, params: dict[str, Any]) -> Any:
    return tasks.start(ctx, "clusterjoin", "", join.join_work, params=params)


@endpoint("GET", "/cluster/config/totem", permission=_AUDIT)
def totem(ctx: Context, params: dict[str, Any]) -> Any:
    return corosyncconf.read().get("totem")


@endpoint("GET", "/cluster/config/qdevice", permission=_AUDIT)
def qdevice(ctx: Context, params: dict[str, Any]) -> Any:
    path = paths.at(_QDEVICE)
    if not path.is_socket():
        return {}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(path))
        connection.sendall(b"status verbose\n")
        with connection.makefile() as lines:
            told = [line.rstrip("\n").partition(":") for line in lines if not line.startswith((" ", "\t"))]
    return {key.strip(): value.strip() for key, colon, value in told if colon and key.strip() in _QDEVICE_KEYS}
