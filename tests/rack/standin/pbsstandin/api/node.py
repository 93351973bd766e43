"""The machine: status, certificate, its own settings (src/api2/node/*.rs)."""

from __future__ import annotations

import re
import time
from typing import Any

from pvestandin import nodestat, paths

from .. import certificate, files, kinds, release, stores
from ..acl import Permissions
from ..table import ANYBODY, Context, endpoint, privilege

_NODE = "/nodes/{node}"
_CONFIG = "node.cfg"
_FIELDS = (
    "acme acmedomain0 acmedomain1 acmedomain2 acmedomain3 acmedomain4 ciphers-tls-1.2 ciphers-tls-1.3 consent-text "
    "default-lang description email-from http-proxy location task-log-max-days:integer"
)


@endpoint("GET", "/nodes", permission=ANYBODY)
def list_nodes(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"node": "localhost"}]


@endpoint("GET", f"{_NODE}/status", permission=privilege("system/status", "Sys.Audit"), params="node!")
def status(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    found = nodestat.machine()
    shown = {
        name: found[name] for name in ("uptime", "loadavg", "memory", "swap", "cpu", "wait", "cpuinfo") if name in found
    }
    return {
        **shown,
        "root": found["rootfs"],
        "kversion": found["kversion"],
        "info": {"fingerprint": certificate.fingerprint()},
    }


@endpoint(
    "GET", f"{_NODE}/certificates/info", permission=privilege("system/certificates", "Sys.Modify"), params="node!"
)
def certificates(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return [certificate.info()]


@endpoint("GET", f"{_NODE}/time", permission=ANYBODY, params="node!")
def current_time(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    link = paths.at("/etc/timezone")
    zone = link.read_text().strip() if link.exists() else "Etc/UTC"
    return {"time": now, "localtime": now + time.localtime(now).tm_gmtoff, "timezone": zone}


def _read_config() -> dict[str, Any]:
    """node.cfg is a flat file of `key: value`."""
    found: dict[str, Any] = {}
    for line in files.read(_CONFIG).splitlines():
        match = re.fullmatch(r"([^:#]+):\s*(.*)", line)
        if match:
            found[match[1]] = int(match[2]) if match[1] == "task-log-max-days" else match[2]
    return found


@endpoint("GET", f"{_NODE}/config", permission=privilege("system", "Sys.Audit"), params="node!")
def read_config(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    ctx.attributes["digest"] = files.digest(files.read(_CONFIG))
    return _read_config()


@endpoint(
    "PUT",
    f"{_NODE}/config",
    permission=privilege("system", "Sys.Modify"),
    params=f"node! {_FIELDS} delete:array digest:digest",
)
def write_config(ctx: Context, params: dict[str, Any]) -> None:
    with files.lock("node"):
        files.check_digest(params.get("digest"), files.digest(files.read(_CONFIG)))
        config = {name: value for name, value in _read_config().items() if name not in params.get("delete", [])}
        config |= {name: value for name, value in params.items() if name not in ("node", "delete", "digest")}
        files.write(_CONFIG, "".join(f"{name}: {value}\n" for name, value in sorted(config.items())))


@endpoint("GET", f"{_NODE}/subscription", permission=ANYBODY, params="node!")
def subscription(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return {"status": "notfound", "message": "There is no subscription key", "serverid": "0" * 32}


@endpoint("GET", "/status/datastore-usage", permission=ANYBODY)
def datastore_usage(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    known, found = Permissions(), []
    for name, data in kinds.DATASTORE.read().all("datastore").items():
        if known.has(ctx.user, ["datastore", name], "Datastore.Audit", "Datastore.Backup"):
            store = stores.Store(name, data)
            entry: dict[str, Any] = {"store": name}
            if release.major() >= 4:
                entry |= {"mount-status": "nonremovable", "backend-type": stores.backend(data)}
            found.append({**entry, **(stores.usage(store) if store.base.is_dir() else {"error": "not available"})})
    return found
