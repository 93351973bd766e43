"""/etc/pve/ceph.conf as Proxmox reads and writes it (PVE/CephConfig.pm): sections of `key = value`."""

from __future__ import annotations

import re
import sys

from .. import pvefiles
from ..text import split_list

FILE = "ceph.conf"
Conf = dict[str, dict[str, str]]
_ORDER = ("global", "client", "mds", "mon", "osd", "mgr")
"""Kinds of sections in the order in which they are written; each before its `kind.id`; others come last."""
_COMMENT = re.compile(r"(?<!\\)[;#].*$")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_LINE = re.compile(r"(?P<key>[^=\[\];#]+?)\s*=\s*(?P<value>.+)")


def read() -> Conf:
    return parse(pvefiles.read(FILE))


def write(conf: Conf) -> None:
    pvefiles.write(FILE, render(conf))


def parse(text: str) -> Conf:
    """Sections by name. What cannot be understood is skipped with a warning on stderr.

    A blank in a key is the same as an underscore, a backslash at the end joins lines, quotes around a value go.
    """
    conf: Conf = {}
    section: dict[str, str] | None = None
    for raw in re.sub(r"\\\n\s*", "", text).split("\n"):
        line = _COMMENT.sub("", raw).strip()
        if not line:
            continue
        header = re.fullmatch(r"\[([^\];#]+)\]", line)
        entry = _LINE.fullmatch(line)
        if header:
            section = conf.setdefault(header[1], {})
        elif "[" in line:
            # also `mon_host = [v2:…]`: what follows it belongs to no section, and is gone with the next write
            section = None
            _warn(f"unexpected remainder after section - skip: {raw}")
        elif section is None:
            _warn(f"no section header - skip: {raw}")
        elif entry and re.match(r"[\"']", entry["value"]) and not _QUOTED.fullmatch(entry["value"]):
            _warn(f"failed to parse quoted value - skip: {raw}")
        elif entry:
            section[re.sub(r"\s+", "_", entry["key"].strip())] = _value(entry["value"])
        else:
            _warn(f"expected '=' after key - skip: {raw}")
    return conf


def _value(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    plain = (quoted[1] or quoted[2] or "") if quoted else text
    return re.sub(r"\\([;#])", r"\1", plain)


def _warn(message: str) -> None:
    print(message, file=sys.stderr)


def render(conf: Conf) -> str:
    text = ""
    for name in sorted(conf, key=_place):
        text += f"[{name}]\n" + "".join(f"\t{key} = {conf[name][key]}\n" for key in sorted(conf[name])) + "\n"
    return re.sub(r"(?<!\\)([;#])", r"\\\1", text)


def _place(name: str) -> tuple[int, int, str]:
    kind, dot, _unused = name.partition(".")
    return (_ORDER.index(kind), int(bool(dot)), name) if kind in _ORDER else (len(_ORDER), 0, name)


def monitor_addresses(conf: Conf) -> list[str]:
    """The addresses in mon_host, without ports, and those of mon sections."""
    found = addresses(conf.get("global", {}).get("mon_host", ""))
    found += [
        section["mon_addr"] for name, section in conf.items() if name.startswith("mon.") and "mon_addr" in section
    ]
    return sorted(set(found))


def addresses(mon_host: str) -> list[str]:
    """IP addresses in a mon_host value or a monitor's address: `IP`, `IP:PORT/NONCE`, `[v2:IP:PORT/NONCE,v1:…]`."""
    found = []
    for host in split_list(mon_host):
        host = re.sub(r"/\d+\]?$", "", re.sub(r"^\[?v\d+:", "", host))
        match = re.fullmatch(r"\[([0-9A-Fa-f:]+)\](?::\d+)?|([0-9.]+)(?::\d+)?|([0-9A-Fa-f:]+)", host)
        if match:
            found.append(str(match[1] or match[2] or match[3]))
    return found


def without_address(mon_host: str, address: str) -> str:
    """mon_host without one monitor's address, in whatever form it is there; the others stay as they are."""
    word = re.escape(f"[{address}]" if ":" in address else address)
    part = rf"v\d+:{word}:\d+/\d+"
    mon_host = re.sub(rf"(^|[ ,;]+)\[{part}(?:,{part})*\](?:[ ,;]+|$)", r"\1", mon_host)
    mon_host = re.sub(rf"(^|[ ,;]+){word}(?::\d+)?(?:[ ,;]+|$)", r"\1", mon_host)
    if ":" in address:
        mon_host = re.sub(rf"(^|[ ,;]+){re.escape(address)}(?:[ ,;]+|$)", r"\1", mon_host)
    return re.sub(r"[ ,;]+$", "", mon_host)
