"""Paths, permissions and refusals of the mounted file system, without mounting it."""

from __future__ import annotations

import errno
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from pvestandin.cfs.files import Files, is_private
from pvestandin.cfs.fsm import Fsm
from pvestandin.cfs.memdb import MemDb
from pvestandin.cfs.view import View, observed


class Named(Files):
    """Operations by name, with paths as users write them."""

    def __call__(self, operation: str, *arguments: Any) -> Any:
        return getattr(self, operation)(*(word.strip("/") if isinstance(word, str) else word for word in arguments))


@pytest.fixture
def files(tmp_path: Path) -> Named:
    db = MemDb(tmp_path / "config.db")
    made = Named(db, View(db, "pve1", observed(9)), None, 33, lambda: None)
    for path in ("/priv", "/priv/lock", "/nodes", "/nodes/pve1", "/nodes/pve1/priv"):
        made("mkdir", path, 0o755)
    for path in ("/user.cfg", "/priv/shadow.cfg"):
        made("create", path, 0o644)
    return made


def mode(files: Named, path: str) -> str:
    return stat.filemode(files("getattr", path)["st_mode"])


def refused(files: Named, operation: str, *arguments: Any) -> int:
    with pytest.raises(OSError) as caught:
        files(operation, *arguments)
    return caught.value.errno or 0


def lose_quorum(files: Named) -> None:
    files.fsm = Fsm(files.db, (1, 1), lambda data: None)


@pytest.mark.parametrize(
    ("path", "private"),
    [
        ("priv", True),
        ("priv/lock/x", True),
        ("nodes/a/priv", True),
        ("nodes/a/priv/k", True),
        ("private", False),
        ("nodes/a/pve-ssl.pem", False),
        ("nodes/priv", False),
    ],
)
def test_is_private(path: str, private: bool) -> None:
    assert is_private(path) == private


@pytest.mark.parametrize(
    ("path", "with_quorum", "without"),
    [
        ("/", "drwxr-xr-x", "dr-xr-xr-x"),
        ("/local", "lrwxr-xr-x", "lr-xr-xr-x"),
        ("/user.cfg", "-rw-r-----", "-r--r-----"),
        ("/priv", "drwx------", "dr-x------"),
        ("/priv/shadow.cfg", "-rw-------", "-r--------"),
        ("/nodes/pve1/priv", "drwx------", "dr-x------"),
        ("/.members", "-r--r-----", "-r--r-----"),
    ],
)
def test_the_path_alone_decides_the_mode(files: Named, path: str, with_quorum: str, without: str) -> None:
    assert mode(files, path) == with_quorum
    lose_quorum(files)
    assert mode(files, path) == without


def test_owner_is_root_and_www_data(files: Named) -> None:
    attributes = files("getattr", "/user.cfg")
    assert (attributes["st_uid"], attributes["st_gid"]) == (0, 33)


def test_without_quorum_every_change_is_refused(files: Named) -> None:
    lose_quorum(files)
    for call in (
        ("create", "/x", 0o640),
        ("write", "/user.cfg", b"x", 0, 0),
        ("truncate", "/user.cfg", 0),
        ("unlink", "/user.cfg"),
        ("mkdir", "/d", 0o755),
        ("rmdir", "/nodes/pve1/priv"),
        ("rename", "/user.cfg", "/y"),
        ("utimens", "/user.cfg", (0, 10**9)),
    ):
        assert refused(files, *call) == errno.EACCES
    assert files("read", "/user.cfg", 10, 0, 0) == b""


def test_links_and_shown_files_are_fixed(files: Named) -> None:
    assert files("readlink", "/local") == "nodes/pve1"
    assert files("readlink", "/qemu-server") == "nodes/pve1/qemu-server"
    assert refused(files, "unlink", "/local") == errno.EACCES
    assert refused(files, "rename", "/user.cfg", "/.members") == errno.EACCES
    assert refused(files, "write", "/.members", b"x", 0, 0) == errno.EIO
    assert {".", "..", "local", ".members", "user.cfg"} <= set(files("readdir", "/", 0))
    assert set(files("readdir", "/nodes", 0)) == {".", "..", "pve1"}


def test_chmod_and_chown_accept_what_is_so_anyway(files: Named) -> None:
    files("chmod", "/user.cfg", 0o100640)
    files("chmod", "/priv/shadow.cfg", 0o600)
    files("chown", "/user.cfg", 0, 33)
    files("chown", "/user.cfg", -1, -1)
    assert refused(files, "chmod", "/user.cfg", 0o644) == errno.EPERM
    assert refused(files, "chmod", "/priv/shadow.cfg", 0o640) == errno.EPERM
    assert refused(files, "chown", "/user.cfg", 1000, -1) == errno.EPERM
    assert refused(files, "chown", "/user.cfg", 0, 0) == errno.EPERM


def test_no_links_and_no_attributes(files: Named) -> None:
    assert not any(hasattr(files, name) for name in ("symlink", "link", "mknod", "setxattr"))


def test_a_lock_cannot_be_taken_twice_nor_unlocked_early(files: Named) -> None:
    files("mkdir", "/priv/lock/x", 0o755)
    assert refused(files, "mkdir", "/priv/lock/x", 0o755) == errno.EEXIST
    assert refused(files, "utimens", "/priv/lock/x", (0, 0)) == errno.EACCES
    files("rmdir", "/priv/lock/x")
    files("mkdir", "/priv/lock/x", 0o755)


def test_a_file_has_a_megabyte_at_most(files: Named) -> None:
    assert refused(files, "write", "/user.cfg", b"x", 1024 * 1024, 0) == errno.EFBIG


def test_members_of_a_node_alone(files: Named) -> None:
    assert json.loads(files.view.text(".members")) == {"nodename": "pve1", "version": 0}


def test_members_of_a_cluster(files: Named) -> None:
    view = files.view
    lose_quorum(files)
    assert files.fsm
    view.fsm = files.fsm
    files.fsm.members = [(1, 11), (2, 12)]
    files.fsm.kv = {(2, 12): {"name": "pve2", "kv": {"nodeip": [0, "10.99.0.12"]}}}
    view.put("nodeip", "10.99.0.11")
    view.set_cluster("prod", 3, {1: "pve1", 2: "pve2", 3: "pve3"})
    view.set_quorate(True)
    shown = view.text(".members")
    assert json.loads(shown) == {
        "nodename": "pve1",
        "version": 2,
        "cluster": {"name": "prod", "version": 3, "nodes": 3, "quorate": 1},
        "nodelist": {
            "pve1": {"id": 1, "online": 1, "ip": "10.99.0.11"},
            "pve2": {"id": 2, "online": 1, "ip": "10.99.0.12"},
            "pve3": {"id": 3, "online": 0},
        },
    }
    assert '  "pve1": { "id": 1, "online": 1, "ip": "10.99.0.11"},\n' in shown


def test_versions_count_the_changes(files: Named) -> None:
    before = json.loads(files.view.text(".version"))
    files("write", "/user.cfg", b"x", 0, 0)
    after = json.loads(files.view.text(".version"))
    assert after["user.cfg"] == before["user.cfg"] + 1
    assert after["storage.cfg"] == before["storage.cfg"]
    assert list(after)[3:5] == ["corosync.conf", "corosync.conf.new"]


def test_vmlist(files: Named) -> None:
    assert json.loads(files.view.text(".vmlist")) == {"version": 1}
    files("mkdir", "/nodes/pve1/lxc", 0o755)
    files("create", "/nodes/pve1/lxc/101.conf", 0o640)
    assert json.loads(files.view.text(".vmlist")) == {
        "version": 2,
        "ids": {"101": {"node": "pve1", "type": "lxc", "version": 1}},
    }


def test_own_values_carry_a_version_and_go_when_empty(files: Named) -> None:
    view = files.view
    view.put("tasklist", "a")
    view.put("tasklist", "b")
    assert (view.get("pve1", "tasklist"), view.own["kv"]["tasklist"]) == ("b", [1, "b"])
    view.put("tasklist", "")
    assert view.get("pve1", "tasklist") is None
