# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.modules import storage_ceph_conf
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import run_module

CONF = "[global]\nms_client_mode = secure\n"
KEYRING = "keyring = /etc/pve/priv/ceph/far.keyring\n"
WRITTEN = f"[global]\n{KEYRING}ms_client_mode = secure\n"


@pytest.fixture(name="root")
def fixture_root(tmp_path: Path) -> Path:
    (tmp_path / "etc/pve/priv").mkdir(parents=True)
    return tmp_path


def run(monkeypatch: Any, root: Path, conf: str = CONF, **options: Any) -> dict[str, Any]:
    arguments = {"storage": "far", "conf": conf, "_ansible_check_mode": False, **options}
    return run_module(monkeypatch, lambda _connect: storage_ceph_conf.run(root), arguments)


def file(root: Path) -> Path:
    return root / "etc/pve/priv/ceph/far.conf"


def test_it_is_written_once(monkeypatch: Any, root: Path) -> None:
    result = run(monkeypatch, root)
    assert (result["changed"], result["path"]) == (True, "/etc/pve/priv/ceph/far.conf")
    assert file(root).read_text() == WRITTEN
    assert stat.S_IMODE(file(root).stat().st_mode) == 0o600
    assert [path.name for path in file(root).parent.iterdir()] == ["far.conf"]
    assert run(monkeypatch, root)["changed"] is False


def test_another_one_is_replaced(monkeypatch: Any, root: Path) -> None:
    file(root).parent.mkdir()
    file(root).write_text(f"[global]\n{KEYRING}")
    assert run(monkeypatch, root, _ansible_check_mode=True)["changed"] is True
    assert file(root).read_text() == f"[global]\n{KEYRING}"
    assert run(monkeypatch, root)["changed"] is True
    assert file(root).read_text() == WRITTEN


@pytest.mark.parametrize(
    ("conf", "written"),
    [
        (f"\n\n[global]\n{KEYRING}\n\n", f"[global]\n{KEYRING}"),
        ("[client]\nrbd_cache = false", f"[global]\n{KEYRING}\n[client]\nrbd_cache = false\n"),
        ("# ours\n [ global ] # all\n", f"# ours\n [ global ] # all\n{KEYRING}"),
        ("[client]\nkeyring = /root/key\n", "[client]\nkeyring = /root/key\n"),
    ],
    ids=["keyring", "no section global", "comments", "another keyring"],
)
def test_it_leads_to_the_key(conf: str, written: str) -> None:
    assert storage_ceph_conf.text("far", conf) == written


def test_a_text_that_is_none_is_refused_and_not_shown(monkeypatch: Any, root: Path) -> None:
    result = run(monkeypatch, root, conf="AQBsecret==")
    assert result["failed"] and result["msg"].startswith("conf: expected a ceph.conf with sections")
    assert "AQBsecret" not in str(result)
    assert not file(root).exists()


def test_a_name_that_is_none(monkeypatch: Any, root: Path) -> None:
    result = run(monkeypatch, root, storage="../ceph")
    assert result["failed"] and result["msg"].startswith(
        "storage: expected another name: it is '../ceph', not a storage"
    )
