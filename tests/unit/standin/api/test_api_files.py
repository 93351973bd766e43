"""Files under /etc/pve: replaced in one step, under Proxmox's locks."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from pvestandin import datacenter, pvefiles
from pvestandin.errors import ApiError, Failure


def test_a_lock_is_a_directory(node: Any) -> None:
    with pvefiles.lock_file("priv/token.cfg"):
        assert (node.pve / "priv/lock/file-priv_token_cfg").is_dir()
    assert not (node.pve / "priv/lock/file-priv_token_cfg").exists()


def test_a_lock_that_is_held(node: Any) -> None:
    (node.pve / "priv/lock/file-storage_cfg").mkdir()
    with pytest.raises(Failure) as caught, pvefiles.lock("file-storage_cfg", "create storage failed", timeout=0.2):
        pytest.fail("the lock was taken")
    assert caught.value.message == "create storage failed: cfs-lock 'file-storage_cfg' error: got lock request timeout"


def test_without_quorum(node: Any) -> None:
    node.write(".members", '{"cluster": {"quorate": 0}, "nodelist": {}}')
    (node.pve / "priv/lock/file-user_cfg").mkdir()
    with pytest.raises(Failure) as caught, pvefiles.lock("file-user_cfg", timeout=0.1):
        pytest.fail("the lock was taken")
    assert caught.value.message == "cfs-lock 'file-user_cfg' error: no quorum!"


def test_sentences_get_their_prefix_and_every_other_error_becomes_one(node: Any) -> None:
    with pytest.raises(Failure, match=r"^update failed: no such thing$"), pvefiles.lock("x", "update failed"):
        raise Failure("no such thing")
    refused = ApiError(400, "Parameter verification failed.", {"a": "b"})
    text = "400 Parameter verification failed.\na: b"
    with pytest.raises(Failure) as failed, pvefiles.lock("x", "update failed"):
        raise refused
    assert failed.value.message == f"update failed: {text}"
    with pytest.raises(Failure) as failed, pvefiles.lock("x", flat=True):
        raise refused
    assert failed.value.message == text
    with pytest.raises(ApiError) as caught, pvefiles.lock("x"):
        raise refused
    assert caught.value is refused


def test_waiting_for_a_lock(node: Any) -> None:
    order: list[int] = []

    def work(number: int) -> None:
        with pvefiles.lock("shared", timeout=5):
            order.append(number)
            before = len(order)
            pvefiles.write("f", str(number))
            assert len(order) == before

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(order) == [0, 1, 2, 3]


def test_datacenter_options_survive(node: Any) -> None:
    text = (
        "#note: one\n\ncrs: ha=static,ha-rebalance-on-start=1\nmigration: secure,network=10.0.0.0/24\n"
        "next-id: lower=200,upper=300\n"
    )
    node.write("datacenter.cfg", text.replace("note: one", "note%3A one"))
    values = datacenter.read()
    assert (values["description"], values["mac_prefix"]) == ("note: one\n", "BC:24:11")
    assert values["crs"] == {"ha": "static", "ha-rebalance-on-start": 1}
    assert values["migration"] == {"type": "secure", "network": "10.0.0.0/24"}
    datacenter.write(values)
    assert (node.pve / "datacenter.cfg").read_text() == text.replace("note: one", "note%3A one")
    with pytest.raises(Failure, match="boundary rule broken"):
        datacenter.write({"next-id": "lower=9,upper=3"})
