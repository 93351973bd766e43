"""SPEC: what a rack shall be. Read from YAML, completed with defaults, checked before anything is touched."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rack.errors import RackError

RELEASES = {"trixie": "9", "bookworm": "8"}
DEFAULT_NETWORKS = {"management": "10.99.0.0/24", "cluster": "10.98.0.0/24", "storage": "10.97.0.0/24"}
FIRST_HOST = 11
MAX_NICS = 8
_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")
_FLAG = re.compile(r"^-?[a-z0-9_]+$")
_SIZE = re.compile(r"^([0-9]+)([KMGT]?)$")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass(frozen=True)
class Network:
    name: str
    cidr: str

    @property
    def network(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(self.cidr)

    @property
    def gateway(self) -> str:
        """The rack's own address on this network."""
        return str(self.network[1])


@dataclass(frozen=True)
class Node:
    name: str
    nics: dict[str, str]
    disks: list[int] = field(default_factory=list)
    cpu_flags: list[str] = field(default_factory=list)

    def interfaces(self) -> list[tuple[str, str, str]]:
        """(interface, network, address) in slot order, named as a KVM or bare-metal Debian names them."""
        return [(f"ens{18 + slot}", name, address) for slot, (name, address) in enumerate(self.nics.items())]

    @property
    def address(self) -> str:
        return next(iter(self.nics.values()))


@dataclass(frozen=True)
class Spec:
    name: str
    release: str
    networks: list[Network]
    nodes: list[Node]

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
        return Spec(
            data["name"],
            data["release"],
            [Network(**network) for network in data["networks"]],
            [Node(**node) for node in data["nodes"]],
        )


class _Checker:
    """Collects nothing: the first fault is the message, with the place it was found at."""

    def __init__(self, source: str) -> None:
        self.source = source

    def refuse(self, text: str) -> RackError:
        return RackError(f"{self.source}: {text}")

    def mapping(self, value: Any, where: str, allowed: set[str] | None) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.refuse(f"{where} must be a mapping, found {value!r}")
        unknown = sorted(str(key) for key in value if allowed is not None and key not in allowed)
        if unknown:
            raise self.refuse(
                f"{where}: unknown key {', '.join(map(repr, unknown))}; known are {', '.join(sorted(allowed or []))}"
            )
        return value

    def sequence(self, value: Any, where: str) -> list[Any]:
        if not isinstance(value, list):
            raise self.refuse(f"{where} must be a list, found {value!r}")
        return value

    def name(self, value: Any, where: str) -> str:
        if not isinstance(value, str) or not _NAME.match(value):
            raise self.refuse(f"{where}: {value!r} is no host name part (lower-case letters, digits, '-', 32 at most)")
        return value

    def size(self, value: Any, where: str) -> int:
        match = _SIZE.match(str(value))
        if not match or int(match[1]) == 0:
            raise self.refuse(f"{where}: {value!r} is no size; write for example 512M or 4G")
        return int(match[1]) * _UNITS[match[2]]


def _networks(check: _Checker, value: Any) -> list[Network]:
    if value is None:
        return [Network(name, cidr) for name, cidr in DEFAULT_NETWORKS.items()]
    networks: list[Network] = []
    for key, item in check.mapping(value, "networks", None).items():
        name = check.name(key, "networks")
        where = f"network {name}"
        cidr = check.mapping(item, where, {"cidr"}).get("cidr")
        try:
            network = ipaddress.IPv4Network(str(cidr))
        except ValueError as error:
            text = f"{where}: cidr {cidr!r} is no IPv4 network ({error}); write for example 10.99.0.0/24"
            raise check.refuse(text) from None
        if network.prefixlen > 28:
            raise check.refuse(f"{where}: {cidr} is too small; use a /28 or larger")
        for other in networks:
            if other.network.overlaps(network):
                raise check.refuse(f"{where}: {cidr} overlaps network {other.name} ({other.cidr})")
        networks.append(Network(name, str(network)))
    if not networks:
        raise check.refuse("networks: at least one is needed; the first is the one that ssh and apt use")
    return networks


def _address(check: _Checker, value: Any, network: Network, where: str) -> str:
    try:
        address = ipaddress.IPv4Address(str(value))
    except ValueError:
        raise check.refuse(f"{where}: {value!r} is no IPv4 address") from None
    if address not in network.network:
        raise check.refuse(f"{where}: {address} is outside network {network.name} ({network.cidr})")
    if str(address) == network.gateway:
        raise check.refuse(f"{where}: {address} is the rack's own address on network {network.name}; take another")
    if address in (network.network.network_address, network.network.broadcast_address):
        raise check.refuse(f"{where}: {address} is the network or broadcast address of {network.cidr}")
    return str(address)


def _node(check: _Checker, value: Any, index: int, networks: list[Network], defaults: dict[str, Any]) -> Node:
    item = check.mapping(value, f"nodes[{index}]", {"name", "nics", "disks", "cpu_flags"})
    if "name" not in item:
        raise check.refuse(f"nodes[{index}]: name is missing")
    name = check.name(item["name"], f"nodes[{index}].name")
    where = f"node {name}"
    given = item.get("nics")
    if given is None:
        given = {network.name: str(network.network[FIRST_HOST + index]) for network in networks}
    known = {network.name for network in networks}
    given = check.mapping(given, f"{where}: nics", known)
    if networks[0].name not in given:
        raise check.refuse(f"{where}: nics lacks {networks[0].name!r}, the network that ssh and apt use")
    if len(given) > MAX_NICS:
        raise check.refuse(f"{where}: {len(given)} NICs; {MAX_NICS} at most")
    nics = {
        network.name: _address(check, given[network.name], network, where)
        for network in networks
        if network.name in given
    }
    disks = []
    for number, disk in enumerate(check.sequence(item.get("disks", defaults.get("disks", [])), f"{where}: disks")):
        place = f"{where}: disks[{number}]"
        disks.append(check.size(check.mapping(disk, place, {"size"}).get("size"), f"{place}.size"))
    if len(disks) > 24:
        raise check.refuse(f"{where}: {len(disks)} disks; 24 at most (sdb to sdy)")
    flags = check.sequence(item.get("cpu_flags", defaults.get("cpu_flags", [])), f"{where}: cpu_flags")
    for flag in flags:
        if not isinstance(flag, str) or not _FLAG.match(flag):
            raise check.refuse(f"{where}: cpu_flags: {flag!r} is no flag; write vmx to show one, -vmx to hide one")
    return Node(name, nics, disks, [str(flag) for flag in flags])


def parse_spec(
    data: Any, source: str, name: str | None = None, release: str | None = None, nodes: int | None = None
) -> Spec:
    """Check a loaded YAML document; name, release and nodes (a count) override what it says."""
    check = _Checker(source)
    top = check.mapping(data, "the spec", {"name", "release", "networks", "nodes", "defaults"})
    rack_name = check.name(name or top.get("name"), "name")
    rack_release = release or top.get("release", "trixie")
    if rack_release not in RELEASES:
        raise check.refuse(f"release: {rack_release!r} is not known; known are {', '.join(RELEASES)}")
    networks = _networks(check, top.get("networks"))
    defaults = check.mapping(top.get("defaults", {}), "defaults", {"disks", "cpu_flags"})

    listed = top.get("nodes", 3)
    count = nodes if nodes is not None else listed if isinstance(listed, int) else None
    if isinstance(listed, bool) or (count is not None and not 1 <= count <= 32):
        raise check.refuse(f"nodes: {count!r} machines; 1 to 32 are possible")
    items = listed if isinstance(listed, list) else []
    if isinstance(listed, (str, dict)):
        raise check.refuse(f"nodes must be a number or a list, found {listed!r}")
    if count is not None:
        items = items[:count] + [{"name": f"pve{number + 1}"} for number in range(len(items), count)]
    if not items:
        raise check.refuse("nodes: the list is empty")

    parsed = [_node(check, item, index, networks, defaults) for index, item in enumerate(items)]
    seen_names: set[str] = set()
    seen_addresses: dict[str, str] = {}
    for node in parsed:
        if node.name in seen_names:
            raise check.refuse(f"node {node.name} is listed twice")
        seen_names.add(node.name)
        for address in node.nics.values():
            if address in seen_addresses:
                raise check.refuse(f"address {address} is given to both {seen_addresses[address]} and {node.name}")
            seen_addresses[address] = node.name
    return Spec(rack_name, rack_release, networks, parsed)


def load_spec(path: Path, name: str | None = None, release: str | None = None, nodes: int | None = None) -> Spec:
    try:
        data = yaml.safe_load(path.read_text())
    except OSError as error:
        raise RackError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RackError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    return parse_spec({} if data is None else data, str(path), name or _stem(data, path), release, nodes)


def _stem(data: Any, path: Path) -> str | None:
    return None if isinstance(data, dict) and data.get("name") else path.stem
