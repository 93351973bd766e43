"""How an OSD comes onto a device. One switch: `chosen()`.

lvm   as Proxmox does it: `ceph-volume lvm create`; wherever there is a kernel of one's own
raw   bluestore straight on the device, in containers: these share the host's device mapper, udev is not there.
      One OSD to a device, DB and WAL each on a device of their own, no encryption.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from typing import Any, Protocol

from .. import paths
from ..cluster import run, say, warn
from ..disks import is_osds
from ..errors import Failure
from . import disks, node, rados
from .disks import Disk

DATA = "/var/lib/ceph/osd/ceph-{}"
_DROP_IN = "/etc/systemd/system/ceph-osd@{}.service.d/devices.conf"
_PREPARE = "/usr/share/pve-standin/osd-device"
_LINKS = ("block", "block.db", "block.wal")


@dataclass(frozen=True)
class Wish:
    """One OSD to make, or several on one device. Sizes in bytes."""

    disk: Disk
    db: tuple[Disk, int] | None = None
    wal: tuple[Disk, int] | None = None
    encrypted: bool = False
    device_class: str | None = None
    count: int | None = None

    def command(self, db: str | None = None, wal: str | None = None) -> list[str]:
        """The ceph-volume call that Proxmox makes for it; db and wal are the volumes made for them."""
        command = ["ceph-volume", "lvm", "batch" if self.count else "create"]
        command += ["--crush-device-class", self.device_class] if self.device_class else []
        command += ["--block.db", db] if db else []
        command += ["--block.wal", wal] if wal else []
        command += [] if self.count else ["--data", self.disk.path]
        command += ["--dmcrypt"] if self.encrypted else []
        if self.count:
            command += ["--osds-per-device", str(self.count), "--yes", "--no-auto", "--", self.disk.path]
        return command


class Backend(Protocol):
    def create(self, wish: Wish) -> None: ...

    def volumes(self) -> dict[str, list[dict[str, Any]]]:
        """OSD id → what `ceph-volume lvm list` says of it."""

    def remove(self, ident: str, *, cleanup: bool) -> None: ...


def chosen() -> Backend:
    named = os.environ.get("PVE_STANDIN_OSD")
    if named:
        return {"raw": Raw(), "lvm": Lvm()}[named]
    done = subprocess.run(["systemd-detect-virt", "--container", "--quiet"], check=False)
    return Raw() if done.returncode == 0 else Lvm()


class Lvm:
    def create(self, wish: Wish) -> None:
        made = {}
        for kind, part in (("db", wish.db), ("wal", wish.wal)):
            if part:
                say(f"creating block.{kind} on '{part[0].path}'")
                made[kind] = self._volume(*part, f"osd-{kind}")
                say(f"using '{made[kind]}' for block.{kind}")
        disks.wipe(wish.disk)
        run(*wish.command(**made))

    @staticmethod
    def _volume(disk: Disk, size: int, kind: str) -> str:
        """A logical volume of that size on the disk: in a new volume group, or in the one Ceph has there."""
        if disk.size < size:
            raise Failure(f"'{disk.path}' is smaller than requested size '{size}' bytes")
        group = f"ceph-{uuid.uuid4()}"
        if disk.used == "LVM":
            group, free = _group_on(disk.path)
            if free < size:
                raise Failure(f"vg '{group}' has not enough free space")
        elif disk.used:
            raise Failure(f"cannot use '{disk.path}' for '{kind}'")
        else:
            run("/sbin/pvcreate", "--metadatasize", "250k", "-y", "-ff", disk.path)
            run("/sbin/vgcreate", group, disk.path)
        name = f"{kind}-{uuid.uuid4()}"
        run(
            *("/sbin/lvcreate", "-aly", "-Wy", "--yes", "--size", f"{size // 1024}k", "--name", name),
            *("--setautoactivation", "y", group),
        )
        return f"{group}/{name}"

    def volumes(self) -> dict[str, list[dict[str, Any]]]:
        done = subprocess.run(
            ["/usr/sbin/ceph-volume", "lvm", "list", "--format", "json"], capture_output=True, text=True, check=False
        )
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def remove(self, ident: str, *, cleanup: bool) -> None:
        if ident in self.volumes():
            run("/usr/sbin/ceph-volume", "lvm", "zap", "--osd-id", ident, *(["--destroy"] if cleanup else []))


def _group_on(path: str) -> tuple[str, int]:
    """(Ceph's volume group on the device, its free bytes)."""
    done = subprocess.run(
        ["/sbin/vgs", "--noheadings", "--units", "b", "--nosuffix", "-o", "vg_name,vg_free,pv_name"],
        capture_output=True,
        text=True,
        check=False,
    )
    for words in sorted(line.split() for line in done.stdout.splitlines()):
        if len(words) == 3 and words[0].startswith("ceph-") and words[2] == path:
            return words[0], int(words[1])
    raise Failure(f"no ceph vg found on '{path}'")


class Raw:
    def create(self, wish: Wish) -> None:
        links = {"block": wish.disk.path}
        for kind, part in (("db", wish.db), ("wal", wish.wal)):
            if part:
                disk, size = part
                say(f"creating block.{kind} on '{disk.path}'")
                if disk.size < size:
                    raise Failure(f"'{disk.path}' is smaller than requested size '{size}' bytes")
                if disk.used:
                    raise Failure(f"no ceph vg found on '{disk.path}'")
                links[f"block.{kind}"] = disk.path
                say(f"using '{disk.path}' for block.{kind}")
        disks.wipe(wish.disk, sparse=True)
        if wish.encrypted or wish.count:
            # The container has neither device mapper nor LVM: what the real command ends with there.
            raise Failure(f"command '{' '.join(wish.command())}' failed: exit code 1")
        self._make(links, wish.device_class)

    def _make(self, links: dict[str, str], device_class: str | None) -> None:
        """What ceph-volume does with a new OSD: id and key from the monitors, mkfs, start."""
        fsid = str(uuid.uuid4())
        _log(f"ceph --cluster ceph --name client.bootstrap-osd --keyring {node.BOOTSTRAP_OSD} -i - osd new {fsid}")
        with rados.connect(rados.LONG, name="client.bootstrap-osd", keyring=node.BOOTSTRAP_OSD) as mon:
            key = subprocess.run(
                ["ceph-authtool", "--gen-print-key"], capture_output=True, text=True, check=True
            ).stdout.strip()
            secrets = {"cephx_secret": key, **({"crush_device_class": device_class} if device_class else {})}
            code, output, message = mon.mon_cmd("osd new", inbuf=json.dumps(secrets).encode(), uuid=fsid)
        if code < 0:
            raise Failure(f"Unable to create a new OSD id: {message}")
        ident = str(json.loads(output)["osdid"])
        say(f"new OSD osd.{ident}, bluestore straight on {', '.join(links.values())}")
        try:
            self._mkfs(ident, fsid, key, links)
        except BaseException:
            _purge_new(ident)
            self.remove(ident, cleanup=True)
            raise
        _write_drop_in(ident, links)
        run("systemctl", "enable", f"ceph-osd@{ident}")
        run("systemctl", "start", f"ceph-osd@{ident}")

    def _mkfs(self, ident: str, fsid: str, key: str, links: dict[str, str]) -> None:
        data = paths.at(DATA.format(ident))
        shutil.rmtree(data, ignore_errors=True)  # ceph-volume mounts an empty one over what was left there
        data.mkdir(parents=True)
        (data / "fsid").write_text(f"{fsid}\n")
        for name, device in links.items():
            (data / name).symlink_to(device)
            run(_PREPARE, device)
        (data / "keyring").touch(mode=0o600)
        (data / "keyring").write_text(f"[osd.{ident}]\nkey = {key}\n")
        with rados.connect(rados.LONG) as mon:
            (data / "activate.monmap").write_bytes(mon.mon_bytes("mon getmap", format="plain"))
        shutil.chown(data, "ceph", "ceph")
        for path in data.iterdir():
            if not path.is_symlink():
                shutil.chown(path, "ceph", "ceph")
        run(
            *("/usr/bin/ceph-osd", "--cluster", "ceph", "--osd-objectstore", "bluestore", "--mkfs", "-i", ident),
            *("--monmap", str(data / "activate.monmap"), "--osd-data", f"{data}/", "--osd-uuid", fsid),
            *("--keyring", str(data / "keyring"), "--setuser", "ceph", "--setgroup", "ceph"),
        )

    def volumes(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for data in sorted(paths.at("/var/lib/ceph/osd").glob("ceph-*")):
            devices = {name: os.readlink(data / name) for name in _LINKS if (data / name).is_symlink()}
            found[data.name.removeprefix("ceph-")] = [
                {"type": name.split(".")[-1], "path": device, "devices": [device]} for name, device in devices.items()
            ]
        return found

    def remove(self, ident: str, *, cleanup: bool) -> None:
        """Zapped as `ceph-volume lvm zap` does it: the signatures and the first blocks go, with cleanup or without.

        It goes by the tags of volumes: what is on another disk under the old name is left alone.
        """
        data = paths.at(DATA.format(ident))
        for volume in self.volumes().get(ident, []):
            if not any(os.readlink(link) == volume["path"] and is_osds(link) for link in data.glob("block*")):
                continue
            try:
                run("wipefs", "--all", volume["path"])
                run("dd", "if=/dev/zero", f"of={volume['path']}", "bs=1M", "count=10", "conv=fsync")
            except Failure as error:
                warn(error.message)
        shutil.rmtree(data, ignore_errors=True)
        shutil.rmtree(paths.at(_DROP_IN.format(ident)).parent, ignore_errors=True)
        run("systemctl", "daemon-reload")


def _log(command: str) -> None:
    """As ceph-volume writes into its log before it runs a command (ceph_volume/process.py)."""
    file = paths.at("/var/log/ceph/ceph-volume.log")
    file.parent.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now().strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
    with file.open("a") as stream:
        stream.write(f"[{now}][ceph_volume.process][INFO  ] Running command: /usr/bin/{command}\n")


def _purge_new(ident: str) -> None:
    with rados.connect(rados.LONG) as mon:
        mon.mon_cmd("osd purge-new", id=int(ident), yes_i_really_mean_it=True)


def _write_drop_in(ident: str, links: dict[str, str]) -> None:
    """There is no udev to give the devices to Ceph after a boot, and to name them as the kernel does."""
    file = paths.at(_DROP_IN.format(ident))
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"ExecStartPre=+{_PREPARE} {device}\n" for device in links.values()]
    file.write_text("[Service]\n" + "".join(lines))
    run("systemctl", "daemon-reload")
