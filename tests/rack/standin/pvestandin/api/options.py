"""/cluster/options: the settings of the whole datacentre (PVE/API2/Cluster.pm)."""

from __future__ import annotations

from typing import Any

from .. import datacenter, paths, pvefiles
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..text import split_list

_WORDS = (
    "bwlimit console crs description email_from fencing ha http_proxy keyboard language mac_prefix "
    "max_workers:integer migration migration_unsecure:boolean next-id notify registered-tags tag-style u2f "
    "user-tag-access webauthn consent-text delete:pve-configid-list"
)


def _words() -> str:
    return _WORDS + (" location replication" if paths.release()[0] >= 9 else "")


@endpoint("GET", "/cluster/options", permission=ALL)
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    values = datacenter.read()
    if not Permissions().allowed(ctx.user, "/", ["Sys.Audit"]):
        values = {key: values[key] for key in ("console", "tag-style") if key in values}
    return {**values, "allowed-tags": sorted(values.get("registered-tags", []))}


@endpoint("PUT", "/cluster/options", permission=["perm", "/", ["Sys.Modify"]], params=_words)
def update(ctx: Context, params: dict[str, Any]) -> None:
    with pvefiles.lock_file(datacenter.FILE):
        values = datacenter.read()
        values |= {key: value for key, value in params.items() if key != "delete"}
        for key in split_list(params.get("delete")):
            values.pop(key, None)
        datacenter.write(values)
