"""What both directions share: the configuration, the modes of a bond, and the options of Open vSwitch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Interface = dict[str, Any]

BOND_MODES = (
    "balance-rr",
    "active-backup",
    "balance-xor",
    "broadcast",
    "802.3ad",
    "balance-tlb",
    "balance-alb",
)
"""In the order of the numbers that the kernel's driver has for them."""
OVS_BOND_MODES = ("active-backup", "balance-slb", "lacp-balance-slb", "lacp-balance-tcp")
OVS_PORTS = ("OVSPort", "OVSIntPort", "OVSBond")
PORT_KEYS = ("bridge_ports", "ovs_ports", "slaves", "ovs_bonds")
"""What names the interfaces that another one takes for itself."""


@dataclass
class Config:
    interfaces: dict[str, Interface] = field(default_factory=dict)
    lines: list[tuple[int, str]] = field(default_factory=list)
    """What Proxmox keeps without understanding it (source, mapping, …): its place among the priorities, and the line."""


def ovs_options(interface: Interface) -> dict[str, str]:
    """The options `name=value`. Words without an equals sign are no options; who rewrites the rest loses them."""
    words = str(interface.get("ovs_options") or "").split()
    pairs = (word.partition("=") for word in words)
    return {name: value for name, equals, value in pairs if equals and name not in ("", "0")}


def set_ovs_options(interface: Interface, options: dict[str, str]) -> None:
    if options:
        interface["ovs_options"] = " ".join(f"{name}={value}" for name, value in options.items())
    else:
        interface.pop("ovs_options", None)


def take_ovs_option(interface: Interface, name: str) -> str | None:
    """Remove an option and return its value."""
    options = ovs_options(interface)
    value = options.pop(name, None)
    set_ovs_options(interface, options)
    return value
