"""/nodes/{node}/config: /etc/pve/nodes/NODE/config (PVE/API2/NodeConfig.pm, PVE/NodeConfig.pm)."""

from __future__ import annotations

import re
from typing import Any

from .. import paths, pvefiles, schema
from ..errors import Failure
from ..registry import Context, endpoint
from ..text import decode_text, digest, encode_text, number, split_list

_INTEGERS = ("startall-onboot-delay", "ballooning-target")
_WORDS = (
    "acme acmedomain0 acmedomain1 acmedomain2 acmedomain3 acmedomain4 acmedomain5 ballooning-target:integer description"
    " startall-onboot-delay:integer wakeonlan delete:pve-configid-list digest"
)
_DOMAIN = {
    "domain": {"type": "string", "default_key": 1},
    **{name: {"type": "string", "optional": 1} for name in ("plugin", "alias")},
}
_ACME = {
    "account": {"type": "string", "optional": 1},
    "domains": {"type": "string", "optional": 1},
}


def _words() -> str:
    return _WORDS + (" location" if paths.release()[0] >= 9 else "")


def _file(node: str) -> str:
    return f"nodes/{node}/config"


def _read(node: str) -> dict[str, Any]:
    """Empty without a file; with one, its digest is there, too."""
    raw = pvefiles.read(_file(node))
    if not raw:
        return {}
    notes = "".join(f"{decode_text(line[1:])}\n" for line in raw.splitlines() if line.startswith("#"))
    values: dict[str, Any] = dict(re.findall(r"^([a-z][\w-]*):[ \t]*(.*?)\s*$", raw, re.MULTILINE))
    values |= {name: number(values[name]) for name in _INTEGERS if name in values}
    return {**values, **({"description": notes} if notes else {}), "digest": digest(raw)}


def _acme(values: dict[str, Any]) -> dict[str, Any]:
    """Account, and domain → {plugin, alias}: a domain in two places and one of an unknown plugin are refused."""
    acme = schema.parse_property_string(_ACME, values.get("acme") or "")
    domains: dict[str, dict[str, Any]] = {}
    keys: dict[str, str] = {}
    for domain in filter(None, acme.get("domains", "").lower().split(";")):
        if domain in keys:
            raise Failure(f"duplicate domain '{domain}' in ACME config properties")
        keys[domain], domains[domain] = "acme", {"plugin": "standalone"}
    for key in [f"acmedomain{index}" for index in range(6)]:
        if key not in values:
            continue
        entry = schema.parse_property_string(_DOMAIN, values[key])
        domain = entry.pop("domain").lower()
        if domain in keys:
            raise Failure(f"duplicate domain '{domain}' in ACME config properties '{key}' and '{keys[domain]}'")
        keys[domain], domains[domain] = key, {"plugin": "standalone", **entry}
        plugin = domains[domain]["plugin"]
        plugins = re.findall(r"^\w+: *(\S+)", pvefiles.read("priv/acme/plugins.cfg"), re.MULTILINE)
        if plugin not in ("standalone", *plugins):
            raise Failure(f"plugin '{plugin}' for domain '{domain}' not found!")
    return {"account": acme.get("account", "default"), "domains": domains}


def acme_of(node: str) -> dict[str, Any]:
    return _acme(_read(node))


@endpoint(
    "GET", "/nodes/{node}/config", permission=["perm", "/", ["Sys.Audit"]], params="node! property", proxyto="node"
)
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    values = _read(ctx.node)
    wanted = params.get("property")
    return {key: value for key, value in values.items() if wanted in (None, key)}


@endpoint("PUT", "/nodes/{node}/config", permission=["perm", "/", ["Sys.Modify"]], params=_words, proxyto="node")
def update(ctx: Context, params: dict[str, Any]) -> None:
    given = {key: value for key, value in params.items() if key not in ("node", "delete", "digest")}
    with pvefiles.lock(f"node-config-{ctx.node}"):
        values = _read(ctx.node)
        found = values.pop("digest", None)
        if params.get("digest") and params["digest"] != found:
            raise Failure("detected modified configuration - file changed by other user? Try again.")
        values |= given
        for key in split_list(params.get("delete")):
            values.pop(key, None)
        _acme(values)
        notes = "".join(f"#{encode_text(line)}\n" for line in str(values.pop("description", "")).splitlines())
        paths.pve(f"nodes/{ctx.node}").mkdir(parents=True, exist_ok=True)
        pvefiles.write(_file(ctx.node), notes + "".join(f"{key}: {values[key]}\n" for key in sorted(values)))
