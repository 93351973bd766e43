# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One node with disks, its Proxmox API and a Ceph that remember what was done to them, and can be killed in between."""

from __future__ import annotations

import errno
import json
import os
import struct
import uuid
import zlib
from pathlib import Path
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import CephError
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd import Run
from ansible_collections.baremetal.proxmox.plugins.modules import ceph_osd

from .fake_api import FakeClient, run_module
from .fake_ceph import FakeCeph
from .hardware_world import MIB, Tools, Tree

FSID = "99999999-8888-4777-8666-555555555555"
OTHER = "12121212-3434-4565-8787-909090909090"
BUS = "pci0000:00/0000:00:17.0/ata{0}/host{0}/target{0}:0:0/{0}:0:0:0"
UPID = "UPID:pve1:00000001:00000001:00000001:{}:x:root@pam:"
# wipefs of the build machine may know these or not; the collection reads both by itself
TASKS = "/nodes/pve1/tasks"
READS = {
    "osd dump",
    "osd tree",
    "osd metadata",
    "osd safe-to-destroy",
    "osd crush rule dump",
    "osd df",
    "status",
    "log last",
}


class Killed(BaseException):
    """The plug was pulled."""


def label(osd: str, *, number: int | None = None, fsid: str | None = None, role: str = "main") -> bytes:
    """A label of BlueStore (bluestore_types.cc, bluestore_bdev_label_t); what is None is not in it."""

    def text(value: str) -> bytes:
        return struct.pack("<I", len(value)) + value.encode()

    meta = ({"whoami": str(number)} if number is not None else {}) | ({"ceph_fsid": fsid} if fsid else {})
    body = uuid.UUID(osd).bytes + b"\0" * 16 + text(role) + struct.pack("<I", len(meta))
    body += b"".join(text(key) + text(value) for key, value in meta.items())
    head = f"bluestore block device\n{osd}\n".encode()
    return (head + struct.pack("<BBI", 2, 1, len(body)) + body).ljust(4096, b"\0")


def volumes(group: str | None, logical: dict[str, list[str]] | None = None) -> bytes:
    """A physical volume of LVM, with its group's text if it is in one (lvm2, lib/format_text/layout.h)."""

    def crc(data: bytes) -> int:
        return zlib.crc32(data, 0xF597A6CF ^ 0xFFFFFFFF) ^ 0xFFFFFFFF

    header = struct.pack("<32sQ", uuid.uuid4().hex.encode(), 64 * MIB) + struct.pack("<QQ", 2 * MIB, 0) + bytes(16)
    header += struct.pack("<QQ", 4096, MIB) + bytes(16)
    body = (struct.pack("<I8s", 32, b"LVM2 001") + header).ljust(492, b"\0")
    image = bytearray(4096 + MIB)
    image[512:1024] = struct.pack("<8sQI", b"LABELONE", 1, crc(body)) + body
    lines = [f"{group} {{", "logical_volumes {"] if group else []
    for name, tags in (logical or {}).items():
        lines += [f"{name} {{", f"tags = [{', '.join(json.dumps(tag) for tag in tags)}]", "}"]
    text = ("\n".join([*lines, "}", "}"]) + "\n").encode() if group else b""
    place = struct.pack("<QQ", 512, len(text)) if group else struct.pack("<QQ", 0, 0)
    area = (struct.pack("<16sIQQ", b" LVM2 x[5A%r0N*>", 1, 4096, MIB) + place).ljust(508, b"\0")
    image[4096:4608] = struct.pack("<I", crc(area)) + area
    image[4608 : 4608 + len(text)] = text
    return bytes(image)


def tags(osd: str, number: int, kind: str = "block", fsid: str = FSID) -> list[str]:
    return [f"ceph.cluster_fsid={fsid}", f"ceph.osd_fsid={osd}", f"ceph.osd_id={number}", f"ceph.type={kind}"]


class NodeTools(Tools):
    """wipefs and blkid are real; units, LVM and ceph-volume are the world's."""

    world: OsdWorld

    def run(self, command: _cli.Command, *, timeout: float = 60, **given: Any) -> _cli.Output:
        argv = command.argv(given)
        if argv[:2] == ["systemctl", "show"]:
            blocks = [f"Id={unit}\nLoadState=loaded\nActiveState={self.world.unit(unit)}\n" for unit in argv[4:]]
            return _cli.Output(argv, 0, "\n".join(blocks))
        if argv[0] in ("pvs", "lvs"):
            return _cli.Output(argv, 0, json.dumps({"report": [{argv[0][:2]: self.world.lvm[argv[0]]}]}))
        if argv[:3] == ["ip", "-json", "address"]:
            return _cli.Output(argv, 0, json.dumps([{"addr_info": [{"local": "10.99.0.11"}]}]))
        if argv[0] in ("ceph-volume", "vgchange", "lvremove", "systemctl", "umount"):
            self.world.write(" ".join(argv))
            self.world.command(argv)
            return _cli.Output(argv, 0, "")
        return super().run(command, timeout=timeout, **given)


class OsdWorld:
    """C(osds): number → row. C(writes): what was done, in order. C(kill_at): the step of a change that never ends."""

    def __init__(self, root: Path, monkeypatch: Any) -> None:
        self.monkeypatch = monkeypatch
        self.tree = Tree(root)
        self.tree.tools = NodeTools(root)
        self.tree.tools.world = self
        self.tree.machine.cli = self.tree.tools
        self.tree.write("/proc/self/mountinfo", "")
        self.osds: dict[int, dict[str, Any]] = {}
        self.writes: list[str] = []
        self.units: dict[int, str] = {}
        self.lvm: dict[str, list[dict[str, str]]] = {"pvs": [], "lvs": []}
        self.tasks: list[list[dict[str, Any]]] = []
        self.pools: list[dict[str, Any]] = []
        self.unsafe: dict[int, str] = {}
        self.states: list[dict[str, Any]] = [{"state_name": "active+clean", "count": 8}]
        self.audit: list[dict[str, str]] = []
        self.racks: dict[str, str] = {}
        self.installed = True
        self.comes_up = True
        self.kill_at: int | None = None
        self.steps = 0
        self.result = ""
        self.fail_once = ""
        self.failed = ""

    # -- setting up

    def disk(self, name: str, content: bytes = b"", size: int = 64 * MIB) -> str:
        """An empty or filled disk. Its stable name."""
        letter = ord(name[-1]) - ord("a")
        self.tree.disk(
            name, f"8:{16 * letter}", BUS.format(letter), size=size, content=content, ids=(f"by-id/ata-{name.upper()}",)
        )
        return f"/dev/disk/by-id/ata-{name.upper()}"

    def osd(self, number: int, *, host: str = "pve1", up: bool = True, new: bool = False, **more: Any) -> str:
        """An OSD in the map; its UUID."""
        row = {"uuid": str(uuid.uuid4()), "up": up, "in": up or not new, "new": new, "host": host, "class": "ssd"}
        self.osds[number] = row | {"placed": not new} | more
        if up:
            self.units[number] = "active"
        return str(self.osds[number]["uuid"])

    def bytes(self, name: str) -> bytes:
        return (self.tree.root / "dev" / name).read_bytes()

    def put(self, name: str, content: bytes, size: int = 64 * MIB) -> None:
        self.tree.image(name, content, size)

    # -- running the module

    def run(self, *config: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
        self.writes.clear()
        arguments = {"config": list(config), "timeout": 0, "drain_timeout": 0, "_ansible_check_mode": check, **more}
        self.ceph = FakeCeph(self.answers()) if self.installed else None
        real = FakeCeph.command

        def command(ceph: Any, prefix: str, /, *, inbuf: bytes = b"", **given: Any) -> Any:
            if prefix not in READS:
                words = " ".join(f"{name}={given[name]}" for name in sorted(given))
                self.write(f"{prefix} {words}")
            return real(ceph, prefix, inbuf=inbuf, **given)

        self.monkeypatch.setattr(FakeCeph, "command", command)

        def connect(module: Any) -> Run:
            client = FakeClient(self, installed=self.installed)
            client._node = "pve1"
            return Run(module, client, self.ceph, self.tree.machine, self.tree.devices)

        try:
            return run_module(self.monkeypatch, lambda _c: ceph_osd.run(connect), arguments, transport=self)
        finally:
            self.monkeypatch.setattr(FakeCeph, "command", real)

    def write(self, text: str) -> None:
        self.writes.append(text)

    def step(self) -> None:
        self.steps += 1
        if self.kill_at is not None and self.steps == self.kill_at:
            raise Killed

    # -- Proxmox's API

    def renew(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def send(self, method: str, path: str, params: Any, timeout: float) -> Any:
        if path == TASKS:
            return self.tasks.pop(0) if self.tasks else []
        if method == "GET" and path.startswith(TASKS):
            if path.endswith("/log"):
                return [{"n": 1, "t": "said so"}]
            failed, self.failed = self.failed, ""
            return {"status": "stopped", "exitstatus": self.result or failed or "OK"}
        self.write(" ".join([method, path, *(f"{name}={params[name]}" for name in sorted(params))]))
        if self.result:
            return UPID.format("failed")
        self.step()
        words = path.split("/")[3:]
        if words == ["ceph", "osd"]:
            self._create(params)
        elif words == ["disks", "wipedisk"]:
            self._zero(params["disk"])
        elif words[:2] == ["ceph", "start"] or words[:2] == ["ceph", "stop"]:
            self._service(words[1], int(params["service"][4:]))
        elif words[:2] == ["ceph", "osd"] and words[-1] == "out":
            self.osds[int(words[2])]["in"] = False
            return None
        elif method == "DELETE":
            self._destroy(int(words[2]), params)
        else:
            raise AssertionError(f"unexpected call {method} {path}")
        self.step()
        return UPID.format("done")

    def _file(self, device: str) -> Path:
        return Path(os.path.realpath(self.tree.root / device.lstrip("/")))

    def _zero(self, device: str) -> None:
        path = self._file(device)
        path.write_bytes(path.read_bytes()[:0].ljust(path.stat().st_size, b"\0"))

    def _label(self, device: str, content: bytes) -> None:
        with self._file(device).open("r+b") as file:
            file.write(content)

    def _create(self, params: dict[str, Any]) -> None:
        """As ceph-volume: its log, the number, labels without and with the cluster, the unit."""
        osd = str(uuid.uuid4())
        log = self.tree.root / "var/log/ceph/ceph-volume.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            file.write(f"Running command: /usr/bin/ceph -i - osd new {osd}\n")
        self.step()
        number = next(one for one in range(100) if one not in self.osds)
        self.osd(number, up=False, new=True, uuid=osd, **{"class": None, "in": False})
        self.step()
        if self.fail_once:
            self.failed, self.fail_once = self.fail_once, ""
            return
        for key, role in (("db_dev", "bluefs db"), ("wal_dev", "bluefs wal"), ("dev", "main")):
            if key in params:
                self._label(params[key], label(osd, role=role))
                self.step()
        for key, role in (("db_dev", "bluefs db"), ("wal_dev", "bluefs wal"), ("dev", "main")):
            if key in params:
                self._label(params[key], label(osd, number=number, fsid=FSID, role=role))
        self.step()
        if self.comes_up:
            self.units[number] = "active"
            row = self.osds[number]
            row.update({"up": True, "in": True, "new": False, "placed": True})
            row["class"] = params.get("crush-device-class") or "ssd"

    def _service(self, verb: str, number: int) -> None:
        self.units[number] = "active" if verb == "start" else "inactive"
        self.osds[number]["up"] = verb == "start" and self.comes_up

    def _destroy(self, number: int, params: dict[str, Any]) -> None:
        row = self.osds[number]
        assert not row["in"] and not row["up"] and row["placed"]
        row["placed"] = False
        self.step()
        del self.osds[number]
        self.step()
        if params.get("cleanup"):
            for path in (self.tree.root / "dev").glob("sd?"):
                if row["uuid"].encode() in path.read_bytes()[:4096]:
                    self._zero(f"/dev/{path.name}")

    # -- its commands

    def unit(self, name: str) -> str:
        return self.units.get(int(name.removesuffix(".service").partition("@")[2]), "inactive")

    def command(self, argv: list[str]) -> None:
        """Those that change something."""
        self.step()
        if argv[:3] == ["ceph-volume", "lvm", "zap"]:
            for path in (self.tree.root / "dev").glob("sd?"):
                if argv[-1].encode() in path.read_bytes():
                    self._zero(f"/dev/{path.name}")
                    gone = {row["vg_name"] for row in self.lvm["pvs"] if row["pv_name"] == f"/dev/{path.name}"}
                    for rows in self.lvm.values():
                        rows[:] = [row for row in rows if row["vg_name"] not in gone]
        elif argv[:2] == ["ceph-volume", "lvm"]:
            number = int(argv[3]) if argv[2] == "activate" else max(self.osds)
            self.units[number] = "active"
            self.osds[number].update({"up": True})
        elif argv[0] == "vgchange":
            for holder in (self.tree.root / "sys").rglob("holders/*"):
                holder.unlink()

    # -- Ceph

    def answers(self) -> dict[str, Any]:
        return {
            "osd dump": lambda _given: self._dump(),
            "osd tree": lambda _given: self._tree(),
            "osd metadata": lambda _given: [
                {"id": number, "hostname": row["host"]} for number, row in self.osds.items() if not row["new"]
            ],
            "osd purge-new *": self._purge_new,
            "osd purge-actual *": lambda given: self.osds.pop(given["id"]) and None,
            "osd safe-to-destroy *": self._safe,
            "osd crush rule dump": lambda _given: [
                {
                    "rule_id": 0,
                    "steps": [
                        {"op": "take", "item_name": "default"},
                        {"op": "chooseleaf_firstn", "num": 0, "type": "host"},
                        {"op": "emit"},
                    ],
                }
            ],
            "osd df": lambda _given: {"nodes": [{"id": number, "kb": 1000, "kb_used": 100} for number in self.osds]},
            "status": lambda _given: {"pgmap": {"pgs_by_state": self.states, "num_pgs": 8}},
            "log last *": lambda _given: self.audit,
            "osd crush rm-device-class *": lambda given: self._class(given, None),
            "osd crush set-device-class *": lambda given: self._class(given, given["class"]),
            "osd crush move *": self._move,
            "config set *": None,
            "config rm *": None,
        }

    def _dump(self) -> dict[str, Any]:
        rows = [
            {
                "osd": number,
                "uuid": row["uuid"],
                "up": int(row["up"]),
                "in": int(row["in"]),
                "up_from": 0 if row["new"] else 7,
                "state": ["exists", *(["new"] if row["new"] else []), *(["up"] if row["up"] else [])],
            }
            for number, row in sorted(self.osds.items())
        ]
        return {"fsid": FSID, "osds": rows, "pools": self.pools, "flags": "sortbitwise", "nearfull_ratio": 0.85}

    def _tree(self) -> dict[str, Any]:
        hosts = sorted({row.get("crush_host", row["host"]) for row in self.osds.values() if row["placed"]})
        nodes: list[dict[str, Any]] = []
        racks = sorted({self.racks[host] for host in hosts if host in self.racks})
        top = [-20 - racks.index(rack) for rack in racks]
        top += [-2 - index for index, host in enumerate(hosts) if host not in self.racks]
        nodes.append({"id": -1, "name": "default", "type": "root", "children": top})
        for index, rack in enumerate(racks):
            children = [-2 - at for at, host in enumerate(hosts) if self.racks.get(host) == rack]
            nodes.append({"id": -20 - index, "name": rack, "type": "rack", "children": children})
        for index, host in enumerate(hosts):
            own = [
                number
                for number, row in self.osds.items()
                if row["placed"] and row.get("crush_host", row["host"]) == host
            ]
            nodes.append({"id": -2 - index, "name": host, "type": "host", "children": own})
        for number, row in self.osds.items():
            nodes.append({"id": number, "name": f"osd.{number}", "type": "osd", "crush_weight": 1.0})
            nodes[-1].update({"device_class": row["class"]} if row["class"] else {})
        return {"nodes": nodes}

    def _purge_new(self, given: Any) -> None:
        self.step()
        row = self.osds.get(given["id"])
        if row and not row["new"]:
            raise CephError("osd purge-new", errno.EPERM, f"osd.{given['id']} is not new")
        self.osds.pop(given["id"], None)
        self.step()

    def _safe(self, given: Any) -> Any:
        bad = [self.unsafe[int(number)] for number in given["ids"] if int(number) in self.unsafe]
        if bad:
            raise CephError("osd safe-to-destroy", errno.EBUSY, bad[0])
        return {"safe_to_destroy": [int(number) for number in given["ids"]]}

    def _class(self, given: Any, value: str | None) -> None:
        for name in given["ids"]:
            self.osds[int(name[4:])]["class"] = value

    def _move(self, given: Any) -> None:
        place = dict(word.split("=") for word in given["args"])
        if given["name"].startswith("osd."):
            self.osds[int(given["name"][4:])]["host"] = place["host"]
        else:
            self.racks[given["name"]] = place["rack"]
