"""/cluster/replication (PVE/API2/ReplicationConfig.pm, PVE/ReplicationConfig.pm of pve-guest-common).

The scheduler, which removes what is marked, has its turn here right after the list was read.
"""

from __future__ import annotations

import re
from typing import Any

from .. import paths, pvefiles
from ..errors import Failure, bad_parameters
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..section import FIXED, OPTIONAL, SectionConfig, Sections
from ..storage import config as storage
from ..text import decode_text, encode_text, split_list, truth

_FILE = "replication.cfg"
_PATH = "/cluster/replication"
_ID = {"id": {"type": "string", "pattern": r"[1-9][0-9]{2,8}-\d{1,9}"}}
_SETTINGS: dict[str, dict[str, Any]] = {
    "disable": {"type": "boolean", "optional": 1},
    "comment": {"type": "string", "optional": 1, "maxLength": 4096},
    "remove_job": {"type": "string", "optional": 1, "enum": ["local", "full"]},
    "rate": {"type": "number", "optional": 1, "minimum": 1},
    "schedule": {"type": "string", "optional": 1, "maxLength": 128, "format": "pve-calendar-event"},
    "source": {"type": "string", "optional": 1, "format": "pve-node"},
}
_TARGET = {"target": {"type": "string", "format": "pve-node"}, "type": {"type": "string", "enum": ["local"]}}
_UPDATE = {
    "digest": {"type": "string", "optional": 1},
    "delete": {"type": "string", "optional": 1, "format": "pve-configid-list"},
}
_TABLE = SectionConfig(
    {"local": {"target": FIXED, **dict.fromkeys(_SETTINGS, OPTIONAL)}},
    {**_SETTINGS, **_TARGET},
    decode=lambda _kind, key, value: decode_text(str(value)) if key == "comment" else value,
    encode=lambda _kind, key, value: encode_text(str(value)) if key == "comment" else value,
)


def _read() -> Sections:
    return _TABLE.parse(pvefiles.read(_FILE), _FILE)


def _write(sections: Sections) -> None:
    seen: dict[tuple[str, str], str] = {}
    for name, job in sections.ids.items():
        key = (name.partition("-")[0], job["target"])
        if key in seen:
            raise Failure(f"replication job for guest '{key[0]}' to target 'local/{key[1]}' already exists")
        seen[key] = name
    pvefiles.write(_FILE, _TABLE.write(sections))


def _row(name: str, job: dict[str, Any]) -> dict[str, Any]:
    guest, _dash, count = name.partition("-")
    return {**job, "id": name, "guest": int(guest), "jobnum": int(count)}


def _may(ctx: Context, name: str) -> None:
    """Before 9 there was no privilege of its own."""
    if paths.release()[0] >= 9:
        Permissions().check(ctx.user, f"/vms/{name.partition('-')[0]}", ["VM.Replicate"])
    else:
        Permissions().check(ctx.user, "/storage", ["Datastore.Allocate"])


@endpoint("GET", _PATH, permission=ALL)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    sections, allowed = _read(), Permissions()
    rows = [
        _row(name, sections.ids[name])
        for name in sorted(sections.ids)
        if allowed.allowed(ctx.user, f"/vms/{name.partition('-')[0]}", ["VM.Audit"])
    ]
    if any(job.get("remove_job") for job in sections.ids.values()):
        _scheduler()
    return rows


def _scheduler() -> None:
    with pvefiles.lock_file(_FILE):
        sections = _read()
        sections.ids = {name: job for name, job in sections.ids.items() if not job.get("remove_job")}
        _write(sections)


@endpoint("GET", f"{_PATH}/{{id}}", permission=ALL, params=_ID)
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    sections = _read()
    if params["id"] not in sections.ids:
        raise Failure(f"no such replication job '{params['id']}'")
    return {**_row(params["id"], sections.ids[params["id"]]), "digest": sections.digest}


def _replicatable(guest: str, known: dict[str, Any]) -> bool:
    """Whether it has a disk on local ZFS that is not exempt."""
    directory = "qemu-server" if known["type"] == "qemu" else "lxc"
    text = pvefiles.read(f"nodes/{known['node']}/{directory}/{guest}.conf").partition("\n[")[0]
    disks = re.findall(
        r"^(?:scsi|virtio|sata|ide|efidisk|tpmstate|rootfs|mp)\d*: *([^:,\s]+):(\S+)$", text, re.MULTILINE
    )
    storages = storage.read().ids
    return any(
        storages.get(name, {}).get("type") == "zfspool" and "replicate=0" not in rest and "media=cdrom" not in rest
        for name, rest in disks
    )


@endpoint("POST", _PATH, permission=ALL, params={**_ID, **_SETTINGS, **_TARGET})
def create(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name, kind = values.pop("id"), values.pop("type")
    _may(ctx, name)
    guest, target = name.partition("-")[0], values["target"]
    known = pvefiles.guests().get(guest)
    if known is None:
        raise Failure(f"Guest '{guest}' does not exist.")
    if target not in pvefiles.node_names():
        raise Failure(f"Target '{target}' does not exist.")
    source = known["node"]
    if values.get("source", source) != source:
        raise Failure(f"Source '{values['source']}' does not match current node of guest '{guest}' ({source})")
    values["source"] = source
    if target == source:
        raise Failure("Source and target must not be identical")
    if not _replicatable(guest, known):
        raise Failure("No replicatable volumes found")
    with pvefiles.lock_file(_FILE):
        sections = _read()
        if name in sections.ids:
            raise Failure(f"replication job '{name}' already exists")
        sections.ids[name] = _TABLE.check_config(kind, values, create=True)
        _write(sections)


@endpoint("PUT", f"{_PATH}/{{id}}", permission=ALL, params={**_ID, **_SETTINGS, **_UPDATE})
def update(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name, expected = values.pop("id"), values.pop("digest", None)
    delete = split_list(values.pop("delete", None))
    _may(ctx, name)
    with pvefiles.lock_file(_FILE):
        sections = _read()
        sections.assert_unmodified(expected)
        if name not in sections.ids:
            raise Failure(f"no such job '{name}'")
        job = sections.ids[name]
        job.update(_TABLE.check_config(job["type"], values, create=False))
        _TABLE.check_delete(job["type"], delete, {})
        for key in delete:
            job.pop(key, None)
        _write(sections)


@endpoint(
    "DELETE",
    f"{_PATH}/{{id}}",
    permission=ALL,
    params={**_ID, **{name: {"type": "boolean", "optional": 1} for name in ("keep", "force")}},
)
def delete(ctx: Context, params: dict[str, Any]) -> None:
    """Marks it, unless forced."""
    name = params["id"]
    _may(ctx, name)
    with pvefiles.lock_file(_FILE):
        sections = _read()
        if truth(params.get("force")):
            if truth(params.get("keep")):
                raise bad_parameters({"keep": "conflicts with parameter 'force'"})
            sections.ids.pop(name, None)
        elif name not in sections.ids:
            raise Failure(f"no such job '{name}'")
        else:
            sections.ids[name]["remove_job"] = "local" if truth(params.get("keep")) else "full"
        _write(sections)
