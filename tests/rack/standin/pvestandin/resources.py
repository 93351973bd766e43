"""Entries of GET /cluster/resources, which pools and lists of nodes share (PVE/API2Tools.pm)."""

from __future__ import annotations

from typing import Any

from . import guests, paths, peers, pvefiles
from .section import Section
from .text import hash_order, truth


def node(name: str, *, stats: bool = True) -> dict[str, Any]:
    """A node; without `stats` only what anybody may see."""
    members = pvefiles.members().get("nodelist", {})
    entry: dict[str, Any] = {"id": f"node/{name}", "node": name, "type": "node", "status": "unknown"}
    if members and not members.get(name, {}).get("online"):
        return {**entry, "status": "offline"}
    known = peers.ask("/status").get(name)
    if known is None:
        return entry
    entry |= {"status": "online", "level": ""}
    if stats:
        entry |= {
            "uptime": known["uptime"],
            "cpu": known["cpu"],
            "maxcpu": known["cpuinfo"]["cpus"],
            "mem": known["memory"]["used"],
            "maxmem": known["memory"]["total"],
            "disk": known["rootfs"]["used"],
            "maxdisk": known["rootfs"]["total"],
        }
    return entry


def storage(name: str, section: Section, on: str) -> dict[str, Any]:
    """A storage on one node; available once that node has found it active."""
    entry = {
        "id": f"storage/{on}/{name}",
        "storage": name,
        "node": on,
        "type": "storage",
        "status": "unknown",
        "plugintype": section["type"],
        "shared": int(truth(section.get("shared"))),
        "content": ",".join(hash_order(section["content"])) or "none",
    }
    for known in peers.ask("/storage").get(on, []):
        if known["storage"] == name and known["active"]:
            entry |= {"status": "available", "disk": known["used"], "maxdisk": known["total"]}
    return entry


def zone(name: str, status: str, on: str) -> dict[str, Any]:
    """A zone of SDN on one node."""
    if paths.release()[0] < 9:
        return {"id": f"sdn/{on}/{name}", "sdn": name, "node": on, "type": "sdn", "status": status}
    entry = {"id": f"network/{on}/zone/{name}", "type": "network", "network-type": "zone", "network": name, "node": on}
    return {**entry, "status": status}


def guest(vmid: str, known: dict[str, Any]) -> dict[str, Any]:
    """A guest as its node tells of it; only what the cluster's list knows if the node says nothing."""
    entry = {
        "id": f"{known['type']}/{vmid}",
        "vmid": int(vmid),
        "node": known["node"],
        "type": known["type"],
        "status": "unknown",
    }
    members = pvefiles.members().get("nodelist", {})
    online = not members or members.get(known["node"], {}).get("online")
    there = paths.pve(guests.file(known["node"], vmid, known["type"])).exists()
    return {**entry, **guests.summary(vmid, known)} if online and there else entry
