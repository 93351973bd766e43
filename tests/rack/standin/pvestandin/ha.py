"""HA's files below /etc/pve/ha, and what may stand in them (PVE/HA/{Config,Resources,Groups,Rules}.pm)."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from . import daemon, paths, pvefiles
from .errors import Failure, not_implemented
from .section import OPTIONAL, REQUIRED, SectionConfig, Sections
from .text import digest, encode_text, split_list, truth

RESOURCES, GROUPS, RULES, STATUS = (
    f"ha/{name}" for name in ("resources.cfg", "groups.cfg", "rules.cfg", "manager_status")
)
TYPES = {"qemu": "vm", "lxc": "ct"}
_TEXT = {"type": "string", "optional": 1, "maxLength": 4096}
_FLAG = {"type": "boolean", "optional": 1}
_COUNT = {"type": "integer", "optional": 1, "minimum": 0}
_PROPERTIES = {
    **dict.fromkeys(("comment", "state", "group", "nodes", "resources", "affinity"), _TEXT),
    **dict.fromkeys(("failback", "auto-rebalance", "restricted", "nofailback", "strict", "disable"), _FLAG),
    **dict.fromkeys(("max_restart", "max_relocate"), _COUNT),
}


class Guests(SectionConfig):
    """Sections are known by type and number together: `vm: 100` is vm:100."""

    def parse(self, raw: str, filename: str = "") -> Sections:
        parsed = super().parse(re.sub(r"^(vm|ct):[ \t]*(\S+)", r"\1: \1:\2", raw, flags=re.MULTILINE), filename)
        parsed.digest = digest(raw)
        return parsed

    def write(self, sections: Sections) -> str:
        return re.sub(r"^(vm|ct): \1:", r"\1: ", super().write(sections), flags=re.MULTILINE)


def _resources() -> SectionConfig:
    words = ["state", "group", "comment", "max_restart", "max_relocate"]
    if paths.release()[0] >= 9:
        words += ["failback", "auto-rebalance"]
    return Guests(dict.fromkeys(("vm", "ct"), dict.fromkeys(words, OPTIONAL)), _PROPERTIES)


def _encode(_kind: str, key: str, value: Any) -> Any:
    if key == "comment":
        return encode_text(str(value))
    if key == "resources":
        return ",".join(sorted(set(split_list(str(value)))))
    if key == "nodes":
        return ",".join(sorted({word.removesuffix(":0") for word in split_list(str(value))}))
    return value


def _decode(_kind: str, key: str, value: Any) -> Any:
    if key != "comment":
        return value
    # what a caller gives is taken for octets as well, as in the file
    try:
        return unquote(str(value), encoding="latin-1").encode("latin-1").decode(errors="replace")
    except UnicodeEncodeError as error:
        raise Failure("Wide character at /usr/share/perl5/PVE/ParseUtils.pm line 67.") from error


_GROUP = {"group": {"nodes": REQUIRED, **dict.fromkeys(("comment", "nofailback", "restricted"), OPTIONAL)}}
_RULE = {
    "node-affinity": {
        **dict.fromkeys(("resources", "nodes"), REQUIRED),
        **dict.fromkeys(("strict", "disable", "comment"), OPTIONAL),
    },
    "resource-affinity": {
        **dict.fromkeys(("resources", "affinity"), REQUIRED),
        **dict.fromkeys(("disable", "comment"), OPTIONAL),
    },
}


def table(name: str) -> SectionConfig:
    if name == RESOURCES:
        return _resources()
    if name == GROUPS:
        return SectionConfig(_GROUP, _PROPERTIES)
    return SectionConfig(_RULE, _PROPERTIES, decode=_decode, encode=_encode)


def read(name: str) -> Sections:
    return table(name).parse(pvefiles.read(name), name)


def write(name: str, sections: Sections) -> None:
    paths.pve("ha").mkdir(exist_ok=True)
    pvefiles.write(name, table(name).write(sections))


def lock(what: str) -> Any:
    return pvefiles.lock("domain-ha", what)


def migrated() -> bool:
    """Whether there is no group any more (have_groups_been_migrated); before 9.0 nothing is ever migrated."""
    return paths.release()[0] >= 9 and not read(GROUPS).ids


def only_from_9(method: str, path: str) -> None:
    if paths.release()[0] < 9:
        raise not_implemented(method, path)


def sid(text: str) -> tuple[str, str, str]:
    """Identifier, type, name; a number alone is looked up among the guests."""
    if re.fullmatch(r"\d+", text):
        known = pvefiles.guests().get(text)
        if known is None:
            raise Failure(f"unable to detect SID from VMID - VM/CT {text} does not exist")
        kind = TYPES[known["type"]]
        return f"{kind}:{text}", kind, text
    kind, colon, name = text.partition(":")
    if not (colon and kind and name):
        raise Failure(f"unable to parse service id '{text}'")
    return text, kind, name


def manager_status() -> dict[str, Any]:
    """What the manager has written. It writes when there is something to manage; here, when it is asked for."""
    text = pvefiles.read(STATUS)
    status: dict[str, Any] = json.loads(text) if text.strip() else {}
    runs = daemon.running(paths.at("/run/pve-ha-crm.pid")) is not None
    if runs and pvefiles.quorate() and read(RESOURCES).ids:
        nodes = pvefiles.members().get("nodelist") or {paths.node_name(): {"online": 1}}
        online = sorted(name for name, entry in nodes.items() if entry.get("online"))
        status = {
            "master_node": status.get("master_node") or online[0],
            "node_status": {name: "online" if name in online else "unknown" for name in sorted(nodes)},
            "service_status": _services(),
            "timestamp": int(time.time()),
        }
        pvefiles.write(STATUS, json.dumps(status))
    return status


def _services() -> dict[str, Any]:
    known = pvefiles.guests()
    return {
        name: {"node": known[name.partition(":")[2]]["node"], "state": section.get("state", "started")}
        for name, section in read(RESOURCES).ids.items()
        if name.partition(":")[2] in known and section.get("state") != "ignored"
    }


@dataclass(frozen=True)
class Rule:
    resources: frozenset[str]
    nodes: dict[str, int]
    affinity: str


def rules(sections: Sections) -> dict[str, Rule]:
    """The enabled rules, with those that the groups will become (migrate_groups_to_rules)."""
    found = {}
    for name, section in {**sections.ids, **of_groups()}.items():
        if truth(section.get("disable")):
            continue
        nodes = {}
        for word in split_list(str(section.get("nodes") or "")):
            node, _colon, priority = word.partition(":")
            nodes[node] = int(priority or 0)
        found[name] = Rule(frozenset(split_list(section["resources"])), nodes, str(section.get("affinity") or ""))
    return found


def of_groups() -> dict[str, dict[str, Any]]:
    """The rules that groups with resources will be."""
    groups, found = read(GROUPS).ids, {}
    for name, group in groups.items():
        users = sorted(one for one, section in read(RESOURCES).ids.items() if section.get("group") == name)
        if users:
            found[f"ha-group-{name}"] = {
                "type": "node-affinity",
                "resources": ",".join(users),
                "nodes": group["nodes"],
                "strict": group.get("restricted"),
                "comment": group.get("comment") or f"Generated from HA group '{name}'.",
            }
    return found


def problems(sections: Sections) -> dict[str, list[str]]:
    """What the checks say, by rule (check_feasibility of PVE/HA/Rules.pm and its plugins)."""
    known = rules(sections)
    located = {name: one for name, one in known.items() if not one.affinity}
    positive = {name: one for name, one in known.items() if one.affinity == "positive"}
    negative = {name: one for name, one in known.items() if one.affinity == "negative"}
    found: dict[str, list[str]] = {}

    def say(text: str, *names: str) -> None:
        for name in names:
            found.setdefault(name, []).append(text)

    for name, one in located.items():
        for resource in sorted(one.resources):
            if sum(resource in other.resources for other in located.values()) > 1:
                say(f"resource '{resource}' is already used in another node affinity rule", name)
    for name, one in {**positive, **negative}.items():
        if len(one.resources) < 2:
            say("rule is ineffective as there are less than two resources", name)
    nodes = manager_status().get("node_status") or {}
    for name, one in negative.items():
        if len(one.resources) > len(nodes):
            say("rule defines more resources than available nodes", name)
    sets = _disjoint(positive)
    for names, resources in sets:
        for name, one in negative.items():
            if len(resources & one.resources) >= 2:
                say("rule shares two or more resources with a negative resource affinity rule", *names)
                say("rule shares two or more resources with a positive resource affinity rule", name)
    _between(located, {**positive, **negative}, sets, negative, say)
    return found


def _between(located: Any, affine: Any, sets: Any, negative: Any, say: Any) -> None:
    for name, one in affine.items():
        meeting = [key for key, other in located.items() if one.resources & other.resources]
        if any(len(set(located[key].nodes.values())) > 1 for key in meeting):
            text = "resources are in a resource affinity rule and cannot be in a node affinity rule with multiple priorities"
            say("resources are in node affinity rules with multiple priorities", name)
            say(text, *meeting)
    for names, resources in sets:
        meeting = [key for key, other in located.items() if resources & other.resources]
        if len(meeting) > 1:
            text = (
                "at least one resource is in a positive resource affinity rule and there are other resources in at least"
                " one other node affinity rule already"
            )
            say("resources are in multiple node affinity rules", *names)
            say(text, *meeting)
    for name, one in negative.items():
        meeting = [key for key, other in located.items() if one.resources & other.resources]
        placed = {resource for key in meeting for resource in one.resources & located[key].resources}
        allowed = {node for key in meeting for node in located[key].nodes}
        if len(allowed) < len(placed):
            text = (
                "at least one resource is in a negative resource affinity rule and this rule would restrict these to less"
                " nodes than available to the resources"
            )
            say("two or more resources are restricted to less nodes than available to the resources", name)
            say(text, *meeting)


def _disjoint(positive: dict[str, Rule]) -> list[tuple[list[str], set[str]]]:
    found: list[tuple[list[str], set[str]]] = []
    for name in sorted(positive, key=lambda key: min(positive[key].resources)):
        one = positive[name]
        entry = next((entry for entry in found if entry[1] & one.resources), None)
        if entry is None:
            found.append(([name], set(one.resources)))
        else:
            entry[0].append(name)
            entry[1].update(one.resources)
    return found
