"""/nodes/{node}/ceph/osd (PVE/API2/Ceph/OSD.pm). Making and removing OSDs is for root@pam itself, no token."""

from __future__ import annotations

import contextlib
import re
import subprocess
from pathlib import Path
from typing import Any

from .. import paths, tasks
from ..ceph import backend, node, osd, rados, services
from ..errors import Failure, bad_parameters
from ..registry import ALL, Context, endpoint
from ..text import truth
from .ceph import AUDIT, MODIFY

_LIST = "/nodes/{node}/ceph/osd"
_ONE = f"{_LIST}/{{osdid}}"
_SEE = ["perm", "/", ["Sys.Audit"], "any", 1]
_OSD = "node:pve-node! osdid:integer!"


@endpoint("GET", _LIST, permission=AUDIT, proxyto="node", params="node:pve-node!")
def index(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    node.check_inited()
    services.refresh()
    with rados.connect() as mon:
        return osd.tree(mon)


@endpoint(
    "POST",
    _LIST,
    proxyto="node",
    params="node:pve-node! dev! db_dev db_dev_size:number wal_dev wal_dev_size:number encrypted:boolean "
    "crush-device-class osds-per-device:integer",
)
def create(ctx: Context, params: dict[str, Any]) -> str:
    node.check_inited()
    node.link_conf()
    node.check_installed("ceph_osd")
    node.check_installed("ceph_volume")
    for kind in ("db_dev", "wal_dev"):
        if params.get("osds-per-device") and params.get(kind):
            raise bad_parameters({kind: f"cannot use 'osds-per-device' parameter with '{kind}'"})
    osd.assert_network()
    wanted = osd.devices(params)
    osd.check(wanted)
    with rados.connect() as mon:
        mon.mon_command("quorum_status")
        osd.bootstrap_keyring(mon)
    asked = {key: value for key, value in params.items() if key != "node"}
    ident = wanted["dev"].removeprefix("/dev/")
    return tasks.start(ctx, "cephcreateosd", ident, osd.create, wanted=wanted, params=asked)


@endpoint("GET", _ONE, permission=ALL, params=_OSD)
def subdirectories(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": "metadata"}, {"name": "lv-info"}]


@endpoint("DELETE", _ONE, proxyto="node", params=f"{_OSD} cleanup:boolean")
def destroy(ctx: Context, params: dict[str, Any]) -> str:
    node.check_inited()
    ident = int(params["osdid"])
    with rados.connect() as mon:
        osd.assert_removable(mon, params["node"], ident)
    cleanup = truth(params.get("cleanup"))
    return tasks.start(ctx, "cephdestroyosd", f"osd.{ident}", osd.destroy, daemon=ident, cleanup=cleanup)


@endpoint("GET", f"{_ONE}/metadata", permission=_SEE, proxyto="node", params=_OSD)
def metadata(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    node.check_inited()
    ident = int(params["osdid"])
    with rados.connect() as mon:
        found = mon.mon_command("osd metadata", id=ident)
    if found.get("hostname") != ctx.node:
        raise Failure(f"OSD '{ident}' does not exists on host '{ctx.node}'")
    return details(found, _main_process(ident))


def details(found: dict[str, Any], pid: int) -> dict[str, Any]:
    """The answer, from the monitors' metadata and the process of the daemon (0: it does not run)."""
    same = ("hostname", "id", "osd_data", "osd_objectstore", "front_addr", "back_addr", "hb_front_addr", "hb_back_addr")
    about = {key: found.get(key) for key in same}
    about["version"] = f"{found.get('ceph_version_short')} ({found.get('ceph_release')})"
    about["mem_usage"] = _proportional_memory(pid)
    if paths.release()[0] < 9:
        about["pid"] = pid
    else:
        about |= {"encrypted": 0, **({"pid": pid} if pid else {})}
    parts = [("bdev", "bluestore", "block")]
    parts += [("db", "bluefs", "db")] if truth(found.get("bluefs_dedicated_db")) else []
    parts += [("wal", "bluefs", "wal")] if truth(found.get("bluefs_dedicated_wal")) else []
    return {"osd": about, "devices": [_device(found, *part) for part in parts]}


def _device(found: dict[str, Any], name: str, prefix: str, kind: str) -> dict[str, Any]:
    def about(what: str) -> Any:
        return found.get(f"{prefix}_{name}_{what}")

    return {
        "device": kind,
        "dev_node": about("dev_node"),
        "physical_device": about("devices"),
        "size": int(about("size") or 0),
        "support_discard": services.flag(truth(about("support_discard"))),
        "type": about("type"),
    }


def _main_process(ident: int) -> int:
    command = ["/bin/systemctl", "show", f"ceph-osd@{ident}.service", "--property", "MainPID"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    match = re.search(r"MainPID=(\d+)", done.stdout)
    return int(match[1]) if match else 0


def _proportional_memory(pid: int) -> int:
    if pid > 1:
        with contextlib.suppress(OSError):
            match = re.search(r"^Pss:\s+(\d+) kB$", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
            return int(match[1]) * 1024 if match else 0
    return 0


@endpoint("GET", f"{_ONE}/lv-info", permission=_SEE, proxyto="node", params=f"{_OSD} type")
def volume(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    node.check_inited()
    ident, kind = str(params["osdid"]), params.get("type") or "block"
    known = {entry["type"]: entry for entry in backend.chosen().volumes().get(ident, [])}
    if not any("lv_path" in entry for entry in known.values()):
        raise Failure(
            f"OSD '{ident}' not found in 'ceph-volume lvm list' on node '{ctx.node}'.\n"
            "Maybe it was created before LVM became the default?"
        )
    if kind not in known:
        raise Failure(f"volume type '{kind}' not found for OSD {ident}")
    entry = known[kind]
    command = ["/sbin/lvs", entry["lv_path"], "--noheadings", "-o", "lv_time"]
    created = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    same = {key: entry[key] for key in ("lv_name", "lv_path", "lv_uuid", "vg_name")}
    return {**same, "lv_size": int(entry["lv_size"]), "creation_time": created}


def _tell(params: dict[str, Any], prefix: str, **arguments: Any) -> None:
    node.check_inited()
    with rados.connect() as mon:
        osd.state(mon, int(params["osdid"]))
        mon.mon_command(prefix, **arguments)


@endpoint("POST", f"{_ONE}/in", permission=MODIFY, proxyto="node", params=_OSD)
def take_in(ctx: Context, params: dict[str, Any]) -> None:
    _tell(params, "osd in", ids=[f"osd.{params['osdid']}"], format="plain")


@endpoint("POST", f"{_ONE}/out", permission=MODIFY, proxyto="node", params=_OSD)
def take_out(ctx: Context, params: dict[str, Any]) -> None:
    _tell(params, "osd out", ids=[f"osd.{params['osdid']}"], format="plain")


@endpoint("POST", f"{_ONE}/scrub", permission=MODIFY, proxyto="node", params=f"{_OSD} deep:boolean")
def scrub(ctx: Context, params: dict[str, Any]) -> None:
    _tell(params, "osd deep-scrub" if truth(params.get("deep")) else "osd scrub", who=str(params["osdid"]))
