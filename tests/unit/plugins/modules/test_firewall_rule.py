# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of the firewall, of the cluster and of a node, against the stand-in's API of both releases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _firewall_watch
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_tables import CLUSTER_RULES, NODE_RULES
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_api import StandIn

NAMES = (
    "[ALIASES]\n\nceph 10.10.20.0/24\n\n[IPSET admins]\n\n192.0.2.5\n\n[group web]\n\nIN ACCEPT -p tcp -dport 80\n\n"
)
TABLES = {
    "cluster": (CLUSTER_RULES, "/cluster/firewall/rules", "firewall/cluster.fw"),
    "node": (NODE_RULES, "/nodes/pve1/firewall/rules", "nodes/pve1/host.fw"),
}
EVERY = [(name, release) for name in TABLES for release in ("8.4", "9.2")]
SSH = {"type": "in", "action": "ACCEPT", "macro": "SSH", "source": "+admins"}
CEPH = {"type": "in", "action": "ACCEPT", "macro": "Ceph", "source": "ceph", "comment": "storage"}
WEB = {"type": "group", "action": "web", "iface": "vmbr1"}
BAD = {"type": "in", "action": "DROP", "source": "203.0.113.0/24", "log": "info"}
OFF = {"type": "out", "action": "REJECT", "proto": "udp", "dport": "53", "enable": False}
ALL = [CEPH, SSH, WEB, BAD, OFF]


class Rules:
    def __init__(self, name: str, release: str, root: Path, monkeypatch: Any) -> None:
        self.table, self.path, self.file = TABLES[name]
        self.api = StandIn(root, monkeypatch, release)
        self.api.write("firewall/cluster.fw", NAMES)
        monkeypatch.setattr(_firewall_watch, "TABLES", ())

    def run(self, config: Any = None, state: str = "merged", *, check: bool = False, **more: Any) -> dict[str, Any]:
        arguments = {} if config is None else {"config": config}
        return self.api.module(self.table, check=check, state=state, **arguments, **more)

    def good(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        predicted = self.run(*arguments, check=True, **options)
        assert self.api.writes == []
        done = self.run(*arguments, **options)
        assert not done["failed"], done["msg"]
        assert done["warnings"] == []
        for part in ("changed", "before", "after", "diff", "changes"):
            assert predicted.get(part) == done.get(part), part
        assert done["changed"] == bool(self.api.writes)
        assert not self.run(*arguments, **options)["changed"]
        return done

    @property
    def found(self) -> list[dict[str, Any]]:
        return self.run(state="gathered")["gathered"]


@pytest.fixture(params=EVERY, ids="-".join)
def rules(request: Any, tmp_path: Path, monkeypatch: Any) -> Rules:
    return Rules(*request.param, tmp_path / "root", monkeypatch)


def test_merged_adds_and_changes_and_leaves_others(rules: Rules) -> None:
    assert rules.found == []
    done = rules.good([SSH, BAD])
    assert done["before"] == []
    assert done["after"] == rules.found == [SSH, BAD]
    assert done["diff"]["after"] == {"rules": {"rules": [SSH, BAD]}}
    rules.good([{**CEPH, "enable": True}, {**SSH, "comment": "ours"}, OFF])
    assert rules.found == [CEPH, {**SSH, "comment": "ours"}, OFF, BAD]
    # what is not written stays
    rules.good([SSH])
    rules.good([{**OFF, "enable": True}])
    assert rules.found == [CEPH, {**SSH, "comment": "ours"}, {key: OFF[key] for key in OFF if key != "enable"}, BAD]
    rules.good([BAD, SSH])
    assert [one["source"] for one in rules.found if "source" in one] in (
        ["ceph", "203.0.113.0/24", "+admins"],
        ["203.0.113.0/24", "ceph", "+admins"],
    )


@pytest.mark.parametrize("state", ["replaced", "overridden"])
def test_exactly_these_in_this_order(rules: Rules, state: str) -> None:
    rules.good(ALL, state=state)
    assert rules.found == ALL
    rules.good(ALL[::-1], state=state)
    assert rules.found == ALL[::-1]
    done = rules.good([{**SSH, "log": "err"}, CEPH], state=state)
    assert rules.found == [{**SSH, "log": "err"}, CEPH]
    assert done["changes"] == [{"action": "update", "item": "rules", "set": ["rules"]}]
    rules.good([], state=state)
    assert rules.found == []


def test_deleted_removes_these_whatever_their_comment(rules: Rules) -> None:
    rules.good(ALL)
    rules.good([{**CEPH, "comment": "another one", "enable": False}, OFF], state="deleted")
    assert rules.found == [SSH, WEB, BAD]
    rules.good([SSH, WEB, BAD], state="deleted")
    assert rules.found == []


def test_gathered_is_what_overridden_takes(rules: Rules) -> None:
    rules.good(ALL)
    result = rules.run(rules.found, "overridden")
    assert not result["changed"]


def test_the_calls(rules: Rules) -> None:
    rules.good([SSH, BAD])
    rules.run([CEPH, SSH, {**BAD, "log": None, "comment": "no"}], "overridden")
    digests = [call[2].pop("digest", None) for call in rules.api.writes]
    assert rules.api.writes == [
        (
            "POST",
            rules.path,
            {"type": "in", "action": "ACCEPT", "macro": "Ceph", "source": "ceph", "comment": "storage", "enable": "1"},
        ),
        ("PUT", f"{rules.path}/2", {"comment": "no", "delete": "log"}),
    ]
    assert digests[0] is None
    assert digests[1]
    rules.run([BAD, CEPH], "overridden")
    writes = [(method, path, {**params, "digest": "it"}) for method, path, params in rules.api.writes]
    assert writes == [
        ("PUT", f"{rules.path}/2", {"log": "info", "delete": "comment", "digest": "it"}),
        ("PUT", f"{rules.path}/2", {"moveto": "0", "digest": "it"}),
        ("DELETE", f"{rules.path}/2", {"digest": "it"}),
    ]
    assert all(params["digest"] for _method, _path, params in rules.api.writes)


def test_proxmox_form_is_kept(rules: Rules) -> None:
    rules.good(ALL)
    assert (
        "[RULES]\n\n"
        "IN Ceph(ACCEPT) -source ceph # storage\n"
        "IN SSH(ACCEPT) -source +admins\n"
        "GROUP web -i vmbr1\n"
        "IN DROP -source 203.0.113.0/24 -log info\n"
        "|OUT REJECT -p udp -dport 53\n\n"
    ) in rules.api.read(rules.file)


def test_what_the_web_interface_writes_is_the_same(rules: Rules) -> None:
    """It puts dc/ before names."""
    rules.api.call("POST", rules.path, type="in", action="ACCEPT", macro="ssh", source="+dc/admins", enable=1)
    assert rules.found == [{**SSH, "source": "+dc/admins"}]
    rules.good([SSH], state="overridden")
    assert [call[0] for call in rules.api.writes] == []
    assert rules.found == [SSH]


def test_somebody_else_at_the_same_time(rules: Rules, monkeypatch: Any) -> None:
    """The rule that comes in between is neither lost by merged, nor do positions shift under it."""
    rules.good([SSH, BAD])
    send, meddled = rules.api.send, []

    def meddle(method: str, path: str, params: Any, timeout: float) -> Any:
        answer = send(method, path, params, timeout)
        if method == "POST" and not meddled:
            meddled.append(True)
            rules.api.call("POST", rules.path, type="in", action="ACCEPT", macro="HTTP", enable=1)
        return answer

    monkeypatch.setattr(rules.api, "send", meddle)
    result = rules.run([CEPH, SSH, {**BAD, "comment": "x"}])
    assert not result["failed"], result["msg"]
    http = {"type": "in", "action": "ACCEPT", "macro": "HTTP"}
    assert rules.found == [http, CEPH, SSH, {**BAD, "comment": "x"}]


REFUSED = [
    ({"type": "in", "action": "web"}, "action is web; allowed are ACCEPT, DROP, REJECT"),
    ({"type": "group", "action": "Web"}, "action is Web, not the name of a security group"),
    ({"type": "group", "action": "nosuch"}, "uses a security group that is not there: nosuch"),
    ({"type": "group", "action": "web", "proto": "tcp"}, "proto: a rule of the type group has none"),
    ({"type": "forward", "action": "REJECT"}, "forwarded packets cannot be rejected"),
    ({"type": "in", "action": "DROP", "dport": "22"}, "dport needs proto"),
    ({"type": "in", "action": "DROP", "proto": "icmp", "sport": "22"}, "sport: the protocol icmp has no ports"),
    ({"type": "in", "action": "DROP", "proto": "tcp", "dport": "70000"}, "has 70000; ports go up to 65535"),
    ({"type": "in", "action": "DROP", "proto": "tcp", "dport": "90:80"}, "a range that ends before it begins"),
    ({"type": "in", "action": "DROP", "proto": "tcp", "dport": "80-90"}, "'80-90', not a port"),
    ({"type": "in", "action": "ACCEPT", "macro": "SSH", "proto": "udp"}, "the macro SSH means tcp/22"),
    ({"type": "in", "action": "ACCEPT", "macro": "SSH", "dport": "2222", "proto": "tcp"}, "the macro SSH means tcp/22"),
    ({"type": "in", "action": "ACCEPT", "source": "10.0.0.1/24"}, "'10.0.0.1/24', not an address"),
    ({"type": "in", "action": "ACCEPT", "source": "10.0.0.1,::1"}, "mixes IPv4 and IPv6"),
    ({"type": "in", "action": "ACCEPT", "source": "10.0.0.1", "dest": "::1"}, "IPv4 and IPv6 in one rule"),
    ({"type": "in", "action": "ACCEPT", "source": "nosuch"}, "uses an alias that is not there: nosuch"),
    ({"type": "in", "action": "ACCEPT", "dest": "+nosuch"}, "uses an IP set that is not there: nosuch"),
    ({"type": "in", "action": "ACCEPT", "iface": "a b"}, "not the name of an interface"),
    ({"type": "in", "action": "ACCEPT", "proto": "tcp", "icmp_type": "any"}, "icmp_type needs proto icmp"),
]


@pytest.mark.parametrize(("rule", "sentence"), REFUSED)
def test_refused_before_anything_is_written(rule: Any, sentence: str, tmp_path: Path, monkeypatch: Any) -> None:
    rules = Rules("cluster", "9.2", tmp_path / "root", monkeypatch)
    result = rules.run([SSH, rule])
    assert result["failed"]
    assert "rule 1" in result["msg"]
    assert sentence in result["msg"]
    assert rules.api.writes == []


def test_what_may_still_come_is_a_warning_in_check_mode(rules: Rules) -> None:
    result = rules.run([{**SSH, "source": "+later"}], check=True)
    assert not result["failed"]
    assert "IP set that is not there: later" in result["warnings"][0]


def test_what_proxmox_refuses_is_told(rules: Rules) -> None:
    result = rules.run([SSH, {"type": "in", "action": "ACCEPT", "macro": "Nonsense"}])
    assert result["failed"]
    assert "unknown macro 'Nonsense'" in result["msg"]
    assert rules.found == []
