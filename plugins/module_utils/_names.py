# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The names that Proxmox takes. The patterns are for C(fullmatch)."""

from __future__ import annotations

import re

# PVE/JSONSchema.pm, format pve-node; the label length is that of DNS
NODE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
# PVE/Corosync.pm and PVE/API2/ClusterConfig.pm: the format of clustername is pve-node, at most 15 characters
CLUSTER = re.compile(r"(?=.{1,15}$)[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?")

NODE_MEANING = "letters, digits and hyphens (one label of at most 63)"
CLUSTER_MEANING = "at most 15 letters, digits and hyphens, not beginning or ending with a hyphen"

# PVE/API2/Subscription.pm: sockets, level, since 9.2 perhaps the architecture, serial number
SUBSCRIPTION = re.compile(r"pve[1248][cbsp]-(?:arm-)?[0-9a-f]{10}")
SUBSCRIPTION_MEANING = "a subscription key of Proxmox VE, such as pve2c- and ten hexadecimal digits"
