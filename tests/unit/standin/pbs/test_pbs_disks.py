"""Disks of the stand-in's backup server, as far as they do not need a machine."""

from __future__ import annotations

from typing import Any

import pytest
from pbsstandin.api import disks

DIRECTORY = "/nodes/pbs1/disks/directory"
UNIT = """[Unit]
Description=Mount datatstore 'store1' under '/mnt/datastore/store1'

[Install]
WantedBy=multi-user.target

[Mount]
What=/dev/disk/by-uuid/2440c72a-ad5a-4024-9c26-bb7805ba8fd9
Where=/mnt/datastore/store1
Type=ext4
Options=defaults
"""


@pytest.fixture
def units(pbs: Any) -> Any:
    place = pbs.root / "etc/systemd/system"
    place.mkdir(parents=True)
    (pbs.root / "dev").mkdir()
    return place


def test_mounts_are_read_from_their_units(pbs: Any, units: Any):
    assert pbs.call("GET", DIRECTORY) == []
    (units / "mnt-datastore-store1.mount").write_text(UNIT)
    assert pbs.call("GET", DIRECTORY) == [
        {
            "unitfile": "/etc/systemd/system/mnt-datastore-store1.mount",
            "name": "store1",
            "path": "/mnt/datastore/store1",
            "device": "/dev/disk/by-uuid/2440c72a-ad5a-4024-9c26-bb7805ba8fd9",
            "filesystem": "ext4",
            "options": "defaults",
        }
    ]
    assert pbs.call("GET", "/nodes/pbs1/disks/zfs") == []


def test_what_a_disk_is_refused_for(pbs: Any, units: Any, monkeypatch: Any):
    assert pbs.refusal("POST", DIRECTORY, name="store1", disk="sdb") == (400, "no such disk 'sdb'")
    (pbs.root / "dev/sdb").touch()
    monkeypatch.setattr(disks, "_used", lambda disk: True)
    assert pbs.refusal("POST", DIRECTORY, name="store1", disk="sdb") == (400, "disk 'sdb' is already in use.")
    monkeypatch.setattr(disks, "_used", lambda disk: False)
    place = pbs.root / "mnt/datastore/store1"
    (place / "something").mkdir(parents=True)
    status, message = pbs.refusal("POST", DIRECTORY, name="store1", disk="sdb")
    assert (status, message.endswith("already exists and is not empty")) == (400, True)


def test_a_place_with_a_datastore_stays(pbs: Any, units: Any):
    pbs.write("datastore.cfg", "datastore: store1\n\tpath /mnt/datastore/store1\n")
    told = "Can't remove '/mnt/datastore/store1' since it's required by datastore 'store1'"
    assert pbs.refusal("DELETE", f"{DIRECTORY}/store1") == (400, told)
