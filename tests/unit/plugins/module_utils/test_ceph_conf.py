# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_conf
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ProxmoxError

TEXT = """\
[global]
\tfsid = 11111111-2222-3333-4444-555555555555
\tmon_host =  10.98.0.11 10.98.0.12
\tpublic_network = 10.98.0.0/24

[client]
\tkeyring = /etc/pve/priv/$cluster.$name.keyring

[mon.pve1]
\tpublic_addr = 10.98.0.11

"""


def place(root: Path, text: str = TEXT) -> Path:
    path = root / "etc/pve/ceph.conf"
    (root / "etc/pve/priv").mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_reading_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert _ceph_conf.read(tmp_path) == {}


def test_what_proxmox_writes_comes_back_as_it_was() -> None:
    assert _ceph_conf.render(_ceph_conf.parse(TEXT)) == TEXT.replace("mon_host =  ", "mon_host = ")


def test_spellings() -> None:
    text = "# a comment\n[ global ]\nmon host = a \\\n  b\nauth-cluster-required = 'none' ; why\n[osd]\nx = \"\\#1\"\n"
    assert _ceph_conf.parse(text) == {
        "global": {"mon_host": "a b", "auth_cluster_required": "none"},
        "osd": {"x": "#1"},
    }


def test_an_edit_is_made_under_the_lock(tmp_path: Path) -> None:
    path = place(tmp_path)

    def change(sections: _ceph_conf.Sections) -> None:
        assert (tmp_path / _ceph_conf.LOCK.lstrip("/")).is_dir()
        sections.setdefault("mon.pve2", {})["public_addr"] = "10.98.0.12"

    assert _ceph_conf.edit(tmp_path, change) is True
    assert not (tmp_path / _ceph_conf.LOCK.lstrip("/")).exists()
    assert path.read_text().endswith("[mon.pve2]\n\tpublic_addr = 10.98.0.12\n\n")
    before = path.stat().st_mtime_ns, path.stat().st_ino
    assert _ceph_conf.edit(tmp_path, lambda sections: None) is False
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


@pytest.mark.parametrize("text", ["", "[mds.pve1]\n\thost = pve1\n", None])
def test_a_file_that_lacks_its_heart_is_not_written(tmp_path: Path, text: str | None) -> None:
    path = place(tmp_path, text or "")
    if text is None:
        path.unlink()
    with pytest.raises(ProxmoxError, match="nothing was written"):
        _ceph_conf.edit(tmp_path, lambda sections: sections.setdefault("osd", {}).update(x="y"))
    assert (path.read_text() if path.exists() else None) == text
    assert not (tmp_path / _ceph_conf.LOCK.lstrip("/")).exists()


def test_a_lock_that_others_hold(tmp_path: Path) -> None:
    place(tmp_path)
    (tmp_path / _ceph_conf.LOCK.lstrip("/")).mkdir(parents=True)
    with pytest.raises(ProxmoxError, match="expected its lock within 0 s"):
        _ceph_conf.edit(tmp_path, lambda sections: None, timeout=0)
    assert (tmp_path / _ceph_conf.LOCK.lstrip("/")).is_dir()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("10.98.0.11 10.98.0.12", ["10.98.0.11", "10.98.0.12"]),
        ("10.98.0.11:6789/0,10.98.0.12:6789", ["10.98.0.11", "10.98.0.12"]),
        ("[v2:10.98.0.11:3300/0,v1:10.98.0.11:6789/0] 10.98.0.12", ["10.98.0.11", "10.98.0.12"]),
        ("[v2:[fd00::1]:3300/0,v1:[fd00::1]:6789/0];[fd00:0::2]:6789", ["fd00::1", "fd00::2"]),
        ("fd00::3 mon.example.org", ["fd00::3"]),
    ],
)
def test_addresses(text: str, expected: list[str]) -> None:
    assert _ceph_conf.addresses(text) == expected


@pytest.mark.parametrize(
    ("text", "gone", "expected"),
    [
        ("10.98.0.1 10.98.0.11 110.98.0.1", "10.98.0.1", "10.98.0.11 110.98.0.1"),
        ("[v2:10.98.0.1:3300/0,v1:10.98.0.1:6789/0],10.98.0.2:6789", "10.98.0.1", "10.98.0.2:6789"),
        ("[v2:[fd00::1]:3300/0,v1:[fd00::1]:6789/0] [fd00::11]", "fd00:0::1", "[fd00::11]"),
        ("10.98.0.1 mon.example.org", "10.98.0.1", "mon.example.org"),
        ("10.98.0.1", "10.98.0.1", ""),
    ],
)
def test_an_address_less(text: str, gone: str, expected: str) -> None:
    assert _ceph_conf.without(text, [gone]) == expected


def test_networks() -> None:
    assert _ceph_conf.networks("10.98.0.7/24, fd00:0::/64 odd") == ["10.98.0.0/24", "fd00::/64", "odd"]
    assert _ceph_conf.networks(None) == []
