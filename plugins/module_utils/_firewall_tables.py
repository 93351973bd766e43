# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Rules and options of the firewall, of the cluster and of a node: PVE/API2/Firewall/{Rules,Cluster,Host}.pm.

The options are those of Proxmox VE 8.4 and 9.2 alike. A number above 1 as C(enable) of the cluster is the time at which
the firewall was switched on for 60 s; Proxmox takes that for off when the time is over (parse_clusterfw_option in
PVE/Firewall.pm). That is what C(trial) is made of.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _firewall_names, _firewall_watch
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError, ConnectionLost
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_reach import Firewall
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_rules import (
    ACTIONS,
    GIVEN_RULES,
    LOG_LEVELS,
    check_rules,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_steps import combine
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_watch import CLUSTER, WORDS, rules_of
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import (
    BOOL,
    INT,
    SET,
    STR,
    properties,
    read_bool,
)

OPTIONS = f"{CLUSTER}/options"
NODE = "/nodes/{node}/firewall"


# -- rules


def _check(item: Item) -> Iterable[str]:
    yield from check_rules(item.get("rules") or ())


def _rules(name: str, path: str, change: Callable[[Any, Firewall, Sequence[Any]], Firewall]) -> Resource:
    """The rules of the cluster, or of the node that is asked: one list, in which the order counts."""

    def read(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
        rows = api.get(path)
        yield {"name": "rules", "rules": rules_of(rows), "digest": rows[0]["digest"] if rows else ""}

    def goal(change: Any) -> list[Any]:
        return change.to_set.get("rules") or []

    def write(api: Any, change: Any, _form: Mapping[str, Any]) -> None:
        _firewall_names.apply(api, path, goal(change))

    def objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
        for one in changes:
            yield from _firewall_names.unknown(api, name, goal(one))
            yield from _firewall_watch.objections(api, lambda now, one=one: change(api, now, goal(one)))

    return Resource(
        name=name,
        path=path,
        single="rules",
        listed="rules",
        key=Field("name"),
        fields=[Field("rules", GIVEN_RULES)],
        variants={None: Variant(optional="rules")},
        check=_check,
        combine=combine,
        read=read,
        write=write,
        objections=objections,
        words=WORDS,
    )


CLUSTER_RULES = _rules(
    "rules of the cluster", f"{CLUSTER}/rules", lambda _api, firewall, rules: replace(firewall, rules=rules)
)
NODE_RULES = _rules(
    "rules of the node",
    f"{NODE}/rules",
    lambda api, firewall, rules: _firewall_watch.with_node(firewall, api.client.node, rules=rules),
)


# -- options

_LIMIT = properties("log limit", {"enable": read_bool, "rate": STR.read, "burst": INT.read}, short="enable")
_FIELDS = [
    Field("ebtables", BOOL, default=True),
    Field("enable", BOOL, default=False),
    Field("log_ratelimit", _LIMIT),
    Field("policy_forward", default="ACCEPT", choices=["ACCEPT", "DROP"]),
    Field("policy_in", default="DROP", choices=ACTIONS),
    Field("policy_out", default="ACCEPT", choices=ACTIONS),
    Field("trial", BOOL, default=False),
]


def read_options(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    row = dict(api.get(OPTIONS))
    enable = int(row.get("enable") or 0)
    if "enable" in row:
        row["enable"] = int(enable > 0)
    yield {**row, "name": "options", **({"trial": 1} if enable > 1 else {})}


def _prepare(values: Item, present: Item | None) -> Item:
    """On trial it is only where it was off; and what is on for good was confirmed."""
    there = present or {}
    if there.get("trial") and values.get("enable") and "trial" not in values:
        return {**values, "trial": None}
    if values.get("trial") and (not values.get("enable") or (there.get("enable") and not there.get("trial"))):
        return {**values, "trial": None}
    return values


def write_options(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    sent = {name: value for name, value in form.items() if name not in ("enable", "trial")}
    gone = [name for name in change.to_unset if name != "trial"]
    touched = {"enable", "trial"} & {*form, *change.to_unset}
    wanted = {**(change.present.values if change.present else {}), **change.goal.values}
    if touched and "enable" not in gone:
        trial = form.get("trial") == "1"
        sent["enable"] = ("2" if trial else "1") if wanted.get("enable") else "0"
    away = {"delete": sorted(gone)} if gone else {}
    api.put(OPTIONS, **sent, **away, digest=change.present.raw.get("digest") if change.present else None)


def _option_objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    for one in changes:
        if not {"enable", "policy_in"} & {*one.to_set, *one.to_unset}:
            continue
        there = one.present.values if one.present else {}
        rest = {name: value for name, value in there.items() if name not in one.to_unset}
        values = {**rest, **one.to_set}
        on, policy = bool(values.get("enable")), str(values.get("policy_in") or "DROP")
        if on and one.to_set.get("trial"):
            # the node may stop using it before this is done
            yield from ((sentence, False) for sentence in _without_trials(api))
        yield from _firewall_watch.objections(
            api, lambda now, on=on, policy=policy: replace(now, on=on, policy=policy), opening=True
        )


def _without_trials(api: Any) -> Iterable[str]:
    """proxmox-ve-config/src/firewall/cluster.rs: proxmox-firewall takes no time for C(enable), only 0 and 1."""
    for row in api.get("/cluster/status"):
        if row.get("type") == "node" and row.get("online", 1):
            name = row["name"]
            with contextlib.suppress(ApiError, ConnectionLost):
                if int(api.get(f"/nodes/{name}/firewall/options").get("nftables") or 0):
                    yield (
                        f"{name}: expected iptables for a trial, found nftables: true, whose service cannot be switched on for"
                        " a time. Say trial: false (in pve_firewall_options), with a way to the console"
                    )


OPTIONS_TABLE = Resource(
    name="firewall options",
    path=OPTIONS,
    single="options",
    key=Field("name"),
    fields=_FIELDS,
    variants={None: Variant(optional=" ".join(one.name for one in _FIELDS))},
    prepare=_prepare,
    read=read_options,
    write=write_options,
    objections=_option_objections,
    words=WORDS,
)

_HELPERS = ("amanda", "ftp", "irc", "netbios-ns", "pptp", "sane", "sip", "snmp", "tftp")
_NODE_FIELDS = [
    Field("enable", BOOL, default=True),
    *(Field(f"log_level_{name}", default="nolog", choices=LOG_LEVELS) for name in ("forward", "in", "out")),
    Field("log_nf_conntrack", BOOL, default=False),
    Field("ndp", BOOL, default=True),
    Field("nf_conntrack_allow_invalid", BOOL, default=False),
    Field("nf_conntrack_helpers", SET, choices=_HELPERS),
    Field("nf_conntrack_max", INT, default=262144, limits=(32768, 2**31)),
    Field("nf_conntrack_tcp_timeout_established", INT, default=432000, limits=(7875, 2**31)),
    Field("nf_conntrack_tcp_timeout_syn_recv", INT, default=60, limits=(30, 60)),
    Field("nftables", BOOL, default=False),
    Field("nosmurfs", BOOL, default=True),
    Field("protection_synflood", BOOL, default=False),
    Field("protection_synflood_burst", INT, default=1000),
    Field("protection_synflood_rate", INT, default=200),
    Field("smurf_log_level", default="nolog", choices=LOG_LEVELS),
    Field("tcp_flags_log_level", default="nolog", choices=LOG_LEVELS),
    Field("tcpflags", BOOL, default=False),
]


def _node_objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    """Only whether the node takes part at all decides who gets in."""
    for one in changes:
        if "enable" in {*one.to_set, *one.to_unset} and one.to_set.get("enable", True):
            yield from _firewall_watch.objections(
                api, lambda now: _firewall_watch.with_node(now, api.client.node, on=True)
            )


NODE_OPTIONS_TABLE = Resource(
    name="firewall options of the node",
    path=f"{NODE}/options",
    single="options",
    key=Field("name"),
    fields=_NODE_FIELDS,
    variants={None: Variant(optional=" ".join(one.name for one in _NODE_FIELDS))},
    objections=_node_objections,
    words=WORDS,
)
