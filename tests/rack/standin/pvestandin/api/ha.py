"""/cluster/ha: resources, groups, status (PVE/API2/HA/{Resources,Groups,Status}.pm of pve-ha-manager)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .. import ha, paths, pvefiles
from ..errors import Failure
from ..registry import ALL, Context, endpoint
from ..section import SectionConfig, Sections
from ..text import hash_order, split_list, truth

_SEE = ["perm", "/", ["Sys.Audit"]]
_CHANGE = ["perm", "/", ["Sys.Console"]]
_SID = "sid:pve-ha-resource-or-vm-id!"
_RESOURCE = "comment group max_relocate:integer max_restart:integer state"
_GROUP = "comment restricted:boolean nofailback:boolean"
_NEW = "failback:boolean auto-rebalance:boolean"
_UPDATE = "delete:pve-configid-list digest"
_MIGRATED = "ha groups have been migrated to rules"


@endpoint("GET", "/cluster/ha", permission=_SEE)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    parts = ("status", "resources", "groups", *(("rules",) if paths.release()[0] >= 9 else ()))
    return [{"id": name} for name in parts]


def _from_9(words: str, added: str) -> Callable[[], str]:
    return lambda: f"{words} {added}" if paths.release()[0] >= 9 else words


def change(table: SectionConfig, section: dict[str, Any], values: dict[str, Any], delete: list[str]) -> None:
    """What their handlers do with a section: the new values, then what is taken away."""
    section.update(table.check_config(section["type"], values, create=False))
    for key in delete:
        option = table.types[section["type"]].get(key)
        if option is None:
            raise Failure(f"no such option '{key}'")
        if not option.optional:
            raise Failure(f"unable to delete required option '{key}'")
        section.pop(key, None)


# Resources


def _row(sections: Sections, name: str) -> dict[str, Any]:
    if name not in sections.ids:
        raise Failure(f"no such resource '{name}'")
    row = {**sections.ids[name], "sid": name, "digest": sections.digest}
    if ha.migrated():
        row.pop("group", None)
    elif row.get("group") and row["group"] not in ha.read(ha.GROUPS).ids and paths.release()[0] >= 9:
        row["errors"] = {"group": f"group '{row['group']}' does not exist"}
    return row


@endpoint("GET", "/cluster/ha/resources", permission=_SEE, params="type")
def resources(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    sections = ha.read(ha.RESOURCES)
    names = [name for name in hash_order(sections.ids) if params.get("type") in (None, sections.ids[name]["type"])]
    return [_row(sections, name) for name in names]


@endpoint("GET", "/cluster/ha/resources/{sid}", permission=_SEE, params=_SID)
def resource(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return _row(ha.read(ha.RESOURCES), ha.sid(params["sid"])[0])


@endpoint("POST", "/cluster/ha/resources", permission=_CHANGE, params=_from_9(f"{_SID} type {_RESOURCE}", _NEW))
def create_resource(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name, kind, number = ha.sid(values.pop("sid"))
    if values.pop("type", kind) != kind:
        raise Failure("types does not match")
    if values.get("group") is not None and ha.migrated():
        raise Failure(f"invalid parameter 'group': {_MIGRATED}")
    if kind not in ("vm", "ct"):
        raise Failure(f"unknown type '{kind}'" if paths.release()[0] >= 9 else f"unknown section type '{kind}'")
    if not re.fullmatch(r"[1-9][0-9]+", number):
        raise Failure("invalid VMID")
    known = pvefiles.guests().get(number)
    if known is None:
        raise Failure(f"resource '{name}' does not exist in cluster")
    # 8.4 does not look
    if ha.TYPES[known["type"]] != kind and paths.release()[0] >= 9:
        raise Failure(f"resource '{name}' - guest with ID {number} is not a {dict(vm='VM', ct='container')[kind]}")
    section = ha.table(ha.RESOURCES).check_config(kind, values, create=True)
    with ha.lock("create resource failed"):
        sections = ha.read(ha.RESOURCES)
        if name in sections.ids:
            raise Failure(f"resource ID '{name}' already defined")
        sections.ids[name] = section
        ha.write(ha.RESOURCES, sections)


@endpoint(
    "PUT", "/cluster/ha/resources/{sid}", permission=_CHANGE, params=_from_9(f"{_SID} {_RESOURCE} {_UPDATE}", _NEW)
)
def update_resource(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name = ha.sid(values.pop("sid"))[0]
    expected, delete = values.pop("digest", None), split_list(values.pop("delete", None))
    if group := values.get("group"):
        if ha.migrated():
            raise Failure(f"invalid parameter 'group': {_MIGRATED}")
        if group not in ha.read(ha.GROUPS).ids:
            raise Failure(f"HA group '{group}' does not exist")
    state = ha.manager_status().get("service_status", {}).get(name, {}).get("state")
    if state == "error" and values.get("state") != "disabled":
        raise Failure(f"service '{name}' in error state, must be disabled and fixed first")
    with ha.lock("update resources config failed"):
        sections = ha.read(ha.RESOURCES)
        sections.assert_unmodified(expected)
        if name not in sections.ids:
            raise Failure(f"no such resource '{name}'")
        change(ha.table(ha.RESOURCES), sections.ids[name], values, delete)
        ha.write(ha.RESOURCES, sections)


@endpoint("DELETE", "/cluster/ha/resources/{sid}", permission=_CHANGE, params=_from_9(_SID, "purge:boolean"))
def delete_resource(ctx: Context, params: dict[str, Any]) -> None:
    name = ha.sid(params["sid"])[0]
    if name not in ha.read(ha.RESOURCES).ids:
        raise Failure(f"cannot delete service '{name}', not HA managed!")
    with ha.lock("delete resource failed"):
        sections = ha.read(ha.RESOURCES)
        del sections.ids[name]
        ha.write(ha.RESOURCES, sections)
        if paths.release()[0] >= 9 and truth(params.get("purge", 1)):
            _purge(name)


def _purge(name: str) -> None:
    """Out of all rules; a rule that then has no resource goes."""
    rules = ha.read(ha.RULES)
    for rule, section in list(rules.ids.items()):
        left = [one for one in split_list(section["resources"]) if one != name]
        section["resources"] = ",".join(left)
        if not left:
            del rules.ids[rule]
    ha.write(ha.RULES, rules)


# Groups


def _groups(verb: str) -> Sections:
    if ha.migrated():
        raise Failure(f"cannot {verb}: {_MIGRATED}")
    return ha.read(ha.GROUPS)


def _group(sections: Sections, name: str) -> dict[str, Any]:
    if name not in sections.ids:
        raise Failure(f"no such ha group '{name}'")
    return {**sections.ids[name], "group": name, "digest": sections.digest}


@endpoint("GET", "/cluster/ha/groups", permission=_SEE)
def groups(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    sections = _groups("index groups")
    return [_group(sections, name) for name in hash_order(sections.ids)]


@endpoint("GET", "/cluster/ha/groups/{group}", permission=_SEE, params="group:pve-configid!")
def group(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return _group(_groups("read group"), params["group"])


@endpoint("POST", "/cluster/ha/groups", permission=_CHANGE, params=f"group:pve-configid! nodes! type {_GROUP}")
def create_group(ctx: Context, params: dict[str, Any]) -> None:
    _groups("create group")
    values = dict(params)
    name = values.pop("group")
    if values.pop("type", "group") != "group":
        raise Failure("types does not match")
    section = ha.table(ha.GROUPS).check_config("group", values, create=True)
    with ha.lock("create ha group failed"):
        sections = ha.read(ha.GROUPS)
        if name in sections.ids:
            raise Failure(f"ha group ID '{name}' already defined")
        sections.ids[name] = section
        ha.write(ha.GROUPS, sections)


@endpoint(
    "PUT", "/cluster/ha/groups/{group}", permission=_CHANGE, params=f"group:pve-configid! nodes {_GROUP} {_UPDATE}"
)
def update_group(ctx: Context, params: dict[str, Any]) -> None:
    _groups("update group")
    values = dict(params)
    name, expected = values.pop("group"), values.pop("digest", None)
    delete = split_list(values.pop("delete", None))
    with ha.lock("update ha group failed"):
        sections = ha.read(ha.GROUPS)
        sections.assert_unmodified(expected)
        _group(sections, name)
        change(ha.table(ha.GROUPS), sections.ids[name], values, delete)
        ha.write(ha.GROUPS, sections)


@endpoint("DELETE", "/cluster/ha/groups/{group}", permission=_CHANGE, params="group:pve-configid!")
def delete_group(ctx: Context, params: dict[str, Any]) -> None:
    _groups("delete group")
    with ha.lock("delete ha group failed"):
        for name, section in ha.read(ha.RESOURCES).ids.items():
            if section.get("group") == params["group"]:
                raise Failure(f"ha group is used by service '{name}'")
        sections = ha.read(ha.GROUPS)
        sections.ids.pop(params["group"], None)
        ha.write(ha.GROUPS, sections)


# Status


@endpoint("GET", "/cluster/ha/status", permission=ALL)
def status(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name} for name in ("current", "manager_status")]


@endpoint("GET", "/cluster/ha/status/manager_status", permission=_SEE)
def manager_status(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    known = ha.manager_status()
    quorum = {"node": ctx.node, "quorate": "1" if pvefiles.quorate() else "0"}
    return {"manager_status": {"node_status": {}, **known}, "quorum": quorum}


@endpoint("GET", "/cluster/ha/status/current", permission=_SEE)
def current(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    good = int(pvefiles.quorate())
    text = "OK" if good else "No quorum on node '{}'!"
    answer: list[dict[str, Any]] = [
        {"id": "quorum", "type": "quorum", "node": ctx.node, "status": text.format(ctx.node), "quorate": good}
    ]
    known = ha.manager_status()
    if master := known.get("master_node"):
        text = f"{master} (active, {known['timestamp']})"
        answer.append(
            {"id": "master", "type": "master", "node": master, "status": text, "timestamp": known["timestamp"]}
        )
    if paths.release()[0] >= 9:
        armed, text = (
            ("armed", "armed (CRM watchdog active)")
            if known.get("master_node")
            else (
                "standby",
                "standby (CRM watchdog standby)",
            )
        )
        answer.append({"id": "fencing", "type": "fencing", "node": ctx.node, "armed-state": armed, "status": text})
    return answer + [_service(name, section, known) for name, section in sorted(ha.read(ha.RESOURCES).ids.items())]


def _service(name: str, section: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    guest = pvefiles.guests().get(name.partition(":")[2])
    state = known.get("service_status", {}).get(name, {}).get("state", "queued" if guest else "deleting")
    node = guest["node"] if guest else None
    entry = {
        "id": f"service:{name}",
        "type": "service",
        "sid": name,
        "node": node,
        "state": state,
        "status": f"{name} ({node or '-'}, {state})",
        "request_state": section.get("state", "started"),
        "max_restart": section.get("max_restart", 1),
        "max_relocate": section.get("max_relocate", 1),
    }
    if paths.release()[0] >= 9:
        entry["failback"] = section.get("failback", 1)
    return {**entry, **{key: section[key] for key in ("group", "comment") if section.get(key)}}
