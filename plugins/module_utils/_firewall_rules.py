# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Rules of the firewall as values: how they are read, what is wrong with one, and which are the same.

The checks are those of verify_rule in PVE/Firewall.pm of pve-firewall, the same in Proxmox VE 8.4 and 9.2. A rule has no
identity there but its position, which shifts. Here it is known by what it matches and does: two rules are the same when
they differ at most in whether they are on, in what they log, and in their comment. Pure: nothing is asked here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import Kind, option_name, read_bool

Rule = dict[str, Any]

NAME = r"[A-Za-z][A-Za-z0-9_-]+"
# Proxmox reads them back in lower case from its own file, and finds them by no other name
LOWER = r"[a-z][a-z0-9_-]+"
ACTIONS = ("ACCEPT", "DROP", "REJECT")
TYPES = ("in", "out", "forward", "group")
LOG_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog")
# what can be changed in a rule without making another one of it
LOOSE = ("enable", "log", "comment")
# in the order in which a rule is shown
NAMES = ("type", "action", "macro", "iface", "source", "dest", "proto", "dport", "sport", "icmp_type", *LOOSE)
_OF_A_GROUP = {"type", "action", "iface", *LOOSE}
_WITH_PORTS = {"tcp", "6", "udp", "17", "udplite", "136", "dccp", "33", "sctp", "132"}
_ICMP = {"icmp": 4, "icmpv6": 6, "ipv6-icmp": 6}

# The macros by their names, and the protocol and destination ports that each of them means
MACROS: Mapping[str, str] = {
    "Amanda": "udp/10080 tcp/10080",
    "Auth": "tcp/113",
    "BGP": "tcp/179",
    "BitTorrent": "tcp/6881:6889 udp/6881",
    "BitTorrent32": "tcp/6881:6999 udp/6881",
    "CVS": "tcp/2401",
    "Ceph": "tcp/6789 tcp/3300 tcp/6800:7300",
    "Citrix": "tcp/1494 udp/1604 tcp/2598",
    "DAAP": "tcp/3689 udp/3689",
    "DCC": "tcp/6277",
    "DHCPfwd": "udp/67:68",
    "DHCPv6": "udp/546:547",
    "DNS": "udp/53 tcp/53",
    "Distcc": "tcp/3632",
    "FTP": "tcp/21",
    "Finger": "tcp/79",
    "GNUnet": "tcp/2086 udp/2086 tcp/1080 udp/1080",
    "GRE": "47",
    "Git": "tcp/9418",
    "HKP": "tcp/11371",
    "HTTP": "tcp/80",
    "HTTPS": "tcp/443",
    "ICPV2": "udp/3130",
    "ICQ": "tcp/5190",
    "IMAP": "tcp/143",
    "IMAPS": "tcp/993",
    "IPIP": "94",
    "IPsec": "udp/500 50",
    "IPsecah": "udp/500 51",
    "IPsecnat": "udp/500 udp/4500 50",
    "IRC": "tcp/6667",
    "Jetdirect": "tcp/9100",
    "L2TP": "udp/1701",
    "LDAP": "tcp/389",
    "LDAPS": "tcp/636",
    "MDNS": "udp/5353",
    "MSNP": "tcp/1863",
    "MSSQL": "tcp/1433",
    "Mail": "tcp/25 tcp/465 tcp/587",
    "Munin": "tcp/4949",
    "MySQL": "tcp/3306",
    "NNTP": "tcp/119",
    "NNTPS": "tcp/563",
    "NTP": "udp/123",
    "NeighborDiscovery": "icmpv6",
    "OSPF": "89",
    "OpenVPN": "udp/1194",
    "PCA": "udp/5632 tcp/5631",
    "PMG": "tcp/8006",
    "POP3": "tcp/110",
    "POP3S": "tcp/995",
    "PPtP": "47 tcp/1723",
    "Ping": "icmp/echo-request",
    "PostgreSQL": "tcp/5432",
    "Printer": "tcp/515",
    "RDP": "tcp/3389",
    "RIP": "udp/520",
    "RNDC": "tcp/953",
    "Razor": "tcp/2703",
    "Rdate": "tcp/37",
    "Rsync": "tcp/873",
    "SANE": "tcp/6566",
    "SMB": "udp/135,445 udp/137:139 udp/1024:65535 tcp/135,139,445",
    "SMBswat": "tcp/901",
    "SMTP": "tcp/25",
    "SMTPS": "tcp/465",
    "SNMP": "udp/161:162 tcp/161",
    "SPAMD": "tcp/783",
    "SPICEproxy": "tcp/3128",
    "SSH": "tcp/22",
    "SVN": "tcp/3690",
    "SixXS": "tcp/3874 udp/3740 41 udp/5072,8374",
    "Squid": "tcp/3128",
    "Submission": "tcp/587",
    "Syslog": "udp/514 tcp/514",
    "TFTP": "udp/69",
    "Telnet": "tcp/23",
    "Telnets": "tcp/992",
    "Time": "tcp/37",
    "Trcrt": "udp/33434:33524 icmp/echo-request",
    "VNC": "tcp/5900:5999",
    "VNCL": "tcp/5500",
    "Web": "tcp/80 tcp/443",
    "Webcache": "tcp/8080",
    "Webmin": "tcp/10000",
    "Whois": "tcp/43",
}
_MACRO_NAMES = {name.lower(): name for name in MACROS}


def _read(given: Any, *, plain: bool) -> list[Rule] | None:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ValueError(f"is {given!r}, not a list of rules")
    rules = []
    for number, one in enumerate(given):
        if not isinstance(one, Mapping):
            raise ValueError(f"has {one!r}, not a rule, at position {number}")
        try:
            rule = read_rule(one)
        except ValueError as error:
            raise ValueError(f"rule {number} ({shown(one)}): {error}") from None
        rules.append(tidy(rule) if plain else rule)
    return rules or None


def read_rule(given: Mapping[str, Any]) -> Rule:
    """A rule from a user or from the API, in the form and order in which it is shown. Raises C(ValueError)."""
    values = {option_name(str(name)): value for name, value in given.items() if value not in (None, "")}
    if strange := sorted(set(values) - set(NAMES) - {"pos", "digest", "ipversion", "errors"}):
        raise ValueError(f"has no setting {strange[0]}; known are {', '.join(NAMES)}")
    rule: Rule = {}
    for name in NAMES:
        if name not in values:
            continue
        text = " ".join(str(values[name]).split())
        if name == "enable":
            rule[name] = read_bool(values[name])
        elif name == "macro":
            rule[name] = _MACRO_NAMES.get(text.lower(), text)
        elif name in ("type", "log"):
            rule[name] = text.lower()
        elif name in ("source", "dest", "dport", "sport"):
            rule[name] = re.sub(r"\s*,\s*", ",", text)
        elif text:
            rule[name] = text
    if rule.get("type") != "group" and str(rule.get("action", "")).upper() in ACTIONS:
        rule["action"] = rule["action"].upper()
    return rule


def tidy(rule: Rule) -> Rule:
    """Without what is so anyway: a rule is on and logs nothing."""
    return {name: value for name, value in rule.items() if (name, value) not in (("enable", True), ("log", "nolog"))}


SPEC: dict[str, dict[str, Any]] = {
    "type": {"type": "str", "required": True, "choices": list(TYPES)},
    "action": {"type": "str", "required": True},
    **{name: {"type": "str"} for name in ("macro", "iface", "source", "dest", "proto", "dport", "sport", "icmp_type")},
    "enable": {"type": "bool"},
    "log": {"type": "str", "choices": list(LOG_LEVELS)},
    "comment": {"type": "str"},
}
_OPTION = {"type": "list", "elements": "dict", "options": SPEC}
# What is written elsewhere: no form has a list of rules
RULES = Kind("rules", lambda given: _read(given, plain=True), lambda _rules: "", _OPTION)
# With C(enable: true) kept where it was said
GIVEN_RULES = Kind("rules", lambda given: _read(given, plain=False), lambda _rules: "", _OPTION)


def shown(rule: Mapping[str, Any]) -> str:
    """A rule in few words, such as C(in ACCEPT SSH source=+admins)."""
    words = [str(rule.get("type", "")), str(rule.get("action", "")), str(rule.get("macro") or "")]
    words += [f"{name}={rule[name]}" for name in NAMES[3:10] if rule.get(name) not in (None, "")]
    return " ".join(word for word in words if word)


def key(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """What makes two rules the same. The names of the cluster may be written with C(dc/) in front."""
    words = [str(rule.get(name, "")) for name in NAMES[:10]]
    for index in (4, 5):
        words[index] = re.sub(rf"^(\+?)dc/(?={NAME}$)", r"\1", words[index])
        if re.fullmatch(NAME, words[index]):
            words[index] = words[index].lower()
    words[2] = words[2].lower()
    return tuple(words)


def named(rule: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a rule uses: C(alias), C(ipset) or C(group) and its name; sets of SDN are left out."""
    if rule.get("type") == "group":
        return [("group", str(rule.get("action", "")))]
    found = []
    for name in ("source", "dest"):
        if used := reference(str(rule.get(name) or "")):
            found.append(used)
    return found


def reference(text: str) -> tuple[str, str] | None:
    """The alias or IP set of the cluster that an address is."""
    if match := re.fullmatch(rf"\+(?:dc/)?({NAME})", text):
        return "ipset", match[1]
    if match := re.fullmatch(rf"(?:dc/)?({NAME})", text):
        return "alias", match[1].lower()
    return None


def check_rules(rules: Iterable[Mapping[str, Any]], *, inside_group: bool = False) -> Iterable[str]:
    for number, rule in enumerate(rules):
        for sentence in check(rule, inside_group=inside_group):
            yield f"rule {number} ({shown(rule)}): {sentence}"


def check(rule: Mapping[str, Any], *, inside_group: bool = False) -> Iterable[str]:
    """What Proxmox would refuse, or silently never use, as ends of sentences."""
    kind, action = rule.get("type"), str(rule.get("action", ""))
    if kind not in TYPES or not action:
        yield f"needs type ({', '.join(TYPES)}) and action"
        return
    if kind == "group":
        yield from _check_group(rule, inside_group)
        return
    if action not in ACTIONS:
        yield f"action is {action}; allowed are {', '.join(ACTIONS)}, and names of security groups with the type group"
    if kind == "forward" and action == "REJECT":
        yield "forwarded packets cannot be rejected, only accepted or dropped"
    if inside_group and rule.get("iface"):
        yield "iface is not for rules inside a group"
    if rule.get("log") not in (None, *LOG_LEVELS):
        yield f"log is {rule['log']}; allowed are {', '.join(LOG_LEVELS)}"
    yield from _check_iface(rule)
    yield from _check_ports(rule)
    yield from _check_addresses(rule)
    yield from _check_macro(rule)


def _check_group(rule: Mapping[str, Any], inside_group: bool) -> Iterable[str]:
    if inside_group:
        yield "a security group cannot use another one"
    if not re.fullmatch(LOWER, str(rule["action"])):
        yield f"action is {rule['action']}, not the name of a security group (lower-case letters, digits, - and _)"
    if strange := sorted(set(rule) - _OF_A_GROUP):
        yield f"{', '.join(strange)}: a rule of the type group has none"
    yield from _check_iface(rule)


def _check_iface(rule: Mapping[str, Any]) -> Iterable[str]:
    name = rule.get("iface")
    if name and not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{1,20}(?:[:.]\d+)?", str(name)):
        yield f"iface is {name}, not the name of an interface"


def _check_ports(rule: Mapping[str, Any]) -> Iterable[str]:
    proto = rule.get("proto")
    for name in ("dport", "sport"):
        if not (ports := rule.get(name)):
            continue
        if not proto and not rule.get("macro"):
            yield f"{name} needs proto"
        elif proto and str(proto) not in _WITH_PORTS and not (name == "dport" and proto in _ICMP):
            yield f"{name}: the protocol {proto} has no ports"
        if proto not in _ICMP:
            yield from (f"{name} {text}" for text in port_problems(str(ports)))
    if rule.get("icmp_type") and proto not in _ICMP:
        yield f"icmp_type needs proto {' or '.join(_ICMP)}"
    if rule.get("icmp_type") and rule.get("dport"):
        yield "icmp_type and dport exclude each other"


def port_problems(text: str) -> Iterable[str]:
    """Of a list of ports and ranges such as C(22,8000:8010)."""
    count = 0
    for item in text.split(","):
        match = re.fullmatch(r"(\d+)(?::(\d+))?", item)
        if not match:
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", item) or re.fullmatch(r"[\d-]+", item):
                yield f"has {item!r}, not a port, a range such as 8000:8010, or a name of /etc/services"
            continue
        first, last = int(match[1]), int(match[2] or match[1])
        count += 2 if match[2] else 1
        if max(first, last) > 65535:
            yield f"has {item}; ports go up to 65535"
        elif first > last:
            yield f"has {item}, a range that ends before it begins"
    if count > 15:
        yield f"has {count} numbers (a range has two); Proxmox takes 15 in one rule"


def _check_addresses(rule: Mapping[str, Any]) -> Iterable[str]:
    versions = {_ICMP[rule["proto"]]} if rule.get("proto") in _ICMP else set()
    told = False
    for name in ("source", "dest"):
        if not (text := rule.get(name)):
            continue
        found, problems = addresses(str(text))
        yield from (f"{name} {problem}" for problem in problems)
        told |= bool(problems)
        versions |= found
    if len(versions) > 1 and not told:
        yield "has IPv4 and IPv6 in one rule"


def addresses(text: str) -> tuple[set[int], list[str]]:
    """The IP versions of a source or destination that is not a name, and what is wrong with it."""
    if re.fullmatch(rf"\+(?:guest/|dc/|sdn/)?{NAME}", text) or re.fullmatch(rf"(?:guest/|dc/)?{NAME}", text):
        return set(), []
    problems, versions = [], set()
    items = text.split(",")
    for item in items:
        try:
            if "-" in item:
                first, last = (ipaddress.ip_address(part) for part in item.split("-", 1))
                versions |= {first.version, last.version}
                if first.version == last.version and int(first) > int(last):
                    problems.append(f"has {item}, a range that ends before it begins")
                if len(items) > 1:
                    problems.append(f"has {item} in a list; a range has to be alone")
            else:
                versions.add(ipaddress.ip_network(item, strict=True).version)
        except ValueError:
            problems.append(f"has {item!r}, not an address, a network, a range, an alias, or +name of an IP set")
    if len(versions) > 1 and not problems:
        problems.append("mixes IPv4 and IPv6")
    return versions, problems


def _check_macro(rule: Mapping[str, Any]) -> Iterable[str]:
    if (macro := rule.get("macro")) not in MACROS:
        return
    means = [part.partition("/")[::2] for part in MACROS[str(macro)].split()]
    if macro in ("Ping", "Trcrt"):
        # icmpv6 where the addresses are IPv6
        means.append(("icmpv6", "echo-request"))
    proto, dport = rule.get("proto"), rule.get("dport")
    allowed = {one for one, _ports in means}
    if proto and (proto not in allowed or (len(allowed) > 1 and macro not in ("Ping",))):
        yield f"proto is {proto}, but the macro {macro} means {MACROS[str(macro)]}"
    elif dport and any(ports and ports != dport for _proto, ports in means):
        yield f"dport is {dport}, but the macro {macro} means {MACROS[str(macro)]}"
