"""/nodes and what a node says about itself (PVE/API2/Nodes.pm, Services.pm, Certificates.pm)."""

from __future__ import annotations

import re
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from .. import certificates, nodestat, paths, pvefiles, resources, tasks
from ..errors import Failure
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..text import digest, hash_order

_NODE = "node:pve-node!"
_AUDIT = ["perm", "/nodes/{node}", ["Sys.Audit"]]
_MODIFY = ["perm", "/nodes/{node}", ["Sys.Modify"]]
_SERVICES = (
    "chrony",
    "corosync",
    "cron",
    "ksmtuned",
    "lxcfs",
    "postfix",
    "proxmox-firewall",
    "pve-cluster",
    "pve-firewall",
    "pve-ha-crm",
    "pve-ha-lrm",
    "pve-lxc-syscalld",
    "pvedaemon",
    "pvefw-logger",
    "pveproxy",
    "pvescheduler",
    "pvestatd",
    "qmeventd",
    "spiceproxy",
    "sshd",
    "syslog",
    "systemd-journald",
    "systemd-timesyncd",
)
_ESSENTIAL = ("pveproxy", "pvedaemon", "pve-cluster")


@endpoint("GET", "/nodes", permission=ALL)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    allowed = Permissions()
    answer = []
    for name in hash_order(pvefiles.node_names()):
        entry = resources.node(name, stats=allowed.allowed(ctx.user, f"/nodes/{name}", ["Sys.Audit"]))
        answer.append({**entry, "ssl_fingerprint": certificates.node_fingerprint(name)})
    return answer


@endpoint("GET", "/nodes/{node}", permission=ALL, params=_NODE)
def subdirectories(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"name": name}
        for name in (
            "certificates",
            "config",
            "disks",
            "dns",
            "hardware",
            "hosts",
            "network",
            "services",
            "status",
            "storage",
            "subscription",
            "tasks",
            "time",
            "version",
        )
    ]


@endpoint("GET", "/nodes/{node}/version", permission=ALL, params=_NODE, proxyto="node")
def version(ctx: Context, params: dict[str, Any]) -> dict[str, str]:
    known = paths.version()
    return {key: known[key] for key in ("version", "release", "repoid")}


@endpoint("GET", "/nodes/{node}/status", permission=_AUDIT, params=_NODE, proxyto="node")
def status(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return nodestat.status()


@endpoint("GET", "/nodes/{node}/dns", permission=_AUDIT, params=_NODE, proxyto="node")
def dns(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    path = paths.at("/etc/resolv.conf")
    text = path.read_text() if path.exists() else ""
    servers = re.findall(r"^\s*nameserver\s+(\S+)", text, re.MULTILINE)[:3]
    search = re.findall(r"^\s*(?:search|domain)\s+(\S+)", text, re.MULTILINE)
    return {
        **{f"dns{number}": server for number, server in enumerate(servers, 1)},
        **({"search": search[-1]} if search else {}),
    }


@endpoint("GET", "/nodes/{node}/time", permission=_AUDIT, params=_NODE, proxyto="node")
def read_time(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """localtime is the local wall clock written as if it were UTC, as Proxmox has it."""
    now = time.time()
    offset = datetime.fromtimestamp(now).astimezone().utcoffset()
    path = paths.at("/etc/timezone")
    zone = path.read_text().strip() if path.exists() else ""
    if not zone:
        target = str(Path("/etc/localtime").resolve())
        zone = target.partition("/zoneinfo/")[2] or "UTC"
    return {"time": int(now), "localtime": int(now + (offset.total_seconds() if offset else 0)), "timezone": zone}


@endpoint("GET", "/nodes/{node}/hosts", permission=["perm", "/", ["Sys.Audit"]], params=_NODE, proxyto="node")
def hosts(ctx: Context, params: dict[str, Any]) -> dict[str, str]:
    text = paths.at("/etc/hosts").read_text() if paths.at("/etc/hosts").exists() else ""
    return {"data": text, "digest": digest(text)}


@endpoint("POST", "/nodes/{node}/hosts", permission=_MODIFY, params=f"{_NODE} data! digest", proxyto="node")
def write_hosts(ctx: Context, params: dict[str, Any]) -> None:
    path = paths.at("/etc/hosts")
    if params.get("digest") and params["digest"] != digest(path.read_text()):
        raise Failure("detected modified configuration - file changed by other user? Try again.")
    path.write_text(params["data"])


@endpoint("GET", "/nodes/{node}/certificates", permission=ALL, params=_NODE)
def certificate_index(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name} for name in ("acme", "custom", "info")]


@endpoint("GET", "/nodes/{node}/certificates/info", permission=ALL, params=_NODE, proxyto="node")
def certificate_info(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    files = [
        paths.pve("pve-root-ca.pem"),
        paths.pve(f"nodes/{ctx.node}/pve-ssl.pem"),
        paths.pve(f"nodes/{ctx.node}/pveproxy-ssl.pem"),
    ]
    return [certificates.describe(path) for path in files if path.exists()]


def _service(name: str) -> dict[str, Any] | None:
    keys = ("Description", "ActiveState", "SubState", "LoadState", "UnitFileState", "Type", "Result")
    done = subprocess.run(
        ["systemctl", "show", name, *(f"-p{key}" for key in keys)], capture_output=True, text=True, check=False
    )
    known = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if not known.get("Description"):
        return None
    state = known.get("SubState") or "unknown"
    if state == "dead" and known.get("Type") == "oneshot" and known.get("Result"):
        state = known["Result"]
    missing = known.get("LoadState") == "not-found"
    return {
        "service": name,
        "name": name,
        "desc": known["Description"],
        "state": state,
        "unit-state": "not-found" if missing else known.get("UnitFileState") or "unknown",
        "active-state": known.get("ActiveState") or "unknown",
    }


@endpoint("GET", "/nodes/{node}/services", permission=_AUDIT, params=_NODE, proxyto="node")
def services(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return [found for found in map(_service, _SERVICES) if found]


@endpoint(
    "GET", "/nodes/{node}/services/{service}/state", permission=_AUDIT, params=f"{_NODE} service!", proxyto="node"
)
def service_state(ctx: Context, params: dict[str, Any]) -> dict[str, Any] | None:
    return _service(params["service"])


def service_work(name: str, verb: str) -> None:
    done = subprocess.run(["systemctl", verb, name], capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr, end="")
    if done.returncode:
        raise Failure(f"command 'systemctl {verb} {name}' failed: exit code {done.returncode}")


def _service_task(ctx: Context, name: str, verb: str) -> str:
    if verb == "stop" and name in _ESSENTIAL:
        raise Failure(f"invalid service cmd '{name} {verb}': refusing to stop essential service!")
    words = {"start": "srvstart", "stop": "srvstop", "restart": "srvrestart", "reload": "srvreload"}
    real = "reload-or-restart" if verb in ("restart", "reload") and name in _ESSENTIAL else verb
    return tasks.start(ctx, words[verb], name, service_work, name=name, verb=real)


def _declare_service_verbs() -> None:
    for verb in ("start", "stop", "restart", "reload"):

        def handler(ctx: Context, params: dict[str, Any], verb: str = verb) -> str:
            return _service_task(ctx, params["service"], verb)

        endpoint(
            "POST",
            f"/nodes/{{node}}/services/{{service}}/{verb}",
            permission=_MODIFY,
            params=f"{_NODE} service!",
            proxyto="node",
        )(handler)


_declare_service_verbs()
