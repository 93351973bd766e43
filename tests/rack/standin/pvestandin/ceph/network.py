"""The node's addresses in Ceph's networks (PVE/Network.pm: get_local_ip_from_cidr)."""

from __future__ import annotations

import ipaddress
import json
import subprocess


def canonical(address: str) -> str:
    return str(ipaddress.ip_address(address))


def local_addresses(cidr: str) -> list[str]:
    """The node's own addresses in a network, each once, in the order of its interfaces."""
    network = ipaddress.ip_network(cidr, strict=False)
    done = subprocess.run(["ip", "-json", "address", "show", "up"], capture_output=True, text=True, check=True)
    found = [
        str(entry["local"])
        for interface in json.loads(done.stdout)
        for entry in interface.get("addr_info", [])
        if ipaddress.ip_address(entry["local"]) in network and not entry.get("deprecated")
    ]
    return list(dict.fromkeys(canonical(address) for address in found))
