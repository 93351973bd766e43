"""Where Proxmox 8.4 answers otherwise than 9 about Ceph."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from ceph_monitors import Monitors
from pvestandin import schema
from pvestandin.api import ceph as ceph_api
from pvestandin.api import ceph_osd
from pvestandin.ceph import fs, mds, pools, rados, services

AUTOSCALE = "osd_pool_autoscale-status"


@pytest.fixture(autouse=True)
def world(node: Any) -> Any:
    return node


def test_flags_of_services_in_the_older_release(world: Any) -> None:
    (world.root / "var/lib/ceph/mgr/ceph-pve1").mkdir(parents=True)
    world.set_release("8.4")
    assert json.dumps(services.local()["mgr"]) == '{"pve1": {"direxists": 1}}'


def test_local_services(world: Any) -> None:
    wants = world.root / "etc/systemd/system/ceph-mgr.target.wants"
    wants.mkdir(parents=True)
    (wants / "ceph-mgr@pve1.service").touch()
    (world.root / "var/lib/ceph/mgr/ceph-pve1").mkdir(parents=True)
    (world.root / "var/lib/ceph/osd/ceph-3").mkdir(parents=True)
    found = services.local()
    assert found["mgr"] == {"pve1": {"service": True, "direxists": True}}
    assert found["osd"] == {"3": {"direxists": True}}


def test_file_systems_in_the_older_release(world: Any) -> None:
    entry = {"name": "c", "metadata_pool": "m", "metadata_pool_id": 2, "data_pools": ["d"], "data_pool_ids": [1]}
    monitors: Any = Monitors(fs_ls=[entry])
    assert fs.listed(monitors) == [{**entry, "data_pool": "d"}]
    world.set_release("8.4")
    assert fs.listed(monitors) == [{"name": "c", "metadata_pool": "m", "data_pool": "d"}]


def test_settings_by_section_and_key(world: Any) -> None:
    stored = [("global", "osd_pool_default_size", "2"), ("global", "debug", "1")]
    written = [("osd", "debug", "1"), ("global", "osd-pool-default-size", "3")]
    keys = "global:osd_pool_default_size,osd:none"
    assert ceph_api.chosen(keys, stored, written) == {"global": {"osd-pool-default-size": "3"}}
    world.set_release("8.4")
    assert ceph_api.chosen(keys, stored, written) == {"global": {"osd-pool-default-size": "3", "debug": "1"}}


def test_flags_of_a_pool(world: Any) -> None:
    monitors: Any = Monitors(osd_pool_get={"pool_id": 1, "noscrub": False, "hashpspool": True})
    found = pools.status(monitors, "p", verbose=False)
    assert (found["noscrub"], found["hashpspool"]) == (False, True)
    world.set_release("8.4")
    found = pools.status(monitors, "p", verbose=False)
    assert (found["noscrub"], found["hashpspool"], found["fast_read"]) == ("0", "1", "")


def test_numbers_of_a_pool(world: Any) -> None:
    pool = {"pool": 2, "pool_name": "p", "type": 1, "crush_rule": 0}
    found = pools.described(pool, {}, {}, {"other": {}})
    assert (found["pool"], found["autoscale_status"]) == (2, {})
    world.set_release("8.4")
    found = pools.described(pool, {}, {0: "rule"}, {})
    assert (found["pool"], found["crush_rule"], found["crush_rule_name"]) == ("2", "0", "rule")


def test_statistics_of_a_pool(world: Any) -> None:
    usage = {"pools": [{"name": "p", "stats": {"used": 1}}, {"name": "q", "stats": {"used": 2}}]}
    monitors: Any = Monitors(osd_pool_get={"pool_id": 1}, df=usage, osd_pool_application_get={}, **{AUTOSCALE: []})
    assert pools.status(monitors, "p", verbose=True)["statistics"] == {"used": 1}
    world.set_release("8.4")
    assert pools.status(monitors, "p", verbose=True)["statistics"] == {"used": 2}


def test_what_a_parameter_requires(world: Any) -> None:
    table = {"a": {"type": "string", "optional": 1, "requires": "b"}, "b": {"type": "string", "optional": 1}}

    def refusal() -> str:
        errors: dict[str, str] = {}
        schema.check_object("", table, {"a": "x"}, errors)
        return errors["b"]

    assert refusal() == "missing property required by 'a'"
    world.set_release("8.4")
    assert refusal() == "missing property - 'a' requires this property"


@pytest.mark.parametrize(
    ("release", "section"),
    [("9.2", "host = pve1\n"), ("8.4", "host = pve1\n\tmds_standby_for_name = pve\n\tmds_standby_replay = true\n")],
)
def test_the_section_of_a_hot_standby(world: Any, monkeypatch: pytest.MonkeyPatch, release: str, section: str) -> None:
    world.set_release(release)
    monkeypatch.setattr(rados, "connect", lambda *arguments: contextlib.nullcontext())
    monkeypatch.setattr(services, "create_mds", lambda *arguments: None)
    mds.create("pve1", "pve1", hotstandby=True)
    assert f"[mds.pve1]\n\t{section}\n" in (world.pve / "ceph.conf").read_text()


def test_details_of_an_osd_that_is_down(world: Any) -> None:
    metadata = {"id": 0, "hostname": "pve1", "bluestore_bdev_size": "10", "bluestore_bdev_support_discard": "1"}
    found = ceph_osd.details(metadata, 0)
    assert (found["osd"].get("pid"), found["osd"]["encrypted"]) == (None, 0)
    assert found["devices"][0]["support_discard"] is True
    world.set_release("8.4")
    found = ceph_osd.details(metadata, 0)
    assert (found["osd"]["pid"], "encrypted" in found["osd"]) == (0, False)
    assert json.dumps(found["devices"][0]["support_discard"]) == "1"
