"""The three nodes as they were before the recorded calls began."""

from __future__ import annotations

import json
import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "rack" / "standin")]

import golden  # noqa: E402
import rig  # noqa: E402

_TASKS = {
    "pve1": "UPID:pve1:000003DC:0008872E:6B002585:srvreload:networking:root@pam!cap:",
    "pve2": "UPID:pve2:000003C1:0008894E:6B00258B:srvreload:networking:root@pam:",
}
"""One task that has ended, on each of two nodes."""
STORAGE = """dir: local
\tpath /var/lib/vz
\tcontent import,vztmpl,backup,iso

rbd: rbdpool
\tcontent rootdir,images
\tkrbd 0
\tpool rbdpool

"""


def _prepare(made: rig.Rig, shared: Path, secret: str) -> None:
    record = shared / "golden" / "etc-pve"
    members = json.loads((record / ".members").read_text())
    for node, address in rig.NODES.items():
        members["nodelist"][node]["ip"] = address
    (made.pve / ".members").write_text(json.dumps(members))
    (made.pve / "corosync.conf").write_text((record / "corosync.conf").read_text())
    # The HA manager had something to do only later: effects.py
    shutil.copy(record / "ha" / "manager_status", made.base / "manager_status")
    (made.pve / "storage.cfg").write_text(STORAGE)
    (made.pve / "user.cfg").write_text("user:root@pam:1:0:::root@example.test:::\ntoken:root@pam!cap:0:0::\n\n\n\n\n")
    (made.pve / "priv" / "token.cfg").write_text(f"root@pam!cap {secret}\n")
    for node, upid in _TASKS.items():
        index = made.root(node) / "var/log/pve/tasks/index"
        index.parent.mkdir(parents=True)
        index.write_text(f"{upid} 6B00258B OK\n")
    # A storage with monhost takes a copy of the cluster's own Ceph key when there is one.
    shutil.copy(record / "priv" / "ceph.client.admin.keyring", made.pve / "priv" / "ceph.client.admin.keyring")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Rig]:
    """The cluster in which the API calls were recorded."""
    shared = golden.shared()
    secret = str(uuid.uuid4())
    made = rig.Rig(tmp_path_factory.mktemp("cluster"), shared / "api" / "pve-9.2.json", token=f"root@pam!cap={secret}")
    _prepare(made, shared, secret)
    made.start()
    try:
        yield made
    finally:
        made.stop()
