"""A node without a machine: the stand-in's files below a temporary directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pvestandin import paths, peers


class Node:
    """The node pve1. `root` is its file system, `pve` its /etc/pve, a plain directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pve = root / "etc" / "pve"
        (self.pve / "priv" / "lock").mkdir(parents=True)
        (root / "usr/share/pve-standin").mkdir(parents=True)
        self.set_release("9.2")

    def set_release(self, release: str) -> None:
        version = {"version": f"{release}.1", "release": release, "repoid": "0123456789abcdef"}
        (self.root / "usr/share/pve-standin/version.json").write_text(json.dumps(version))
        paths._read_version.cache_clear()

    def write(self, name: str, text: str) -> None:
        (self.pve / name).parent.mkdir(parents=True, exist_ok=True)
        (self.pve / name).write_text(text)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    monkeypatch.setenv("PVE_STANDIN_ROOT", str(tmp_path))
    monkeypatch.setenv("PVE_STANDIN_NODE", "pve1")
    peers.forget()
    return Node(tmp_path)
