"""SPEC: what a rack shall be. Read from YAML, completed with defaults, checked before anything is touched."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from rack.errors import RackError
from rack.model import Disk, Guest, Network, Nic, Node, Spec

__all__ = ["BACKENDS", "RELEASES", "Disk", "Guest", "Network", "Nic", "Node", "Spec", "load_spec", "parse_spec"]

RELEASES = {"trixie": "9", "bookworm": "8"}
BACKENDS = ("container", "metal")
DEFAULT_NETWORKS = {"management": "10.99.0.0/24", "cluster": "10.98.0.0/24", "storage": "10.97.0.0/24"}
BUSES = ("scsi", "virtio", "nvme", "sata")
SERVICES = ("lldpd", "openvswitch-switch", "smartmontools")
GROUPS = ("pve", "pbs")
GUESTS = ("qemu", "lxc")
CONTENTS = ("ext4", "gpt", "lvm", "ceph")
FIRST_HOST = 11
MAX_NICS = 8
MAX_DISKS = {"container": 24, "metal": 12}
_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")
_FLAG = re.compile(r"^-?[a-z0-9_]+$")
_SIZE = re.compile(r"^([0-9]+)([KMGT]?)$")
_MAC = re.compile(r"^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$")
_MACHINE_ID = re.compile(r"^[0-9a-f]{32}$")
_WORD = re.compile(r"^[A-Za-z0-9][A-Za-z0-9 ._()-]{0,60}$")
_SERIAL = re.compile(r"^[A-Za-z0-9_-]{1,20}$")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

# What only a machine with a kernel and hardware of its own can have.
METAL_NODE = {"memory", "cores", "firmware", "iommu", "watchdog", "clock", "smbios", "services"}
METAL_NIC = {"lag", "native", "tagged", "mtu"}
METAL_DISK = {"bus", "serial", "ssd"}
METAL_NETWORK = {"mtu", "parent", "vlan"}


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

    def number(self, value: Any, where: str, low: float, high: float) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.refuse(f"{where}: {value!r} is no whole number from {low} to {high}")
        return value

    def matching(self, value: Any, where: str, pattern: re.Pattern[str], what: str) -> str:
        if not isinstance(value, str) or not pattern.match(value):
            raise self.refuse(f"{where}: {value!r} is no {what}")
        return value

    def one_of(self, value: Any, where: str, choices: tuple[str, ...]) -> str:
        if value not in choices:
            raise self.refuse(f"{where}: {value!r} is not known; known are {', '.join(choices)}")
        return str(value)

    def boolean(self, value: Any, where: str) -> bool:
        if not isinstance(value, bool):
            raise self.refuse(f"{where} must be true or false, found {value!r}")
        return value

    def metal_only(self, item: dict[str, Any], keys: set[str], where: str, backend: str) -> None:
        """A container has the host's kernel and no hardware: what it cannot have is refused, not left out."""
        asked = sorted(keys & set(item))
        if asked and backend != "metal":
            raise self.refuse(f"{where}: {', '.join(asked)} needs backend: metal; a container cannot have it")


def _networks(check: _Checker, value: Any, backend: str) -> list[Network]:
    if value is None:
        return [Network(name, cidr) for name, cidr in DEFAULT_NETWORKS.items()]
    networks: list[Network] = []
    for key, given in check.mapping(value, "networks", None).items():
        name = check.name(key, "networks")
        where = f"network {name}"
        item = check.mapping(given, where, {"cidr"} | METAL_NETWORK)
        check.metal_only(item, METAL_NETWORK, where, backend)
        cidr = item.get("cidr")
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
        mtu = check.number(item.get("mtu", 1500), f"{where}: mtu", 576, 9216)
        networks.append(Network(name, str(network), mtu, *_tag(check, item, where, networks)))
    if not networks or networks[0].parent:
        raise check.refuse("networks: at least one is needed; the first, untagged, is the one that ssh and apt use")
    return networks


def _tag(check: _Checker, item: dict[str, Any], where: str, networks: list[Network]) -> tuple[str | None, int | None]:
    """(parent, vlan) of a tagged network; both or neither."""
    if "parent" not in item and "vlan" not in item:
        return None, None
    cables = [network.name for network in networks if network.parent is None]
    if item.get("parent") not in cables:
        raise check.refuse(
            f"{where}: parent {item.get('parent')!r} is no network above that has cables; there are {', '.join(cables)}"
        )
    return item["parent"], check.number(item.get("vlan"), f"{where}: vlan", 2, 4094)


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


def _nics(check: _Checker, given: Any, index: int, networks: list[Network], where: str, backend: str) -> list[Nic]:
    """From {network: address}, from a list of mappings, or one NIC in every network with a cable."""
    cables = {network.name: network for network in networks if network.parent is None}
    automatic = {name: str(network.network[FIRST_HOST + index]) for name, network in cables.items()}
    if given is None:
        given = automatic
    if isinstance(given, dict):
        listed = check.mapping(given, f"{where}: nics", set(cables))
        given = [{"network": name, "address": listed[name]} for name in cables if name in listed]
    nics = []
    for number, value in enumerate(check.sequence(given, f"{where}: nics")):
        place = f"{where}: nics[{number}]"
        item = check.mapping(value, place, {"network", "address", "mac"} | METAL_NIC)
        check.metal_only(item, METAL_NIC, place, backend)
        name = check.one_of(item.get("network"), f"{place}.network", tuple(cables))
        address = automatic[name] if item.get("address") == "auto" else item.get("address")
        lag, mac, tagged = item.get("lag"), item.get("mac"), item.get("tagged")
        if tagged is not None:
            tagged = [check.number(vlan, f"{place}.tagged", 1, 4094) for vlan in check.sequence(tagged, place)]
        nics.append(
            Nic(
                network=name,
                address=None if address is None else _address(check, address, cables[name], where),
                mac=None if mac is None else check.matching(mac, f"{place}.mac", _MAC, "MAC address of one card"),
                lag=None if lag is None else check.name(lag, f"{place}.lag"),
                native=check.number(item.get("native", 1), f"{place}.native", 1, 4094),
                tagged=tagged,
                mtu=check.number(item["mtu"], f"{place}.mtu", 576, 9216) if "mtu" in item else None,
            )
        )
    if not any(nic.network == networks[0].name and nic.address for nic in nics):
        raise check.refuse(
            f"{where}: nics lacks {networks[0].name!r} with an address, the network that ssh and apt use"
        )
    if len(nics) > MAX_NICS:
        raise check.refuse(f"{where}: {len(nics)} NICs; {MAX_NICS} at most")
    # The first address is the one that ssh uses.
    return sorted(nics, key=lambda nic: not (nic.network == networks[0].name and nic.address))


def _disks(check: _Checker, given: Any, where: str, backend: str) -> list[Disk]:
    disks = []
    for number, value in enumerate(check.sequence(given, f"{where}: disks")):
        place = f"{where}: disks[{number}]"
        item = check.mapping(value, place, {"size", "content"} | METAL_DISK)
        check.metal_only(item, METAL_DISK, place, backend)
        bus = check.one_of(item.get("bus", "scsi"), f"{place}.bus", BUSES)
        if "ssd" in item and bus not in ("scsi", "sata"):
            raise check.refuse(f"{place}: ssd can be chosen on scsi and sata only; {bus} is what it is")
        serial = item.get("serial")
        disks.append(
            Disk(
                size=check.size(item.get("size"), f"{place}.size"),
                bus=bus,
                serial=None if serial is None else check.matching(serial, f"{place}.serial", _SERIAL, "serial number"),
                ssd=check.boolean(item["ssd"], f"{place}.ssd") if "ssd" in item else None,
                content=check.one_of(item["content"], f"{place}.content", CONTENTS) if "content" in item else None,
            )
        )
    if len(disks) > MAX_DISKS[backend]:
        raise check.refuse(f"{where}: {len(disks)} disks; {MAX_DISKS[backend]} at most")
    return disks


def _guests(check: _Checker, given: Any, where: str) -> list[Guest]:
    guests = []
    for number, value in enumerate(check.sequence(given, where)):
        place = f"{where}[{number}]"
        item = check.mapping(value, place, {"vmid", "type", "name"})
        guests.append(
            Guest(
                vmid=check.number(item.get("vmid"), f"{place}.vmid", 100, 999_999_999),
                type=check.one_of(item.get("type", "qemu"), f"{place}.type", GUESTS),
                name=check.name(item.get("name"), f"{place}.name"),
            )
        )
    return guests


def _smbios(check: _Checker, value: Any, where: str) -> dict[str, str]:
    given = check.mapping(value, where, {"vendor", "product", "serial"})
    return {key: check.matching(text, f"{where}.{key}", _WORD, "plain text") for key, text in given.items()}


def _hardware(check: _Checker, item: dict[str, Any], where: str) -> dict[str, Any]:
    """The checked values of what the node says about its hardware."""
    clock = item.get("clock", 0)
    if isinstance(clock, bool) or not isinstance(clock, (int, float)):
        raise check.refuse(f"{where}: clock: {clock!r} is no number of seconds")
    flags = check.sequence(item.get("cpu_flags", []), f"{where}: cpu_flags")
    for flag in flags:
        if not isinstance(flag, str) or not _FLAG.match(flag):
            raise check.refuse(f"{where}: cpu_flags: {flag!r} is no flag; write vmx to show one, -vmx to hide one")
    table: dict[str, Callable[[Any, str], Any]] = {
        "memory": check.size,
        "cores": lambda value, place: check.number(value, place, 1, 16),
        "firmware": lambda value, place: check.one_of(value, place, ("bios", "uefi")),
        "iommu": check.boolean,
        "watchdog": check.boolean,
        "machine_id": lambda value, place: check.matching(value, place, _MACHINE_ID, "machine id (32 digits, 0 to f)"),
        "group": lambda value, place: check.one_of(value, place, GROUPS),
        "guests": lambda value, place: _guests(check, value, place),
        "smbios": lambda value, place: _smbios(check, value, place),
        "services": lambda value, place: [check.one_of(item, place, SERVICES) for item in check.sequence(value, place)],
    }
    values = {key: work(item[key], f"{where}: {key}") for key, work in table.items() if key in item}
    return {**values, "clock": float(clock), "cpu_flags": flags}


NODE_KEYS = {"nics", "disks", "cpu_flags", "machine_id", "group", "guests"} | METAL_NODE


def _node(
    check: _Checker, value: Any, index: int, networks: list[Network], defaults: dict[str, Any], backend: str
) -> Node:
    given = check.mapping(value, f"nodes[{index}]", {"name"} | NODE_KEYS)
    if "name" not in given:
        raise check.refuse(f"nodes[{index}]: name is missing")
    name = check.name(given["name"], f"nodes[{index}].name")
    where = f"node {name}"
    item = {**defaults, **given}
    check.metal_only(item, METAL_NODE, where, backend)
    nics = _nics(check, item.get("nics"), index, networks, where, backend)
    disks = _disks(check, item.get("disks", []), where, backend)
    return Node(name, nics, disks, **_hardware(check, item, where))


def parse_spec(
    data: Any,
    source: str,
    name: str | None = None,
    release: str | None = None,
    nodes: int | None = None,
    backend: str | None = None,
) -> Spec:
    """Check a loaded YAML document; name, release, nodes (a count) and backend override what it says."""
    check = _Checker(source)
    top = check.mapping(data, "the spec", {"name", "release", "backend", "networks", "nodes", "defaults"})
    kind = check.one_of(
        backend or os.environ.get("RACK_BACKEND") or top.get("backend", "container"), "backend", BACKENDS
    )
    rack_name = check.name(name or top.get("name"), "name")
    rack_release = release or top.get("release", "trixie")
    if rack_release not in RELEASES:
        raise check.refuse(f"release: {rack_release!r} is not known; known are {', '.join(RELEASES)}")
    networks = _networks(check, top.get("networks"), kind)
    defaults = check.mapping(top.get("defaults", {}), "defaults", NODE_KEYS - {"machine_id", "guests"})

    listed = top.get("nodes", 3)
    count = nodes if nodes is not None else listed if isinstance(listed, int) else None
    if isinstance(listed, bool) or (count is not None and not 1 <= count <= 32):
        raise check.refuse(f"nodes: {count!r} machines; 1 to 32 are possible")
    items = listed if isinstance(listed, list) else []
    if isinstance(listed, (str, dict)):
        raise check.refuse(f"nodes must be a number or a list, found {listed!r}")
    if count is not None:
        items = _counted(items, count)
    if not items:
        raise check.refuse("nodes: the list is empty")

    parsed = [_node(check, item, index, networks, defaults, kind) for index, item in enumerate(items)]
    seen_names: set[str] = set()
    seen_addresses: dict[str, str] = {}
    seen_guests: dict[int, str] = {}
    for node in parsed:
        if node.name in seen_names:
            raise check.refuse(f"node {node.name} is listed twice")
        seen_names.add(node.name)
        for address in node.addresses.values():
            if address in seen_addresses:
                raise check.refuse(f"address {address} is given to both {seen_addresses[address]} and {node.name}")
            seen_addresses[address] = node.name
        for guest in node.guests:
            if guest.vmid in seen_guests:
                raise check.refuse(f"guest {guest.vmid} is given to both {seen_guests[guest.vmid]} and {node.name}")
            seen_guests[guest.vmid] = node.name
    return Spec(rack_name, rack_release, networks, parsed, kind)


def _counted(items: list[Any], count: int) -> list[Any]:
    """C(count) nodes of the cluster, those that are missing at the end; machines for something else stay."""
    nodes = [item for item in items if not isinstance(item, dict) or item.get("group", "pve") == "pve"]
    kept = [item for item in items if item not in nodes[count:]]
    return kept + [{"name": f"pve{number + 1}"} for number in range(len(nodes), count)]


def load_spec(
    path: Path,
    name: str | None = None,
    release: str | None = None,
    nodes: int | None = None,
    backend: str | None = None,
) -> Spec:
    try:
        data = yaml.safe_load(path.read_text())
    except OSError as error:
        raise RackError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RackError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    return parse_spec({} if data is None else data, str(path), name or _stem(data, path), release, nodes, backend)


def _stem(data: Any, path: Path) -> str | None:
    return None if isinstance(data, dict) and data.get("name") else path.stem
