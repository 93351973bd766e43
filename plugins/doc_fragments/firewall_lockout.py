# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  allow_lockout:
    description:
      - Do it even though an address from which there is an ssh connection to this node now, or from which the API is asked,
        could no longer reach a node by it.
    type: bool
    default: false
"""
