# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Storage definitions: every type of Proxmox VE 8.4 and 9.2, as each plugin of PVE::Storage declares it in options().

The API calls the path of network file systems fixed and required, and fills it in itself; here it is optional. What a
plugin has no use for is left out though the schema knows it: the format of CephFS, the authsupported of RBD.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import (
    BOOL,
    BWLIMIT,
    DIRECTORIES,
    FINGERPRINT,
    HOSTS,
    INT,
    JSON,
    PATH,
    PRUNE,
    SET,
    SIZE,
    SWITCH,
    TEXT,
)

# What each plugin of PVE::Storage declares in plugindata(). Anything else it drops with a warning in a log.
_FILES = ["images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import"]
_DISKS = ["images", "rootdir"]
_IMAGE_FILES = ["raw", "qcow2", "vmdk"]

_COMMON = "nodes disable content"
_DIRECTORY = "mkdir create-base-path create-subdirs prune-backups max-protected-backups maxfiles"
_MOUNTED = f"{_COMMON} path {_DIRECTORY} bwlimit"
_SHARED: dict[str, Any] = {"shared": True}

_LAST_8: dict[str, Any] = {"until": (9, 0)}
_FIRST_9: dict[str, Any] = {"since": (9, 0)}
_HOST: dict[str, Any] = {
    "pattern": r"[A-Za-z0-9:]([A-Za-z0-9.:-]*[A-Za-z0-9:])?",
    "meaning": "an address or a host name",
}
_LVM_NAME: dict[str, Any] = {
    "pattern": r"[A-Za-z0-9][A-Za-z0-9_.-]*[A-Za-z0-9]",
    "meaning": "a name that LVM in Proxmox takes",
}
_ABSOLUTE: dict[str, Any] = {"pattern": r"/[^;()]+", "meaning": "an absolute path"}


def _variant(content: Sequence[str], default: Sequence[str], **arguments: Any) -> Variant:
    choices = {"content": content, **arguments.pop("choices", {})}
    return Variant(choices=choices, defaults={"content": sorted(default)}, **arguments)


VARIANTS: dict[str | None, Variant] = {
    "btrfs": _variant(
        [*_FILES, "none"],
        _DISKS,
        required="path",
        fixed="path",
        optional=f"{_COMMON} shared {_DIRECTORY} format is_mountpoint nocow preallocation",
        choices={"format": ["raw", "subvol"]},
    ),
    "cephfs": _variant(
        ["vztmpl", "iso", "backup", "snippets", "import"],
        ["backup"],
        fixed="path",
        implied=_SHARED,
        optional=f"{_MOUNTED} content-dirs monhost subdir options username fuse keyring fs-name",
    ),
    "cifs": _variant(
        _FILES,
        ["images"],
        required="server share",
        fixed="server share path snapshot-as-volume-chain",
        optional=f"{_MOUNTED} content-dirs subdir options username password domain smbversion format preallocation"
        " snapshot-as-volume-chain",
        choices={"format": _IMAGE_FILES},
        implied=_SHARED,
    ),
    "dir": _variant(
        [*_FILES, "none"],
        _DISKS,
        required="path",
        fixed="path snapshot-as-volume-chain",
        optional=f"{_COMMON} shared {_DIRECTORY} content-dirs bwlimit format is_mountpoint preallocation"
        " snapshot-as-volume-chain",
        choices={"format": [*_IMAGE_FILES, "subvol"]},
    ),
    "esxi": _variant(
        ["import"],
        ["import"],
        required="server username",
        at_creation="password",
        optional=f"{_COMMON} shared password skip-cert-verification port",
    ),
    "glusterfs": _variant(
        [one for one in _FILES if one != "rootdir"],
        ["images"],
        required="volume",
        fixed="volume path",
        optional=f"{_MOUNTED} server server2 transport format preallocation",
        choices={"format": _IMAGE_FILES},
        until=(9, 0),
    ),
    "iscsi": _variant(
        ["images", "none"],
        ["images"],
        required="portal target",
        fixed="portal target",
        optional=f"{_COMMON} bwlimit",
        implied=_SHARED,
    ),
    "iscsidirect": _variant(
        ["images", "none"],
        ["images"],
        required="portal target",
        fixed="portal target",
        optional=f"{_COMMON} bwlimit",
        implied=_SHARED,
    ),
    "lvm": _variant(
        _DISKS,
        ["images"],
        required="vgname",
        fixed="vgname base",
        optional=f"{_COMMON} shared base saferemove saferemove-stepsize saferemove_throughput tagged_only bwlimit"
        " snapshot-as-volume-chain",
    ),
    "lvmthin": _variant(
        _DISKS,
        _DISKS,
        required="vgname thinpool",
        fixed="vgname thinpool",
        optional=f"{_COMMON} bwlimit",
    ),
    "nfs": _variant(
        _FILES,
        ["images"],
        required="server export",
        fixed="server export path snapshot-as-volume-chain",
        optional=f"{_MOUNTED} content-dirs options format preallocation snapshot-as-volume-chain",
        choices={"format": _IMAGE_FILES},
        implied=_SHARED,
    ),
    "pbs": _variant(
        ["backup", "none"],
        ["backup"],
        required="server datastore",
        fixed="server datastore",
        optional=f"{_COMMON} namespace port username password encryption-key master-pubkey fingerprint"
        " prune-backups max-protected-backups maxfiles",
        implied=_SHARED,
    ),
    "rbd": _variant(
        _DISKS,
        ["images"],
        optional=f"{_COMMON} monhost pool data-pool namespace username krbd keyring bwlimit",
        implied=_SHARED,
    ),
    "zfs": _variant(
        ["images"],
        ["images"],
        required="portal target pool blocksize iscsiprovider",
        fixed="portal target pool blocksize iscsiprovider",
        optional=f"{_COMMON} nowritecache sparse comstar_hg comstar_tg lio_tpg bwlimit zfs-base-path",
        implied=_SHARED,
    ),
    "zfspool": _variant(
        _DISKS,
        _DISKS,
        required="pool",
        fixed="pool",
        optional=f"{_COMMON} blocksize sparse bwlimit mountpoint",
    ),
}


def same_key(secret: str, marker: Any) -> bool:
    """The API shows the fingerprint that is written in the key, or 1 for a key without one (PBSPlugin.pm)."""
    if secret == "autogen":
        return True
    try:
        return json.loads(secret).get("fingerprint") == marker
    except (ValueError, AttributeError):
        return False


FIELDS = [
    Field("content", SET, choices=[*_FILES, "none"]),
    Field("nodes", SET, pattern=r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", meaning="a node name"),
    Field("disable", BOOL, default=False),
    Field("shared", BOOL, default=False),
    Field("path", PATH, generated=True, **_ABSOLUTE),
    Field("server", **_HOST),
    Field("server2", along="server", **_HOST, **_LAST_8),
    Field("volume", **_LAST_8),
    Field("transport", choices=["tcp", "rdma", "unix"], **_LAST_8),
    Field("export", **_ABSOLUTE),
    Field("share"),
    Field("subdir", **_ABSOLUTE),
    Field("options", pattern=r"\S+", meaning="a comma-separated string without blanks"),
    Field("domain"),
    Field("smbversion", default="default", choices=["default", "2.0", "2.1", "3", "3.0", "3.11"]),
    Field("username"),
    Field("password", secret=True),
    Field("portal", pattern=r"[A-Za-z0-9.:\[\]-]+", meaning="an address or host name with an optional port"),
    Field("target"),
    Field("vgname", **_LVM_NAME),
    Field("thinpool", **_LVM_NAME),
    Field("base", pattern=r"[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9]:.+", meaning="a volume such as STORAGE:VOLUME"),
    Field("saferemove", BOOL, default=False),
    Field("saferemove-stepsize", INT, default=32, choices=[1, 2, 4, 8, 16, 32], **_FIRST_9),
    Field("saferemove_throughput"),
    Field("tagged_only", BOOL, default=False),
    Field("pool"),
    Field("data-pool"),
    Field("namespace"),
    Field("monhost", HOSTS, pattern=r"[A-Za-z0-9.:\[\]-]+", meaning="an address or host name"),
    Field("krbd", BOOL, default=False),
    Field("keyring", TEXT, secret=True),
    Field("fuse", BOOL, default=False),
    Field("fs-name", pattern=r"[A-Za-z][A-Za-z0-9_-]+", meaning="the name of a CephFS"),
    Field("blocksize", SIZE),
    Field("sparse", BOOL, default=False),
    Field("mountpoint", PATH, generated=True, **_ABSOLUTE),
    Field("iscsiprovider", choices=["comstar", "istgt", "iet", "LIO"]),
    Field("nowritecache", BOOL, default=False),
    Field("comstar_hg"),
    Field("comstar_tg"),
    Field("lio_tpg"),
    Field("zfs-base-path", PATH, generated=True, **_ABSOLUTE, **_FIRST_9),
    Field("datastore"),
    Field("fingerprint", FINGERPRINT, pattern=r"([A-F0-9]{2}:){31}[A-F0-9]{2}", meaning="a SHA-256 fingerprint"),
    Field("port", INT, limits=(1, 65535)),
    Field("encryption-key", JSON, secret=True, marker=True, same=same_key),
    Field("master-pubkey", TEXT, secret=True, marker=True),
    Field("skip-cert-verification", BOOL, default=False),
    Field("prune-backups", PRUNE),
    Field("max-protected-backups", INT, limits=(-1, 2**31)),
    Field("maxfiles", INT, limits=(0, 2**31), instead="prune_backups", **_LAST_8),
    Field("content-dirs", DIRECTORIES),
    Field("bwlimit", BWLIMIT),
    Field("format", choices=["raw", "qcow2", "subvol", "vmdk"]),
    Field("preallocation", default="metadata", choices=["off", "metadata", "falloc", "full"]),
    Field("snapshot-as-volume-chain", BOOL, default=False, **_FIRST_9),
    Field("is_mountpoint", SWITCH, default="no"),
    Field("mkdir", BOOL, default=True),
    Field("create-base-path", BOOL, default=True),
    Field("create-subdirs", BOOL, default=True),
    Field("nocow", BOOL, default=False),
]


def prepare(values: Item, _present: Item | None) -> Item:
    """Proxmox VE 8 shows maxfiles as prune-backups, so that is what it is compared with and written as."""
    count = values.pop("maxfiles", None)
    if count is not None:
        if "prune_backups" in values:
            raise ValueError("maxfiles and prune_backups say the same thing; give only prune_backups")
        values["prune_backups"] = {"keep_last": count} if count else {"keep_all": True}
    return values


def check(item: Item) -> Iterable[str]:
    kind, content = item["type"], item.get("content") or []
    if "none" in content and len(content) > 1:
        yield "content: none cannot be combined with anything else"
    for name in item.get("content_dirs") or ():
        if name not in VARIANTS[kind].choices["content"]:
            yield f"content_dirs: {kind} stores no {name}"
    if kind in ("dir", "btrfs") and not re.fullmatch(r"/[-/a-zA-Z0-9_.@]+", item["path"]):
        yield f"path: Proxmox takes letters, digits and -_.@ in it, not {item['path']!r}"
    if item["storage"] == "local" and item.get("nodes"):
        yield "nodes: Proxmox ignores it for this storage, which is on every node"


def depends(item: Item) -> Iterable[str]:
    return [item["base"].partition(":")[0]] if item.get("base") else []


def keep(row: Mapping[str, Any]) -> str | None:
    if row.get("encryption-key"):
        return (
            "its encryption key, without which its backups cannot be read, goes with it; save"
            f" /etc/pve/priv/storage/{row['storage']}.enc and remove the definition with state=deleted"
        )
    return None


def explain(item: Item, reason: str) -> str | None:
    if "is not online" in reason:
        where = item.get("server") or item.get("portal") or "the storage"
        return f"This node cannot reach {where}. Bring it up, or define it with disable: true for now."
    if "no quorum" in reason:
        return "The cluster has no quorum, so its configuration is read-only. See 'pvecm status'."
    return None


def advise(get: Callable[[str], Any], changes: Sequence[Any]) -> Iterable[str]:
    """A node that does not exist is accepted by Proxmox and makes a storage that is nowhere."""
    limited = {change.key: change.to_set["nodes"] for change in changes if "nodes" in change.to_set}
    if limited:
        known = {row["node"] for row in get("/nodes")}
        for key, nodes in limited.items():
            if strange := sorted(set(nodes) - known):
                yield f"storage '{key}': nodes: this cluster has no node {', '.join(strange)}"


STORAGE = Resource(
    name="storage",
    path="/storage",
    key=Field(
        "storage",
        pattern=r"[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9]",
        meaning="a storage identifier (letters, digits and -_. in the middle, two characters or more)",
    ),
    discriminator=Field("type", choices=sorted(str(name) for name in VARIANTS)),
    fields=FIELDS,
    variants=VARIANTS,
    protected=frozenset({"local"}),
    # Plugin.pm, parse_config, when storage.cfg has no entry for it
    fresh=[
        {
            "storage": "local",
            "type": "dir",
            "path": "/var/lib/vz",
            "prune-backups": "keep-all=1",
            "content": "backup,images,iso,rootdir,snippets,vztmpl",
        }
    ],
    prepare=prepare,
    check=check,
    depends=depends,
    keep=keep,
    explain=explain,
    advise=advise,
)
