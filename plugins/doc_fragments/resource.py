# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  state:
    description:
      - V(merged) creates what does not exist and changes the settings that are written; others stay.
      - V(replaced) also takes away the settings of a listed item that are not written, except secrets and what
        Proxmox itself filled in.
      - V(overridden) also removes items that are not listed; built-in ones stay.
      - V(deleted) removes the listed items.
      - V(gathered) changes nothing and returns the items, all of them or the listed ones, as O(config) takes them.
    type: str
    choices: [merged, replaced, overridden, deleted, gathered]
    default: merged
attributes:
  check_mode:
    description: Runs without changing anything, and tells what would be changed.
    support: full
    details:
      - On a machine on which Proxmox is not installed yet, the plan starts from what a fresh installation has.
  diff_mode:
    description: Shows the items that change, before and after. Secrets are not in it.
    support: full
"""
