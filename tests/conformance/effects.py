"""What recorded calls that the stand-in does not answer yet have left behind for later ones, by number of the call."""

from __future__ import annotations

from pathlib import Path


def _ceph_pool_with_storage(pve: Path) -> None:
    with (pve / "storage.cfg").open("a") as stream:
        stream.write("rbd: vmpool\n\tcontent rootdir,images\n\tkrbd 0\n\tpool vmpool\n\n")


AFTER = {114: _ceph_pool_with_storage}
