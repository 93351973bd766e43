"""/nodes/{node}/storage: what a node can do with the storages (PVE/API2/Storage/Status.pm)."""

from __future__ import annotations

from typing import Any

from ..ceph import images
from ..errors import bad_parameters
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..section import Sections
from ..storage import config, probe
from ..storage.types import storage_types
from ..text import hash_order, split_list, truth

_SEEN = ["Datastore.Audit", "Datastore.AllocateSpace"]
_ONE = "/nodes/{node}/storage/{storage}"
_MAY_SEE = ["perm", "/storage/{storage}", _SEEN, "any", 1]
_PARAMS = "node:pve-node! storage:pve-storage-id!"


@endpoint(
    "GET",
    "/nodes/{node}/storage",
    permission=ALL,
    proxyto="node",
    params="node:pve-node! storage:pve-storage-id content:pve-storage-content-list enabled:boolean "
    "target:pve-node format:boolean",
)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    sections, allowed = config.read(), Permissions()
    if params.get("storage") and params["storage"] not in sections.ids:
        raise bad_parameters({"storage": "No such storage."})
    answer = []
    for name in hash_order(sections.ids):
        if _shown(ctx, params, sections, name) and allowed.allowed(ctx.user, f"/storage/{name}", _SEEN, any_of=True):
            answer.append(_entry(sections, name, formats=truth(params.get("format"))))
    return answer


def _shown(ctx: Context, params: dict[str, Any], sections: Sections, name: str) -> bool:
    section = sections.ids[name]
    if params.get("storage") not in (None, name):
        return False
    wanted = set(split_list(params.get("content")))
    if wanted and not (wanted & section["content"] and config.enabled_here(section)):
        return False
    if truth(params.get("enabled")) and truth(section.get("disable")):
        return False
    target = params.get("target")
    if target and target not in (ctx.node, "localhost"):
        return truth(section.get("shared")) and config.on_node(section, ctx.node) and config.on_node(section, target)
    return True


def _entry(sections: Sections, name: str, *, formats: bool = False) -> dict[str, Any]:
    section = sections.ids[name]
    entry = {**probe.information(name, section), "storage": name}
    if entry["total"]:
        entry["used_fraction"] = entry["used"] / entry["total"]
    if formats and entry["enabled"]:
        known = storage_types()[section["type"]].formats
        entry["formats"] = {"supported": sorted(known), "default": section.get("format") or known[0]}
        if section["type"] in ("iscsi", "iscsidirect"):
            entry["select_existing"] = 1
    return entry


@endpoint("GET", _ONE, permission=_MAY_SEE, params=_PARAMS)
def subdirectories(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"subdir": name}
        for name in (
            "content",
            "download-url",
            "file-restore",
            "import-metadata",
            "prunebackups",
            "rrd",
            "rrddata",
            "status",
            "upload",
        )
    ]


@endpoint("GET", f"{_ONE}/status", permission=_MAY_SEE, params=_PARAMS, proxyto="node")
def status(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    sections = config.read()
    if params["storage"] not in sections.ids:
        raise bad_parameters({"storage": "No such storage."})
    return probe.information(params["storage"], sections.ids[params["storage"]])


@endpoint(
    "GET",
    f"{_ONE}/content",
    permission=["perm", "/storage/{storage}", _SEEN, "any", 1],
    proxyto="node",
    params=f"{_PARAMS} content vmid:pve-vmid",
)
def content(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Images of guests on RBD; other storages have no images in the rack yet."""
    section = config.get(config.read(), params["storage"])
    if section["type"] != "rbd" or params.get("content") not in (None, "images", "rootdir"):
        return []
    found = [{**image, "content": "images"} for image in images.listed(params["storage"], section)]
    return [image for image in found if params.get("vmid") in (None, image["vmid"], str(image["vmid"]))]
