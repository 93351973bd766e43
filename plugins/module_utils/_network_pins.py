# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Names of NICs that stay, by systemd's C(.link) files, as Proxmox's own tool keeps them.

Place, prefix and form: PVE::CLI::pve_network_interface_pinning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.baremetal.proxmox.plugins.module_utils._network_node import Link

DIRECTORY = "/usr/local/lib/systemd/network"


def text(mac: str, name: str) -> str:
    return f"[Match]\nMACAddress={mac}\nType=ether\n\n[Link]\nName={name}\n"


def plan(renames: Mapping[str, Link], root: Path = Path("/")) -> dict[str, tuple[str, str | None]]:
    """What becomes of the link files: by path, the text before (empty if there is none) and after (None: removed).

    A file that gives another name to the same card goes, also one with the prefix of older releases.
    """
    directory = root / DIRECTORY.lstrip("/")
    there = (
        {path.name: path.read_text() for path in sorted(directory.glob("50-p*-*.link"))} if directory.is_dir() else {}
    )
    changes: dict[str, tuple[str, str | None]] = {}
    for name, link in renames.items():
        own = f"50-pmx-{name}.link"
        for file, content in there.items():
            mac = re.search(r"^MACAddress=(\S+)$", content, re.MULTILINE)
            named = re.fullmatch(r"50-(?:pmx|pve)-(.+)\.link", file)
            if file != own and named and (named.group(1) == name or (mac and mac.group(1).lower() == link.mac)):
                changes[f"{DIRECTORY}/{file}"] = (content, None)
        if there.get(own) != text(link.mac, name):
            changes[f"{DIRECTORY}/{own}"] = (there.get(own, ""), text(link.mac, name))
    return changes
