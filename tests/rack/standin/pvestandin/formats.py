"""The named string formats of Proxmox's schemas, with the sentence of each refusal (PVE/JSONSchema.pm and others)."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable
from typing import Any

from . import calendar, paths
from .text import split_list

Check = Callable[[str], bool]

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_USER_PART = r"[\w+\-~]+(?:\.[\w+\-~]+)*"
EMAIL = rf"{_USER_PART}@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*"
REALM = r"[A-Za-z][A-Za-z0-9.\-_]+"
USER = r"[^\s:/]+"
TOKEN = rf"({USER}@{REALM})!({REALM})"
DNS_NAME = rf"(?:{_LABEL}\.)*{_LABEL}"


def _re(pattern: str, flags: int = re.ASCII) -> Check:
    compiled = re.compile(pattern, flags)
    return lambda value: compiled.fullmatch(value) is not None


def is_ip(value: str, version: int | None = None) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return version is None or address.version == version


def is_cidr(value: str, version: int | None = None, shortest: int = 8) -> bool:
    address, slash, bits = value.partition("/")
    return (
        bool(slash)
        and is_ip(address, version)
        and bits.isdigit()
        and shortest <= int(bits) <= ipaddress.ip_address(address).max_prefixlen
    )


def _host_and_port(value: str) -> bool:
    match = re.fullmatch(r"\[([^\]]+)\](?::\d+)?|([^:\[\]]+)(?::\d+)?|([0-9a-fA-F:]+)", value)
    if not match:
        return False
    host = match[1] or match[2] or match[3]
    return is_ip(host) or (match[2] is not None and _re(DNS_NAME)(host))


def _timezone(value: str) -> bool:
    table = paths.at("/usr/share/zoneinfo/zone.tab")
    zones = (
        {line.split("\t")[2] for line in table.read_text().splitlines() if line and not line.startswith("#")}
        if table.exists()
        else set()
    )
    return value == "UTC" or value in zones


def _vlan_range(value: str) -> bool:
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", value)
    tags = [int(tag) for tag in match.groups() if tag] if match else []
    return bool(tags) and all(2 <= tag <= 4094 for tag in tags) and tags == sorted(set(tags))


def _pem(value: str) -> bool:
    match = re.fullmatch(r"\s*-----BEGIN [A-Z ]+-----\s+(.*?)\s+-----END [A-Z ]+-----\s*", value, re.DOTALL)
    try:
        return bool(match) and bool(base64.b64decode(match[1], validate=False)) if match else False
    except ValueError:
        return False


def _dir_override(value: str) -> bool:
    kind, equals, path = value.partition("=")
    return (
        bool(equals)
        and kind in CONTENT_TYPES
        and bool(re.fullmatch(r"[^.]*(?:\.?[^.]+)+", path))
        and len(path) < 1023
        and all(len(part) < 255 for part in path.split("/"))
    )


IPV4_MASKS = {str(ipaddress.ip_network(f"0.0.0.0/{bits}").netmask): bits for bits in range(33)}
CONTENT_TYPES = ("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "none", "import")
_PATH = _re(r"/[^;()]+.*", re.DOTALL)
_NODE = _re(_LABEL)
_ADDRESS: Check = lambda value: is_ip(value) or _re(DNS_NAME)(value)  # noqa: E731

# name: (check, sentence; {v} is the value)
_DOMAIN, _ALIAS = "[A-Za-z0-9][A-Za-z0-9_-]*", "[A-Za-z0-9_][A-Za-z0-9_-]*"
_WORD = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
FORMATS: dict[str, tuple[Check, str]] = {
    "string": (lambda value: True, ""),
    "urlencoded": (_re(r"[-%a-zA-Z0-9_.!~*'()]*"), "invalid urlencoded string: {v}"),
    "pve-configid": (_re(r"[a-zA-Z][a-zA-Z0-9_-]+"), "invalid configuration ID '{v}'"),
    "pve-bridge-id": (_re(r"[-_.\w]+"), "invalid bridge ID '{v}'"),
    "pve-acme-domain": (_re(rf"{_DOMAIN}(?:\.{_DOMAIN})+"), "value '{v}' does not look like a valid domain name!\n"),
    "pve-acme-alias": (_re(rf"{_ALIAS}(?:\.{_ALIAS})+"), "value '{v}' does not look like a valid alias name!\n"),
    "pve-vmid": (_re(r"[1-9][0-9]{2,8}"), "value does not look like a valid VM ID"),
    "pve-node": (_NODE, "value does not look like a valid node name"),
    "mac-addr": (
        _re(r"[a-fA-F0-9][02468aceACE](?::[a-fA-F0-9]{2}){5}"),
        "value does not look like a valid unicast MAC address",
    ),
    "ipv4": (lambda value: is_ip(value, 4), "value does not look like a valid IPv4 address"),
    "ipv6": (lambda value: is_ip(value, 6), "value does not look like a valid IPv6 address"),
    "ip": (is_ip, "value does not look like a valid IP address"),
    "ldap-simple-attr": (_re(r"[a-zA-Z0-9]+"), "value '{v}' does not look like a simple ldap attribute name"),
    "ipv4mask": (lambda value: value in IPV4_MASKS, "value does not look like a valid IP netmask"),
    "CIDRv4": (lambda value: is_cidr(value, 4), "value does not look like a valid IPv4 CIDR network"),
    "CIDRv6": (lambda value: is_cidr(value, 6), "value does not look like a valid IPv6 CIDR network"),
    "CIDR": (is_cidr, "value does not look like a valid CIDR network"),
    "pve-ipv4-config": (
        lambda value: value in ("dhcp", "manual") or is_cidr(value, 4),
        "value does not look like a valid ipv4 network configuration",
    ),
    "pve-ipv6-config": (
        lambda value: value in ("auto", "dhcp", "manual") or is_cidr(value, 6),
        "value does not look like a valid ipv6 network configuration",
    ),
    "email": (_re(EMAIL, 0), "value does not look like a valid email address"),
    "email-or-username": (
        _re(rf"{EMAIL}|{_USER_PART}", 0),
        "value does not look like a valid email address or user name",
    ),
    "dns-name": (_re(DNS_NAME), "value does not look like a valid DNS name"),
    "timezone": (_timezone, "invalid time zone '{v}'"),
    "pve-iface": (_re(r"[a-zA-Z][a-zA-Z0-9_]{1,20}(?:[:.]\d+)?"), "invalid network interface name '{v}'"),
    "pve-vlan-id-or-range": (_vlan_range, "invalid VLAN configuration '{v}'"),
    "address": (_ADDRESS, "value does not look like a valid address: {v}"),
    "disk-size": (_re(r"\d+(?:\.\d+)?(?:[KMGT](?:iB)?)?"), "value does not look like a valid disk size: {v}"),
    "pve-tag": (_re(r"[a-zA-Z0-9_][a-zA-Z0-9_\-+.]*"), "invalid characters in tag"),
    "pve-task-status-type": (_re(r"ok|error|warning|unknown", re.IGNORECASE), "invalid status '{v}'"),
    "pve-storage-path": (_PATH, "value does not look like a valid absolute path"),
    "pve-storage-server": (_ADDRESS, "value does not look like a valid server name or IP address"),
    "pve-storage-vgname": (
        _re(r"[a-zA-Z0-9][a-zA-Z0-9\-_.]*[a-zA-Z0-9]"),
        "lvm name '{v}' contains illegal characters",
    ),
    "pve-storage-portal-dns": (_host_and_port, "value does not look like a valid portal address"),
    "pve-storage-content": (lambda value: value in CONTENT_TYPES, "invalid content type '{v}'"),
    "pve-storage-format": (_re(r"raw|qcow2|vmdk|subvol"), "invalid format '{v}'"),
    "pve-storage-options": (_re(r"\S+"), "invalid options '{v}'"),
    "pve-storage-zfs-blocksize": (_re(r"\d+(?:[kKmMgG])?"), "value does not look like a valid blocksize"),
    "pve-volume-id": (_re(r"[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]:.+"), "unable to parse volume ID '{v}'"),
    "pve-dir-override": (_dir_override, "invalid override '{v}'"),
    "pve-realm": (_re(REALM), "value does not look like a valid realm"),
    "pve-groupid": (_re(r"[A-Za-z0-9.\-_]+"), "group name '{v}' contains invalid characters"),
    "pve-roleid": (_re(r"[A-Za-z0-9.\-_]+"), "role name '{v}' contains invalid characters"),
    "pve-tokenid": (_re(TOKEN, 0), "value '{v}' does not look like a valid token ID"),
    "graphite-path": (_re(rf"{_WORD}(?:\.{_WORD})*"), "value does not look like a valid graphite path"),
    "pve-replication-job-id": (_re(r"[1-9][0-9]{2,}-\d+"), "invalid replication job id '{v}'"),
    "pve-ha-resource-id": (_re(r"[a-z]+:\S+"), "value does not look like a valid ha resource id"),
    "pve-ha-resource-or-vm-id": (_re(r"[a-z]+:\S+|\d+"), "value does not look like a valid ha resource id"),
    "pve-ha-node": (_re(rf"{_LABEL}(?::\d+)?"), "value does not look like a valid ha node"),
    "pem-string": (_pem, "not a valid PEM-formatted string."),
    "pem-certificate-chain": (
        lambda value: "-----BEGIN CERTIFICATE-----" in value,
        "not a valid PEM-formatted string.",
    ),
}

_PRUNE = {"type": "integer", "minimum": 0, "optional": 1}
_LIMIT = {"type": "number", "minimum": 0, "optional": 1}
PROPERTY_FORMATS: dict[str, dict[str, Any]] = {
    "prune-backups": {
        "keep-all": {"type": "boolean", "optional": 1},
        **{f"keep-{unit}": _PRUNE for unit in ("last", "hourly", "daily", "weekly", "monthly", "yearly")},
    },
    "bwlimit": {name: _LIMIT for name in ("default", "restore", "migration", "clone", "move")},
    "pve-tfa-config": {
        "type": {"type": "string", "enum": ["yubico", "oath"]},
        **{name: {"type": "string", "optional": 1} for name in ("id", "key", "url")},
        "digits": {"type": "integer", "minimum": 6, "maximum": 8, "optional": 1},
        "step": {"type": "integer", "minimum": 10, "optional": 1},
    },
    "realm-sync-options": {
        "scope": {"type": "string", "enum": ["users", "groups", "both"], "optional": 1},
        "remove-vanished": {
            "type": "string",
            "optional": 1,
            "pattern": "(?:(?:(?:acl|properties|entry);)*(?:acl|properties|entry))|none",
        },
        **{name: {"type": "boolean", "optional": 1} for name in ("full", "enable-new", "purge")},
    },
}


def _user_id(value: str) -> None:
    if len(value) < 3:
        raise ValueError(f"user name '{value}' is too short")
    if len(value) > 64:
        raise ValueError(f"user name '{value}' is too long ({len(value)} > 64)")
    if not re.fullmatch(rf"{USER}@{REALM}", value):
        raise ValueError(f"value '{value}' does not look like a valid user name")


def _identifier(kind: str) -> Callable[[str], None]:
    def check(value: str) -> None:
        if len(value) < 2:
            raise ValueError(f"{kind} ID '{value}' cannot be shorter than 2 characters")
        if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]", value):
            raise ValueError(f"{kind} ID '{value}' contains illegal characters")

    return check


def _calendar_event(value: str) -> None:
    try:
        calendar.parse(value)
    except ValueError as error:
        raise ValueError(f"invalid calendar event '{value}' - {error}\n") from error


def _pool_id(value: str) -> None:
    if len(value.split("/")) > 3:
        raise ValueError(f"pool name '{value}' nested too deeply (max levels = 3)")
    if not re.fullmatch(r"[A-Za-z0-9.\-_]+(?:/[A-Za-z0-9.\-_]+){0,2}", value):
        raise ValueError(f"pool name '{value}' contains invalid characters")


def _mac_prefix(value: str) -> None:
    half = "(?::[a-f0-9]?)?" if paths.release() >= (9, 1) else ":?"
    if not re.fullmatch(rf"[a-f0-9][02468ace](?::[a-f0-9]{{2}}){{0,2}}{half}", value, re.IGNORECASE):
        raise ValueError("value is not a valid unicast MAC address prefix")


def _privilege(value: str) -> None:
    from .privileges import valid  # which names are valid depends on the release

    if value not in valid():
        raise ValueError(f"invalid privilege '{value}'")


SPECIAL: dict[str, Callable[[str], None]] = {
    "pve-userid": _user_id,
    "pve-storage-id": _identifier("storage"),
    "acme-plugin-id": _identifier("ACME plugin"),
    "mac-prefix": _mac_prefix,
    "pve-poolid": _pool_id,
    "pve-calendar-event": _calendar_event,
    "pve-priv": _privilege,
}


def check(name: str, value: str) -> None:
    """Raise ValueError with Proxmox's sentence if the value does not have the named format.

    A name may end in -list or -opt. Formats that no handler here relies on are accepted as they are.
    """
    if name in PROPERTY_FORMATS or name == "regex":
        return
    base, _unused, suffix = name.rpartition("-")
    if suffix == "list" and name not in FORMATS:
        for item in split_list(value):
            check(base, item)
        return
    if suffix == "opt" and name not in FORMATS:
        if value:
            check(base, value)
        return
    if name in SPECIAL:
        SPECIAL[name](value)
    elif name in FORMATS and not FORMATS[name][0](value):
        raise ValueError(FORMATS[name][1].format(v=value))
