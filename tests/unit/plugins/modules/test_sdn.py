# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is peculiar to SDN: the order, one apply, others' changes, the lock, runs that were killed. Against the stand-in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _sdn, _sdn_stage
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ConnectionLost
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.contract_sdn import EVPN, VNETS, ZONES, files, run
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_api import StandIn, network, peers

RELEASES = ("8.4", "9.2")
SUBNETS: dict[str, dict[str, Any]] = {"inner-10.50.0.0-24": {"type": "subnet", "vnet": "lab"}}
LOCK = ("POST", "/cluster/sdn/lock", {"allow-pending": "1"})
ALL = {
    "controllers": [{"controller": "core", "type": "evpn", "asn": 65000, "peers": ["10.0.0.1", "10.0.0.2"]}],
    "zones": [
        {"zone": "inner", "type": "simple"},
        {"zone": "deep", "type": "evpn", "controller": "core", "vrf_vxlan": 1000},
    ],
    "vnets": [{"vnet": "lab", "zone": "inner"}, {"vnet": "far", "zone": "deep", "tag": 2000}],
    "subnets": [{"vnet": "lab", "subnet": "10.50.0.0/24", "gateway": "10.50.0.1"}],
}
NOTHING: dict[str, list[Any]] = {option: [] for option in ALL}


@pytest.fixture(params=RELEASES)
def api(request: Any, tmp_path: Path, monkeypatch: Any) -> StandIn:
    monkeypatch.setattr(_sdn_stage, "PATIENCE", 0.0)
    return StandIn(tmp_path / "node", monkeypatch, request.param)


@pytest.fixture
def nine(tmp_path: Path, monkeypatch: Any) -> StandIn:
    monkeypatch.setattr(_sdn_stage, "PATIENCE", 0.0)
    return StandIn(tmp_path / "node", monkeypatch, "9.2")


def have(api: StandIn, **kinds: dict[str, dict[str, Any]]) -> None:
    for name, text in files(**kinds).items():
        api.write(name, text)


def good(api: StandIn, **arguments: Any) -> dict[str, Any]:
    result = run(api, **arguments)
    assert not result["failed"], result["msg"]
    return result


def bad(api: StandIn, **arguments: Any) -> dict[str, Any]:
    result = run(api, **arguments)
    assert result["failed"], result
    return result


def applied(api: StandIn, release: str = "") -> list[tuple[str, str, dict[str, Any]]]:
    """The calls that apply what is staged; the token is what POST answered."""
    if (release or api.release) == "8.4":
        return [("PUT", "/cluster/sdn", {})]
    token = api.writes[-1][2]["lock-token"]
    return [LOCK, ("PUT", "/cluster/sdn", {"lock-token": token})]


def running(api: StandIn) -> dict[str, list[str]]:
    config = json.loads(api.read("sdn/.running-config"))
    return {kind: sorted(config[kind]["ids"]) for kind in ALL}


def paths(api: StandIn) -> list[tuple[str, str]]:
    return [(method, path.removeprefix("/cluster/sdn")) for method, path, _params in api.writes]


def test_all_at_once(api: StandIn) -> None:
    predicted = good(api, **ALL, check=True)
    assert api.writes == []
    assert predicted["changed"]
    assert predicted["diff"]["after"].keys() == ALL.keys()
    result = good(api, **ALL)
    assert api.writes == [
        (
            "POST",
            "/cluster/sdn/controllers",
            {"controller": "core", "type": "evpn", "asn": "65000", "peers": "10.0.0.1,10.0.0.2"},
        ),
        ("POST", "/cluster/sdn/zones", {"zone": "inner", "type": "simple"}),
        (
            "POST",
            "/cluster/sdn/zones",
            {"zone": "deep", "type": "evpn", "controller": "core", "vrf-vxlan": "1000"},
        ),
        ("POST", "/cluster/sdn/vnets", {"vnet": "lab", "zone": "inner"}),
        ("POST", "/cluster/sdn/vnets", {"vnet": "far", "zone": "deep", "tag": "2000"}),
        (
            "POST",
            "/cluster/sdn/vnets/lab/subnets",
            {"type": "subnet", "subnet": "10.50.0.0/24", "gateway": "10.50.0.1"},
        ),
        *applied(api),
    ]
    assert predicted["changes"] == result["changes"]
    assert predicted["diff"] == result["diff"]
    assert result["applied"]
    again = good(api, **ALL)
    assert not again["changed"]
    assert api.writes == []
    assert not (api.pve / "sdn/.lock").exists()


def test_gathered_is_what_the_options_take(api: StandIn) -> None:
    good(api, **ALL)
    found = good(api, state="gathered")["gathered"]
    assert {option: len(items) for option, items in found.items()} == {
        option: len(items) for option, items in ALL.items()
    }
    assert not good(api, **found, state="overridden")["changed"]
    only = good(api, state="gathered", vnets=[{"vnet": "far"}])["gathered"]
    assert only["vnets"] == [{"vnet": "far", "zone": "deep", "tag": 2000}]


def test_what_is_built_on_goes_last(api: StandIn) -> None:
    good(api, **ALL)
    result = good(api, **NOTHING, state="overridden")
    assert paths(api)[:6] == [
        ("DELETE", "/vnets/lab/subnets/inner-10.50.0.0-24"),
        ("DELETE", "/vnets/far"),
        ("DELETE", "/vnets/lab"),
        ("DELETE", "/zones/deep"),
        ("DELETE", "/zones/inner"),
        ("DELETE", "/controllers/core"),
    ]
    assert running(api) == {option: [] for option in ALL}
    assert result["after"] == NOTHING
    assert not good(api, **NOTHING, state="overridden")["changed"]


def test_a_list_that_is_not_given_is_left_alone(api: StandIn) -> None:
    good(api, **ALL)
    good(api, subnets=[], state="overridden")
    assert running(api) == {"controllers": ["core"], "zones": ["deep", "inner"], "vnets": ["far", "lab"], "subnets": []}


def test_a_zone_is_removed_after_its_vnet_has_moved(api: StandIn) -> None:
    have(api, zones={"old": {"type": "simple"}}, vnets={"lab": {"type": "vnet", "zone": "old"}})
    good(api, zones=[{"zone": "new", "type": "simple"}], vnets=[{"vnet": "lab", "zone": "new"}], state="overridden")
    assert paths(api)[:3] == [("POST", "/zones"), ("PUT", "/vnets/lab"), ("DELETE", "/zones/old")]


def test_a_tag_is_free_when_its_vnet_has_another(api: StandIn) -> None:
    have(
        api,
        zones=ZONES,
        vnets={name: {"type": "vnet", "zone": "lan", "tag": tag} for name, tag in (("v1", 1), ("v2", 2), ("v9", 9))},
    )
    vnets = [{"vnet": "v1", "tag": 2}, {"vnet": "v2", "tag": 3}, {"vnet": "v4", "zone": "lan", "tag": 9}]
    good(api, vnets=[{**one, "zone": "lan"} for one in vnets], state="overridden")
    assert paths(api)[:4] == [("DELETE", "/vnets/v9"), ("PUT", "/vnets/v2"), ("PUT", "/vnets/v1"), ("POST", "/vnets")]


def test_another_type_needs_the_word(api: StandIn) -> None:
    have(api, zones=ZONES, vnets=VNETS)
    result = bad(api, zones=[{"zone": "lan", "type": "vxlan", "peers": ["10.0.0.1"]}])
    assert "type is vlan, wanted is vxlan" in result["msg"]
    result = bad(api, zones=[{"zone": "lan", "type": "vxlan", "peers": ["10.0.0.1"], "recreate": True}])
    assert result["msg"] == "zone 'lan' cannot be recreated: vnet 'web' is built on it. Nothing was changed."
    assert api.writes == []
    have(api, zones=ZONES)
    good(api, zones=[{"zone": "lan", "type": "vxlan", "peers": ["10.0.0.1"], "recreate": True}])
    assert paths(api)[:2] == [("DELETE", "/zones/lan"), ("POST", "/zones")]


# -- runs that were killed


def test_staged_by_a_run_that_was_killed(api: StandIn) -> None:
    """It had not come to apply it, or not even to stage everything."""
    api.call("POST", "/cluster/sdn/zones", zone="inner", type="simple")
    api.call("POST", "/cluster/sdn/vnets", vnet="lab", zone="inner")
    lists = {"zones": [{"zone": "inner", "type": "simple"}], "vnets": [{"vnet": "lab", "zone": "inner"}]}
    assert good(api, **lists, check=True)["changed"]
    result = good(api, **lists)
    assert result["changed"]
    assert result["changes"] == []
    assert api.writes == applied(api)
    assert running(api)["vnets"] == ["lab"]
    assert not good(api, **lists)["changed"]


def test_staged_ranges_are_one_text() -> None:
    """As Proxmox shows them under pending, beside the list under which those that run are shown."""
    ranges = [{"start_address": f"10.50.0.{first}", "end_address": f"10.50.0.{first + 20}"} for first in (100, 200)]
    text = ",".join(f"end-address={one['end_address']},start-address={one['start_address']}" for one in ranges)
    assert _sdn.RANGES.read(text) == _sdn.RANGES.read(ranges)


def test_removed_by_a_run_that_was_killed(api: StandIn) -> None:
    have(api, zones=ZONES)
    api.call("DELETE", "/cluster/sdn/zones/inner")
    only = [{"zone": "lan", "type": "vlan", "bridge": "vmbr0"}]
    assert good(api, zones=only, state="overridden")["changed"]
    assert api.writes == applied(api)
    assert running(api)["zones"] == ["lan"]


def test_a_lock_of_a_run_that_was_killed(nine: StandIn) -> None:
    nine.call("POST", "/cluster/sdn/zones", zone="inner", type="simple")
    nine.call("POST", "/cluster/sdn/lock", **{"allow-pending": 1})
    result = good(nine, zones=[{"zone": "inner", "type": "simple"}])
    assert ("DELETE", "/cluster/sdn/lock", {"force": "1"}) in nine.writes
    assert [text for text in result["warnings"] if "the lock of a run before" in text]
    assert running(nine)["zones"] == ["inner"]
    assert not (nine.pve / "sdn/.lock").exists()


def test_a_lock_of_somebody_else(nine: StandIn) -> None:
    nine.call("POST", "/cluster/sdn/lock")
    result = bad(nine, zones=[{"zone": "inner", "type": "simple"}])
    assert "Somebody else holds the lock of SDN" in result["msg"]
    assert "pvesh delete /cluster/sdn/lock --force 1" in result["msg"]
    assert "Nothing was changed." in result["msg"]
    assert not result["changed"]
    assert (nine.pve / "sdn/.lock").exists()


def test_a_lock_that_goes_away(nine: StandIn, monkeypatch: Any) -> None:
    monkeypatch.setattr(_sdn_stage, "PATIENCE", 5.0)
    token = nine.call("POST", "/cluster/sdn/lock")

    def release(_seconds: float) -> None:
        nine.call("DELETE", "/cluster/sdn/lock", **{"lock-token": token})

    monkeypatch.setattr(_sdn_stage, "Deadline", lambda seconds: Deadline(seconds, sleep=release))
    good(nine, zones=[{"zone": "inner", "type": "simple"}])
    assert running(nine)["zones"] == ["inner"]


# -- what others have staged


def test_others_changes_are_refused(api: StandIn) -> None:
    have(api, zones=ZONES, controllers=EVPN)
    api.call("POST", "/cluster/sdn/zones", zone="theirs", type="simple")
    api.call("PUT", "/cluster/sdn/zones/lan", mtu=1400)
    api.call("DELETE", "/cluster/sdn/controllers/core")
    before = {kind: api.read(f"sdn/{kind}.cfg") for kind in ("zones", "controllers")}
    lists = {"vnets": [{"vnet": "lab", "zone": "inner"}]}
    for check in (True, False):
        result = bad(api, **lists, check=check)
        assert result["msg"] == (
            "SDN has changes that are staged, are not of this run, and would be applied with it:"
            " controller 'core' deleted; zone 'lan' changed (mtu); zone 'theirs' new. Nothing was changed."
            " Apply or revert them first, or say apply_pending: true."
        )
        assert api.writes == []
    assert {kind: api.read(f"sdn/{kind}.cfg") for kind in before} == before
    good(api, **lists, apply_pending=True)
    assert running(api) == {"controllers": [], "zones": ["inner", "lan", "theirs"], "vnets": ["lab"], "subnets": []}


def test_others_changes_do_not_matter_where_there_is_nothing_to_do(api: StandIn) -> None:
    have(api, zones=ZONES)
    api.call("POST", "/cluster/sdn/zones", zone="theirs", type="simple")
    result = good(api, zones=[{"zone": "inner", "type": "simple"}])
    assert not result["changed"]
    assert "Staged by somebody else and not applied: zone 'theirs' new." in result["warnings"]
    assert good(api, zones=[], apply_pending=True)["changed"]
    assert running(api)["zones"] == ["inner", "lan", "theirs"]


def test_a_setting_of_ours_that_somebody_else_has_staged(api: StandIn) -> None:
    have(api, zones=ZONES)
    api.call("PUT", "/cluster/sdn/zones/lan", mtu=1400)
    ours = {"zone": "lan", "type": "vlan", "bridge": "vmbr1"}
    assert "zone 'lan' changed (mtu)" in bad(api, zones=[ours])["msg"]
    # what is written decides
    good(api, zones=[{**ours, "mtu": 1500}])
    api.call("PUT", "/cluster/sdn/zones/lan", mtu=1400)
    good(api, zones=[ours], state="replaced")
    assert "mtu" not in api.read("sdn/zones.cfg")


def test_overridden_does_not_remove_what_others_have_staged(api: StandIn) -> None:
    have(api, zones={"inner": {"type": "simple"}})
    api.call("POST", "/cluster/sdn/zones", zone="theirs", type="simple")
    inner = [{"zone": "inner", "type": "simple"}]
    assert "zone 'theirs' new" in bad(api, zones=inner, state="overridden")["msg"]
    good(api, zones=inner, state="overridden", apply_pending=True)
    assert running(api)["zones"] == ["inner"]


def test_others_are_quicker(nine: StandIn, monkeypatch: Any) -> None:
    """Between staging and applying: the lock is held, and what is staged is looked at once more."""
    plain = StandIn.send

    def send(self: StandIn, method: str, path: str, params: Any, timeout: float) -> Any:
        if path == "/cluster/sdn/lock" and method == "POST":
            self.call("POST", "/cluster/sdn/zones", zone="theirs", type="simple")
        return plain(self, method, path, params, timeout)

    monkeypatch.setattr(StandIn, "send", send)
    result = bad(nine, zones=[{"zone": "inner", "type": "simple"}])
    assert "zone 'theirs' new. What this run staged is not applied yet." in result["msg"]
    assert result["changed"]
    assert "sdn/.running-config" not in [str(one.relative_to(nine.pve)) for one in nine.pve.rglob("*")]
    assert not (nine.pve / "sdn/.lock").exists()


# -- failures on the way


def refuse(monkeypatch: Any, path: str) -> None:
    """Proxmox refuses what nobody could foresee."""
    plain = StandIn.send

    def send(self: StandIn, method: str, where: str, params: Any, timeout: float) -> Any:
        if method == "POST" and where == path:
            params = {**params, "zone": "nowhere"}
        return plain(self, method, where, params, timeout)

    monkeypatch.setattr(StandIn, "send", send)


def test_a_failure_takes_back_what_was_staged(api: StandIn, monkeypatch: Any) -> None:
    have(api, zones=ZONES)
    lists = {"zones": [{"zone": "new", "type": "simple"}], "vnets": [{"vnet": "lab", "zone": "new"}]}
    with monkeypatch.context() as patch:
        refuse(patch, "/cluster/sdn/vnets")
        result = bad(api, **lists)
    assert "vnet 'lab'" in result["msg"]
    assert "cannot lookup undefined type" in result["msg"]
    if api.release == "8.4":
        assert result["changed"]
        assert "a further run goes on from there" in result["msg"]
        assert "simple: new\n" in api.read("sdn/zones.cfg")
    else:
        assert not result["changed"]
        assert "What this run had staged has been taken back." in result["msg"]
        assert "new" not in api.read("sdn/zones.cfg")
        assert not (api.pve / "sdn/.lock").exists()
    good(api, **lists)
    assert running(api)["vnets"] == ["lab"]


def test_a_failure_leaves_what_others_have_staged(nine: StandIn, monkeypatch: Any) -> None:
    have(nine, zones=ZONES)
    nine.call("POST", "/cluster/sdn/zones", zone="theirs", type="simple")
    refuse(monkeypatch, "/cluster/sdn/vnets")
    bad(nine, vnets=[{"vnet": "lab", "zone": "inner"}], zones=[{"zone": "new", "type": "simple"}], apply_pending=True)
    assert "simple: theirs\n" in nine.read("sdn/zones.cfg")
    assert "simple: new\n" in nine.read("sdn/zones.cfg")
    assert not (nine.pve / "sdn/.lock").exists()


def test_the_task_fails(api: StandIn) -> None:
    faults = api.root / "run/pve-standin/faults.json"
    faults.parent.mkdir(parents=True)
    rule = {"match": "reloadnetworkall", "times": 1, "action": "task-fail", "message": "no quorum!"}
    faults.write_text(json.dumps([rule]))
    result = bad(api, zones=[{"zone": "inner", "type": "simple"}])
    assert "no quorum!" in result["msg"]
    assert result["changed"]


def test_no_answer_to_the_call_that_applies(api: StandIn, monkeypatch: Any) -> None:
    plain = StandIn.send

    def send(self: StandIn, method: str, path: str, params: Any, timeout: float) -> Any:
        answer = plain(self, method, path, params, timeout)
        if (method, path) == ("PUT", "/cluster/sdn"):
            raise ConnectionLost(method, path, "reset by peer", maybe_done=True)
        return answer

    monkeypatch.setattr(StandIn, "send", send)
    good(api, zones=[{"zone": "inner", "type": "simple"}])
    assert [path for _method, path in paths(api)].count("") == 1
    assert running(api)["zones"] == ["inner"]


def test_privileges_for_networks_are_enough(api: StandIn) -> None:
    api.write("user.cfg", "user:ops@pve:1:0::::::\ntoken:ops@pve!t1:0:0::\n\nacl:1:/sdn:ops@pve:PVESDNAdmin:\n")
    api.user = "ops@pve!t1"
    lists = {"zones": ALL["zones"][:1], "vnets": ALL["vnets"][:1], "subnets": ALL["subnets"]}
    good(api, **lists)
    assert running(api)["subnets"] == ["inner-10.50.0.0-24"]
    assert not good(api, **lists)["changed"]
    api.write("user.cfg", "user:ops@pve:1:0::::::\ntoken:ops@pve!t1:0:0::\n\nacl:1:/sdn:ops@pve:PVEAuditor:\n")
    result = bad(api, zones=[{"zone": "outer", "type": "simple"}])
    assert "Permission check failed (/sdn/zones, SDN.Allocate)" in result["msg"]


def test_an_item_as_a_text(api: StandIn) -> None:
    result = good(api, zones=["zone=lan type=vlan bridge=vmbr0"])
    assert result["after"]["zones"] == [{"zone": "lan", "type": "vlan", "bridge": "vmbr0"}]


def test_a_node_that_cannot_load_it(api: StandIn, monkeypatch: Any) -> None:
    """Proxmox's task ends well all the same. The next run tries again."""
    lists = {"zones": [{"zone": "inner", "type": "simple"}]}
    with monkeypatch.context() as patch:
        patch.setattr(network, "has_ifupdown2", lambda: False)
        result = good(api, **lists)
    (text,) = result["warnings"]
    assert "not everything went well on pve1" in text
    assert "you need ifupdown2" in text
    peers.forget()
    result = good(api, **lists)
    assert result["changed"]
    assert result["changes"] == []
    assert "What is applied has not been loaded on pve1: it is applied once more." in result["warnings"]
    assert api.writes == applied(api)
    # what the cluster has been told is old; the node itself knows better
    assert not good(api, **lists)["changed"]
    assert (api.root / "etc/network/interfaces.d/sdn").read_text().startswith("#version:2\n")


# -- what is wrong


@pytest.mark.parametrize(
    ("lists", "sentence"),
    [
        (
            {"zones": [{"zone": "toolongname", "type": "simple"}]},
            "zone is 'toolongname', not 2 to 8 letters and digits",
        ),
        ({"zones": [{"zone": "lan", "type": "vlan"}]}, "to create it, vlan needs bridge"),
        ({"zones": [{"zone": "lan", "type": "simple", "bridge": "vmbr0"}]}, "bridge: simple has no such setting"),
        ({"zones": [{"zone": "tu", "type": "vxlan"}]}, "peers, fabric: it needs one of them, and not both"),
        (
            {"zones": [{"zone": "deep", "type": "evpn", "controller": "c1", "vrf_vxlan": 1}]},
            "zone 'deep': controller: expected a controller that there is, found 'c1'",
        ),
        ({"vnets": [{"vnet": "web", "zone": "lan"}]}, "vnet 'web': zone: expected a zone that there is, found 'lan'"),
        (
            {"vnets": [{"vnet": "web", "zone": "lan"}], "zones": [{"zone": "lan", "type": "vlan", "bridge": "b"}]},
            "vnet 'web': tag: expected a tag, because the zone 'lan' is of type vlan, found none",
        ),
        (
            {"vnets": [{"vnet": "web", "zone": "si", "tag": 3}], "zones": [{"zone": "si", "type": "simple"}]},
            "vnet 'web': tag: expected none, because the zone 'si' is a simple one, found 3",
        ),
        (
            {
                "vnets": [{"vnet": "v1", "zone": "lan", "tag": 3}, {"vnet": "v2", "zone": "lan", "tag": 3}],
                "zones": [{"zone": "lan", "type": "vlan", "bridge": "b"}],
            },
            "vnet 'v2': tag: expected a tag of its own, found 3, which 'v1' has",
        ),
        ({"subnets": [{"vnet": "lab", "subnet": "10.0.0.1/24"}]}, "subnet is '10.0.0.1/24', not a network"),
        (
            {"subnets": [{"vnet": "lab", "subnet": "10.0.0.0/24", "gateway": "10.0.1.1"}]},
            "gateway is '10.0.1.1', not an address in 10.0.0.0/24",
        ),
        (
            {
                "subnets": [
                    {
                        "vnet": "lab",
                        "subnet": "10.0.0.0/24",
                        "dhcp_range": [
                            {"start_address": "10.0.0.9", "end_address": "10.0.0.5"},
                            {"start_address": "10.0.1.9", "end_address": "10.0.1.9"},
                        ],
                    }
                ]
            },
            "dhcp_range: 10.0.0.9 comes after 10.0.0.5; dhcp_range: start_address is '10.0.1.9'",
        ),
    ],
)
def test_refused_before_anything_is_changed(api: StandIn, lists: dict[str, Any], sentence: str) -> None:
    result = bad(api, **lists)
    assert sentence in result["msg"]
    assert "othing was changed" in result["msg"]
    assert api.writes == []


def test_what_stays_is_not_undermined(api: StandIn) -> None:
    have(api, zones=ZONES, vnets=VNETS, subnets=SUBNETS)
    for lists, sentence in (
        ({"zones": []}, "zone 'inner' cannot be removed: vnet 'lab' is built on it"),
        ({"vnets": []}, "vnet 'lab' cannot be removed: subnet 'lab 10.50.0.0/24' is built on it"),
        (
            {"vnets": [{"vnet": "lab", "zone": "lan", "tag": 5}, {"vnet": "web", "zone": "lan", "tag": 30}]},
            "vnet 'lab': zone: cannot change while it has subnets (lab 10.50.0.0/24)",
        ),
        ({"vnets": [{"vnet": "x1", "zone": "lan", "tag": 30}]}, ""),
    ):
        result = run(api, **lists, state="overridden" if sentence else "merged")
        assert result["failed"]
        assert (sentence or "vnet 'x1': tag: expected a tag of its own, found 30, which 'web' has") in result["msg"]
        assert api.writes == []


def test_what_8_does_not_know(tmp_path: Path, monkeypatch: Any) -> None:
    api = StandIn(tmp_path / "node", monkeypatch, "8.4")
    result = bad(api, zones=[{"zone": "tu", "type": "vxlan", "fabric": "f1"}])
    assert "fabric: needs Proxmox VE 9.0 or later, this is 8.4" in result["msg"]
    assert api.writes == []
