# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The cluster's /etc/pve/ceph.conf: reading it, and the few edits that finish what Proxmox has begun.

The form is the one of PVE/CephConfig.pm: sections of lines C(key = value), where blanks, hyphens and underscores in a
key are the same. An edit writes the file as Proxmox does, without comments, under the lock that it takes for it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ProxmoxError, Timeout
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

PATH = "/etc/pve/ceph.conf"
# cfs_lock_file in PVE/Cluster.pm: pmxcfs gives a directory below to one node at a time.
LOCKS = "/etc/pve/priv/lock"
LOCK = f"{LOCKS}/file-ceph_conf"

Sections = dict[str, dict[str, str]]

# the order of sections in write_ceph_config; others come last
_ORDER = ("global", "client", "mds", "mon", "osd", "mgr")
_COMMENT = re.compile(r"(?<!\\)[;#].*$")
_SECTION = re.compile(r"\[\s*([^\];#]+?)\s*\]")
_LINE = re.compile(r"([^=\[\];#]+?)\s*=\s*(.+)")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
# an address as in mon_host: IP, IP:PORT/NONCE, or a vector [v2:IP:PORT/NONCE,v1:IP:PORT/NONCE]
_WORD = re.compile(r"\[v\d+:[^,\]]*(?:\][^,\]]*)?(?:,v\d+:[^,\]]*(?:\][^,\]]*)?)*\]|[^\s,;]+")


def read(root: str | Path = "/") -> Sections:
    """Sections by name, keys with underscores; empty when there is no file, or no /etc/pve."""
    try:
        return parse((Path(root) / PATH.lstrip("/")).read_text(errors="replace"))
    except OSError:
        return {}


def parse(text: str) -> Sections:
    sections: Sections = {}
    current: dict[str, str] | None = None
    for raw in re.sub(r"\\\n\s*", "", text).splitlines():
        line = _COMMENT.sub("", raw).strip()
        if match := _SECTION.fullmatch(line):
            current = sections.setdefault(match[1], {})
        elif (match := _LINE.fullmatch(line)) and current is not None:
            quoted = _QUOTED.fullmatch(match[2])
            value = (quoted[1] or quoted[2] or "") if quoted else match[2]
            current[re.sub(r"[\s-]+", "_", match[1])] = re.sub(r"\\([;#])", r"\1", value)
    return sections


def render(sections: Sections) -> str:
    text = ""
    for name in sorted(sections, key=_place):
        text += f"[{name}]\n" + "".join(f"\t{key} = {value}\n" for key, value in sorted(sections[name].items())) + "\n"
    return re.sub(r"(?<!\\)([;#])", r"\\\1", text)


def _place(name: str) -> tuple[int, int, str]:
    kind, dot, _unused = name.partition(".")
    return (_ORDER.index(kind), int(bool(dot)), name) if kind in _ORDER else (len(_ORDER), 0, name)


def edit(root: str | Path, change: Callable[[Sections], None], *, timeout: float = 150.0) -> bool:
    """Changes the file under Proxmox's lock; tells whether it is another one now.

    A file without an fsid is none that may be written again: whoever read it saw half of it, or none.
    """
    path = Path(root) / PATH.lstrip("/")
    with locked(root, timeout):
        before = parse(path.read_text(errors="replace")) if path.exists() else {}
        if "fsid" not in before.get("global", {}):
            raise ProxmoxError(
                f"{PATH}: expected the configuration with its fsid, found none in it; nothing was written.",
                hint="If that does not pass by itself, bring the file back, from a copy or by hand.",
            )
        after = {name: dict(values) for name, values in before.items()}
        change(after)
        if after == before:
            return False
        temporary = path.with_name(f"{path.name}.tmp.{os.getpid()}")
        temporary.write_text(render(after))
        temporary.replace(path)
    return True


@contextlib.contextmanager
def locked(root: str | Path, timeout: float = 150.0) -> Iterator[None]:
    """Proxmox's lock of the file. That of a holder who died is given up by pmxcfs after two minutes, not before."""
    lock = Path(root) / LOCK.lstrip("/")
    lock.parent.mkdir(exist_ok=True)

    def take() -> tuple[bool, str | None]:
        try:
            lock.mkdir()
        except OSError as error:
            with contextlib.suppress(OSError):
                # asks pmxcfs to drop a lock whose holder died (PVE/Cluster.pm)
                os.utime(lock, (0, 0))
            return False, error.strerror
        return True, None

    try:
        Deadline(timeout).until(LOCK, take, interval=1.0)
    except Timeout as error:
        raise ProxmoxError(
            f"{PATH}: expected its lock within {timeout:g} s, found {LOCK} held: {error.last_seen}.",
            hint="Is the cluster quorate ('pvecm status')? Does a task of Ceph run on some node? A lock whose holder was"
            " killed goes away two minutes later.",
        ) from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.rmdir()


def canonical(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


def addresses(text: str) -> list[str]:
    """The addresses in a value of mon_host, or in a monitor's C(addr), without versions, ports and nonces."""
    return list(dict.fromkeys(one for word in _WORD.findall(text) for one in _addresses(word)))


def _addresses(word: str) -> list[str]:
    if word.startswith("[v"):
        return [one for part in re.split(r",(?=v\d+:)", word[1:-1]) for one in _addresses(part)]
    word = re.sub(r"/\d+$", "", re.sub(r"^v\d+:", "", word))
    match = re.fullmatch(r"\[([0-9A-Fa-f:]+)\](?::\d+)?|([0-9.]+)(?::\d+)?|([0-9A-Fa-f:]+)", word)
    try:
        return [str(ipaddress.ip_address(match[1] or match[2] or match[3]))] if match else []
    except ValueError:
        return []


def without(mon_host: str, gone: list[str]) -> str:
    """A value of mon_host without these addresses; the others stay as they are written."""
    void = {canonical(address) for address in gone}
    words = [word for word in _WORD.findall(mon_host) if not (found := _addresses(word)) or set(found) - void]
    return " ".join(words)


def networks(text: str | None) -> list[str]:
    """The networks of a value such as public_network, in one spelling."""
    found = []
    for word in re.split(r"[\s,;]+", (text or "").strip()):
        try:
            found.append(str(ipaddress.ip_network(word, strict=False)))
        except ValueError:
            if word:
                found.append(word)
    return found
