# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Aliases, IP sets and security groups of the firewall: PVE/API2/Firewall/{Aliases,IPSet,Groups,Rules}.pm of pve-firewall.

The API is the same in Proxmox VE 8.4 and 9.2. An alias is written as a whole. Comments of sets and groups are changed by
POST with the same name as C(rename). Proxmox removes what is in use without a word, and rules that name it are ignored from
then on; here that is refused.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from ansible_collections.baremetal.proxmox.plugins.module_utils import _firewall_watch
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError, ConnectionLost, ProxmoxError
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_reach import Firewall
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_rules import (
    LOWER,
    NAME,
    RULES,
    Rule,
    check_rules,
    named,
    reference,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_steps import steps
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_watch import CLUSTER, WORDS, rules_of
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import STR, Kind, read_bool

ALIASES, IPSETS, GROUPS, RULES_PATH = (f"{CLUSTER}/{name}" for name in ("aliases", "ipset", "groups", "rules"))
_LOWER = "a name of lower-case letters, digits, - and _, which begins with a letter"
KINDS = {"alias": "an alias", "ipset": "an IP set", "group": "a security group"}


class Moved(ProxmoxError):
    """Somebody else has changed the list of rules in between."""

    transient = True


def apply(api: Any, path: str, goal: Sequence[Rule]) -> None:
    """Makes a list of rules of another one; before each call it looks whether the list is still the expected one."""
    first = rules_of(api.get(path))
    for step in steps(first, goal):
        rows = api.get(path)
        if tuple(rules_of(rows)) != step.before:
            raise Moved("the rules were changed by somebody else at the same time.", hint="Run this again.")
        digest = {"digest": rows[0]["digest"]} if rows else {}
        values = {name.replace("_", "-"): value for name, value in step.values.items() if value is not None}
        if step.action == "create":
            api.post(path, **{**values, "enable": int(values.get("enable", True))})
        elif step.action == "move":
            api.put(f"{path}/{step.position}", moveto=step.to, **digest)
        elif step.action == "delete":
            api.delete(f"{path}/{step.position}", **digest)
        else:
            gone = sorted(name.replace("_", "-") for name, value in step.values.items() if value is None)
            enable = {"enable": int(values.pop("enable"))} if "enable" in values else {}
            api.put(f"{path}/{step.position}", **values, **enable, **({"delete": gone} if gone else {}), **digest)


# -- who uses what


def used(api: Any) -> dict[tuple[str, str], list[str]]:
    """What the rules of the cluster, of its groups and nodes, and the sets name, and where. Guests are not looked at."""
    found: dict[tuple[str, str], list[str]] = {}

    def note(rules: Iterable[Mapping[str, Any]], where: str) -> None:
        for number, rule in enumerate(rules):
            for what in named(rule):
                found.setdefault(what, []).append(f"rule {number} of {where}")

    note(rules_of(api.get(RULES_PATH)), "the cluster")
    for row in api.get(GROUPS):
        note(rules_of(api.get(f"{GROUPS}/{row['group']}")), f"the group {row['group']}")
    for row in api.get(IPSETS):
        for entry in api.get(f"{IPSETS}/{row['name']}"):
            if (what := reference(str(entry["cidr"]))) and what[0] == "alias":
                found.setdefault(what, []).append(f"the IP set {row['name']}")
    for row in api.get("/nodes"):
        try:
            note(rules_of(api.get(f"/nodes/{row['node']}/firewall/rules")), f"the node {row['node']}")
        except (ApiError, ConnectionLost):
            # one that is away cannot be asked
            continue
    return found


def unused(kind: str) -> Callable[[Any, Sequence[Any]], Iterable[tuple[str, bool]]]:
    """The objections to removing what is used."""

    def objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
        gone = [change.key for change in changes if change.action == "delete"]
        places = used(api) if gone else {}
        for name in gone:
            if where := places.get((kind, name.lower())):
                yield f"{kind} '{name}' cannot be removed: {', '.join(where[:3])} uses it.", False

    return objections


def known(api: Any) -> Callable[[tuple[str, str]], bool]:
    """Whether there is an alias, set or group of a name; asked for when it is needed."""
    names: dict[str, set[str]] = {}
    lists = {"alias": (ALIASES, "name"), "ipset": (IPSETS, "name"), "group": (GROUPS, "group")}

    def there(what: tuple[str, str]) -> bool:
        kind, name = what
        if kind not in names:
            path, key = lists[kind]
            names[kind] = {str(row[key]).lower() for row in api.get(path)}
            # made by Proxmox itself
            names[kind] |= {"alias": {"local_network"}, "ipset": {"management"}}.get(kind, set())
        return name in names[kind]

    return there


def unknown(api: Any, where: str, rules: Iterable[Rule]) -> Iterable[tuple[str, bool]]:
    there = known(api)
    for number, rule in enumerate(rules):
        for kind, name in named(rule):
            if not there((kind, name)):
                yield f"{where}: rule {number} uses {KINDS[kind]} that is not there: {name}.", False


# -- aliases


def _read_address(value: Any) -> str:
    """As parse_ip_or_cidr in PVE/Firewall.pm: an address alone has no length."""
    text = STR.read(value).strip().lower()
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"is {text!r}, not an address or a network such as 10.0.0.0/24") from None
    return text.partition("/")[0] if network.num_addresses == 1 else text


ADDRESS = Kind("address or network", _read_address, str)


def _lower(value: Any) -> str:
    return STR.read(value).strip().lower()


def read_aliases(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    """Proxmox keeps the case of a name and takes no notice of it."""
    return [{**row, "name": str(row["name"]).lower()} for row in api.get(ALIASES)]


def _alias_objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    yield from unused("alias")(api, changes)

    def after(firewall: Firewall) -> Firewall:
        aliases = dict(firewall.aliases)
        for change in changes:
            if change.action == "delete":
                aliases.pop(change.key, None)
            elif "cidr" in change.to_set:
                aliases[change.key] = change.to_set["cidr"]
        return replace(firewall, aliases=aliases)

    if any(change.action != "create" or change.key == "local_network" for change in changes):
        yield from _firewall_watch.objections(api, after)


ALIAS = Resource(
    name="firewall alias",
    path=ALIASES,
    key=Field("name", Kind("name", _lower, str), pattern=rf"(?=.{{2,64}}$){NAME}", meaning="a name"),
    fields=[Field("cidr", ADDRESS), Field("comment")],
    variants={None: Variant(required="cidr", optional="comment")},
    read=read_aliases,
    resend=["cidr", "comment"],
    clears=True,
    objections=_alias_objections,
    words=WORDS,
)


# -- IP sets


def _read_member(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"is {value!r}, not an entry with cidr")
    if not value.get("cidr"):
        raise ValueError("has an entry without cidr")
    text = str(value["cidr"]).strip()
    if not re.fullmatch(rf"(?:dc/)?{NAME}", text):
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f"has {text!r}, not an address, a network or an alias") from None
        if network.prefixlen == 0:
            raise ValueError(f"has {text}; a set cannot hold everything")
        text = str(network.network_address if network.num_addresses == 1 else network)
    entry: dict[str, Any] = {"cidr": text}
    if value.get("nomatch") not in (None, "") and read_bool(value["nomatch"]):
        entry["nomatch"] = True
    if comment := " ".join(str(value.get("comment") or "").split()):
        entry["comment"] = comment
    return entry


def _read_members(given: Any) -> list[dict[str, Any]] | None:
    entries = sorted(map(_read_member, given or ()), key=lambda entry: str(entry["cidr"]))
    for one, other in itertools.pairwise(entries):
        if one["cidr"] == other["cidr"]:
            raise ValueError(f"has {one['cidr']} twice")
    return entries or None


MEMBERS = Kind(
    "members",
    _read_members,
    lambda _entries: "",
    {
        "type": "list",
        "elements": "dict",
        "options": {
            "cidr": {"type": "str", "required": True},
            "nomatch": {"type": "bool"},
            "comment": {"type": "str"},
        },
    },
)


def read_ipsets(api: Any, identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    for row in api.get(IPSETS):
        if identity in (None, row["name"]):
            yield {**row, "members": api.get(f"{IPSETS}/{row['name']}")}


def write_ipset(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    """What is new in a set comes before what goes."""
    path = f"{IPSETS}/{change.key}"
    if change.action == "delete":
        api.delete(path, force=True)
        return
    _head(api, IPSETS, "name", change, form)
    if "members" not in {*change.to_set, *change.to_unset}:
        return
    wanted = {entry["cidr"]: entry for entry in change.to_set.get("members") or ()}
    there = {}
    for row in api.get(path) if change.present else ():
        there[_read_member(row)["cidr"]] = (str(row["cidr"]), _read_member(row))
    for cidr, entry in wanted.items():
        if cidr not in there:
            api.post(path, **entry)
        elif there[cidr][1] != entry:
            api.put(
                f"{path}/{quote(there[cidr][0], safe='')}", **{name: entry[name] for name in entry if name != "cidr"}
            )
    for cidr, (text, _entry) in there.items():
        if cidr not in wanted:
            api.delete(f"{path}/{quote(text, safe='')}")


def _head(api: Any, path: str, key: str, change: Any, form: Mapping[str, Any]) -> None:
    """The thing itself and its comment."""
    comment = {"comment": form["comment"]} if "comment" in form else {}
    if change.action == "create":
        api.post(path, **{key: change.key}, **comment)
    elif comment or "comment" in change.to_unset:
        api.post(path, **{key: change.key, "rename": change.key, "comment": form.get("comment", "")})


def _ipset_objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    yield from unused("ipset")(api, changes)
    there = known(api)
    for change in changes:
        for entry in change.to_set.get("members") or ():
            what = reference(str(entry["cidr"]))
            if what and not there(what):
                yield f"ipset '{change.key}' uses an alias that is not there: {what[1]}.", False

    def after(firewall: Firewall) -> Firewall:
        sets = dict(firewall.ipsets)
        for change in changes:
            if change.action == "delete":
                sets.pop(change.key, None)
            elif "members" in {*change.to_set, *change.to_unset}:
                sets[change.key] = change.to_set.get("members") or []
        return replace(firewall, ipsets=sets)

    if any(change.action != "create" or change.key == "blacklist" for change in changes):
        yield from _firewall_watch.objections(api, after)


IPSET = Resource(
    name="firewall ipset",
    path=IPSETS,
    key=Field("name", pattern=rf"(?=.{{2,64}}$){LOWER}", meaning=_LOWER),
    fields=[Field("comment"), Field("members", MEMBERS)],
    variants={None: Variant(optional="comment members")},
    read=read_ipsets,
    write=write_ipset,
    objections=_ipset_objections,
    words=WORDS,
)


# -- security groups


def read_groups(api: Any, identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    for row in api.get(GROUPS):
        if identity in (None, row["group"]):
            rules = api.get(f"{GROUPS}/{row['group']}")
            yield {**row, "rules": rules, "digest": rules[0]["digest"] if rules else row["digest"]}


def write_group(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    path = f"{GROUPS}/{change.key}"
    if change.action == "delete":
        apply(api, path, [])
        api.delete(path)
        return
    _head(api, GROUPS, "group", change, form)
    if "rules" in {*change.to_set, *change.to_unset}:
        apply(api, path, change.to_set.get("rules") or [])


def _check_group(item: Item) -> Iterable[str]:
    yield from check_rules(item.get("rules") or (), inside_group=True)


def _group_objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    yield from unused("group")(api, changes)
    for change in changes:
        yield from unknown(api, f"group '{change.key}'", change.to_set.get("rules") or ())

    def after(firewall: Firewall) -> Firewall:
        groups = dict(firewall.groups)
        for change in changes:
            if "rules" in {*change.to_set, *change.to_unset}:
                groups[change.key] = change.to_set.get("rules") or []
        return replace(firewall, groups=groups)

    if any(change.action == "update" for change in changes):
        yield from _firewall_watch.objections(api, after)


GROUP = Resource(
    name="security group",
    path=GROUPS,
    key=Field("group", pattern=rf"(?=.{{2,18}}$){LOWER}", meaning=f"{_LOWER} (18 characters at most)"),
    fields=[Field("comment"), Field("rules", RULES)],
    variants={None: Variant(optional="comment rules")},
    check=_check_group,
    read=read_groups,
    write=write_group,
    objections=_group_objections,
    words=WORDS,
)
