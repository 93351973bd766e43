"""What a node makes of SDN: /etc/network/interfaces.d/sdn, and how far it is (PVE/Network/SDN/Zones.pm).

Only simple and VLAN zones become interfaces here: tunnels need frr or peers that a rack does not have.
"""

from __future__ import annotations

import re
from typing import Any

from . import paths, sdn
from .text import truth

FILE = "/etc/network/interfaces.d/sdn"


def generate() -> None:
    """As often as a node reloads its network, and where SDN was ever applied."""
    config = sdn.running_config()
    if not config:
        return
    target = paths.at(FILE)
    target.parent.mkdir(parents=True, exist_ok=True)
    parts = [f"#version:{config['version']}\n"]
    zones = config["zones"]["ids"]
    for name, vnet in sorted(config["vnets"]["ids"].items()):
        zone = zones.get(vnet["zone"])
        if zone and _is_here(zone, paths.node_name()) and zone["type"] in ("simple", "vlan"):
            subnets = {key: one for key, one in config["subnets"]["ids"].items() if one["vnet"] == name}
            parts.append(_bridge(name, vnet, zone, subnets))
    target.write_text("\n".join(parts))


def _is_here(zone: dict[str, Any], node: str) -> bool:
    return not zone.get("nodes") or node in zone["nodes"]


def _bridge(name: str, vnet: dict[str, Any], zone: dict[str, Any], subnets: dict[str, Any]) -> str:
    lines = []
    if zone["type"] == "simple":
        for key, subnet in sorted(subnets.items()):
            if subnet.get("gateway"):
                lines.append(f"address {subnet['gateway']}/{key.rpartition('-')[2]}")
        ports = "none"
    else:
        ports = f"{zone['bridge']}.{vnet['tag']}"
    lines += [f"bridge_ports {ports}", "bridge_stp off", "bridge_fd 0"]
    if truth(vnet.get("vlanaware")):
        lines += ["bridge-vlan-aware yes", "bridge-vids 2-4094"]
    lines += [f"{key} {value}" for key, value in (("mtu", zone.get("mtu")), ("alias", vnet.get("alias"))) if value]
    if any(line.startswith("address") for line in lines):
        lines.append("ip-forward on")
    return f"auto {name}\niface {name}\n" + "".join(f"\t{line}\n" for line in lines)


def zones(node: str) -> dict[str, str]:
    """Zone → available, or pending where this node has not loaded what runs."""
    config = sdn.running_config()
    if not config.get("version"):
        return {}
    file = paths.at(FILE)
    match = re.match(r"#version:(\d+)", file.read_text()) if file.exists() else None
    state = "available" if match and int(match[1]) >= config["version"] else "pending"
    return {name: state for name, zone in config["zones"]["ids"].items() if _is_here(zone, node)}
