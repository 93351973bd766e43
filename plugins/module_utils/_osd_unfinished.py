# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What a creation leaves behind that was killed, and the proof that it is our own.

An OSD gets its number first (C(osd new)), then its volume, its tags, its file system, its unit. Until it was up once the
monitors call it C(new), and C(osd purge-new) refuses any other. Such a number is this node's if its UUID is on a disk here,
in ceph-volume's log here, or in the monitors' audit log with an address of this node.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import zlib
from collections.abc import Collection, Iterable
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph, CephError
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._hardware_sysfs import names
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import MARKS, Machine, Unreadable
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_cluster import Cluster, Osd
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_disks import Disk, Disks
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

# ceph-volume writes a command into its log before it runs it (ceph_volume/process.py); logrotate keeps a week
LOG = "/var/log/ceph/ceph-volume.log"
AUDIT_ENTRIES = 10000
TASKS = ("cephcreateosd", "cephdestroyosd", "wipedisk")
STATE = f"{MARKS}/ceph-osd.json"
ALIVE = ("active", "activating", "reloading")


class Marks:
    """Disks on which a creation was begun after they had been found empty: {name: bytes}.

    Written before Proxmox is asked, taken back when the OSD is up. So what is found on such a disk later, and could have
    been made by half, was made by us.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def read(self) -> dict[str, int]:
        try:
            return {str(name): int(size) for name, size in json.loads(self.machine.read(STATE) or "{}").items()}
        except (ValueError, AttributeError):
            return {}

    def has(self, disk: Disk) -> bool:
        return self.read().get(disk.name) == disk.size

    def add(self, disk: Disk) -> None:
        self._write(self.read() | {disk.name: disk.size})

    def remove(self, disks: Iterable[Disk]) -> None:
        known = self.read()
        left = {name: size for name, size in known.items() if name not in {disk.name for disk in disks}}
        if left != known:
            self._write(left)

    def _write(self, marks: dict[str, int]) -> None:
        path = self.machine.path(STATE)
        if not marks:
            path.unlink(missing_ok=True)
            # there may be marks of others in it
            with contextlib.suppress(OSError):
                path.parent.rmdir()
            return
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.new")
        partial.write_text(json.dumps(marks), encoding="utf-8")
        partial.replace(path)


def running(client: Client, machine: Machine) -> list[str]:
    """What makes or removes OSDs on this node now; it outlives the run that began it."""
    rows = client.get(f"/nodes/{client.node}/tasks", source="active")
    found = [
        f"task {row['type']} {row.get('id', '')}".strip()
        for row in rows
        if row["type"] in TASKS and not row.get("endtime")
    ]
    for name in names(machine, "/proc"):
        if name.isdigit() and (words := _command(machine, name)) and _makes_osds(words):
            found.append(f"process {name} ({' '.join(words[:4])})")
    return found


def _command(machine: Machine, process: str) -> list[str]:
    try:
        raw = machine.read_bytes(f"/proc/{process}/cmdline") or b""
    except Unreadable:
        return []
    return raw.decode(errors="replace").rstrip("\0").split("\0")


def _makes_osds(words: list[str]) -> bool:
    programs = [word.rpartition("/")[2] for word in words[:2]]
    return "ceph-volume" in programs or (programs[0] == "ceph-osd" and "--mkfs" in words)


def settle(client: Client, machine: Machine, deadline: Deadline) -> None:
    """Waits until nothing makes or removes OSDs here. What it says then stays true as long as nobody begins anew."""

    def probe() -> tuple[bool, Any]:
        found = running(client, machine)
        return not found, ", ".join(found)

    deadline.until("the end of what makes or removes OSDs on this node", probe, interval=1.0)


def alive(machine: Machine, osd: Osd) -> bool:
    """Whether its daemon runs, or starts."""
    unit = f"ceph-osd@{osd.number}"
    return machine.services([unit])[unit] in ALIVE


def orphans(cluster: Cluster, disks: Disks, machine: Machine, ceph: Ceph) -> list[Osd]:
    """Numbers without a disk that were allocated on this node for OSDs that never were up.

    None of them is on a disk here; those whose disks cannot all be read are not looked for.
    """
    found = [osd for osd in cluster.osds.values() if osd.new and not osd.up and osd.uuid]
    found = [osd for osd in found if not disks.holding(osd.uuid) and not alive(machine, osd)]
    if not found or disks.unreadable():
        return []
    logged = _logged(machine, {osd.uuid for osd in found})
    rest = {osd.uuid for osd in found} - logged
    logged |= _audited(machine, ceph, rest) if rest else set()
    return [osd for osd in found if osd.uuid in logged]


def _logged(machine: Machine, uuids: Collection[str]) -> set[str]:
    """Those that ceph-volume on this node asked a number for."""
    found: set[str] = set()
    folder, _slash, name = LOG.rpartition("/")
    for entry in names(machine, folder):
        if entry == name or entry.startswith(f"{name}."):
            raw = machine.read_bytes(f"{folder}/{entry}") or b""
            try:
                text = (gzip.decompress(raw) if entry.endswith(".gz") else raw).decode(errors="replace")
            except (OSError, EOFError, zlib.error):
                continue
            found |= {uuid for uuid in uuids if f"osd new {uuid}" in text}
    return found


def _audited(machine: Machine, ceph: Ceph, uuids: Collection[str]) -> set[str]:
    """Those that the monitors were asked for from an address of this node."""
    try:
        rows = ceph.command("log last", num=AUDIT_ENTRIES, level="info", channel="audit")
    except CephError:
        return set()
    own = [f"{f'[{address}]' if ':' in address else address}:" for address in machine.addresses()]
    found = set()
    for row in rows or ():
        message = str(row.get("message", ""))
        client = message.partition("entity=")[0]
        if "osd new" in message and any(f" {address}" in client or f":{address}" in client for address in own):
            found |= {uuid for uuid in uuids if uuid in message}
    return found
