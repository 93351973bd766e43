"""/cluster/firewall and /nodes/{node}/firewall (PVE/API2/Firewall/*.pm of pve-firewall)."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .. import firewall, pvefiles
from ..errors import Failure, bad_parameters
from ..firewall import Config
from ..registry import ALL, Context, endpoint
from ..text import hash_order, number, split_list, truth

_ROOT = "/cluster/firewall"
_NODE = "/nodes/{node}/firewall"
_SEE = ["perm", "/", ["Sys.Audit"]]
_CHANGE = ["perm", "/", ["Sys.Modify"]]
_SEE_NODE = ["perm", "/nodes/{node}", ["Sys.Audit"]]
_CHANGE_NODE = ["perm", "/nodes/{node}", ["Sys.Modify"]]
_RULE = (
    "action comment dest:pve-fw-addr-spec digest dport:pve-fw-dport-spec enable:integer icmp-type:pve-fw-icmp-type-spec"
    " iface:pve-iface log macro pos:integer proto:pve-fw-protocol-spec source:pve-fw-addr-spec sport:pve-fw-sport-spec"
    " type"
)
_SETTINGS = {word.partition(":")[0] for word in _RULE.split()} - {"digest", "pos"}
_CLUSTER_OPTIONS = "ebtables:boolean enable:integer log_ratelimit policy_forward policy_in policy_out"
_NODE_OPTIONS = (
    "enable:boolean log_level_forward log_level_in log_level_out log_nf_conntrack:boolean ndp:boolean"
    " nf_conntrack_allow_invalid:boolean nf_conntrack_helpers nf_conntrack_max:integer"
    " nf_conntrack_tcp_timeout_established:integer nf_conntrack_tcp_timeout_syn_recv:integer nftables:boolean"
    " nosmurfs:boolean protection_synflood:boolean protection_synflood_burst:integer protection_synflood_rate:integer"
    " smurf_log_level tcp_flags_log_level tcpflags:boolean"
)
_UPDATE = " delete:pve-configid-list digest"


@contextlib.contextmanager
def _cluster() -> Iterator[Config]:
    with pvefiles.lock("domain-firewall-cluster"):
        config = firewall.read()
        yield config
        firewall.write(config)


@contextlib.contextmanager
def _host(node: str) -> Iterator[Config]:
    with pvefiles.lock(f"domain-firewall-host-{node}"):
        name = firewall.host_file(node)
        config = firewall.read(name, firewall.read())
        yield config
        firewall.write(config, name)


def _host_config(node: str) -> Config:
    return firewall.read(firewall.host_file(node), firewall.read())


@endpoint("GET", _ROOT, permission=ALL)
def parts(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name} for name in ("aliases", "rules", "options", "groups", "ipset", "macros", "refs")]


@endpoint("GET", _NODE, permission=ALL)
def node_parts(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name} for name in ("rules", "options", "log")]


@endpoint("GET", f"{_ROOT}/macros", permission=ALL)
def macros(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"macro": name, "descr": name} for name in hash_order(firewall.MACROS)]


@endpoint("GET", f"{_ROOT}/refs", permission=_SEE, params="type")
def refs(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    config, kind = firewall.read(), params.get("type")
    found: list[dict[str, Any]] = []
    if kind in (None, "ipset"):
        for name in hash_order(config.ipset):
            row = {"type": "ipset", "name": name, "ref": f"+{name}", "scope": "dc"}
            found.append({**row, **_kept({"comment": config.ipset_comments.get(name)})})
    if kind in (None, "alias"):
        for name in hash_order(config.aliases):
            row = {"type": "alias", "name": name, "ref": name, "scope": "dc"}
            found.append({**row, **_kept({"comment": config.aliases[name].get("comment")})})
    return found


def _kept(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


@endpoint(
    "GET",
    f"{_NODE}/log",
    permission=["perm", "/nodes/{node}", ["Sys.Syslog"]],
    params="node! start:integer limit:integer since:integer until:integer",
    proxyto="node",
)
def log(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    """No firewall runs here, so that there is nothing in it."""
    ctx.attributes["total"] = 1
    return [{"n": 1, "t": "no content"}]


# -- options


def _get_options(options: dict[str, Any]) -> dict[str, Any]:
    rows, digest = firewall.with_digest([options])
    return {**rows[0], "digest": digest}


def _set_options(options: dict[str, Any], params: dict[str, Any], known: str) -> None:
    names = [word.partition(":")[0] for word in known.split()]
    firewall.assert_unmodified(firewall.with_digest([options])[1], params.get("digest"))
    for name in split_list(params.get("delete")):
        if name not in names:
            raise bad_parameters({"delete": f"no such option '{name}'"})
        options.pop(name, None)
    for name in names:
        if params.get(name) is not None:
            options[name] = number(params[name]) if name in firewall.INTEGERS else params[name]


@endpoint("GET", f"{_ROOT}/options", permission=_SEE)
def cluster_options(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return _get_options(firewall.read().options)


@endpoint("PUT", f"{_ROOT}/options", permission=_CHANGE, params=_CLUSTER_OPTIONS + _UPDATE)
def set_cluster_options(ctx: Context, params: dict[str, Any]) -> None:
    """More than 1 switches it on for a minute."""
    given = dict(params)
    if int(given.get("enable") or 0) > 1:
        given["enable"] = int(time.time())
    with _cluster() as config:
        _set_options(config.options, given, _CLUSTER_OPTIONS)


@endpoint("GET", f"{_NODE}/options", permission=_SEE_NODE, params="node!", proxyto="node")
def node_options(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return _get_options(_host_config(ctx.node).options)


@endpoint("PUT", f"{_NODE}/options", permission=_CHANGE_NODE, params=f"node! {_NODE_OPTIONS}{_UPDATE}", proxyto="node")
def set_node_options(ctx: Context, params: dict[str, Any]) -> None:
    with _host(ctx.node) as config:
        _set_options(config.options, params, _NODE_OPTIONS)


# -- aliases


def _aliases(config: Config) -> tuple[list[dict[str, Any]], str]:
    return firewall.with_digest([config.aliases[name] for name in sorted(config.aliases)])


@endpoint("GET", f"{_ROOT}/aliases", permission=_SEE)
def aliases(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return _aliases(firewall.read())[0]


@endpoint("POST", f"{_ROOT}/aliases", permission=_CHANGE, params="name! cidr:IPorCIDR! comment")
def create_alias(ctx: Context, params: dict[str, Any]) -> None:
    with _cluster() as config:
        if params["name"].lower() in config.aliases:
            raise bad_parameters({"name": f"alias '{params['name']}' already exists"})
        config.aliases[params["name"].lower()] = _alias(params)


def _alias(params: dict[str, Any]) -> dict[str, Any]:
    return {"name": params["name"], "cidr": params["cidr"], **_kept({"comment": params.get("comment")})}


@endpoint("GET", f"{_ROOT}/aliases/{{name}}", permission=_SEE)
def alias(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    found = firewall.read().aliases.get(params["name"].lower())
    if found is None:
        raise bad_parameters({"name": "no such alias"})
    return found


@endpoint("PUT", f"{_ROOT}/aliases/{{name}}", permission=_CHANGE, params="name! rename cidr:IPorCIDR! comment digest")
def update_alias(ctx: Context, params: dict[str, Any]) -> None:
    with _cluster() as config:
        firewall.assert_unmodified(_aliases(config)[1], params.get("digest"))
        name = params["name"].lower()
        if name not in config.aliases:
            raise bad_parameters({"name": "no such alias"})
        config.aliases[name] = _alias(params)
        new = str(params.get("rename") or params["name"])
        if new.lower() != name:
            if new.lower() in config.aliases:
                raise bad_parameters({"name": f"alias '{new}' already exists"})
            config.aliases[new.lower()] = {**config.aliases.pop(name), "name": new}


@endpoint("DELETE", f"{_ROOT}/aliases/{{name}}", permission=_CHANGE, params="name! digest")
def remove_alias(ctx: Context, params: dict[str, Any]) -> None:
    """Also one that is not there, and one that rules use."""
    with _cluster() as config:
        firewall.assert_unmodified(_aliases(config)[1], params.get("digest"))
        config.aliases.pop(params["name"].lower(), None)


# -- IP sets and groups: both have names, comments and something in them


def _names(things: dict[str, Any], comments: dict[str, str], key: str) -> tuple[list[dict[str, Any]], str]:
    rows = [{key: name, **_kept({"comment": comments.get(name)})} for name in sorted(things)]
    return firewall.with_digest(rows)


def _make(config: Config, params: dict[str, Any], kind: str) -> None:
    key, what = ("name", "IPSet") if kind == "ipset" else ("group", "Security group")
    things: dict[str, Any] = config.ipset if kind == "ipset" else config.groups
    comments = config.ipset_comments if kind == "ipset" else config.group_comments
    name, old = params[key], params.get("rename")
    if old:
        firewall.assert_unmodified(_names(things, comments, key)[1], params.get("digest"))
        if old not in things:
            raise bad_parameters({key: f"{what} '{old}' does not exist"})
        if name in things and name != old:
            raise bad_parameters({key: f"{what} '{name}' does already exist"})
        things[name] = things.pop(old)
        if old in comments:
            comments[name] = comments.pop(old)
        if kind == "group" and name != old:
            _rename_group(config, old, name)
    elif name in things:
        raise bad_parameters({key: f"{what} '{name}' already exists"})
    else:
        things[name] = []
    if params.get("comment") is not None:
        comments[name] = params["comment"]


def _rename_group(config: Config, old: str, new: str) -> None:
    for rule in config.rules:
        if rule["type"] == "group" and rule["action"] == old:
            rule["action"] = new


@endpoint("GET", f"{_ROOT}/ipset", permission=_SEE)
def ipsets(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    config = firewall.read()
    return _names(config.ipset, config.ipset_comments, "name")[0]


@endpoint("POST", f"{_ROOT}/ipset", permission=_CHANGE, params="name! comment rename digest")
def create_ipset(ctx: Context, params: dict[str, Any]) -> None:
    with _cluster() as config:
        _make(config, params, "ipset")


def _set(config: Config, name: str) -> list[dict[str, Any]]:
    if name not in config.ipset:
        raise Failure(f"no such IPSet '{name}'")
    return config.ipset[name]


@endpoint("GET", f"{_ROOT}/ipset/{{name}}", permission=_SEE)
def ipset(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    return firewall.with_digest(_set(firewall.read(), params["name"]))[0]


@endpoint("DELETE", f"{_ROOT}/ipset/{{name}}", permission=_CHANGE, params="name! force:boolean")
def remove_ipset(ctx: Context, params: dict[str, Any]) -> None:
    with _cluster() as config:
        if _set(config, params["name"]) and not truth(params.get("force")):
            raise Failure(f"IPSet '{params['name']}' is not empty")
        config.ipset.pop(params["name"])
        config.ipset_comments.pop(params["name"], None)


@endpoint(
    "POST",
    f"{_ROOT}/ipset/{{name}}",
    permission=_CHANGE,
    params="name! cidr:IPorCIDRorAlias! nomatch:boolean comment",
)
def add_member(ctx: Context, params: dict[str, Any]) -> None:
    with _cluster() as config:
        members, cidr = _set(config, params["name"]), params["cidr"]
        if match := re.fullmatch(rf"(?:dc/|guest/)?({firewall.NAME})", cidr):
            if match[1].lower() not in config.aliases:
                raise Failure(f"no such alias '{match[1]}'")
        else:
            cidr = firewall.clean(cidr)
        if cidr in [one["cidr"] for one in members]:
            raise bad_parameters({"cidr": f"address '{cidr}' already exists"})
        if re.search(r"/0+$", cidr):
            raise bad_parameters({"cidr": "a zero prefix is not allowed in ipset entries"})
        nomatch = {"nomatch": 1} if truth(params.get("nomatch")) else {}
        members.insert(0, {"cidr": cidr, **nomatch, **_kept({"comment": params.get("comment")})})


@endpoint("GET", f"{_ROOT}/ipset/{{name}}/{{cidr}}", permission=_SEE)
def member(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    for row in firewall.with_digest(_set(firewall.read(), params["name"]))[0]:
        if row["cidr"] == params["cidr"]:
            return row
    raise bad_parameters({"cidr": "no such IP/Network"})


@endpoint(
    "PUT",
    f"{_ROOT}/ipset/{{name}}/{{cidr}}",
    permission=_CHANGE,
    params="name! cidr! nomatch:boolean comment digest",
)
def update_member(ctx: Context, params: dict[str, Any]) -> None:
    """What is not given is taken away."""
    with _cluster() as config:
        members = _set(config, params["name"])
        firewall.assert_unmodified(firewall.with_digest(members)[1], params.get("digest"))
        for one in members:
            if one["cidr"] == params["cidr"]:
                nomatch = {"nomatch": 1} if truth(params.get("nomatch")) else {}
                comment = _kept({"comment": params.get("comment")})
                members[members.index(one)] = {"cidr": one["cidr"], **nomatch, **comment}
                return
        raise bad_parameters({"cidr": "no such IP/Network"})


@endpoint("DELETE", f"{_ROOT}/ipset/{{name}}/{{cidr}}", permission=_CHANGE, params="name! cidr! digest")
def remove_member(ctx: Context, params: dict[str, Any]) -> None:
    with _cluster() as config:
        members = _set(config, params["name"])
        firewall.assert_unmodified(firewall.with_digest(members)[1], params.get("digest"))
        config.ipset[params["name"]] = [one for one in members if one["cidr"] != params["cidr"]]


@endpoint("GET", f"{_ROOT}/groups", permission=ALL)
def groups(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    config = firewall.read()
    return _names(config.groups, config.group_comments, "group")[0]


@endpoint("POST", f"{_ROOT}/groups", permission=_CHANGE, params="group! comment rename digest")
def create_group(ctx: Context, params: dict[str, Any]) -> None:
    with _cluster() as config:
        _make(config, params, "group")


def _group(config: Config, name: str) -> list[dict[str, Any]]:
    if name not in config.groups:
        raise Failure(f"no such security group '{name}'")
    return config.groups[name]


@endpoint("DELETE", f"{_ROOT}/groups/{{group}}", permission=_CHANGE, params="group!")
def remove_group(ctx: Context, params: dict[str, Any]) -> None:
    with _cluster() as config:
        if _group(config, params["group"]):
            raise Failure(f"Security group '{params['group']}' is not empty")
        config.groups.pop(params["group"])
        config.group_comments.pop(params["group"], None)


# -- rules


@dataclass(frozen=True)
class _Rules:
    """The five calls of one list of rules."""

    path: str
    env: str
    words: str
    see: Any
    change: Any
    read: Callable[[Context, dict[str, Any]], list[dict[str, Any]]]
    edit: Callable[[Context, dict[str, Any]], contextlib.AbstractContextManager[Any]]

    def declare(self) -> None:
        proxyto = "node" if self.env == "host" else None
        one = f"{self.path}/{{pos}}"
        add = f"{self.words} {_RULE.replace('action ', 'action! ')}!"
        change = f"{self.words} {_RULE} moveto:integer delete:pve-configid-list"
        at = f"{self.words} pos:integer"
        read = {"permission": self.see, "proxyto": proxyto}
        write = {"permission": self.change, "proxyto": proxyto}
        endpoint("GET", self.path, params=self.words, **read)(self.index)
        endpoint("POST", self.path, params=add, **write)(self.create)
        endpoint("GET", one, params=at, **read)(self.get)
        endpoint("PUT", one, params=change, **write)(self.update)
        endpoint("DELETE", one, params=f"{at} digest", **write)(self.remove)

    def index(self, ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
        rows = firewall.with_digest(self.read(ctx, params))[0]
        return [{**row, "pos": index} for index, row in enumerate(rows)]

    def get(self, ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        rows = self.index(ctx, params)
        return rows[_position(rows, params)]

    def create(self, ctx: Context, params: dict[str, Any]) -> None:
        """Before all others, whatever `pos` says; switched off unless told otherwise."""
        with self.edit(ctx, params) as rules:
            rule = firewall.verify(_copied({}, params), firewall.read(), self.env)
            rule.setdefault("enable", 0)
            rules.insert(0, rule)

    def update(self, ctx: Context, params: dict[str, Any]) -> None:
        with self.edit(ctx, params) as rules:
            firewall.assert_unmodified(firewall.with_digest(rules)[1], params.get("digest"))
            position = _position(rules, params)
            if params.get("moveto") is not None and int(params["moveto"]) != position:
                to = int(params["moveto"])
                rules.insert(to, rules[position])
                rules.pop(position + (to < position))
                return
            rule = _copied(rules[position], params)
            for name in split_list(params.get("delete")):
                if name not in _SETTINGS:
                    raise bad_parameters({"delete": f"no such property ('{name}')"})
                if name in ("type", "action"):
                    raise bad_parameters({"delete": f"unable to delete required property '{name}'"})
                rule.pop(name, None)
            rules[position] = firewall.verify(rule, firewall.read(), self.env)

    def remove(self, ctx: Context, params: dict[str, Any]) -> None:
        with self.edit(ctx, params) as rules:
            firewall.assert_unmodified(firewall.with_digest(rules)[1], params.get("digest"))
            rules.pop(_position(rules, params))


def _position(rules: list[Any], params: dict[str, Any]) -> int:
    position = int(params["pos"])
    if position >= len(rules):
        raise Failure(f"no rule at position {position}")
    return position


def _copied(rule: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    copy = {name: value for name, value in rule.items() if name not in ("errors", "ipversion")}
    for name in _SETTINGS:
        value = params.get(name)
        if value is None:
            continue
        if value in ("", "-"):
            copy.pop(name, None)
        else:
            copy[name] = int(number(value)) if name == "enable" else value
    return copy


def _edit(
    whole: Callable[[Context], contextlib.AbstractContextManager[Config]],
    rules: Callable[[Config, dict[str, Any]], list[dict[str, Any]]],
) -> Any:
    """The rules in a file, to be changed under its lock."""

    @contextlib.contextmanager
    def edit(ctx: Context, params: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
        with contextlib.ExitStack() as stack:
            yield rules(stack.enter_context(whole(ctx)), params)

    return edit


_edit_cluster = _edit(lambda _ctx: _cluster(), lambda config, _params: config.rules)
_edit_group = _edit(lambda _ctx: _cluster(), lambda config, params: _group(config, params["group"]))
_edit_host = _edit(lambda ctx: _host(ctx.node), lambda config, _params: config.rules)


for _table in (
    _Rules(f"{_ROOT}/rules", "cluster", "", _SEE, _CHANGE, lambda ctx, params: firewall.read().rules, _edit_cluster),
    _Rules(
        f"{_ROOT}/groups/{{group}}",
        "group",
        "group!",
        _SEE,
        _CHANGE,
        lambda ctx, params: _group(firewall.read(), params["group"]),
        _edit_group,
    ),
    _Rules(
        f"{_NODE}/rules",
        "host",
        "node!",
        _SEE_NODE,
        _CHANGE_NODE,
        lambda ctx, params: _host_config(ctx.node).rules,
        _edit_host,
    ),
):
    _table.declare()
