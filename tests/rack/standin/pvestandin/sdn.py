"""Software-defined networks: what is staged in /etc/pve/sdn/*.cfg and what runs in .running-config (PVE/Network/SDN.pm,
PVE/Network/SDN/{Zones,Controllers}/*.pm, VnetPlugin.pm, SubnetPlugin.pm).

The addresses that Proxmox's own IPAM hands out are not kept here, fabrics and routing neither.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from typing import Any

from . import paths, pvefiles
from .errors import ApiError, Failure
from .section import OPTIONAL, REQUIRED, Section, SectionConfig, Sections
from .text import split_list, truth

KINDS = ("zones", "vnets", "subnets", "controllers")
"""What is staged. Those of IPAM and DNS count at once."""
RUNNING = "sdn/.running-config"
LOCK = "sdn/.lock"
PERL = "/usr/share/perl5/PVE"

_NAMES = "ipam dns reversedns dnszone"
_ZONES = {
    "simple": ("", f"nodes mtu dhcp {_NAMES}"),
    "vlan": ("bridge", f"nodes mtu bridge-disable-mac-learning {_NAMES}"),
    "qinq": ("tag bridge", f"nodes mtu bridge-disable-mac-learning vlan-protocol {_NAMES}"),
    "vxlan": ("", f"nodes mtu peers vxlan-port fabric {_NAMES}"),
    "evpn": (
        "vrf-vxlan controller",
        "nodes exitnodes exitnodes-local-routing exitnodes-primary advertise-subnets disable-arp-nd-suppression"
        f" bridge-disable-mac-learning rt-import secondary-controllers vxlan-port mtu mac {_NAMES}",
    ),
}
_CONTROLLERS = {
    "evpn": ("asn", "peers fabric bgp-mode nodes peer-group-name route-map-in route-map-out"),
    "bgp": (
        "node asn peers",
        "bgp-multipath-as-path-relax ebgp ebgp-multihop loopback route-map-in route-map-out",
    ),
    "isis": ("isis-domain isis-net isis-ifaces node", "loopback"),
}
_IPAMS = {
    "pve": ("", ""),
    "netbox": ("url token", "fingerprint"),
    "phpipam": ("url token section", "fingerprint"),
}
_DNS = {"powerdns": ("url key", "ttl reversemaskv6 fingerprint")}
_FROM_9 = {
    "fabric", "secondary-controllers", "bgp-mode", "nodes", "peer-group-name", "route-map-in", "route-map-out",
}  # fmt: skip
_INTEGERS = "mtu tag vrf-vxlan vxlan-port asn ebgp-multihop section ttl reversemaskv6"
_BOOLEANS = (
    "bridge-disable-mac-learning exitnodes-local-routing advertise-subnets disable-arp-nd-suppression vlanaware"
    " isolate-ports snat bgp-multipath-as-path-relax ebgp"
)
# hashes of names in Proxmox, which come out in the alphabet's order
_NODES = ("nodes", "exitnodes")


def _types(kind: str) -> dict[str, tuple[str, str]]:
    if kind == "vnets":
        return {"vnet": ("zone", "tag alias vlanaware isolate-ports")}
    if kind == "subnets":
        return {"subnet": ("vnet", "gateway snat dnszoneprefix dhcp-range dhcp-dns-server")}
    return {"zones": _ZONES, "controllers": _CONTROLLERS, "ipams": _IPAMS, "dns": _DNS}[kind]


def _known(kind: str, name: str) -> bool:
    if paths.release()[0] >= 9 or (kind == "zones" and name == "nodes"):
        return True
    return name not in _FROM_9


def table(kind: str) -> SectionConfig:
    types = {
        label: {
            **dict.fromkeys(required.split(), REQUIRED),
            **{name: OPTIONAL for name in optional.split() if _known(kind, name)},
        }
        for label, (required, optional) in _types(kind).items()
    }
    names = {name for options in types.values() for name in options}
    return SectionConfig(types, {name: {"type": _type(name), "optional": 1} for name in names})


def _type(name: str) -> str:
    if name in ("dhcp-range", "secondary-controllers"):
        return "array"
    return "integer" if name in _INTEGERS.split() else "boolean" if name in _BOOLEANS.split() else "string"


def read(kind: str) -> Sections:
    file = f"sdn/{kind}.cfg"
    return table(kind).parse(pvefiles.read(file), file)


def write(kind: str, sections: Sections) -> None:
    with contextlib.suppress(FileExistsError):
        paths.pve("sdn").mkdir()
    pvefiles.write(f"sdn/{kind}.cfg", table(kind).write(sections))


def token_words() -> str:
    """The parameter that calls have from 9 on."""
    return "lock-token" if paths.release()[0] >= 9 else ""


def encoded(key: str, value: Any) -> Any:
    """As it is compared and shown: names of nodes in order."""
    if key in _NODES:
        return ",".join(sorted(value if isinstance(value, dict) else split_list(str(value))))
    if key == "dhcp-range" and isinstance(value, list):
        return ",".join(sorted(value))
    return value


# What runs


def running_config() -> dict[str, Any]:
    text = pvefiles.read(RUNNING)
    return json.loads(text) if text.strip() else {}


def running(kind: str) -> dict[str, Section]:
    return dict(running_config().get(kind, {}).get("ids", {}))


def commit() -> None:
    """What is staged runs from now on, as a next version."""
    version = int(running_config().get("version") or 0) + 1
    config: dict[str, Any] = {"version": version}
    for kind in KINDS:
        config[kind] = {"ids": {name: _stored(section) for name, section in read(kind).ids.items()}}
    if paths.release()[0] >= 9:
        config["fabrics"] = {"ids": {}}
    pvefiles.write(RUNNING, json.dumps(config, separators=(",", ":")))


def _stored(section: Section) -> Section:
    return {
        key: dict.fromkeys(sorted(split_list(value)), 1) if key in _NODES else value for key, value in section.items()
    }


def roll_back() -> None:
    """What runs is staged again, and nothing else."""
    for kind in KINDS:
        ids = {
            name: {key: encoded(key, value) if key in _NODES else value for key, value in section.items()}
            for name, section in running(kind).items()
        }
        write(kind, Sections(ids))


def pending(kind: str) -> dict[str, Section]:
    """Each item as it runs, with its `state` and what is `pending` where the staged one differs."""
    old, new = running(kind), read(kind).ids
    return {name: _differences(old.get(name), new.get(name)) for name in sorted({*old, *new})}


def _differences(old: Section | None, new: Section | None) -> Section:
    row: Section = dict(old or {})
    changes: Section = {}
    state = "new" if old is None else "deleted" if new is None else ""
    if new is not None:
        changes = {key: "deleted" for key in old or {} if key not in new}
        for key, value in new.items():
            same = old is not None and key in old and str(encoded(key, old[key])) == str(encoded(key, value))
            if old is not None and not same:
                state = "changed"
            if key in ("type", "vnet"):
                row[key] = value
            elif not same:
                changes[key] = encoded(key, value)
        if old is not None and changes:
            state = "changed"
    return {**row, "state": state, "pending": changes} if state else row


def rows(kind: str, params: dict[str, Any]) -> tuple[dict[str, Section], str | None]:
    """What is staged, what runs, or both in one, as the caller asks for; and the digest of what is staged."""
    if truth(params.get("pending")):
        found, stamp = pending(kind), None
    elif truth(params.get("running")):
        found, stamp = running(kind), None
    else:
        sections = read(kind)
        found, stamp = sections.ids, sections.digest
    return {name: _shown(found[name]) for name in sorted(found)}, stamp


def _shown(section: Section) -> Section:
    return {key: encoded(key, value) if key in _NODES else value for key, value in section.items()}


def change(kind: str, sections: Sections, name: str, values: dict[str, Any]) -> Section:
    """The section with the new values and without those to delete. It is not written yet."""
    sections.assert_unmodified(values.pop("digest", None))
    delete = split_list(values.pop("delete", None))
    section = sections.ids[name]
    known = table(kind)
    given = known.check_config(section["type"], values, create=False)
    known.check_delete(section["type"], delete, given)
    for key in delete:
        section.pop(key, None)
    section.update(given)
    return section


def has_pending() -> bool:
    return any("pending" in row for kind in KINDS for row in pending(kind).values())


# The lock


@contextlib.contextmanager
def changing(what: str, token: str | None = None) -> Iterator[None]:
    """Proxmox's lock of this domain, and the global one that somebody may hold by a token (from 9 on).

    Every refusal comes out as 500: the sentence of one of a parameter has its name in a second line.
    """
    with pvefiles.lock("domain-sdn"):
        try:
            held = pvefiles.read(LOCK) if paths.release()[0] >= 9 else ""
            if held and token != held:
                raise Failure(f"invalid lock token provided! at {PERL}/Network/SDN.pm line 366.")
            yield
        except ApiError as error:
            said = error.message
            if error.errors:
                lines = "\n".join(f"{name}: {text}" for name, text in error.errors.items())
                said = f"{error.status} {error.message}\n{lines}"
            raise Failure(f"{what}: {said}") from error


def take_lock() -> str:
    """A UUID of the seventh version: its beginning is the time."""
    stamp, rest = int(time.time() * 1000), os.urandom(10).hex()
    digits = f"{stamp:012x}7{rest[:3]}8{rest[3:18]}"
    token = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))
    with contextlib.suppress(FileExistsError):
        paths.pve("sdn").mkdir()
    pvefiles.write(LOCK, token)
    return token


def drop_lock() -> None:
    pvefiles.remove(LOCK)
