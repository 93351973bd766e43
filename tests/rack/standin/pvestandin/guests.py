"""Guests, as far as they are configuration: VMID.conf below nodes/NODE/qemu-server (PVE/QemuServer.pm, write_vm_config).

Nothing runs and no image is made. The rack names guests that a machine has from the beginning in a file outside /etc/pve.
"""

from __future__ import annotations

import json
import re
import secrets
import time
import uuid
from typing import Any

from . import datacenter, paths, pvefiles
from .errors import Failure
from .text import decode_text, digest, encode_text, hash_order

GIVEN = "/etc/pve-standin-guests.json"
PREFIX = "BC:24:11"
_DIRECTORIES = {"qemu": "qemu-server", "lxc": "lxc"}
_INTEGERS = {
    "cores",
    "sockets",
    "vcpus",
    "cpuunits",
    "balloon",
    "shares",
    "onboot",
    "kvm",
    "acpi",
    "tablet",
    "template",
}
_INTEGERS |= {"numa", "freeze", "protection", "autostart", "localtime", "reboot", "ciupgrade", "unprivileged", "swap"}
_DISK = re.compile(r"(?:ide|sata|scsi|virtio)\d+")
_NEW_VOLUME = re.compile(r"([^:,]+):(\d+(?:\.\d+)?)(?:,(.*))?")
_MODELS = ("e1000", "e1000e", "rtl8139", "virtio", "vmxnet3")
_BLOCKS = ("rbd", "zfspool", "lvm", "lvmthin", "iscsi", "iscsidirect", "zfs")

Config = dict[str, Any]


def file(node: str, vmid: int | str, kind: str = "qemu") -> str:
    """Its configuration below /etc/pve."""
    return f"nodes/{node}/{_DIRECTORIES[kind]}/{vmid}.conf"


def load(node: str, vmid: int | str, kind: str = "qemu") -> Config:
    """The current configuration with its digest; snapshots and pending changes are not in it."""
    name = file(node, vmid, kind)
    if not paths.pve(name).exists():
        raise Failure(f"Configuration file '{name}' does not exist")
    raw = pvefiles.read(name)
    current = re.split(r"^\[", raw, maxsplit=1, flags=re.MULTILINE)[0]
    notes = "".join(f"{decode_text(line[1:])}\n" for line in current.splitlines() if line.startswith("#"))
    values: Config = dict(re.findall(r"^([a-z][\w-]*):\s*(.*?)\s*$", current, re.MULTILINE))
    for key in _INTEGERS & set(values):
        values[key] = int(values[key])
    return {**values, **({"description": notes} if notes else {}), "digest": digest(raw)}


def save(node: str, vmid: int | str, values: Config, kind: str = "qemu") -> None:
    name = file(node, vmid, kind)
    paths.pve(name).parent.mkdir(parents=True, exist_ok=True)
    pvefiles.write(name, text(values))


def text(values: Config) -> str:
    notes = "".join(f"#{encode_text(line)}\n" for line in str(values.get("description", "")).splitlines())
    keys = sorted(key for key in values if key not in ("description", "digest"))
    return notes + "".join(f"{key}: {values[key]}\n" for key in keys)


def given(node: str) -> dict[str, str]:
    """Path below /etc/pve → content of the guests that the rack gave this machine."""
    source = paths.at(GIVEN)
    listed = json.loads(source.read_text()) if source.exists() else []
    return {file(node, one["vmid"], one["type"]): text(_FIRST[one["type"]](one)) for one in listed}


def _machine(one: Config) -> Config:
    values = {
        "agent": "enabled=1",
        "cores": 1,
        "memory": 128,
        "name": one["name"],
        "net0": f"virtio={_address(PREFIX)},bridge=vmbr0",
        "onboot": 1,
        "ostype": "l26",
        "scsi0": f"local:{one['vmid']}/vm-{one['vmid']}-disk-0.raw,iothread=1,size=1G",
        "scsihw": "virtio-scsi-single",
    }
    return completed(one["vmid"], values)


def _container(one: Config) -> Config:
    return {
        "arch": "amd64",
        "cores": 1,
        "hostname": one["name"],
        "memory": 128,
        "net0": f"name=eth0,bridge=vmbr0,hwaddr={_address(PREFIX)},ip=dhcp,type=veth",
        "onboot": 1,
        "ostype": "debian",
        "rootfs": f"local:{one['vmid']}/vm-{one['vmid']}-disk-0.raw,size=1G",
        "swap": 128,
        "unprivileged": 1,
    }


_FIRST = {"qemu": _machine, "lxc": _container}


def completed(vmid: int | str, asked: Config) -> Config:
    """What is written for a new virtual machine: names of volumes, MAC addresses, identities."""
    values = {key: _completed(vmid, key, str(value)) for key, value in asked.items()}
    bootable = [key for key in sorted(values) if _DISK.fullmatch(key)][:1] + [key for key in ("net0",) if key in values]
    qemu = ".".join(str(part) for part in ((10, 0, 13) if paths.release()[0] >= 9 else (9, 2, 0)))
    made = {
        "boot": f"order={';'.join(bootable)}" if bootable else " ",
        "meta": f"creation-qemu={qemu},ctime={int(time.time())}",
        "smbios1": f"uuid={uuid.uuid4()}",
        "vmgenid": str(uuid.uuid4()),
    }
    return {**made, **values}


def _completed(vmid: int | str, key: str, value: str) -> str:
    if key == "tags":
        return ";".join(sorted(set(filter(None, re.split(r"[;, ]", value)))))
    volume = _NEW_VOLUME.fullmatch(value) if _DISK.fullmatch(key) else None
    if volume:
        storage, size, rest = volume.groups()
        name = f"vm-{vmid}-disk-{key.lstrip('abcdefghijklmnopqrstuvwxyz')}"
        name = name if _storage_type(storage) in _BLOCKS else f"{vmid}/{name}.raw"
        return ",".join(filter(None, (f"{storage}:{name}", rest, f"size={size}G")))
    model, comma, rest = value.partition(",")
    if key.startswith("net") and model in _MODELS:
        return f"{model}={_address(str(datacenter.read().get('mac_prefix') or PREFIX))}{comma}{rest}"
    return value


def _storage_type(storage: str) -> str:
    """rbd for one that is not defined: only machines with Ceph have such a pool's storage."""
    match = re.search(rf"^(\w+): *{re.escape(storage)}$", pvefiles.read("storage.cfg"), re.MULTILINE)
    return match[1] if match else "dir" if storage == "local" else "rbd"


def _address(prefix: str) -> str:
    own = [f"{secrets.randbelow(256):02X}" for _unused in range(6 - len(prefix.split(":")))]
    return ":".join([prefix.upper(), *own])


def summary(vmid: str, known: Config) -> Config:
    """What pvestatd tells of a guest that does not run."""
    values = load(known["node"], vmid, known["type"])
    disks = [str(value) for key, value in values.items() if _DISK.fullmatch(key) or key == "rootfs"]
    sizes = [re.search(r"size=(\d+)([KMGT])", value) for value in disks[:1]]
    size = sum(int(found[1]) << {"K": 10, "M": 20, "G": 30, "T": 40}[found[2]] for found in sizes if found)
    zero = ("cpu", "disk", "diskread", "diskwrite", "mem", "netin", "netout", "uptime")
    return {
        **dict.fromkeys(zero, 0),
        **({"memhost": 0} if paths.release()[0] >= 9 else {}),
        "maxcpu": int(values.get("cores", 1)) * int(values.get("sockets", 1)),
        "maxdisk": size,
        "maxmem": int(values.get("memory", 512)) << 20,
        "name": values.get("name") or values.get("hostname") or f"VM {vmid}",
        "status": "stopped",
        "template": int(values.get("template", 0)),
        **({"tags": values["tags"]} if values.get("tags") else {}),
    }


def pending(node: str, vmid: int | str) -> list[Config]:
    """Changes of a guest that does not run are made at once: none waits."""
    values = load(node, vmid)
    return [{"key": key, "value": values[key]} for key in hash_order(values)]
