"""/cluster/ha/rules (PVE/API2/HA/Rules.pm of pve-ha-manager), from Proxmox VE 9 on."""

from __future__ import annotations

from typing import Any

from .. import ha, paths, pvefiles
from ..errors import Failure
from ..registry import Context, endpoint
from ..section import Sections
from ..text import split_list, truth
from .ha import change

_SEE = ["perm", "/", ["Sys.Audit"]]
_CHANGE = ["perm", "/", ["Sys.Console"]]
_PATH = "/cluster/ha/rules"
_ID = "rule:pve-configid!"
_WORDS = "type! nodes affinity strict:boolean disable:boolean comment"


def _rows(sections: Sections) -> list[dict[str, Any]]:
    problems = ha.problems(sections)
    rows = []
    for number, (name, section) in enumerate({**sections.ids, **ha.of_groups()}.items(), 1):
        row = {key: value for key, value in section.items() if value is not None}
        row |= {"rule": name, "digest": sections.digest, "order": number}
        if name in problems:
            row["errors"] = {"resources": problems[name]}
        rows.append(row)
    return rows


@endpoint("GET", _PATH, permission=_SEE, params="type resource")
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    ha.only_from_9("GET", _PATH)
    return [
        row
        for row in _rows(ha.read(ha.RULES))
        if params.get("type") in (None, row["type"])
        and (not params.get("resource") or params["resource"] in split_list(row["resources"]))
    ]


@endpoint("GET", f"{_PATH}/{{rule}}", permission=_SEE, params=_ID)
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    ha.only_from_9("GET", f"{_PATH}/{params['rule']}")
    for row in _rows(ha.read(ha.RULES)):
        if row["rule"] == params["rule"]:
            return row
    raise Failure(f"no such ha rule '{params['rule']}'")


def _check_parts(section: dict[str, Any]) -> None:
    managed = ha.read(ha.RESOURCES).ids
    if "resources" in section:
        wanted = sorted(set(split_list(section["resources"])))
        if not wanted:
            raise Failure("no resources were specified")
        if strange := [one for one in wanted if one not in managed]:
            raise Failure(f"cannot use unmanaged resource(s) {', '.join(strange)}.")
    if "nodes" in section:
        known = {*pvefiles.node_names(), paths.node_name()}
        named = sorted({one.partition(":")[0] for one in split_list(section["nodes"])})
        if not named:
            raise Failure("no nodes were specified")
        if strange := [one for one in named if one not in known]:
            raise Failure(f"cannot use non-existent node(s) {', '.join(strange)}.")


def _check_whole(sections: Sections, name: str) -> None:
    if found := ha.problems(sections).get(name):
        raise Failure(f"400 Rule '{name}' is invalid.\nresources: {', '.join(found)}")


def _values(params: dict[str, Any]) -> dict[str, Any]:
    """A `disable` that is 0 is as if it had not been given."""
    values = dict(params)
    if not truth(values.get("disable")):
        values.pop("disable", None)
    return values


def _canonical(section: dict[str, Any]) -> dict[str, Any]:
    table = ha.table(ha.RULES)
    lists = {key: table.encode("", key, section[key]) for key in ("resources", "nodes") if section.get(key)}
    return {**section, **lists}


@endpoint("POST", _PATH, permission=_CHANGE, params=f"{_ID} {_WORDS} resources!")
def create(ctx: Context, params: dict[str, Any]) -> None:
    ha.only_from_9("POST", _PATH)
    if not ha.migrated():
        raise Failure("cannot create ha rule: ha groups have not been migrated yet")
    values = _values(params)
    name, kind = values.pop("rule"), values.pop("type")
    section = _canonical(ha.table(ha.RULES).check_config(kind, values, create=True))
    with ha.lock("create ha rule failed"):
        sections = ha.read(ha.RULES)
        if name in sections.ids:
            raise Failure(f"HA rule '{name}' already defined")
        _check_parts(section)
        sections.ids[name] = section
        _check_whole(sections, name)
        ha.write(ha.RULES, sections)


@endpoint(
    "PUT", f"{_PATH}/{{rule}}", permission=_CHANGE, params=f"{_ID} {_WORDS} resources delete:pve-configid-list digest"
)
def update(ctx: Context, params: dict[str, Any]) -> None:
    ha.only_from_9("PUT", f"{_PATH}/{params['rule']}")
    if not ha.migrated():
        raise Failure("cannot update ha rule: ha groups have not been migrated yet")
    values = _values(params)
    name, expected = values.pop("rule"), values.pop("digest", None)
    delete = split_list(values.pop("delete", None))
    with ha.lock("update HA rules failed"):
        sections = ha.read(ha.RULES)
        sections.assert_unmodified(expected)
        if name not in sections.ids:
            raise Failure(f"HA rule '{name}' does not exist")
        section = sections.ids[name]
        values.pop("type", None)
        _check_parts(values)
        change(ha.table(ha.RULES), section, _canonical(values), delete)
        _check_whole(sections, name)
        ha.write(ha.RULES, sections)


@endpoint("DELETE", f"{_PATH}/{{rule}}", permission=_CHANGE, params=_ID)
def delete(ctx: Context, params: dict[str, Any]) -> None:
    """Also of what does not exist."""
    ha.only_from_9("DELETE", f"{_PATH}/{params['rule']}")
    with ha.lock("delete ha rule failed"):
        sections = ha.read(ha.RULES)
        sections.ids.pop(params["rule"], None)
        ha.write(ha.RULES, sections)
