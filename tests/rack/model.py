"""What a rack is made of, as the rest of the package reads it; rack.spec makes it from YAML."""

from __future__ import annotations

import ipaddress
from dataclasses import asdict, dataclass, field
from typing import Any

from rack.errors import RackError

FIRST_SLOT = 18


@dataclass(frozen=True)
class Network:
    """An Ethernet of its own; with `parent`, the VLAN `vlan` of that one."""

    name: str
    cidr: str
    mtu: int = 1500
    parent: str | None = None
    vlan: int | None = None

    @property
    def network(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(self.cidr)

    @property
    def gateway(self) -> str:
        """The rack's own address on this network."""
        return str(self.network[1])


@dataclass(frozen=True)
class Nic:
    """A network card and the switch port it is cabled to.

    lag: ports of one node with the same name are one LACP group of the switch. native and tagged: the VLAN of untagged
    frames and the VLANs that pass with a tag (none given: every one). mtu: larger frames are lost in the switch.
    """

    network: str
    address: str | None = None
    mac: str | None = None
    lag: str | None = None
    native: int = 1
    tagged: list[int] | None = None
    mtu: int | None = None


@dataclass(frozen=True)
class Disk:
    """`size` in bytes; `ssd` None: as the bus has it; `content`: what is on it already."""

    size: int
    bus: str = "scsi"
    serial: str | None = None
    ssd: bool | None = None
    content: str | None = None


@dataclass(frozen=True)
class Guest:
    """A guest that is there before anything is done; `type` is qemu or lxc."""

    vmid: int
    type: str
    name: str


@dataclass(frozen=True)
class Node:
    """`memory` in bytes; `clock` in seconds ahead of the true time; `smbios`: vendor, product, serial.

    `group` is where the inventory lists it: pve, or pbs for a backup server. `guests` are the stand-in's.
    """

    name: str
    nics: list[Nic]
    disks: list[Disk] = field(default_factory=list)
    cpu_flags: list[str] = field(default_factory=list)
    memory: int = 1 << 30
    cores: int = 1
    firmware: str = "bios"
    iommu: bool = False
    watchdog: bool = False
    clock: float = 0
    machine_id: str | None = None
    smbios: dict[str, str] = field(default_factory=dict)
    services: list[str] = field(default_factory=list)
    group: str = "pve"
    guests: list[Guest] = field(default_factory=list)

    def interfaces(self) -> list[tuple[str, str, str | None]]:
        """(interface, network, address) in slot order, named as a KVM or bare-metal Debian names them."""
        prefix = "enp0s" if self.iommu else "ens"
        return [(f"{prefix}{FIRST_SLOT + slot}", nic.network, nic.address) for slot, nic in enumerate(self.nics)]

    @property
    def addresses(self) -> dict[str, str]:
        """The address in each network that the node has one in."""
        return {nic.network: nic.address for nic in self.nics if nic.address}

    @property
    def address(self) -> str:
        return next(iter(self.addresses.values()))


@dataclass(frozen=True)
class Spec:
    name: str
    release: str
    networks: list[Network]
    nodes: list[Node]
    backend: str = "container"

    def network(self, name: str) -> Network:
        return next(network for network in self.networks if network.name == name)

    @property
    def management(self) -> Network:
        return self.networks[0]

    def node(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        names = ", ".join(node.name for node in self.nodes)
        raise RackError(f"rack {self.name} has no node {name!r}; it has {names}")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Spec:
        def node(item: dict[str, Any]) -> Node:
            nics = [Nic(**nic) for nic in item["nics"]]
            disks = [Disk(**disk) for disk in item["disks"]]
            guests = [Guest(**guest) for guest in item["guests"]]
            return Node(**{**item, "nics": nics, "disks": disks, "guests": guests})

        networks = [Network(**network) for network in data["networks"]]
        return Spec(
            data["name"],
            data["release"],
            networks,
            [node(item) for item in data["nodes"]],
            data["backend"],
        )
