"""Guests that a machine has from the beginning, and those that are made later."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pvestandin import guests, paths
from pvestandin.cfs import server

GIVEN = [{"vmid": 110, "type": "qemu", "name": "web"}, {"vmid": 111, "type": "lxc", "name": "db"}]


@pytest.fixture(params=["9.2", "8.4"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PVE_STANDIN_ROOT", str(tmp_path))
    monkeypatch.setenv("PVE_STANDIN_NODE", "pve1")
    for directory in ("etc/pve", "etc/corosync", "usr/share/pve-standin"):
        (tmp_path / directory).mkdir(parents=True)
    version = {"version": f"{request.param}.1", "release": request.param, "repoid": "0"}
    (tmp_path / "usr/share/pve-standin/version.json").write_text(json.dumps(version))
    (tmp_path / "etc/pve-standin-guests.json").write_text(json.dumps(GIVEN))
    paths._read_version.cache_clear()
    return tmp_path


def test_the_first_database_has_them(root: Path) -> None:
    db = server._database(False)
    assert {vmid: entry[:2] for vmid, entry in db.guests.items()} == {110: ("qemu", "pve1"), 111: ("lxc", "pve1")}
    lines = (db.read("nodes/pve1/qemu-server/110.conf") or b"").decode().splitlines()
    keys = [line.split(":")[0] for line in lines]
    assert keys == sorted(keys)
    assert {"name: web", "boot: order=scsi0;net0", "memory: 128"} <= set(lines)
    assert [line for line in lines if re.fullmatch(r"net0: virtio=BC:24:11(:[0-9A-F]{2}){3},bridge=vmbr0", line)]


def test_only_the_first_one(root: Path) -> None:
    """Not after they were removed, and not on a machine that joins: its corosync.conf is there before the database."""
    db = server._database(False)
    assert db.delete("nodes/pve1/qemu-server/110.conf", 0, 1) == 0
    db.close()
    db = server._database(False)
    assert list(db.guests) == [111]
    db.close()
    for file in (root / "var/lib/pve-cluster").iterdir():
        file.unlink()
    (root / "etc/corosync/corosync.conf").write_text("totem {\n}\n")
    assert server._database(False).guests == {}


def test_a_machine_without_guests(root: Path) -> None:
    (root / guests.GIVEN.lstrip("/")).unlink()
    assert server._database(False).guests == {}


def test_what_is_made_of_a_new_one(root: Path) -> None:
    (root / "etc/pve/storage.cfg").write_text("zfspool: tank\n\tpool tank\n")
    (root / "etc/pve/datacenter.cfg").write_text("mac_prefix: AA:BB\n")
    made = guests.completed(
        7, {"tags": "b;a", "net0": "virtio,bridge=x", "scsi0": "tank:4,ssd=1", "scsi1": "local:2", "ide2": "none"}
    )
    assert made["tags"] == "a;b"
    assert re.fullmatch(r"virtio=AA:BB(:[0-9A-F]{2}){4},bridge=x", made["net0"])
    assert made["scsi0"] == "tank:vm-7-disk-0,ssd=1,size=4G"
    assert made["scsi1"] == "local:7/vm-7-disk-1.raw,size=2G"
    assert made["ide2"] == "none"
