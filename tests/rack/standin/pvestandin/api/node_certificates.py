"""/nodes/{node}/certificates: what changes them (PVE/API2/Certificates.pm, PVE/API2/ACME.pm)."""

from __future__ import annotations

import time
from typing import Any

from .. import acme, certificates, customcerts, tasks
from ..errors import ApiError, Failure, bad_parameters
from ..registry import ALL, Context, endpoint
from ..text import truth
from .node_config import acme_of

_NODE = "node:pve-node!"
_PATH = "/nodes/{node}/certificates"
_MODIFY = ["perm", "/nodes/{node}", ["Sys.Modify"]]
_SOON = 30 * 86400


@endpoint(
    "POST",
    f"{_PATH}/custom",
    permission=_MODIFY,
    params=f"{_NODE} certificates:pem-certificate-chain! key:pem-string force:boolean restart:boolean",
    proxyto="node",
)
def upload(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    key = params.get("key")
    if not key and not customcerts.files(ctx.node)[1].exists():
        raise bad_parameters({"key": "Attempted to upload custom certificate without (existing) key."})
    with customcerts.locked():
        found = customcerts.install(
            ctx.node,
            customcerts.strip_leading_text(params["certificates"]),
            customcerts.strip_leading_text(key) if key else None,
            force=truth(params.get("force")),
        )
        if truth(params.get("restart")):
            customcerts.restart_proxy()
    return found


@endpoint("DELETE", f"{_PATH}/custom", permission=_MODIFY, params=f"{_NODE} restart:boolean", proxyto="node")
def remove(ctx: Context, params: dict[str, Any]) -> None:
    with customcerts.locked():
        customcerts.remove(ctx.node)
        if truth(params.get("restart")):
            customcerts.restart_proxy()


@endpoint("GET", f"{_PATH}/acme", permission=ALL, params=_NODE)
def acme_index(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": "certificate"}]


def _configured(node: str) -> dict[str, Any]:
    found = acme_of(node)
    if not found["domains"]:
        raise ApiError(400, "ACME domain list in node configuration is missing!")
    return found


@endpoint("POST", f"{_PATH}/acme/certificate", permission=_MODIFY, params=f"{_NODE} force:boolean", proxyto="node")
def order(ctx: Context, params: dict[str, Any]) -> str:
    force = truth(params.get("force"))
    if customcerts.files(ctx.node)[0].exists() and not force:
        raise bad_parameters({"force": "Custom certificate exists but 'force' is not set."})
    return tasks.start(ctx, "acmenewcert", "", order_work, node=ctx.node, force=force, **_configured(ctx.node))


@endpoint("PUT", f"{_PATH}/acme/certificate", permission=_MODIFY, params=f"{_NODE} force:boolean", proxyto="node")
def renew(ctx: Context, params: dict[str, Any]) -> str:
    place = customcerts.files(ctx.node)[0]
    if not place.exists():
        raise Failure("No current (custom) certificate found, please order a new certificate!")
    if certificates.describe(place)["notafter"] - time.time() > _SOON and not truth(params.get("force")):
        text = "Certificate does not expire within the next 30 days, and 'force' is not set."
        raise bad_parameters({"force": text})
    return tasks.start(ctx, "acmerenew", "", renew_work, node=ctx.node, **_configured(ctx.node))


@endpoint("DELETE", f"{_PATH}/acme/certificate", permission=_MODIFY, params=_NODE, proxyto="node")
def revoke(ctx: Context, params: dict[str, Any]) -> str:
    account = _configured(ctx.node)["account"]
    if not customcerts.files(ctx.node)[0].exists():
        raise Failure(f"can't open '/etc/pve/nodes/{ctx.node}/pveproxy-ssl.pem' - No such file or directory")
    return tasks.start(ctx, "acmerevoke", "", revoke_work, node=ctx.node, account=account)


def order_work(node: str, force: bool, account: str, domains: dict[str, Any]) -> None:
    certificate, key = acme.order(account, domains)
    with customcerts.locked():
        print("Setting pveproxy certificate and key")
        customcerts.install(node, certificate, key, force=force)
        customcerts.restart_proxy()


def renew_work(node: str, account: str, domains: dict[str, Any]) -> None:
    order_work(node, True, account, domains)
    print("Revoking old certificate")


def revoke_work(node: str, account: str) -> None:
    if not acme.exists(account):
        raise Failure(f"ACME account config file '{account}' does not exist.")
    print("Loading ACME account details\nRevoking old certificate")
    with customcerts.locked():
        print("Deleting certificate files")
        customcerts.remove(node)
        customcerts.restart_proxy("Restarting pveproxy to revert to self-signed certificates")
