"""RBD storages, asked with Ceph's own tools (PVE/Storage/RBDPlugin.pm), and CephFS mounted (CephFSPlugin.pm)."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from .. import paths
from ..errors import Failure
from ..section import Section
from ..text import split_list, truth
from . import conf, rados

_SECONDS = 30


def options(storage: str, section: Section) -> dict[str, str]:
    """How the storage's cluster is reached: conf, keyring, id, auth, monhost (PVE::CephConfig::ceph_connect_option)."""
    suffix = "secret" if section["type"] == "cephfs" else "keyring"
    keyring = f"/etc/pve/priv/ceph/{storage}.{suffix}"
    own = f"/etc/pve/priv/ceph/{storage}.conf"
    found = {"id": str(section.get("username") or "admin"), "auth": "none"}
    if not section.get("monhost"):
        found["conf"] = "/etc/pve/ceph.conf"
    elif paths.at(own).exists():
        found["conf"] = own
    if section.get("monhost"):
        found["monhost"] = ",".join(split_list(str(section["monhost"])))
    if paths.at(keyring).exists():
        found |= {"keyring": keyring, "auth": "cephx"}
    return found


def command(storage: str, section: Section, *words: str) -> list[str]:
    """An `rbd` command on the storage's pool."""
    reach = options(storage, section)
    call = ["/usr/bin/rbd", "-p", str(section.get("pool") or "rbd")]
    call += ["--namespace", str(section["namespace"])] if section.get("namespace") else []
    for option, key in (("-c", "conf"), ("-m", "monhost"), ("--auth_supported", "auth")):
        call += [option, reach[key]] if reach.get(key) else []
    call += ["-n", f"client.{reach['id']}"]
    return [*call, *(["--keyring", reach["keyring"]] if "keyring" in reach else []), *words]


def listed(storage: str, section: Section) -> list[dict[str, Any]]:
    """The images of guests: volid, name, size, vmid, format."""
    call = command(storage, section, "ls", "-l", "--format", "json")
    try:
        done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"rbd error: {error}") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise Failure(f"rbd error: {lines[-1] if lines else f'exit code {done.returncode}'}")
    return [image for entry in json.loads(done.stdout or "[]") if (image := _image(storage, entry))]


def _image(storage: str, entry: dict[str, Any]) -> dict[str, Any] | None:
    name = str(entry["image"])
    owner = re.match(r"(?:vm|base)-(\d+)-", name)
    if "snapshot" in entry or not owner:
        return None
    volid = f"{storage}:{name}"
    return {"volid": volid, "name": name, "size": entry["size"], "vmid": int(owner[1]), "format": "raw", "parent": None}


def usage(storage: str, section: Section) -> tuple[int, int]:
    """(bytes free, bytes used) of the pool that has the data. Raises when the cluster or the pool cannot be had."""
    reach = options(storage, section)
    given = {"auth_supported": reach["auth"]}
    given |= {"keyring": reach["keyring"]} if "keyring" in reach else {}
    given |= {"mon_host": reach["monhost"]} if "monhost" in reach else {}
    with rados.connect(name=f"client.{reach['id']}", conf=reach.get("conf"), **given) as mon:
        entries = mon.mon_command("df", format="json")["pools"]
    pool = section.get("data-pool") or section.get("pool") or "rbd"
    for entry in entries:
        if entry["name"] == pool:
            stats = entry["stats"]
            return int(stats["max_avail"]), int(stats.get("stored", stats.get("bytes_used", 0)))
    raise Failure(f"could not get usage stats for pool '{pool}'")


# -- CephFS


def mount_unit(storage: str, section: Section, *, kernel: bool) -> str:
    """The systemd unit that mounts a CephFS; `kernel`: by the kernel's client, else by ceph-fuse."""
    reach = options(storage, section)
    server = reach.get("monhost") or ",".join(conf.monitor_addresses(conf.read()))
    words = {
        True: {"name": reach["id"], "secretfile": reach.get("keyring"), "conf": reach.get("conf")},
        False: {"ceph.id": reach["id"], "ceph.keyfile": reach.get("keyring"), "ceph.conf": reach.get("conf")},
    }[kernel]
    words["fs" if kernel else "ceph.client_fs"] = section.get("fs-name")
    given = [f"{key}={value}" for key, value in words.items() if value]
    given += [str(section["options"])] if section.get("options") else []
    return (
        f"[Unit]\nDescription={section['path']}\nAfter=network-online.target\n[Mount]\n"
        f"What={server}:{section.get('subdir') or '/'}\nWhere={section['path']}\n"
        f"Type={'ceph' if kernel else 'fuse.ceph'}\nOptions={','.join(given)}\n"
    )


def mounted(section: Section) -> bool:
    wanted = str(paths.at(section["path"]))
    rows = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return any(row[1] == wanted and re.match(r"ceph|fuse\.ceph-fuse", row[2]) for row in rows)


def mount(storage: str, section: Section) -> None:
    """The rack's kernel has no client for CephFS: there ceph-fuse takes its place, on the same data."""
    known = Path("/proc/filesystems").read_text().split()
    text = mount_unit(storage, section, kernel="ceph" in known and not truth(section.get("fuse")))
    name = subprocess.run(
        ["systemd-escape", "-p", "--suffix=mount", str(section["path"])], capture_output=True, text=True, check=True
    ).stdout.strip()
    paths.at(f"/run/systemd/system/{name}").write_text(text)
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    done = subprocess.run(["systemctl", "start", name], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"mount error: {done.stderr.strip()}", done.returncode)
