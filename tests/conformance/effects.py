"""What recorded calls that the stand-in does not answer yet have left behind for later ones, by number of the call."""

from __future__ import annotations

import shutil
from pathlib import Path


def _ceph_pool_with_storage(pve: Path) -> None:
    with (pve / "storage.cfg").open("a") as stream:
        stream.write("rbd: vmpool\n\tcontent rootdir,images\n\tkrbd 0\n\tpool vmpool\n\n")


def _ha_manager(pve: Path) -> None:
    """By now it has seen the nodes."""
    shutil.copy(pve.parent / "manager_status", pve / "ha" / "manager_status")


AFTER = {52: _ha_manager, 114: _ceph_pool_with_storage}
