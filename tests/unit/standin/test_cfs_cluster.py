"""Adding and removing nodes, and who may join: on a plain directory in place of /etc/pve."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cfs_samples import THREE
from pvestandin import cluster, corosyncconf, join, rootssh
from pvestandin.errors import ApiError, Failure


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PVE_STANDIN_ROOT", str(tmp_path))
    monkeypatch.setenv("PVE_STANDIN_NODE", "pve1")
    for directory in ("etc/pve/nodes/pve1", "etc/pve/priv", "etc/corosync", "root/.ssh", "run/lock", "var"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "var/lock").symlink_to(tmp_path / "run/lock")
    (tmp_path / "etc/pve/local").symlink_to("nodes/pve1")
    (tmp_path / "etc/pve/corosync.conf").write_text(THREE)
    (tmp_path / "etc/corosync/authkey").write_bytes(bytes(range(256)))
    monkeypatch.setattr(cluster, "_log", lambda text: None)
    return tmp_path


def added(**params: Any) -> dict[str, str]:
    cluster.add_node({"node": "pve3", "apiversion": 1, **params})
    return corosyncconf.read()["nodelist"]["node"]["pve3"]


LINKS = {"link0": "10.98.0.13", "link1": "10.99.0.13"}


def test_a_node_is_added(node: Path) -> None:
    answer = cluster.add_node({"node": "pve3", "apiversion": 1, **LINKS})
    assert answer["corosync_authkey"].encode("latin-1") == bytes(range(256))
    conf = corosyncconf.parse(answer["corosync_conf"])
    assert conf["totem"]["config_version"] == "4"
    assert conf["nodelist"]["node"]["pve3"] == {
        "name": "pve3",
        "nodeid": "3",
        "quorum_votes": "1",
        "ring0_addr": "10.98.0.13",
        "ring1_addr": "10.99.0.13",
    }
    assert (node / "etc/pve/nodes/pve3/qemu-server").is_dir()
    assert not (node / "etc/pve/corosync.conf.new").exists()


def test_votes_and_ids(node: Path) -> None:
    assert added(**LINKS, votes=0, nodeid=9) == {
        "name": "pve3",
        "nodeid": "9",
        "ring0_addr": "10.98.0.13",
        "ring1_addr": "10.99.0.13",
    }


def test_the_lowest_free_id_is_taken(node: Path) -> None:
    (node / "etc/pve/corosync.conf").write_text(THREE.replace("nodeid: 1", "nodeid: 3"))
    assert added(**LINKS)["nodeid"] == "1"


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"link0": "10.98.0.13"}, "corosync: link 1 exists in cluster config but wasn't specified for new node"),
        ({**LINKS, "link2": "10.97.0.13"}, "corosync: link 2 specified for new node doesn't exist in cluster config"),
        (
            {**LINKS, "link0": "10.98.0.12"},
            "corosync: address '10.98.0.12' already used on link ring0_addr by node 'pve2'",
        ),
        ({}, "no links and no fallback ip (new_node_ip) given, cannot join cluster"),
        (
            {"new_node_ip": "10.99.0.13"},
            "no links given but multiple links found on other nodes, fallback only supported on single-link clusters",
        ),
        ({**LINKS, "node": "pve2"}, "can't add existing node 'pve2'"),
        ({**LINKS, "node": "pve2", "force": 1, "nodeid": 7}, "can't add existing node 'pve2'"),
    ],
)
def test_refusals(node: Path, params: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Failure, match=f"^{re.escape(sentence)}$"):
        cluster.add_node({"node": "pve3", "apiversion": 1, **params})
    assert (node / "etc/pve/corosync.conf").read_text() == THREE


def test_a_known_node_is_added_again_by_force(node: Path) -> None:
    cluster.add_node({"node": "pve2", "apiversion": 1, "force": 1, "link0": "10.98.0.22", "link1": "10.99.0.12"})
    assert corosyncconf.read()["nodelist"]["node"]["pve2"] == {
        "name": "pve2",
        "nodeid": "2",
        "quorum_votes": "1",
        "ring0_addr": "10.98.0.22",
        "ring1_addr": "10.99.0.12",
    }


def test_a_single_link_takes_the_fallback_address(node: Path) -> None:
    text = re.sub(r"    ring1_addr: .*\n|  interface \{\n    linknumber: 1\n  \}\n", "", THREE)
    (node / "etc/pve/corosync.conf").write_text(text)
    assert added(new_node_ip="10.99.0.13")["ring0_addr"] == "10.99.0.13"


def test_a_broken_configuration_is_not_touched(node: Path) -> None:
    (node / "etc/pve/corosync.conf").write_text(THREE.replace("    ring1_addr: 10.99.0.12\n", ""))
    with pytest.raises(ApiError) as caught:
        cluster.add_node({"node": "pve3", "apiversion": 1, **LINKS})
    assert caught.value.message == "invalid corosync.conf"
    assert caught.value.errors == {"error0": "node 'pve2' is missing address forinterface number 1"}


def test_delete_node(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[tuple[str, ...]] = []
    monkeypatch.setattr(cluster, "run", lambda *command: commands.append(command))
    with pytest.raises(Failure, match=r"^Cannot delete myself from cluster!$"):
        cluster.delete_node("pve1")
    with pytest.raises(Failure, match=r"^Node/IP: pve9 is not a known host of the cluster\.$"):
        cluster.delete_node("pve9")
    cluster.delete_node("10.98.0.12")
    assert commands == [("corosync-cfgtool", "-k", "2")]
    assert list(corosyncconf.read()["nodelist"]["node"]) == ["pve1"]


def test_join_info_of_a_node_alone(node: Path) -> None:
    (node / "etc/pve/corosync.conf").unlink()
    with pytest.raises(ApiError) as caught:
        cluster.join_info(None)
    assert (caught.value.status, caught.value.message) == (424, "node is not in a cluster, no join info available!")


def test_who_may_join(node: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    class Done:
        returncode = 1
        stdout = json.dumps([{"addr_info": [{"local": "10.99.0.11"}]}]).encode()

    monkeypatch.setattr(join.subprocess, "run", lambda *_, **__: Done)
    (node / "etc/pve/.vmlist").write_text('{"version": 1, "ids": {"100": {}}}')
    with pytest.raises(Failure, match=r"^Check if node may join a cluster failed!$"):
        join.assert_joinable("10.99.0.11", {0: {"address": "10.98.0.11"}}, False)
    assert capfd.readouterr().err == (
        "detected the following error(s):\n* authentication key '/etc/corosync/authkey' already exists\n"
        "* cluster config '/etc/pve/corosync.conf' already exists\n* this host already contains virtual guests\n"
        "* link0: cannot use IP '10.98.0.11', not found on local node!\n\n"
    )
    join.assert_joinable("10.99.0.11", {}, True)
    for file in ("etc/corosync/authkey", "etc/pve/corosync.conf", "etc/pve/.vmlist"):
        (node / file).unlink()
    join.assert_joinable("10.99.0.11", {}, False)


def test_the_first_node_shares_its_keys(node: Path) -> None:
    own, shared = node / "root/.ssh/authorized_keys", node / "etc/pve/priv/authorized_keys"
    own.write_text("ssh-ed25519 AAAA admin\n")
    rootssh.share_keys()
    assert (own.is_symlink(), shared.read_text()) == (True, "ssh-ed25519 AAAA admin\n")
    (node / "root/.ssh/id_rsa.pub").write_text("ssh-rsa BBBB root@pve1\n")
    for _unused in range(2):
        rootssh.merge_keys()
    assert shared.read_text() == "ssh-ed25519 AAAA admin\nssh-rsa BBBB root@pve1\n"


def test_a_further_node_brings_its_keys_with_the_merge(node: Path) -> None:
    own, shared = node / "root/.ssh/authorized_keys", node / "etc/pve/priv/authorized_keys"
    shared.write_text("ssh-rsa BBBB root@pve1\n")
    own.write_text("ssh-ed25519 AAAA admin\n")
    rootssh.share_keys()
    assert (node / "root/.ssh/authorized_keys.org").exists()
    rootssh.merge_keys()
    assert shared.read_text() == "ssh-rsa BBBB root@pve1\nssh-ed25519 AAAA admin\n"
    assert not (node / "root/.ssh/authorized_keys.org").exists()
