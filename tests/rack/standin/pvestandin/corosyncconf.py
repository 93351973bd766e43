"""corosync.conf: read, written and checked as Proxmox does it; values stay strings.

A parsed file is {"totem": {…, "interface": {number: {…}}}, "nodelist": {"node": {name: {…}}}, …}.
"""

from __future__ import annotations

import copy
import hashlib
import re
import socket
from typing import Any

from . import paths
from .errors import Failure

MAX_LINK = 7
_LISTS = ("node", "interface")
_LINK = re.compile(r"(?:ring|link)(\d+)_addr")
Conf = dict[str, Any]


def parse(text: str) -> Conf:
    """{} for an empty text. Raises Failure with the sentence of the first mistake."""
    if not text:
        return {}
    tokens = re.sub(r"#.*", "", text).split()
    conf: Conf = {}
    section, stack, position = conf, [], 0
    while position < len(tokens):
        token = tokens[position]
        following = tokens[position + 1] if position + 1 < len(tokens) else None
        if following == "{":
            new: Conf = {}
            if token in _LISTS:
                section.setdefault(token, []).append(new)
            elif token in section:
                raise Failure(f"section '{token}' already exists and not marked as array!")
            else:
                section[token] = new
            stack.append(section)
            section = new
            position += 2
        elif token == "}":
            if not stack:
                raise Failure("parse error - uncexpected '}'")
            section = stack.pop()
            position += 1
        elif not token.endswith(":"):
            raise Failure(f"missing ':' after key '{token}'")
        elif following is None:
            raise Failure(f"parse error - no value for '{token[:-1]}'")
        else:
            section[token[:-1]] = following
            position += 2
    nodes = conf.setdefault("nodelist", {}).get("node", [])
    conf["nodelist"]["node"] = {node.get("name", node.get("ring0_addr")): node for node in nodes}
    interfaces = conf.setdefault("totem", {}).get("interface", [])
    conf["totem"]["interface"] = {entry.get("linknumber", entry.get("ringnumber")): entry for entry in interfaces}
    return conf


def digest(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def dump(conf: Conf) -> str:
    """The file for a parsed configuration; keys are sorted."""
    conf = copy.deepcopy(conf)
    for section, key in (("nodelist", "node"), ("totem", "interface")):
        table = conf.setdefault(section, {}).get(key, {})
        conf[section][key] = [table[name] for name in sorted(table)]
    return _dump(conf, "")


def _dump(section: Conf, indent: str) -> str:
    text = ""
    for key in sorted(section):
        value = section[key]
        if isinstance(value, (dict, list)):
            for child in value if isinstance(value, list) else [value]:
                text += f"{indent}{key} {{\n{_dump(child, indent + '  ')}{indent}}}\n"
            if isinstance(value, dict) and not indent:
                text += "\n"
        else:
            text += f"{indent}{key}: {value}\n"
    return text


def parse_link(value: str) -> dict[str, str]:
    """A link argument: an address, or `address=…,priority=…`."""
    link: dict[str, str] = {}
    for part in value.split(","):
        key, equals, rest = part.partition("=")
        link[key if equals else "address"] = rest if equals else key
    return link


def print_link(link: dict[str, str]) -> str:
    return link["address"] + (f",priority={link['priority']}" if "priority" in link else "")


def links_of(params: dict[str, Any]) -> dict[int, dict[str, str]]:
    """The link0 … link7 among the parameters."""
    return {
        number: parse_link(str(params[f"link{number}"]))
        for number in range(MAX_LINK + 1)
        if params.get(f"link{number}")
    }


def node_links(node: dict[str, str]) -> dict[int, str]:
    """Link number → address of a node's section."""
    found = ((_LINK.fullmatch(key), value) for key, value in node.items())
    return {int(match[1]): value for match, value in found if match}


def new(name: str, address: str, params: dict[str, Any]) -> Conf:
    """The configuration of a new cluster with this node alone; version 0, which the first write raises."""
    links = links_of(params) or {0: {"address": address}}
    node = {"name": name, "nodeid": str(params.get("nodeid") or 1), "quorum_votes": str(params.get("votes") or 1)}
    interfaces = {}
    for number, link in links.items():
        interfaces[str(number)] = {"linknumber": str(number)}
        if int(link.get("priority", 0)):
            interfaces[str(number)]["knet_link_priority"] = link["priority"]
        node[f"ring{number}_addr"] = link["address"]
    return {
        "totem": {
            "version": "2",
            "secauth": "on",
            "cluster_name": params["clustername"],
            "config_version": "0",
            "ip_version": "ipv4-6",
            "link_mode": "passive",
            "interface": interfaces,
            **({"token_coefficient": str(params["token-coefficient"])} if "token-coefficient" in params else {}),
        },
        "nodelist": {"node": {name: node}},
        "quorum": {"provider": "corosync_votequorum"},
        "logging": {"to_syslog": "yes", "debug": "off"},
    }


def read() -> Conf:
    """/etc/pve/corosync.conf, {} if there is none."""
    file = paths.pve("corosync.conf")
    return parse(file.read_text()) if file.exists() else {}


def write(conf: Conf) -> None:
    """Raise the version and put it into /etc/pve; the cluster file system brings it to corosync on all nodes."""
    totem = conf["totem"]
    if "config_version" not in totem:
        raise Failure("invalid corosync config: unable to read config version")
    totem["config_version"] = str(int(totem["config_version"]) + 1)
    new_file = paths.pve("corosync.conf.new")
    try:
        new_file.write_text(dump(conf))
        new_file.rename(paths.pve("corosync.conf"))
    except OSError as error:
        raise Failure(f"unable to write '{new_file}' - {error.strerror}") from None


def check(conf: Conf) -> tuple[list[str], list[str]]:
    """(errors, warnings) about a configuration that somebody may have edited."""
    errors: list[str] = []
    warnings: list[str] = []
    nodes, totem = conf.get("nodelist", {}).get("node"), conf.get("totem")
    if nodes is None:
        return ["no nodes found"], warnings
    if totem is None:
        return ["no totem found"], warnings
    if totem.get("secauth") != "on" and totem.get("crypto_cipher", "none") == "none":
        warnings.append(
            "warning: authentication/encryption is not explicitly enabled (secauth / crypto_cipher / crypto_hash)"
        )
    interfaces = totem.get("interface", {})
    for number in range(MAX_LINK + 1):
        having = {name: node_links(nodes[name]).get(number) for name in sorted(nodes)}
        for name, address in having.items():
            label = f"ring{number}_addr"
            if address:
                warnings += _resolved(label, address, name)
                if interfaces and str(number) not in interfaces:
                    errors.append(f"node '{name}' has '{label}', but there is no interface number {number} configured")
            elif str(number) in interfaces:
                errors.append(f"node '{name}' is missing address forinterface number {number}")
            elif not interfaces and any(having.values()):
                errors.append(f"node '{name}' is missing link {number}, which is configured on other nodes")
    return errors, warnings


def _resolved(label: str, address: str, name: str) -> list[str]:
    try:
        found = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except OSError:
        return [
            f"warning: unable to resolve {label} '{address}' for node '{name}' to an IP address according to"
            " Corosync's resolve strategy - cluster could fail on restart!"
        ]
    first = sorted(found, key=lambda entry: entry[0] != socket.AF_INET)[0][4][0]
    if any(str(entry[4][0]) == address for entry in found):
        return []
    return [
        f"warning: {label} '{address}' for node '{name}' resolves to '{first}' - consider replacing it with the"
        " currently resolved IP address for stability"
    ]
