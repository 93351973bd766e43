"""Ceph without Ceph: refusals, and what is made of the monitors' answers."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ceph_monitors import Monitors
from pvestandin import disks as all_disks
from pvestandin import dispatch, registry
from pvestandin.api import ceph_cluster
from pvestandin.ceph import backend, disks, fs, images, install, mon, network, osd, pools, releases, services
from pvestandin.ceph import node as ceph_node
from pvestandin.dispatch import Answer, Call
from pvestandin.errors import ApiError, Failure


@pytest.fixture(autouse=True)
def world(node: Any) -> Any:
    registry.load()
    node.write("user.cfg", "user:root@pam:1:0::::::\n")
    return node


def call(method: str, path: str, user: str = "root@pam", **params: Any) -> Answer:
    return dispatch.answer(Call(method, path, params, user))


def install_binaries(world: Any) -> None:
    for path in ceph_node.BINARIES.values():
        binary = world.root / path.lstrip("/")
        binary.parent.mkdir(parents=True, exist_ok=True)
        binary.write_text("#!/bin/sh\necho 'ceph version 18.2.7 (6b0e988052ec) reef (stable)'\n")
        binary.chmod(0o755)


# -- refusals


def test_without_packages() -> None:
    assert call("GET", "/nodes/pve1/ceph/status").message == "binary not installed: /usr/bin/ceph-mon"
    refused = call("POST", "/nodes/pve1/ceph/init")
    assert (refused.status, refused.message) == (500, "Ceph Nautilus required - please run 'pveceph install'")


def test_without_configuration(world: Any) -> None:
    install_binaries(world)
    expected = "pveceph configuration not initialized - missing '/etc/pve/ceph.conf', missing '/etc/pve/ceph'"
    assert call("GET", "/nodes/pve1/ceph/osd").message == expected
    assert call("POST", "/nodes/pve1/ceph/mon/pve1").message == expected


def test_while_apt_installs_it_is_not_there(world: Any) -> None:
    install_binaries(world)
    (world.root / "run").mkdir(exist_ok=True)
    (world.root / ceph_node.INSTALLING.lstrip("/")).touch()
    assert call("GET", "/nodes/pve1/ceph/pool").message == "binary not installed: /usr/bin/ceph-mon"


def test_osds_are_for_root_itself() -> None:
    assert call("POST", "/nodes/pve1/ceph/osd", "root@pam!cap", dev="/dev/sdb").message == (
        "Permission check failed (user != root@pam)"
    )


def test_version(world: Any) -> None:
    install_binaries(world)
    assert ceph_node.version() == ("18.2.7", "6b0e988052ec")
    assert ceph_node.parse_version("ceph version 16.2.15+ds (618f440892089921c3) pacific") == (
        "16.2.15",
        "618f440892089921c3",
    )
    assert ceph_node.parse_version("nonsense") is None


# -- packages


@pytest.mark.parametrize(
    ("release", "names", "default"),
    [("9.2", ["squid", "tentacle"], "tentacle"), ("8.4", ["quincy", "reef", "squid"], "quincy")],
)
def test_releases(world: Any, release: str, names: list[str], default: str) -> None:
    world.set_release(release)
    assert (releases.available(), releases.default()) == (names, default)
    assert ("manual" in install.options()["repository"]["enum"]) == (release == "9.2")


def test_apt_source(world: Any) -> None:
    file, text = install.source("squid", "no-subscription")
    assert file == "/etc/apt/sources.list.d/ceph.sources"
    assert "URIs: http://download.proxmox.com/debian/ceph-squid\nSuites: trixie\nComponents: no-subscription\n" in text
    world.set_release("8.4")
    assert install.source("reef", "enterprise") == (
        "/etc/apt/sources.list.d/ceph.list",
        "deb https://enterprise.proxmox.com/debian/ceph-reef bookworm enterprise\n",
    )


# -- monitors


def test_addresses_of_a_new_monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"10.98.0.0/24": ["10.98.0.11"], "10.97.0.0/24": ["10.97.0.11", "10.97.0.12"], "10.96.0.0/24": []}
    monkeypatch.setattr(network, "local_addresses", known.__getitem__)

    def found(public: str, wanted: str | None = None) -> list[str]:
        return mon.addresses({"global": {"public_network": public}}, None, "pve1", wanted)

    assert found("10.98.0.0/24") == ["10.98.0.11"]
    assert found("10.97.0.0/24", "10.97.0.12") == ["10.97.0.12"]
    for public, wanted, expected in (
        (
            "10.96.0.0/24",
            None,
            "No active IP found for the requested ceph public network '10.96.0.0/24' on node 'pve1'",
        ),
        ("10.97.0.0/24", None, "Multiple IPs for ceph public network '10.97.0.0/24' detected on pve1:"),
        ("10.98.0.0/24", "10.98.0.99", "Specified monitor IP '10.98.0.99' not configured or up on pve1!"),
    ):
        with pytest.raises(Failure) as error:
            found(public, wanted)
        assert error.value.message.splitlines()[0] == expected


def test_a_monitor_is_made_once() -> None:
    conf = {"global": {"mon_host": "10.98.0.11"}}
    with pytest.raises(Failure, match=r"monitor address '10\.98\.0\.11' already in use"):
        mon.assert_new(conf, {}, "pve1", ["10.98.0.11"])
    with pytest.raises(Failure, match="monitor 'pve1' already exists"):
        mon.assert_new({}, {"pve1": {}}, "pve1", ["10.98.0.12"])
    mon.assert_new(conf, {"pve1": {"addr": "10.98.0.11:6789/0"}}, "pve2", ["10.98.0.12"])


def test_the_last_monitor_stays(world: Any) -> None:
    directory = world.root / "var/lib/ceph/mon/ceph-pve1"
    with pytest.raises(Failure) as error:
        mon.assert_removable([{"name": "pve1"}], "pve1")
    assert error.value.code == 2
    directory.mkdir(parents=True)
    with pytest.raises(Failure, match="can't remove last monitor"):
        mon.assert_removable([{"name": "pve1"}], "pve1")


def test_what_is_known_of_services(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"pve1": {"pve1": {"service": True, "direxists": True}}, "pve2": {"pve2": {"direxists": True}}}
    monkeypatch.setattr(services, "told", lambda key: told if key == "ceph-mon" else {})
    conf = {"mon.pve1": {"public_addr": "10.98.0.11"}, "mon.old": {"host": "gone"}}
    metadata = [{"name": "pve1", "hostname": "pve1", "ceph_version_short": "18.2.7", "addr": "other"}]
    found = services.information("mon", conf, Monitors(mon_metadata=metadata))  # type: ignore[arg-type]
    assert (found["pve1"]["state"], found["pve1"]["addr"], found["pve1"]["ceph_version_short"]) == (
        "stopped",
        "10.98.0.11",
        "18.2.7",
    )
    assert found["pve2"]["state"] == "unknown"
    assert "old" not in found, "no node has told of it"


def test_what_a_node_has_is_told_every_ten_seconds(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    install_binaries(world)
    told = []
    monkeypatch.setattr(services, "broadcast", lambda: told.append("services"))
    monkeypatch.setattr(services, "broadcast_version", lambda: told.append("version"))
    services.refresh()
    services.refresh()
    assert told == ["services", "version"]
    stamp = world.root / "run/pve-standin/ceph-told"
    os.utime(stamp, (stamp.stat().st_mtime - 11,) * 2)
    services.refresh()
    assert len(told) == 4


def test_states_of_metadata_servers() -> None:
    fsmap = {
        "standbys": [{"name": "b", "rank": -1, "state": "up:standby", "addr": "x"}],
        "filesystems": [
            {"mdsmap": {"fs_name": "cephfs", "info": {"gid_1": {"name": "a", "rank": 0, "state": "up:active"}}}}
        ],
    }
    monitors: Any = Monitors(mds_stat={"fsmap": fsmap})
    found = services.mds_states(monitors)
    assert (found["a"]["fs_name"], found["a"]["state"], found["b"]["standby_replay"]) == ("cephfs", "up:active", False)
    assert services.mds_active(monitors, "cephfs")
    assert not services.mds_active(monitors, "other")


# -- pools


def test_a_pool_that_exists_is_reset(capsys: pytest.CaptureFixture[str]) -> None:
    current = {"size": 2, "min_size": 1, "pg_num": 128, "pg_autoscale_mode": "on"}
    monitors: Any = Monitors(osd_pool_get=current)
    values = {"size": 3, "min_size": 2, "pg_num": 128, "application": "rbd", "pg_autoscale_mode": "warn"}
    pools.create(monitors, "p2", values)
    assert monitors.words == [
        "osd pool create p2 128 plain",
        "osd pool get p2 all json",
        "osd pool set p2 size 3 plain",
        "osd pool application enable p2 rbd",
        "osd pool set p2 min_size 2 plain",
        "osd pool set p2 pg_autoscale_mode warn plain",
    ]
    assert capsys.readouterr().out == (
        "pool p2: applying size = 3\npool p2: applying application = rbd\npool p2: applying min_size = 2\n"
        "pool p2: applying pg_autoscale_mode = warn\nskipping 'pg_num', did not change\n"
    )


def test_what_cannot_be_set_is_named() -> None:
    monitors: Any = Monitors(osd_pool_get={"size": 3}, osd_pool_set=Failure("error with 'osd pool set': no"))
    with pytest.raises(Failure, match="Could not set: min_size, size"):
        pools.change(monitors, "p", {"min_size": 9, "size": 1, "application": "rbd"})


def test_size_of_an_erasure_coded_pool_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    monitors: Any = Monitors(osd_pool_get={"erasure_code_profile": "x", "size": 3})
    pools.change(monitors, "p", {"size": 2})
    assert monitors.words == ["osd pool get p all json"]
    assert "cannot set 'size' for erasure coded pool" in capsys.readouterr().out


def test_erasure_coding() -> None:
    monitors: Any = Monitors(**{"osd erasure-code-profile ls": ["default"]})
    assert pools.coding("k=2,m=1,failure-domain=osd", monitors) == {"k": "2", "m": "1", "failure-domain": "osd"}
    assert pools.coding(None, monitors) is None
    with pytest.raises(Failure, match="Erasure code profile 'x' does not exist"):
        pools.coding("profile=x,k=2,m=1", monitors)
    pools.make_profile(monitors, "pve_ec_p", {"k": "2", "m": "1", "device-class": "ssd"})
    assert monitors.asked[-1][1]["profile"] == [
        "crush-failure-domain=host",
        "k=2",
        "m=1",
        "crush-device-class=ssd",
    ]


@pytest.mark.parametrize(("text", "size"), [("10", 10), ("1.5K", 1536), ("2G", 2 * 2**30)])
def test_sizes(text: str, size: int) -> None:
    assert pools.settings({"node": "x", "name": "y", "target_size": text}) == {"target_size_bytes": size}


def test_an_entry_of_the_list_of_pools() -> None:
    pool = {"pool": 2, "pool_name": "p", "type": 3, "size": 3, "crush_rule": 1, "options": {"pg_num_min": 8}}
    scaled = {"p": {"pg_num_final": 32}}
    found = pools.described(pool, {2: {"bytes_used": 5, "percent_used": 0.5, "more": 1}}, {1: "rule"}, scaled)
    assert (found["type"], found["pg_num_final"], found["pg_num_min"], found["target_size"]) == ("erasure", 32, 8, None)
    assert (found["crush_rule_name"], found["bytes_used"]) == ("rule", 5)
    assert "autoscale_status" not in pools.described(pool, {}, {}, None)


def test_storages_on_a_pool(world: Any) -> None:
    world.write(
        "storage.cfg",
        "rbd: a\n\tpool p\n\nrbd: c\n\tpool m\n\tdata-pool p\n\nrbd: d\n\nrbd: e\n\tpool other\n\n",
    )
    assert set(pools.storages("p")) == {"a", "c"}
    assert set(pools.storages("rbd")) == {"d"}


def test_a_pool_of_a_disabled_storage_is_not_destroyed(world: Any) -> None:
    world.write("storage.cfg", "rbd: a\n\tpool p\n\tdisable 1\n\nrbd: b\n\tpool q\n\tnodes pve2\n\n")
    for pool, sentence in (("p", "storage 'a' is disabled"), ("q", "storage 'b' is not available on node 'pve1'")):
        with pytest.raises(Failure, match=sentence):
            pools.destroy_work(pool, force=False, with_storages=False, with_profile=False)


# -- file systems


@pytest.mark.parametrize(("pg_num", "metadata"), [(128, 32), (32, 8), (16, 8), (50, 12.5)])
def test_the_metadata_pool_has_a_quarter(pg_num: int, metadata: float) -> None:
    assert fs.quarter(pg_num) == metadata


def test_a_file_system_needs_a_standby() -> None:
    def refusal(**answers: Any) -> str:
        monitors: Any = Monitors(**{"osd_lspools": [], "fs_ls": [], **answers})
        with pytest.raises(Failure) as error:
            fs.assert_possible(monitors, "cephfs")
        return error.value.message

    none = {"fsmap": {"standbys": [], "filesystems": []}}
    assert refusal(osd_lspools=[{"poolname": "cephfs_data"}]) == (
        "ceph pools 'cephfs_data' and/or 'cephfs_metadata' already exist"
    )
    assert refusal(fs_ls=[{"name": "cephfs"}]) == "ceph fs 'cephfs' already exists"
    assert refusal(mds_stat=none) == "no running Metadata Server (MDS) found!"


# -- OSDs


def test_the_tree_of_osds() -> None:
    rows = [
        {"id": -1, "name": "default", "type": "root", "children": [-3]},
        {"id": -3, "name": "pve1", "type": "host", "children": [0, 1]},
        {"id": 0, "name": "osd.0", "type": "osd", "status": "up", "crush_weight": 0.01},
        {"id": 1, "name": "osd.1", "type": "osd", "status": "down"},
    ]
    stats = {0: {"kb": 1024, "kb_used": 512, "perf_stat": {"commit_latency_ms": 1, "apply_latency_ms": 2}}}
    metadata = {0: {"id": 0, "bluefs": "1", "bluestore_bdev_dev_node": "/dev/sdb"}, 1: {"id": 1}}
    versions = {"pve1": {"version": {"str": "18.2.7"}}}
    found = osd.assemble(rows, {0: {"in": 1}, 1: {"in": 0}}, stats, metadata, versions, "noout")
    host = found["root"]["children"][0]["children"][0]
    assert (found["flags"], host["version"], host["leaf"]) == ("noout", "18.2.7", 0)
    first, second = host["children"]
    assert (first["id"], first["host"], first["leaf"], first["percent_used"]) == ("0", "pve1", 1, 50)
    assert (first["osdtype"], first["blfsdev"], second["osdtype"], second["in"]) == (
        "bluestore",
        "/dev/sdb",
        "filestore",
        0,
    )


def test_an_osd_in_use_is_not_removed() -> None:
    tree = {"nodes": [{"id": -3, "name": "pve1", "type": "host", "children": [0]}]}

    def refusal(name: str, **state: int) -> str:
        monitors: Any = Monitors(osd_tree=tree, osd_dump={"osds": [{"osd": 0, **state}]})
        with pytest.raises(Failure) as error:
            osd.assert_removable(monitors, name, 0)
        return error.value.message

    assert refusal("pve2").startswith("OSD osd.0 does not belong to node pve2! at /usr/share/perl5/")
    assert refusal("pve1", **{"in": 1, "up": 1}) == "osd is in use (in == 1)"
    assert refusal("pve1", **{"in": 0, "up": 1}) == "osd is still running (up == 1)"


@pytest.mark.parametrize(
    ("kind", "found", "sentence"),
    [
        ("dev", None, "unable to get device info for '/dev/sdb'"),
        ("db_dev", None, "unable to get device info for '/dev/sdb' for type db_dev"),
        ("dev", disks.Disk("/dev/sdb", 1, "ext4"), "device '/dev/sdb' is already in use"),
        ("dev", disks.Disk("/dev/sdb", 1, "partitions", True), "device '/dev/sdb' is already in use"),
        ("db_dev", disks.Disk("/dev/sdb", 1, "partitions"), "device '/dev/sdb' is not GPT partitioned"),
        ("db_dev", disks.Disk("/dev/sdb", 1, "xfs"), "device '/dev/sdb' is already in use and has no LVM on it"),
    ],
)
def test_disks_that_are_refused(
    monkeypatch: pytest.MonkeyPatch, kind: str, found: disks.Disk | None, sentence: str
) -> None:
    monkeypatch.setattr(disks, "inspect", lambda path: found)
    with pytest.raises(Failure) as error:
        osd.check({kind: "/dev/sdb"})
    assert error.value.message == sentence


def test_disks_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {
        "/dev/sdb": disks.Disk("/dev/sdb", 1, None),
        "/dev/sdc": disks.Disk("/dev/sdc", 1, "LVM"),
        "/dev/sdd": disks.Disk("/dev/sdd", 1, "partitions", True),
    }
    monkeypatch.setattr(disks, "inspect", known.__getitem__)
    assert set(osd.check({"dev": "/dev/sdb", "db_dev": "/dev/sdc", "wal_dev": "/dev/sdd"})) == {
        "dev",
        "db_dev",
        "wal_dev",
    }


def test_a_device_is_used_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "verify", lambda path: "/dev/sdb")
    with pytest.raises(ApiError) as error:
        osd.devices({"dev": "/dev/disk/by-id/x", "db_dev": "/dev/sdb"})
    assert error.value.errors == {"db_dev": "cannot chose '/dev/sdb' for more than one type."}


def test_what_is_no_block_device() -> None:
    with pytest.raises(Failure, match="got unusual device path '/etc/passwd'"):
        disks.verify("/etc/passwd")
    with pytest.raises(Failure, match="not a valid block device") as error:
        disks.verify("/dev/nosuch")
    assert error.value.code == 2


@pytest.mark.parametrize(
    ("wish", "made", "words"),
    [
        ({}, {}, "create --data /dev/sdb"),
        ({"encrypted": True, "device_class": "ssd"}, {}, "create --crush-device-class ssd --data /dev/sdb --dmcrypt"),
        ({}, {"db": "vg/db", "wal": "vg/wal"}, "create --block.db vg/db --block.wal vg/wal --data /dev/sdb"),
        ({"count": 2}, {}, "batch --osds-per-device 2 --yes --no-auto -- /dev/sdb"),
    ],
)
def test_the_command_that_makes_an_osd(wish: dict[str, Any], made: dict[str, str], words: str) -> None:
    found = backend.Wish(disks.Disk("/dev/sdb", 2**30, None), **wish).command(**made)
    assert " ".join(found) == f"ceph-volume lvm {words}"


def test_the_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PVE_STANDIN_OSD", "raw")
    assert isinstance(backend.chosen(), backend.Raw)
    monkeypatch.setenv("PVE_STANDIN_OSD", "lvm")
    assert isinstance(backend.chosen(), backend.Lvm)


def test_osds_straight_on_a_device(world: Any) -> None:
    data = world.root / "var/lib/ceph/osd/ceph-7"
    data.mkdir(parents=True)
    (data / "block").symlink_to("/dev/sdb")
    (data / "block.db").symlink_to("/dev/sdc")
    own, other = "11111111-2222-4333-8444-555555555555", "99999999-8888-4777-8666-555555555555"
    (data / "fsid").write_text(f"{own}\n")
    (world.root / "dev").mkdir(exist_ok=True)
    for name in ("sdb", "sdc"):
        (world.root / "dev" / name).write_text(f"bluestore block device\n{own}\n")
    assert backend.Raw().volumes()["7"][0]["devices"] == ["/dev/sdb"]
    assert all_disks._raw_osds() == {
        "/dev/sdb": {"osdid": "7", "osdid-list": ["7"], "bluestore": 1},
        "/dev/sdc": {"db": 1},
    }
    # another disk under the old name
    (world.root / "dev/sdb").write_text(f"bluestore block device\n{other}\n")
    assert all_disks._raw_osds() == {"/dev/sdc": {"db": 1}}


# -- storages


def test_how_a_storage_reaches_its_cluster(world: Any) -> None:
    world.write("priv/ceph/own.keyring", "x")
    found = images.command("own", {"type": "rbd", "pool": "p"}, "ls")
    assert found == [
        *("/usr/bin/rbd", "-p", "p", "-c", "/etc/pve/ceph.conf", "--auth_supported", "cephx", "-n", "client.admin"),
        *("--keyring", "/etc/pve/priv/ceph/own.keyring", "ls"),
    ]
    outside = images.options("far", {"type": "rbd", "monhost": "10.0.0.1;10.0.0.2", "username": "vm"})
    assert outside == {"id": "vm", "auth": "none", "monhost": "10.0.0.1,10.0.0.2"}


@pytest.mark.parametrize(
    ("kernel", "kind", "options"),
    [
        (True, "ceph", "name=admin,secretfile=/etc/pve/priv/ceph/c.secret,conf=/etc/pve/ceph.conf,fs=data,noatime"),
        (
            False,
            "fuse.ceph",
            "ceph.id=admin,ceph.keyfile=/etc/pve/priv/ceph/c.secret,ceph.conf=/etc/pve/ceph.conf,"
            "ceph.client_fs=data,noatime",
        ),
    ],
)
def test_the_mount_of_a_cephfs(world: Any, kernel: bool, kind: str, options: str) -> None:
    world.write("priv/ceph/c.secret", "x")
    world.write("ceph.conf", "[global]\n\tmon_host = 10.98.0.12 10.98.0.11\n")
    section = {"type": "cephfs", "path": "/mnt/pve/c", "fs-name": "data", "options": "noatime"}
    unit = images.mount_unit("c", section, kernel=kernel)
    assert "What=10.98.0.11,10.98.0.12:/\nWhere=/mnt/pve/c\n" in unit
    assert unit.endswith(f"Type={kind}\nOptions={options}\n")


# -- what else


def test_metadata_with_what_the_nodes_say() -> None:
    told = {"pve1": {"a": {"service": True}}, "pve2": {"b": {"direxists": True}}}
    metadata = [{"name": "a", "hostname": "pve1", "addr": "x"}, {"name": "dead"}]
    assert ceph_cluster.merged(told, metadata) == {
        "a@pve1": {"name": "a", "hostname": "pve1", "addr": "x", "service": True},
        "b@pve2": {"direxists": True},
    }


@pytest.mark.parametrize(("flags", "now"), [("noout,pauserd,pausewr", {"noout", "pause"}), ("sortbitwise", set())])
def test_flags(flags: str, now: set[str]) -> None:
    monitors: Any = Monitors(osd_dump={"flags": flags})
    assert ceph_cluster._set_now(monitors) == now
