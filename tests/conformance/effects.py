"""What recorded calls that the stand-in does not answer yet have left behind for later ones, by number of the call."""

from __future__ import annotations

import json
import shutil
from pathlib import Path


def _ceph_pool_with_storage(pve: Path) -> None:
    with (pve / "storage.cfg").open("a") as stream:
        stream.write("rbd: vmpool\n\tcontent rootdir,images\n\tkrbd 0\n\tpool vmpool\n\n")


def _guests(pve: Path) -> None:
    """As the record has them, as far as HA and replication look at them."""
    for node, number in (("pve1", 110), ("pve2", 111)):
        directory = pve / "nodes" / node / "qemu-server"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{number}.conf").write_text(f"scsi0: rbdpool:vm-{number}-disk-0,iothread=1,size=1G\n")
    ids = {"110": {"node": "pve1", "type": "qemu", "version": 1}, "111": {"node": "pve2", "type": "qemu", "version": 1}}
    (pve / ".vmlist").write_text(json.dumps({"version": 1, "ids": ids}))


def _ha_manager(pve: Path) -> None:
    """By now it has seen the nodes."""
    shutil.copy(pve.parent / "manager_status", pve / "ha" / "manager_status")


AFTER = {35: _guests, 52: _ha_manager, 114: _ceph_pool_with_storage}
