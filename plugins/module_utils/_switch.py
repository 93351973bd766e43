# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""C(disable) in a file of sections: there or not there, never 0 (write_config in PVE/SectionConfig.pm)."""

from __future__ import annotations

from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Item


def switched(values: Item, present: Item | None) -> Item:
    """What is not switched off does not have the setting. The API of HA's rules even drops a 0 (update_rule)."""
    if values.get("disable") is False:
        del values["disable"]
        if present is not None:
            values["disable"] = None
    return values
