"""/cluster/backup: the jobs in jobs.cfg (PVE/API2/Backup.pm, PVE/VZDump/Common.pm of pve-guest-common)."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from .. import calendar, paths, pvefiles, schema, usercfg
from ..errors import ApiError, Failure, bad_parameters, forbidden
from ..formats import PROPERTY_FORMATS
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..section import OPTIONAL, REQUIRED, SectionConfig, Sections
from ..text import number, split_list, truth

_FILE = "jobs.cfg"
_SEE = ["perm", "/", ["Sys.Audit"]]
_CHANGE = ["perm", "/", ["Sys.Modify"]]
_ROOT_ONLY = ("tmpdir", "dumpdir", "script")
_NOTES = ("cluster", "guestname", "node", "vmid", "jobid")
_FORMATS: dict[str, dict[str, Any]] = {
    "prune-backups": PROPERTY_FORMATS["prune-backups"],
    "fleecing": {
        "enabled": {"type": "boolean", "optional": 1, "default_key": 1},
        "storage": {"type": "string", "optional": 1},
    },
    "performance": {
        name: {"type": "integer", "optional": 1, "minimum": 1} for name in ("max-workers", "pbs-entries-max")
    },
}
_BOOLEANS = "all enabled protected quiet remove repeat-missed stdexcludes stop"
_INTEGERS = "bwlimit ionice lockwait pigz stopwait zstd"
_STRINGS = (
    "comment compress dumpdir exclude fleecing mailnotification mailto mode node notes-template notification-mode"
    " pbs-change-detection-mode performance pool prune-backups script storage tmpdir vmid"
)
_OPTIONS = f"{_BOOLEANS} {_INTEGERS} {_STRINGS} exclude-path".split()
_PROPERTIES: dict[str, dict[str, Any]] = {
    **{name: {"type": "boolean", "optional": 1} for name in _BOOLEANS.split()},
    **{name: {"type": "integer", "optional": 1} for name in _INTEGERS.split()},
    **{name: {"type": "string", "optional": 1} for name in [*_STRINGS.split(), "schedule"]},
    "exclude-path": {"type": "array", "optional": 1, "items": {"type": "string"}},
}
_WORDS = " ".join(
    [
        *(f"{name}:boolean" for name in _BOOLEANS.split()),
        *(f"{name}:integer" for name in _INTEGERS.split()),
        *_STRINGS.split(),
        "exclude-path:array schedule starttime dow",
    ]
)


def _with(words: str) -> Callable[[], str]:
    """What is gone since 9."""
    return lambda: (
        words if paths.release()[0] >= 9 else f"{words} maxfiles:integer notification-policy notification-target"
    )


def _decode(_kind: str, key: str, value: Any) -> Any:
    if key not in _FORMATS or isinstance(value, dict):
        return value
    form = _FORMATS[key]
    found = schema.parse_property_string(form, str(value))
    return {name: number(text) if form[name]["type"] == "boolean" else text for name, text in found.items()}


def _encode(_kind: str, key: str, value: Any) -> Any:
    return schema.print_property_string(_FORMATS[key], value) if isinstance(value, dict) else value


# the jobs of another handler (realm_sync), which stay as they are
_SYNC = ("remove-vanished", "enable-new", "enabled", "comment")
_TABLE = SectionConfig(
    {
        "vzdump": {"schedule": REQUIRED, **dict.fromkeys(_OPTIONS, OPTIONAL)},
        "realm-sync": {**dict.fromkeys(("schedule", "scope", "realm"), REQUIRED), **dict.fromkeys(_SYNC, OPTIONAL)},
    },
    {**{name: {"type": "string", "optional": 1} for name in ("scope", "realm", *_SYNC)}, **_PROPERTIES},
    decode=_decode,
    encode=_encode,
)


def _read() -> Sections:
    """PVE/Job/Registry.pm: a job is enabled where it does not say so. Zeros of a retention count for nothing."""
    sections = _TABLE.parse(pvefiles.read(_FILE), _FILE)
    for job in sections.ids.values():
        job.setdefault("enabled", 1)
        keep = job.get("prune-backups", {"keep-all": 1})
        if not any(int(number) for name, number in keep.items() if name != "keep-all"):
            job |= {"prune-backups": {"keep-all": 1}} if "prune-backups" in job else {}
    return sections


def _write(sections: Sections) -> None:
    pvefiles.write(_FILE, _TABLE.write(sections))


def _jobs(sections: Sections) -> dict[str, dict[str, Any]]:
    return {name: {**one, "id": name} for name, one in sections.ids.items() if one["type"] == "vzdump"}


@endpoint("GET", "/cluster/backup", permission=_SEE)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    answer = []
    for job in _jobs(_read()).values():
        following = calendar.parse(job["schedule"]).next_after(int(time.time()))
        answer.append({**job, **({"next-run": following} if following is not None else {})})
    return answer


@endpoint("GET", "/cluster/backup/{id}", permission=_SEE, params="id!")
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    jobs = _jobs(_read())
    if params["id"] not in jobs:
        raise bad_parameters({"id": f"No such job '{params['id']}'"})
    return jobs[params["id"]]


def _check_rights(ctx: Context, values: dict[str, Any]) -> None:
    if ctx.user == "root@pam":
        return
    for name in _ROOT_ONLY:
        if values.get(name) is not None:
            raise bad_parameters({name: "Only root may set this option."})
    if storage := values.get("storage"):
        Permissions().check(ctx.user, f"/storage/{storage}", ["Datastore.Allocate"])


def _schedule(values: dict[str, Any], *, required: bool) -> None:
    """starttime and dow are the old way to write it."""
    start, days = values.pop("starttime", None), values.pop("dow", None)
    if values.get("schedule") is not None:
        if start is not None:
            raise bad_parameters({"starttime": "'starttime' and 'schedule' cannot both be set"})
    elif start is not None:
        every = "mon,tue,wed,thu,fri,sat,sun"
        chosen = ",".join(split_list(days)) or every
        values["schedule"] = start if chosen == every else f"{chosen} {start}"
    elif required:
        raise bad_parameters({"schedule": "neither 'starttime' nor 'schedule' were set"})


def _verify(values: dict[str, Any], *, whole: bool = False) -> None:
    """verify_vzdump_parameters of PVE/VZDump.pm."""
    if values.get("vmid"):
        for name in ("all", "exclude", "pool"):
            if truth(values.get(name)):
                raise bad_parameters({name: "option conflicts with option 'vmid'"})
    fleecing = values.get("fleecing")
    if fleecing and not isinstance(fleecing, dict):
        fleecing = schema.parse_property_string(_FORMATS["fleecing"], fleecing)
    if fleecing and truth(fleecing.get("enabled")) and not fleecing.get("storage"):
        problem = "invalid format - 'storage' parameter is required when 'enabled' is set\n"
        raise bad_parameters({"fleecing": problem})
    for name in re.findall(r"\{\{([^}]*)\}\}", values.get("notes-template") or ""):
        if name not in _NOTES:
            raise bad_parameters({"notes-template": f"unexpected variable '{name}' in template\n"})
    if values.get("exclude") is not None and not values.get("pool"):
        values["all"] = 1
    if whole and not any(truth(values.get(name)) for name in ("all", "stop", "pool", "vmid")):
        raise bad_parameters({"vmid": "property is missing"})


def _check_pool(ctx: Context, values: dict[str, Any]) -> None:
    if pool := values.get("pool"):
        if pool not in usercfg.read().pools:
            raise forbidden(f"pool '{pool}' does not exist")
        Permissions().check(ctx.user, f"/pool/{pool}", ["VM.Backup"])


@endpoint("POST", "/cluster/backup", permission=_CHANGE, params=_with(f"id:pve-configid {_WORDS}"))
def create(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    _check_rights(ctx, values)
    _check_pool(ctx, values)
    _schedule(values, required=True)
    values.setdefault("enabled", 1)
    if values.get("maxfiles") is not None:
        keep = int(values.pop("maxfiles"))
        values["prune-backups"] = f"keep-last={keep}" if keep else "keep-all=1"
    name = values.pop("id", None) or str(uuid.uuid4())
    with pvefiles.lock_file(_FILE, flat=True):
        sections = _read()
        if name in sections.ids:
            raise Failure(f"Job '{name}' already exists")
        _verify(values, whole=True)
        sections.ids[name] = _TABLE.check_config("vzdump", values, create=True)
        _write(sections)


@endpoint("PUT", "/cluster/backup/{id}", permission=_CHANGE, params=_with(f"id! {_WORDS} delete:pve-configid-list"))
def update(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name, delete = values.pop("id"), split_list(values.pop("delete", None))
    _check_rights(ctx, values)
    _check_pool(ctx, values)
    _schedule(values, required=False)
    with pvefiles.lock_file(_FILE, flat=True):
        sections = _read()
        if not values and not delete:
            raise Failure("no options specified")
        _verify(values)
        given = _TABLE.check_config("vzdump", values, create=False)
        job = sections.ids.get(name)
        if job is None or job["type"] != "vzdump":
            raise Failure("no such vzdump job")
        for key in delete:
            # `enabled` is not an option of vzdump
            if key not in _OPTIONS or key == "enabled":
                raise bad_parameters({"delete": f"unknown option '{key}'"})
            job.pop(key, None)
        job.update(given)
        _select(job, values)
        _verify(job, whole=True)
        _write(sections)


def _select(job: dict[str, Any], values: dict[str, Any]) -> None:
    """One way to select guests drops the others."""
    if job.get("exclude") is not None and job.get("pool") is None:
        job["all"] = 1
    dropped: tuple[str, ...] = ()
    if values.get("vmid") is not None:
        dropped = ("all", "exclude", "pool")
    elif truth(values.get("all")):
        dropped = ("vmid", "pool")
    elif job.get("pool"):
        dropped = ("vmid", "all", "exclude")
    for key in dropped:
        job.pop(key, None)


@endpoint("DELETE", "/cluster/backup/{id}", permission=_CHANGE, params="id!")
def delete(ctx: Context, params: dict[str, Any]) -> None:
    with pvefiles.lock_file(_FILE, flat=True):
        sections = _read()
        if params["id"] not in sections.ids:
            raise bad_parameters({"id": f"No such job '{params['id']}'"})
        del sections.ids[params["id"]]
        _write(sections)


@endpoint(
    "GET", "/cluster/jobs/schedule-analyze", permission=ALL, params="schedule! starttime:integer iterations:integer"
)
def analyze(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    """The next times of a schedule."""
    try:
        event = calendar.parse(params["schedule"])
    except ValueError as error:
        raise ApiError(400, f"unable to parse calendar event '{params['schedule']}' - {error}") from error
    moment: int | None = int(params.get("starttime") or time.time())
    found = []
    for _unused in range(int(params.get("iterations") or 10)):
        moment = event.next_after(moment) if moment is not None else None
        if moment is None:
            break
        utc = time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(moment))
        found.append({"timestamp": moment, "utc": utc})
    return found
