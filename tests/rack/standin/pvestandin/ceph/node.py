"""What a node has of Ceph: packages, configuration, keyrings (PVE/Ceph/Tools.pm)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from .. import paths, pvefiles
from ..cluster import run
from ..errors import Failure
from . import rados

BINARIES = {
    "ceph_bin": "/usr/bin/ceph",
    "ceph_mon": "/usr/bin/ceph-mon",
    "ceph_mgr": "/usr/bin/ceph-mgr",
    "ceph_osd": "/usr/bin/ceph-osd",
    "ceph_mds": "/usr/bin/ceph-mds",
    "ceph_volume": "/usr/sbin/ceph-volume",
}
INSTALLING = "/run/pve-ceph-install-flag"
"""There while apt installs Ceph: the binaries are unpacked before they can be used."""
SERVICE_ID = "[a-zA-Z0-9]([a-zA-Z0-9\\-]*[a-zA-Z0-9])?"
ADMIN_KEYRING = "priv/ceph.client.admin.keyring"
MON_KEYRING = "priv/ceph.mon.keyring"
CRASH_KEYRING = "ceph/ceph.client.crash.keyring"
BOOTSTRAP_OSD = "/var/lib/ceph/bootstrap-osd/ceph.keyring"
FILES = (
    "/etc/pve/ceph.conf",
    f"/etc/pve/{CRASH_KEYRING}",
    f"/etc/pve/{MON_KEYRING}",
    f"/etc/pve/{ADMIN_KEYRING}",
    BOOTSTRAP_OSD,
    "/var/lib/ceph/bootstrap-mds/ceph.keyring",
    rados.CONF,
)
"""What `pveceph purge` removes."""
_VERSION = re.compile(r"ceph.*\sv?(\d+(?:\.\d+)+)\S*\s+\(([a-zA-Z0-9]+)\)")


def installed(binary: str = "ceph_bin") -> bool:
    return os.access(paths.at(BINARIES[binary]), os.X_OK) and not paths.at(INSTALLING).exists()


def check_installed(binary: str = "ceph_bin") -> None:
    if not installed(binary):
        raise Failure(f"binary not installed: {BINARIES[binary]}", 2)


def check_inited() -> None:
    check_installed("ceph_mon")
    missing = [
        f"missing '/etc/pve/{name}'"
        for name, there in (("ceph.conf", paths.pve("ceph.conf").is_file()), ("ceph", paths.pve("ceph").is_dir()))
        if not there
    ]
    if missing:
        raise Failure(f"pveceph configuration not initialized - {', '.join(missing)}", 2)


def check_configured() -> None:
    check_inited()
    if not paths.pve(ADMIN_KEYRING).is_file():
        raise Failure(f"ceph not fully configured - missing '/etc/pve/{ADMIN_KEYRING}'", 2)


def version() -> tuple[str, str] | None:
    """(version, build commit) of the installed Ceph, or None."""
    binary = paths.at(BINARIES["ceph_bin"])
    return _version(str(binary), binary.stat().st_mtime_ns) if installed() else None


@lru_cache(maxsize=4)
def _version(binary: str, stamp: int) -> tuple[str, str] | None:
    return parse_version(subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout)


def parse_version(text: str) -> tuple[str, str] | None:
    match = _VERSION.match(text)
    return (match[1], match[2]) if match else None


def link_conf() -> None:
    """/etc/ceph/ceph.conf is a link into the cluster's file system."""
    link, target = paths.at(rados.CONF), paths.pve("ceph.conf")
    if link.is_file():
        if not link.is_symlink() or os.readlink(link) != str(target):
            raise Failure(f"file '{rados.CONF}' already exists and is not a symlink to /etc/pve/ceph.conf")
    else:
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)  # one that points nowhere
        link.symlink_to(target)
    shutil.chown(link.parent, "ceph", "ceph")


def admin_keyring() -> Path:
    """The administrator's keyring, made if there is none; the node gets a copy of a new one."""
    keyring, copy = paths.pve(ADMIN_KEYRING), paths.at("/etc/ceph/ceph.client.admin.keyring")
    if not keyring.is_file():
        caps = [word for name in ("mon", "osd", "mds", "mgr") for word in ("--cap", name, "allow *")]
        run("ceph-authtool", "--create-keyring", str(keyring), "--gen-key", "-n", "client.admin", *caps)
        if not copy.is_file():
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(keyring, copy)
            shutil.chown(copy, "ceph", "ceph")
            copy.chmod(0o600)
    return keyring


def mon_keyring() -> Path:
    keyring, admin = paths.pve(MON_KEYRING), admin_keyring()
    if not keyring.is_file():
        print("creating new monitor keyring", flush=True)
        run("ceph-authtool", "--create-keyring", str(keyring), "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        run("ceph-authtool", str(keyring), "--import-keyring", str(admin))
    return keyring


def crash_keyring() -> None:
    with rados.connect() as mon:
        text = mon.mon_command(
            "auth get-or-create",
            entity="client.crash",
            caps=["mon", "profile crash", "mgr", "profile crash"],
            format="plain",
        )
    if pvefiles.read(CRASH_KEYRING) != text:
        pvefiles.write(CRASH_KEYRING, text)


def write_owned(path: str, text: str) -> None:
    """A keyring in a service's directory; the whole directory then is Ceph's."""
    file = paths.at(path)
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o600)
