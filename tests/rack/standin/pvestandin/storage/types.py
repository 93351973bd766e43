"""What each storage type may have, for 8.4 and 9.2 (the plugins under PVE/Storage/ in pve-storage 8.3 and 9.1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .. import formats, paths
from ..section import FIXED, FIXED_OPTIONAL, OPTIONAL, REQUIRED, Option

_ALWAYS = "nodes disable content"
_FILES = "format mkdir create-base-path create-subdirs preallocation prune-backups max-protected-backups"
_ALL_CONTENT = "images rootdir vztmpl iso backup snippets import"


@dataclass(frozen=True)
class StorageType:
    """`content` are the valid content types, `default` those of a definition without any."""

    options: dict[str, Option]
    content: frozenset[str]
    default: tuple[str, ...]
    formats: tuple[str, ...]
    secrets: tuple[str, ...]
    shared: bool
    """The same for all nodes by its nature."""
    own_path: bool
    """It is mounted below /mnt/pve unless a path is given."""


# name: (fixed, required, optional, valid content, default content)
_TYPES: dict[str, tuple[str, str, str, str, str]] = {
    "btrfs": ("path", "", f"{_FILES} is_mountpoint nocow shared", f"{_ALL_CONTENT} none", "images rootdir"),
    "cephfs": (
        "path",
        "",
        "bwlimit content-dirs create-base-path create-subdirs format fs-name fuse keyring "
        "max-protected-backups mkdir monhost options prune-backups subdir username",
        "vztmpl iso backup snippets import",
        "backup",
    ),
    "cifs": (
        "path server share",
        "",
        f"{_FILES} bwlimit content-dirs domain options password smbversion subdir username",
        _ALL_CONTENT,
        "images",
    ),
    "dir": (
        "path",
        "",
        f"{_FILES} bwlimit content-dirs is_mountpoint shared",
        f"{_ALL_CONTENT} none",
        "images rootdir",
    ),
    "esxi": ("", "server username", "password port shared skip-cert-verification", "import", "import"),
    "glusterfs": (
        "path volume",
        "",
        f"{_FILES} bwlimit server server2 transport",
        "images vztmpl iso backup snippets import",
        "images",
    ),
    "iscsi": ("portal target", "", "bwlimit", "images none", "images"),
    "iscsidirect": ("portal target", "", "bwlimit", "images none", "images"),
    "lvm": ("vgname", "", "bwlimit saferemove saferemove_throughput shared tagged_only", "images rootdir", "images"),
    "lvmthin": ("thinpool vgname", "", "bwlimit", "images rootdir", "images rootdir"),
    "nfs": ("path server export", "", f"{_FILES} bwlimit content-dirs options", _ALL_CONTENT, "images"),
    "pbs": (
        "server datastore",
        "",
        "encryption-key fingerprint master-pubkey max-protected-backups namespace password port prune-backups username",
        "backup none",
        "backup",
    ),
    "rbd": ("", "", "bwlimit data-pool keyring krbd monhost namespace pool username", "images rootdir", "images"),
    "zfs": (
        "portal target pool blocksize iscsiprovider",
        "",
        "bwlimit comstar_hg comstar_tg lio_tpg nowritecache sparse",
        "images",
        "images",
    ),
    "zfspool": ("pool", "", "blocksize bwlimit mountpoint sparse", "images rootdir", "images rootdir"),
}
_FORMATS = {
    "dir": "raw qcow2 vmdk subvol",
    "btrfs": "raw subvol",
    "zfspool": "raw subvol",
    **dict.fromkeys(("nfs", "cifs", "glusterfs", "esxi"), "raw qcow2 vmdk"),
}
_SECRETS = {
    "cifs": ("password",),
    "esxi": ("password",),
    "cephfs": ("keyring",),
    "rbd": ("keyring",),
    "pbs": ("encryption-key", "master-pubkey", "password"),
}
_SHARED = {"iscsi", "nfs", "cifs", "rbd", "cephfs", "iscsidirect", "zfs", "pbs", "glusterfs"}
_OWN_PATH = {"nfs", "cifs", "cephfs", "glusterfs"}
_PRUNED_8 = ("dir", "btrfs", "nfs", "cifs", "cephfs", "glusterfs", "pbs")


def storage_types() -> dict[str, StorageType]:
    """The types of the node's release."""
    return _storage_types(paths.release()[0])


@lru_cache(maxsize=2)
def _storage_types(major: int) -> dict[str, StorageType]:
    types: dict[str, StorageType] = {}
    for name, (fixed, required, optional, content, default) in _TYPES.items():
        if name == "glusterfs" and major >= 9:
            continue
        options = {
            **dict.fromkeys(fixed.split(), FIXED),
            **dict.fromkeys(required.split(), REQUIRED),
            **dict.fromkeys(f"{_ALWAYS} {optional}".split(), OPTIONAL),
        }
        if name == "lvm":
            options["base"] = FIXED_OPTIONAL
        options |= _new_in_9(name) if major >= 9 else _only_in_8(name)
        images = "raw qcow2" if name == "lvm" and major >= 9 else _FORMATS.get(name, "raw")
        types[name] = StorageType(
            options,
            frozenset(content.split()),
            tuple(default.split()),
            tuple(images.split()),
            _SECRETS.get(name, ()),
            name in _SHARED,
            name in _OWN_PATH,
        )
    return types


def _new_in_9(name: str) -> dict[str, Option]:
    if name in ("dir", "nfs", "cifs"):
        return {"snapshot-as-volume-chain": FIXED_OPTIONAL}
    if name == "lvm":
        return {"snapshot-as-volume-chain": OPTIONAL, "saferemove-stepsize": OPTIONAL}
    return {"zfs-base-path": OPTIONAL} if name == "zfs" else {}


def _only_in_8(name: str) -> dict[str, Option]:
    return {"maxfiles": OPTIONAL} if name in _PRUNED_8 else {}


def _text(form: str | dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "string", "optional": 1, **({"format": form} if form else {}), **more}


_BOOLEAN = {"type": "boolean", "optional": 1}
_PROPERTIES: dict[str, dict[str, Any]] = {
    **{
        name: _text()
        for name in (
            "authsupported",
            "comstar_hg",
            "comstar_tg",
            "data-pool",
            "datastore",
            "encryption-key",
            "is_mountpoint",
            "iscsiprovider",
            "keyring",
            "lio_tpg",
            "master-pubkey",
            "namespace",
            "pool",
            "saferemove_throughput",
            "share",
            "target",
            "username",
            "volume",
        )
    },
    **{
        name: _BOOLEAN
        for name in (
            "create-base-path",
            "create-subdirs",
            "disable",
            "fuse",
            "krbd",
            "mkdir",
            "nocow",
            "nowritecache",
            "saferemove",
            "shared",
            "skip-cert-verification",
            "snapshot-as-volume-chain",
            "sparse",
            "tagged_only",
        )
    },
    "base": _text("pve-volume-id"),
    "blocksize": _text("pve-storage-zfs-blocksize"),
    "bwlimit": _text(formats.PROPERTY_FORMATS["bwlimit"]),
    "content": _text("pve-storage-content-list"),
    "content-dirs": _text("pve-dir-override-list"),
    "domain": _text(maxLength=256),
    "export": _text("pve-storage-path"),
    "fs-name": _text("pve-configid"),
    "fingerprint": _text(pattern="([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}"),
    "format": _text(enum=["raw", "qcow2", "subvol", "vmdk"]),
    "max-protected-backups": {"type": "integer", "optional": 1, "minimum": -1},
    "maxfiles": {"type": "integer", "optional": 1, "minimum": 0},
    "monhost": _text("pve-storage-portal-dns-list"),
    "mountpoint": _text("pve-storage-path"),
    "nodes": _text("pve-node-list"),
    "options": _text("pve-storage-options"),
    "password": _text(maxLength=256),
    "path": _text("pve-storage-path"),
    "port": {"type": "integer", "optional": 1, "minimum": 1, "maximum": 65535},
    "portal": _text("pve-storage-portal-dns"),
    "preallocation": _text(enum=["off", "metadata", "falloc", "full"]),
    "prune-backups": _text("prune-backups"),
    "saferemove-stepsize": {"type": "integer", "optional": 1, "enum": ["1", "2", "4", "8", "16", "32"]},
    "server": _text("pve-storage-server"),
    "server2": _text("pve-storage-server", requires="server"),
    "smbversion": _text(enum=["default", "2.0", "2.1", "3", "3.0", "3.11"]),
    "subdir": _text("pve-storage-path"),
    "thinpool": _text("pve-storage-vgname"),
    "transport": _text(enum=["tcp", "rdma", "unix"]),
    "vgname": _text("pve-storage-vgname"),
    "zfs-base-path": _text("pve-storage-path"),
}
_ONLY_8 = {"maxfiles", "server2", "transport", "volume"}
_ONLY_9 = {"saferemove-stepsize", "snapshot-as-volume-chain", "zfs-base-path"}


def properties() -> dict[str, dict[str, Any]]:
    """The schema of every property of the release."""
    foreign = _ONLY_8 if paths.release()[0] >= 9 else _ONLY_9
    return {name: schema for name, schema in _PROPERTIES.items() if name not in foreign}


def updatable() -> dict[str, dict[str, Any]]:
    """The properties that PUT knows: those that at least one type may change."""
    return {
        name: schema
        for name, schema in properties().items()
        if any(name in kind.options and not kind.options[name].fixed for kind in storage_types().values())
    }
