"""/nodes/{node}/ceph: setting up, status, configuration, services (PVE/API2/Ceph.pm, Ceph/Cfg.pm)."""

from __future__ import annotations

import re
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Any

from .. import paths, pvefiles, tasks
from ..ceph import conf as ceph_conf
from ..ceph import mon as monitors
from ..ceph import node, rados, services
from ..errors import Failure
from ..registry import ALL, Context, endpoint
from ..text import split_list, truth

_ONE = "/nodes/{node}/ceph"
_NODE = "node:pve-node!"
AUDIT = ["perm", "/", ["Sys.Audit", "Datastore.Audit"], "any", 1]
MODIFY = ["perm", "/", ["Sys.Modify"]]
_SAFETY = {
    ("osd", "stop"): "osd ok-to-stop",
    ("osd", "destroy"): "osd safe-to-destroy",
    ("mon", "stop"): "mon ok-to-stop",
    ("mon", "destroy"): "mon ok-to-rm",
    ("mds", "stop"): "mds ok-to-stop",
}


@endpoint("GET", _ONE, permission=AUDIT, params=_NODE)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    names = "cmd-safety cfg crush fs init log mds mgr mon osd pool restart rules start status stop"
    return [{"name": name} for name in names.split()]


@endpoint(
    "POST",
    f"{_ONE}/init",
    permission=MODIFY,
    proxyto="node",
    params=f"{_NODE} network:CIDR cluster-network:CIDR size:integer min_size:integer pg_bits:integer "
    "disable_cephx:boolean",
)
def init(ctx: Context, params: dict[str, Any]) -> None:
    """May be repeated: what is in [global] stays, only the networks are set anew."""
    known = node.version()
    if not known or int(known[0].split(".")[0]) < 14:
        raise Failure("Ceph Nautilus required - please run 'pveceph install'")
    paths.pve("ceph").mkdir(exist_ok=True)
    auth = "none" if truth(params.get("disable_cephx")) else "cephx"
    with monitors.lock():
        conf = ceph_conf.read()
        if "global" not in conf:
            conf["global"] = {
                "fsid": str(uuid.uuid4()),
                **{f"auth_{who}_required": auth for who in ("cluster", "service", "client")},
                "osd_pool_default_size": str(params.get("size") or 3),
                "osd_pool_default_min_size": str(params.get("min_size") or 2),
                "mon_allow_pool_delete": "true",
            }
        if auth == "cephx":
            conf.setdefault("client", {})["keyring"] = "/etc/pve/priv/$cluster.$name.keyring"
        if params.get("network"):
            conf["global"] |= {"public_network": params["network"], "cluster_network": params["network"]}
        if params.get("cluster-network"):
            conf["global"]["cluster_network"] = params["cluster-network"]
        ceph_conf.write(conf)
        if auth == "cephx":
            node.admin_keyring()
        node.link_conf()


# -- services


def _service(ctx: Context, params: dict[str, Any], action: str) -> str:
    node.check_inited()
    if not ceph_conf.read():
        raise Failure("no configuration")
    service = params.get("service")
    return tasks.start(ctx, f"srv{action}", service or "ceph", services.command, action=action, service=service)


@endpoint("POST", f"{_ONE}/start", permission=MODIFY, proxyto="node", params=f"{_NODE} service")
def start(ctx: Context, params: dict[str, Any]) -> str:
    return _service(ctx, params, "start")


@endpoint("POST", f"{_ONE}/stop", permission=MODIFY, proxyto="node", params=f"{_NODE} service")
def stop(ctx: Context, params: dict[str, Any]) -> str:
    return _service(ctx, params, "stop")


@endpoint("POST", f"{_ONE}/restart", permission=MODIFY, proxyto="node", params=f"{_NODE} service")
def restart(ctx: Context, params: dict[str, Any]) -> str:
    return _service(ctx, params, "restart")


# -- what there is


def cluster_status() -> dict[str, Any]:
    node.check_inited()
    with rados.connect() as mon:
        found = mon.mon_command("status")
        found["health"] = mon.mon_command("health", detail="detail")
        if "mons" not in found.get("monmap", {}):
            found["monmap"] = mon.mon_command("mon dump")
            found["mgrmap"] = mon.mon_command("mgr dump")
    return found


@endpoint("GET", f"{_ONE}/status", permission=AUDIT, proxyto="node", params=_NODE)
def status(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return cluster_status()


@endpoint("GET", f"{_ONE}/crush", permission=AUDIT, proxyto="node", params=_NODE)
def crush(ctx: Context, params: dict[str, Any]) -> str:
    node.check_inited()
    with rados.connect() as mon, tempfile.TemporaryDirectory() as scratch:
        binary, text = Path(scratch, "map"), Path(scratch, "text")
        binary.write_bytes(mon.mon_bytes("osd getcrushmap", format="plain"))
        subprocess.run(["crushtool", "-d", str(binary), "-o", str(text)], check=True, capture_output=True)
        return text.read_text()


@endpoint(
    "GET",
    f"{_ONE}/log",
    permission=["perm", "/nodes/{node}", ["Sys.Syslog"]],
    proxyto="node",
    params=f"{_NODE} start:integer limit:integer",
)
def log(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    node.check_inited()
    file = paths.at("/var/log/ceph/ceph.log")
    lines = file.read_text(errors="replace").splitlines() if file.exists() else []
    ctx.attributes["total"] = len(lines)
    begin, limit = int(params.get("start") or 0), int(params.get("limit") or 50)
    shown = lines[begin : begin + limit]
    return [{"n": begin + number, "t": line} for number, line in enumerate(shown, 1)] or [{"n": 1, "t": "no content"}]


@endpoint("GET", f"{_ONE}/rules", permission=AUDIT, proxyto="node", params=_NODE)
def rules(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    node.check_inited()
    with rados.connect() as mon:
        return [{"name": name} for name in mon.mon_command("osd crush rule ls")]


@endpoint(
    "GET",
    f"{_ONE}/cmd-safety",
    permission=["perm", "/", ["Sys.Audit"]],
    proxyto="node",
    params=f"{_NODE} service! id! action!",
)
def safety(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    node.check_inited()
    service, action = params["service"], params["action"]
    if (service, action) not in _SAFETY:
        raise Failure(f"Service does not support this action: {service}: {action}")
    which = {"id": params["id"]} if (service, action) == ("mon", "destroy") else {"ids": [params["id"]]}
    with rados.connect() as mon:
        code, _output, message = mon.mon_cmd(_SAFETY[service, action], format="plain", **which)
    if paths.release()[0] < 9:
        return {"safe": int(code == 0), "status": message, "return_code": code, "status_message": message, "data": ""}
    return {"safe": code == 0, **({"status": message} if message else {})}


# -- configuration


@endpoint("GET", f"{_ONE}/cfg", permission=ALL, params=_NODE)
def configuration(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name} for name in ("raw", "db", "value")]


@endpoint("GET", f"{_ONE}/cfg/raw", permission=AUDIT, proxyto="node", params=_NODE)
def raw(ctx: Context, params: dict[str, Any]) -> str:
    node.check_inited()
    return pvefiles.read(ceph_conf.FILE)


@endpoint("GET", f"{_ONE}/cfg/db", permission=AUDIT, proxyto="node", params=_NODE)
def database(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    node.check_inited()
    with rados.connect() as mon:
        found = mon.mon_command("config dump", format="json")
    return [{**entry, "can_update_at_runtime": int(truth(entry["can_update_at_runtime"]))} for entry in found]


_VALUE = {
    "node": {"type": "string", "format": "pve-node"},
    "config-keys": {
        "type": "string",
        "maxLength": 4096,
        "pattern": r"(?:[0-9a-zA-Z\-_\.]+:[0-9a-zA-Z\-_]+)(?:[;, ][0-9a-zA-Z\-_\.]+:[0-9a-zA-Z\-_]+)*",
    },
}


@endpoint("GET", f"{_ONE}/cfg/value", permission=["perm", "/", ["Sys.Audit"]], proxyto="node", params=_VALUE)
def value(ctx: Context, params: dict[str, Any]) -> dict[str, dict[str, str]]:
    """ceph.conf wins over the configuration database."""
    node.check_inited()
    with rados.connect() as mon:
        stored = [(entry["section"], entry["name"], entry["value"]) for entry in mon.mon_command("config dump")]
    written = [(name, key, text) for name, section in ceph_conf.read().items() for key, text in section.items()]
    return chosen(params["config-keys"], stored, written)


def chosen(
    keys: str, stored: list[tuple[str, str, str]], written: list[tuple[str, str, str]]
) -> dict[str, dict[str, str]]:
    """The settings asked for as `section:key,…`, with hyphens in place of underscores; the last one wins.

    8.4 gives everything that is stored for a section, whichever key of it was asked for.
    """
    wanted = {tuple(pair.replace("_", "-").split(":", 1)) for pair in split_list(keys)}
    generous = {section for section, _unused in wanted} if paths.release()[0] < 9 else set()
    found: dict[str, dict[str, str]] = {}
    for settings, sections in ((stored, generous), (written, set())):
        for section, key, text in settings:
            place = (re.sub("_", "-", section), re.sub("_", "-", key))
            if place in wanted or place[0] in sections:
                found.setdefault(place[0], {})[place[1]] = text
    return found
