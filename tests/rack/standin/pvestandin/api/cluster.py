"""/cluster: status, resources, tasks (PVE/API2/Cluster.pm)."""

from __future__ import annotations

import json
from typing import Any

from .. import datacenter, ha, nodenames, paths, peers, pvefiles, resources
from ..errors import ApiError, Failure, bad_parameters
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..storage import config as storage
from ..text import hash_order, truth

_INDEX = (
    "acme",
    "backup",
    "backup-info",
    "ceph",
    "config",
    "firewall",
    "ha",
    "jobs",
    "log",
    "mapping",
    "metrics",
    "nextid",
    "notifications",
    "options",
    "replication",
    "resources",
    "sdn",
    "status",
    "tasks",
)


@endpoint("GET", "/cluster", permission=ALL)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name} for name in _INDEX]


@endpoint("GET", "/cluster/status", permission=["perm", "/", ["Sys.Audit"]])
def status(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    members = pvefiles.members()
    cluster, nodes = members.get("cluster"), members.get("nodelist")
    if not nodes:
        return [_single(ctx.node)]
    answer: list[dict[str, Any]] = []
    if cluster:
        answer.append(
            {
                "type": "cluster",
                "id": "cluster",
                **{key: cluster[key] for key in ("name", "version", "nodes", "quorate")},
            }
        )
    for name in hash_order(nodes):
        node = nodes[name]
        address = {"ip": node["ip"]} if node.get("ip") else {}
        answer.append(
            {
                "type": "node",
                "id": f"node/{name}",
                "name": name,
                "nodeid": node["id"],
                "level": "",
                "local": int(name == ctx.node),
                "online": node["online"],
                **address,
            }
        )
    return answer


def _single(node: str) -> dict[str, Any]:
    """A node without a cluster."""
    entry = {"type": "node", "id": f"node/{node}", "name": node, "local": 1, "nodeid": 0, "online": 1, "level": ""}
    try:
        return {**entry, "ip": nodenames.address(node)}
    except ApiError:
        return {**entry, "ip": None}


@endpoint("GET", "/cluster/resources", permission=ALL, params="type")
def index_resources(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    allowed = Permissions()
    parts = {"pool": _pools, "vm": _guests, "node": _nodes, "storage": _storages}
    # from 9 on, networks cannot be asked for alone
    parts["network" if paths.release()[0] >= 9 else "sdn"] = _networks
    wanted = params.get("type")
    return [entry for kind, part in parts.items() if wanted in (None, kind) for entry in part(ctx.user, allowed)]


def _pools(user: str, allowed: Permissions) -> list[dict[str, Any]]:
    return [
        {"id": f"/pool/{name}", "pool": name, "type": "pool"}
        for name in sorted(allowed.config.pools)
        if allowed.allowed(user, f"/pool/{name}", ["Pool.Audit"])
    ]


def _guests(user: str, allowed: Permissions) -> list[dict[str, Any]]:
    answer, states = [], _ha_services()
    for vmid, known in sorted(pvefiles.guests().items()):
        if allowed.allowed(user, f"/vms/{vmid}", ["VM.Audit"]):
            pool = allowed.config.pool_of(vmid)
            entry = {**resources.guest(vmid, known), **({"pool": pool} if pool else {})}
            state = states.get(f"{'vm' if known['type'] == 'qemu' else 'ct'}:{vmid}", {}).get("state")
            answer.append({**entry, **({"hastate": state} if state else {})})
    return answer


def _nodes(user: str, allowed: Permissions) -> list[dict[str, Any]]:
    states = _ha_states()
    answer = []
    for name in hash_order(pvefiles.node_names()):
        entry = resources.node(name, stats=allowed.allowed(user, f"/nodes/{name}", ["Sys.Audit"]))
        if entry["status"] == "online":
            entry["cgroup-mode"] = 2
        if name in states:
            entry["hastate"] = states[name]
        answer.append(entry)
    return answer


def _ha_states() -> dict[str, str]:
    return _manager_status().get("node_status", {})


def _ha_services() -> dict[str, dict[str, Any]]:
    """What the manager made of a resource; before it has seen it, what was asked for."""
    wanted = {name: {"state": section.get("state", "started")} for name, section in ha.read(ha.RESOURCES).ids.items()}
    return {**wanted, **_manager_status().get("service_status", {})}


def _manager_status() -> dict[str, Any]:
    text = pvefiles.read("ha/manager_status")
    return json.loads(text) if text.strip() else {}


def _storages(user: str, allowed: Permissions) -> list[dict[str, Any]]:
    sections = storage.read()
    answer = []
    for name in hash_order(sections.ids):
        section = sections.ids[name]
        if truth(section.get("disable")) or not allowed.allowed(user, f"/storage/{name}", ["Datastore.Audit"]):
            continue
        answer += [
            resources.storage(name, section, node)
            for node in hash_order(pvefiles.node_names())
            if storage.on_node(section, node)
        ]
    return answer


def _networks(user: str, allowed: Permissions) -> list[dict[str, Any]]:
    """The zones of SDN on each node, and the one that stands for what is not SDN."""
    known = {node: {one["zone"]: one["status"] for one in zones} for node, zones in peers.ask("/sdn/zones").items()}
    return [
        resources.zone(zone, status, node)
        for node, zones in sorted(known.items())
        for zone, status in {"localnetwork": "ok", **zones}.items()
        if allowed.allowed(user, f"/sdn/zones/{zone}", ["SDN.Audit"])
    ]


@endpoint("GET", "/cluster/nextid", permission=ALL, params="vmid:pve-vmid")
def next_id(ctx: Context, params: dict[str, Any]) -> str:
    used = pvefiles.guests()
    if params.get("vmid"):
        if str(params["vmid"]) in used:
            raise bad_parameters({"vmid": f"VM {params['vmid']} already exists"})
        return str(params["vmid"])
    limits = datacenter.read().get("next-id") or {}
    lower, upper = int(limits.get("lower", 100)), int(limits.get("upper", 1000000))
    for vmid in range(lower, upper):
        if str(vmid) not in used:
            return str(vmid)
    raise Failure(f"unable to get any free VMID in range [{lower}, {upper}]")


@endpoint("GET", "/cluster/tasks", permission=ALL)
def tasks(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    """The recent tasks of all nodes that answer."""
    allowed = Permissions()
    peers.forget()
    found = [
        entry
        for node, entries in peers.ask("/tasks?source=all&limit=25").items()
        for entry in entries
        if allowed.allowed(ctx.user, f"/nodes/{node}", ["Sys.Audit"]) or entry["user"] == ctx.owner
    ]
    shown = [
        {
            **{key: value for key, value in entry.items() if key not in ("pid", "pstart", "status")},
            **({"status": entry["status"], "saved": "1"} if "endtime" in entry else {}),
        }
        for entry in found
    ]
    return sorted(shown, key=lambda entry: entry["starttime"], reverse=True)


@endpoint("GET", "/cluster/log", permission=ALL, params="max:integer")
def log(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    text = pvefiles.read(".clusterlog")
    entries = json.loads(text).get("data", []) if text.strip() else []
    seen = (
        entries
        if Permissions().allowed(ctx.user, "/", ["Sys.Syslog"])
        else [entry for entry in entries if entry.get("user") == ctx.user]
    )
    return [{**entry, "id": f"{entry.get('uid')}:{entry.get('node')}"} for entry in seen][
        : int(params.get("max") or 500)
    ]


@endpoint("GET", "/cluster/jobs", permission=ALL)
def jobs(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"subdir": name} for name in ("schedule-analyze", "realm-sync")]
