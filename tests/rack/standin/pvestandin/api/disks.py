"""/nodes/{node}/disks: the list, and wiping one (PVE/API2/Disks.pm)."""

from __future__ import annotations

from typing import Any

from .. import disks, tasks
from ..ceph import backend
from ..ceph import disks as wiping
from ..registry import ALL, Context, endpoint
from ..text import truth

_NODE = "node:pve-node!"


@endpoint("GET", "/nodes/{node}/disks", permission=ALL, proxyto="node", params=_NODE)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name} for name in ("list", "initgpt", "smart", "lvm", "lvmthin", "directory", "wipedisk", "zfs")]


@endpoint(
    "GET",
    "/nodes/{node}/disks/list",
    permission=["or", ["perm", "/", ["Sys.Audit"]], ["perm", "/nodes/{node}", ["Sys.Audit"]]],
    proxyto="node",
    params=f"{_NODE} include-partitions:boolean skipsmart:boolean type",
)
def listed(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    found = disks.listed(smart=not truth(params.get("skipsmart")), partitions=truth(params.get("include-partitions")))
    return [disk for _name, disk in sorted(found.items()) if _wanted(disk, params.get("type"))]


@endpoint("PUT", "/nodes/{node}/disks/wipedisk", proxyto="node", params=f"{_NODE} disk!")
def wipe(ctx: Context, params: dict[str, Any]) -> str:
    disk = wiping.verify(params["disk"])
    wiping.assert_free(disk)
    sparse = isinstance(backend.chosen(), backend.Raw)
    return tasks.start(ctx, "wipedisk", disk.rpartition("/")[2], wiping.wipe_task, path=disk, sparse=sparse)


def _wanted(disk: disks.Disk, kind: str | None) -> bool:
    used = disk.get("used")
    if kind == "journal_disks":
        free = not used or (used == "partitions" and disk["gpt"]) or used == "LVM"
        return int(disk["osdid"]) < 0 and bool(free)
    return not used if kind == "unused" else True
