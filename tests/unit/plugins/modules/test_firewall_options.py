# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The firewall's options, of the cluster and of a node: what there is only one of; switched on for a minute first; and what
would shut out the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _firewall_watch
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_names import ALIAS, GROUP, IPSET
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_tables import (
    CLUSTER_RULES,
    NODE_OPTIONS_TABLE,
    NODE_RULES,
    OPTIONS_TABLE,
)
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_api import StandIn

HOME = "198.51.100.7"
CLUSTER_FULL: dict[str, Any] = {
    "ebtables": False,
    "enable": True,
    "log_ratelimit": {"enable": True, "rate": "5/minute", "burst": 10},
    "policy_forward": "DROP",
    "policy_in": "REJECT",
    "policy_out": "DROP",
}
NODE_FULL: dict[str, Any] = {
    "enable": False,
    "log_level_forward": "info",
    "log_level_in": "debug",
    "log_level_out": "err",
    "log_nf_conntrack": True,
    "ndp": False,
    "nf_conntrack_allow_invalid": True,
    "nf_conntrack_helpers": ["ftp", "tftp"],
    "nf_conntrack_max": 524288,
    "nf_conntrack_tcp_timeout_established": 7875,
    "nf_conntrack_tcp_timeout_syn_recv": 30,
    "nftables": True,
    "nosmurfs": False,
    "protection_synflood": True,
    "protection_synflood_burst": 500,
    "protection_synflood_rate": 100,
    "smurf_log_level": "info",
    "tcp_flags_log_level": "info",
    "tcpflags": True,
}
TABLES = {
    "cluster": (OPTIONS_TABLE, CLUSTER_FULL, "/cluster/firewall/options"),
    "node": (NODE_OPTIONS_TABLE, NODE_FULL, "/nodes/pve1/firewall/options"),
}
EVERY = [(name, release) for name in TABLES for release in ("8.4", "9.2")]


class Node:
    """C(peers): from where there are ssh connections."""

    def __init__(self, release: str, root: Path, monkeypatch: Any, peers: tuple[str, ...] = ()) -> None:
        self.api = StandIn(root, monkeypatch, release)
        nodes = {"pve1": {"id": 1, "online": 1, "ip": "192.0.2.11"}}
        self.api.write(".members", json.dumps({"nodename": "pve1", "version": 1, "nodelist": nodes}))
        (root / "etc/network").mkdir(parents=True, exist_ok=True)
        (root / "etc/network/interfaces").write_text(
            "auto lo\niface lo inet loopback\n\nauto vmbr0\niface vmbr0 inet static\n\taddress 192.0.2.11/24\n"
            "\tgateway 192.0.2.1\n\tbridge-ports none\n\tbridge-stp off\n\tbridge-fd 0\n"
        )
        monkeypatch.setattr(_firewall_watch, "ssh_peers", lambda _port: set(peers))

    def run(self, table: Resource, config: Any = None, state: str = "merged", **more: Any) -> dict[str, Any]:
        arguments = {} if config is None else {"config": config}
        return self.api.module(table, state=state, **arguments, **more)

    def good(self, table: Resource, *arguments: Any, **options: Any) -> dict[str, Any]:
        predicted = self.run(table, *arguments, check=True, **options)
        assert self.api.writes == []
        done = self.run(table, *arguments, **options)
        assert not done["failed"], done["msg"]
        assert done["warnings"] == []
        for part in ("changed", "before", "after", "diff", "changes"):
            assert predicted[part] == done[part], part
        assert done["changed"] == bool(self.api.writes)
        return done

    def refused(self, table: Resource, *arguments: Any, **options: Any) -> str:
        """The sentence; in check mode it is a warning, and with the word for it, it is done."""
        looked = self.run(table, *arguments, check=True, **options)
        assert not looked["failed"]
        result = self.run(table, *arguments, **options)
        assert result["failed"]
        assert self.api.writes == []
        assert result["problems"][0] in looked["warnings"][0]
        return str(result["msg"])


@pytest.mark.parametrize(("name", "release"), EVERY)
def test_set_kept_gathered_and_taken_away(name: str, release: str, tmp_path: Path, monkeypatch: Any) -> None:
    node, (table, full, path) = Node(release, tmp_path / "root", monkeypatch), TABLES[name]
    assert {one.option for one in table.fields} - {"trial"} == full.keys()
    node.good(table, full)
    assert [call[:2] for call in node.api.writes] == [("PUT", path)]
    assert not node.run(table, full)["changed"]
    found = node.run(table, state="gathered")["gathered"]
    assert found == full
    assert not node.run(table, found, "overridden")["changed"]
    one = next(iter(full))
    (change,) = node.good(table, {one: full[one]}, "replaced")["changes"]
    assert sorted(change["unset"]) == sorted(full.keys() - {one})
    node.good(table, state="deleted")
    assert node.run(table, state="gathered")["gathered"] == {}
    assert not node.run(table, state="deleted")["changed"]


@pytest.mark.parametrize("release", ["8.4", "9.2"])
def test_on_for_a_minute_and_then_for_good(release: str, tmp_path: Path, monkeypatch: Any) -> None:
    node = Node(release, tmp_path / "root", monkeypatch)
    config = {"enable": True, "policy_in": "DROP"}
    done = node.good(OPTIONS_TABLE, {**config, "trial": True})
    ((_method, _path, sent),) = node.api.writes
    assert sent["enable"] == "2"
    assert done["after"]["trial"] is True
    assert int(node.api.call("GET", "/cluster/firewall/options")["enable"]) > 1000
    # it stays on trial as long as that is asked for
    assert not node.run(OPTIONS_TABLE, {**config, "trial": True})["changed"]
    done = node.good(OPTIONS_TABLE, config)
    assert [call[2]["enable"] for call in node.api.writes] == ["1"]
    assert "trial" not in done["after"]
    assert node.api.call("GET", "/cluster/firewall/options")["enable"] == 1
    # what is on for good is not switched off by a trial
    assert not node.run(OPTIONS_TABLE, {**config, "trial": True})["changed"]


def test_no_trial_with_nftables(tmp_path: Path, monkeypatch: Any) -> None:
    node = Node("9.2", tmp_path / "root", monkeypatch)
    node.good(NODE_OPTIONS_TABLE, {"nftables": True})
    looked = node.run(OPTIONS_TABLE, {"enable": True, "trial": True}, check=True)
    assert "found nftables: true" in looked["warnings"][0]
    refused = node.run(OPTIONS_TABLE, {"enable": True, "trial": True})
    assert (refused["failed"], "found nftables: true" in refused["msg"], node.api.writes) == (True, True, [])
    node.good(OPTIONS_TABLE, {"enable": True, "trial": False})
    assert not node.run(OPTIONS_TABLE, {"enable": True, "trial": True})["changed"]


def test_a_trial_that_nobody_confirmed_is_over(tmp_path: Path, monkeypatch: Any) -> None:
    node = Node("9.2", tmp_path / "root", monkeypatch)
    node.api.write("firewall/cluster.fw", "[OPTIONS]\n\nenable: 1700000000\npolicy_in: DROP\n\n")
    found = node.run(OPTIONS_TABLE, state="gathered")["gathered"]
    assert found == {"enable": False, "policy_in": "DROP"}


def test_a_trial_is_nothing_without_switching_on(tmp_path: Path, monkeypatch: Any) -> None:
    node = Node("9.2", tmp_path / "root", monkeypatch)
    assert not node.run(OPTIONS_TABLE, {"enable": False, "trial": True})["changed"]
    node.good(OPTIONS_TABLE, {"policy_in": "REJECT", "trial": True})
    assert next(call[2] for call in node.api.writes).keys() == {"policy_in", "digest"}


def test_switched_on_where_the_run_gets_in(tmp_path: Path, monkeypatch: Any) -> None:
    """The nodes' own network always does."""
    node = Node("9.2", tmp_path / "root", monkeypatch, ("192.0.2.77",))
    node.good(OPTIONS_TABLE, {"enable": True})


@pytest.mark.parametrize("release", ["8.4", "9.2"])
def test_refused_where_the_run_does_not(release: str, tmp_path: Path, monkeypatch: Any) -> None:
    node = Node(release, tmp_path / "root", monkeypatch, (HOME,))
    text = node.refused(OPTIONS_TABLE, {"enable": True})
    assert f"{HOME} would no longer reach TCP port 22 of pve1: no rule accepts it" in text
    assert f"{HOME} would no longer reach TCP port 8006 of pve1" in text
    assert "allow_lockout" in text
    # on trial as well: the other way round it is written once more
    node.refused(OPTIONS_TABLE, {"enable": True, "trial": True})
    node.good(OPTIONS_TABLE, {"enable": True, "policy_in": "ACCEPT"})
    node.refused(OPTIONS_TABLE, {"policy_in": "DROP"})
    node.good(OPTIONS_TABLE, {"policy_in": "DROP"}, allow_lockout=True)


WAYS_IN = [
    (IPSET, [{"name": "management", "members": [{"cidr": "198.51.100.0/24"}]}]),
    (ALIAS, [{"name": "local_network", "cidr": "198.51.100.0/24"}]),
    (CLUSTER_RULES, [{"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "22,8006", "source": HOME}]),
    (NODE_RULES, [{"type": "in", "action": "ACCEPT", "source": "198.51.100.1-198.51.100.9"}]),
]


@pytest.mark.parametrize("way", WAYS_IN, ids=lambda way: way[0].name)
def test_a_way_in_that_is_there_first(way: Any, tmp_path: Path, monkeypatch: Any) -> None:
    node = Node("9.2", tmp_path / "root", monkeypatch, (HOME,))
    table, config = way
    node.good(table, config)
    node.good(OPTIONS_TABLE, {"enable": True})
    # and it is not taken away while it is needed
    empty: list[Any] = {
        IPSET.name: [{"name": "management", "members": []}],
        ALIAS.name: [{"name": "local_network", "cidr": "10.0.0.0/8"}],
    }.get(table.name, [])
    text = node.refused(table, empty, "replaced")
    assert "would no longer reach" in text
    assert "would no longer reach" in node.refused(table, [], "overridden")


def test_a_way_in_through_a_group(tmp_path: Path, monkeypatch: Any) -> None:
    node = Node("9.2", tmp_path / "root", monkeypatch, (HOME,))
    rule = {"type": "in", "action": "ACCEPT", "source": HOME}
    node.good(GROUP, [{"group": "admins", "rules": [rule]}])
    node.good(CLUSTER_RULES, [{"type": "group", "action": "admins"}])
    node.good(OPTIONS_TABLE, {"enable": True})
    assert "would no longer reach" in node.refused(GROUP, [{"group": "admins", "rules": []}])
    assert "cannot be removed: rule 0 of the cluster uses it" in node.refused(GROUP, [{"group": "admins"}], "deleted")


def test_blacklisted(tmp_path: Path, monkeypatch: Any) -> None:
    node = Node("9.2", tmp_path / "root", monkeypatch, ("192.0.2.77",))
    node.good(OPTIONS_TABLE, {"enable": True})
    text = node.refused(IPSET, [{"name": "blacklist", "members": [{"cidr": "192.0.2.77"}]}])
    assert "it is in the IP set blacklist" in text
    text = node.refused(CLUSTER_RULES, [{"type": "in", "action": "DROP", "proto": "tcp", "dport": "8006"}])
    assert "rule 0 of the cluster (in DROP proto=tcp dport=8006) says DROP" in text


def test_a_node_that_was_out_of_it(tmp_path: Path, monkeypatch: Any) -> None:
    node = Node("9.2", tmp_path / "root", monkeypatch, (HOME,))
    node.good(NODE_OPTIONS_TABLE, {"enable": False})
    node.good(OPTIONS_TABLE, {"enable": True})
    assert "would no longer reach" in node.refused(NODE_OPTIONS_TABLE, {"enable": True})


def test_what_is_used_stays(tmp_path: Path, monkeypatch: Any) -> None:
    node = Node("9.2", tmp_path / "root", monkeypatch)
    node.good(ALIAS, [{"name": "Lan", "cidr": "10.0.0.5/32"}, {"name": "free", "cidr": "10.0.0.0/8"}])
    node.good(IPSET, [{"name": "some", "members": [{"cidr": "lan"}]}, {"name": "other"}])
    node.good(NODE_RULES, [{"type": "in", "action": "DROP", "source": "+some", "dest": "LAN"}])
    assert "alias 'lan' cannot be removed: the IP set some, rule 0 of the node pve1 uses it" in node.refused(
        ALIAS, [], "overridden"
    )
    assert "ipset 'some' cannot be removed: rule 0 of the node pve1 uses it" in node.refused(
        IPSET, [{"name": "some"}], "deleted"
    )
    node.good(IPSET, [{"name": "some", "members": [{"cidr": "lan"}]}], "overridden")
    node.good(ALIAS, [{"name": "free"}], "deleted")


def test_members_are_added_before_others_go(tmp_path: Path, monkeypatch: Any) -> None:
    node = Node("9.2", tmp_path / "root", monkeypatch)
    node.good(IPSET, [{"name": "some", "members": [{"cidr": "10.0.0.1/24"}, {"cidr": "10.0.1.1"}]}])
    node.good(
        IPSET,
        [{"name": "some", "comment": "x", "members": [{"cidr": "10.0.0.0/24", "comment": "c"}, {"cidr": "fd00::/8"}]}],
    )
    assert node.api.writes == [
        ("POST", "/cluster/firewall/ipset", {"name": "some", "rename": "some", "comment": "x"}),
        ("PUT", "/cluster/firewall/ipset/some/10.0.0.0%2F24", {"comment": "c"}),
        ("POST", "/cluster/firewall/ipset/some", {"cidr": "fd00::/8"}),
        ("DELETE", "/cluster/firewall/ipset/some/10.0.1.1", {}),
    ]


def test_an_alias_is_written_as_a_whole(tmp_path: Path, monkeypatch: Any) -> None:
    node = Node("9.2", tmp_path / "root", monkeypatch)
    node.good(ALIAS, [{"name": "lan", "cidr": "10.0.0.0/24", "comment": "kept"}])
    node.good(ALIAS, [{"name": "LAN", "cidr": "10.0.1.0/24"}])
    ((_method, path, sent),) = node.api.writes
    assert path == "/cluster/firewall/aliases/lan"
    assert {key: sent[key] for key in ("cidr", "comment")} == {"cidr": "10.0.1.0/24", "comment": "kept"}
    node.good(ALIAS, [{"name": "lan", "comment": None}])
    assert node.api.read("firewall/cluster.fw") == "[ALIASES]\n\nlan 10.0.1.0/24\n\n"
