# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.baremetal.proxmox.plugins.modules import apt_repositories as module

KEYRING = "/usr/share/keyrings/proxmox-archive-keyring.gpg"
WANTED = {
    "name": "proxmox",
    "uri": "http://mirror.example/debian/pve",
    "suite": "trixie",
    "components": ["pve-no-subscription"],
    "signed_by": KEYRING,
}
DISABLE = (r"\bpve-(enterprise|no-subscription|test)\b", r"^https://enterprise\.proxmox\.com/")
WRITTEN = (
    "Types: deb\nURIs: http://mirror.example/debian/pve\nSuites: trixie\n"
    f"Components: pve-no-subscription\nSigned-By: {KEYRING}\n"
)
ENTERPRISE = (
    "Types: deb\nURIs: https://enterprise.proxmox.com/debian/pve\nSuites: trixie\n"
    f"Components: pve-enterprise\nSigned-By: {KEYRING}"
)
DEBIAN = "Types: deb\nURIs: http://debian.example/debian/\nSuites: trixie trixie-updates\nComponents: main\n"


@pytest.fixture(name="apt")
def fixture_apt(tmp_path):
    """A function that writes files below an empty /etc/apt, converges, and returns {name: text} of what changes."""

    def run(files, config=(WANTED,), disable=DISABLE):
        (tmp_path / "sources.list.d").mkdir(exist_ok=True)
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        sources = module.Sources(str(tmp_path))
        module.converge(sources, str(tmp_path), list(config), list(disable))
        return {os.path.relpath(path, tmp_path): sources.text(path) for path in sources.changed()}

    return run


CASES = {
    "an empty /etc/apt gets the repository": ({}, {"sources.list.d/proxmox.sources": WRITTEN}),
    "what is there stays": ({"sources.list.d/proxmox.sources": WRITTEN}, {}),
    "another file may provide it": ({"sources.list.d/other.sources": WRITTEN}, {}),
    "a one-line entry provides it too": (
        {"sources.list": "deb http://mirror.example/debian/pve/ trixie pve-no-subscription # mirror\n"},
        {},
    ),
    "a commented line does not": (
        {"sources.list": "# deb http://mirror.example/debian/pve trixie pve-no-subscription\n"},
        {"sources.list.d/proxmox.sources": WRITTEN},
    ),
    "a source entry does not": (
        {"sources.list.d/src.sources": WRITTEN.replace("Types: deb", "Types: deb-src")},
        {"sources.list.d/proxmox.sources": WRITTEN},
    ),
    "the enterprise repository is disabled in place": (
        {"sources.list.d/proxmox.sources": WRITTEN, "sources.list.d/pve-enterprise.sources": ENTERPRISE + "\n"},
        {"sources.list.d/pve-enterprise.sources": ENTERPRISE + "\nEnabled: no\n"},
    ),
    "disabled stays disabled": (
        {
            "sources.list.d/proxmox.sources": WRITTEN,
            "sources.list.d/pve-enterprise.sources": ENTERPRISE + "\nEnabled: no\n",
        },
        {},
    ),
    "an explicit yes becomes no": (
        {
            "sources.list.d/proxmox.sources": WRITTEN,
            "sources.list.d/pve-enterprise.sources": "Enabled: yes\n" + ENTERPRISE + "\n",
        },
        {"sources.list.d/pve-enterprise.sources": ENTERPRISE + "\nEnabled: no\n"},
    ),
    "the one-line file of PVE 8 is commented": (
        {
            "sources.list.d/proxmox.sources": WRITTEN,
            "sources.list.d/pve-enterprise.list": (
                "deb https://enterprise.proxmox.com/debian/pve bookworm pve-enterprise\n"
            ),
        },
        {
            "sources.list.d/pve-enterprise.list": (
                "# deb https://enterprise.proxmox.com/debian/pve bookworm pve-enterprise\n"
            )
        },
    ),
    "other stanzas of a file are kept": (
        {"sources.list.d/proxmox.sources": DEBIAN + "\n" + ENTERPRISE + "\n"},
        {"sources.list.d/proxmox.sources": DEBIAN + "\n" + WRITTEN},
    ),
    "Debian's own entries are not touched": (
        {"sources.list.d/debian.sources": DEBIAN, "sources.list.d/proxmox.sources": WRITTEN},
        {},
    ),
    "a second provider of the same repository is disabled": (
        {"sources.list.d/a.sources": WRITTEN, "sources.list.d/b.sources": WRITTEN},
        {"sources.list.d/b.sources": WRITTEN + "Enabled: no\n"},
    ),
    "blank lines and comments do not make a change": (
        {"sources.list.d/proxmox.sources": "# mine\n\n \n" + WRITTEN + "\n\n"},
        {},
    ),
}


@pytest.mark.parametrize("files, changed", CASES.values(), ids=CASES.keys())
def test_converge(apt, files, changed):
    assert apt(files) == changed


@pytest.mark.parametrize("files, changed", CASES.values(), ids=CASES.keys())
def test_second_run_changes_nothing(apt, files, changed):
    assert apt({**files, **changed}) == {}


def test_nothing_is_disabled_without_a_word(apt):
    files = {"sources.list.d/proxmox.sources": WRITTEN, "sources.list.d/pve-enterprise.sources": ENTERPRISE}
    assert apt(files, disable=()) == {}


FIRMWARE = {
    "a stanza": (
        {"sources.list.d/debian.sources": DEBIAN + "Enabled: yes\n"},
        {"sources.list.d/debian.sources": DEBIAN.replace("main", "main non-free-firmware") + "Enabled: yes\n"},
    ),
    "lines, with and without a comment": (
        {
            "sources.list": "deb http://d.example/debian trixie main contrib # mirror\n"
            "deb [arch=amd64] http://d.example/security trixie-security main\n"
            "deb-src http://d.example/debian trixie main\n"
        },
        {
            "sources.list": "deb http://d.example/debian trixie main contrib non-free-firmware # mirror\n"
            "deb [arch=amd64] http://d.example/security trixie-security main non-free-firmware\n"
            "deb-src http://d.example/debian trixie main\n"
        },
    ),
    "it is there": ({"sources.list": "deb http://d.example/debian trixie main non-free-firmware\n"}, {}),
    "a repository of others": ({"sources.list": "deb http://ceph.example/debian-squid trixie ceph\n"}, {}),
    "another release": ({"sources.list": "deb http://d.example/debian sid main\n"}, {}),
    "disabled": ({"sources.list.d/debian.sources": DEBIAN + "Enabled: no\n"}, {}),
}


@pytest.mark.parametrize(("before", "after"), FIRMWARE.values(), ids=FIRMWARE)
def test_components_of_debian(tmp_path, before, after):
    (tmp_path / "sources.list.d").mkdir()
    for name, text in before.items():
        (tmp_path / name).write_text(text)
    for _once in range(2):
        sources = module.Sources(str(tmp_path))
        module.complete(sources, "trixie", ["non-free-firmware"])
        changed = {os.path.relpath(path, tmp_path): sources.text(path) for path in sources.changed()}
        assert changed == after
        for name, text in after.items():
            (tmp_path / name).write_text(text)
        after = {}


def test_components_of_debian_in_a_form_that_is_not_known(tmp_path):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/debian.sources").write_text(DEBIAN.replace("Components: main", "Components:\n main"))
    with pytest.raises(ValueError, match="expected the components of a stanza in the line of their name"):
        module.complete(module.Sources(str(tmp_path)), "trixie", ["non-free-firmware"])
