"""The firewall's files: cluster.fw and nodes/NAME/host.fw (PVE/Firewall.pm of pve-firewall)."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import formats, paths, pvefiles
from .errors import Failure, bad_parameters
from .text import hash_order, number

NAME = r"[A-Za-z][A-Za-z0-9\-_]+"
CLUSTER = "firewall/cluster.fw"
INTEGERS = {
    "enable",
    "ebtables",
    "log_nf_conntrack",
    "ndp",
    "nf_conntrack_allow_invalid",
    "nf_conntrack_max",
    "nf_conntrack_tcp_timeout_established",
    "nf_conntrack_tcp_timeout_syn_recv",
    "nftables",
    "nosmurfs",
    "protection_synflood",
    "protection_synflood_burst",
    "protection_synflood_rate",
    "tcpflags",
}
PORTS = {"udp", "17", "udplite", "136", "tcp", "6", "dccp", "33", "sctp", "132"}
PROTOCOLS = PORTS | {
    "icmp",
    "1",
    "icmpv6",
    "ipv6-icmp",
    "58",
    "igmp",
    "2",
    "gre",
    "47",
    "esp",
    "50",
    "ah",
    "51",
    "vrrp",
}
SERVICES = {"ssh", "http", "https", "domain", "ntp", "smtp", "ldap", "ldaps", "snmp", "nfs", "iscsi-target", "rsync"}
ICMP = {"icmp": 4, "icmpv6": 6, "ipv6-icmp": 6}
ICMP_TYPES = {"any", "echo-request", "echo-reply", "destination-unreachable", "time-exceeded", "redirect"}
ICMP6_TYPES = {"echo-request", "echo-reply", "destination-unreachable", "packet-too-big", "router-advertisement"}
# Some of the macros: protocol and destination port of each of their rules
MACROS: dict[str, tuple[tuple[str, str], ...]] = {
    "BGP": (("tcp", "179"),),
    "Ceph": (("tcp", "6789"), ("tcp", "3300"), ("tcp", "6800:7300")),
    "DNS": (("udp", "53"), ("tcp", "53")),
    "FTP": (("tcp", "21"),),
    "GRE": (("47", ""),),
    "Git": (("tcp", "9418"),),
    "HTTP": (("tcp", "80"),),
    "HTTPS": (("tcp", "443"),),
    "IMAP": (("tcp", "143"),),
    "IMAPS": (("tcp", "993"),),
    "LDAP": (("tcp", "389"),),
    "LDAPS": (("tcp", "636"),),
    "Mail": (("tcp", "25"), ("tcp", "465"), ("tcp", "587")),
    "MySQL": (("tcp", "3306"),),
    "NTP": (("udp", "123"),),
    "OpenVPN": (("udp", "1194"),),
    "PMG": (("tcp", "8006"),),
    "Ping": (("icmp", "echo-request"),),
    "PostgreSQL": (("tcp", "5432"),),
    "RDP": (("tcp", "3389"),),
    "Rsync": (("tcp", "873"),),
    "SMTP": (("tcp", "25"),),
    "SNMP": (("udp", "161:162"), ("tcp", "161")),
    "SPICEproxy": (("tcp", "3128"),),
    "SSH": (("tcp", "22"),),
    "Syslog": (("udp", "514"), ("tcp", "514")),
    "VNC": (("tcp", "5900:5999"),),
    "Web": (("tcp", "80"), ("tcp", "443")),
    "Webcache": (("tcp", "8080"),),
}
TYPES = {
    "group": ("in", "out", "forward"),
    "cluster": ("in", "out", "forward", "group"),
    "host": ("in", "out", "forward", "group"),
}
_FLAGS = (
    ("iface", "-i"),
    ("source", "-source"),
    ("dest", "-dest"),
    ("proto", "-p"),
    ("dport", "-dport"),
    ("sport", "-sport"),
    ("log", "-log"),
    ("icmp-type", "-icmp-type"),
)
Rule = dict[str, Any]


@dataclass
class Config:
    """What one file holds. Names of sets and groups are in lower case once they were read from it."""

    options: dict[str, Any] = field(default_factory=dict)
    aliases: dict[str, dict[str, Any]] = field(default_factory=dict)
    ipset: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    ipset_comments: dict[str, str] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    groups: dict[str, list[Rule]] = field(default_factory=dict)
    group_comments: dict[str, str] = field(default_factory=dict)


# -- formats of parameters


def _address(text: str) -> bool:
    return formats.is_ip(text.partition("/")[0]) and re.fullmatch(r"[^/]+(/\d+)?", text) is not None


def clean(text: str) -> str:
    """A network without the bits of a host in it, an address without a length."""
    if "/" not in text:
        return text
    network = ipaddress.ip_network(text, strict=False)
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def short(text: str) -> str:
    return re.sub(r"/32$" if "." in text else r"/128$", "", text)


def addresses(text: str) -> int | None:
    """The IP version of a list of addresses; None for a name. Raises ValueError."""
    if re.fullmatch(r"\+\S+", text) or re.fullmatch(rf"(?:dc/|guest/)?{NAME}", text):
        return None
    items = text.split(",")
    versions = []
    for item in items:
        try:
            if "-" in item:
                versions += [ipaddress.ip_address(part).version for part in item.split("-", 1)]
            else:
                versions.append(ipaddress.ip_network(item).version)
        except ValueError:
            raise ValueError(f"invalid IP address: Invalid chars in IP {item}") from None
    if len(set(versions)) > 1:
        raise ValueError(f"detected mixed ipv4/ipv6 addresses in address list '{text}'")
    if "-" in text and len(items) > 1:
        raise ValueError("you can't use a range in a list")
    return versions[0]


def ports(text: str, icmp: bool) -> None:
    count = 0
    for item in text.split(","):
        match = re.fullmatch(r"(\d+)(?::(\d+))?", item)
        if match:
            first, last = int(match[1]), int(match[2] or match[1])
            for one in (first, last):
                if one > 65535:
                    raise ValueError(f"invalid port '{one}'")
            if first > last:
                raise ValueError(f"backwards range '{item}' not allowed, did you mean '{last}:{first}'?")
            count += 2 if match[2] else 1
        elif item not in SERVICES and not (icmp and item in ICMP_TYPES | ICMP6_TYPES):
            raise ValueError(f"invalid port '{item}'")
    if count > 15:
        raise ValueError("too many entries in port list (> 15 numbers)")


def _checked(function: Any) -> Any:
    def check(value: str) -> None:
        try:
            function(value)
        except ValueError as error:
            raise ValueError(f"{error}\n") from None

    return check


def _protocol(value: str) -> None:
    if value and value not in PROTOCOLS:
        raise ValueError(f"unknown protocol '{value}'")


def _icmp_type(value: str) -> None:
    if value and value not in ICMP_TYPES | ICMP6_TYPES:
        raise ValueError(f"invalid icmp-type value '{value}'")


_NO_ADDRESS = "value does not look like a valid IP address or CIDR network\n"
formats.FORMATS["IPorCIDR"] = (_address, _NO_ADDRESS)
formats.FORMATS["IPorCIDRorAlias"] = (
    lambda text: re.fullmatch(rf"(dc/|guest/)?{NAME}", text) is not None or _address(text),
    _NO_ADDRESS,
)
formats.SPECIAL["pve-fw-addr-spec"] = _checked(addresses)
formats.SPECIAL["pve-fw-sport-spec"] = _checked(lambda text: ports(text, False))
formats.SPECIAL["pve-fw-dport-spec"] = _checked(lambda text: ports(text, True))
formats.SPECIAL["pve-fw-protocol-spec"] = _checked(_protocol)
formats.SPECIAL["pve-fw-icmp-type-spec"] = _checked(_icmp_type)


# -- reading and writing


def host_file(node: str) -> str:
    return f"nodes/{node}/host.fw"


def read(name: str = CLUSTER, cluster: Config | None = None) -> Config:
    config, section, key = Config(), "", ""
    env = "cluster" if name == CLUSTER else "host"
    for line in filter(None, map(str.strip, pvefiles.read(name).splitlines())):
        if line.startswith("#"):
            continue
        if match := re.fullmatch(r"\[(options|aliases|rules)\]", line, re.IGNORECASE):
            section = match[1].lower()
        elif match := re.fullmatch(r"\[(group|ipset)\s+(\S+)\]\s*(?:#\s*(.*?)\s*)?", line, re.IGNORECASE):
            section, key = match[1].lower(), match[2].lower()
            things, comments = _things(config, section)
            things[key] = []
            if match[3]:
                comments[key] = match[3]
        elif section == "options":
            option, _colon, value = line.partition(":")
            config.options[option.lower()] = _option(env, option.lower(), value.strip())
        elif section == "aliases":
            alias = _parse_alias(line)
            config.aliases[alias["name"].lower()] = alias
        elif section == "ipset":
            config.ipset[key].append(_parse_member(line))
        elif section in ("rules", "group"):
            into = config.rules if section == "rules" else config.groups[key]
            into.append(parse_rule(line, cluster or config, "group" if section == "group" else env))
    return config


def _things(config: Config, section: str) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    if section == "group":
        return config.groups, config.group_comments
    return config.ipset, config.ipset_comments


def _option(env: str, name: str, value: str) -> Any:
    if name not in INTEGERS:
        return value
    result = int(number(value))
    # switched on for a minute only
    return 0 if env == "cluster" and name == "enable" and result > 1 and time.time() - result > 60 else result


def _comment(line: str) -> tuple[str, str | None]:
    text, hash_, comment = line.partition("#")
    return text.strip(), comment.strip() or None if hash_ else None


def _parse_alias(line: str) -> dict[str, Any]:
    text, comment = _comment(line)
    name, _blank, cidr = text.partition(" ")
    alias = {"name": name, "cidr": short(cidr.strip()), "ipversion": 6 if ":" in cidr else 4}
    return {**alias, **({"comment": comment} if comment else {})}


def _parse_member(line: str) -> dict[str, Any]:
    text, comment = _comment(line)
    entry: dict[str, Any] = {"cidr": short(text.lstrip("! "))}
    entry |= {"nomatch": 1} if text.startswith("!") else {}
    return {**entry, **({"comment": comment} if comment else {})}


def parse_rule(line: str, cluster: Config, env: str) -> Rule:
    text, comment = _comment(line)
    rule: Rule = {"enable": int(not text.startswith("|"))}
    if comment is not None:
        rule["comment"] = comment
    kind, action, *words = text.lstrip("|").split()
    rule["type"], rule["action"] = kind.lower(), action
    if match := re.fullmatch(r"(\S+)\((ACCEPT|DROP|REJECT)\)", action):
        rule["macro"], rule["action"] = match[1], match[2]
    names = {flag: name for name, flag in _FLAGS}
    for flag, value in zip(words[::2], words[1::2], strict=True):
        rule[names[flag]] = value
    return verify(rule, cluster, env, noerr=True)


def write(config: Config, name: str = CLUSTER) -> None:
    parts = []
    if config.options:
        parts.append("[OPTIONS]\n\n" + "".join(f"{key}: {config.options[key]}\n" for key in hash_order(config.options)))
    if config.aliases:
        rows = [config.aliases[key] for key in sorted(config.aliases)]
        parts.append("[ALIASES]\n\n" + "".join(f"{one['name']} {one['cidr']}{_said(one)}\n" for one in rows))
    for key in sorted(config.ipset):
        rows = sorted(config.ipset[key], key=lambda one: one["cidr"])
        lines = [f"{'!' if one.get('nomatch') else ''}{one['cidr']}{_said(one)}\n" for one in rows]
        parts.append(f"[IPSET {key}]{_of(config.ipset_comments, key)}\n\n" + "".join(lines))
    if config.rules:
        parts.append("[RULES]\n\n" + "".join(map(format_rule, config.rules)))
    for key in sorted(config.groups):
        lines = [format_rule({**rule, "iface": None}) for rule in config.groups[key]]
        parts.append(f"[group {key}]{_of(config.group_comments, key)}\n\n" + "".join(lines))
    if not parts:
        pvefiles.remove(name)
        return
    paths.pve(name).parent.mkdir(parents=True, exist_ok=True)
    pvefiles.write(name, "".join(f"{part}\n" for part in parts))


def _said(entry: Mapping[str, Any]) -> str:
    comment = str(entry.get("comment") or "")
    return f" # {comment}" if comment.strip() else ""


def _of(comments: Mapping[str, str], key: str) -> str:
    return f" # {comments[key]}" if comments.get(key) else ""


def format_rule(rule: Rule) -> str:
    action = f"{rule['macro']}({rule['action']})" if rule.get("macro") else rule["action"]
    line = f"{'' if rule.get('enable', 1) else '|'}{rule['type'].upper()} {action}"
    for name, flag in _FLAGS:
        if rule.get(name) not in (None, "") and (name == "iface" or rule["type"] != "group"):
            line += f" {flag} {rule[name]}"
    return f"{line}{_said(rule)}\n"


def with_digest(rows: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """The rows as the API tells them, each with the digest of all."""
    sha = hashlib.sha1()
    copies = [{key: row[key] for key in sorted(row) if row[key] is not None} for row in rows]
    for row in copies:
        for key, value in row.items():
            if not isinstance(value, dict):
                sha.update(f"{key}:{value}\n".encode())
    digest = sha.hexdigest()
    return [{**row, "digest": digest} for row in copies], digest


def assert_unmodified(found: str, expected: str | None) -> None:
    if expected and expected != found:
        raise Failure("detected modified configuration - file changed by other user? Try again.")


# -- what a rule has to be


def verify(rule: Rule, cluster: Config, env: str, *, noerr: bool = False) -> Rule:
    """As verify_rule in PVE/Firewall.pm: the first thing that is wrong, or with `noerr` all of it in `errors`."""
    errors: dict[str, str] = {}
    for name, text in _problems(rule, cluster, env):
        if not noerr:
            raise bad_parameters({name: text})
        errors.setdefault(name, text)
    if errors:
        rule["errors"] = errors
    return rule


def _problems(rule: Rule, cluster: Config, env: str) -> Iterable[tuple[str, str]]:
    kind, action = rule.get("type"), rule.get("action")
    if not action:
        yield "action", "missing property"
    if kind not in TYPES[env]:
        yield "type", f"invalid rule type '{kind}' for rule_env '{env}'"
    if kind == "forward" and action == "REJECT":
        yield "action", "cannot define REJECT rules on forward chain"
    if kind != "group" and action not in ("ACCEPT", "DROP", "REJECT"):
        yield "action", f"unknown action '{action}'"
    if rule.get("iface") and env == "group":
        yield "type", "parameter -i not allowed for this rule type"
    if rule.get("macro"):
        preferred = {name.lower(): name for name in MACROS}.get(str(rule["macro"]).lower())
        if preferred is None:
            yield "macro", f"unknown macro '{rule['macro']}'"
        else:
            rule["macro"] = preferred
    yield from _ports(rule)
    versions = {ICMP[rule["proto"]]} if rule.get("proto") in ICMP else set()
    for name in ("source", "dest"):
        if not (text := rule.get(name)):
            continue
        try:
            versions |= {addresses(text)} - {None}
        except ValueError as error:
            yield name, str(error)
        yield from _reference(name, text, cluster, versions)
        if len(versions) > 1:
            yield name, "detected mixed ipv4/ipv6 addresses in rule"
    if versions:
        rule["ipversion"] = max(versions)
    yield from _macro(rule)


def _reference(name: str, text: str, cluster: Config, versions: set[Any]) -> Iterable[tuple[str, str]]:
    if text.startswith("+"):
        match = re.fullmatch(rf"\+(guest/|dc/|sdn/)?({NAME})", text)
        if not match:
            yield name, f"invalid ipset name '{text}'"
        elif match[2] not in cluster.ipset and match[1] != "sdn/":
            yield name, f"no such ipset '{match[2]}'"
    elif match := re.fullmatch(rf"(guest/|dc/)?({NAME})", text):
        alias = cluster.aliases.get(match[2].lower())
        if alias is None:
            yield name, f"no such alias '{text}'"
        else:
            versions.add(alias.get("ipversion", 6 if ":" in alias["cidr"] else 4))


def _ports(rule: Rule) -> Iterable[tuple[str, str]]:
    proto = rule.get("proto")
    for name in ("dport", "sport"):
        if not rule.get(name):
            continue
        icmp = name == "dport" and proto in ICMP
        try:
            ports(rule[name], icmp)
        except ValueError as error:
            yield name, str(error)
        if not proto:
            yield "proto", f"missing property - '{name}' requires this property"
        elif proto not in PORTS and not icmp:
            yield name, f"protocol '{proto}' does not support ports"
    if rule.get("icmp-type"):
        if proto not in ICMP:
            yield "proto", "missing property - 'icmp-type' requires this property"
        if rule.get("dport"):
            yield "icmp-type", "'icmp-type' cannot be specified together with 'dport'"
        if proto in ICMP and rule["icmp-type"] not in (ICMP_TYPES if proto == "icmp" else ICMP6_TYPES):
            yield "icmp-type", f"invalid icmp-type '{rule['icmp-type']}' for proto '{proto}'"


def _macro(rule: Rule) -> Iterable[tuple[str, str]]:
    for proto, dport in MACROS.get(str(rule.get("macro")), ()):
        known = {"proto": "icmpv6" if proto == "icmp" and rule.get("ipversion") == 6 else proto, "dport": dport}
        for name, value in known.items():
            if value and rule.get(name) not in (None, value):
                yield name, f"parameter '{name}' already define in macro (value = '{value}')"
                return
