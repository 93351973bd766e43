# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is only one of: the options of the datacenter and of a node, against the stand-in's API of both releases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._datacenter import DATACENTER
from ansible_collections.baremetal.proxmox.plugins.module_utils._node_options import NODE_OPTIONS
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_api import StandIn

DATACENTER_FULL: dict[str, Any] = {
    "bwlimit": {"migration": 102400, "default": 0.5},
    "consent_text": "Only for staff.\n\nÄ",
    "console": "vv",
    "crs": "ha=static,ha-rebalance-on-start=1",
    "description": "Rack 4\nno: more",
    "email_from": "pve@example.org",
    "fencing": "both",
    "ha": {"shutdown_policy": "migrate"},
    "http_proxy": "http://user:canary-proxy@proxy.example.org:3128",
    "keyboard": "de",
    "language": "pt_BR",
    "mac_prefix": "02:24:11",
    "max_workers": 4,
    "migration": "type=insecure,network=10.0.0.0/24",
    "next_id": {"lower": 1000, "upper": 9999},
    "notify": {"package-updates": "never", "target_replication": "mail"},
    "registered_tags": ["prod", "db"],
    "tag_style": {"shape": "full", "color-map": ["prod:ff0000", "db:00ff00:000000"], "case_sensitive": True},
    "u2f": {"origin": "https://pve.example.org:8006"},
    "user_tag_access": {"user_allow": "list", "user-allow-list": "b;a"},
    "webauthn": {"id": "example.org", "origin": "https://pve.example.org", "rp": "rack", "allow-subdomains": False},
}
NODE_FULL: dict[str, Any] = {
    "acme": {"account": "default", "domains": ["b.example.org", "a.example.org"]},
    "acmedomain0": "domain=c.example.org",
    "acmedomain5": {"domain": "d.example.org", "plugin": "standalone", "alias": "x.example.org"},
    "ballooning_target": 70,
    "description": "Unit 12\nsecond line",
    "startall_onboot_delay": 60,
    "wakeonlan": "mac=52:54:00:12:34:56,bind-interface=vmbr0",
}
FROM_9 = {"location": {"latitude": 48.2, "longitude": -16, "name": "Wien"}}
TABLES = {
    "datacenter": (
        DATACENTER,
        DATACENTER_FULL,
        {"replication": {"type": "secure"}, "mac_prefix": "bc:24:11:a"},
        "datacenter.cfg",
    ),
    "node": (NODE_OPTIONS, NODE_FULL, {}, "nodes/pve1/config"),
}
EVERY = [(name, release) for name in TABLES for release in ("8.4", "9.2")]


class One:
    def __init__(self, name: str, release: str, root: Path, monkeypatch: Any) -> None:
        self.table, full, nine, self.file = TABLES[name]
        self.full = {**full, **(FROM_9 if release == "9.2" else {}), **(nine if release == "9.2" else {})}
        self.api = StandIn(root, monkeypatch, release)
        members = {"nodename": "pve1", "version": 1, "nodelist": {"pve1": {"id": 1, "online": 1, "ip": "127.0.0.1"}}}
        self.api.write(".members", json.dumps(members))

    def run(self, config: Any = None, state: str = "merged", *, check: bool = False) -> dict[str, Any]:
        arguments = {} if config is None else {"config": config}
        result = self.api.module(self.table, check=check, state=state, **arguments)
        assert "canary" not in json.dumps(result)
        return result

    def good(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        result = self.run(*arguments, **options)
        assert not result["failed"], result["msg"]
        assert result["warnings"] == []
        return result


@pytest.fixture(params=EVERY, ids="-".join)
def one(request: Any, tmp_path: Path, monkeypatch: Any) -> One:
    return One(*request.param, tmp_path / "root", monkeypatch)


def test_every_setting_is_in_the_sample(one: One) -> None:
    options = {field.option for field in one.table.fields if field.known_in((9, 2))}
    given = {*one.full, *FROM_9, "replication"}
    assert options - given <= {f"acmedomain{number}" for number in range(1, 5)}


def test_set_kept_and_gathered(one: One) -> None:
    predicted = one.good(one.full, check=True)
    assert one.api.writes == []
    done = one.good(one.full)
    assert done["changed"]
    assert done["after"] == predicted["after"]
    assert done["diff"] == predicted["diff"]
    ((method, path, _params),) = one.api.writes
    assert (method, path) == ("PUT", one.table.path.replace("{node}", "pve1"))
    assert not one.good(one.full)["changed"]
    found = one.good(state="gathered")["gathered"]
    assert not one.good(found, "overridden")["changed"]
    assert one.good(found, "replaced")["changes"] == []


def test_nothing_of_it_is_left(one: One) -> None:
    start = one.good(state="gathered")["gathered"]
    one.good(one.full)
    assert one.good(state="deleted", check=True)["changed"]
    assert one.api.writes == []
    one.good(state="deleted")
    rest = one.good(state="gathered")["gathered"]
    assert rest == start
    # a secret is taken away by name only
    assert "http_proxy" not in one.api.read(one.file) or one.table is DATACENTER
    assert not one.good(state="deleted")["changed"]


def test_replaced_resets_what_is_not_written(one: One) -> None:
    one.good({"description": "x", **dict(list(one.full.items())[:2])})
    (change,) = one.good({"description": "y"}, "replaced")["changes"]
    assert change["set"] == ["description"]
    assert sorted(change["unset"]) == sorted(list(one.full)[:2])


def test_null_takes_a_setting_away(one: One) -> None:
    one.good({"description": "x"})
    assert one.good({"description": None})["changes"][0]["unset"] == ["description"]
    assert not one.good({"description": None})["changed"]
    assert not one.good({"description": ""})["changed"]


def test_a_proxy_can_be_taken_away(tmp_path: Path, monkeypatch: Any) -> None:
    one = One("datacenter", "9.2", tmp_path / "root", monkeypatch)
    one.good({"http_proxy": "http://u:canary@p:1"})
    assert "http_proxy: http://u:canary@p:1" in one.api.read("datacenter.cfg")
    assert not one.good({"http_proxy": "http://u:canary@p:1"})["changed"]
    assert one.good({"http_proxy": None})["changed"]
    assert "http_proxy" not in one.api.read("datacenter.cfg")


REFUSED = [
    ("datacenter", "9.2", {"crs": {"ha_auto_rebalance_margin": 5}}, "crs: ha_auto_rebalance_margin needs"),
    ("datacenter", "9.2", {"crs": {"ha": "clever"}}, "crs key 'ha' is 'clever'; allowed are basic, static, dynamic"),
    ("datacenter", "9.2", {"next_id": {"lower": 500, "upper": 400}}, "next_id: lower (500) is above upper (400)"),
    ("datacenter", "9.2", {"migration": {"network": "10.0.0.0/24"}}, "migration: needs type"),
    ("datacenter", "9.2", {"location": {"name": "here"}}, "location: needs latitude and longitude"),
    (
        "datacenter",
        "9.2",
        {"location": {"latitude": 91, "longitude": 0}},
        "key 'latitude' is 91; allowed are -90 to 90",
    ),
    (
        "datacenter",
        "8.4",
        {"replication": {"type": "secure"}},
        "replication: needs Proxmox VE 9.0 or later, this is 8.4",
    ),
    ("datacenter", "8.4", FROM_9, "location: needs Proxmox VE 9.2 or later"),
    ("datacenter", "9.2", {"location": {"latitude": 1, "longitude": 2, "name": "Łódź"}}, "location has Łź in it"),
    ("datacenter", "8.4", {"mac_prefix": "02:24:1"}, "half an octet at its end needs Proxmox VE 9.1"),
    ("datacenter", "9.2", {"mac_prefix": "01:00"}, "not the beginning of a unicast MAC address"),
    (
        "datacenter",
        "9.2",
        {"http_proxy": "canary.example.org"},
        "http_proxy is not an address that begins with http://",
    ),
    ("node", "9.2", {"wakeonlan": {"bind_interface": "eth0"}}, "wakeonlan: needs mac"),
    ("node", "9.2", {"acmedomain0": {"plugin": "dns"}}, "acmedomain0: needs domain"),
    (
        "node",
        "9.2",
        {"acme": {"domains": ["A.example.org"]}, "acmedomain1": {"domain": "a.example.org"}},
        "acmedomain1: a.example.org is in acme as well",
    ),
    ("node", "9.2", {"startall_onboot_delay": 301}, "startall_onboot_delay is 301; allowed are 0 to 300"),
]


@pytest.mark.parametrize(("name", "release", "config", "sentence"), REFUSED)
def test_refused(name: str, release: str, config: Any, sentence: str, tmp_path: Path, monkeypatch: Any) -> None:
    one = One(name, release, tmp_path / "root", monkeypatch)
    result = one.run(config)
    assert result["failed"]
    assert sentence in result["msg"]
    assert one.api.writes == []


def test_what_proxmox_refuses_is_told(tmp_path: Path, monkeypatch: Any) -> None:
    one = One("node", "9.2", tmp_path / "root", monkeypatch)
    result = one.run({"acmedomain0": {"domain": "a.example.org", "plugin": "nosuch"}})
    assert result["failed"]
    assert "plugin 'nosuch' for domain 'a.example.org' not found" in result["msg"]


def test_consent_is_kept_as_the_web_interface_does(tmp_path: Path, monkeypatch: Any) -> None:
    one = One("datacenter", "9.2", tmp_path / "root", monkeypatch)
    one.good({"consent_text": "Staff only"})
    assert "consent-text: U3RhZmYgb25seQ==\n" in one.api.read("datacenter.cfg")
    assert one.good(state="gathered")["gathered"]["consent_text"] == "Staff only"
