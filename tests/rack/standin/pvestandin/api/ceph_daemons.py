"""/nodes/{node}/ceph/{mon,mgr,mds} (PVE/API2/Ceph/MON.pm, MGR.pm, MDS.pm)."""

from __future__ import annotations

from typing import Any

from .. import tasks
from ..ceph import conf as ceph_conf
from ..ceph import mds, node, rados, services
from ..ceph import mon as monitors
from ..errors import Failure
from ..registry import Context, endpoint
from ..text import truth
from .ceph import AUDIT, MODIFY

_ONE = "/nodes/{node}/ceph"
_NODE = "node:pve-node!"


# -- monitors


@endpoint("GET", f"{_ONE}/mon", permission=AUDIT, proxyto="node", params=_NODE)
def list_mon(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    node.check_inited()
    services.refresh()
    with monitors.maybe() as mon:
        known = services.information("mon", ceph_conf.read(), mon)
        if not mon:
            return services.listed({name: {**entry, "state": "unknown"} for name, entry in known.items()})
        quorum = mon.mon_command("quorum_status")
    for member in quorum["monmap"]["mons"]:
        entry = known.setdefault(member["name"], {})
        entry |= {"rank": member["rank"], "addr": member["addr"]}
        if member["rank"] in quorum["quorum"]:
            entry |= {"quorum": 1, "state": "running"}
    return services.listed(known)


@endpoint(
    "POST", f"{_ONE}/mon/{{monid}}", permission=MODIFY, proxyto="node", params=f"{_NODE} monid mon-address:ip-list"
)
def create_mon(ctx: Context, params: dict[str, Any]) -> str:
    node.check_installed("ceph_mon")
    node.check_inited()
    node.link_conf()
    services.refresh()
    conf = ceph_conf.read()
    ident = params.get("monid") or params["node"]
    with monitors.maybe() as mon:
        known = services.information("mon", conf, mon)
        first = not known and not conf.get("global", {}).get("mon_host")
        if not mon and not first:
            raise Failure("Could not connect to ceph cluster despite configured monitors")
        wanted = monitors.addresses(conf, mon, ctx.node, params.get("mon-address"))
    monitors.assert_new(conf, known, ident, wanted)
    return tasks.start(
        ctx, "cephcreatemon", f"mon.{ident}", monitors.create, daemon=ident, name=ctx.node, wanted=wanted, first=first
    )


@endpoint("DELETE", f"{_ONE}/mon/{{monid}}", permission=MODIFY, proxyto="node", params=f"{_NODE} monid!")
def destroy_mon(ctx: Context, params: dict[str, Any]) -> str:
    node.check_inited()
    services.refresh()
    ident = params["monid"]
    with rados.connect() as mon:
        members = mon.mon_command("quorum_status")["monmap"]["mons"]
        monitors.assert_removable(members, ident)
    return tasks.start(ctx, "cephdestroymon", f"mon.{ident}", monitors.destroy, daemon=ident)


# -- managers


@endpoint("GET", f"{_ONE}/mgr", permission=AUDIT, proxyto="node", params=_NODE)
def list_mgr(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    node.check_inited()
    services.refresh()
    with rados.connect() as mon:
        known = services.information("mgr", ceph_conf.read(), mon)
        dump = mon.mon_command("mgr dump")
    for name, state in [
        (dump.get("active_name"), "active"),
        *((entry["name"], "standby") for entry in dump["standbys"]),
    ]:
        if name:
            known.setdefault(name, {})["state"] = state
    return services.listed(known)


@endpoint("POST", f"{_ONE}/mgr/{{id}}", permission=MODIFY, proxyto="node", params=f"{_NODE} id")
def create_mgr(ctx: Context, params: dict[str, Any]) -> str:
    node.check_installed("ceph_mgr")
    node.check_inited()
    node.link_conf()
    ident = params.get("id") or params["node"]
    return tasks.start(ctx, "cephcreatemgr", f"mgr.{ident}", monitors.create_manager, daemon=ident)


@endpoint("DELETE", f"{_ONE}/mgr/{{id}}", permission=MODIFY, proxyto="node", params=f"{_NODE} id!")
def destroy_mgr(ctx: Context, params: dict[str, Any]) -> str:
    node.check_inited()
    return tasks.start(ctx, "cephdestroymgr", f"mgr.{params['id']}", services.destroy_mgr, daemon=params["id"])


# -- metadata servers


@endpoint("GET", f"{_ONE}/mds", permission=AUDIT, proxyto="node", params=_NODE)
def list_mds(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    node.check_inited()
    services.refresh()
    with rados.connect() as mon:
        known = services.information("mds", ceph_conf.read(), mon)
        for name, state in services.mds_states(mon).items():
            known.setdefault(name, {}).update(state)
    return services.listed(known)


@endpoint("POST", f"{_ONE}/mds/{{name}}", permission=MODIFY, proxyto="node", params=f"{_NODE} name hotstandby:boolean")
def create_mds(ctx: Context, params: dict[str, Any]) -> str:
    node.check_installed("ceph_mds")
    node.check_inited()
    ident = params.get("name") or ctx.node
    if ident[0].isdigit():
        raise Failure("ID of the MDS cannot start with a number!")
    replay = truth(params.get("hotstandby"))
    return tasks.start(ctx, "cephcreatemds", f"mds.{ident}", mds.create, daemon=ident, name=ctx.node, hotstandby=replay)


@endpoint("DELETE", f"{_ONE}/mds/{{name}}", permission=MODIFY, proxyto="node", params=f"{_NODE} name!")
def destroy_mds(ctx: Context, params: dict[str, Any]) -> str:
    node.check_inited()
    return tasks.start(ctx, "cephdestroymds", f"mds.{params['name']}", mds.destroy, daemon=params["name"])
