# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph, CephError
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import NotInstalled


class Refusal(Exception):
    def __init__(self, number: int) -> None:
        super().__init__(f"[errno {number}]")
        self.errno = number
        self.strerror = "as librados says"


class FakeRados:
    """librados's Python module. C(answers) of mon_command: (code, output, message), or an exception."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.opened: list[dict[str, Any]] = []
        self.sent: list[tuple[dict[str, Any], bytes]] = []
        self.refuses: list[Exception] = []
        self.closed = 0

    def Rados(self, **options: Any) -> FakeRados:
        self.opened.append(options)
        return self

    def connect(self) -> None:
        if self.refuses:
            raise self.refuses.pop(0)

    def mon_command(self, command: str, inbuf: bytes) -> Any:
        self.sent.append((json.loads(command), inbuf))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def shutdown(self) -> None:
        self.closed += 1


@pytest.fixture
def rados(monkeypatch: Any) -> FakeRados:
    fake = FakeRados()
    module = types.ModuleType("rados")
    module.Rados = fake.Rados  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rados", module)
    return fake


def test_a_command(rados: FakeRados) -> None:
    rados.answers = [(0, b'{"a": 1}\n', ""), (0, b"", "done"), (0, b"plain\n", ""), (0, b"no json\n", "")]
    with Ceph("/conf", timeout=12.4) as ceph:
        assert ceph.command("status") == {"a": 1}
        assert ceph.command("config set", who="mon", name="x", value=None) is None
        assert ceph.command("auth get", format="plain", inbuf=b"in") == "plain\n"
        assert ceph.command("config-key get") == "no json"
    limits = {"client_mount_timeout": "12", "rados_mon_op_timeout": "12", "rados_osd_op_timeout": "12"}
    assert rados.opened == [{"conffile": "/conf", "rados_id": "admin", "conf": limits}]
    assert rados.sent == [
        ({"prefix": "status", "format": "json"}, b""),
        ({"prefix": "config set", "format": "json", "who": "mon", "name": "x"}, b""),
        ({"prefix": "auth get", "format": "plain"}, b"in"),
        ({"prefix": "config-key get", "format": "json"}, b""),
    ]
    assert rados.closed == 1


def test_a_refusal(rados: FakeRados) -> None:
    rados.answers = [(-errno.EINVAL, b"", "no such flag\n"), (-errno.ENOENT, b"", ""), (-errno.ETIMEDOUT, b"", "")]
    ceph = Ceph()
    with pytest.raises(CephError, match=r"^ceph osd set: no such flag \(EINVAL\)$") as caught:
        ceph.command("osd set", key="noway")
    assert (caught.value.prefix, caught.value.errno, caught.value.transient) == ("osd set", errno.EINVAL, False)
    with pytest.raises(CephError, match="No such file or directory"):
        ceph.command("auth get")
    with pytest.raises(CephError, match="Do the monitors have quorum") as caught:
        ceph.command("status")
    assert caught.value.transient


def test_nobody_answers_and_then_somebody_does(rados: FakeRados) -> None:
    rados.refuses = [Refusal(errno.ETIMEDOUT)]
    rados.answers = [(0, b"{}", "")]
    ceph = Ceph()
    with pytest.raises(CephError, match="as librados says"):
        ceph.command("status")
    assert rados.closed == 1
    assert ceph.command("status") == {}


def test_a_key_that_is_not_there(rados: FakeRados) -> None:
    rados.refuses = [Refusal(errno.ENOENT)]
    with pytest.raises(CephError, match="Is the key of client"):
        Ceph().command("status")


def test_a_connection_that_breaks(rados: FakeRados) -> None:
    rados.answers = [Refusal(errno.EPERM), ValueError("a bug")]
    ceph = Ceph()
    with pytest.raises(CephError, match="key of client"):
        ceph.command("status")
    with pytest.raises(ValueError, match="a bug"):
        ceph.command("status")


def place(root: Path, text: str = "[global]\nfsid = x\n") -> None:
    for path in ("usr/bin/ceph", "usr/bin/ceph-mon", "etc/pve/ceph.conf"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def test_what_the_files_tell(tmp_path: Path) -> None:
    assert not (_ceph.installed(tmp_path) or _ceph.initialised(tmp_path) or _ceph.has_monitors(tmp_path))
    place(tmp_path)
    assert _ceph.installed(tmp_path) and _ceph.initialised(tmp_path) and not _ceph.has_monitors(tmp_path)
    place(tmp_path, "[global]\nfsid = x\nmon host = 10.0.0.1\n")
    assert _ceph.has_monitors(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/pve-ceph-install-flag").touch()
    assert not _ceph.installed(tmp_path)


class Elsewhere(BaseException):
    """The module goes on in another process."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: Any) -> Path:
    """The machine is a folder."""
    for name in ("installed", "initialised", "has_monitors"):
        real = getattr(_ceph, name)
        monkeypatch.setattr(_ceph, name, lambda real=real: real(tmp_path))
    return tmp_path


def test_nobody_to_ask(here: Path, rados: FakeRados) -> None:
    assert Ceph.from_module(None) is None  # type: ignore[arg-type]
    place(here)
    assert Ceph.from_module(None) is None  # type: ignore[arg-type]
    place(here, "[global]\nfsid = x\nmon host = 10.0.0.1\n")
    ceph = Ceph.from_module(None, 7.0)  # type: ignore[arg-type]
    assert ceph is not None and ceph.timeout == 7.0 and rados.opened == []


def test_another_python(here: Path, monkeypatch: Any) -> None:
    from ansible.module_utils.common import respawn

    def leave(python: str) -> None:
        raise Elsewhere(python)

    place(here)
    monkeypatch.setitem(sys.modules, "rados", None)
    monkeypatch.setattr(respawn, "respawn_module", leave)
    monkeypatch.setattr(_ceph.sys, "executable", "/opt/venv/bin/python")
    with pytest.raises(Elsewhere, match="/usr/bin/python3"):
        Ceph.from_module(None)  # type: ignore[arg-type]
    monkeypatch.setattr(respawn, "has_respawned", lambda: True)
    with pytest.raises(NotInstalled, match="no module named rados"):
        Ceph.from_module(None)  # type: ignore[arg-type]
