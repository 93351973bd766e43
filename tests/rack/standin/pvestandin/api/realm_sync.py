"""/cluster/jobs/realm-sync (PVE/API2/Jobs/RealmSync.pm, PVE/Jobs/RealmSync.pm), in jobs.cfg beside jobs of other types."""

from __future__ import annotations

import re
import time
from typing import Any

from .. import pvefiles, realms
from ..calendar import parse as calendar
from ..errors import Failure, bad_parameters
from ..registry import Context, endpoint
from ..section import FIXED, OPTIONAL, REQUIRED, Section, SectionConfig, Sections
from ..text import split_list

FILE = "jobs.cfg"
KIND = "realm-sync"
_VANISHED = r"(?:(?:(?:acl|properties|entry);)*(?:acl|properties|entry))|none"
_TEXT = {"type": "string", "optional": 1}
_BOOLEAN = {"type": "boolean", "optional": 1}
_PROPERTIES: dict[str, dict[str, Any]] = {
    "schedule": {"type": "string", "format": "pve-calendar-event", "maxLength": 128},
    "scope": {**_TEXT, "enum": ["users", "groups", "both"]},
    "remove-vanished": {**_TEXT, "pattern": _VANISHED},
    "enable-new": _BOOLEAN,
    "enabled": _BOOLEAN,
    "comment": {**_TEXT, "maxLength": 512},
    "realm": {**_TEXT, "format": "pve-realm", "maxLength": 32},
}
_CONFIG = SectionConfig(
    {
        KIND: {
            **dict.fromkeys(("schedule", "scope"), REQUIRED),
            **dict.fromkeys(("remove-vanished", "enable-new", "enabled", "comment"), OPTIONAL),
            "realm": FIXED,
        }
    },
    _PROPERTIES,
)
_ID = {"id": {"type": "string", "format": "pve-configid", "maxLength": 64}}
_DELETE = {"delete": {"type": "string", "optional": 1, "format": "pve-configid-list", "maxLength": 4096}}
_CHANGE = [
    "and",
    ["perm", "/access/realm/{realm}", ["Realm.AllocateUser"]],
    ["perm", "/access/groups", ["User.Modify"]],
]
_AUDIT = ["perm", "/", ["Sys.Audit"]]


def _blocks() -> dict[str, tuple[str, str]]:
    """id → (type, text) of every section, those of other types as they are. A job is enabled where it does not say so."""
    found = {}
    for text in re.split(r"\n\s*\n", pvefiles.read(FILE).strip()):
        header = re.match(r"(\S+):\s*(\S+)", text)
        if header and header[1] == KIND:
            sections = _CONFIG.parse(f"{text}\n", FILE)
            sections.ids[header[2]].setdefault("enabled", 1)
            text = _CONFIG.write(sections).rstrip("\n")
        if header:
            found[header[2]] = (header[1], text)
    return found


def _job(name: str, blocks: dict[str, tuple[str, str]]) -> Section | None:
    kind, text = blocks.get(name, ("", ""))
    return _CONFIG.parse(f"{text}\n", FILE).ids[name] if kind == KIND else None


def _write(blocks: dict[str, tuple[str, str]]) -> None:
    pvefiles.write(FILE, "".join(f"{text}\n\n" for _unused, text in blocks.values()))


def _set(name: str, job: Section, blocks: dict[str, tuple[str, str]]) -> None:
    blocks[name] = (KIND, _CONFIG.write(Sections({name: job})).rstrip("\n"))
    _write(blocks)


@endpoint("GET", "/cluster/jobs/realm-sync", permission=_AUDIT)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    blocks = _blocks()
    answer = []
    for name in blocks:
        job = _job(name, blocks)
        if job is not None:
            after = calendar(job["schedule"]).next_after(int(time.time()))
            following = {} if after is None else {"next-run": after}
            answer.append({**job, "id": name, "last-run": None, **following})
    return answer


@endpoint("GET", "/cluster/jobs/realm-sync/{id}", permission=_AUDIT, params=_ID)
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    job = _job(params["id"], _blocks())
    if job is None:
        raise bad_parameters({"id": f"No such job '{params['id']}'"})
    return job


@endpoint("POST", "/cluster/jobs/realm-sync/{id}", permission=_CHANGE, params={**_ID, **_PROPERTIES})
def create(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name = values.pop("id")
    with pvefiles.lock_file(FILE, flat=True):
        blocks = _blocks()
        if name in blocks:
            raise Failure(f"Job '{name}' already exists")
        job = _CONFIG.check_config(KIND, values, create=True)
        kind = realms.known_kind(job["realm"])
        if kind is None:
            raise bad_parameters({"realm": f"No such realm '{job['realm']}'"})
        if kind not in ("ldap", "ad"):
            raise bad_parameters({"realm": "Only LDAP/AD realms can be synced."})
        _set(name, job, blocks)


def _update_params() -> dict[str, Any]:
    return {**_ID, **_DELETE, **{name: schema for name, schema in _PROPERTIES.items() if name != "realm"}}


@endpoint("PUT", "/cluster/jobs/realm-sync/{id}", permission=_CHANGE, params=_update_params)
def update(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name, delete = values.pop("id"), split_list(values.pop("delete", None))
    if not values:
        raise Failure("no job options specified")
    with pvefiles.lock_file(FILE, flat=True):
        blocks = _blocks()
        changed = _CONFIG.check_config(KIND, values, create=False)
        job = _job(name, blocks)
        if job is None:
            raise Failure("no such realm-sync job")
        _CONFIG.check_delete(KIND, delete, changed)
        _set(name, {**{key: value for key, value in job.items() if key not in delete}, **changed}, blocks)


@endpoint("DELETE", "/cluster/jobs/realm-sync/{id}", permission=["perm", "/", ["Sys.Modify"]], params=_ID)
def delete(ctx: Context, params: dict[str, Any]) -> None:
    name = params["id"]
    with pvefiles.lock_file(FILE, flat=True):
        blocks = _blocks()
        if _job(name, blocks) is None:
            raise bad_parameters({"id": f"No such job '{name}'"})
        _write({key: block for key, block in blocks.items() if key != name})
        pvefiles.remove(f"priv/jobs/realm-sync-{name}.json")
