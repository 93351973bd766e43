# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _peer
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import AuthError, InputError
from ansible_collections.baremetal.proxmox.plugins.module_utils._session import TrustError

from .cluster_world import FINGERPRINT, KEY, Call, World, conf, encoded, sha


def test_info_of_a_member(world: World) -> None:
    world.join()
    assert _peer.info(world.machine, []) == {
        "name": "prod",
        "node": "pve2",
        "address": "10.99.0.12",
        "fingerprint": FINGERPRINT,
        "authkey_sha256": sha(KEY),
        "corosync_conf": conf(2, 1, 2),
        "corosync_authkey": None,
        "online": ["pve1", "pve2"],
        "certificates": ["pve1", "pve2"],
    }


@pytest.mark.parametrize(
    ("joining", "online", "handed_over"),
    [
        (["pve3"], "12", True),
        (["pve3"], "123", False),
        (["pve4"], "12", False),
        (["pve4", "pve3"], "12", True),
        ([], "12", False),
    ],
)
def test_the_key_goes_along_only_for_a_node_whose_join_was_cut_off(
    world: World, joining: list[str], online: str, handed_over: bool
) -> None:
    world.join()
    world.write("etc/pve/corosync.conf", conf(3, 1, 2, 3))
    world.connect("prod", online=online, nodes="123")
    found = _peer.info(world.machine, joining)
    assert found["corosync_authkey"] == (encoded(KEY) if handed_over else None)
    assert found["certificates"] == ["pve1", "pve2"]


def test_info_of_a_node_alone_is_an_error(world: World) -> None:
    with pytest.raises(InputError, match="pve2 is in no cluster"):
        _peer.info(world.machine, [])


def test_what_a_member_hands_over_is_what_a_join_understands(world: World) -> None:
    world.join()
    world.write("etc/pve/corosync.conf", conf(3, 1, 2, 3))
    given = {**_peer.info(world.machine, ["pve3"]), "ticket": "PVE:root@pam:X"}
    peer = _peer.look(given, world.machine, world.api)
    assert (peer.address, peer.fingerprint, peer.secret, peer.use_ssh) == (
        "10.99.0.12",
        FINGERPRINT,
        "PVE:root@pam:X",
        False,
    )
    assert (peer.conf.name, set(peer.conf.nodes), peer.conf.text) == (
        "prod",
        {"pve1", "pve2", "pve3"},
        conf(3, 1, 2, 3),
    )
    assert (peer.online, peer.certificates) == ({"pve1", "pve2"}, {"pve1", "pve2"})
    assert (peer.authkey, peer.authkey_sha256) == (KEY, sha(KEY))
    assert world.api.calls == []


def test_a_password_is_preferred_to_a_ticket(world: World) -> None:
    given = {"address": "10.99.0.11", "corosync_conf": conf(1, 1), "ticket": "t", "password": "p"}
    assert _peer.look(given, world.machine, world.api).secret == "p"


def test_by_hand_with_a_password_the_api_is_asked(world: World) -> None:
    address = "10.99.0.11"
    world.api.answers = {
        (address, "/cluster/config/totem"): {
            "cluster_name": "prod",
            "config_version": "3",
            "interface": {"0": {"linknumber": "0", "knet_link_priority": "5"}, "1": {"linknumber": "1"}},
        },
        (address, "/cluster/config/nodes"): [
            {"name": "pve1", "node": "pve1", "nodeid": "1", "quorum_votes": "1", "ring0_addr": "a", "ring1_addr": "b"}
        ],
        (address, "/cluster/status"): [
            {"type": "cluster", "name": "prod", "quorate": 1},
            {"type": "node", "name": "pve1", "online": 1},
            {"type": "node", "name": "pve3", "online": 0},
        ],
    }
    peer = _peer.look({"address": address, "fingerprint": FINGERPRINT, "password": "p"}, world.machine, world.api)
    assert (peer.conf.name, peer.conf.version, peer.conf.priorities) == ("prod", 3, {0: 5, 1: 0})
    assert peer.conf.nodes["pve1"].links == {0: "a", 1: "b"}
    assert (peer.online, peer.certificates, peer.authkey_sha256) == ({"pve1"}, None, None)
    assert world.api.calls == [
        (address, FINGERPRINT, "p", path)
        for path in ("/cluster/config/totem", "/cluster/config/nodes", "/cluster/status")
    ]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (AuthError("POST /access/ticket: authentication failure (HTTP 401)"), "does not take the password"),
        (TrustError("Fingerprints did not match"), f"does not show the certificate with the fingerprint {FINGERPRINT}"),
    ],
)
def test_by_hand_what_was_given_is_wrong(world: World, error: Exception, said: str) -> None:
    world.api.answers["10.99.0.11", "/cluster/config/totem"] = error
    given = {"address": "10.99.0.11", "fingerprint": FINGERPRINT, "password": "p"}
    with pytest.raises(InputError, match=said):
        _peer.look(given, world.machine, world.api)


@pytest.mark.parametrize("given", [{"fingerprint": FINGERPRINT}, {"password": "p"}, {}])
def test_by_hand_something_is_missing(world: World, given: dict) -> None:
    with pytest.raises(InputError, match="needs a fingerprint and a ticket or password, or use_ssh"):
        _peer.look({"address": "10.99.0.11", **given}, world.machine, world.api)


@pytest.mark.parametrize(("nodes", "key"), [((1,), None), ((1, 2), KEY)])
def test_by_ssh(world: World, nodes: tuple[int, ...], key: bytes | None) -> None:
    ssh = "ssh -o BatchMode=yes -l root 10.99.0.11"
    world.expect(
        Call(f"{ssh} cat /etc/pve/corosync.conf", stdout=conf(1, *nodes)),
        Call(
            f"{ssh} cat /etc/pve/.members", stdout='{"nodelist": {"pve1": {"id": 1, "online": 1, "ip": "10.99.0.11"}}}'
        ),
        Call(f"{ssh} base64 /etc/corosync/authkey", stdout=encoded(KEY)),
        Call(
            f"{ssh} find /etc/pve/nodes -mindepth 2 -maxdepth 2 -name pve-ssl.pem",
            stdout="/etc/pve/nodes/pve1/pve-ssl.pem\n",
        ),
    )
    peer = _peer.look({"address": "10.99.0.11", "use_ssh": True}, world.machine, world.api)
    assert (peer.use_ssh, peer.secret, peer.conf.name, peer.online, peer.certificates) == (
        True, None, "prod", {"pve1"}, {"pve1"},
    )  # fmt: skip
    assert (peer.authkey, peer.authkey_sha256) == (key, sha(KEY))
