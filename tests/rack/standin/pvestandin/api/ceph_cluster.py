"""/cluster/ceph: what holds for all nodes (PVE/API2/Cluster/Ceph.pm)."""

from __future__ import annotations

from typing import Any

from .. import tasks
from ..ceph import node, rados, services
from ..cluster import say, warn
from ..errors import Failure
from ..registry import ALL, Context, endpoint
from ..text import truth
from .ceph import AUDIT, MODIFY, cluster_status

_SEE = ["perm", "/", ["Sys.Audit"]]
FLAGS = {
    "nobackfill": "Backfilling of PGs is suspended.",
    "nodeep-scrub": "Deep Scrubbing is disabled.",
    "nodown": "OSD failure reports are being ignored, such that the monitors will not mark OSDs down.",
    "noin": "OSDs that were previously marked out will not be marked back in when they start.",
    "noout": "OSDs will not automatically be marked out after the configured interval.",
    "norebalance": "Rebalancing of PGs is suspended.",
    "norecover": "Recovery of PGs is suspended.",
    "noscrub": "Scrubbing is disabled.",
    "notieragent": "Cache tiering activity is suspended.",
    "noup": "OSDs are not allowed to start.",
    "pause": "Pauses read and writes.",
}
_SET = {flag: {"type": "boolean", "optional": 1} for flag in FLAGS}
_FLAG = {"flag": {"type": "string", "enum": sorted(FLAGS)}}


@endpoint("GET", "/cluster/ceph", permission=ALL)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name} for name in ("metadata", "status", "flags")]


@endpoint("GET", "/cluster/ceph/metadata", permission=AUDIT, params="scope")
def metadata(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    services.refresh()
    answer: dict[str, Any] = {"node": services.told("ceph-versions")}
    if params.get("scope") == "versions":
        return answer
    node.check_inited()
    with rados.connect() as mon:
        for kind in ("mon", "mgr", "mds"):
            answer[kind] = merged(services.told(f"ceph-{kind}"), mon.mon_command(f"{kind} metadata"))
        answer["osd"] = mon.mon_command("osd metadata")
    return answer


def merged(told: dict[str, Any], metadata: list[dict[str, Any]]) -> dict[str, Any]:
    """`ID@HOST` → what the nodes and what the monitors say of the services of one type."""
    found = {f"{ident}@{host}": dict(entry) for host, known in sorted(told.items()) for ident, entry in known.items()}
    for entry in metadata:
        if entry.get("hostname") is not None:
            name = f"{entry.get('name', entry.get('id'))}@{entry['hostname']}"
            found[name] = {**entry, **found.get(name, {})}
    return found


@endpoint("GET", "/cluster/ceph/status", permission=AUDIT)
def status(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return cluster_status()


# -- flags


def _set_now(mon: rados.Rados) -> set[str]:
    """Flags that are set; Ceph says `pauserd,pausewr` for `pause`."""
    words = set(str(mon.mon_command("osd dump").get("flags", "")).split(","))
    return {flag for flag in FLAGS if ("pauserd" if flag == "pause" else flag) in words}


def set_flags_work(wanted: dict[str, bool]) -> None:
    failed = 0
    with rados.connect() as mon:
        now = _set_now(mon)
        for flag in sorted(wanted):
            if wanted[flag] == (flag in now):
                continue
            verb = "set" if wanted[flag] else "unset"
            say(f"{verb} {flag}")
            try:
                mon.mon_command(f"osd {verb}", key=flag)
            except Failure as error:
                warn(f"error with {flag}: '{error.message}'")
                failed += 1
    if failed:
        raise Failure(f"could not set/unset {failed} flags")


@endpoint("GET", "/cluster/ceph/flags", permission=_SEE)
def flags(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    node.check_configured()
    with rados.connect() as mon:
        now = _set_now(mon)
    return [{"name": flag, "description": FLAGS[flag], "value": int(flag in now)} for flag in sorted(FLAGS)]


@endpoint("PUT", "/cluster/ceph/flags", permission=MODIFY, params=_SET)
def set_flags(ctx: Context, params: dict[str, Any]) -> str:
    node.check_configured()
    wanted = {flag: truth(value) for flag, value in params.items() if value is not None}
    return tasks.start(ctx, "cephsetflags", "", set_flags_work, wanted=wanted)


@endpoint("GET", "/cluster/ceph/flags/{flag}", permission=_SEE, params=_FLAG)
def flag(ctx: Context, params: dict[str, Any]) -> int:
    node.check_configured()
    with rados.connect() as mon:
        return int(params["flag"] in _set_now(mon))


@endpoint("PUT", "/cluster/ceph/flags/{flag}", permission=MODIFY, params={**_FLAG, "value": {"type": "boolean"}})
def set_flag(ctx: Context, params: dict[str, Any]) -> None:
    node.check_configured()
    with rados.connect() as mon:
        mon.mon_command("osd set" if truth(params["value"]) else "osd unset", key=params["flag"])
