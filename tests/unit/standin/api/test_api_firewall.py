"""The firewall as Proxmox's handlers leave it: positions, names, sentences, files."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pvestandin import dispatch, registry
from pvestandin.dispatch import Answer, Call

RULES = "/cluster/firewall/rules"


@pytest.fixture(autouse=True)
def world(node: Any) -> Any:
    registry.load()
    return node


def call(method: str, where: str, /, **params: Any) -> Answer:
    return dispatch.answer(Call(method, where, params, "root@pam"))


def good(method: str, where: str, /, **params: Any) -> Any:
    answer = call(method, where, **params)
    assert answer.status == 200, answer
    return answer.data


def option(**params: Any) -> None:
    good("PUT", "/cluster/firewall/options", **params)


def order(path: str = RULES) -> str:
    return " ".join(row["comment"] for row in good("GET", path))


def add(*names: str, path: str = RULES, **more: Any) -> None:
    for name in reversed(names):
        good("POST", path, **{"type": "in", "action": "ACCEPT", "comment": name, "enable": 1, **more})


def test_a_new_rule_is_the_first_and_off() -> None:
    add("a", "b")
    good("POST", RULES, type="in", action="DROP", comment="c", pos=2)
    assert order() == "c a b"
    assert [row["enable"] for row in good("GET", RULES)] == [0, 1, 1]
    assert [row["pos"] for row in good("GET", RULES)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("position", "to", "after"),
    [(0, 2, "b a c d"), (3, 0, "d a b c"), (0, 4, "b c d a"), (0, 9, "b c d a"), (1, 1, "a b c d"), (1, 2, "a b c d")],
)
def test_moving(position: int, to: int, after: str) -> None:
    add("a", "b", "c", "d")
    good("PUT", f"{RULES}/{position}", moveto=to)
    assert order() == after


def test_digest_and_positions_that_are_not_there() -> None:
    add("a")
    old = good("GET", RULES)[0]["digest"]
    good("PUT", f"{RULES}/0", dport="80", proto="tcp", digest=old)
    for method in ("PUT", "DELETE"):
        answer = call(method, f"{RULES}/0", digest=old)
        assert (answer.status, answer.message) == (
            500,
            "detected modified configuration - file changed by other user? Try again.",
        )
        assert call(method, f"{RULES}/1").message == "no rule at position 1"
    good("PUT", f"{RULES}/0", delete="dport,comment")
    (rule,) = good("GET", RULES)
    assert {key: rule[key] for key in rule if key not in ("digest", "pos")} == {
        "type": "in",
        "action": "ACCEPT",
        "proto": "tcp",
        "enable": 1,
    }
    assert call("PUT", f"{RULES}/0", delete="type").errors == {"delete": "unable to delete required property 'type'"}


WRONG = [
    ({"dport": "80"}, "proto", "missing property - 'dport' requires this property"),
    ({"proto": "icmp", "sport": "80"}, "sport", "protocol 'icmp' does not support ports"),
    ({"source": "+no"}, "source", "no such ipset 'no'"),
    ({"dest": "nosuch"}, "dest", "no such alias 'nosuch'"),
    ({"macro": "no"}, "macro", "unknown macro 'no'"),
    ({"macro": "ssh", "proto": "udp"}, "proto", "parameter 'proto' already define in macro (value = 'tcp')"),
    ({"type": "forward", "action": "REJECT"}, "action", "cannot define REJECT rules on forward chain"),
    ({"action": "web"}, "action", "unknown action 'web'"),
    ({"source": "10.0.0.1", "dest": "fd00::1"}, "dest", "detected mixed ipv4/ipv6 addresses in rule"),
]


@pytest.mark.parametrize(("params", "name", "sentence"), WRONG)
def test_refused(params: Any, name: str, sentence: str) -> None:
    answer = call("POST", RULES, **{"type": "in", "action": "ACCEPT", **params})
    assert (answer.status, answer.errors) == (400, {name: sentence})
    assert good("GET", RULES) == []


def test_a_group_that_is_not_there_is_taken() -> None:
    add("x", type="group", action="nosuch")
    assert good("GET", RULES)[0]["action"] == "nosuch"


def test_names_in_upper_case_are_found_no_more() -> None:
    good("POST", "/cluster/firewall/groups", group="Web")
    assert [row["group"] for row in good("GET", "/cluster/firewall/groups")] == ["web"]
    assert call("GET", "/cluster/firewall/groups/Web").message == "no such security group 'Web'"


def test_groups() -> None:
    group = "/cluster/firewall/groups/web"
    good("POST", "/cluster/firewall/groups", group="web", comment="one")
    add("a", "b", path=group)
    assert call("DELETE", group).message == "Security group 'web' is not empty"
    assert call("POST", group, type="group", action="web").errors == {
        "type": "invalid rule type 'group' for rule_env 'group'"
    }
    good("POST", "/cluster/firewall/groups", group="web", rename="web", comment="two")
    add("use", type="group", action="web")
    good("POST", "/cluster/firewall/groups", group="net", rename="web")
    assert good("GET", RULES)[0]["action"] == "net"
    (row,) = good("GET", "/cluster/firewall/groups")
    assert (row["group"], row["comment"]) == ("net", "two")
    good("DELETE", f"{group.replace('web', 'net')}/1")
    good("DELETE", f"{group.replace('web', 'net')}/0")
    good("DELETE", group.replace("web", "net"))


def test_sets_and_aliases(world: Any) -> None:
    good("POST", "/cluster/firewall/aliases", name="Lan", cidr="10.0.0.1/32", comment="c")
    assert call("POST", "/cluster/firewall/aliases", name="LAN", cidr="10.0.0.1").errors == {
        "name": "alias 'LAN' already exists"
    }
    path = "/cluster/firewall/ipset/some"
    good("POST", "/cluster/firewall/ipset", name="some")
    good("POST", path, cidr="10.0.0.9/24")
    good("POST", path, cidr="lan", nomatch=1, comment="x")
    assert call("POST", path, cidr="10.0.0.0/24").errors == {"cidr": "address '10.0.0.0/24' already exists"}
    assert call("POST", path, cidr="0.0.0.0/0").errors == {"cidr": "a zero prefix is not allowed in ipset entries"}
    assert call("POST", path, cidr="nosuch").message == "no such alias 'nosuch'"
    assert good("GET", f"{path}/10.0.0.0/24")["cidr"] == "10.0.0.0/24"
    good("PUT", f"{path}/lan", comment="y")
    assert (world.pve / "firewall/cluster.fw").read_text() == (
        "[ALIASES]\n\nLan 10.0.0.1 # c\n\n[IPSET some]\n\n10.0.0.0/24\nlan # y\n\n"
    )
    assert [row["cidr"] for row in good("GET", "/cluster/firewall/aliases")] == ["10.0.0.1"]
    assert {row["ref"] for row in good("GET", "/cluster/firewall/refs")} == {"+some", "lan"}
    assert call("DELETE", path).message == "IPSet 'some' is not empty"
    good("DELETE", path, force=1)
    good("PUT", "/cluster/firewall/aliases/LAN", name="LAN", cidr="10.0.0.2")
    (alias,) = good("GET", "/cluster/firewall/aliases")
    assert (alias["name"], alias["cidr"], alias.get("comment")) == ("LAN", "10.0.0.2", None)
    good("DELETE", "/cluster/firewall/aliases/lan")
    assert not (world.pve / "firewall/cluster.fw").exists()


def test_switched_on_for_a_minute(world: Any) -> None:
    option(enable=2, policy_in="DROP")
    found = good("GET", "/cluster/firewall/options")["enable"]
    assert 0 <= time.time() - found < 60
    world.write("firewall/cluster.fw", f"[OPTIONS]\n\nenable: {int(time.time()) - 61}\n")
    assert good("GET", "/cluster/firewall/options")["enable"] == 0
    option(enable=1)
    option(delete="enable")
    assert "enable" not in good("GET", "/cluster/firewall/options")


def test_the_node_has_its_own(world: Any) -> None:
    good("PUT", "/nodes/pve1/firewall/options", enable=0, nf_conntrack_max=65536)
    add("n", path="/nodes/pve1/firewall/rules", iface="vmbr0")
    text = (world.pve / "nodes/pve1/host.fw").read_text()
    assert text.endswith("[RULES]\n\nIN ACCEPT -i vmbr0 # n\n\n")
    assert "nf_conntrack_max: 65536\n" in text
    assert good("GET", "/nodes/pve1/firewall/log")
    assert good("GET", RULES) == []
